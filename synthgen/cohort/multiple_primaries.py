"""Which two tumours of one person would be counted as one tumour.

The international rules (IARC, IACR, ENCR: International rules for multiple primary cancers,
ICD-O third edition, Lyon 2004) as the schema's groupings state them, on whole columns of
codes; a test holds this file to the rules of the schema, pair by pair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.schema.model import Schema

IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

SITES = "multiple_primary_site"
HISTOLOGIES = "multiple_primary_histology"
#: Only malignant tumours are counted by these rules.
MALIGNANT = "3"
#: Histology groups of tumours of the whole body: one of each in a person, wherever it is.
SYSTEMIC = tuple(f"{number:02d}" for number in range(7, 16))
#: Histology group of tumours without a histology: one with any other at the same site.
UNSPECIFIED = "17"
#: Carcinoma not otherwise specified is one with the carcinomas of these groups at its site.
CARCINOMA, CARCINOMAS = "05", ("01", "02", "03", "04")


@dataclass(frozen=True, eq=False)
class Kinds:
    """What the rules look at, of some tumours.

    Parameters
    ----------
    site : ndarray of intp, shape (n,)
        Number of the site: its three characters, or the group of sites that count as one.
    histology : ndarray of intp, shape (n,)
        Number of the histology group; 0 where there is none.
    malignant : ndarray of bool, shape (n,)
    """

    site: IntArray
    histology: IntArray
    malignant: BoolArray

    def __getitem__(self, rows: IntArray | BoolArray) -> Kinds:
        return Kinds(self.site[rows], self.histology[rows], self.malignant[rows])


@dataclass(frozen=True, eq=False)
class MultiplePrimaries:
    """What the rules look at, of every code of a model.

    Parameters
    ----------
    site : ndarray of intp, shape (topographies,)
    histology : ndarray of intp, shape (morphologies,)
    malignant : ndarray of bool, shape (morphologies,)
    """

    site: IntArray
    histology: IntArray
    malignant: BoolArray

    def kinds(self, topography: IntArray, morphology: IntArray) -> Kinds:
        """Kinds of tumours from positions of their codes."""
        return Kinds(self.site[topography], self.histology[morphology], self.malignant[morphology])


def rules_for(
    schema: Schema,
    topographies: tuple[str, ...],
    morphologies: tuple[str, ...],
    implied: Mapping[str, Mapping[str, tuple[str, ...]]],
) -> MultiplePrimaries:
    """The rules on the codes of a model.

    Parameters
    ----------
    schema : Schema
        Its groupings say which sites and histologies belong together.
    topographies, morphologies : tuple of str
        Codes of the model variables.
    implied : mapping of str to mapping of str to tuple of str
        Histology and behaviour of each morphology, by column.
    """
    sites = [_group(schema, SITES, code) or code[:3] for code in topographies]
    rank = {site: i for i, site in enumerate(dict.fromkeys(sites))}
    columns = [implied[code] for code in morphologies]
    histologies = [c["tumour.morphology"][0] for c in columns]
    groups = {code: int(_group(schema, HISTOLOGIES, code) or 0) for code in set(histologies)}
    return MultiplePrimaries(
        np.array([rank[site] for site in sites], dtype=np.intp),
        np.array([groups[code] for code in histologies], dtype=np.intp),
        np.array([c["tumour.behaviour"][0] == MALIGNANT for c in columns], dtype=np.bool_),
    )


def _group(schema: Schema, name: str, code: str) -> str | None:
    grouping = schema.groupings.get(name)
    if grouping is None:
        return None
    for label, ranges in grouping.ranges.items():
        if any(low <= code <= high for low, high in ranges):
            return label
    return None


def same_tumour(one: Kinds, other: Kinds) -> BoolArray:
    """Whether two tumours of one person are one by the rules, pair by pair.

    Parameters
    ----------
    one, other : Kinds
        By the same rules, so that their numbers agree.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    alike = (one.histology == other.histology) & (one.histology > 0)
    systemic = alike & np.isin(one.histology, _numbers(SYSTEMIC))
    unspecified = (one.histology == int(UNSPECIFIED)) | (other.histology == int(UNSPECIFIED))
    for first, second in ((one, other), (other, one)):
        unspecified |= (first.histology == int(CARCINOMA)) & np.isin(
            second.histology, _numbers(CARCINOMAS)
        )
    same_site = one.site == other.site
    found = one.malignant & other.malignant & (systemic | same_site & (alike | unspecified))
    return np.asarray(found)


def _numbers(labels: tuple[str, ...]) -> IntArray:
    return np.array([int(label) for label in labels], dtype=np.intp)
