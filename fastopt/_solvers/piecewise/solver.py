"""Losses with kinks and straight pieces between them, with l1, l2 and bounds, or none of these: as linear programmes and quadratic ones.

"interior-point" and "augmented-lagrangian" are methods of _solvers/piecewise/interior_point.py; "highs" hands linear programmes to
SciPy.  Here such a problem is brought to the form of all: columns of X less one of their values and their mean, over their spread, y
likewise, so that results depend neither on origin nor on unit; and back, with the gap as the caller's own numbers have it.  Knows
nothing of estimators.
"""
from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from fastopt._core.tables import LOSS_TARGETS
from fastopt._samples.rows import source_of
from fastopt._solvers.registry import GAP_CLOSED, LIMIT, PRECISION, Callback, Needs, RandomState, Solution, Vector, solver
from fastopt.losses import Loss
from fastopt.objective import LinearObjective
from fastopt.penalties import Penalty

from .design import Design, StandardColumns, UnitRows
from .interior_point import Outcome, PiecewiseSum, minimize
from .steps import AugmentedLagrangian, InteriorPoint, PrimalDual, losses_of

Array = NDArray[Any]

#: the losses of straight pieces; and with those whose kinks are rounded to a parabola
PIECEWISE = ("absolute_error", "quantile", "epsilon_insensitive", "hinge", "perceptron")
LOSSES = (*PIECEWISE, "huber")
PENALTIES = ("none", "l1", "l2", "elasticnet", "nonnegative", "box")
#: a mean loss of margins that counts as 0, as of separable classes
SEPARABLE_LOSS = 1e-9
#: the gap that the augmented Lagrangian method is asked for, as a share of `tol` and at least; the last step of an interior point method
#: goes as far
GAP_SHARE, MIN_GAP = 0.01, 1e-9
#: the relative rounding of a value, by that of weights and predictions
VALUE_ROUNDING = 1e-6


@solver("interior-point", Needs(penalties=PENALTIES, losses=LOSSES, one_output=True, max_params=2000, scales_intercept=True))
def interior_point(objective: LinearObjective, penalty: Penalty | None, w0: Vector, *, tol: float, max_iter: int,
                   callback: Callback | None, random_state: RandomState,
                   intercept_scaling: float | None = None) -> Solution:
    """A primal-dual interior point method: the duality gap is at most `tol` times the value; without l2 it ends at a vertex.

    Parameters
    ----------
    objective, penalty, w0, tol, max_iter, callback, random_state, intercept_scaling
        As in `solve`; it does not start at w0.

    References
    ----------
    S. Mehrotra (1992), On the implementation of a primal-dual interior point method, SIAM Journal on Optimization 2.
    S. Portnoy and R. Koenker (1997), The Gaussian hare and the Laplacian tortoise, Statistical Science 12.
    """
    problem = PiecewiseProblem(objective, penalty, intercept_scaling)
    return problem.solved("interior-point", InteriorPoint, w0, tol, max_iter, callback)


@solver("augmented-lagrangian", Needs(losses=PIECEWISE, one_output=True, max_params=2000, scales_intercept=True, strictly_convex=True))
def augmented_lagrangian(objective: LinearObjective, penalty: Penalty | None, w0: Vector, *, tol: float, max_iter: int,
                         callback: Callback | None, random_state: RandomState,
                         intercept_scaling: float | None = None) -> Solution:
    """A method of multipliers whose subproblems are solved by Newton's method: the duality gap is at most `tol` times the value.

    Parameters
    ----------
    objective, penalty, w0, tol, max_iter, callback, random_state, intercept_scaling
        As in `solve`; it does not start at w0, and `max_iter` counts Newton steps.

    References
    ----------
    Y. Yan and Q. Li (2020), An efficient augmented Lagrangian method for support vector machine, Optimization Methods and Software 35.
    """
    problem = PiecewiseProblem(objective, penalty, intercept_scaling)
    return problem.solved("augmented-lagrangian", AugmentedLagrangian, w0, min(tol, max(GAP_SHARE * tol, MIN_GAP)), max_iter, callback)


@solver("highs", Needs(penalties=PENALTIES, losses=PIECEWISE, one_output=True, strictly_convex=False))
def highs(objective: LinearObjective, penalty: Penalty | None, w0: Vector, *, tol: float, max_iter: int,
          callback: Callback | None, random_state: RandomState) -> Solution:
    """The linear programme by `scipy.optimize.linprog`, which has tolerances of its own and ignores `max_iter`."""
    if max_iter == 0:
        return PiecewiseProblem(objective, penalty, None).solution(w0, -np.inf, 0, LIMIT, "highs", tol)
    return programme(objective, penalty, "highs", {}, max(tol, VALUE_ROUNDING))


def programme(objective: LinearObjective, penalty: Penalty | None, method: str, options: dict[str, Any], tol: float) -> Solution:
    """The linear programme by a method of `scipy.optimize.linprog`: A·w + over − under = target, over and under at least 0."""
    from scipy.optimize import linprog
    problem = PiecewiseProblem(objective, penalty, None)
    total, design = problem.total, problem.total.design
    parts = [scipy.sparse.csr_matrix(block) for _, block in design.blocks()]
    data = scipy.sparse.vstack(parts) if design.d else scipy.sparse.csr_matrix((design.n, 0))
    if design.intercept:
        data = scipy.sparse.hstack([data, np.ones((design.n, 1))])
    units = scipy.sparse.csr_matrix((np.ones(len(design.units)), (np.arange(len(design.units)), design.units)),
                                    shape=(len(design.units), design.size))
    eye = scipy.sparse.identity(len(total.target))
    rows = scipy.sparse.hstack([scipy.sparse.vstack([data] * design.copies + [units]), eye, -eye], format="csc")
    bounds = [(None, None)] * design.size + [(0, None)] * 2 * len(total.target)
    found = linprog(np.concatenate([np.zeros(design.size), total.high, -total.low]), A_eq=rows, b_eq=total.target, bounds=bounds,
                    method=method, options=options)
    w = np.zeros(design.size) if found.x is None else found.x[:design.size]
    value, bound = total.value(w), -np.inf
    if found.success:
        bound = total.bound(np.clip(found.eqlin.marginals, total.low, total.high), w, value)
    message = GAP_CLOSED if found.success else str(found.message)
    return problem.found(Outcome(w, value, bound, int(found.nit), message), method, tol)


class Kink(NamedTuple):
    """max(low·(target − p), high·(target − p)) of each sample's prediction p, its kink rounded as in `PiecewiseSum`."""
    target: Array
    low: Array
    high: Array
    round: Array


def kinks(loss: Loss, y: Array, share: Array, unit: float) -> list[Kink]:
    """The loss, weighted, as a sum of functions of one kink each; y and its parameters are over `unit`."""
    none, name = np.zeros(len(y)), loss.name
    if name in ("hinge", "perceptron"):
        return [Kink(y if name == "hinge" else none, np.where(y > 0, 0.0, -share), np.where(y > 0, share, 0.0), none)]
    if name == "quantile":
        return [Kink(y, (loss.params["quantile"] - 1) * share, loss.params["quantile"] * share, none)]
    if name == "huber":
        return [Kink(y, -loss.params["delta"] * share, loss.params["delta"] * share, 1 / (share * unit))]
    epsilon = loss.params["epsilon"] / unit if name == "epsilon_insensitive" else 0.0
    if epsilon == 0:
        return [Kink(y, -share, share, none)]
    return [Kink(y - epsilon, none, share, none), Kink(y + epsilon, -share, none, none)]


#: where there is no penalty
NO_UNITS = UnitRows(np.zeros(0, dtype=np.intp), *(np.zeros(0) for _ in range(4)))


class PiecewiseProblem:
    """An objective with a penalty as a `PiecewiseSum`, and weights of that as weights of the objective."""

    def __init__(self, objective: LinearObjective, penalty: Penalty | None, scaling: float | None) -> None:
        self.objective, self.penalty, self.scaling = objective, penalty, scaling
        self.loss = objective.loss
        self.intercept = bool(objective.fit_intercept)
        X, y, weight = rows_of(objective)
        self.y, self.share = y, weight / weight.sum()
        given = None if objective.columns is None else np.asarray(objective.columns, dtype=np.float64)
        free = self.intercept and not scaling
        if given is not None and scipy.sparse.issparse(X) and not free:
            X = X.toarray()   # columns are not centred where they would be
        self.raw, self.standard = X, StandardColumns(X, free if given is None or free else given[0])
        self.factor = np.ones(X.shape[1]) if given is None else given[1]      # a coefficient of X times this is the objective's
        real = LOSS_TARGETS[self.loss.name] == "real"
        self.middle, self.unit = origin_of(y, free) if real else (0.0, 1.0)
        self.margin = 0.0 if real else SEPARABLE_LOSS
        self._sum_up()

    def _sum_up(self) -> None:
        standard, d = self.standard, self.standard.X.shape[1]
        target = (self.y / self.unit - self.middle / self.unit)
        losses = kinks(self.loss, target, self.share, self.unit)
        self.force = sum(float(np.maximum(-kink.low, kink.high).sum()) for kink in losses)   # slopes are in units of this, values too
        losses = [Kink(kink.target, kink.low / self.force, kink.high / self.force, kink.round * self.force) for kink in losses]
        size = self.factor * standard.scale                     # a weight of the objective, by one of the sum, over the unit
        with np.errstate(over="ignore"):
            l1, l2, low, high = self._strengths(d)
            l1, l2 = l1 * size / self.force, l2 * size ** 2 * self.unit / self.force
            low, high = (bound / (size * self.unit) for bound in (low, high))
        units = NO_UNITS if self.penalty is None else self._units_of(losses, l1, l2, low, high)
        own = standard.columns
        design = Design(standard.blocks, len(self.y), len(own), self.intercept, len(losses), units.column)
        ridge = l2[own]
        if self.intercept:
            of_intercept = self.objective.l2 / self.scaling ** 2 * self.unit / self.force if self.scaling else 0.0
            ridge = np.append(ridge, of_intercept)
        parts = [np.concatenate(arrays) for arrays in zip(*losses, units[1:])]
        target, low, high, round_ = parts
        self.total = PiecewiseSum(design, target, low, high, round_, ridge)

    def _units_of(self, losses: list[Kink], l1: Array, l2: Array, low: Array, high: Array) -> UnitRows:
        """The unit rows of the penalty, of weights that it does not keep at 0; the columns of the others are dropped."""
        standard, steepest = self.standard, sum((np.maximum(-kink.low, kink.high) for kink in losses), np.zeros(len(self.y)))
        most = np.asarray([np.abs(block).T @ steepest[part] for part, block in standard.whole()]).sum(axis=0)
        fixed = (l1 >= most) & (low <= 0) & (high >= 0)      # no slope of the losses outweighs l1
        standard.columns = own = standard.columns[~fixed[standard.columns]]
        return self._units(*(array[own] for array in (l1, l2, low, high, most)))

    def _strengths(self, d: int) -> tuple[Array, Array, Array, Array]:
        """l1, l2, lower and upper bound of each weight of the objective."""
        l1, l2, low, high = np.zeros(d), np.full(d, self.objective.l2), np.full(d, -np.inf), np.full(d, np.inf)
        if self.penalty is not None:
            params = self.penalty.params
            weights = np.ones(d) if params.get("weights") is None else np.asarray(params["weights"], dtype=np.float64)
            alpha = weights * params.get("alpha", 0.0)
            ratio = {"l1": 1.0, "elasticnet": params.get("l1_ratio", 0.0)}.get(self.penalty.name, 0.0)
            l1, l2 = ratio * alpha, l2 + (1 - ratio) * alpha
            bounds = self.penalty._bounds(d)
            low, high = (low, high) if bounds[0] is None else bounds
        return l1, l2, low, high

    def _units(self, l1: Array, l2: Array, low: Array, high: Array, most: Array) -> UnitRows:
        """Unit rows of l1, and of bounds: beyond one the value rises by more than anything else could make it fall."""
        found = []
        ends = np.maximum(*(np.where(np.isfinite(bound), np.abs(bound), 0.0) for bound in (low, high)))
        wall, none = 1.01 * (most + l1 + l2 * ends) + np.finfo(np.float64).tiny, np.zeros(len(l1))
        for where, target, least, largest in ((l1 > 0, none, -l1, l1), (low > -np.inf, low, none, wall),
                                              (high < np.inf, high, -wall, none)):
            at = np.flatnonzero(where)
            found.append((at, target[at], least[at], largest[at], none[at]))
        return UnitRows(*(np.concatenate(parts) for parts in zip(*found)))

    # ---- the way back ----

    def weights(self, w: Array) -> Vector:
        """Weights of the objective."""
        standard, objective = self.standard, self.objective
        columns = standard.columns
        own, coef = np.zeros(standard.X.shape[1]), np.zeros(standard.X.shape[1])
        own[columns] = w[:len(columns)] * standard.inverse[columns]
        with np.errstate(over="ignore", invalid="ignore"):
            coef[columns] = own[columns] * standard.power[columns] * self.unit
            found = coef * self.factor
            if not self.intercept:
                return found
            shift = np.longdouble(w[-1]) - (own.astype(np.longdouble) * (standard.first.astype(np.longdouble) + standard.mean)).sum()
            intercept = shift * self.unit + np.longdouble(self.middle)
            if objective.columns is not None:   # of standardized columns
                intercept += (coef.astype(np.longdouble) * objective.columns[0]).sum()
        return np.append(found, float(intercept))

    def value(self, w: Vector) -> float:
        """Objective and penalty, in float64 whatever the type of X."""
        objective = self.objective
        coef, intercept = objective.unstandardized(w)
        with np.errstate(over="ignore", invalid="ignore"):
            p = np.concatenate([self.raw[part].astype(np.float64, copy=False) @ coef[0] for part in self.standard.parts]) + intercept[0]
            total = sum(losses_of(kink.target - p, *kink[1:]) for kink in kinks(self.loss, self.y, self.share, 1.0))
            own, more = w[:objective.n_features], float(intercept[0]) / self.scaling if self.scaling and self.intercept else 0.0
            total += objective.l2 / 2 * (float(own @ own) + more * more)
            return float(total + (0.0 if self.penalty is None else self.penalty.bind(own.size).value(own)))

    def rounding(self, w: Vector) -> float:
        """By how much rounding of weights and predictions of their size may change the value, in float64."""
        coef, intercept = self.objective.unstandardized(w)
        size = np.abs(self.y) + abs(float(intercept[0]))
        for part in self.standard.parts:
            size[part] += np.abs(self.raw[part].astype(np.float64, copy=False)) @ np.abs(coef[0])
        return float(4 * np.finfo(np.float64).eps * (self.share @ size))

    def solved(self, name: str, method: type[PrimalDual], w0: Vector, tol: float, max_iter: int, callback: Callback | None) -> Solution:
        """The minimum by a method's steps; the callback is called after each."""
        if max_iter == 0:
            return self.solution(w0, -np.inf, 0, LIMIT, name, tol)
        after = None if callback is None else (lambda outcome: callback(self.found(outcome, name, tol)))
        return self.found(minimize(self.total, tol, max_iter, after, method), name, tol)

    def found(self, outcome: Outcome, name: str, tol: float) -> Solution:
        w = self.weights(outcome.w)
        if self.penalty is not None:   # bounds hold exactly
            low, high = self._strengths(self.objective.n_features)[2:]
            w[:self.objective.n_features] = np.clip(w[:self.objective.n_features], low, high)
        return self.solution(w, outcome.bound * self.unit * self.force, outcome.n_iter, outcome.message, name, tol)

    def solution(self, w: Vector, bound: float, n_iter: int, message: str, name: str, tol: float) -> Solution:
        value = self.value(w)
        gap = max(0.0, value - bound)
        enough = max(tol, VALUE_ROUNDING) * abs(value) + self.margin
        closed = gap <= enough or gap <= enough + self.rounding(w)
        if message == GAP_CLOSED and not closed or message == PRECISION and closed:
            message = GAP_CLOSED if closed else PRECISION
        return Solution(w, value, n_iter, math.nan, gap, message == GAP_CLOSED, message, name)


def rows_of(objective: LinearObjective) -> tuple[Any, Array, Array]:
    """X, y and weights in float64 of the rows that count."""
    X = source_of(objective.X) if not objective.transposed else objective.problem.csc.tocsr()
    if isinstance(X, tuple):
        X = scipy.sparse.csr_matrix(X, shape=(objective.X.n, objective.X.d))
    y = objective.y.reshape(len(objective.y), -1)[:, 0].astype(np.float64)
    y = 2 * y - 1 if LOSS_TARGETS[objective.loss.name] == "sign" else y
    weight = np.ones(len(y)) if objective.weight is None else objective.weight.reshape(len(y), -1)[:, 0].astype(np.float64)
    rows = np.arange(len(y)) if objective.rows_ is None else objective.rows_
    count = weight > 0
    if objective.rows_ is not None or not count.all():
        X, y, weight = X[rows[count]], y[count], weight[count]
    return X, y, weight


def origin_of(y: Array, centre: bool) -> tuple[float, float]:
    """A value in the middle of y, if it is to be centred, and the mean distance from it."""
    power = math.ldexp(1.0, -min(max(math.frexp(float(np.abs(y).max()))[1], -1000), 1000))
    middle = float(np.partition(y, len(y) // 2)[len(y) // 2]) if centre else 0.0
    unit = float(np.abs(y * power - middle * power).mean()) / power
    return middle, unit if np.isfinite(unit) and unit > 0 else 1.0
