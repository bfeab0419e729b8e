"""Clinical tables of a cohort: what follows from the sampled variables by event templates."""
