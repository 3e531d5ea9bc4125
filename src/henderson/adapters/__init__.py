"""Bridges to other packages: scikit-learn and marginaleffects; each loads its package when it is imported."""
