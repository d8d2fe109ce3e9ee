"""Cox's proportional hazards for `GeneralizedLinearEstimator`: a loss of all rows together, no sum over rows that a LinearObjective takes.

An evaluation reads X twice, for X·w and for Xᵀ·g; the minimum is found by fastopt.minimize.  Used by linear_model._solved.general.
"""
from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fastopt._minimize import minimize
from fastopt._solvers.registry import CONVERGED, LIMIT, Solution
from fastopt.exceptions import InvalidParameterError
from fastopt.linear_model._shared.types import Array, RowWeights, Samples
from fastopt.losses import Cox
from fastopt.penalties import Penalty

#: the penalties that fastopt.minimize can add
PENALTIES = ("l1", "l2", "elasticnet", "nonnegative", "box")


class Terms(NamedTuple):
    """A penalty as fastopt.minimize takes it: Σ l1·|w| + l2/2·w² within bounds, a number for each coefficient."""
    l1: Array
    l2: Array
    bounds: list[tuple[float, float]] | None


def terms_of(penalty: Penalty | None, d: int) -> Terms:
    """Of one of PENALTIES, or of none."""
    if penalty is None:
        return Terms(np.zeros(d), np.zeros(d), None)
    if penalty.name not in PENALTIES:
        raise InvalidParameterError(f"penalty must be one of {', '.join(PENALTIES)} or None with the loss Cox, got {penalty!r}")
    share = {"l1": 1.0, "l2": 0.0}.get(penalty.name, penalty.params.get("l1_ratio", 0.0))
    weights = penalty.params.get("weights")
    strength = penalty.params.get("alpha", 0.0) * (np.ones(d) if weights is None else np.asarray(weights, np.float64) + np.zeros(d))
    low, high = penalty._bounds(d)
    return Terms(share * strength, (1 - share) * strength, None if low is None else list(zip(low.tolist(), high.tolist())))


def fit_hazards(X: Samples, y: Any, weight: RowWeights, loss: Cox, penalty: Penalty | None, w0: Array, tol: float, max_iter: int,
                callback: Callable[[Solution], None] | None) -> Solution:
    """The minimum of loss(y, X·w)/Σ weight + penalty(w)."""
    mean, terms, regularizer = Cox(loss.ties), terms_of(penalty, len(w0)), None if penalty is None else penalty.bind(len(w0))

    def losses(w: Array) -> tuple[float, Array]:
        value, in_risk = mean.value_and_gradient(y, np.asarray(X @ w, np.float64), sample_weight=weight)
        return float(value), np.asarray(X.T @ in_risk, np.float64)

    def smooth(w: Array) -> tuple[float, Array]:
        value, gradient = losses(w)
        return value + float(terms.l2 @ (w * w)) / 2, gradient + terms.l2 * w

    def solution(w: Array, n_iter: int, message: str) -> Solution:
        value, gradient = losses(w)
        violation = float(np.abs(gradient).max()) if regularizer is None else regularizer.violation(w, gradient)
        value += 0.0 if regularizer is None else regularizer.value(w)
        reached = violation <= tol and math.isfinite(value)
        return Solution(w, value, n_iter, violation, math.nan, reached, CONVERGED if reached else message, method)

    def after(intermediate_result: Any) -> None:
        if callback is not None:
            callback(solution(intermediate_result.x, next(iterations), ""))

    method, iterations = "lbfgs" if terms.bounds is None and not terms.l1.any() else "proximal", itertools.count(1)
    if not max_iter:
        return solution(w0, 0, LIMIT)
    options = {"gtol": tol, "ftol": 0.0, "maxiter": max_iter, **({"l1": terms.l1} if method == "proximal" else {})}
    found = minimize(smooth, w0, method=method, jac=True, bounds=terms.bounds, callback=after, options=options)
    return solution(found.x, int(found.nit), LIMIT if found.status == 1 else str(found.message))
