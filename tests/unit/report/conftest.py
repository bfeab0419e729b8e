"""A small model and a cohort of it, made by arithmetic: no fit and no random numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from synthgen.cohort.cohort import Cohort
from synthgen.cohort.fitted_model import FittedModel
from synthgen.fidelity.compare import compare
from synthgen.models.constraints import statement_variables
from synthgen.models.distribution import ConditionalTable, Distribution
from synthgen.models.domain import Domain
from synthgen.models.fit import Gap
from synthgen.schema.load import load_schema
from synthgen.schema.model import Schema
from synthgen.statistics.model import (
    Block,
    Cell,
    Relation,
    Source,
    StatisticsPack,
    StatisticsTable,
    Target,
)
from synthgen.statistics.statements import statements_of

ENTITIES = ("osteosarcoma", "chondrosarcoma", "testicular_germ_cell")
STAGES = ("1", "2", "3", "7", "9")
CODES = {
    "osteosarcoma": ("C402", "9180"),
    "chondrosarcoma": ("C414", "9220"),
    "testicular_germ_cell": ("C621", "9061"),
}


@pytest.fixture(scope="session")
def schema() -> Schema:
    return load_schema("rare-cancer@1.0.0")


@pytest.fixture(scope="session")
def domain(schema: Schema) -> Domain:
    return Domain(
        (
            ("site_group", ("bone", "testis")),
            ("sex", ("1", "2")),
            ("age_group", schema.variable("age_group").codes),
            ("entity", ENTITIES),
            ("seer_stage", STAGES),
            ("net_survival", schema.variable("net_survival").codes),
        )
    )


@pytest.fixture(scope="session")
def distribution(domain: Domain) -> Distribution:
    """Bone in both sexes, young and old; testis in young men; everything else follows."""
    ages = np.arange(18)
    young = np.exp(-(((ages - 3) / 1.5) ** 2))
    bone_ages = young + 0.6 * np.exp(-(((ages - 12) / 3) ** 2))
    testis_ages = np.exp(-(((ages - 5.5) / 2) ** 2))
    site_sex = np.array([[0.4, 0.3], [0.3, 0.0]])
    age = np.array([[bone_ages, bone_ages], [testis_ages, np.zeros(18)]])
    total = age.sum(axis=2, keepdims=True)
    age = np.divide(age, total, out=np.zeros_like(age), where=total > 0)
    entity = np.array([[0.6, 0.4, 0.0], [0.0, 0.0, 1.0]])
    stage = np.array([[0.5, 0.2, 0.05, 0.2, 0.05], [0.6, 0.2, 0.05, 0.1, 0.05]])
    stage = np.array([*stage, [0.7, 0.02, 0.15, 0.1, 0.03]])
    falling = np.array([0.05, 0.05, 0.1, 0.08, 0.05, 0.04, 0.05, 0.03, 0.02])
    survival = np.array([1.0, 0.6, 0.1])[:, None] * falling
    survival = np.column_stack([survival, 1 - survival.sum(axis=1)])
    return Distribution(
        domain,
        (
            ConditionalTable((), ("site_group", "sex"), site_sex),
            ConditionalTable(("site_group", "sex"), ("age_group",), age),
            ConditionalTable(("site_group",), ("entity",), entity),
            ConditionalTable(("entity",), ("seer_stage",), stage),
            ConditionalTable(("entity",), ("net_survival",), survival),
        ),
    )


def table(name: str, kind: str, cells: list[Cell], **more: object) -> StatisticsTable:
    settings: dict[str, object] = {
        "name": name,
        "title": f"Table {name}",
        "title_ko": f"표 {name}",
        "kind": kind,
        "variables": (),
        "given": (),
        "scope": {},
        "relation": Relation.PUBLISHED,
        "source": "registry",
        "population": "Somewhere",
        "period": "2013-2017",
        "cells": tuple(replace(c, row=i) for i, c in enumerate(cells, start=2)),
    }
    return StatisticsTable(**{**settings, **more})  # type: ignore[arg-type]


def count(n: float, **members: str) -> Cell:
    return Cell({k: tuple(v.split("|")) for k, v in members.items()}, n, n, printed=f"{n:g}")


def share(percent: float, n: float, **members: str) -> Cell:
    p = percent / 100
    chosen = {k: tuple(v.split("|")) for k, v in members.items()}
    return Cell(chosen, p - 0.005, p + 0.005, n=n, printed=f"{percent:g}")


def alive(years: float, percent: float, **members: str) -> Cell:
    p = percent / 100
    chosen = {k: (v,) for k, v in members.items()}
    return Cell(
        chosen,
        p,
        p,
        n=300.0,
        time=years,
        ci_lower=p - 0.06,
        ci_upper=p + 0.06,
        printed=f"{percent:g}",
    )


@pytest.fixture(scope="session")
def pack(schema: Schema, distribution: Distribution) -> StatisticsPack:
    domain = distribution.domain
    joint = distribution.marginal(("site_group", "sex", "age_group"))
    incidence = [
        count(round(4000 * float(joint[i, j, k])), site_group=site, sex=sex, age_group=age)
        for i, site in enumerate(domain.codes["site_group"])
        for j, sex in enumerate("12")
        for k, age in enumerate(domain.codes["age_group"])
    ]
    dying = 1 - np.exp(-2e-5 * np.exp(0.1 * np.arange(100)))
    life = [
        Cell({"sex": (sex,)}, float(q) * rate, float(q) * rate, age=age)
        for sex, rate in (("1", 1.0), ("2", 0.6))
        for age, q in enumerate(dying)
    ]
    stage = [
        share(48, 200, seer_stage="1", entity="osteosarcoma"),
        share(26, 200, seer_stage="2|3", entity="osteosarcoma"),
        share(40, 200, seer_stage="7", entity="osteosarcoma"),
    ]
    whole = [alive(t, p, entity="osteosarcoma") for t, p in ((1, 90), (3, 71), (5, 63))]
    parts = [alive(5, 70, entity="osteosarcoma", seer_stage="1")]
    parts.append(alive(5, 30, entity="osteosarcoma", seer_stage="7"))
    of_entity = {"given": ("entity",)}
    borrowed = {"relation": Relation.BORROWED, "source": "abroad", "population": "Elsewhere"}
    tables = (
        table("incidence", "counts", incidence, variables=("site_group", "sex", "age_group")),
        table(
            "bone",
            "counts",
            [count(60, entity="osteosarcoma"), count(40, entity="chondrosarcoma")],
            variables=("entity",),
            scope={"site_group": ("bone",)},
        ),
        table("stage", "shares", stage, variables=("seer_stage",), **of_entity, **borrowed),
        table(
            "survival",
            "net_survival",
            whole,
            variables=("net_survival",),
            estimator="Pohar Perme",
            note="Read from a figure.",
            note_ko="그림에서 읽음.",
            **of_entity,
        ),
        table(
            "survival_by_stage",
            "observed_survival",
            parts,
            variables=("net_survival",),
            given=("entity", "seer_stage"),
            estimator="Kaplan-Meier",
            **borrowed,
        ),
        table("life", "life_table", life, variables=("sex",)),
    )
    sources = {
        "registry": Source(
            "registry", "Registry 2020", "CC BY 4.0", "open", "https://example.org/registry"
        ),
        "abroad": Source("abroad", "Others 2019", "all rights reserved", "cite-only"),
    }
    return StatisticsPack(
        "small-pack",
        "1.0.0",
        schema.key,
        "Small pack",
        "작은 꾸러미",
        "public-statistics",
        Target("Somewhere", "어딘가", "2013-2017"),
        {name: codes for name, codes in domain.variables if name != "net_survival"},
        sources,
        tables,
        (Block("all", domain.names),),
    )


def fitted(distribution: Distribution, pack: StatisticsPack, schema: Schema) -> tuple[Gap, ...]:
    """Every statement beside the value of a distribution that nobody fitted to it."""
    gaps = []
    for said in statements_of(pack, schema):
        names = statement_variables(distribution.domain, said)
        joint = distribution.marginal(names)
        given = float(joint[distribution.domain.mask(names, said.given)].sum())
        value = float(joint[distribution.domain.mask(names, said.event)].sum()) / given
        outside = max(value - said.upper, 0.0) - max(said.lower - value, 0.0)
        gaps.append(Gap(said, value, outside / said.standard_error, 0.0))
    return tuple(gaps)


@pytest.fixture(scope="session")
def make_model(
    schema: Schema, distribution: Distribution, pack: StatisticsPack
) -> Callable[..., FittedModel]:
    """The model, with another pack or schema if wanted."""

    def make(pack: StatisticsPack = pack, schema: Schema = schema) -> FittedModel:
        gaps = fitted(distribution, pack, schema)
        return FittedModel("small", schema, pack, distribution, gaps, 0.0, "ab12" * 16)

    return make


@pytest.fixture(scope="session")
def model(make_model: Callable[..., FittedModel]) -> FittedModel:
    return make_model()


@pytest.fixture(scope="session")
def make_cohort(distribution: Distribution, schema: Schema) -> Callable[..., Cohort]:
    """Patients at evenly spread points of the distribution: the same everywhere."""

    def make(n: int = 300, keep: str = "", where: dict[str, list[str]] | None = None) -> Cohort:
        spread = [math.sqrt(p) % 1 for p in (2, 3, 5, 7, 11, 13)]
        number = np.arange(1, n + 1)
        u = [(number * s) % 1 for s in spread]
        domain = distribution.domain
        rows: dict[str, list[str]] = {name: [] for name in domain.names}
        for i in range(n):
            evidence: dict[str, tuple[str, ...]] = {}
            for k, name in enumerate(domain.names):
                p = distribution.marginal((name,), evidence)
                at = min(int(np.searchsorted(np.cumsum(p), u[k][i])), len(p) - 1)
                evidence[name] = (domain.codes[name][at],)
                rows[name].append(evidence[name][0])
        frame = pd.DataFrame(rows)
        frame["u"], frame["v"] = u[0], u[1]
        if keep:
            frame = frame[frame["entity"] == keep].reset_index(drop=True)
        return cohort_of(frame, schema, where or {})

    return make


def cohort_of(frame: pd.DataFrame, schema: Schema, where: dict[str, list[str]]) -> Cohort:
    """Patient and tumour frames with the columns that comparisons look at."""
    n = len(frame)
    ids = [f"SY{i:04d}" for i in range(n)]
    low = [c.partition("-")[0].rstrip("+") for c in frame["age_group"]]
    age = np.array(low, dtype=int) + (frame["u"] * 5).astype(int).to_numpy()
    bins = [c.rstrip("+").split("-") for c in frame["net_survival"]]
    start = np.array([float(b[0]) for b in bins])
    end = np.array([float(b[-1]) if len(b) > 1 else 99.0 for b in bins])
    years = start + frame["v"].to_numpy() * (end - start)
    followed = np.minimum(years, 8.0)
    diagnosis = np.full(n, np.datetime64("2015-07-01"))
    last = diagnosis + np.floor(followed * 365.25).astype(int)
    patient = pd.DataFrame(
        {
            "patient_id": ids,
            "sex": pd.Categorical(frame["sex"]),
            "birth_year": pd.Series(2015 - age, dtype="Int64"),
            "birth_month": pd.Series(np.full(n, 1), dtype="Int64"),
            "vital_status": pd.Categorical(np.where(years <= 8.0, "2", "1")),
            "last_contact_date": pd.Series(last.astype("datetime64[s]")),
        }
    )
    tumour = pd.DataFrame(
        {
            "tumour_id": [f"{i}T1" for i in ids],
            "patient_id": ids,
            "diagnosis_date": pd.Series(diagnosis.astype("datetime64[s]")),
            "age_at_diagnosis": pd.Series(age, dtype="Int64"),
            "topography": [CODES[e][0] for e in frame["entity"]],
            "morphology": [CODES[e][1] for e in frame["entity"]],
            "behaviour": "3",
            "entity": pd.Categorical(frame["entity"]),
            "seer_stage": pd.Categorical(frame["seer_stage"]),
        }
    )
    manifest = {
        "settings": {
            "n": n,
            "seed": 7,
            "where": where,
            "diagnosed": "2013-2017",
            "cut_off": "2022-12-31",
        },
        "versions": {"synthgen": "0"},
    }
    return Cohort(schema, {"patient": patient, "tumour": tumour}, manifest)


@pytest.fixture(scope="session")
def cohort(make_cohort: Callable[..., Cohort]) -> Cohort:
    return make_cohort()


@pytest.fixture(scope="session")
def compared(model: FittedModel, cohort: Cohort) -> SimpleNamespace:
    """Model, cohort and their comparisons."""
    return SimpleNamespace(model=model, cohort=cohort, all=compare(model, cohort))
