"""A distribution as plain JSON values and arrays of numbers, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from synthgen.models.distribution import ConditionalTable, Distribution
from synthgen.models.domain import Domain
from synthgen.models.latent_tree import LatentTree
from synthgen.models.mixture import Mixture

FloatArray = npt.NDArray[np.float64]

#: Name of the array that holds the weights of a mixture.
WEIGHTS = "weights"


def _components(distribution: Distribution | Mixture) -> Iterator[tuple[str, Distribution]]:
    if isinstance(distribution, Distribution):
        yield "all", distribution
    else:
        yield from distribution.components.items()


def _array_names(distribution: Distribution | Mixture) -> dict[int, str]:
    """Name of the array of each table; a table that several components share has one."""
    names: dict[int, str] = {}
    for code, component in _components(distribution):
        for i, table in enumerate(component.tables):
            names.setdefault(id(table), f"{code}/{i:02d}")
    return names


def distribution_arrays(distribution: Distribution | Mixture) -> dict[str, FloatArray]:
    """Every array of a distribution by name: ``osteosarcoma/03``."""
    names = _array_names(distribution)
    arrays = {
        names[id(table)]: table.probability
        for _, component in _components(distribution)
        for table in component.tables
    }
    if isinstance(distribution, Mixture):
        arrays[WEIGHTS] = distribution.weights
    return arrays


def describe_distribution(distribution: Distribution | Mixture) -> dict[str, Any]:
    """What each array means: variables, codes in order, and what is given."""
    names = _array_names(distribution)
    latent = all(isinstance(part, LatentTree) for _, part in _components(distribution))
    return {
        **({"latent": True} if latent else {}),
        "split": distribution.split if isinstance(distribution, Mixture) else "",
        "split_size": len(distribution.weights) if isinstance(distribution, Mixture) else 0,
        "components": {
            code: {
                "codes": {name: list(codes) for name, codes in component.domain.variables},
                "tables": [
                    {
                        "array": names[id(table)],
                        "probability_of": list(table.variables),
                        "given": list(table.given),
                    }
                    for table in component.tables
                ],
            }
            for code, component in _components(distribution)
        },
    }


def announced_shapes(described: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Shape of every array that a description speaks of."""
    shapes: dict[str, tuple[int, ...]] = {}
    for component in described["components"].values():
        sizes = {name: len(codes) for name, codes in component["codes"].items()}
        for table in component["tables"]:
            names = [*table["given"], *table["probability_of"]]
            shapes[table["array"]] = tuple(sizes[n] for n in names)
    if described["split"]:
        shapes[WEIGHTS] = (int(described["split_size"]),)
    return shapes


def distribution_from(
    domain: Domain, described: Mapping[str, Any], arrays: Mapping[str, FloatArray]
) -> Distribution | Mixture:
    """The distribution that :func:`describe_distribution` describes.

    Raises
    ------
    ModelError
        If tables are no probabilities, or do not fit together.
    KeyError, TypeError
        If the description is incomplete.
    """
    components = {}
    known: dict[tuple[str, tuple[str, ...], tuple[str, ...]], ConditionalTable] = {}

    def table_of(said: Mapping[str, Any]) -> ConditionalTable:
        key = (said["array"], tuple(said["given"]), tuple(said["probability_of"]))
        if key not in known:
            known[key] = ConditionalTable(key[1], key[2], arrays[key[0]])
        return known[key]

    kind = LatentTree if described.get("latent") is True else Distribution
    for code, component in described["components"].items():
        own = Domain(tuple((name, tuple(codes)) for name, codes in component["codes"].items()))
        components[code] = kind(own, tuple(table_of(said) for said in component["tables"]))
    if described["split"]:
        return Mixture(domain, described["split"], arrays[WEIGHTS], components)
    return components["all"]
