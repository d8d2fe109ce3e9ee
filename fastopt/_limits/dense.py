"""Dense rows of one length: how fast memory delivers them, what a sample of per-sample SGD costs at least, and our kernels on the same X.

Used by _limits/measure.py.  Kernels are called as users call them.
"""
from __future__ import annotations

from functools import partial
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

import fastopt as fo
from fastopt._core.memory import aligned
from fastopt._samples.order import shuffled

from . import loops
from .epochs import Epochs, classes, sgd
from .record import Findings, Limit, Share
from .timing import Call, in_turn, least

AHEAD = {"in order": (0, 8), "shuffled": (0, 2, 8, 32)}     # how far ahead rows are asked for: the fastest counts
LINE = 784             # columns of the rows that batches and objectives are measured on
STEPS = 2000           # of a chain that is timed at once
VISITS = 20_000        # rows that are read at once, at least
BATCHES = "batches of 64"
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
    n = len(numbers) // columns
    X, visits = numbers[:n * columns].reshape(n, columns), n * max(1, VISITS // n)
    epochs = {"SGD": Epochs(sgd(), X, classes(n))}
    calls = {**_reads(X, visits // n, threads), **_chains(columns)}
    if columns == LINE:
        epochs[BATCHES] = Epochs(sgd(batch_size=64, n_jobs=threads), X, classes(n))
        calls["objective"] = _objective(X, threads)
    calls |= {f"{name} {part}": call for name, fits in epochs.items() for part, call in fits.calls.items()}
    best = in_turn(calls, seconds)
    times = {name: fits.seconds(best, f"{name} ") for name, fits in epochs.items()}
    read = {name: least(best, f"{name} ") / visits for name in ("in order", "shuffled", "shuffled 1")}
    sample = {"shuffled read": read["shuffled 1"], "gradient chain": best["link"] / STEPS, "pass over weights": best["sweep"] / STEPS}
    where = f"{columns:,} columns{place}"
    shares = [Share(f"SGD, {where}", "row", 1, times["SGD"], sample, n, columns, f"SGD{place}")]
    if columns == LINE:
        shares += [Share(f"{BATCHES}, {where}", "row", threads, times[BATCHES], {"shuffled read": read["shuffled"]}, n, columns),
                   Share(f"objective, {where}", "row", threads, best["objective"] / n, {"read in order": read["in order"]}, n, columns)]
    return Findings(_limits(best, columns, visits, threads, place), shares)


def _objective(X: NDArray[np.float32], threads: int) -> Call:
    """Value and gradient, each time at another point: an objective remembers the last."""
    objective = fo.LinearObjective(X, classes(len(X)).astype(np.float64), "log_loss", n_threads=threads)
    points = cycle((np.zeros(X.shape[1]), np.full(X.shape[1], 1e-3)))
    return lambda: objective.value_and_gradient(next(points))


def _reads(X: NDArray[np.float32], times: int, threads: int) -> dict[str, Call]:
    """Reads of X, so many times, by name, threads and distance of prefetches."""
    calls: dict[str, Call] = {}
    orders = {"in order": np.tile(np.arange(len(X), dtype=np.int32), times) if times > 1 else None,
              "shuffled": np.tile(shuffled(len(X), 1), times)}
    for name, order in orders.items():
        for count in sorted({1, threads}):
            calls |= {f"{name} {count} {ahead}": partial(loops.read, X, order, ahead, count) for ahead in AHEAD[name]}
    return calls


def _chains(columns: int) -> dict[str, Call]:
    """What a sample costs whose rows lie in the L1 cache."""
    X = aligned((max(1, min(16, 4096 // columns)), columns), np.float32)
    X += 0.01
    w, p = aligned((columns,), np.float32), aligned((1,), np.float32)
    return {"chain": partial(loops.chain, X, w, 1e-3, STEPS), "sweep": partial(loops.sweep, X, w.copy(), 1e-9, STEPS),
            "link": partial(loops.link, p, 0.1, 0.3, STEPS)}


def _limits(best: dict[str, float], columns: int, visits: int, threads: int, place: str) -> list[Limit]:
    name = f"rows of {columns:,}{place}"
    reads = [Limit(f"{name}, {order}", count, least(best, f"{order} {count} ") / visits, BYTES * columns)
             for count in sorted({1, threads}) for order in ("in order", "shuffled")]
    named = {"chain": "chain of steps", "sweep": "pass over weights"}
    return reads + [Limit(f"{name}, {text}", 1, best[part] / STEPS) for part, text in named.items()]
