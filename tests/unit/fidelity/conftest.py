"""A schema of two tables, a model and cohorts of a few patients, all made by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from synthgen.cohort.cohort import Cohort
from synthgen.cohort.fitted_model import FittedModel
from synthgen.models.distribution import ConditionalTable, Distribution
from synthgen.models.domain import Domain
from synthgen.models.fit import Gap
from synthgen.schema.model import (
    Category,
    Column,
    ColumnType,
    ForeignKey,
    Schema,
    Table,
    Variable,
)
from synthgen.statistics.model import (
    Block,
    Cell,
    Relation,
    Source,
    StatisticsPack,
    StatisticsTable,
    Target,
)
from synthgen.statistics.statement import Statement

EDGES = (0.0, 1.0, 3.0, 5.0, math.inf)


def column(name: str, kind: ColumnType = ColumnType.CODE) -> Column:
    return Column(name, kind, True, name, f"{name} (ko)")


def variable(name: str, *codes: str, **more: object) -> Variable:
    categories = tuple(Category(c, f"{c} in English", f"{c} 한국어") for c in codes)
    return Variable(name, f"{name} title", f"{name} 제목", categories, **more)  # type: ignore[arg-type]


def bins(name: str, *edges: float, **more: object) -> Variable:
    made = []
    for low, high in pairwise(edges):
        label = f"{low:g}+" if math.isinf(high) else f"{low:g}-{high:g}"
        made.append(Category(label, label, label, low, high))
    return Variable(name, f"{name} title", f"{name} 제목", tuple(made), **more)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def schema() -> Schema:
    """Patients and tumours; a site group that topography and histology imply."""
    patient = Table(
        "patient",
        "Patient",
        "환자",
        "person",
        (
            column("patient_id", ColumnType.STRING),
            column("sex"),
            column("birth_year", ColumnType.INTEGER),
            column("birth_month", ColumnType.INTEGER),
            column("vital_status"),
            column("last_contact_date", ColumnType.DATE),
        ),
        ("patient_id",),
    )
    tumour = Table(
        "tumour",
        "Tumour",
        "종양",
        "tumour",
        (
            column("tumour_id", ColumnType.STRING),
            column("patient_id", ColumnType.STRING),
            column("diagnosis_date", ColumnType.DATE),
            column("age_at_diagnosis", ColumnType.INTEGER),
            column("topography"),
            column("morphology"),
            column("behaviour"),
            column("seer_stage"),
        ),
        ("tumour_id",),
        (ForeignKey(("patient_id",), "patient", ("patient_id",)),),
    )
    solid = ("8000-9049", "9056-9589")
    return Schema(
        "small",
        "1.0.0",
        "Small",
        "작은 스키마",
        (patient, tumour),
        {},
        variables=(
            variable("sex", "1", "2", column="patient.sex"),
            bins("age_group", 0, 40, 60, math.inf, column="tumour.age_at_diagnosis", unit="years"),
            variable(
                "site_group",
                "bone",
                "mesothelioma",
                implies={
                    "bone": {"tumour.topography": ("C400-C419",)},
                    "mesothelioma": {
                        "tumour.topography": ("C000-C809",),
                        "tumour.morphology": ("9050-9055",),
                    },
                },
            ),
            variable(
                "morphology",
                "91803",
                "92203",
                "90503",
                joins=("tumour.morphology", "tumour.behaviour"),
                implies={
                    code: {"tumour.morphology": (code[:4],), "tumour.behaviour": (code[4],)}
                    for code in ("91803", "92203", "90503")
                },
            ),
            variable("stage", "1", "7", column="tumour.seer_stage"),
            variable("nowhere", "a", "b"),
            bins("net_survival", *EDGES, unit="years since diagnosis"),
            variable("unused", *solid),
        ),
    )


@pytest.fixture(scope="session")
def domain() -> Domain:
    return Domain(
        (
            ("sex", ("1", "2")),
            ("age_group", ("0-40", "40-60", "60+")),
            ("site_group", ("bone", "mesothelioma")),
            ("morphology", ("91803", "92203", "90503")),
            ("stage", ("1", "7")),
            ("nowhere", ("a", "b")),
            ("net_survival", ("0-1", "1-3", "3-5", "5+")),
        )
    )


@pytest.fixture(scope="session")
def distribution(domain: Domain) -> Distribution:
    """Women have mesothelioma twice as often; all else is independent."""
    shares = {
        "sex": [0.5, 0.5],
        "age_group": [0.2, 0.3, 0.5],
        "morphology": [0.3, 0.3, 0.4],
        "stage": [0.75, 0.25],
        "nowhere": [0.5, 0.5],
        "net_survival": [0.2, 0.3, 0.1, 0.4],
    }
    site = ConditionalTable(("sex",), ("site_group",), np.array([[0.8, 0.2], [0.6, 0.4]]))
    single = {n: ConditionalTable((), (n,), np.array(p)) for n, p in shares.items()}
    names = [n for n in domain.names if n not in {"sex", "site_group"}]
    return Distribution(domain, (single["sex"], site, *(single[n] for n in names)))


def statement(
    event: dict[str, tuple[str, ...]],
    given: dict[str, tuple[str, ...]] | None = None,
    **more: object,
) -> Statement:
    """A statement with everything that a test does not care about filled in."""
    settings: dict[str, object] = {
        "table": "t",
        "row": 2,
        "kind": "shares",
        "relation": Relation.PUBLISHED,
        "event": {**event, **(given or {})} if not set(event) & set(given or {}) else event,
        "given": given or {},
        "lower": 0.3,
        "upper": 0.3,
        "standard_error": 0.05,
        "cases": 100.0,
        "estimator": "share",
        "printed": "30",
    }
    return Statement(**{**settings, **more})  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def say() -> Callable[..., Statement]:
    return statement


def life_table() -> StatisticsTable:
    """Nobody of the general population dies before 120, so that sums can be done by hand."""
    cells = tuple(
        Cell({"sex": (sex,)}, 0.0, 0.0, age=age, row=2 + age) for sex in "12" for age in range(100)
    )
    return table_named("life", kind="life_table", variables=("sex",), cells=cells)


def table_named(name: str, **more: object) -> StatisticsTable:
    settings: dict[str, object] = {
        "name": name,
        "title": f"Table {name}",
        "title_ko": f"표 {name}",
        "kind": "shares",
        "variables": ("stage",),
        "given": (),
        "scope": {},
        "relation": Relation.PUBLISHED,
        "source": "s",
        "population": "somewhere",
        "period": "2020",
        "cells": (),
    }
    return StatisticsTable(**{**settings, **more})  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def make_model(schema: Schema, distribution: Distribution) -> Callable[..., FittedModel]:
    """A model that was fitted to the statements given; each is (statement, fitted value)."""

    def make(*said: tuple[Statement, float], estimator: str = "") -> FittedModel:
        pack = StatisticsPack(
            "small-pack",
            "1",
            schema.key,
            "Small pack",
            "작은 팩",
            "public-statistics",
            Target("somewhere", "어딘가", "2020"),
            {},
            {"s": Source("s", "Somebody 2020", "CC BY 4.0", "open")},
            (table_named("t", estimator=estimator), table_named("u"), life_table()),
            (Block("all", distribution.domain.names),),
        )
        gaps = tuple(Gap(s, fitted, 0.0, 0.0) for s, fitted in said)
        return FittedModel("small", schema, pack, distribution, gaps, 0.0, "0" * 64)

    return make


@pytest.fixture(scope="session")
def make_cohort(schema: Schema) -> Callable[..., Cohort]:
    """A cohort from rows (sex, age, topography, histology, stage, years, dead)."""

    def make(*rows: tuple[object, ...], where: dict[str, list[str]] | None = None) -> Cohort:
        count = len(rows)
        ids = [f"P{i}" for i in range(count)]
        diagnosis = np.full(count, np.datetime64("2013-07-01"))
        days = np.array([round(float(r[5]) * 365.25) for r in rows])  # type: ignore[arg-type]
        patient = pd.DataFrame(
            {
                "patient_id": ids[::-1],  # another order than the tumours'
                "sex": pd.Categorical([r[0] for r in rows][::-1], categories=["2", "1"]),
                "birth_year": pd.Series([2013 - int(r[1]) for r in rows][::-1], dtype="Int64"),  # type: ignore[call-overload]
                "birth_month": pd.Series([1] * count, dtype="Int64"),
                "vital_status": pd.Categorical(["2" if r[6] else "1" for r in rows][::-1]),
                "last_contact_date": pd.Series((diagnosis + days)[::-1].astype("datetime64[s]")),
            }
        )
        tumour = pd.DataFrame(
            {
                "tumour_id": [f"{i}T1" for i in ids],
                "patient_id": ids,
                "diagnosis_date": pd.Series(diagnosis.astype("datetime64[s]")),
                "age_at_diagnosis": pd.Series([r[1] for r in rows], dtype="Int64"),
                "topography": [r[2] for r in rows],
                "morphology": pd.Categorical([r[3] for r in rows]),
                "behaviour": "3",
                "seer_stage": pd.Categorical([r[4] for r in rows]),
            }
        )
        manifest = {"settings": {"n": count, "seed": 1, "where": where or {}}}
        return Cohort(schema, {"patient": patient, "tumour": tumour}, manifest)

    return make


@pytest.fixture(scope="session")
def eight(make_cohort: Callable[..., Cohort]) -> Cohort:
    """Eight patients, four of each sex, followed for up to six years."""
    return make_cohort(
        ("1", 10, "C400", "9180", "1", 6.0, False),
        ("1", 39, "C402", "9180", "1", 0.5, True),
        ("1", 40, "C410", "9220", "7", 2.0, True),
        ("1", 59, "C384", "9050", "1", 6.0, False),
        ("2", 60, "C400", "9220", None, 2.0, False),
        ("2", 90, "C384", "9050", "7", 0.5, True),
        ("2", 70, "C384", "9050", "1", 4.0, True),
        ("2", 61, "C419", "9180", "1", 6.0, False),
    )
