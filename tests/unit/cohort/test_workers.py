"""Worker processes: results in order, deaf to Ctrl-C, and one line when the system ends one."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time

import pytest

from synthgen.cohort.workers import in_order
from synthgen.errors import OutputError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs signals")

_added: list[int] = []


def _start(number):
    _added[:] = [number]


def _add(number):
    return number + _added[0]


def _end_by_the_system(number):
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_results_come_in_order_from_what_every_worker_was_given():
    assert list(in_order(_add, range(20), 2, _start, (100,))) == list(range(100, 120))


def test_ctrl_c_while_a_worker_still_starts_does_not_reach_it():
    results = in_order(_add, _with_ctrl_c_for_workers(), 2, _start, (1,))
    assert list(results) == [1, 2, 3, 4]


def _with_ctrl_c_for_workers():
    """Numbers; after the first the workers exist, and hear Ctrl-C before they can be ready."""
    yield from range(4)
    children = multiprocessing.active_children()
    assert len(children) == 2
    for child in children:
        os.kill(child.pid, signal.SIGINT)


def test_an_interruption_while_workers_start_is_told_when_all_of_them_have():
    """Between the start of a worker and the pool's books it would leave the worker behind."""
    another = threading.Event()  # the system gives the signal to any thread
    threading.Thread(target=another.wait, daemon=True).start()
    given = []

    def numbers():
        for number in range(4):
            yield number
            given.append(number)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)

    with (
        pytest.raises(KeyboardInterrupt),
        contextlib.closing(in_order(_add, numbers(), 2, _start, (1,))) as results,
    ):
        next(results)
    another.set()
    assert given == [0, 1, 2, 3]
    assert multiprocessing.active_children() == []


def test_ctrl_c_for_this_process_is_only_kept_while_workers_start():
    results = in_order(_add, range(4), 2, _start, (1,))
    next(results)
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, set())
    results.close()


def test_a_worker_that_the_system_ends_is_one_line():
    with pytest.raises(OutputError, match="the system ended one of 2, most often"):
        list(in_order(_end_by_the_system, range(4), 2, _start, (1,)))
