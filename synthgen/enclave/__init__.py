"""Records in, statistics out: the only room that sees real patients."""
