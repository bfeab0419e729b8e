"""ICD-10 code of a tumour, derived from its ICD-O-3 topography and morphology.

ICD-10 codes most solid tumours by site, with the same three- and four-character codes as
ICD-O-3 topography, but gives mesothelioma (C45) and Kaposi sarcoma (C46) categories of
their own by morphology (ICD-O-3, section "Differences between ICD-O and ICD-10"; WHO
2013, ISBN 978-92-4-154849-6).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

#: ICD-10 code of mesothelioma by the start of the topography; C459 elsewhere.
_MESOTHELIOMA = {"C384": "C450", "C48": "C451", "C380": "C452"}
#: ICD-10 code of Kaposi sarcoma by the start of the topography; C469 elsewhere.
_KAPOSI = {
    "C44": "C460", "C49": "C461", "C05": "C462", "C77": "C463", "C0": "C467", "C1": "C467",
    "C2": "C467", "C3": "C467",
}  # fmt: skip


def _by_prefix(topography: str, table: dict[str, str], otherwise: str) -> str:
    fitting = [prefix for prefix in table if topography.startswith(prefix)]
    return table[max(fitting, key=len)] if fitting else otherwise


def icd10_code(topography: str, histology: str) -> str:
    """ICD-10 code of one malignant tumour.

    Parameters
    ----------
    topography : str
        Four characters without a dot (``"C402"``).
    histology : str
        Four digits (``"9180"``).

    Examples
    --------
    >>> icd10_code("C402", "9180"), icd10_code("C384", "9052")
    ('C402', 'C450')
    """
    if "9050" <= histology <= "9055":
        return _by_prefix(topography, _MESOTHELIOMA, "C459")
    if histology == "9140":
        return _by_prefix(topography, _KAPOSI, "C469")
    return topography


def icd10_codes(
    topography: npt.NDArray[np.intp],
    topographies: tuple[str, ...],
    histology: npt.NDArray[np.intp],
    histologies: tuple[str, ...],
) -> tuple[npt.NDArray[np.intp], tuple[str, ...]]:
    """ICD-10 codes of many tumours, as positions among distinct codes.

    Parameters
    ----------
    topography, histology : ndarray of intp, shape (n,)
        Positions among the codes that follow each.
    """
    grid = [[icd10_code(t, h) for h in histologies] for t in topographies]
    distinct = tuple(sorted({code for row in grid for code in row}))
    rank = {code: i for i, code in enumerate(distinct)}
    lookup = np.array([[rank[code] for code in row] for row in grid], dtype=np.intp)
    return lookup[topography, histology], distinct
