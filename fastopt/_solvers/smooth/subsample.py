"""A part of the rows that stands for all of them: where Newton's methods begin, and what preconditions conjugate gradients.

Used by _solvers.smooth.newton and _solvers.smooth.newton_cg.  Rows are drawn evenly, one of each stretch, with a weight for the others of
theirs; those that are much longer than the rest, which alone hold the columns that are hardly ever filled, are all there.
"""
from __future__ import annotations

import math

import numpy as np
from scipy.linalg import eigvalsh_tridiagonal

from fastopt._linalg.lbfgs import dot
from fastopt._solvers.registry import RandomState, seed_of
from fastopt.objective import LinearObjective
from fastopt.objective._hessian import row_squares_of

#: One of at most so many rows is drawn, and at least so many rows for each parameter.
MAX_STRIDE, ROWS_A_PARAMETER = 16, 8
#: values of X, times outputs, below which a part of the rows does not save what it costs
MIN_VALUES = 1 << 18
#: Rows whose squared norm is more than so many times the mean are in every part.
LONG_ROW = 4.0
#: products with the Hessian for an estimate of its condition number
LANCZOS_STEPS = 8


def values(objective: LinearObjective) -> float:
    """How many values of X a pass reads, once for each output."""
    X = objective.X
    return float(X.row_size * (X.n if objective.transposed else objective.n_samples) * objective.n_outputs)


def part_of(objective: LinearObjective, random_state: RandomState, least: int = 2, rows_a_parameter: int = ROWS_A_PARAMETER
            ) -> LinearObjective | None:
    """The objective of a part of the rows; None where there are too few for one, or too little work.

    Parameters
    ----------
    objective : LinearObjective
    random_state : int, Generator, RandomState or None
        None: the same part each time.
    least : int
        Of so many rows one is drawn at least.
    rows_a_parameter : int
        Rows for each parameter; fewer if `least` requires it, but at least ROWS_A_PARAMETER.
    """
    kept = objective.parts if random_state is None else {}   # auto has looked at it before the solver does
    if (least, rows_a_parameter) not in kept:
        kept[least, rows_a_parameter] = _draw(objective, random_state, least, rows_a_parameter)
    part = kept[least, rows_a_parameter]
    return None if part is None else part.with_l2(objective.l2)


def _draw(objective: LinearObjective, random_state: RandomState, least: int, rows_a_parameter: int) -> LinearObjective | None:
    n, p = objective.n_samples, objective.n_params
    stride = min(MAX_STRIDE, n // (ROWS_A_PARAMETER * p))
    if stride < least or values(objective) < MIN_VALUES:
        return None
    stride = max(least, min(stride, n // (rows_a_parameter * p)))
    rng = np.random.default_rng(seed_of(0 if random_state is None else random_state))
    rows = np.arange(n // stride) * stride + rng.integers(0, stride, n // stride)
    weight = np.full(len(rows), float(stride))
    squares = row_squares_of(objective)
    if squares is not None:
        long = squares > LONG_ROW * squares.mean()
        some = rows[~long[rows]]
        rows = np.concatenate([some, np.flatnonzero(long)])
        weight = np.ones(len(rows))
        weight[:len(some)] = stride
    if objective.weight is not None and not objective.weight.reshape(n, -1)[rows].any():
        return None
    order = np.argsort(rows)
    return objective.rows(rows[order], weight[order])


def condition(objective: LinearObjective) -> float:
    """The condition number of the Hessian at 0, or less: that seen by a few steps of Lanczos.  Of a softmax it is that over weights
    whose sum over all outputs is 0, as that of all gradients is."""
    w, b = np.zeros(objective.n_params), 0.0
    old = np.zeros_like(w)
    v = np.random.default_rng(0).standard_normal(len(w))
    if objective.loss.shift_invariant:
        for part in objective.split(v):
            if part is not None:
                part -= part.mean(axis=0)
    v /= math.sqrt(dot(v, v))
    diagonal, beside = [], []
    for _ in range(min(LANCZOS_STEPS, len(w))):
        product = objective.hessp(w, v) - b * old
        diagonal.append(dot(v, product))
        product -= diagonal[-1] * v
        b = math.sqrt(dot(product, product))
        beside.append(b)
        if not b > 1e-9 * diagonal[0]:
            break
        old, v = v, product / b
    sizes = eigvalsh_tridiagonal(diagonal, beside[:-1])
    return float(sizes[-1] / sizes[0]) if sizes[0] > 0 else math.inf
