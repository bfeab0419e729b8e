"""ICD-10 code of a malignant tumour, derived from its ICD-O-3 topography and histology.

ICD-10 codes most solid tumours by site, with the same characters as ICD-O-3 topography.
Melanoma of skin (C43), mesothelioma (C45), Kaposi sarcoma (C46) and the tumours of blood and
lymph (C81-C96, D45-D47) have categories of their own, by histology.  (ICD-O-3, third
edition, first revision, WHO 2013, ISBN 978-92-4-154849-6: differences between ICD-O and
ICD-10; conversion table of the SEER programme, ICD-10 to ICD-O-3.)
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from synthgen.cohort.columns import text_column

#: Mesothelioma, by the start of the topography; C459 elsewhere.
_MESOTHELIOMA = {"C384": "C450", "C48": "C451", "C380": "C452"}
#: Kaposi sarcoma, by the start of the topography; C469 elsewhere.
_KAPOSI = {
    "C44": "C460", "C49": "C461", "C05": "C462", "C77": "C463", "C0": "C467", "C1": "C467",
    "C2": "C467", "C3": "C467",
}  # fmt: skip
#: First histology of a range and its code, for tumours of blood and lymph; a range ends
#: where the next one begins.
_BLOOD = (
    ("9590", "C859"), ("9591", "C851"), ("9597", "C844"), ("9650", "C819"), ("9651", "C814"),
    ("9652", "C812"), ("9653", "C813"), ("9659", "C810"), ("9661", "C817"), ("9663", "C811"),
    ("9670", "C830"), ("9671", "C880"), ("9673", "C831"), ("9675", "C833"), ("9687", "C837"),
    ("9688", "C833"), ("9689", "C830"), ("9690", "C829"), ("9691", "C821"), ("9695", "C820"),
    ("9698", "C822"), ("9699", "C884"), ("9700", "C840"), ("9701", "C841"), ("9702", "C844"),
    ("9705", "C865"), ("9708", "C863"), ("9709", "C848"), ("9712", "C833"), ("9714", "C846"),
    ("9716", "C861"), ("9717", "C862"), ("9718", "C866"), ("9719", "C860"), ("9724", "C848"),
    ("9727", "C835"), ("9731", "C903"), ("9732", "C900"), ("9733", "C901"), ("9734", "C902"),
    ("9735", "C833"), ("9740", "C962"), ("9750", "C968"), ("9751", "C966"), ("9754", "C960"),
    ("9755", "C964"), ("9760", "C889"), ("9761", "C880"), ("9762", "C882"), ("9764", "C883"),
    ("9765", "D472"), ("9800", "C959"), ("9801", "C950"), ("9805", "C950"), ("9811", "C910"),
    ("9820", "C919"), ("9823", "C911"), ("9826", "C918"), ("9827", "C915"), ("9831", "C917"),
    ("9833", "C913"), ("9834", "C916"), ("9835", "C910"), ("9840", "C940"), ("9860", "C929"),
    ("9861", "C920"), ("9863", "C921"), ("9866", "C924"), ("9867", "C925"), ("9869", "C926"),
    ("9870", "C920"), ("9875", "C921"), ("9876", "C922"), ("9891", "C930"), ("9895", "C928"),
    ("9896", "C920"), ("9910", "C942"), ("9920", "C920"), ("9930", "C923"), ("9931", "C944"),
    ("9940", "C914"), ("9945", "C931"), ("9946", "C933"), ("9948", "C947"), ("9950", "D45"),
    ("9960", "D471"), ("9961", "C944"), ("9962", "D473"), ("9963", "C921"), ("9964", "D475"),
    ("9965", "C967"), ("9975", "D471"), ("9980", "D464"), ("9982", "D461"), ("9983", "D462"),
    ("9984", "D462"), ("9985", "D465"), ("9986", "D466"), ("9987", "D469"),
)  # fmt: skip


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
    >>> icd10_code("C402", "9180"), icd10_code("C384", "9052"), icd10_code("C771", "9663")
    ('C402', 'C450', 'C811')
    """
    if histology >= "9590":
        return [code for first, code in _BLOOD if first <= histology][-1]
    if "9050" <= histology <= "9055":
        return _by_prefix(topography, _MESOTHELIOMA, "C459")
    if histology == "9140":
        return _by_prefix(topography, _KAPOSI, "C469")
    if "8720" <= histology <= "8790" and topography.startswith("C44"):
        return f"C43{topography[3]}"
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
    lookup, distinct = _grid(topographies, histologies)
    return lookup[topography, histology], distinct


@lru_cache(maxsize=8)
def _grid(
    topographies: tuple[str, ...], histologies: tuple[str, ...]
) -> tuple[npt.NDArray[np.intp], tuple[str, ...]]:
    """Position of the code of every pair among the distinct codes, and these."""
    grid = [[icd10_code(t, h) for h in histologies] for t in topographies]
    distinct = tuple(sorted({code for row in grid for code in row}))
    rank = {code: i for i, code in enumerate(distinct)}
    return np.array([[rank[code] for code in row] for row in grid], dtype=np.intp), distinct


def icd10_column(columns: Mapping[str, Any]) -> dict[str, Any]:
    """ICD-10 codes of rows that have topographies and histologies of ICD-O-3; none for other rows.

    Parameters
    ----------
    columns : mapping of str to array
        Texts by column name.

    Returns
    -------
    dict of str to Categorical
        ``icd10``, or nothing where the codes are there already or cannot be derived.
    """
    if "icd10" in columns or not {"topography", "morphology"} <= set(columns):
        return {}
    pairs = zip(columns["topography"], columns["morphology"], strict=True)
    texts = [icd10_code(str(site), str(histology)) for site, histology in pairs]
    distinct = sorted(set(texts))
    rank = {text: i for i, text in enumerate(distinct)}
    at = np.array([rank[text] for text in texts], dtype=np.intp)
    return {"icd10": text_column(distinct, at)}
