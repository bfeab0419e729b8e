"""Privacy: attacks on a cohort and on the generator behind it, and what they found."""
