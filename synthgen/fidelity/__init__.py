"""Fidelity: how a cohort compares with the numbers its model was fitted to."""
