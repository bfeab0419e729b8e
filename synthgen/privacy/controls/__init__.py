"""Generators that are known to leak, to be useless, or to be honest: what a policy must see."""
