"""Numbers of the HUGO Gene Nomenclature Committee of the markers that are genes.

The map is ``schemas/vocabularies/hgnc.csv``, with the page on which each number was read.  HGNC
data are in the public domain (CC0, https://www.genenames.org/about/license/).  A published schema
never changes, so the numbers stand beside the code list of markers and not in it.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from synthgen.errors import SchemaError
from synthgen.resources import data_root

#: Code system of the numbers in FHIR.
SYSTEM = "http://www.genenames.org/geneId"
COLUMNS = ("marker", "gene", "hgnc_id", "seen_in", "read_on")


@dataclass(frozen=True)
class Gene:
    """A gene with its number.

    Parameters
    ----------
    symbol : str
        Approved symbol: ``KIT``.
    number : str
        ``HGNC:6342``.
    """

    symbol: str
    number: str


@cache
def genes_of_markers() -> Mapping[str, tuple[Gene, ...]]:
    """Genes of each marker of the code list ``marker`` that has any; two of a fusion.

    Returns
    -------
    mapping of str to tuple of Gene
        Proteins of the blood, stains of other proteins and arms of chromosomes are not in it.

    Raises
    ------
    SchemaError
        If the file has other columns.

    Examples
    --------
    >>> genes_of_markers()["KIT"]
    (Gene(symbol='KIT', number='HGNC:6342'),)
    >>> [g.symbol for g in genes_of_markers()["NAB2::STAT6"]]
    ['NAB2', 'STAT6']
    """
    path = data_root() / "schemas" / "vocabularies" / "hgnc.csv"
    found: dict[str, tuple[Gene, ...]] = {}
    with path.open(encoding="utf-8", newline="") as opened:
        rows = csv.DictReader(opened)
        if tuple(rows.fieldnames or ()) != COLUMNS:
            raise SchemaError(f"{path.name}: columns must be {', '.join(COLUMNS)}")
        for row in rows:
            gene = Gene(row["gene"], row["hgnc_id"])
            found[row["marker"]] = (*found.get(row["marker"], ()), gene)
    return found
