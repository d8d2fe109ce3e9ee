"""Dual coordinate descent (SDCA) for linear models: every step solves for one sample's dual variable, without a learning rate.

It needs an l2 penalty, alone or with l1, and a loss of `_dual.LOSSES`, kinks or not.  The loop over the samples is _solvers/stochastic/_sdca.pyx;
here are the start, the intercept, which samples to leave out, and when to stop.
"""
from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt._core.threads import resolve_threads
from fastopt._solvers.registry import CONVERGED, GAP_CLOSED, LIMIT, NOT_FINITE, OVERFLOW, PRECISION, STOPPED, Needs, Solution, Vector, seed_of, solver
from fastopt._solvers.squares.columns import Columns

from ._sdca import LOSSES, Run, gap
from .problem import PENALTIES, Point, Problem, curvature_of

Array = NDArray[Any]

#: losses whose dual variables stay inside their bounds: no sample can be left out
_INTERIOR = ("squared_error", "log_loss")
#: epochs between two looks at all samples, at most
_CHECK_EVERY = 10
#: mean of curvature·‖x‖²·(weight over l2) above which weights are pulled to a point ahead
_ACCELERATE = 2.0
#: of fewer samples than columns, which seldom depend on each other, only after so many epochs
_PLAIN = 60
#: gap of the pulled problem, in multiples of the pull's own share, at which that point moves on, of losses with kinks; and of
#: others, where the gap has grown since the last move: without the wait some orders of few samples diverge
_NEAR, _NEAR_GROWN = 10.0, 3.0
#: the first look is taken after so many epochs, or when what was seen has fallen to this: before, it tells little
_FIRST_CHECK, _FALL = 5, 0.15
#: epochs without a smaller gap, near rounding, after which there is nothing more to gain
_PATIENCE = 20


@solver("sdca", Needs(penalties=PENALTIES, losses=LOSSES, scales_intercept=True, strictly_convex=True, plain=True))
def sdca(objective: Any, penalty: Any, w0: Vector, *, tol: float, max_iter: int, callback: Any, random_state: Any,
         intercept_scaling: float | None = None) -> Solution:
    """Stochastic dual coordinate ascent: maximise the dual in one sample's variable after the other, in random orders.

    With dual variables u, one a sample, the weights are w = soft(v, l1/l2), v = Σ sᵢ·uᵢ·xᵢ/(l2·Σ s); the best uᵢ, the others
    fixed, is known in closed form (Newton's method for ``log_loss``).  Where l2 is weak beside the losses, weights are also pulled to
    a point that moves ahead of them with each pass (acceleration), so that passes grow with the root of what the
    condition is; else samples whose variable stays at a bound are left out for some passes (shrinking).  An intercept is
    reached by the method of multipliers: a constant column whose weight is pulled to where it last was.

    Parameters
    ----------
    objective, penalty, w0, max_iter, callback, random_state
        As in `solve`; `max_iter` counts passes over the samples.  The strength of l2 must not be 0.
    tol : float
        Of a loss with a continuous derivative: bounds the violation.  Else bounds the duality gap, in multiples of the value (or
        of what rounding leaves of the mean loss of the prediction 0); the value is then at most the gap above its minimum.
    intercept_scaling : float, optional
        As in scikit-learn's ``LinearSVC``: the intercept is this number times a weight of its own that is penalised like the
        others.  By default it is not penalised.

    References
    ----------
    C.-J. Hsieh, K.-W. Chang, C.-J. Lin, S. S. Keerthi and S. Sundararajan (2008), A dual coordinate descent method for
    large-scale linear SVM, ICML.
    S. Shalev-Shwartz and T. Zhang (2013), Stochastic dual coordinate ascent methods for regularized loss minimization, Journal
    of Machine Learning Research 14, arXiv:1209.1873; (2014) Accelerated proximal SDCA, ICML, arXiv:1309.2375.
    H. Lin, J. Mairal and Z. Harchaoui (2018), Catalyst acceleration for first-order convex optimization, Journal of Machine
    Learning Research 18, arXiv:1712.05654.
    """
    return _Fit(objective, penalty, w0, random_state, intercept_scaling).run(tol, max_iter, callback)


class _Fit:
    """One run."""

    def __init__(self, objective: Any, penalty: Any, w0: Vector, random_state: Any, scaling: float | None) -> None:
        self.problem = problem = Problem(objective, penalty, "sdca")
        self.loss, self.smooth = objective.loss, objective.loss.smooth
        weight = np.ones(problem.X.n) if problem.weight is None else problem.weight
        self.share = weight / problem.total if problem.mask is None else weight * (problem.mask == 0) / problem.total
        squares = problem.squares()
        self.scaling, self.column = scaling, 0.0
        if problem.fit_intercept:   # of the size of a row: the intercept is then no harder to find than a weight
            self.column = scaling if scaling else math.sqrt(float(squares.mean())) or 1.0
        self.squares, self.mask, self.seed = squares + self.column ** 2, problem.mask, seed_of(random_state)
        curvature = curvature_of(self.loss)
        condition = (curvature if math.isfinite(curvature) else 1.0) * float(self.share @ self.squares) / (problem.n * problem.l2)
        self.wanted = condition * problem.l2 if condition > _ACCELERATE else 0.0
        self.build(0.0 if problem.n <= problem.d else self.wanted)
        self.y = problem.y.astype(np.float64)
        self.centre, self.least, self.idle, self.gap_moved = np.zeros(problem.k), math.inf, 0, math.inf
        self.first: Point | None = None
        self.w0, self.value = w0, math.inf
        self.place(np.zeros((problem.k, problem.d)), np.zeros((problem.k, problem.d)), np.zeros(problem.k))
        self.start(w0)

    def build(self, pull: float) -> None:
        """The kernel that pulls weights as strongly as that; its dual variables are 0."""
        problem = self.problem
        self.pull, self.l2 = pull, problem.l2 + pull   # the latter as the kernel sees it
        self.left_out, problem.mask = None, self.mask
        if problem.k == 1 and self.loss.name not in _INTERIOR and pull == 0:
            self.left_out = problem.mask = np.zeros(problem.X.n, np.uint8) if self.mask is None else self.mask.copy()
        threads = min(resolve_threads(problem.objective.n_threads), problem.k)
        samples = problem.samples(self.share / self.l2, self.seed, threads)
        self.always_out = None if self.left_out is None else self.left_out.copy()
        self.kernel = Run(problem.X, samples, self.loss.spec, problem.k, self.squares, problem.l1 / self.l2, problem.positive,
                          self.column, self.left_out, threads)

    def accelerate(self) -> None:
        """Go on with weights that are pulled to a point ahead."""
        u = self.kernel.u
        self.build(self.wanted)
        self.kernel.u[...] = u
        self.least, self.idle = math.inf, 0
        self.place(self.coef, self.sum, self.sum_column)

    # ---- where to start ----

    def start(self, w0: Vector) -> None:
        """The dual variables that belong to w0, shrunk by what makes the dual objective largest; 0 where w0 is 0, or worse."""
        problem, objective = self.problem, self.problem.objective
        public = (self.y + 1) / 2 if self.loss.target == "sign" else self.y
        self.scale = float(self.share @ self.loss.pointwise(public, np.zeros_like(public)).sum(axis=1))
        if problem.fit_intercept and not self.scaling and self.loss.target == "real":
            self.centre = self.share @ self.y
            self.kernel.centre(self.centre)
        if not w0.any():
            return
        self.first = problem.at(w0)
        if not self.first.value < self.scale:
            return
        slope, slope_intercept = objective.split(self.first.gradient)
        if self.scaling and problem.fit_intercept:
            self.first = self.penalised(self.first)
        p = problem.in_place(objective.predictions(w0)).astype(np.float64)
        u = -self.loss.gradient(public, p) * p.size
        coef, intercept = objective.split(w0)
        v = coef * (objective.l2 / problem.l2) - slope / problem.l2
        v_column = np.zeros(problem.k)
        if intercept is not None:
            self.centre = np.zeros(problem.k) if self.scaling else intercept.copy()
            v_column = -self.column * slope_intercept / problem.l2
        factor = max((1.0, 0.5, 0.25, 0.1, 0.03, 0.0), key=lambda t: self.dual(t * u, t * v, t * v_column))
        self.kernel.u[...] = factor * u.T
        self.place(coef, factor * v, factor * v_column)

    def place(self, ahead: Array, v: Array, v_column: Array) -> None:
        """Let the kernel go on from what the dual variables stand for, weights pulled to `ahead`."""
        share, column = self.pull / self.l2, v_column * (self.problem.l2 / self.l2)
        self.ahead = self.coef = self.coef_moved = ahead
        self.ahead_column = self.v_column = self.column_moved = np.zeros_like(column)
        self.kernel.place(share * ahead + (self.problem.l2 / self.l2) * v, column, self.centre)
        self.look_at_kernel()

    def look_at_kernel(self) -> None:
        """What the kernel's weights are, and what the dual variables stand for, without the pull."""
        self.coef_before, share, factor = self.coef, self.pull / self.l2, self.l2 / self.problem.l2
        self.coef, self.v, self.v_column = (a.astype(np.float64) for a in self.kernel.weights())
        self.sum = factor * (self.v - share * self.ahead)
        self.sum_column = factor * (self.v_column - share * self.ahead_column * bool(self.scaling))

    def move_ahead(self) -> None:
        """The point that weights are pulled to, moved on by their change since its last move; with kinks, or where the gap grows, not
        before the weights have come near to where it pulls them, or the two would chase each other."""
        distance = float(np.square(self.coef - self.ahead).sum()) + float(np.square(self.v_column - self.ahead_column).sum())
        near = math.inf if self.smooth and self.gap_seen <= self.gap_moved else _NEAR_GROWN if self.smooth else _NEAR
        if self.gap_seen > near * self.pull / 2 * distance:
            return
        self.gap_moved = self.gap_seen
        root, share = math.sqrt(self.problem.l2 / self.l2), self.pull / self.l2
        ahead = self.coef + (1 - root) / (1 + root) * (self.coef - self.coef_moved)
        v, v_column = self.v + share * (ahead - self.ahead), self.v_column
        self.ahead = ahead
        if self.scaling:
            column = self.v_column + (1 - root) / (1 + root) * (self.v_column - self.column_moved)
            v_column, self.ahead_column = v_column + share * (column - self.ahead_column), column
        self.coef_moved, self.column_moved = self.coef, self.v_column
        self.kernel.place(v, v_column, self.centre)

    def dual(self, u: Array, v: Array, v_column: Array) -> float:
        """The dual objective, of the intercepts as they are where those are not penalised."""
        problem = self.problem
        size = np.abs(v) - problem.l1 / problem.l2
        w = np.maximum(np.where(problem.positive & (v < 0), 0, size), 0)
        sums = np.sum([gap(self.loss.spec, self.y[:, j].copy(), u[:, j].copy(), np.zeros(len(u)), self.share)
                       for j in range(problem.k)], axis=0)   # with p = 0: of losses and conjugates; of losses
        value = float(sums[1] - sums[0]) - problem.l2 / 2 * float((w * w).sum())
        if self.scaling:
            return value - problem.l2 / 2 * float(v_column @ v_column)
        return value - float(self.centre @ (self.share @ u))

    # ---- the point ----

    def weights(self) -> Vector:
        """The last weights."""
        intercept = self.column * self.v_column if self.scaling else self.centre
        return np.concatenate([self.coef.ravel()] + [intercept] * self.problem.fit_intercept)

    def look(self) -> tuple[Point, float]:
        """The point, and the duality gap: one pass over X."""
        point = self.problem.at(self.weights())
        if self.scaling and self.problem.fit_intercept:
            point = self.penalised(point)
        return point, self.gap_at(point)

    def gap_at(self, point: Point) -> float:
        """The duality gap between a point and what the dual variables stand for."""
        return max(0.0, point.value - self.dual(self.kernel.u.T.astype(np.float64), self.sum, self.sum_column))

    def gap_found(self, width: float) -> float:
        """The gap, and what the intercepts may still gain."""
        return max(width, self.intercept_error() * self.scale)

    def look_afresh(self, point: Point) -> float:
        """The duality gap, with what the dual variables stand for summed anew: epochs have added it up step by step, in the type of X."""
        problem, u = self.problem, (self.kernel.u * self.share).T.astype(np.float64)
        before = self.sum
        self.sum = Columns(problem.objective).transposed(u if problem.rows is None else u[problem.rows]).T / problem.l2
        self.v = self.v + (problem.l2 / self.l2) * (self.sum - before)
        self.kernel.place(self.v, self.v_column, self.centre)
        return self.gap_at(point)

    def penalised(self, point: Point) -> Point:
        """The point with the penalty of its intercepts."""
        size = self.problem.k * self.problem.d
        weight, gradient = point.w[size:] / self.column, point.gradient.copy()
        gradient[size:] += self.problem.l2 * weight / self.column
        return Point(point.w, point.value + self.problem.l2 / 2 * float(weight @ weight),
                     self.problem.violation(point.w, gradient), gradient)

    # ---- the run ----

    def run(self, tol: float, max_iter: int, callback: Any) -> Solution:
        problem, point, width = self.problem, self.problem.at(self.w0) if self.first is None else self.first, math.nan
        if not (math.isfinite(point.value) and np.isfinite(self.share / self.l2).all() and np.isfinite(self.squares).all()):
            return problem.solution(point, 0, False, NOT_FINITE)
        if self.smooth and self.first is not None and point.violation <= tol:
            return problem.solution(point, 0, True, CONVERGED)
        last, ratio, first = 0, math.inf if self.smooth else 0.1, math.inf
        for n_iter in range(1, max_iter + 1):
            self.kernel.run(self.kernel.n_iter + 1)
            if self.kernel.diverged:
                return problem.solution(point, n_iter, False, OVERFLOW)
            measure, stuck = self.after_epoch()
            if self.pull > 0:
                self.move_ahead()
            first = measure if n_iter == 1 else first
            early = ratio == math.inf and (measure <= _FALL * first or n_iter >= _FIRST_CHECK)
            due = early or n_iter - last >= _CHECK_EVERY or n_iter == max_iter or callback is not None
            if due or stuck or ratio * measure <= 1.5 * self.target(tol):
                point, width = self.look()
                last, self.scale, self.value = n_iter, max(self.scale, point.value), point.value
                found, target = point.violation if self.smooth else self.gap_found(width), self.target(tol)
                ratio = found / max(measure, 1e-100)
                if not self.smooth and (found <= target or stuck):
                    width = self.look_afresh(point)
                    found = self.gap_found(width)
                if found <= target:
                    return problem.solution(point, n_iter, True, CONVERGED if self.smooth else GAP_CLOSED, width)
                if (stuck or ratio * measure <= target) and not self.put_back() and stuck:
                    return problem.solution(point, n_iter, False, PRECISION, width)
                if callback is not None and not self.told(callback, problem.solution(point, n_iter, False, gap=width)):
                    return problem.solution(point, n_iter, False, STOPPED, width)
            if n_iter == _PLAIN and self.wanted > self.pull:
                self.accelerate()
        return problem.solution(point, max_iter, False, LIMIT, width)

    def told(self, callback: Any, solution: Solution) -> bool:
        """Whether the callback wants to go on."""
        try:
            callback(solution)
        except StopIteration:
            return False
        return True

    def target(self, tol: float) -> float:
        """What the violation, or the gap, must not exceed: of a gap, tol times the value, as far as this precision tells."""
        return tol if self.smooth else max(tol * min(self.value, self.scale), self.rounding())

    def rounding(self) -> float:
        """What of a gap is nothing but rounding."""
        return 10 * float(np.finfo(self.problem.X.dtype).eps) * self.scale

    def after_epoch(self) -> tuple[float, bool]:
        """Move the centre of the intercepts, choose whom to leave out.  Returns what the violation, or the gap, is in proportion
        to, as far as it was seen on the way, and whether it falls no more and is nothing but rounding."""
        seen, most = self.kernel.seen()
        self.look_at_kernel()
        travels = self.pull > 0 and float(np.abs(self.coef - self.coef_before).max()) > 1e-7 * float(np.abs(self.coef).max())
        if self.problem.fit_intercept and not self.scaling:
            step = self.column * self.v_column
            self.centre = self.centre + step
            self.kernel.centre(self.centre)
            travels = travels or bool((np.abs(step) > 1e-6 * (1 + np.abs(self.centre))).any())
        if self.left_out is not None:
            self.kernel.slack = float(most[0]) if most[0] > 0 else math.inf
        self.gap_seen, error = float(seen.sum()) * self.l2, self.intercept_error()
        measure = math.sqrt(max(self.gap_seen, 0.0)) + error if self.smooth else self.gap_seen + error * self.scale
        self.idle = 0 if travels or measure < 0.95 * self.least else self.idle + 1
        self.least = min(self.least, measure)
        return measure, self.idle >= _PATIENCE and self.gap_seen < self.rounding()

    def intercept_error(self) -> float:
        """The derivative of the dual's Lagrangian by the intercepts: |Σ s·u|/Σ s."""
        if not self.problem.fit_intercept or self.scaling:
            return 0.0
        return float(np.abs(self.kernel.u.astype(np.float64) @ self.share).max())

    def put_back(self) -> bool:
        """Leave no sample out; whether any was."""
        if self.left_out is None or self.always_out is None or (self.left_out == self.always_out).all():
            return False
        self.left_out[...] = self.always_out
        self.kernel.slack = math.inf
        return True
