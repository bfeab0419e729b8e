"""From records to a pack that may be handed out: counts with noise, and a ledger of them.

Nothing that depends on a record is published but what :class:`Spender` was asked for.  The
design is made on empty tables; domains, bins, the plan and a prior are public; missing values
are a category; the number of rows is counted with noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from synthgen import __version__
from synthgen.enclave.private.accounting import ACCOUNTING, epsilon_of, rho_of
from synthgen.enclave.private.adaptive import (
    SEARCH_CELLS,
    WIDEST,
    Measured,
    Search,
    Start,
    combined_total,
)
from synthgen.enclave.private.allocation import shared_out
from synthgen.enclave.private.budget import reserve
from synthgen.enclave.private.dry_run import (
    Expectation,
    expectations,
    refuse_noise,
    unit_budgets,
)
from synthgen.enclave.private.noise import Noise, OpenDPNoise
from synthgen.enclave.private.pack import noisy_pack
from synthgen.enclave.private.prepare import Prepared, prepared
from synthgen.enclave.private.prior import require_public
from synthgen.enclave.private.projection import countable_prior
from synthgen.enclave.private.questions import Question, Rows, candidates, wanted_questions
from synthgen.enclave.private.settings import COUNT_SHARE, PrivateSettings
from synthgen.enclave.private.spending import Spender
from synthgen.enclave.records import Source
from synthgen.enclave.tabulate import Tabulated
from synthgen.errors import ModelError, PrivacyBudgetError
from synthgen.models.block import Potential
from synthgen.models.distribution import Distribution
from synthgen.models.domain import Domain
from synthgen.models.mixture import Mixture
from synthgen.models.noisy import NoisyModel
from synthgen.models.noisy_pack import RAREST, UNSEEN, prior_of, unit_model
from synthgen.models.pack_domain import domain_of
from synthgen.models.structure import zero_potentials
from synthgen.schema.model import Schema
from synthgen.statistics.ledger import FORMAT, Ledger

FloatArray = npt.NDArray[np.float64]

UNIT = "patient"
NEIGHBOURS = "add or remove one patient"


def dry_run(source: Source, schema: Schema, settings: PrivateSettings) -> list[Expectation]:
    """Expected error of every table, before anything is spent.

    Parameters
    ----------
    source : path, str, DataFrame or mapping of str to DataFrame
        Asked for which columns there are; no row is counted.
    schema : Schema
    settings : PrivateSettings
        With the patients to expect, from public knowledge.

    Raises
    ------
    PrivacyBudgetError
        If nobody says how many patients to expect.
    RecordsError
        If the records cannot be read or break their schema.
    """
    _require_prior(settings, schema)
    if settings.expected_n is None:
        raise PrivacyBudgetError(
            "dry run: needs the number of patients to expect, from public knowledge (--expect-n)"
        )
    with prepared(source, schema, settings) as ready:
        settings = countable_prior(settings, ready)
        return _expected(ready, settings, rho_of(settings.epsilon, settings.delta))


def _require_prior(settings: PrivateSettings, schema: Schema) -> None:
    if settings.prior is not None:
        require_public(settings.prior, schema)


def _expected(ready: Prepared, settings: PrivateSettings, rho: float) -> list[Expectation]:
    share_of = None
    if settings.prior is not None:
        base = noisy_pack(ready, settings, (), {}, None)
        prior = prior_of(base, ready.schema)

        def share_of(name: str, code: str) -> float | None:
            if prior is None or code not in prior.domain.codes.get(name, ()):
                return None
            return float(prior.marginal((name,))[prior.domain.codes[name].index(code)])

    return expectations(
        ready.units, ready.kept, ready.planned, rho, float(settings.expected_n or 0), share_of
    )


def tabulate_private(
    source: Source,
    schema: Schema,
    settings: PrivateSettings,
    *,
    noise: Noise | None = None,
    notice: Callable[[str], None] | None = None,
) -> Tabulated:
    """Statistics pack of records with differential privacy.

    Parameters
    ----------
    source : path, str, DataFrame or mapping of str to DataFrame
    schema : Schema
    settings : PrivateSettings
    noise : Noise, optional
        OpenDP's by default.
    notice : callable, optional
        Told in one line what is being done.

    Returns
    -------
    Tabulated
        Its pack carries the ledger.

    Raises
    ------
    PrivacyBudgetError
        If the claim, the prior, the plan or the budget does not allow it, or the answer would
        be noise.
    RecordsError
        If a record breaks its schema or lies in no bin.
    MissingExtraError
        If OpenDP is not installed.
    """
    drawn = noise or OpenDPNoise()
    _require_prior(settings, schema)
    rho = rho_of(settings.epsilon, settings.delta)
    with prepared(source, schema, settings) as ready:
        settings = countable_prior(settings, ready)
        if settings.expected_n is not None and settings.prior is None:
            refuse_noise(_expected(ready, settings, rho))
        asking = _Asking(ready, settings)
        if settings.budget is not None:
            reserve(settings.budget, settings.epsilon, settings.delta)
        spender = Spender(rho, drawn)
        totals = asking.totals(spender, rho)
        n = totals[ready.units[0].name]
        if settings.delta >= 1 / n:
            raise PrivacyBudgetError(
                f"delta: is {settings.delta:g}; it must be below one in the number of patients, "
                "which is about as large by the noisy count; the budget of the count is spent"
            )
        measured = asking.answers(spender, rho, totals, notice)
        ledger = _ledger(settings, ready, spender)
        pack = noisy_pack(ready, settings, measured, totals, ledger)
        return Tabulated(pack, ready.left_out)


class _Asking:
    """All questions of one tabulation, prepared before any is asked."""

    def __init__(self, ready: Prepared, settings: PrivateSettings) -> None:
        self.ready, self.settings = ready, settings
        base = noisy_pack(ready, settings, (), {}, None)
        self.whole = domain_of(base, ready.schema)
        self.zeros = zero_potentials(self.whole, ready.schema)
        self.prior = prior_of(base, ready.schema) if settings.prior is not None else None
        self.questions: list[list[Question]] = []
        for rows in ready.units:
            if ready.planned:
                own = [p for p in ready.planned if any(n in rows.own for n in p[1])]
                self.questions.append(self._within(rows, wanted_questions(rows, own)))
            else:
                self.questions.append(candidates(rows, WIDEST, settings.asked.cells))
        if not any(self.questions):
            raise PrivacyBudgetError("plan: no table of it can be counted")
        self._require_models()

    def _require_models(self) -> None:
        """Refuse before anything is spent where a model would be too large."""
        earlier: tuple[str, ...] = ()
        for rows in self.ready.units:
            if not self.ready.planned:
                self._model(rows, earlier, 1.0)
            earlier = (*earlier, *rows.own)

    def _within(self, rows: Rows, questions: list[Question]) -> list[Question]:
        for question in questions:
            if rows.cells(question) > self.settings.asked.cells:
                raise PrivacyBudgetError(
                    f"plan: the table of {question.label} has {rows.cells(question):,} cells; at "
                    f"most {self.settings.asked.cells:,} are allowed (--max-cells)"
                )
        return questions

    def totals(self, spender: Spender, rho: float) -> dict[str, float]:
        """Noisy numbers of rows."""
        found = {}
        for rows in self.ready.units:
            count, _ = spender.measure(
                "count",
                rows.name,
                rows.counted(Question(())),
                float(self.ready.kept[rows.name]),
                rho * COUNT_SHARE / len(self.ready.units),
            )
            found[rows.name] = max(float(count[0]), 1.0)
        return found

    def answers(
        self,
        spender: Spender,
        rho: float,
        totals: dict[str, float],
        notice: Callable[[str], None] | None,
    ) -> list[tuple[Rows, Measured]]:
        """Noisy answers of every unit; the totals are made better by what they add up to."""
        made: list[tuple[Rows, Measured]] = []
        earlier: tuple[str, ...] = ()
        budgets = unit_budgets(self.ready.units, rho)
        for rows, questions, budget in zip(self.ready.units, self.questions, budgets, strict=True):
            sensitivity = self.ready.kept[rows.name]
            if self.ready.planned:
                found = _planned(rows, questions, budget, spender, sensitivity)
            else:
                if notice is not None:
                    notice(f"Choosing tables of {rows.name} among {len(questions):,}")
                found = self._searched(rows, questions, budget, spender, totals, earlier, made)
            counted = next(e for e in spender.entries if e.step == "count" and e.of == rows.name)
            totals[rows.name] = combined_total(totals[rows.name], counted.scale, found)
            made += [(rows, m) for m in found]
            earlier = (*earlier, *rows.own)
        return made

    def _searched(
        self,
        rows: Rows,
        questions: Sequence[Question],
        budget: float,
        spender: Spender,
        totals: dict[str, float],
        earlier: tuple[str, ...],
        made: Sequence[tuple[Rows, Measured]],
    ) -> list[Measured]:
        names = {*rows.variables}
        model = self._model(rows, earlier, totals[rows.name])
        domain, alone = model.domain, self._alone(made)
        used = {n for scope in model.scopes() for n in scope}
        for name in sorted(used & set(model.context) & set(alone)):
            weights = np.log(np.maximum(alone[name], RAREST))
            model.reference.append(Potential((name,), weights))
        model.refresh()
        kept = {n: self._kept(rows, n) for n in rows.variables}
        baseline = None if self.prior is None else self._baseline
        known = set() if self.prior is None else set(self.prior.domain.names)
        counted = next(e for e in spender.entries if e.step == "count" and e.of == rows.name)
        start = Start(domain, kept, baseline, frozenset(names - known), alone, counted.scale)
        return Search(rows, start, model, questions, spender, self.ready.kept[rows.name]).run(
            budget
        )

    def _model(self, rows: Rows, earlier: tuple[str, ...], total: float) -> NoisyModel:
        """What the search of a unit begins with, before anything is measured."""
        names = {*rows.variables}
        domain = Domain(tuple(v for v in self.whole.variables if v[0] in names))
        try:
            model = unit_model(self.whole, rows.own, earlier, (), total, self.zeros, self.prior)
            model.limit = max(model.limit, SEARCH_CELLS)
            model.domain = domain
            model.context = domain.ordered(n for n in earlier if n in names)
            model.refresh()
        except ModelError as error:
            raise PrivacyBudgetError(
                f"{rows.name}: its rules and the prior make too large a model to search ({error}); "
                "write a plan of fewer variables (--plan)"
            ) from error
        return model

    def _alone(self, made: Sequence[tuple[Rows, Measured]]) -> dict[str, FloatArray]:
        """Noisy distributions of single variables."""
        found = {}
        for rows, measured in made:
            if len(measured.question.names) == 1 and not measured.question.by_family:
                (name,) = measured.question.names
                counts = np.maximum(measured.counts[self._kept(rows, name)], 1e-3)
                found[name] = counts / counts.sum()
        return found

    def _kept(self, rows: Rows, name: str) -> npt.NDArray[np.intp]:
        codes = rows.variables[name].codes
        return np.array([codes.index(c) for c in self.whole.codes[name]], dtype=np.intp)

    def _baseline(self, names: tuple[str, ...]) -> FloatArray:
        return known_marginal(self.prior, self.whole, names)


def known_marginal(
    prior: Distribution | Mixture | None, domain: Domain, names: tuple[str, ...]
) -> FloatArray:
    """Joint probability under a prior on the codes of a domain; what it does not know is even.

    Parameters
    ----------
    prior : Distribution or Mixture or None
    domain : Domain
    names : tuple of str
    """
    known = tuple(n for n in names if prior is not None and n in prior.domain.codes)
    values = np.ones(())
    if prior is not None and known:
        values = np.zeros(domain.shape(known))
        here, there = [], []
        for name in known:
            both = [c for c in prior.domain.codes[name] if c in set(domain.codes[name])]
            here.append(np.array([domain.codes[name].index(c) for c in both], dtype=np.intp))
            there.append(np.array([prior.domain.codes[name].index(c) for c in both], dtype=np.intp))
        values[np.ix_(*here)] = prior.marginal(known)[np.ix_(*there)]
        values = (1 - UNSEEN) * values / max(float(values.sum()), 1e-300) + UNSEEN / values.size
    shape = [domain.size(n) if n in known else 1 for n in names]
    spread = values.reshape(shape) * np.ones(domain.shape(names))
    return np.asarray(spread / spread.sum())


def _planned(
    rows: Rows, questions: Sequence[Question], budget: float, spender: Spender, sensitivity: int
) -> list[Measured]:
    cells = [rows.cells(q) for q in questions]
    shares = shared_out(budget, cells, [float(sensitivity)] * len(cells))
    found = []
    for question, share in zip(questions, shares, strict=True):
        counts, sigma = spender.measure(
            "measure",
            f"{rows.name}: {question.label}",
            rows.counted(question),
            float(sensitivity),
            share,
        )
        found.append(Measured(question, counts, sigma))
    return found


def _ledger(settings: PrivateSettings, ready: Prepared, spender: Spender) -> Ledger:
    public = [
        f"schema {ready.schema.key}: tables, columns, code lists, public bins, rules",
        "which columns the delivery has",
        "records keep their schema: a patient whose rows break it is refused, and nothing published",
        "missing is a category of every column that may be missing",
        f"written by synthgen {__version__}",
    ]
    if settings.asked.plan is not None:
        public.append("the plan: which tables")
    if settings.prior is not None:
        public.append(f"prior {settings.prior.pack.id} (sha256 {settings.prior.sha256})")
    if settings.expected_n is not None:
        public.append(f"patients to expect: {settings.expected_n:,}")
    spent = math.fsum(entry.rho for entry in spender.entries)
    if epsilon_of(spent, settings.delta) > settings.epsilon * (1 + 1e-9):
        raise PrivacyBudgetError(
            "ledger: its entries cost more than was claimed; nothing is published"
        )
    return Ledger(
        format=FORMAT,
        unit=UNIT,
        neighbours=NEIGHBOURS,
        rows_per_unit=ready.kept,
        epsilon=settings.epsilon,
        delta=settings.delta,
        rho=spent,
        accounting=ACCOUNTING,
        public=tuple(public),
        noise=spender.noise.name,
        entries=tuple(spender.entries),
    )
