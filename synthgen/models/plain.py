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


def distribution_arrays(distribution: Distribution | Mixture) -> dict[str, FloatArray]:
    """Every array of a distribution by name: ``osteosarcoma/03``."""
    arrays = {
        f"{code}/{i:02d}": table.probability
        for code, component in _components(distribution)
        for i, table in enumerate(component.tables)
    }
    if isinstance(distribution, Mixture):
        arrays[WEIGHTS] = distribution.weights
    return arrays


def describe_distribution(distribution: Distribution | Mixture) -> dict[str, Any]:
    """What each array means: variables, codes in order, and what is given."""
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
                        "array": f"{code}/{i:02d}",
                        "probability_of": list(table.variables),
                        "given": list(table.given),
                    }
                    for i, table in enumerate(component.tables)
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
    kind = LatentTree if described.get("latent") is True else Distribution
    for code, component in described["components"].items():
        own = Domain(tuple((name, tuple(codes)) for name, codes in component["codes"].items()))
        components[code] = kind(
            own,
            tuple(
                ConditionalTable(
                    tuple(table["given"]), tuple(table["probability_of"]), arrays[table["array"]]
                )
                for table in component["tables"]
            ),
        )
    if described["split"]:
        return Mixture(domain, described["split"], arrays[WEIGHTS], components)
    return components["all"]
