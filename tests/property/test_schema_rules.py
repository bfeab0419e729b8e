"""Three interpreters, one meaning: SQL, grid and rows agree on conditions nobody wrote."""

import itertools
from datetime import date

import duckdb
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthgen.schema.ddl import create_table
from synthgen.schema.load import load_schema
from synthgen.schema.model import Rule, Severity
from synthgen.schema.rules import check_rule, evaluate, impossible_where, parse, to_sql
from synthgen.schema.rules.tree import without_not

SCHEMA = load_schema("rare-cancer")
TOPOGRAPHY = ("C402", "C410", "C419", "C491", "C569", "C619", "C620", "C700")
COLUMNS = {
    "patient.sex": ("1", "2"),
    "tumour.topography": TOPOGRAPHY,
    "tumour.grade": ("1", "4", "6", "9"),
    "tumour.age_at_diagnosis": tuple(range(0, 121, 7)),
    "tumour.tumour_sequence": (1, 2, 3),
    "tumour.diagnosis_date": tuple(date(2000 + n, 1 + n % 12, 1 + 3 * n) for n in range(9)),
    "patient.death_date": (date(2000, 2, 29), date(2003, 4, 10), date(2010, 12, 31)),
}
TEXTS = [name for name, values in COLUMNS.items() if isinstance(values[0], str)]
NUMBERS = [name for name, values in COLUMNS.items() if isinstance(values[0], int)]
DATES = [name for name, values in COLUMNS.items() if isinstance(values[0], date)]
OPERATORS = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])


def quoted(value):
    return f"date '{value.isoformat()}'" if isinstance(value, date) else repr(value)


@st.composite
def comparisons(draw, names=tuple(COLUMNS)):
    name = draw(st.sampled_from(names))
    values = COLUMNS[name]
    kind = draw(st.sampled_from(["compare", "in", "null", "special"]))
    if kind == "compare":
        return f"{name} {draw(OPERATORS)} {quoted(draw(st.sampled_from(values)))}"
    if kind == "null":
        return f"{name} is {draw(st.sampled_from(['', 'not ']))}null"
    if kind == "in" and name not in DATES:
        low, high = sorted(draw(st.tuples(st.sampled_from(values), st.sampled_from(values))))
        item = f"{low!r}-{high!r}" if low != high else repr(low)
        return f"{name} {draw(st.sampled_from(['', 'not ']))}in [{item}, {values[0]!r}]"
    if name == "tumour.topography":
        return "left(tumour.topography, 3) = 'C40' or group(tumour.topography, multiple_primary_site) != 'bone'"
    if name in NUMBERS:
        return f"{name} * 2 - 3 {draw(OPERATORS)} {draw(st.integers(-9, 200))}"
    if name in DATES:
        function = draw(st.sampled_from(["years", "days"]))
        two = draw(st.sampled_from(DATES))
        return f"{function}({name}, {two}) {draw(OPERATORS)} {draw(st.integers(-9, 400))}"
    return f"{name} = {values[0]!r}"


def conditions(names=tuple(COLUMNS)):
    return st.recursive(
        comparisons(names),
        lambda inner: st.one_of(
            st.tuples(inner, inner).map(lambda two: f"({two[0]}) and ({two[1]})"),
            st.tuples(inner, inner).map(lambda two: f"({two[0]}) or ({two[1]})"),
            inner.map(lambda one: f"not ({one})"),
        ),
        max_leaves=6,
    )


rows = st.fixed_dictionaries({n: st.none() | st.sampled_from(v) for n, v in COLUMNS.items()})


def rule(when):
    return Rule("R", Severity.IMPOSSIBLE, when, "m", "m", "s")


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(when=conditions(), table=st.lists(rows, min_size=1, max_size=12))
def test_sql_catches_the_rows_that_python_catches(when, table):
    tumours = f"{when} and tumour.tumour_id is not null"  # so that it is about tumours
    checked = check_rule(SCHEMA, rule(tumours))
    with duckdb.connect() as database:
        for name in ("patient", "tumour"):
            database.execute(create_table(SCHEMA, SCHEMA.table(name), keys=False))
        for number, row in enumerate(table):
            row["tumour.tumour_id"], row["tumour.patient_id"] = f"T{number}", f"P{number}"
            row["patient.patient_id"] = f"P{number}"
            for name in ("patient", "tumour"):
                held = {k.split(".")[1]: v for k, v in row.items() if k.startswith(f"{name}.")}
                marks = ", ".join("?" for _ in held)
                database.execute(
                    f"INSERT INTO {name} ({', '.join(held)}) VALUES ({marks})",  # noqa: S608
                    list(held.values()),
                )
        query = to_sql(SCHEMA, checked).select('"tumour"."tumour_id"')
        found = {name for (name,) in database.sql(query).fetchall()}
    expected = {
        row["tumour.tumour_id"] for row in table if evaluate(SCHEMA, checked.condition, row) is True
    }
    assert found == expected


@settings(deadline=None, max_examples=200)
@given(when=conditions(), row=rows)
def test_moving_not_inside_changes_nothing(when, row):
    condition = parse(when)
    assert evaluate(SCHEMA, condition, row) == evaluate(SCHEMA, without_not(condition), row)


GRID = ("sex", "site_group", "grade")
SITES = ("bone", "soft_tissue", "ovary", "testis")


def possible_rows(sex, site, grade):
    ranges = {"bone": ("C400", "C419"), "soft_tissue": ("C470", "C499"), "ovary": ("C569", "C569"),
              "testis": ("C620", "C629")}  # fmt: skip
    low, high = ranges[site]
    for place in SCHEMA.code_lists["topography"].index:
        if low <= place <= high and not "C480" <= place <= "C488":
            yield {"patient.sex": sex, "tumour.topography": place, "tumour.grade": grade}


@settings(deadline=None, max_examples=100)
@given(when=conditions(("patient.sex", "tumour.topography", "tumour.grade")))
def test_a_cell_that_the_grid_calls_impossible_has_no_row_that_the_rule_lets_pass(when):
    checked = check_rule(SCHEMA, rule(when))
    scope = {"site_group": SITES}
    met = impossible_where(SCHEMA, checked, GRID, scope)
    sites = [c for c in SCHEMA.variable("site_group").codes if c in SITES]
    grades = SCHEMA.variable("grade").codes
    for i, j, k in itertools.product(range(2), range(len(sites)), range(len(grades))):
        held = possible_rows(("1", "2")[i], sites[j], grades[k])
        caught = [evaluate(SCHEMA, checked.condition, row) is True for row in held]
        assert caught
        if met[i, j, k]:
            assert all(caught)


@settings(deadline=None, max_examples=100)
@given(when=comparisons(("patient.sex", "tumour.topography", "tumour.grade")))
def test_one_comparison_is_found_wherever_it_holds_for_every_row(when):
    checked = check_rule(SCHEMA, rule(when.split(" or ")[0]))
    scope = {"site_group": SITES}
    met = impossible_where(SCHEMA, checked, GRID, scope)
    sites = [c for c in SCHEMA.variable("site_group").codes if c in SITES]
    grades = SCHEMA.variable("grade").codes
    expected = np.array(
        [
            [
                [
                    all(
                        evaluate(SCHEMA, checked.condition, row) is True
                        for row in possible_rows(sex, site, grade)
                    )
                    for grade in grades
                ]
                for site in sites
            ]
            for sex in ("1", "2")
        ]
    )
    assert np.array_equal(met, expected)


PAIRS = (
    "other.topography = tumour.topography",
    "left(other.topography, 3) = left(tumour.topography, 3)",
    "other.tumour_sequence < tumour.tumour_sequence",
    "other.diagnosis_date >= tumour.diagnosis_date",
    "other.grade is null",
    "days(other.diagnosis_date, tumour.diagnosis_date) in [0-900]",
    "patient.sex = '1'",
    "group(other.topography, multiple_primary_site) = group(tumour.topography, multiple_primary_site)",
)


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(
    parts=st.lists(st.sampled_from(PAIRS), min_size=1, max_size=4),
    own=st.sampled_from(["tumour.grade in ['1', '9'] and ", "not ", ""]),
    tumours=st.lists(
        st.fixed_dictionaries(
            {n: st.none() | st.sampled_from(v) for n, v in COLUMNS.items() if n.startswith("tum")}
        ),
        min_size=1,
        max_size=7,
    ),
    owners=st.lists(st.sampled_from(["P1", "P2", None]), min_size=7, max_size=7),
)
def test_sql_pairs_the_rows_that_python_pairs(parts, own, tumours, owners):
    when = f"{own}another tumour by patient_id where ({' and '.join(parts)})"
    checked = check_rule(SCHEMA, rule(when))
    sexes = {"P1": "1", "P2": "2"}
    with duckdb.connect() as database:
        for name in ("patient", "tumour"):
            database.execute(create_table(SCHEMA, SCHEMA.table(name), keys=False))
        for owner, sex in sexes.items():
            database.execute("INSERT INTO patient (patient_id, sex) VALUES (?, ?)", [owner, sex])
        for number, (row, owner) in enumerate(zip(tumours, owners, strict=False)):
            row["tumour.tumour_id"], row["tumour.patient_id"] = f"T{number}", owner
            held = {name.split(".")[1]: value for name, value in row.items()}
            marks = ", ".join("?" for _ in held)
            database.execute(
                f"INSERT INTO tumour ({', '.join(held)}) VALUES ({marks})",  # noqa: S608
                list(held.values()),
            )
        query = to_sql(SCHEMA, checked).select('"tumour"."tumour_id"')
        found = {name for (name,) in database.sql(query).fetchall()}
    expected = set()
    for row in tumours:
        owner = row["tumour.patient_id"]
        others = tuple(
            {name.replace("tumour.", "other."): value for name, value in two.items()}
            for two in tumours
            if two is not row and owner is not None and two["tumour.patient_id"] == owner
        )
        whole = {**row, "patient.sex": sexes.get(owner)}
        if evaluate(SCHEMA, checked.condition, whole, others) is True:
            expected.add(row["tumour.tumour_id"])
    assert found == expected
