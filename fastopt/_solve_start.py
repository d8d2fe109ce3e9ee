"""A part of the rows that stands for all of them: where Newton's methods begin, and what preconditions conjugate gradients.

Used by _solve_newton and _solve_trust.  Rows are drawn evenly, one of each stretch, with a weight for the others of theirs; those that
are much longer than the rest, which alone hold the columns that are hardly ever filled, are all there.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from ._hessian import row_squares_of
from ._solve_samples import seed_of

#: of how many rows one is drawn, at most; rows for each parameter, at least
MOST, ROWS_A_PARAMETER = 16, 8
#: rows whose squared norm is so many times the mean are in every part
LONG = 4.0


def part_of(objective: Any, random_state: Any, least: int = 2, rows_a_parameter: int = ROWS_A_PARAMETER) -> Any:
    """The objective of a part of the rows; None where there are too few for one.

    Parameters
    ----------
    objective : LinearObjective
    random_state : int, Generator, RandomState or None
        None: the same part each time.
    least : int
        Of so many rows one is drawn at least.
    rows_a_parameter : int
        Rows for each parameter that are wanted; fewer do where `least` demands it, but not below ROWS_A_PARAMETER.
    """
    n, p = objective.n_samples, objective.n_params
    stride = min(MOST, n // (ROWS_A_PARAMETER * p))
    if stride < least:
        return None
    stride = max(least, min(stride, n // (rows_a_parameter * p)))
    rng = np.random.default_rng(seed_of(0 if random_state is None else random_state))
    rows = np.arange(n // stride) * stride + rng.integers(0, stride, n // stride)
    weight = np.full(len(rows), float(stride))
    squares = row_squares_of(objective)
    if squares is not None:
        long = squares > LONG * squares.mean()
        some = rows[~long[rows]]
        rows = np.concatenate([some, np.flatnonzero(long)])
        weight = np.ones(len(rows))
        weight[:len(some)] = stride
    if objective.weight is not None and not objective.weight.reshape(n, -1)[rows].any():
        return None
    order = np.argsort(rows)
    part = objective.rows(rows[order], weight[order])
    part.l2 = objective.l2
    return part
