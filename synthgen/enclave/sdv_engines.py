"""SDV's synthesizers: the one file that knows SDV 2 and torch.

SDV (https://docs.sdv.dev) learns wide rows (:mod:`synthgen.enclave.wide_records`) through its
public single-table synthesizers.  Columns of combinations are ``categorical``, numbers and dates
``numerical``: a date is given as whole days, because ``Inequality`` of two dates works in
nanoseconds, whose logarithm no marginal fits.  Orders of dates and times are ``Inequality``
constraints as far as SDV can chain them: no column may stand in two.  Neither keys nor
identifiers are given to SDV.

What comes out of the Gaussian copula are numbers, and those are kept in our own format; CTGAN
and TVAE (Xu et al. 2019, arXiv:1907.00503) fit and sample in one process, and nothing of them is
kept.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synthgen.enclave.wide_records import Learned
from synthgen.errors import ModelError
from synthgen.extras import installed_version, require
from synthgen.models.copula import Column, GaussianCopula, Marginal
from synthgen.models.wide import Wide

if TYPE_CHECKING:
    import pandas as pd

EXTRA = "sdv"
#: Name of the one table that SDV sees.
TABLE = "subjects"
#: Epochs of CTGAN and TVAE if none are asked for: SDV's default.
EPOCHS = 300
#: Names of SDV's classes by engine.
CLASSES = {
    "sdv-gaussian-copula": "GaussianCopulaSynthesizer",
    "sdv-ctgan": "CTGANSynthesizer",
    "sdv-tvae": "TVAESynthesizer",
}
#: Terms of SDV and its parts, read in the metadata of the distributions.
LICENCE = "BUSL-1.1"


def sdv_metadata(learned: Learned) -> dict[str, Any]:
    """Metadata for ``sdv.metadata.Metadata.load_from_dict``.

    Parameters
    ----------
    learned : Learned

    Notes
    -----
    Which columns are codes and which numbers is the schema's; there are no keys, because none
    is learned.
    """
    columns = {one.name: {"sdtype": "categorical"} for one in learned.layout.codes}
    columns |= {one.column: {"sdtype": "numerical"} for one in learned.layout.numbers}
    return {"tables": {TABLE: {"columns": columns}}}


def chained(learned: Learned) -> list[tuple[str, str]]:
    """Orders of numbers that SDV can hold by construction: no number stands in two."""
    found: list[tuple[str, str]] = []
    for pair in learned.layout.order:
        if not {*pair} & {name for other in found for name in other}:
            found.append(pair)
    return found


def sdv_frame(learned: Learned) -> pd.DataFrame:
    """Wide rows as SDV takes them: positions of combinations as text, whole numbers as such."""
    import pandas as pd

    whole = {n.column for n in learned.layout.numbers if n.decimals == 0}
    columns: dict[str, Any] = {}
    for name, values in learned.wide.items():
        if values.dtype.kind == "i":
            texts = np.array([str(v) for v in values.tolist()], dtype=object)
            columns[name] = pd.Series(texts, dtype=object)
        else:
            columns[name] = values.astype(np.int64) if name in whole else values
    return pd.DataFrame(columns)


def fitted(
    name: str, learned: Learned, *, epochs: int | None = None, seed: int | None = None
) -> Any:
    """Synthesizer of SDV, fitted.

    Parameters
    ----------
    name : str
        Of :data:`CLASSES`.
    learned : Learned
    epochs : int, optional
        Passes over the records, of CTGAN and TVAE; by default :data:`EPOCHS`.
    seed : int, optional
        Of CTGAN and TVAE.  The Gaussian copula has none: SDV keys its random numbers by the
        records, so that the same records always give the same parameters.

    Raises
    ------
    MissingExtraError
        If SDV, or for CTGAN and TVAE torch, is not installed.
    ModelError
        If SDV cannot fit; its message is not repeated, because it may hold values.
    """
    module = require(EXTRA, "sdv.single_table")
    options = {}
    if seed is not None:
        require(EXTRA, "torch")
        options = {"epochs": epochs or EPOCHS, "enable_gpu": False}
    metadata = require(EXTRA, "sdv.metadata").Metadata.load_from_dict(sdv_metadata(learned))
    order = require(EXTRA, "sdv.cag").Inequality
    constraints = [order(low, high, table_name=TABLE) for low, high in chained(learned)]
    with _quiet(name), _seeded(seed):
        synthesizer = getattr(module, CLASSES[name])(metadata, **options)
        if constraints:
            synthesizer.add_constraints(constraints)
        synthesizer.fit({TABLE: sdv_frame(learned)})
    return synthesizer


def sampled(synthesizer: Any, learned: Learned, n: int) -> Wide:
    """Wide rows drawn by SDV itself.

    Parameters
    ----------
    synthesizer : object
        As :func:`fitted` gives it.  Its stream goes on with every call; it begins at a seed of
        SDV's own that cannot be set, so that CTGAN and TVAE differ by the seed of their fit.
    learned : Learned
    n : int
        Rows wanted.

    Raises
    ------
    ModelError
        If SDV cannot sample.
    """
    with _quiet("sdv"):
        made = synthesizer.sample(num_rows=n)
    frame = made[TABLE] if isinstance(made, Mapping) else made
    wide: dict[str, npt.NDArray[Any]] = {}
    for one in learned.layout.codes:
        wide[one.name] = np.array([int(text) for text in frame[one.name]], dtype=np.intp)
    for number in learned.layout.numbers:
        wide[number.column] = frame[number.column].to_numpy(dtype=np.float64)
    return wide


def copula_of(synthesizer: Any, learned: Learned) -> GaussianCopula:
    """Parameters of SDV's Gaussian copula as a copula of our own.

    Parameters
    ----------
    synthesizer : object
        ``GaussianCopulaSynthesizer`` of SDV, fitted.
    learned : Learned
        What it was fitted to.

    Raises
    ------
    ModelError
        If its parameters are not those that SDV 2 has.
    """
    try:
        return _copula_of(synthesizer, learned)
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise ModelError(
            f"sdv {installed_version('sdv')}: its copula has other parameters than SDV 2.0's "
            f"({type(error).__name__}); another version must be installed"
        ) from error


def _copula_of(synthesizer: Any, learned: Learned) -> GaussianCopula:
    parameters = synthesizer._model.to_dict()
    transformers = synthesizer.get_transformers()
    lower = {f"{low}#{high}": (low, high) for low, high in chained(learned)}
    whole = {n.column for n in learned.layout.numbers if n.decimals == 0}
    codes = {one.name for one in learned.layout.codes}
    columns, kept = [], []
    for at, (name, said) in enumerate(
        zip(parameters["columns"], parameters["univariates"], strict=True)
    ):
        if name.endswith(".nan_component"):
            continue  # nothing is missing in wide rows: a constant, and of no other column's kind
        kept.append(at)
        low, high = lower.get(name, ("", name.removesuffix(".fillna")))
        marginal, transformer = _marginal(said), transformers[name]
        if high in codes:
            ends = {int(k): float(end) for k, (_, end) in transformer.intervals.items()}
            columns.append(Column(high, marginal, tuple(ends), tuple(ends.values())))
            continue
        digits = transformer._rounding_digits
        columns.append(
            Column(
                high,
                marginal,
                lowest=float(transformer._min_value),
                highest=float(transformer._max_value),
                digits=None if digits is None else int(digits),
                above=low,
                whole_gap=bool(low) and high in whole,
            )
        )
    correlation = np.asarray(parameters["correlation"], dtype=np.float64)
    return GaussianCopula(learned.layout, tuple(columns), correlation[np.ix_(kept, kept)])


def _marginal(said: Mapping[str, Any]) -> Marginal:
    kind = str(said["type"]).rpartition(".")[2]
    loc, scale = float(said["loc"]), float(said["scale"])
    if scale == 0.0:
        return Marginal("constant", 1.0, 1.0, loc, 0.0)
    if kind == "GaussianUnivariate":  # what SDV falls back to where no beta distribution fits
        return Marginal("norm", 1.0, 1.0, loc, scale)
    if kind != "BetaUnivariate":
        raise ValueError("marginal must be a beta or a normal distribution")
    return Marginal("beta", float(said["a"]), float(said["b"]), loc, scale)


@contextlib.contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Keep what SDV prints, and the texts of its errors, to itself: they may hold values."""
    errors = require(EXTRA, "sdv.errors")
    refusals: tuple[type[Exception], ...] = (
        ArithmeticError,
        LookupError,
        RuntimeError,
        TypeError,
        ValueError,
        *(e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, Exception)),
    )
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    except refusals as error:
        raise ModelError(
            f"{name}: SDV cannot fit or sample these records ({type(error).__name__}); another "
            "engine must be used"
        ) from None


@contextlib.contextmanager
def _seeded(seed: int | None) -> Iterator[None]:
    """Give NumPy's and torch's own random states a seed, and put them back as they were.

    CTGAN and TVAE draw from these and know no other way to be given a seed before they train.
    """
    if seed is None:
        yield
        return
    torch = require(EXTRA, "torch")
    word = int(np.random.SeedSequence(seed).generate_state(1)[0])
    before, threads = np.random.get_state(), torch.get_num_threads()  # noqa: NPY002
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(word)
            torch.set_num_threads(1)  # sums in one order, whatever the machine
            np.random.set_state(np.random.RandomState(word).get_state())  # noqa: NPY002
            yield
    finally:
        np.random.set_state(before)  # noqa: NPY002
        torch.set_num_threads(threads)


def versions() -> dict[str, str]:
    """Versions of SDV and its parts that are installed."""
    names = ("sdv", "ctgan", "copulas", "rdt", "torch")
    return {name: version for name in names if (version := installed_version(name))}
