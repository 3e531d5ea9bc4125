"""Profile likelihood and bootstrap."""
