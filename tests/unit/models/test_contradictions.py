from synthgen.models.contradictions import find_contradictions
from synthgen.models.domain import Domain
from synthgen.statistics.model import Relation
from synthgen.statistics.statement import Statement

DOMAIN = Domain((("age", ("young", "old")), ("entity", ("ewing", "other")), ("sex", ("1", "2"))))


def said(event, value, error, given=None, row=1):
    given = given or {}
    return Statement(
        "t", row, "shares", Relation.PUBLISHED, {**given, **event}, given, value, value, error,
        None, "share",
    )  # fmt: skip


def test_statements_that_can_hold_together_are_not_relaxed():
    statements = [
        said({"age": ("young",)}, 0.2, 0.001, row=1),
        said({"entity": ("ewing",)}, 0.3, 0.001, {"age": ("young",)}, row=2),
        said({"entity": ("ewing",)}, 0.06, 0.001, row=3),
    ]
    assert find_contradictions(DOMAIN, list(enumerate(statements)), []) == []


def test_the_culprit_is_the_one_whose_relaxation_is_cheapest():
    # 34 % of the young cannot be Ewing sarcomas if 1 of 446 of all is.
    statements = [
        said({"age": ("young",)}, 0.25, 0.005, row=1),
        said({"entity": ("ewing",)}, 1 / 446, 1 / 446, row=2),
        said({"entity": ("ewing",)}, 0.34, 0.02, {"age": ("young",)}, row=3),
        said({"sex": ("1",)}, 0.5, 0.01, row=4),
    ]
    found = find_contradictions(DOMAIN, list(enumerate(statements)), [])
    assert found[0].statement.row == 3
    assert {c.statement.row for c in found} <= {2, 3}
    assert 1 < found[0].relaxation < 15
