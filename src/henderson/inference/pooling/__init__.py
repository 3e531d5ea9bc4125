"""Complete, no and partial pooling side by side: coefficients of every group, and how well each predicts."""
