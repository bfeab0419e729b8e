"""The regions of a population as boxes over atoms: codes that no table tells apart are one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from synthgen.statistics.audit.facts import Codes, Fact, Population, Region
from synthgen.statistics.audit.impossible import AtomZeros, inside, over_atoms

Box = tuple[int, ...]
"""For each axis a bit mask of atoms; all bits set where the axis is meant whole."""


@dataclass(frozen=True)
class Line:
    """A fact on the grid: node numbers in place of regions."""

    fact: Fact
    node: int
    given: int | None


@dataclass(frozen=True)
class Grid:
    """All regions that the facts of one population speak about.

    Parameters
    ----------
    name : str
        The population.
    axes : tuple of str
        Variables, and pseudo-axes such as the calendar year.
    sizes : tuple of int
        Atoms of each axis.
    masks : mapping of (str, frozenset of str) to int
        Codes of an axis to their bit mask.
    boxes : tuple of tuple of int
        Every region once; a node number is a position in here.
    lines : tuple of Line
    zeros : tuple of AtomZeros
        Atoms that nobody can be in, by the schema.
    nobody : frozenset of int
        Nodes that nobody can be in.
    """

    name: str
    axes: tuple[str, ...]
    sizes: tuple[int, ...]
    masks: Mapping[tuple[str, Codes], int]
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    zeros: tuple[AtomZeros, ...] = ()
    nobody: frozenset[int] = frozenset()

    @property
    def whole(self) -> Box:
        """The box of everybody."""
        return tuple((1 << size) - 1 for size in self.sizes)

    def box(self, region: Region) -> Box:
        """Box of a region whose code sets occur in the facts."""
        return _box(region, self.axes, self.masks, self.whole)


def _box(
    region: Region, axes: Sequence[str], masks: Mapping[tuple[str, Codes], int], whole: Box
) -> Box:
    return tuple(
        masks[axis, region[axis]] if axis in region else everything
        for axis, everything in zip(axes, whole, strict=True)
    )


def grid_of(population: Population) -> Grid:
    """Grid of a population: atoms are the codes that all facts take together or leave together."""
    regions: dict[tuple[tuple[str, Codes], ...], Region] = {}
    for fact in population.facts:
        for region in (fact.region, fact.given):
            if region is not None:
                regions[tuple(sorted(region.items(), key=lambda item: item[0]))] = region
    sets: dict[str, dict[Codes, None]] = {}
    always: dict[str, int] = {}
    for region in regions.values():
        for axis, codes in region.items():
            sets.setdefault(axis, {})[codes] = None
            always[axis] = always.get(axis, 0) + 1
    axes: list[str] = []
    sizes: list[int] = []
    numbers: dict[str, dict[str, int]] = {}
    rests: dict[str, int] = {}
    masks: dict[tuple[str, Codes], int] = {}
    for axis, chosen in sets.items():
        atoms: dict[tuple[int, ...], int] = {}
        number: dict[str, int] = {}
        holding: dict[str, list[int]] = {}
        for i, codes in enumerate(chosen):
            for code in codes:
                holding.setdefault(code, []).append(i)
        for code, found in holding.items():
            number[code] = atoms.setdefault(tuple(found), len(atoms))
        domain = population.domains.get(axis)
        named = domain is not None and domain <= holding.keys()
        rest = 0 if named or always[axis] == len(regions) else 1  # codes that no fact names
        numbers[axis] = number
        if rest:
            rests[axis] = len(atoms)
        axes.append(axis)
        sizes.append(len(atoms) + rest)
        for codes in chosen:
            mask = 0
            for code in codes:
                mask |= 1 << number[code]
            masks[axis, codes] = mask
    whole = tuple((1 << size) - 1 for size in sizes)
    nodes: dict[Box, int] = {}
    lines = []
    for fact in population.facts:
        node = nodes.setdefault(_box(fact.region, axes, masks, whole), len(nodes))
        given = None
        if fact.given is not None:
            given = nodes.setdefault(_box(fact.given, axes, masks, whole), len(nodes))
        lines.append(Line(fact, node, given))
    made = (
        over_atoms(z, axes, sizes, numbers, rests)
        for z in population.zeros
        if numbers.keys() >= set(z.axes)
    )
    zeros = tuple(z for z in made if z is not None)
    return Grid(
        population.name, tuple(axes), tuple(sizes), masks, tuple(nodes), tuple(lines), zeros,
        inside(zeros, tuple(nodes)),
    )  # fmt: skip
