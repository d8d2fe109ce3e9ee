"""Seconds of calls that take turns, round by round, so that a drift of the machine's speed meets limits and kernels alike.

Used by _limits/limits.py and _limits/shares.py.
"""
from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeAlias

Call: TypeAlias = Callable[[], object]

LEAST = 1e-3     # seconds that are timed at once: shorter calls are repeated
MOST = 5000      # times
ROUNDS = 3       # at least


def in_turn(calls: Mapping[str, Call], seconds: float) -> dict[str, float]:
    """The least seconds of each call over some rounds, as many as fit into so many seconds.

    Examples
    --------
    >>> from fastopt._limits.timing import in_turn
    >>> 0 < in_turn({"a sum": lambda: sum(range(100))}, seconds=0.01)["a sum"] < 1
    True
    """
    counts = {name: _count(call) for name, call in calls.items()}
    best = dict.fromkeys(calls, float("inf"))
    start, rounds = time.perf_counter(), 0
    while rounds < ROUNDS or time.perf_counter() - start < seconds:
        for name, call in calls.items():
            best[name] = min(best[name], _seconds(call, counts[name]) / counts[name])
        rounds += 1
    return best


def _count(call: Call) -> int:
    """How often a call is repeated; the first one does what is done once."""
    first = _seconds(call, 1)
    once = first if first > LEAST else _seconds(call, 1)
    return max(1, min(MOST, int(LEAST / max(once, 1e-8))))


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
    start = time.perf_counter()
    for _ in range(count):
        call()
    return time.perf_counter() - start
