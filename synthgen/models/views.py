"""Notebook views of distributions and fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthgen.notebook import card, facts, listing

if TYPE_CHECKING:
    from synthgen.models.distribution import Distribution
    from synthgen.models.domain import Domain
    from synthgen.models.fit import Fit
    from synthgen.models.mixture import Mixture


def _codes(domain: Domain) -> str:
    rows = ((name, len(codes), ", ".join(codes[:8])) for name, codes in domain.variables)
    return listing(("variable", "codes", "first_codes"), rows, len(domain.variables))


def domain_view(domain: Domain) -> str:
    """Variables and their codes."""
    return card("domain", f"{len(domain.variables)}", _codes(domain))


def distribution_view(distribution: Distribution) -> str:
    """Variables, and the tables that decide them."""
    rows = ((t.name, t.probability.size) for t in distribution.tables)
    tables = listing(("decided", "cells"), rows, len(distribution.tables))
    return card("distribution", "", _codes(distribution.domain), tables)


def mixture_view(mixture: Mixture) -> str:
    """Variables, and the largest parts."""
    codes = mixture.domain.codes[mixture.split]
    order = sorted(range(len(codes)), key=lambda i: -mixture.weights[i])
    rows = ((codes[i], f"{mixture.weights[i]:.2%}") for i in order)
    parts = listing(("part", "share"), rows, len(codes))
    return card("mixture", mixture.split, _codes(mixture.domain), parts)


def fit_view(fit: Fit) -> str:
    """How well published values could be fitted, the farthest first."""
    order = sorted(fit.gaps, key=lambda gap: -abs(gap.standard_errors))
    rows = ((g.statement.table, g.statement.row, f"{g.standard_errors:+.2f}") for g in order)
    return card(
        "fit",
        "",
        facts(
            [
                ("values", len(fit.gaps)),
                ("within_two", sum(abs(g.standard_errors) <= 2 for g in fit.gaps)),
                ("residual", fit.residual),
            ]
        ),
        listing(("table", "row", "gap"), rows, len(fit.gaps)),
    )
