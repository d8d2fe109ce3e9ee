"""Dense rows of one length: how fast memory delivers them, what a sample of per-sample SGD costs at least, and our kernels on the same X.

Used by _limits/measure.py.  Kernels are called as users call them.
"""
from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from fastopt._core.memory import aligned
from fastopt._samples.order import shuffled

from . import loops
from .epochs import Epochs, classes, sgd
from .record import Findings, Limit, Share
from .timing import Call, in_turn, least

AHEAD = {"in order": (0, 8), "shuffled": (0, 2, 8, 32)}     # how far ahead rows are asked for: the fastest counts
STEPS = 2000           # of a chain that is timed at once
VISITS = 20_000        # rows that are read at once, at least
BYTES = 4              # of a number


def dense(numbers: NDArray[np.float32], columns: int, threads: int, seconds: float, place: str = "") -> Findings:
    """Limits and shares on rows of so many columns.

    Parameters
    ----------
    numbers : ndarray of float32
        What X is made of.
    columns : int
    threads : int
        Of what threads can share.
    seconds : float
        That it may take.
    place : str, default=""
        Said behind the names.
    """
    X = rows_of(numbers, columns)
    n, times = len(X), max(1, VISITS // len(X))
    epochs = Epochs(sgd(), X, classes(n))
    best = in_turn({**reads(X, threads, times), **_chains(columns), **epochs.calls}, seconds)
    bounds = {"shuffled read": least(best, "shuffled 1 ") / (n * times), "gradient chain": best["link"] / STEPS,
              "pass over weights": best["sweep"] / STEPS}
    share = Share(f"SGD, {columns:,} columns{place}", "row", 1, epochs.seconds(best), bounds, n, columns, f"SGD{place}")
    return Findings(_limits(best, columns, n * times, threads, place), [share])


def rows_of(numbers: NDArray[np.float32], columns: int) -> NDArray[np.float32]:
    """X of so many columns, of as many of the numbers as make whole rows."""
    return numbers[:len(numbers) // columns * columns].reshape(-1, columns)


def reads(X: NDArray[np.float32], threads: int, times: int = 1) -> dict[str, Call]:
    """Reads of X, so many times, by name, threads and distance of prefetches."""
    calls: dict[str, Call] = {}
    orders = {"in order": np.tile(np.arange(len(X), dtype=np.int32), times) if times > 1 else None,
              "shuffled": np.tile(shuffled(len(X), 1), times)}
    for name, order in orders.items():
        for count in sorted({1, threads}):
            calls |= {f"{name} {count} {ahead}": Call(partial(loops.read, X, order, ahead, count), count) for ahead in AHEAD[name]}
    return calls


def _chains(columns: int) -> dict[str, Call]:
    """What a sample costs whose rows lie in the L1 cache."""
    X = aligned((max(1, min(16, 4096 // columns)), columns), np.float32)
    X += 0.01
    w, p = aligned((columns,), np.float32), aligned((1,), np.float32)
    return {"chain": Call(partial(loops.chain, X, w, 1e-3, STEPS)), "sweep": Call(partial(loops.sweep, X, w.copy(), 1e-9, STEPS)),
            "link": Call(partial(loops.link, p, 0.1, 0.3, STEPS))}


def _limits(best: dict[str, float], columns: int, visits: int, threads: int, place: str) -> list[Limit]:
    name = f"rows of {columns:,}{place}"
    reads = [Limit(f"{name}, {order}", count, least(best, f"{order} {count} ") / visits, BYTES * columns)
             for count in sorted({1, threads}) for order in ("in order", "shuffled")]
    named = {"chain": "chain of steps", "sweep": "pass over weights"}
    return reads + [Limit(f"{name}, {text}", 1, best[part] / STEPS) for part, text in named.items()]
