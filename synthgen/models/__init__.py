"""From statements to a distribution: domain, junction tree, maximum entropy, sampling."""
