"""Policies, running the measures, and what follows from the findings."""
