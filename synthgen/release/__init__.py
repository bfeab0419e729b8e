"""Release bundles: made only when a policy passes, signed if wanted, verified offline."""
