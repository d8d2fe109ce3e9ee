"""What threads share: mini-batches, and an objective with its gradient, on dense rows.

Used by _limits/measure.py.
"""
from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

import fastopt as fo

from .dense import reads, rows_of
from .epochs import Epochs, classes, sgd
from .record import Findings, Share
from .timing import Call, in_turn, least

BATCH = 64


def shared(numbers: NDArray[np.float32], columns: int, threads: int, seconds: float) -> Findings:
    """Shares of an epoch by batches and of an objective, on rows of so many columns.

    Parameters
    ----------
    numbers : ndarray of float32
        What X is made of.
    columns, threads : int
    seconds : float
        That it may take.
    """
    X = rows_of(numbers, columns)
    n, name = len(X), f"{columns:,} columns"
    epochs = Epochs(sgd(batch_size=BATCH, n_jobs=threads), X, classes(n), threads)
    best = in_turn({**reads(X, threads), **epochs.calls, "objective": _objective(X, threads)}, seconds)
    return Findings([], [
        Share(f"batches of {BATCH}, {name}", "row", threads, epochs.seconds(best), {"shuffled read": least(best, "shuffled ") / n}, n, columns),
        Share(f"objective, {name}", "row", threads, best["objective"] / n, {"read in order": least(best, "in order ") / n}, n, columns)])


def _objective(X: NDArray[np.float32], threads: int) -> Call:
    """Value and gradient, each time at another point: an objective remembers the last."""
    objective = fo.LinearObjective(X, classes(len(X)).astype(np.float64), "log_loss", n_threads=threads)
    points = cycle((np.zeros(X.shape[1]), np.full(X.shape[1], 1e-3)))
    return Call(partial(_at_next, objective, points), threads)


def _at_next(objective: fo.LinearObjective, points: Iterator[NDArray[np.float64]]) -> None:
    objective.value_and_gradient(next(points))
