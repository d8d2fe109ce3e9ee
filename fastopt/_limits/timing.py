"""Seconds of calls that take turns, round by round, so that a drift of the machine's speed meets limits and kernels alike.

Used by the parts of a run.
"""
from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

CHUNK = 1e-4     # seconds that are timed at once: shorter calls are repeated
MOST = 5000      # times at most
ROUNDS = 3       # at least
TURNS = 50       # turns that fit into the seconds of a part; …
TURN = 5e-3      # … no turn is longer, unless one call is
LONG = 2e-3      # what is longer meets other programs, where there are any
#: whether the clock of a thread's processor is fine enough for that
HAS_OWN_CLOCK = time.get_clock_info("thread_time").resolution <= 1e-6


class Call(NamedTuple):
    """What is timed.

    Parameters
    ----------
    run : callable
        Without arguments.
    threads : int, default=1
        That share its work.  A long call of one thread takes the time of its processor, in which other programs have no part; short ones find
        moments of their own.
    """

    run: Callable[[], object]
    threads: int = 1


def in_turn(calls: Mapping[str, Call], seconds: float) -> dict[str, float]:
    """The least seconds of each call over some rounds, as many as fit into so many seconds.

    A turn is more than one call, so that those after the first find in the caches what fits there.

    Examples
    --------
    >>> from fastopt._limits.timing import Call, in_turn
    >>> 0 < in_turn({"a sum": Call(lambda: sum(range(100)))}, seconds=0.01)["a sum"] < 1
    True
    """
    counts = {name: _count(call) for name, call in calls.items()}
    best = dict.fromkeys(calls, float("inf"))
    start, rounds = time.perf_counter(), 0
    while rounds < ROUNDS or time.perf_counter() - start < seconds:
        for name, call in calls.items():
            best[name] = min(best[name], _turn(call, counts[name], min(TURN, seconds / TURNS)))
        rounds += 1
    return best


def _count(call: Call) -> int:
    """How many calls are timed at once; the first one does what is done once."""
    first = _seconds(call, 1)
    once = first if first > CHUNK else _seconds(call, 1)
    return max(1, min(MOST, int(CHUNK / max(once, 1e-8))))


def _turn(call: Call, count: int, seconds: float) -> float:
    """The least seconds of a call in one turn."""
    best, left = float("inf"), seconds
    while True:
        took = _seconds(call, count)
        best, left = min(best, took / count), left - took
        if left <= 0:
            return best


def least(best: Mapping[str, float], name: str) -> float:
    """The seconds of the fastest of the calls whose names begin so: of ways to do the same.

    Examples
    --------
    >>> from fastopt._limits.timing import least
    >>> least({"read 1 0": 2.0, "read 1 8": 1.25, "read 2 0": 1.0}, "read 1 ")
    1.25
    """
    return min(seconds for call, seconds in best.items() if call.startswith(name))


def _seconds(call: Call, count: int) -> float:
    start, own_start = time.perf_counter(), time.thread_time()
    for _ in range(count):
        call.run()
    own, took = time.thread_time() - own_start, time.perf_counter() - start
    return own if call.threads == 1 and own > LONG and HAS_OWN_CLOCK else took   # of short ones a processor's clock may know nothing
