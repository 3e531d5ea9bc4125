"""How much a model explains, and how models compare."""
