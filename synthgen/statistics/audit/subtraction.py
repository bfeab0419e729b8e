"""What plain subtraction gives away: totals minus parts, followed until nothing moves.

Every region that is the sum of others along one axis is an equation.  Bounds are tightened
along the equations, each step remembered, so that a recovered cell can be explained by the
printed numbers it came from.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from synthgen.statistics.audit.facts import Fact, whole_down, whole_up
from synthgen.statistics.audit.grid import Box, Grid
from synthgen.statistics.audit.impossible import inside

MOST_PARTS = 2_000
"""Most regions compared along one axis; beyond it only the linear program looks at them."""

MOST_STEPS = 4_000_000
"""Most tightenings of equations; a chain of bounds that creeps up one by one ends here."""


@dataclass(frozen=True)
class Equation:
    """``parent = sum of parts``: node numbers."""

    parent: int
    parts: tuple[int, ...]


@dataclass(frozen=True)
class Step:
    """One tightening: when it happened and which equation or fact allowed it."""

    moment: int
    equation: Equation | None
    fact: Fact | None
    value: float


@dataclass
class Bounds:
    """Bounds of all nodes, with the steps that led to them.

    Parameters
    ----------
    lower, upper : list of float
        By node number [persons].
    boxes : list of Box
        Printed regions first, then the rests that subtraction implies.
    equations : list of Equation
    printed : int
        Nodes below this number are printed.
    contradiction : tuple of Fact
        Printed numbers that cannot all be true; ``()`` if none were met.
    nobody : frozenset of int
        Nodes that nobody can be in, by the schema.
    """

    lower: list[float]
    upper: list[float]
    boxes: list[Box]
    equations: list[Equation]
    printed: int
    steps: dict[tuple[int, bool], list[Step]] = field(default_factory=dict)
    contradiction: tuple[Fact, ...] = ()
    nobody: frozenset[int] = frozenset()

    def facts_behind(self, node: int) -> tuple[Fact, ...]:
        """Printed numbers from which both bounds of a node follow by subtraction."""
        found: dict[tuple[str, str, int, str], Fact] = {}
        seen: set[tuple[int, bool, int]] = set()
        wanted = [(node, False, 1 << 62), (node, True, 1 << 62)]
        while wanted:
            at, is_upper, before = wanted.pop()
            step = self._last(at, is_upper, before)
            if step is None or (at, is_upper, step.moment) in seen:
                continue
            seen.add((at, is_upper, step.moment))
            if step.fact is not None:
                where = step.fact.where
                found[where.release, where.table, where.row, step.fact.source] = step.fact
            if step.equation is None:
                continue
            equation = step.equation
            if at == equation.parent:
                wanted += [(part, is_upper, step.moment) for part in equation.parts]
            else:
                wanted.append((equation.parent, is_upper, step.moment))
                wanted += [(p, not is_upper, step.moment) for p in equation.parts if p != at]
        return tuple(found.values())

    def _last(self, node: int, is_upper: bool, before: int) -> Step | None:
        earlier = [s for s in self.steps.get((node, is_upper), ()) if s.moment < before]
        return earlier[-1] if earlier else None


def equations_of(grid: Grid, *, with_rests: bool = True) -> tuple[list[Box], list[Equation]]:
    """Equations between the regions of a grid, and the boxes they are about.

    Parameters
    ----------
    grid : Grid
    with_rests : bool
        Name what is left of a region after its parts are taken away, if nobody printed it.

    Returns
    -------
    boxes : list of Box
        Those of the grid, then the rests.
    equations : list of Equation
    """
    boxes = list(grid.boxes)
    number = {box: i for i, box in enumerate(boxes)}
    found: dict[tuple[int, tuple[int, ...]], None] = {}
    for axis in range(len(grid.axes)):
        groups: dict[Box, list[int]] = defaultdict(list)
        for node, box in enumerate(grid.boxes):
            groups[(*box[:axis], 0, *box[axis + 1 :])].append(node)
        for nodes in groups.values():
            if 1 < len(nodes) <= MOST_PARTS:
                masks = {boxes[node][axis]: node for node in nodes}
                for parent, parts, rest in _partitions(sorted(masks, key=int.bit_count)):
                    whole = masks[parent]
                    members = [masks[part] for part in parts]
                    if rest:
                        box = (*boxes[whole][:axis], rest, *boxes[whole][axis + 1 :])
                        if box not in number:
                            if not with_rests:
                                continue
                            number[box] = len(boxes)
                            boxes.append(box)
                        members.append(number[box])
                    found[whole, tuple(sorted(members))] = None
    return boxes, [Equation(parent, parts) for parent, parts in found]


def _partitions(masks: Sequence[int]) -> Iterable[tuple[int, tuple[int, ...], int]]:
    """For each mask the largest masks inside it, if they are disjoint, and what they leave."""
    for i, parent in enumerate(masks):
        inside = [m for m in masks[:i] if m & ~parent == 0 and m != parent]
        covered = 0
        largest: list[int] = []
        for mask in reversed(inside):
            if not any(mask & ~other == 0 for other in largest):
                largest.append(mask)
        if not largest:
            continue
        for mask in largest:
            covered |= mask
        if sum(mask.bit_count() for mask in largest) == covered.bit_count():
            yield parent, tuple(largest), parent & ~covered
        else:
            for mask in largest:
                yield parent, (mask,), parent & ~mask


def subtract(grid: Grid) -> Bounds:
    """Bounds of all regions after all subtractions.

    Notes
    -----
    Bound propagation as in constraint programming: for ``y = x1 + ... + xm``, ``x1`` is at
    most ``y``'s upper bound minus the lower bounds of the others.  All numbers are whole.
    """
    boxes, equations = equations_of(grid)
    n = len(boxes)
    nobody = inside(grid.zeros, boxes)
    bounds = Bounds([0.0] * n, [math.inf] * n, boxes, equations, len(grid.boxes), nobody=nobody)
    moment = 0
    for node in nobody:
        _move(bounds, node, 0.0, 0.0, Step(moment, None, None, 0.0))
    for line in grid.lines:
        moment += 1
        fact = line.fact
        _move(bounds, line.node, fact.lower, fact.upper, Step(moment, None, fact, 0.0))
    of_node: dict[int, list[int]] = defaultdict(list)
    for i, equation in enumerate(equations):
        for node in (equation.parent, *equation.parts):
            of_node[node].append(i)
    shares = [line for line in grid.lines if line.given is not None]
    moment = _ratios(bounds, shares, moment)[0]
    waiting = deque(range(len(equations)))
    queued = [True] * len(equations)
    spent = 0
    while waiting and not bounds.contradiction:
        i = waiting.popleft()
        queued[i] = False
        spent += len(equations[i].parts) + 1
        if spent > MOST_STEPS:
            break
        moment, moved = _tighten(bounds, equations[i], moment)
        if not waiting and shares:
            moment, by_shares = _ratios(bounds, shares, moment)
            moved += by_shares
        for node in moved:
            for other in of_node[node]:
                if not queued[other]:
                    queued[other] = True
                    waiting.append(other)
    return bounds


def _move(bounds: Bounds, node: int, lower: float, upper: float, step: Step) -> bool:
    """Tighten one node; whether it moved."""
    moved = False
    if lower > bounds.lower[node]:
        bounds.lower[node] = lower
        bounds.steps.setdefault((node, False), []).append(
            Step(step.moment, step.equation, step.fact, lower)
        )
        moved = True
    if upper < bounds.upper[node]:
        bounds.upper[node] = upper
        bounds.steps.setdefault((node, True), []).append(
            Step(step.moment, step.equation, step.fact, upper)
        )
        moved = True
    if bounds.lower[node] > bounds.upper[node] and not bounds.contradiction:
        bounds.contradiction = bounds.facts_behind(node)
    return moved


def _tighten(bounds: Bounds, equation: Equation, moment: int) -> tuple[int, list[int]]:
    lower, upper = bounds.lower, bounds.upper
    parent, parts = equation.parent, equation.parts
    least = sum(lower[p] for p in parts)
    endless = [p for p in parts if upper[p] == math.inf]
    most = math.inf if endless else sum(upper[p] for p in parts)
    moved = []
    moment += 1
    if _move(bounds, parent, least, most, Step(moment, equation, None, 0.0)):
        moved.append(parent)
    finite = 0.0 if endless else most
    if len(endless) == 1:
        finite = sum(upper[p] for p in parts if p != endless[0])
    for part in parts:
        others = least - lower[part]
        high = upper[parent] - others
        if not endless:
            low = lower[parent] - (finite - upper[part])
        elif len(endless) == 1 and part == endless[0]:
            low = lower[parent] - finite
        else:
            low = -math.inf
        if low > lower[part] or high < upper[part]:
            moment += 1
            before = lower[part], upper[part]
            if _move(bounds, part, low, high, Step(moment, equation, None, 0.0)):
                moved.append(part)
            least += lower[part] - before[0]
            if math.isfinite(before[1]):
                finite += upper[part] - before[1]
            elif math.isfinite(upper[part]):
                return moment, [*moved, part]  # seen again with its new bound
    return moment, moved


def _ratios(bounds: Bounds, shares: Sequence[object], moment: int) -> tuple[int, list[int]]:
    """Tighten by shares whose denominators are not printed."""
    moved = []
    for line in shares:
        fact, node, given = line.fact, line.node, line.given  # type: ignore[attr-defined]
        low, high = fact.share
        moment += 1
        step = Step(moment, None, fact, 0.0)
        most = math.inf if math.isinf(bounds.upper[given]) else high * bounds.upper[given]
        if _move(bounds, node, whole_up(low * bounds.lower[given]), whole_down(most), step):
            moved.append(node)
        moment += 1
        step = Step(moment, None, fact, 0.0)
        least = bounds.lower[node] / high if high > 0 else 0.0
        most = bounds.upper[node] / low if low > 0 else math.inf
        if _move(bounds, given, whole_up(least), whole_down(most), step):
            moved.append(given)
    return moment, moved
