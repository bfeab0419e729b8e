"""Worker processes: as many as asked for, one thread each, and quiet when interrupted."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import resource_tracker
from typing import Any, TypeVar

from synthgen.errors import OutputError

Item = TypeVar("Item")
Result = TypeVar("Result")

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


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Processes started meanwhile never hear Ctrl-C; this one hears it afterwards.

    It reaches every process of a terminal, also one that is still importing its modules and
    would end in a traceback. What is blocked is inherited, and kept for this process until
    it is unblocked.
    """
    if sys.platform == "win32":
        yield  # nothing can be blocked there: workers ignore it once they have started
        return
    # It is started with the first worker otherwise, and then unblocks the signal.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(initialise: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    # Ctrl-C reaches every process of a terminal; the first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    initialise(*arguments)


def in_order(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    jobs: int,
    initialise: Callable[..., None],
    arguments: tuple[Any, ...],
) -> Iterator[Result]:
    """Results of a function for some items, in order, from several processes.

    Parameters
    ----------
    work : callable
        A function of a module, called with each item in some process.
    items : iterable
    jobs : int
        Processes.
    initialise : callable
        Called with ``arguments`` when a process starts.
    arguments : tuple

    Raises
    ------
    OutputError
        If the system ends one of the processes.
    """
    pool = ProcessPoolExecutor(
        max_workers=jobs,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start,
        initargs=(initialise, arguments),
    )
    try:
        with one_thread_each(), _deaf_to_ctrl_c():
            results = pool.map(work, items)
        yield from results
    except BrokenProcessPool as error:
        raise OutputError(
            f"worker processes: the system ended one of {jobs}, most often for lack of memory; "
            "fewer need less (--jobs 1)"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
