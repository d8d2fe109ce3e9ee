"""Regression that is robust to outliers in y: HuberRegressor with its scale, and QuantileRegressor.

Used through linear_model.
"""
from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from fastopt import losses
from fastopt._common.rules import refuse
from fastopt._estimators.data import float_type
from fastopt._estimators.sklearn import FIT_LEVELS, Events
from fastopt._estimators.types import Array, PenaltyPair, Samples
from fastopt._solvers.piecewise.solver import origin_of, programme
from fastopt._solvers.registry import LIMIT, STOPPED, Solution
from fastopt.losses import Loss
from fastopt.objective import LinearObjective, predictions

from .base import MAX_ITER, FittedWeights, Task
from .docs import solved
from .outputs import SolvedRegressor
from .params import HUBER, QUANTILE, penalty_of, solve

#: scikit-learn's least scale
LEAST_SCALE = 10 * np.finfo(np.float64).eps
#: the least scale to begin with, in units of y: where most of y is one number, residuals say 0 at first, which takes long to leave
FIRST_SCALE = 0.1
#: the share of the value that the best scale may still save, below which the fit is done
NEGLIGIBLE_GAIN = 1e-11


class Scales:
    """The search for the scale σ in units of y.  The value is a convex function of σ, evaluated with its slope.

    Parameters
    ----------
    weight : ndarray of shape (n,)
        Of sum 1.
    epsilon, least : float
        Errors beyond epsilon·σ count linearly; σ is at least that.
    """

    def __init__(self, weight: Array, epsilon: float, least: float) -> None:
        self.weight, self.epsilon, self.least = weight, epsilon, least
        self.low, self.high, self.stride = least, np.inf, 1.0
        self.tried: list[tuple[float, float]] = []   # logarithms of a scale, and of the best one for its residuals

    def best(self, residual: Array) -> float:
        """The σ at which Σ sᵢ·min((rᵢ/σ)², ε²) = Σ sᵢ, where the value is least for these residuals r."""
        order = np.argsort(residual, kind="stable")
        r, s = residual[order], self.weight[order]
        inner, outer = np.cumsum(s * r * r), np.maximum(np.cumsum(s[::-1])[::-1] - s, 0.0)
        left = 1 - self.epsilon ** 2 * outer                       # with residuals up to r[j] the inliers
        edge = np.divide(inner, (r / self.epsilon) ** 2, out=np.full(len(r), np.inf), where=r > 0)
        j = int(np.argmax(left >= edge)) if (left >= edge).any() else len(r)
        if j == 0:   # epsilon is 1, and up to the least of the residuals one scale is as good as the other
            return float(max(self.least, r[np.argmax(s > 0)] / self.epsilon))
        return float(max(self.least, np.sqrt(inner[j - 1] / max(left[j - 1], np.finfo(np.float64).tiny))))

    def done(self, scale: float, residual: Array, value: float, tol: float) -> bool:
        """Record a scale with its residuals and value; return whether it is the best one."""
        slope = 1 - float(self.weight @ np.minimum(np.square(residual / scale), self.epsilon ** 2))
        found = self.best(residual)
        self.tried.append((float(np.log(scale)), float(np.log(found))))
        self.low, self.high = (scale, self.high) if slope < 0 else (self.low, scale)
        saves = slope * (scale - self.least) if slope > 0 else -slope * (self.high - scale) if slope < 0 else 0.0
        return abs(np.log(found / scale)) <= tol or saves <= NEGLIGIBLE_GAIN * value or self.high <= self.low * (1 + tol)

    def ahead(self) -> float:
        """The next scale: the fixed point of the map from scales to best scales, extrapolated from its last two values, within the
        known bounds."""
        at, to = self.tried[-1]
        step = to - at
        if len(self.tried) > 1 and at != self.tried[-2][0]:
            slope = (to - self.tried[-2][1]) / (at - self.tried[-2][0])
            self.stride = 1.0 if -1 < slope < 0.95 else 4 * self.stride   # ever longer where it creeps
            step = step / (1 - slope) if self.stride == 1 else self.stride * step
        low, high = np.log(self.low), np.log(self.high)
        further = at + np.clip(step, -12.0, 12.0)
        if not low < further < high:
            further = (low + high) / 2 if np.isfinite(high) and (further >= high or at - low < 1) else max(low, further)
        return float(np.exp(further))


@solved(tol_means="The relative change of `scale_`, and the largest element of the gradient over it, at which the fit is done.")
class HuberRegressor(SolvedRegressor):
    """Huber's regression with its scale: minimum of Σ sᵢ·(σ + σ·h((yᵢ − xᵢ·w − b)/σ)) + alpha·‖w‖² in w, b and σ.

    h(z) is z² up to epsilon and 2·epsilon·abs(z) − epsilon² beyond.  For a fixed σ that is the loss 'huber' with
    delta = epsilon·σ, solved as any other; for fixed residuals the best σ has a closed form.
    The two are alternated, with secant steps in log σ; `n_iter_` counts these.
    Parameters, attributes and the optimum are those of `sklearn.linear_model.HuberRegressor`.

    Parameters
    ----------
    epsilon : float, default=1.35
        Errors beyond epsilon·σ count linearly; at least 1.
    [parameters]

    [attributes]
    scale_ : float
        σ.
    outliers_ : ndarray of shape (n_samples,) of bool
        Whose errors are larger than epsilon·σ.

    References
    ----------
    A. B. Owen (2007), A robust hybrid of lasso and ridge regression, Contemporary Mathematics 443.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt.linear_model import HuberRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 2))
    >>> y = X @ [2.0, -1.0] + 0.01 * rng.normal(size=100)
    >>> y[:5] += 100
    >>> model = HuberRegressor().fit(X, y)
    >>> model.coef_.round(1), int(model.outliers_.sum()) >= 5
    (array([ 2., -1.]), True)
    """

    _rules = HUBER
    _convention = "sum"

    def __init__(self, *, epsilon: float = 1.35, max_iter: int = 100, alpha: float = 0.0001, warm_start: bool = False,
                 fit_intercept: bool = True, tol: float = 1e-5, solver: str = "auto", n_jobs: int | None = None,
                 standardize: bool = False) -> None:
        self._keep(locals())

    # ---- hooks of the base ----

    def _solve(self, X: Samples, task: Task, events: Events) -> FittedWeights:
        """Solve in scaled units of y, centred if there is an intercept, so that results do not depend on its unit and origin."""
        y = np.asarray(task.targets[0], dtype=np.float64)
        weight = np.ones(len(y)) if task.weights[0] is None else np.asarray(task.weights[0], dtype=np.float64)
        middle, unit = origin_of(y[weight > 0], bool(self.fit_intercept))
        unit = float(np.exp2(np.round(np.log2(unit))))   # by which weights are multiplied without rounding
        strength, y = float(self.alpha) / float(weight.sum()) * unit, y / unit - middle / unit
        scales = Scales(weight / weight.sum(), float(self.epsilon), max(LEAST_SCALE / unit, 4 * float(np.finfo(float_type(X)).eps)))
        objective = self._objective(X, replace(task, targets=[y], loss=losses.Huber(float(self.epsilon))), 0, strength, None)
        w = self._origin(objective, task, middle, unit)
        callback, n_iter, solution = self._callback(events, lambda _: {}), 0, None
        residual = np.abs(y - objective.predictions(w)[:, 0])
        scale = scales.best(residual) if self._warm() else max(FIRST_SCALE, scales.best(residual))
        while n_iter < self._max_iter():
            objective, n_iter = objective.with_loss(losses.Huber(float(self.epsilon) * scale), strength * scale), n_iter + 1
            solution = solve(objective, None, solver=self._solver_name(), w0=w, tol=float(self.tol) * scale, max_iter=MAX_ITER,
                             callback=callback, random_state=None)
            w, residual = solution.w, np.abs(y - objective.predictions(solution.w)[:, 0])
            if scales.done(scale, residual, scale + 2 / scale * solution.value, float(self.tol)) or solution.message == STOPPED:
                break
            if n_iter < self._max_iter():
                scale = scales.ahead()
        else:
            solution = (solution or Solution(w, np.nan, 0, np.nan, np.nan, False, LIMIT, self.solver))._replace(converged=False, message=LIMIT)
        self._close(events, solution)
        coef, intercept, solution = self._in_type_of(objective, None, solution, middle / unit if self.fit_intercept else 0.0)
        coef, intercept = coef * unit, intercept * unit + (middle if self.fit_intercept else 0.0)
        residual = residual * unit
        if task.whole is not None:   # the rows of weight 0 have had no part in it, but may lie within or without
            everything, target = task.whole
            residual = np.abs(target - predictions(everything, coef, intercept, self._n_threads())[:, 0])
        self.scale_ = max(LEAST_SCALE, scale * unit)
        self.outliers_ = residual > scale * unit * float(self.epsilon)
        return FittedWeights(coef.astype(objective.dtype), intercept.astype(objective.dtype), [solution._replace(n_iter=n_iter)])

    def _origin(self, objective: LinearObjective, task: Task, middle: float, unit: float) -> Array:
        """The starting point, in scaled units of y."""
        if not self._warm():
            return np.zeros(objective.n_params)
        w = self._start(objective, task, 0, None) / unit
        if objective.fit_intercept:
            w[-1] -= middle / unit
        return w


@solved()
class QuantileRegressor(SolvedRegressor):
    """Quantile regression: minimum of Σ sᵢ·pinball(yᵢ − xᵢ·w − b)/Σ sᵢ + alpha·‖w‖₁, a linear programme.

    Parameters, attributes and the optimum are those of `sklearn.linear_model.QuantileRegressor`.

    Parameters
    ----------
    quantile : float, default=0.5
        Which quantile, between 0 and 1.
    alpha : float, default=1.0
        Strength of the penalty, at least 0.
    fit_intercept : bool, default=True
        Whether to learn an intercept; it is not penalised.
    solver : {'auto', 'interior-point', 'highs', 'highs-ds', 'highs-ipm'}, default='auto'
        'interior-point' is a primal-dual method that stops by the gap to the dual problem's value and ends at a vertex, in
        float64; 'highs' and its kin are `scipy.optimize.linprog`, as in scikit-learn.  'auto' takes the former up to 2,000
        features and the latter beyond.
    solver_options : dict or None, default=None
        Options of `linprog`; of 'interior-point' its `tol` (1e-9, of the gap relative to the value) and `maxiter` (100).
    n_jobs : int or None, default=None
        Threads of predictions; None and -1: all that the process may use.

    [attributes]

    References
    ----------
    S. Portnoy and R. Koenker (1997), The Gaussian hare and the Laplacian tortoise: computability of squared-error versus
    absolute-error estimators, Statistical Science 12.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt.linear_model import QuantileRegressor
    >>> X = np.arange(10.0)[:, None]
    >>> model = QuantileRegressor(quantile=0.8, alpha=0.0).fit(X, 2 * X[:, 0] + np.tile([0.0, 1.0], 5))
    >>> model.coef_.round(6), round(float(model.intercept_), 6)
    (array([2.]), 1.0)
    """

    _rules = QUANTILE
    _convention = "mean"
    _wide_features = 2000

    def __init__(self, *, quantile: float = 0.5, alpha: float = 1.0, fit_intercept: bool = True, solver: str = "auto",
                 solver_options: dict[str, Any] | None = None, n_jobs: int | None = None) -> None:
        self._keep(locals())

    # ---- hooks of the base ----

    def _check(self) -> None:
        super()._check()
        strange = set(self.solver_options or ()) - {"tol", "maxiter"}
        if strange and not self.solver.startswith("highs"):
            refuse("solver_options", "a dict with 'tol' and 'maxiter' alone, unless solver is 'highs'",
                   self.solver_options, owner=type(self).__name__)

    def _max_iter(self) -> int:
        return int((self.solver_options or {}).get("maxiter", 100))

    def _loss(self) -> Loss:
        return losses.Quantile(float(self.quantile))

    def _penalty(self, strength: float) -> PenaltyPair:
        return penalty_of(strength, 1.0)

    def _solve(self, X: Samples, task: Task, events: Events) -> FittedWeights:
        y = np.asarray(task.targets[0])
        dtype = float_type(X)
        if (y != y.astype(dtype)).any():   # the objective would round it
            X = X.astype(np.float64)
        objective = self._objective(X, task, 0, 0.0, None)
        penalty, options = self._penalty(float(self.alpha))[1], dict(self.solver_options or {})
        if self.solver == "interior-point" or self.solver == "auto" and X.shape[1] <= self._wide_features:
            solution = solve(objective, penalty, solver="interior-point", tol=float(options.get("tol", 1e-9)),
                             max_iter=self._max_iter(), callback=self._callback(events, self._reached(objective, task, None)))
            self._close(events, solution)
        else:
            solution = programme(objective, penalty, "highs" if self.solver == "auto" else self.solver, options, 1e-6)
        coef, intercept = objective.unstandardized(solution.w)
        return FittedWeights(coef.astype(dtype), intercept.astype(dtype), [solution])

    def _report(self, found: FittedWeights) -> None:
        solution = found.solutions[0]
        if not solution.converged:
            warnings.warn(f"Linear programming for QuantileRegressor did not succeed: {solution.message}", ConvergenceWarning,
                          stacklevel=5 + FIT_LEVELS)
