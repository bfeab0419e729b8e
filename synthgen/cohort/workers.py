"""Worker processes: as many as asked for, one thread each, and quiet when interrupted."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import resource_tracker
from types import FrameType
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
def _interrupted_later() -> Iterator[None]:
    """Processes are started whole meanwhile: whoever interrupts this one is heard afterwards.

    Ctrl-C reaches every process of a terminal.  A worker that still imports its modules would
    end in a traceback: it inherits that the signal is blocked.  An interruption between the
    start of a worker and its entry in the pool's books would leave it waiting for ever.
    """
    heard: list[tuple[int, FrameType | None]] = []
    handlers = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not None:  # one that Python can put back
                handlers[number] = signal.signal(number, lambda *call: heard.append(call))
    if sys.platform != "win32":
        # It is started with the first worker otherwise, and then unblocks the signal.
        resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for said, frame in heard[:1]:
            handler = handlers[signal.Signals(said)]
            if callable(handler):
                handler(said, frame)
            elif handler == signal.SIG_DFL:
                signal.raise_signal(said)


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
) -> Generator[Result, None, None]:
    """Results of a function for some items, in order, from several processes.

    Whoever takes them closes this (``contextlib.closing``): an interruption on their side
    would leave it waiting in a traceback, and the processes would do all that was asked.

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
        with one_thread_each(), _interrupted_later():
            results = pool.map(work, items)
        yield from results
    except BrokenProcessPool as error:
        raise OutputError(
            f"worker processes: the system ended one of {jobs}, most often for lack of memory; "
            "fewer need less (--jobs 1)"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
