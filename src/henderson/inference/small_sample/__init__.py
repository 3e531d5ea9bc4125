"""Degrees of freedom and covariances that hold in small samples: Satterthwaite and Kenward-Roger."""
