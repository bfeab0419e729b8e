"""Where the patients live: provinces as tiles, and their shares as bars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from synthgen.cohort.fitted_model import FittedModel
from synthgen.fidelity.compare import ComparedCohort
from synthgen.report.charts.tile_map import Region, has_places, tile_map
from synthgen.report.group_section import Picture, shares_picture
from synthgen.report.words import label, say
from synthgen.statistics.model import StatisticsPack

REGION = "region"
"""Variable of the province that a patient lives in."""


def inhabitants(pack: StatisticsPack) -> dict[str, float]:
    """People by region, of the last population table that tells them; empty if none does.

    Parameters
    ----------
    pack : StatisticsPack

    Returns
    -------
    dict of str to float
        Persons by code.
    """
    found: dict[str, float] = {}
    for table in pack.tables:
        if table.kind == "population" and REGION in table.variables:
            found = {}
            for cell in table.cells:
                codes = cell.members.get(REGION, ())
                if len(codes) == 1:
                    found[codes[0]] = found.get(codes[0], 0.0) + cell.value
    return found


def regions(model: FittedModel, cases: Mapping[str, int] | None = None) -> tuple[Region, ...]:
    """Tiles of a model's regions; none where it has no regions, or one without a place.

    Parameters
    ----------
    model : FittedModel
    cases : mapping of str to int, optional
        Patients of a cohort by code; 0 where a code is absent.
    """
    domain = model.distribution.domain
    if REGION not in domain.names or not has_places(domain.codes[REGION]):
        return ()
    people = inhabitants(model.pack)
    shares = model.distribution.marginal((REGION,))
    categories = {c.code: c for c in model.schema.variable(REGION).categories}
    total = sum(people.values())
    made = []
    for code, share in zip(domain.codes[REGION], shares, strict=True):
        of_cohort = None if cases is None else cases.get(code, 0)
        rate = None
        if set(domain.codes[REGION]) <= set(people):
            living = people[code]
            rate = float(share) * total / living if of_cohort is None else 1e5 * of_cohort / living
        made.append(Region(code, label(categories[code]), of_cohort, float(share), rate))
    return tuple(made)


@dataclass(frozen=True)
class RegionSection:
    """Tiles of a cohort's regions, and their shares beside the model's and the published."""

    tiles: Picture
    shares: Picture | None


def region_section(compared: ComparedCohort) -> RegionSection | None:
    """Where patients live; None where the model or its cohort does not tell."""
    model = compared.model
    if REGION not in model.distribution.domain.names:
        return None
    counts = compared.counts((REGION,))
    if counts is None and compared.drawn:
        return None
    codes = model.distribution.domain.codes[REGION]
    cases = None if counts is None else {c: int(n) for c, n in zip(codes, counts, strict=True)}
    tiles = regions(model, cases)
    if not tiles:
        return None
    heading = say("report.regions.tiles")
    kind = "model" if cases is None else "cases" if tiles[0].rate is None else "rate"
    note = say(f"report.regions.{kind}")
    shares = shares_picture(compared, say("report.regions.heading"), [{}], REGION, most=len(codes))
    return RegionSection(Picture(heading, tile_map(heading, tiles), note), shares)
