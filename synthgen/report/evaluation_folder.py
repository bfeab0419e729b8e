"""Pages that stand beside an evaluation in its folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from synthgen.evaluation.evaluate import public_codes
from synthgen.evaluation.evaluation import REPORT, Evaluation
from synthgen.report.dossier import write_dossier
from synthgen.report.evaluation_page import write_evaluation_report
from synthgen.report.group_section import Picture
from synthgen.schema.model import Schema

PUBLIC_REPORT = "report.public.html"
DOSSIER = "dossier.html"


def pages(
    schema: Schema,
    language: str = "en",
    *,
    published: Sequence[Picture] = (),
    real: Sequence[Picture] = (),
) -> list[Callable[[Evaluation, Path], None]]:
    """What writes the pages of an evaluation: the internal and public report, and the dossier.

    Parameters
    ----------
    schema : Schema
        Of what was evaluated; only codes that it publishes stand in the public report.
    language : {"en", "ko"}
        The language that the pages open in.
    published, real : sequence of Picture
        Survival curves beside published numbers, for both editions, and beside real
        patients, for the internal one.

    Returns
    -------
    list of callable
        For ``finish`` of :func:`synthgen.evaluation.evaluate.evaluate_into`.
    """
    codes = public_codes(schema)

    def internal(made: Evaluation, folder: Path) -> None:
        write_evaluation_report(
            made, folder / REPORT, language=language, curves=[*real, *published]
        )

    def public(made: Evaluation, folder: Path) -> None:
        path = folder / PUBLIC_REPORT
        write_evaluation_report(
            made, path, "public", language=language, public_codes=codes, curves=published
        )

    def dossier(made: Evaluation, folder: Path) -> None:
        write_dossier(made, folder / DOSSIER, language=language, public_codes=codes)

    return [internal, public, dossier]
