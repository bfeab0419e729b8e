"""Choosing what to count: select, measure, refit, as long as the budget lasts.

After AIM (McKenna, Mullins, Sheldon & Miklau 2022, arXiv 2201.12677): the exponential
mechanism finds the set of variables at which the model is furthest from the records, beyond
the error that counting it would have; it is counted with noise and the model is fitted again.
Where counting taught nothing new, the next counts get four times the budget.  Ours begins at
independence, or at a public prior, and is drawn towards that beginning (see
:mod:`synthgen.models.noisy`); so few records do not make a model of their noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.enclave.private.accounting import sigma_of
from synthgen.enclave.private.allocation import single_budgets
from synthgen.enclave.private.questions import Question, Rows
from synthgen.enclave.private.settings import SELECT_SHARE
from synthgen.enclave.private.spending import RESOLUTION, Spender
from synthgen.errors import ModelError
from synthgen.models.distribution import Distribution
from synthgen.models.domain import Domain
from synthgen.models.noisy import LEAST_WORTH, STEP_EVALUATIONS, NoisyModel
from synthgen.models.noisy_table import NoisyTable

FloatArray = npt.NDArray[np.float64]

#: Rounds that the budget is meant for at first, for each variable.
ROUNDS = 8
#: The same where a public prior has said most of it.
PRIOR_ROUNDS = 2
#: Rows of the model by which it is compared with the records, at most and at least; between
#: them so many for each row of the records.
SAMPLE, SMALLEST_SAMPLE, SAMPLE_RATE = 50_000, 5_000, 4.0
#: Largest clique of a model while it is searched for [cells].
SEARCH_CELLS = 100_000
#: Variables of a question at most.
WIDEST = 3


@dataclass(frozen=True, eq=False)
class Measured:
    """A question, its noisy answer on the grid of all categories, and the noise."""

    question: Question
    counts: FloatArray
    sigma: float


@dataclass(frozen=True, eq=False)
class Start:
    """What a search begins with.

    Parameters
    ----------
    domain : Domain
        Variables of the unit with the codes that the rules leave.
    kept : mapping of str to ndarray of intp
        Positions of those codes among all codes of a variable.
    baseline : callable or None
        Joint probability of some variables under the prior; None without one.
    unknown : frozenset of str
        Variables that the prior says nothing about.
    alone : mapping of str to ndarray of float64
        Distributions of the variables of units before this one.
    count_sigma : float
        Noise of the number of rows.
    """

    domain: Domain
    kept: dict[str, npt.NDArray[np.intp]]
    baseline: Callable[[tuple[str, ...]], FloatArray] | None
    unknown: frozenset[str]
    alone: Mapping[str, FloatArray]
    count_sigma: float


def combined_total(count: float, sigma: float, found: Sequence[Measured]) -> float:
    """Number of rows from the noisy count and the sums of noisy tables, each by its noise.

    Parameters
    ----------
    count, sigma : float
        Noisy number and its noise.
    found : sequence of Measured
    """
    weights, values = [1 / sigma**2], [count]
    for measured in found:
        weights.append(1 / (measured.counts.size * measured.sigma**2))
        values.append(float(measured.counts.sum()))
    total = sum(w * v for w, v in zip(weights, values, strict=True)) / math.fsum(weights)
    return max(float(round(total)), 1.0)


def noisy_table(measured: Measured, rows: Rows, start: Start) -> NoisyTable:
    """A noisy answer as the model takes it in: without codes that the rules exclude."""
    question = measured.question
    names = start.domain.ordered(question.names)
    counts = measured.counts.transpose([question.names.index(n) for n in names])
    groups: list[npt.NDArray[np.intp] | None] = []
    for axis, name in enumerate(names):
        if name in question.by_family:
            groups.append(rows.families[name].positions[start.kept[name]])
        else:
            groups.append(None)
            counts = counts.take(start.kept[name], axis=axis)
    return NoisyTable(names, counts, measured.sigma, tuple(groups))


class Search:
    """Adaptive choice of questions about the rows of one unit.

    Parameters
    ----------
    rows : Rows
    start : Start
    model : NoisyModel
        Whose reference is the prior, or nothing.
    questions : sequence of Question
        All that may be asked.
    spender : Spender
    sensitivity : int
        Rows of one patient.
    """

    def __init__(
        self,
        rows: Rows,
        start: Start,
        model: NoisyModel,
        questions: Sequence[Question],
        spender: Spender,
        sensitivity: int,
    ) -> None:
        self.rows, self.start, self.model = rows, start, model
        self.questions = list(questions)
        self.spender = spender
        self.sensitivity = sensitivity
        self.measured: list[Measured] = []
        self._exact = {q: rows.counted(q) for q in self.questions}
        self._excess = self._spread = 0.0
        self._tilted: Distribution | None = None
        # What the rules and the prior need is not counted against the search.
        self._ground = sum(start.domain.cells(c) for c in model.tree.cliques)

    def run(self, rho: float) -> list[Measured]:
        """Spend a budget.

        Parameters
        ----------
        rho : float
        """
        informed = self.start.baseline is not None
        singles = [q for q in self.questions if len(q.names) == 1]
        rounds = (PRIOR_ROUNDS if informed else ROUNDS) * max(len(self.rows.own), 2)
        if informed:
            cells = [self.rows.cells(q) for q in singles]
            budgets = single_budgets(rho, cells, float(self.sensitivity), self.model.total)
            left = rho - math.fsum(budgets)
            share = left / rounds
        else:
            share = rho / rounds
            budgets = [(1 - SELECT_SHARE) * share] * len(singles)
            left = rho - math.fsum(budgets)
        measure, select = (1 - SELECT_SHARE) * share, SELECT_SHARE * share
        for question, budget in zip(singles, budgets, strict=True):
            self._measure(question, budget)
        if singles:
            total = combined_total(self.model.total, self.start.count_sigma, self.measured)
            self.model.total = total
            told = [t for t in self.model.tables if not set(t.names) <= self.start.unknown]
            self.model.fit(self.model.estimate_worth(told) if informed else LEAST_WORTH)
            self.model.settle()
            if informed:
                self._tilted = self._as_distribution()
        while left > 0:
            if left < 2 * (measure + select):
                measure, select = (1 - SELECT_SHARE) * left, SELECT_SHARE * left
            allowed = self._allowed(1 - left / rho)
            if not allowed:
                break
            chosen = self._select(allowed, select, sigma_of(self.sensitivity, measure))
            left = max(left - select - measure, 0.0) if left > 1.001 * (select + measure) else 0.0
            if self._learn(chosen, measure):
                measure, select = 4 * measure, 4 * select
        return self.measured

    def _allowed(self, spent: float) -> list[Question]:
        """Questions whose answer the model could hold; the model may grow with what is spent."""
        asked_of = {m.question for m in self.measured}
        cliques = [set(c) for c in self.model.tree.cliques]
        limit = SEARCH_CELLS * max(spent, 0.1)
        allowed = []
        fits: dict[tuple[str, ...], bool] = {}
        for question in self.questions:
            coarse = [n for n in question.names if n in self.rows.families]
            if coarse and not question.by_family and len(question.names) > 1:
                first = [Question(question.names, (n,)) for n in coarse]
                if not any(q in asked_of for q in first):
                    continue  # family first
            if question.names not in fits:
                inside = any(set(question.names) <= clique for clique in cliques)
                fits[question.names] = inside or self._fits(question.names, limit)
            if fits[question.names]:
                allowed.append(question)
        return allowed

    def _fits(self, names: tuple[str, ...], limit: float) -> bool:
        domain = self.start.domain
        if domain.cells(names) > limit:
            return False
        return self.model.cells_with(names) <= limit + self._ground

    def _select(self, allowed: Sequence[Question], rho: float, sigma: float) -> Question:
        """Question at which the model is about the furthest from the records."""
        sample = self._sampled()
        widest = max(len(q.names) for q in allowed)
        scores = np.zeros(len(allowed), dtype=np.int64)
        rows = len(next(iter(sample.values())))
        for at, question in enumerate(allowed):
            expected = self.rows.counted(question, sample) * (self.model.total / rows)
            whole = np.rint(RESOLUTION * expected).astype(np.int64)
            # Integers from here on: one patient changes this sum by `sensitivity` counts, exactly.
            distance = int(np.abs(RESOLUTION * self._exact[question] - whole).sum())
            noise = round(RESOLUTION * math.sqrt(2 / math.pi) * sigma * whole.size)
            scores[at] = len(question.names) * (distance - noise)
        chosen = self.spender.select(
            f"{self.rows.name}: {len(allowed)} questions",
            scores,
            widest * RESOLUTION * self.sensitivity,
            rho,
        )
        return allowed[chosen]

    def _sampled(self) -> dict[str, npt.NDArray[np.int64]]:
        """Rows of the model, for comparison; from the same stream each time."""
        rng = np.random.default_rng(0)
        size = int(min(max(SAMPLE_RATE * self.model.total, SMALLEST_SAMPLE), SAMPLE))
        drawn = self._as_distribution().sample(size, rng)
        columns = {}
        for name in self.rows.variables:
            if name in drawn:
                positions = drawn[name]
            else:
                probability = self._alone(name)
                positions = rng.choice(len(probability), size=size, p=probability)
            columns[name] = self.start.kept[name][positions].astype(np.int64)
        return columns

    def _as_distribution(self) -> Distribution:
        """The model as it is now, of the variables that stand in it."""
        used = {n for clique in self.model.tree.cliques for n in clique}
        part = Domain(tuple(v for v in self.start.domain.variables if v[0] in used))
        return Distribution(part, tuple(self.model.sampling_tables()))

    def _alone(self, name: str) -> FloatArray:
        if name in self.start.alone:
            return self.start.alone[name]
        if self.start.baseline is not None:
            return self.start.baseline((name,))
        size = self.start.domain.size(name)
        return np.full(size, 1 / size)

    def _measure(self, question: Question, rho: float) -> NoisyTable:
        counts, sigma = self.spender.measure(
            "measure",
            f"{self.rows.name}: {question.label}",
            self._exact[question],
            float(self.sensitivity),
            rho,
        )
        found = Measured(question, counts, sigma)
        self.measured.append(found)
        table = noisy_table(found, self.rows, self.start)
        self.model.add([table])
        return table

    def _learn(self, question: Question, rho: float) -> bool:
        """Measure and fit again; whether it taught less than its noise."""
        before = self._baseline(question)
        table = self._measure(question, rho)
        expected = self.model.total * table.gather(self.model.marginal(table.names))
        if before is not None:
            reference = self.model.total * table.gather(before)
            self._excess += float(((table.counts - reference) ** 2).sum())
            self._excess -= table.counts.size * table.sigma**2
            self._spread += float((reference * (self.model.total - reference)).sum())
        self.model.fit(self._worth(), STEP_EVALUATIONS)
        after = self.model.total * table.gather(self.model.marginal(table.names))
        noise = math.sqrt(2 / math.pi) * table.sigma * table.counts.size
        return float(np.abs(after - expected).sum()) <= noise

    def _baseline(self, question: Question) -> FloatArray | None:
        """Probabilities before anything but the single variables was measured."""
        names = self.start.domain.ordered(question.names)
        if self._tilted is not None:
            try:
                return self._tilted.marginal(names)
            except ModelError:  # a variable that is not in it yet, or too large a clique
                return None
        if len(names) == 1 or any(n in self.rows.context for n in names):
            return None
        grid = np.ones(())
        for name in names:
            grid = np.multiply.outer(grid, self.model.marginal((name,)))
        return grid

    def _worth(self) -> float:
        """Rows that the beginning is worth, from all that was measured (empirical Bayes)."""
        if self._spread <= 0:
            return LEAST_WORTH
        if self._excess <= self._spread / (10 * self.model.total):
            return 10 * self.model.total
        return float(max(self._spread / self._excess - 1.0, LEAST_WORTH))
