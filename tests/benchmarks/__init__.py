"""The benchmark runner works, and the memory promise is kept."""
