"""Worker processes: as many as asked for, one thread each, and quiet when interrupted."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

#: What tells the linear algebra libraries how many threads to make.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@contextlib.contextmanager
def one_thread_each() -> Iterator[None]:
    """Processes started meanwhile get one thread each, unless the environment says otherwise.

    With as many processes as processors, threads of their own would only wait for each
    other; they are made when NumPy is imported, so nobody can take them back later.
    """
    absent = [name for name in THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(absent, "1"))
    try:
        yield
    finally:
        for name in absent:
            os.environ.pop(name, None)


def _start(initialise: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    # Ctrl-C reaches every process of a terminal; the first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    initialise(*arguments)


def in_order(
    work: Callable[[int], T],
    numbers: Iterable[int],
    jobs: int,
    initialise: Callable[..., None],
    arguments: tuple[Any, ...],
) -> Iterator[T]:
    """Results of a function for some numbers, in order, from several processes.

    Parameters
    ----------
    work : callable
        A function of a module, called with each number in some process.
    numbers : iterable of int
    jobs : int
        Processes.
    initialise : callable
        Called with ``arguments`` when a process starts.
    arguments : tuple
    """
    pool = ProcessPoolExecutor(
        max_workers=jobs,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start,
        initargs=(initialise, arguments),
    )
    try:
        with one_thread_each():
            results = pool.map(work, numbers)
        yield from results
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
