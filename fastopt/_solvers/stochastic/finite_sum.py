"""What an objective and a penalty are to the solvers that take samples one by one: rows, targets, weights, strengths.

X is read where it lies, float32 and float64, dense of any strides and CSR; small elements are copied to float32, CSC to CSR.
Used by _solvers/stochastic/saga.py and _solvers/stochastic/dual_run.py; knows neither.
"""
from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastopt._core.tables import LOSS_TARGETS, Matrix
from fastopt._samples.order import Samples
from fastopt._samples.rows import row_squares, rows_of
from fastopt._solvers.iterate import Steps, iterate
from fastopt._solvers.registry import CONVERGED, GAP_CLOSED, Callback, Solution, Vector
from fastopt.exceptions import InvalidParameterError
from fastopt.objective import LinearObjective
from fastopt.penalties import Penalty

from .chains import Chains

#: the penalties that kernels have steps for, of one strength for all weights
PENALTIES = ("none", "l1", "l2", "elasticnet", "nonnegative")
#: samples of a block: one number, so that sums of blocks do not depend on threads
BLOCK_ROWS = 1024


class Evaluation(NamedTuple):
    """What is known of a point: the objective with the penalty, the violation, the gradient of the objective alone."""

    w: Vector
    value: float
    violation: float
    gradient: Vector


class FiniteSum:
    """An objective with a penalty.

    Attributes
    ----------
    X : Matrix
    loss : Loss
    y : ndarray of shape (n, k)
        Targets; those of margin losses in {−1, 1}.  Of a loss of all outputs together (n, 1), numbers of classes.
    weight : ndarray of shape (n,), or None
        Sample weights, of sum `total`.
    mask : ndarray of shape (n,) of uint8, or None
        Nonzero: the row does not belong to the objective.
    l2, l1 : float
        Strengths beside the mean loss.
    positive : bool
        Weights must not be negative.
    """

    def __init__(self, objective: LinearObjective, penalty: Penalty | None, solver: str) -> None:
        self.objective, self.solver = objective, solver
        self.k, self.d, self.fit_intercept = objective.n_outputs, objective.n_features, bool(objective.fit_intercept)
        self.loss = objective.loss
        self.penalty = None if penalty is None else penalty.bind(self.d, self.k)
        self.l2, self.l1, self.positive = _strengths(penalty)
        self.l2 += objective.l2
        self.X = rows_of(objective.X) if not objective.transposed else Matrix(objective.problem.csc.tocsr())
        y, weight, rows = objective.y, objective.weight, objective.rows_
        self.rows = rows
        self.mask = None if rows is None else _mask(rows, self.X, solver)
        columns = 1 if self.loss.couples_outputs else self.k
        y, weight = _spread(rows, y.reshape(-1, columns), self.X), None if weight is None else weight[::columns].astype(np.float64)
        self.y = 2 * y - 1 if LOSS_TARGETS[self.loss.name] == "sign" else y
        self.n = objective.n_samples
        self.total = float(self.n if weight is None else weight.sum())
        self.weight = None if weight is None else _spread(rows, weight, self.X)

    def samples(self, weight: NDArray[Any] | None, seed: int, threads: int, replace: bool = False) -> Samples:
        """The samples, in the orders of a seed, with these weights."""
        return Samples(self.X, self.y, self.y.shape[1], 0, weight, self.mask, True, seed, threads, BLOCK_ROWS, replace)

    def squares(self) -> NDArray[np.float64]:
        """Squared norms of the rows."""
        return row_squares(self.X)

    def at(self, w: Vector) -> Evaluation:
        """One pass over X."""
        value, gradient = self.objective.value_and_gradient(w)
        if self.penalty is not None:
            value += self.penalty.value(w[:self.k * self.d])
        return Evaluation(w, value, self.violation(w, gradient), gradient)

    def violation(self, w: Vector, gradient: Vector) -> float:
        """The largest element of the least subgradient, given the objective's gradient."""
        if self.penalty is None:
            return float(np.abs(gradient).max())
        coef, size = w[:self.k * self.d], self.k * self.d
        return max(float(self.penalty.violation(coef, gradient[:size])), float(np.abs(gradient[size:]).max(initial=0.0)))

    def in_place(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values of the objective's rows, at the places of those rows in X."""
        return _spread(self.rows, values, self.X)

    def solution(self, point: Evaluation, n_iter: int, message: str, gap: float = np.nan) -> Solution:
        """The solution at a point; the message says why a run ends there, and is empty if it goes on."""
        return Solution(point.w, point.value, n_iter, point.violation, gap, message in (CONVERGED, GAP_CLOSED), message, self.solver)


class Fit(ABC):
    """A run whose iterations are epochs of a kernel."""

    problem: FiniteSum
    kernel: Chains

    @abstractmethod
    def look(self, n_iter: int) -> Solution | None:
        """Where the run is after so many epochs; None where no reading of X was spent on it."""

    def epochs(self) -> Steps:
        """One epoch after the other."""
        while True:
            self.kernel.run(self.kernel.n_iter + 1)
            yield

    def run(self, tol: float, max_iter: int, callback: Callback | None) -> Solution:
        self.tol, self.max_iter, self.has_callback = tol, max_iter, callback is not None
        return iterate(self.epochs(), self.look, max_iter, callback)


def _strengths(penalty: Penalty | None) -> tuple[float, float, bool]:
    """The strengths of l2 and l1 and whether weights must not be negative."""
    if penalty is None:
        return 0.0, 0.0, False
    params = penalty.params
    alpha = params.get("alpha", 0.0)
    ratio = {"l1": 1.0, "elasticnet": params.get("l1_ratio", 0.0)}.get(penalty.name, 0.0)
    return alpha * (1 - ratio), alpha * ratio, params.get("positive", penalty.name == "nonnegative")


def _mask(rows: NDArray[Any], X: Matrix, solver: str) -> NDArray[np.uint8]:
    mask = np.ones(X.n, dtype=np.uint8)
    mask[rows] = 0
    if X.n - int(mask.sum()) != len(rows):
        raise InvalidParameterError(f"solver '{solver}' takes each row once, but some of the objective's rows repeat")
    return mask


def _spread(rows: NDArray[Any] | None, values: NDArray[Any], X: Matrix) -> NDArray[Any]:
    """Values of the objective's rows, at the places of those rows in X."""
    if rows is None:
        return values
    spread = np.zeros((X.n, *values.shape[1:]), dtype=values.dtype)
    spread[rows] = values
    return spread
