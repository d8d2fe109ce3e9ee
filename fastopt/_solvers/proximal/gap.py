"""Duality gaps of losses with l1 and l2 penalties: how far a value is above the least, at most.

Used by the solver "cd".
"""
from __future__ import annotations

import math

import numpy as np

from fastopt._solvers.registry import Vector
from fastopt.penalties import Penalty

from .composite import CompositeObjective


def gap_tolerance(problem: CompositeObjective, tol: float) -> float:
    """The gap at which a run ends, tol·mean(y²) as scikit-learn's Lasso has it; 0 where the violation decides."""
    if not problem.quadratic or problem.rule.name not in ("l1", "elasticnet"):
        return 0.0
    y, weight = problem.samples.targets.astype(np.float64), problem.samples.weight
    share = np.full(y.size, 1 / y.size) if weight is None else weight.astype(np.float64)
    if problem.objective.fit_intercept:
        y = y - share @ y
    return max(tol * float(share @ (y * y)), 1e-300)


def shrinkage(rule: Penalty, slope: Vector, limit: float | Vector) -> float:
    """By what derivatives with this gradient have to be multiplied to be feasible for the dual problem."""
    if isinstance(limit, float):
        most = -float(slope.min(initial=0.0))
        most = most if rule.params["positive"] else max(most, float(slope.max(initial=0.0)))
        return limit / most if most > limit else 1.0
    excess = -slope if rule.params["positive"] else np.abs(slope)
    limits = np.broadcast_to(limit, excess.shape)
    outside = excess > limits
    return float((limits[outside] / excess[outside]).min()) if outside.any() else 1.0


def duality_gap(problem: CompositeObjective) -> float:
    """The gap at the problem's point; nan where none is known.  It is that for the intercept where it is, and what the intercept
    could still gain: exactly for squared errors whose columns are centred, else to first order.

    The derivatives of the losses, shrunk by c until they are feasible for the dual problem, and the roots of l2 times w as further
    samples: −Σ share·conjugate(c·loss') − c²/2·Σ l2·w².
    """
    rule, d, w = problem.rule, problem.d, problem.w[:problem.d]
    if rule.name not in ("l1", "elasticnet") or not problem.samples.has_conjugate:
        return math.nan
    strength = rule.params["alpha"] * (1.0 if rule.params["weights"] is None else np.asarray(rule.params["weights"]))
    ratio = rule.params.get("l1_ratio", 1.0)
    slope = problem.g[:d] + strength * (1 - ratio) * w
    c = shrinkage(rule, slope, strength * ratio)
    ridge = float(((problem.objective.l2 + strength * (1 - ratio)) * w) @ w)
    dual = -problem.samples.conjugates(c) - 0.5 * c * c * ridge
    if problem.objective.fit_intercept:
        slope_b = float(problem.g[d])
        dual += c * float(problem.w[d]) * slope_b - 0.5 * slope_b * slope_b
    return max(0.0, float(problem.value - dual))
