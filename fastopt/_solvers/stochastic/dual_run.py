"""A run of dual coordinate descent (SDCA): the start, the intercept, which samples to leave out, and when to stop.

Used by _solvers/stochastic/sdca.py, and by dual_classes.py beside it for losses of several classes.  The loop over the samples is
_solvers/stochastic/_sdca.pyx.
"""
from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt._core.threads import resolve_threads
from fastopt._samples.order import Samples
from fastopt._solvers.iterate import Steps
from fastopt._solvers.registry import CONVERGED, GAP_CLOSED, NOT_FINITE, OVERFLOW, PRECISION, RandomState, Solution, Vector, seed_of
from fastopt._solvers.squares.design_matrix import DesignMatrix
from fastopt.objective import LinearObjective
from fastopt.penalties import Penalty

from ._sdca import SdcaChains, gap
from ._sdca_classes import SdcaClassChains
from .finite_sum import Evaluation, FiniteSum, Fit

Array = NDArray[Any]

#: losses whose dual variables stay inside their bounds: no sample can be shrunk
_NEVER_AT_BOUND = ("squared_error", "log_loss")
#: epochs between two evaluations of all samples, at most
_EPOCHS_BETWEEN_LOOKS = 10
#: condition number, mean of curvature·‖x‖²·weight/l2, above which the run is accelerated
_ACCELERATE_ABOVE = 2.0
#: With fewer samples than columns, which seldom depend on each other, acceleration begins after so many epochs.
PLAIN_EPOCHS = 60
#: The point ahead moves on when the gap of the accelerated problem is within so many times what the pull adds: for losses with kinks;
#: and for others, if the gap has grown since the last move, as some orders of few samples diverge otherwise.
_MOVE_AT_GAP, _MOVE_AT_GROWN_GAP = 10.0, 3.0
#: The first evaluation is after so many epochs, or when the estimate has fallen to this share of the first one.
_FIRST_LOOK_EPOCH, _FIRST_LOOK_FALL = 5, 0.15
#: epochs without a smaller gap, near rounding, after which there is nothing more to gain
_PATIENCE = 20


class DualRun(Fit):
    """One run."""

    kernel: SdcaChains | SdcaClassChains
    always_shrinks = False   # also where weights are pulled

    def __init__(self, objective: LinearObjective, penalty: Penalty | None, w0: Vector, random_state: RandomState, scaling: float | None) -> None:
        self.problem = problem = FiniteSum(objective, penalty, "sdca")
        self.loss, self.smooth = problem.loss, problem.loss.smooth
        weight = np.ones(problem.X.n) if problem.weight is None else problem.weight
        self.share = weight / problem.total if problem.mask is None else weight * (problem.mask == 0) / problem.total
        squares = problem.squares()
        self.scaling, self.column = scaling, 0.0
        if problem.fit_intercept:   # of the size of a row: the intercept is then no harder to find than a weight
            self.column = scaling if scaling else math.sqrt(float(squares.mean())) or 1.0
        self.squares, self.mask, self.seed = squares + self.column ** 2, problem.mask, seed_of(random_state)
        curvature = self.loss.curvature
        condition = (curvature if math.isfinite(curvature) else 1.0) * float(self.share @ self.squares) / (problem.n * problem.l2)
        self.wanted = condition * problem.l2 if condition > _ACCELERATE_ABOVE else 0.0
        self.most = self.wanted
        self.build(0.0 if problem.n <= problem.d else self.first_pull())
        self.y = problem.y.astype(np.float64)
        self.centre, self.least, self.idle, self.gap_moved = np.zeros(problem.k), math.inf, 0, math.inf
        self.first: Evaluation | None = None
        self.w0, self.value = w0, math.inf
        self.last_look, self.first_measure, self.ratio = 0, math.inf, math.inf if self.smooth else 0.1
        self.place(np.zeros((problem.k, problem.d)), np.zeros((problem.k, problem.d)), np.zeros(problem.k))
        self.start(w0)

    def first_pull(self) -> float:
        """How strongly weights are pulled, where acceleration is not put off."""
        return self.wanted

    def build(self, pull: float) -> None:
        """The kernel that pulls weights as strongly as that; its dual variables are 0."""
        problem = self.problem
        self.pull, self.l2 = pull, problem.l2 + pull   # the latter is the kernel's
        self.shrunk, problem.mask = None, self.mask
        chains = problem.y.shape[1]   # one for each output, or for all of them together
        if chains == 1 and self.loss.name not in _NEVER_AT_BOUND and (pull == 0 or self.always_shrinks):
            self.shrunk = problem.mask = np.zeros(problem.X.n, np.uint8) if self.mask is None else self.mask.copy()
        threads = min(resolve_threads(problem.objective.n_threads), chains)
        samples = problem.samples(self.share / self.l2, self.seed, threads)
        self.masked = None if self.shrunk is None else self.shrunk.copy()
        self.kernel = self.chains(samples, threads)

    def chains(self, samples: Samples, threads: int) -> SdcaChains | SdcaClassChains:
        """The kernel."""
        problem = self.problem
        return SdcaChains(problem.X, samples, self.loss.spec, problem.k, self.squares, l1=problem.l1 / self.l2,
                          positive=problem.positive, column=self.column, shrunk=self.shrunk, threads=threads)

    def accelerate(self) -> None:
        """Go on with weights that are pulled to a point ahead, as strongly as is wanted now."""
        u = self.kernel.u
        self.build(self.wanted)
        self.kernel.u[...] = u
        self.least, self.idle = math.inf, 0
        self.place(self.coef, self.sum, self.sum_column)

    # ---- where to start ----

    def start(self, w0: Vector) -> None:
        """The dual variables that belong to w0, shrunk by what makes the dual objective largest; 0 where w0 is 0, or worse."""
        problem, objective = self.problem, self.problem.objective
        self.scale = float(self.share @ self.losses(np.zeros((problem.X.n, problem.k))))
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
        u = -self.slopes(problem.in_place(objective.predictions(w0)).astype(np.float64))
        coef, intercept = objective.split(w0)
        v = coef * (objective.l2 / problem.l2) - slope / problem.l2
        v_column: Array = np.zeros(problem.k)
        if intercept is not None and slope_intercept is not None:
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

    def is_near(self) -> bool:
        """Whether the point ahead may move: with kinks, or where the gap grows, not before the weights have come near to where it pulls
        them, or the two would chase each other."""
        distance = float(np.square(self.coef - self.ahead).sum()) + float(np.square(self.v_column - self.ahead_column).sum())
        near = math.inf if self.smooth and self.gap_seen <= self.gap_moved else _MOVE_AT_GROWN_GAP if self.smooth else _MOVE_AT_GAP
        return self.gap_seen <= near * self.pull / 2 * distance

    def move_ahead(self) -> None:
        """The point that weights are pulled to, moved on by their change since its last move."""
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

    # ---- the loss ----

    def public(self) -> Array:
        """y in its public form."""
        return (self.y + 1) / 2 if self.loss.target == "sign" else self.y

    def losses(self, p: Array) -> Array:
        """(n,) losses of the samples, summed over outputs, of predictions (n, k)."""
        return np.asarray(self.loss.pointwise(self.public(), p).sum(axis=1))

    def slopes(self, p: Array) -> Array:
        """(n, k) derivatives of the losses."""
        return np.asarray(self.loss.gradient(self.public(), p) * p.size)

    def conjugates(self, u: Array) -> float:
        """The mean of the conjugates, summed over outputs."""
        sums = np.sum([gap(self.loss.spec, self.y[:, j].copy(), u[:, j].copy(), np.zeros(len(u)), self.share)
                       for j in range(self.problem.k)], axis=0)   # with p = 0: of losses and conjugates; of losses
        return float(sums[0] - sums[1])

    def dual(self, u: Array, v: Array, v_column: Array) -> float:
        """The dual objective, of the intercepts as they are where those are not penalised."""
        problem = self.problem
        size = np.abs(v) - problem.l1 / problem.l2
        w = np.maximum(np.where(problem.positive & (v < 0), 0, size), 0)
        value = -self.conjugates(u) - problem.l2 / 2 * float((w * w).sum())
        if self.scaling:
            return value - problem.l2 / 2 * float(v_column @ v_column)
        return value - float(self.centre @ (self.share @ u))

    # ---- the point ----

    def weights(self) -> Vector:
        """The last weights."""
        intercept = self.column * self.v_column if self.scaling else self.centre
        return np.concatenate([self.coef.ravel()] + [intercept] * self.problem.fit_intercept)

    def evaluate(self) -> tuple[Evaluation, float]:
        """The point, and the duality gap: one pass over X."""
        point = self.problem.at(self.weights())
        if self.scaling and self.problem.fit_intercept:
            point = self.penalised(point)
        return point, self.gap_at(point)

    def gap_at(self, point: Evaluation) -> float:
        """The duality gap between a point and what the dual variables stand for."""
        return max(0.0, point.value - self.dual(self.kernel.u.T.astype(np.float64), self.sum, self.sum_column))

    def gap_found(self, width: float) -> float:
        """The gap, and what the intercepts may still gain."""
        return max(width, self.intercept_error() * self.scale)

    def evaluate_afresh(self, point: Evaluation) -> float:
        """The duality gap, with what the dual variables stand for summed anew: epochs have added it up step by step, in the type of X."""
        problem, u = self.problem, (self.kernel.u * self.share).T.astype(np.float64)
        before = self.sum
        self.sum = DesignMatrix(problem.objective).rmatmat(u if problem.rows is None else u[problem.rows]).T / problem.l2
        self.v = self.v + (problem.l2 / self.l2) * (self.sum - before)
        self.kernel.place(self.v, self.v_column, self.centre)
        return self.gap_at(point)

    def penalised(self, point: Evaluation) -> Evaluation:
        """The point with the penalty of its intercepts."""
        size = self.problem.k * self.problem.d
        weight, gradient = point.w[size:] / self.column, point.gradient.copy()
        gradient[size:] += self.problem.l2 * weight / self.column
        return Evaluation(point.w, point.value + self.problem.l2 / 2 * float(weight @ weight),
                     self.problem.violation(point.w, gradient), gradient)

    # ---- the run ----

    def epochs(self) -> Steps:
        """Some without acceleration, if it is put off."""
        yield from itertools.islice(super().epochs(), PLAIN_EPOCHS)
        if self.wanted > self.pull:
            self.accelerate()
        return (yield from super().epochs())

    def look(self, n_iter: int) -> Solution | None:
        if n_iter == 0:
            return self.at_start()
        if self.kernel.diverged:
            return self.problem.solution(self.point, n_iter, OVERFLOW)
        measure, stuck = self.after_epoch()
        if self.pull > 0 and self.is_near():
            self.move_ahead()
        if n_iter == 1:
            self.first_measure = measure
        early = self.ratio == math.inf and (measure <= _FIRST_LOOK_FALL * self.first_measure or n_iter >= _FIRST_LOOK_EPOCH)
        due = early or n_iter - self.last_look >= _EPOCHS_BETWEEN_LOOKS or n_iter == self.max_iter or self.has_callback
        if not (due or stuck or self.ratio * measure <= 1.5 * self.target()):
            return None
        self.last_look = n_iter
        return self.look_closely(n_iter, measure, stuck)

    def at_start(self) -> Solution:
        """The solution before the first epoch."""
        self.point = self.problem.at(self.w0) if self.first is None else self.first
        finite = math.isfinite(self.point.value) and np.isfinite(self.share / self.l2).all() and np.isfinite(self.squares).all()
        done = self.smooth and self.first is not None and self.point.violation <= self.tol
        return self.problem.solution(self.point, 0, NOT_FINITE if not finite else CONVERGED if done else "")

    def look_closely(self, n_iter: int, measure: float, stuck: bool) -> Solution:
        """The solution, by a reading of X; the measure is what epochs have seen of the violation, or of the gap."""
        self.point, width = self.evaluate()
        self.scale, self.value = max(self.scale, self.point.value), self.point.value
        found, target = self.point.violation if self.smooth else self.gap_found(width), self.target()
        self.ratio = found / max(measure, 1e-100)
        if not self.smooth and (found <= target or stuck):
            width = self.evaluate_afresh(self.point)
            found = self.gap_found(width)
        end = ""
        if found <= target:
            end = CONVERGED if self.smooth else GAP_CLOSED
        elif (stuck or self.ratio * measure <= target) and not self.unshrink() and stuck:
            end = PRECISION
        return self.problem.solution(self.point, n_iter, end, width)

    def target(self) -> float:
        """What the violation, or the gap, must not exceed: of a gap, tol times the value, as far as this precision tells."""
        return self.tol if self.smooth else max(self.tol * min(self.value, self.scale), self.rounding())

    def rounding(self) -> float:
        """What of a gap is nothing but rounding."""
        return 10 * float(np.finfo(self.problem.X.dtype).eps) * self.scale

    def after_epoch(self) -> tuple[float, bool]:
        """Move the centre of the intercepts, and set the margin for shrinking.  Returns an estimate, up to a factor, of the violation or
        the gap, from what the epoch has computed; and whether it no longer falls and is rounding."""
        seen, most = self.kernel.seen()
        self.look_at_kernel()
        travels = self.pull > 0 and float(np.abs(self.coef - self.coef_before).max()) > 1e-7 * float(np.abs(self.coef).max())
        if self.problem.fit_intercept and not self.scaling:
            step = self.column * self.v_column
            self.centre = self.centre + step
            self.kernel.centre(self.centre)
            travels = travels or bool((np.abs(step) > 1e-6 * (1 + np.abs(self.centre))).any())
        if self.shrunk is not None:
            self.kernel.shrink_margin = float(most[0]) if most[0] > 0 else math.inf
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

    def unshrink(self) -> bool:
        """Leave no sample out; whether any was."""
        if self.shrunk is None or self.masked is None or (self.shrunk == self.masked).all():
            return False
        self.shrunk[...] = self.masked
        self.kernel.shrink_margin = math.inf
        return True
