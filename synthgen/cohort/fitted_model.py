"""A fitted model: what can be sampled, what it came from, and how well it fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from synthgen.cohort.follow_up import FollowUpRule
from synthgen.models.copula import GaussianCopula
from synthgen.models.distribution import Distribution
from synthgen.models.fit import Gap
from synthgen.models.mixture import Mixture
from synthgen.schema.model import Schema
from synthgen.statistics.life_table import LifeTable, life_table_of
from synthgen.statistics.model import StatisticsPack

if TYPE_CHECKING:
    from synthgen.cohort.cohort import Cohort


@dataclass(frozen=True, eq=False)
class PriorRecord:
    """What a model was given as its prior.

    Parameters
    ----------
    id, sha256 : str
        Name and hash of the prior's model or pack.
    pack : StatisticsPack
        The prior's statistics; fitting them gives the prior again.
    """

    id: str
    sha256: str
    pack: StatisticsPack


@dataclass(frozen=True, eq=False)
class EngineRecord:
    """Which engine fitted a model to records, and how.

    Parameters
    ----------
    name : str
        As ``fit --engine`` names it.
    settings : mapping of str to plain JSON values
        What the engine promises and was told; ``{}`` for nothing.
    """

    name: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class FittedModel:
    """Distribution fitted to a pack, with the pack itself.

    Parameters
    ----------
    id : str
        Name of the model.
    schema : Schema
        The schema that it speaks.
    pack : StatisticsPack
        The statistics it was fitted to.
    distribution : Distribution or Mixture
    gaps : tuple of Gap
        Every published value beside the fitted one.
    residual : float
        Largest violation of the optimality conditions [standard errors].
    sha256 : str
        Hash of the artefact; it keys the random streams.
    prior : PriorRecord or None
        What the fit referred to beside the declared references.
    engine : EngineRecord or None
        What fitted it, if not the own engine.
    copula : GaussianCopula or None
        What subjects are drawn from, where that is no distribution of categories; the
        distribution then only has the shares of each code.
    """

    id: str
    schema: Schema
    pack: StatisticsPack
    distribution: Distribution | Mixture
    gaps: tuple[Gap, ...]
    residual: float
    sha256: str
    prior: PriorRecord | None = None
    engine: EngineRecord | None = None
    copula: GaussianCopula | None = None

    @property
    def origin(self) -> str:
        """``public-statistics`` or ``enclave``."""
        return self.pack.origin

    @cached_property
    def life_table(self) -> LifeTable:
        """Mortality of the general population.

        Raises
        ------
        StatisticsError
            If the pack has none.
        """
        return life_table_of(self.pack)

    def generate(
        self,
        n: int | None = None,
        *,
        years: int | None = None,
        population: str = "",
        age_adjusted: bool = True,
        trend: bool = True,
        seed: int = 1,
        where: Mapping[str, tuple[str, ...]] | None = None,
        follow_up: FollowUpRule | None = None,
        further_tumours: float | None = None,
        names: str = "",
        clinical: str = "",
    ) -> Cohort:
        """Synthetic patients with their tumours.

        Parameters
        ----------
        n : int, optional
            Patients.  Either this or ``years`` must be given.
        years : int, optional
            Years of a population: the number of patients is drawn around the cases that its
            rates and people give (:mod:`synthgen.cohort.population`).
        population : str
            Region by code or by name, English or Korean; the whole target without it.
        age_adjusted : bool
            Rates by sex and age times the population's people; else one rate for all heads.
        trend : bool
            Rates carried to the target period; else as published.
        seed : int
            0 or greater; the same model, seed and versions give the same cohort.
        where : mapping of str to tuple of str, optional
            Codes by variable: only such patients, by exact conditioning.
        follow_up : FollowUpRule, optional
            Cut-off and loss; by default the one of the pack's target period.
        further_tumours : float, optional
            Rate of further primary tumours [per person-year of follow-up]; by default the
            published one of :mod:`synthgen.cohort.further_tumours`, 0 for none.
        names : {"", "ko", "et"}
            Language of invented names in an extra column of patients; none by default.
        clinical : {"", "all", "published"}
            Ten clinical tables as well: with what nobody published, or without it.

        Raises
        ------
        UsageError
            If ``n`` or ``years`` is below 1, the seed or the rate negative, or a variable, code
            or population unknown; or if not exactly one of ``n`` and ``years`` is given.
        EvidenceError
            If nobody can be as ``where`` says.
        """
        from synthgen.cohort.generate import cohort_of
        from synthgen.cohort.settings import requested

        options: dict[str, Any] = {"names": names, "clinical": clinical}
        if further_tumours is not None:
            options["further_tumours"] = further_tumours
        settings = requested(
            self,
            n,
            years,
            population,
            age_adjusted=age_adjusted,
            trend=trend,
            seed=seed,
            where=where,
            follow_up=follow_up,
            **options,
        )
        return cohort_of(self, settings)

    def __repr__(self) -> str:
        return (
            f"<FittedModel {self.id}: {len(self.distribution.domain.names)} variables, "
            f"{len(self.gaps)} statements, {self.origin}>"
        )

    def _repr_html_(self) -> str:
        from synthgen.cohort.views import model_view

        return model_view(self)
