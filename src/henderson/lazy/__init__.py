"""Lazy and distributed data: the rows stay on their engine, grouped sums of products come back."""

from henderson.lazy.engines import is_lazy

__all__ = ["is_lazy"]
