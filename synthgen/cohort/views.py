"""Notebook views of fitted models and cohorts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synthgen.notebook import both, card, facts

if TYPE_CHECKING:
    from synthgen.cohort.cohort import Cohort
    from synthgen.cohort.fitted_model import FittedModel

#: First rows of each table that are shown.
ROWS = 5


def model_view(model: FittedModel) -> str:
    """What a model describes, and how well it fits."""
    pack, target = model.pack, model.pack.target
    near = sum(abs(gap.standard_errors) <= 2 for gap in model.gaps)
    return card(
        "model",
        model.id,
        facts(
            [
                ("title", both(pack.title, pack.title_ko)),
                ("population", both(target.population, target.population_ko)),
                ("period", target.period),
                ("origin", model.origin),
                ("schema", model.schema.key),
                ("variables", ", ".join(model.distribution.domain.names)),
                ("values", len(model.gaps)),
                ("within_two", near),
                ("prior", model.prior.id if model.prior else ""),
                ("hash", model.sha256[:16]),
            ]
        ),
        synthetic=True,
    )


def cohort_view(cohort: Cohort) -> str:
    """How a cohort was made, and its first rows."""
    manifest: Mapping[str, Any] = cohort.manifest
    asked = manifest.get("settings", {})
    where = "; ".join(f"{name} = {', '.join(c)}" for name, c in asked.get("where", {}).items())
    shown = {name: frame.head(ROWS) for name, frame in cohort.tables.items()}
    shown = {name: rows.astype(str).where(rows.notna(), "") for name, rows in shown.items()}
    frames = "".join(
        facts([("table", name), ("rows", len(frame))])
        + f'<div style="overflow-x:auto">{shown[name].to_html(index=False, border=0)}</div>'
        for name, frame in cohort.tables.items()
    )
    return card(
        "cohort",
        str(manifest.get("model", {}).get("id", "")),
        facts(
            [
                ("schema", cohort.schema.key),
                ("seed", asked.get("seed")),
                ("only", where),
                ("origin", manifest.get("origin")),
                ("licence", manifest.get("licence", {}).get("id")),
            ]
        ),
        frames,
        synthetic=True,
    )
