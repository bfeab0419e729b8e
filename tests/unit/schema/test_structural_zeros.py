import time

import numpy as np
import pytest

from synthgen.errors import SchemaError
from synthgen.schema.load import load_schema
from synthgen.schema.model import Rule, Severity
from synthgen.schema.rules import check_rule, impossible_where, structural_zeros

SCHEMA = load_schema("rare-cancer")


def position(variable, code):
    return SCHEMA.variable(variable).codes.index(code)


def zero(zeros, variables, **codes):
    return bool(zeros[tuple(position(name, codes[name]) for name in variables)])


def test_sex_excludes_the_organs_of_the_other_sex():
    axes = ("sex", "site_group")
    zeros = structural_zeros(SCHEMA, axes)
    assert zero(zeros, axes, sex="2", site_group="testis")
    assert zero(zeros, axes, sex="1", site_group="ovary")
    assert not zero(zeros, axes, sex="1", site_group="testis")
    assert zeros.sum() == 4 + 8  # penis, prostate, testis, other; vulva ... placenta


def test_an_entity_excludes_other_sites_and_histologies():
    axes = ("entity", "topography")
    zeros = structural_zeros(SCHEMA, axes)
    assert not zero(zeros, axes, entity="osteosarcoma", topography="C402")
    assert zero(zeros, axes, entity="osteosarcoma", topography="C492")
    axes = ("entity", "morphology")
    zeros = structural_zeros(SCHEMA, axes)
    assert not zero(zeros, axes, entity="thymoma", morphology="85843")
    assert zero(zeros, axes, entity="thymoma", morphology="85863")


def test_categories_that_share_no_value_of_a_column_cannot_meet():
    axes = ("site_group", "entity")
    zeros = structural_zeros(SCHEMA, axes)
    assert not zero(zeros, axes, site_group="bone", entity="osteosarcoma")
    assert zero(zeros, axes, site_group="soft_tissue", entity="osteosarcoma")
    assert not zero(zeros, axes, site_group="eye", entity="uveal_melanoma")
    assert not zero(zeros, axes, site_group="eye", entity="retinoblastoma")
    assert zero(zeros, axes, site_group="testis", entity="mesothelioma")
    assert not zeros.all(axis=0).any()
    assert not zeros.all(axis=1).any()


def test_a_rule_reaches_an_axis_through_what_it_implies():
    axes = ("sex", "entity")
    zeros = structural_zeros(SCHEMA, axes)
    assert zero(zeros, axes, sex="2", entity="testicular_germ_cell")
    assert zero(zeros, axes, sex="1", entity="vulva_carcinoma")
    assert not zero(zeros, axes, sex="1", entity="mesothelioma")


def test_stage_in_situ_is_impossible_for_what_is_malignant():
    axes = ("entity", "seer_stage")
    zeros = structural_zeros(SCHEMA, axes)
    assert zero(zeros, axes, entity="gist", seer_stage="0")
    assert not zero(zeros, axes, entity="other_tumour", seer_stage="0")


def test_lymphomas_have_no_grade_of_differentiation():
    axes = ("morphology", "grade")
    zeros = structural_zeros(SCHEMA, axes)
    assert zero(zeros, axes, morphology="96803", grade="3")
    assert not zero(zeros, axes, morphology="96803", grade="6")
    assert not zeros[:, position("grade", "9")].any()


def test_unlikely_is_never_a_structural_zero():
    axes = ("age_group", "entity")
    assert not structural_zeros(SCHEMA, axes).any()


def test_scope_restricts_an_axis_in_the_order_of_the_schema():
    scope = {"entity": ("gist", "osteosarcoma"), "sex": ("2",)}
    zeros = structural_zeros(SCHEMA, ("sex", "entity", "topography"), scope)
    assert zeros.shape == (1, 2, 330)
    assert zeros[0, 1, position("topography", "C402")]  # gist is the second
    assert not zeros[0, 0, position("topography", "C402")]


def test_a_scope_beside_the_axes_counts_too():
    zeros = structural_zeros(SCHEMA, ("topography",), {"entity": ("osteosarcoma", "thymoma")})
    possible = [c for c, z in zip(SCHEMA.variable("topography").codes, zeros, strict=True) if not z]
    assert possible[0] == "C379"
    assert "C402" in possible
    assert "C509" not in possible


def test_an_order_of_axes_only_transposes():
    one = structural_zeros(SCHEMA, ("sex", "entity", "seer_stage"))
    two = structural_zeros(SCHEMA, ("seer_stage", "sex", "entity"))
    assert np.array_equal(one.transpose(2, 0, 1), two)


def test_ages_are_whole_years_of_their_bin():
    def where(when):
        checked = check_rule(SCHEMA, Rule("R", Severity.IMPOSSIBLE, when, "m", "m", "s"))
        met = impossible_where(SCHEMA, checked, ("age_group",))
        return [c for c, m in zip(SCHEMA.variable("age_group").codes, met, strict=True) if m]

    assert where("tumour.age_at_diagnosis < 10") == ["0-4", "5-9"]
    assert where("tumour.age_at_diagnosis <= 8") == ["0-4"]
    assert where("tumour.age_at_diagnosis * 2 > 168") == ["85+"]
    assert where("tumour.age_at_diagnosis in [4]") == []
    assert where("not (tumour.age_at_diagnosis >= 5 or tumour.age_at_diagnosis is null)") == ["0-4"]
    assert where("patient.birth_year > 2000") == []


def test_unknown_variables_and_codes_are_named():
    with pytest.raises(SchemaError, match="has no model variable ghost"):
        structural_zeros(SCHEMA, ("ghost",))
    with pytest.raises(SchemaError, match="variable sex: has no category 3"):
        structural_zeros(SCHEMA, ("sex",), {"sex": ("3",)})
    with pytest.raises(SchemaError, match="a scope must name some of its 2 categories"):
        structural_zeros(SCHEMA, ("sex",), {"sex": ()})


def test_millions_of_cells_are_done_in_seconds():
    began = time.perf_counter()
    zeros = structural_zeros(SCHEMA, ("site_group", "entity", "topography"))
    assert zeros.size == 61 * 122 * 330
    assert time.perf_counter() - began < 5
