"""What a fit says, as facts: every sentence of an explanation rests on one of these."""
