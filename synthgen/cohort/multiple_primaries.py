"""Which two tumours of one person would be counted as one tumour.

The international rules (IARC, IACR, ENCR: International rules for multiple primary cancers,
ICD-O third edition, Lyon 2004) as the schema's groupings state them, on whole columns of
codes; a test holds this file to the rules of the schema, pair by pair.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.schema.model import Schema

IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]
#: Positions of codes and the codes, as a column of the tumour table has them.
Coded = tuple[IntArray, tuple[str, ...]]

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


def kinds_of(schema: Schema, topography: Coded, morphology: Coded, behaviour: Coded) -> Kinds:
    """Kinds of tumours from the columns of the tumour table.

    Parameters
    ----------
    schema : Schema
        Its groupings say which sites and histologies belong together.
    topography, morphology, behaviour : tuple of (ndarray of intp, tuple of str)
        Positions and codes of each column.
    """
    sites = [_group(schema, SITES, code) or code[:3] for code in topography[1]]
    rank = {site: i for i, site in enumerate(dict.fromkeys(sites))}
    histologies = [int(_group(schema, HISTOLOGIES, code) or 0) for code in morphology[1]]
    malignant = np.array([code == MALIGNANT for code in behaviour[1]], dtype=np.bool_)
    return Kinds(
        np.array([rank[site] for site in sites], dtype=np.intp)[topography[0]],
        np.array(histologies, dtype=np.intp)[morphology[0]],
        malignant[behaviour[0]],
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
        From one call of :func:`kinds_of`, so that their numbers agree.

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
