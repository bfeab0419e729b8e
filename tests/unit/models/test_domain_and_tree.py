import pytest

from synthgen.errors import ModelError
from synthgen.models.domain import Domain
from synthgen.models.junction_tree import junction_tree

DOMAIN = Domain(tuple((name, ("0", "1")) for name in "abcdef"))


def test_a_variable_that_stands_twice_is_refused():
    with pytest.raises(ModelError, match="^domain: a variable stands twice in a, a"):
        Domain((("a", ("0",)), ("a", ("1",))))


def test_a_variable_without_codes_is_refused():
    with pytest.raises(ModelError, match=r"^domain: variable a needs codes, each once \(0 given\)"):
        Domain((("a", ()),))


def test_an_unknown_code_is_named_with_its_variable():
    with pytest.raises(ModelError, match=r"^variable a: has no code 7 \(1 unknown codes\)"):
        DOMAIN.positions("a", ["0", "7"])


def test_a_mask_covers_absent_variables_whole():
    mask = DOMAIN.mask(("a", "b"), {"b": ("1",), "f": ("0",)})
    assert mask.tolist() == [[False, True], [False, True]]


def test_every_set_is_inside_a_clique_and_parents_come_first():
    sets = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "a"), ("e",)]
    tree = junction_tree(DOMAIN, sets)
    for names in sets:
        assert set(names) <= set(tree.cliques[tree.home(names)])
    assert all(parent < i for i, parent in enumerate(tree.parents))
    assert max(len(clique) for clique in tree.cliques) == 3


def test_separators_have_the_running_intersection_property():
    tree = junction_tree(DOMAIN, [("a", "b", "c"), ("b", "c", "d"), ("d", "e"), ("e", "f")])
    for name in DOMAIN.names:
        holding = [i for i, clique in enumerate(tree.cliques) if name in clique]
        tops = [i for i in holding if name not in tree.separators[i]]
        assert len(tops) == 1


def test_the_root_holds_what_it_is_asked_to():
    tree = junction_tree(DOMAIN, [("a", "b"), ("b", "c")], root=("c", "f"))
    assert {"c", "f"} <= set(tree.cliques[0])


def test_a_clique_that_is_too_large_is_refused_with_its_variables():
    with pytest.raises(ModelError, match=r"a \(2\) x b \(2\) x c \(2\) together; that is 8 cells"):
        junction_tree(DOMAIN, [("a", "b", "c")], limit=7)
