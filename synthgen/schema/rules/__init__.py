"""The rule language: one tree, three interpreters (SQL, model grid, single rows).

>>> from synthgen.schema.load import load_schema
>>> schema = load_schema("rare-cancer")
>>> zeros = structural_zeros(schema, ("sex", "site_group"))
>>> zeros.shape
(2, 61)
"""

from synthgen.schema.rules.check import CheckedRule, check_rule
from synthgen.schema.rules.grid import impossible_where, structural_zeros
from synthgen.schema.rules.implied import all_rules, implied_rules
from synthgen.schema.rules.parser import parse
from synthgen.schema.rules.rows import evaluate, is_caught
from synthgen.schema.rules.sql import RuleSql, to_sql

__all__ = [
    "CheckedRule",
    "RuleSql",
    "all_rules",
    "check_rule",
    "evaluate",
    "implied_rules",
    "impossible_where",
    "is_caught",
    "parse",
    "structural_zeros",
    "to_sql",
]
