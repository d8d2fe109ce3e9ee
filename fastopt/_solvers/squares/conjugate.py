"""Least squares by conjugate gradients, of one output or of many that share X and its readings.

They are scaled by the columns' mean squares, and end when what is still to come is small beside what has been gained, which is the
squared distance between predictions: neither depends on the origin or the unit of a column or of y.  The residual that they carry
along is read afresh before an end is believed.  Used by _solvers.smooth.newton_cg, and by Ridge for several columns of y.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dsterf

from fastopt._methods.conjugate_gradients import ConjugateGradients
from fastopt._solvers.registry import CONVERGED, LIMIT, NOT_FINITE, PRECISION, STOPPED
from fastopt.objective import LinearObjective

from .design_matrix import DesignMatrix
from .direct import LeastSquaresSolution

Array = NDArray[np.float64]
#: a function of the parameters and the iterations done: whether the run ends
Stops = Callable[[Array, int], bool]

#: the distance of predictions from their limit at the end of a run, as a share of the way they have come
PREDICTION_TOL = 2e-5
#: last iterations from whose gains the further gain is estimated; restarts with a gradient that is computed anew
GAIN_WINDOW, MAX_STARTS = 3, 8
#: With fewer rows than columns, a strength below this share of the columns' mean squares does not determine the minimum.
WEAK_L2_SHARE = 1e-6


class Outputs:
    """Parameters of all outputs as a matrix (k, p), coefficients before the intercept, and the objective's vectors."""

    def __init__(self, objective: LinearObjective, strengths: Array) -> None:
        self.objective, self.strengths = objective, strengths[:, None]
        self.k, self.d, self.intercept = objective.n_outputs, objective.n_features, bool(objective.fit_intercept)
        self.origin = np.zeros(objective.n_params)

    def vector(self, W: Array) -> Array:
        return W.ravel() if self.k == 1 else np.concatenate([W[:, :self.d].ravel(), W[:, self.d:].ravel()])

    def matrix(self, w: Array) -> Array:
        if self.k == 1:
            return w[None]
        size = self.k * self.d
        return np.hstack([w[:size].reshape(self.k, self.d), w[size:].reshape(-1, 1)]) if self.intercept else w.reshape(self.k, self.d)

    def gradient(self, W: Array) -> Array:
        """From a reading of X."""
        return self._ridge(self.objective.gradient(self.vector(W)), W)

    def product(self, V: Array) -> Array:
        """The Hessian times V; it is the same everywhere."""
        return self._ridge(self.objective.hessp(self.origin, self.vector(V)), V)

    def _ridge(self, g: Array, W: Array) -> Array:
        G = self.matrix(g)
        G[:, :self.d] += self.strengths * W[:, :self.d]
        return G

    def look(self) -> None:
        """Learn what scales and centres the columns: (k, d) one over the diagonal of the Hessian that is left when intercepts follow the
        coefficients, and the means."""
        mean, squares = DesignMatrix(self.objective).moments()
        self.mean = mean if self.intercept else np.zeros(self.d)
        own = np.maximum(squares - self.mean ** 2, 4 * np.finfo(np.float64).eps * squares)
        if self.objective.n_samples < self.d and self.strengths.min() <= WEAK_L2_SHARE * own.mean():   # in one unit they find the shortest
            own = np.full(self.d, own.mean())
        found = own + self.strengths
        self.scaling = np.divide(1.0, found, out=np.zeros_like(found), where=found > 0)

    def reduced(self, G: Array) -> Array:
        """(k, d): the gradient in the coefficients, with the best intercepts."""
        return G[:, :self.d] - G[:, self.d:] * self.mean if self.intercept else G

    def whole(self, V: Array) -> Array:
        """(k, p): a step of the coefficients and the intercepts' beside it."""
        if not self.intercept:
            return V
        out = np.empty((self.k, self.d + 1))
        out[:, :self.d], out[:, self.d] = V, -(V @ self.mean)
        return out


class CGRun(NamedTuple):
    """Where an inner run ended: the step, what it gained, how many iterations, and whether the caller's callback ended it."""

    step: Array
    gained: Array
    n_iter: int
    stopped: bool


def conjugate(objective: LinearObjective, strengths: Array, w0: Array, tol: float, max_iter: int, relative: bool = False,
              stops: Stops | None = None) -> LeastSquaresSolution:
    """The minimum to PREDICTION_TOL, and to `tol`: the largest element of an output's gradient, or, if `relative`, that over the one at w0.
    The objective has no l2 of its own."""
    return _starts(Outputs(objective, strengths), w0, tol, max_iter, relative, stops)


def _starts(outputs: Outputs, w0: Array, tol: float, max_iter: int, relative: bool, stops: Stops | None) -> LeastSquaresSolution:
    W, n, gained, before = outputs.matrix(w0), 0, np.zeros(outputs.k), np.full(outputs.k, np.inf)
    G = outputs.gradient(W)
    violation = np.abs(G).max(axis=1)
    limit = tol * violation if relative else np.full(outputs.k, tol)
    if not np.isfinite(violation).all():
        return LeastSquaresSolution(W.T, violation, 0, NOT_FINITE)
    outputs.look()
    for start in range(MAX_STARTS):
        if start and (violation <= limit).all() or not violation.any():
            return LeastSquaresSolution(W.T, violation, n, CONVERGED)
        if (violation > 0.5 * before).all():
            break
        inner = _iterate(outputs, W, G, gained, 0.9 * limit, max_iter - n, n, stops)
        before, n, gained = violation, n + inner.n_iter, gained + inner.gained
        trial = W + inner.step
        G = outputs.gradient(trial)
        found = np.abs(G).max(axis=1)
        if not np.isfinite(found).all():
            break
        W, violation = trial, found
        if inner.stopped or n >= max_iter and not (violation <= limit).all():
            return LeastSquaresSolution(W.T, violation, n, STOPPED if inner.stopped else LIMIT)
    return LeastSquaresSolution(W.T, violation, n, CONVERGED if (violation <= limit).all() else PRECISION)


def _iterate(outputs: Outputs, W: Array, G: Array, gained: Array, limit: Array, most: int, n: int, stops: Stops | None) -> CGRun:
    """Conjugate gradients from W over the coefficients, each output with steps of its own; intercepts are always at their best."""
    first = np.zeros_like(G)
    first[:, outputs.d:] = -G[:, outputs.d:]
    system = ConjugateGradients(lambda D: outputs.reduced(outputs.product(outputs.whole(D))), -outputs.reduced(G),
                                lambda R: outputs.scaling * R, lambda A, B: np.einsum("ij,ij->i", A, B)[:, None])
    total = np.zeros(outputs.k)
    gains: list[Array] = []
    lengths: list[Array] = []
    turns: list[Array] = []
    while len(gains) < most:
        system.step()
        for numbers, last in ((gains, system.gain), (lengths, system.length), (turns, system.turn)):
            numbers.append(last[:, 0])
        total = total + gains[-1]
        if stops is not None and stops(outputs.vector(W + first + outputs.whole(system.x)), n + len(gains)):
            return CGRun(first + outputs.whole(system.x), total, len(gains), True)
        near = _to_come(gains) <= PREDICTION_TOL ** 2 * (gained + total)
        ended = near & (np.abs(system.residual).max(axis=1) <= limit) | (lengths[-1] == 0)
        if ended.all() and (system.square[:, 0] <= least_eigenvalue(lengths, turns) * PREDICTION_TOL ** 2 * (gained + total)).all():
            break
    return CGRun(first + outputs.whole(system.x), total, len(gains), False)


def least_eigenvalue(steps: list[Array], turns: list[Array]) -> float:
    """The least eigenvalue of the scaled Hessian that the iterations of the output with the longest step have seen: over it, a residual
    is at most so much away from the minimum.  Conjugate gradients are a Lanczos iteration."""
    j = int(np.argmax(np.max(steps, axis=0)))
    step, turn = np.array([s[j] for s in steps]), np.array([t[j] for t in turns])
    m = int(np.argmin(step > 0)) if not (step > 0).all() else len(step)
    if m == 0:
        return 0.0
    diagonal = 1 / step[:m] + np.append(0.0, turn[:m - 1] / step[:m - 1])
    values, info = dsterf(diagonal, np.append(np.sqrt(turn[:m - 1]) / step[:m - 1], 0.0)[:max(1, m - 1)])
    return float(max(0.0, values[0])) if info == 0 else 0.0


def _to_come(gains: list[Array]) -> Array:
    """What further iterations will gain, if gains go on to fall as they did."""
    if len(gains) < 2:
        return np.full_like(gains[0], np.inf)
    half = min(GAIN_WINDOW, len(gains) // 2)
    zero = np.zeros_like(gains[0])
    last, before = sum(gains[-half:], zero), sum(gains[-2 * half:-half], zero)
    ratio = np.minimum(np.divide(last, before, out=np.zeros_like(gains[0]), where=before > 0), 0.95)
    return np.asarray(np.maximum(last * ratio / (1 - ratio), 0.1 * gains[-1]))
