"""The parts that synthgen builds on: those every installation has, and the optional ones.

Each optional part ("extra") is used behind one file, which imports it through
:func:`require`.  Nothing else in synthgen may name its modules, so that the base
installation never needs them.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from dataclasses import dataclass
from types import ModuleType

from synthgen.errors import MissingExtraError

DISTRIBUTION = "synthgen-cohort"


@dataclass(frozen=True)
class Dependency:
    """A distribution that every installation has.

    Parameters
    ----------
    distribution : str
        Name under which it is installed.
    module : str
        Name under which it is imported.
    lowest : str
        Oldest version that is tested.
    licence : str
        SPDX identifier, read in the metadata of the distribution.
    """

    distribution: str
    module: str
    lowest: str
    licence: str


@dataclass(frozen=True)
class Extra:
    """An optional part: what it is for and what it brings along.

    Parameters
    ----------
    name : str
        As in ``synthgen-cohort[name]``.
    purpose : str
        What it adds, for people.
    modules : tuple of str
        Top-level modules that synthgen imports from it.
    distributions : tuple of (str, str)
        Name and SPDX licence of each distribution it installs by name.
    note : str
        What its licence forbids, or ``""``.
    """

    name: str
    purpose: str
    modules: tuple[str, ...]
    distributions: tuple[tuple[str, str], ...]
    note: str = ""

    @property
    def licence(self) -> str:
        """Licences of its distributions, each once."""
        return ", ".join(dict.fromkeys(licence for _, licence in self.distributions))


DEPENDENCIES: tuple[Dependency, ...] = (
    Dependency("numpy", "numpy", "1.26.0", "BSD-3-Clause"),
    Dependency("scipy", "scipy", "1.13.0", "BSD-3-Clause"),
    Dependency("pandas", "pandas", "2.2.2", "BSD-3-Clause"),
    Dependency("jsonschema", "jsonschema", "4.20.0", "MIT"),
    Dependency("click", "click", "8.2.0", "BSD-3-Clause"),
    Dependency("faker", "faker", "30.0.0", "MIT"),
    Dependency("duckdb", "duckdb", "1.2.0", "MIT"),
    Dependency("jinja2", "jinja2", "3.1.4", "BSD-3-Clause"),
)

EXTRAS: dict[str, Extra] = {
    extra.name: extra
    for extra in (
        Extra(
            "sdv",
            "SDV synthesizers fitted to records, inside an enclave",
            ("sdv", "sdmetrics", "torch"),  # the others come with the first
            (("sdv", "BUSL-1.1"),),
            note="not open source: no commercial service that gives third parties its functions; "
            "each version becomes MIT four years after its release",
        ),
        Extra(
            "records",
            "forests fitted to records, and the attacks that measure privacy",
            ("sklearn", "threadpoolctl"),  # the second comes with the first
            (("scikit-learn", "BSD-3-Clause"),),
        ),
        Extra(
            "dp",
            "vetted noise for differentially private tables",
            ("opendp",),
            (("opendp", "MIT"),),
        ),
        Extra(
            "postgres",
            "reading records from PostgreSQL",
            ("psycopg",),
            (("psycopg", "LGPL-3.0-only"),),
        ),
        Extra(
            "dask",
            "reserved for making one cohort on several machines; nothing uses it yet",
            ("dask", "distributed"),
            (("dask", "BSD-3-Clause"), ("distributed", "BSD-3-Clause")),
        ),
        Extra(
            "sign",
            "signing release bundles and verifying signatures",
            ("cryptography",),
            (("cryptography", "Apache-2.0 OR BSD-3-Clause"),),
        ),
        Extra(
            "web",
            "reserved for a local web application; nothing uses it yet",
            ("starlette", "uvicorn", "python_multipart"),
            (
                ("starlette", "BSD-3-Clause"),
                ("uvicorn", "BSD-3-Clause"),
                ("python-multipart", "Apache-2.0"),
            ),
        ),
    )
}


def installed_version(distribution: str) -> str | None:
    """Version of an installed distribution, None where it is not installed.

    Examples
    --------
    >>> installed_version("no-such-distribution") is None
    True
    """
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def is_present(extra: str) -> bool:
    """Whether all modules of an extra can be found; none is imported.

    Parameters
    ----------
    extra : str
        A name in :data:`EXTRAS`.
    """
    return all(importlib.util.find_spec(module) is not None for module in EXTRAS[extra].modules)


def require(extra: str, module: str) -> ModuleType:
    """Import a module of an optional part.

    Parameters
    ----------
    extra : str
        A name in :data:`EXTRAS`.
    module : str
        Dotted name of the module, within one of the extra's ``modules``.

    Returns
    -------
    module

    Raises
    ------
    MissingExtraError
        If the extra is not installed, or cannot be imported as it is installed.

    Examples
    --------
    >>> require("sdv", "sdv.no_such_part")
    Traceback (most recent call last):
    ...
    synthgen.errors.MissingExtraError: ...
    """
    part = EXTRAS[extra]
    if module.partition(".")[0] not in part.modules:
        raise ValueError(f"module ({module}) must be in one of {part.modules} of extra {extra}")
    try:
        return importlib.import_module(module)
    except ImportError as error:
        install = f"pip install '{DISTRIBUTION}[{extra}]'"
        if importlib.util.find_spec(module.partition(".")[0]) is not None:
            reason = " ".join(str(error).split())
            raise MissingExtraError(
                f"extra {extra}: {module} is installed but cannot be imported ({reason}); "
                f"it must be repaired or updated: {install}"
            ) from error
        terms = f" ({part.licence}: {part.note})" if part.note else ""
        raise MissingExtraError(
            f"extra {extra}: {module} is not installed; it is needed for {part.purpose}: "
            f"{install}{terms}"
        ) from error
