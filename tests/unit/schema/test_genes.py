"""Numbers of genes stand beside the code list of markers, each with the page it was read on."""

import csv
import re

from synthgen.resources import data_root
from synthgen.schema.genes import SYSTEM, genes_of_markers
from synthgen.schema.load import load_schema

FILE = data_root() / "schemas" / "vocabularies" / "hgnc.csv"
MARKERS = {c.code for c in load_schema("rare-cancer@1.1.0").code_lists["marker"].codes}
#: What is no gene: arms of chromosomes, proteins stained or measured, antibodies.
NO_GENES = {"monosomy3", "8q_gain", "PD-L1", "Ki-67", "AFP", "HCG", "LDH", "CD117", "AChR"}


def test_every_marker_that_is_a_gene_has_its_number_and_no_other_has_one():
    assert set(genes_of_markers()) == MARKERS - NO_GENES


def test_a_marker_names_its_genes_and_a_gene_has_one_number():
    numbers: dict[str, set[str]] = {}
    for marker, genes in genes_of_markers().items():
        for gene in genes:
            assert gene.symbol in marker.split("::")
            assert re.fullmatch(r"HGNC:\d{2,5}", gene.number)
            numbers.setdefault(gene.symbol, set()).add(gene.number)
    assert all(len(found) == 1 for found in numbers.values())
    assert len({n for found in numbers.values() for n in found}) == len(numbers)


def test_each_number_says_where_and_when_it_was_read():
    with FILE.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert len(rows) == sum(len(genes) for genes in genes_of_markers().values())
    for row in rows:
        assert len(row["seen_in"]) > 20
        assert re.fullmatch(r"2026-\d{2}-\d{2}", row["read_on"])


def test_the_code_system_is_that_of_the_hl7_terminology():
    assert SYSTEM == "http://www.genenames.org/geneId"
