"""From a fitted model to linked tables of synthetic patients, in memory and on disk."""
