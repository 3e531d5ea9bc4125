"""Power of tests by simulation: studies of other sizes, assumed parameters, replicates."""
