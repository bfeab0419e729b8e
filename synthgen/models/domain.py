"""The finite domain of a model: variables in order, and the codes of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from synthgen.errors import ModelError


@dataclass(frozen=True)
class Domain:
    """Variables in order with their codes in order.

    Parameters
    ----------
    variables : tuple of (str, tuple of str)
        Name and codes of each variable.  The order is the order of all array axes.

    Raises
    ------
    ModelError
        If a variable stands twice, or has no code, or a code twice.

    Examples
    --------
    >>> d = Domain((("sex", ("1", "2")), ("stage", ("L", "R", "D"))))
    >>> d.shape(("stage", "sex"))
    (3, 2)
    """

    variables: tuple[tuple[str, tuple[str, ...]], ...]

    def __post_init__(self) -> None:
        names = [name for name, _ in self.variables]
        if len(set(names)) != len(names):
            raise ModelError(f"domain: a variable stands twice in {', '.join(names)}")
        for name, codes in self.variables:
            if not codes or len(set(codes)) != len(codes):
                raise ModelError(
                    f"domain: variable {name} needs codes, each once ({len(codes)} given)"
                )

    @cached_property
    def codes(self) -> dict[str, tuple[str, ...]]:
        """Codes of each variable."""
        return dict(self.variables)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the variables, in order."""
        return tuple(name for name, _ in self.variables)

    @cached_property
    def _rank(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.names)}

    @cached_property
    def _code_rank(self) -> dict[str, dict[str, int]]:
        return {name: {c: i for i, c in enumerate(codes)} for name, codes in self.variables}

    def size(self, name: str) -> int:
        """Number of codes of a variable."""
        return len(self.codes[name])

    def shape(self, names: Iterable[str]) -> tuple[int, ...]:
        """Numbers of codes of several variables."""
        return tuple(self.size(name) for name in names)

    def cells(self, names: Iterable[str]) -> int:
        """Number of cells of the grid of several variables."""
        product = 1
        for name in names:
            product *= self.size(name)
        return product

    def ordered(self, names: Iterable[str]) -> tuple[str, ...]:
        """Distinct names in the order of the domain.

        Raises
        ------
        ModelError
            If a name is not a variable of the domain.
        """
        distinct = set(names)
        unknown = sorted(distinct - self._rank.keys())
        if unknown:
            raise ModelError(
                f"domain: has no variable {unknown[0]}; it has {', '.join(self.names)} "
                f"({len(unknown)} unknown)"
            )
        return tuple(sorted(distinct, key=self._rank.__getitem__))

    def positions(self, name: str, codes: Iterable[str]) -> npt.NDArray[np.intp]:
        """Positions of codes of one variable, ascending.

        Raises
        ------
        ModelError
            If a code is not one of the variable's.
        """
        rank = self._code_rank[name]
        wanted = list(codes)
        unknown = [c for c in wanted if c not in rank]
        if unknown:
            raise ModelError(
                f"variable {name}: has no code {unknown[0]} ({len(unknown)} unknown codes)"
            )
        return np.array(sorted({rank[c] for c in wanted}), dtype=np.intp)

    def mask(
        self, names: tuple[str, ...], members: Mapping[str, tuple[str, ...]]
    ) -> npt.NDArray[np.bool_]:
        """Cells of a grid that belong to the given codes.

        Parameters
        ----------
        names : tuple of str
            Axes of the grid.
        members : mapping of str to tuple of str
            Codes by variable; a variable that is absent is covered whole, one that is no
            axis of the grid is ignored.

        Returns
        -------
        ndarray of bool, shape ``self.shape(names)``
        """
        grid = np.ones(self.shape(names), dtype=np.bool_)
        for axis, name in enumerate(names):
            if name in members:
                keep = np.zeros(self.size(name), dtype=np.bool_)
                keep[self.positions(name, members[name])] = True
                grid &= keep.reshape([-1 if i == axis else 1 for i in range(len(names))])
        return grid

    def _repr_html_(self) -> str:
        from synthgen.models.views import domain_view

        return domain_view(self)
