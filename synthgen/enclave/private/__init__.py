"""Tables with differential privacy: bounded contributions, counted questions, vetted noise."""
