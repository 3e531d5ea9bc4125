"""A compact copy of the recorded fits whose data travel with the package or are free (CC0)."""
