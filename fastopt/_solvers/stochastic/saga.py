"""SAG, SAGA, SVRG and Katyusha for linear models: steps of one sample each, with gradients whose variance falls to 0.

They need a loss with a continuous derivative, and take any penalty of one strength with a proximal step.  The loop over the
samples is _solvers/stochastic/_saga.pyx; here are the step, by the smoothness of the objective, and when to stop.
"""
from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt._core.tables import LOSS_NAMES
from fastopt._core.threads import resolve_threads
from fastopt._solvers.registry import (
    CONVERGED,
    NOT_FINITE,
    PRECISION,
    Callback,
    Needs,
    RandomState,
    Solution,
    Vector,
    seed_of,
    solver,
)
from fastopt.objective import LinearObjective
from fastopt.penalties import Penalty

from ._saga import SagaChains
from .finite_sum import PENALTIES, Evaluation, FiniteSum, Fit

_NEEDS = Needs(penalties=PENALTIES, losses=tuple(LOSS_NAMES), smooth=True, convex=True, plain=True)
#: how often the step may be divided because the objective rose
_MAX_RETREATS = 30
#: Katyusha: a pass that lowers the value by more than this share of what the last one did is slow, and momentum grows
_SLOW_SHARE = 0.5


@solver("sag", _NEEDS)
def sag(objective: LinearObjective, penalty: Penalty | None, w0: Vector, *, tol: float, max_iter: int,
        callback: Callback | None, random_state: RandomState) -> Solution:
    """Stochastic average gradient: steps along the mean of the gradients that samples had when last visited.

    The step is 1/L, L the largest of weight·(‖x‖² + 1 with an intercept)·(largest second derivative of the loss) + l2, as
    scikit-learn's ``sag``.  `max_iter` counts passes over the samples.

    References
    ----------
    M. Schmidt, N. Le Roux and F. Bach (2017), Minimizing finite sums with the stochastic average gradient, Mathematical
    Programming 162, arXiv:1309.2388.
    """
    return _Saga("sag", objective, penalty, w0, random_state).run(tol, max_iter, callback)


@solver("saga", _NEEDS)
def saga(objective: LinearObjective, penalty: Penalty | None, w0: Vector, *, tol: float, max_iter: int,
         callback: Callback | None, random_state: RandomState) -> Solution:
    """SAGA: the change of a sample's gradient, added to the mean of those that samples had when last visited: unbiased.

    The step is 1/(2·L), L as in `sag`.

    References
    ----------
    A. Defazio, F. Bach and S. Lacoste-Julien (2014), SAGA: a fast incremental gradient method with support for non-strongly
    convex composite objectives, NeurIPS, arXiv:1407.0202.
    """
    return _Saga("saga", objective, penalty, w0, random_state).run(tol, max_iter, callback)


@solver("svrg", _NEEDS)
def svrg(objective: LinearObjective, penalty: Penalty | None, w0: Vector, *, tol: float, max_iter: int,
         callback: Callback | None, random_state: RandomState) -> Solution:
    """SVRG: the change of a sample's gradient since the start of the pass, added to the gradient there.

    A linear model remembers derivatives, a number a sample, so that a pass costs one product a row, and the full gradient
    another.  The step is 1/(2·L), L as in `sag`; each pass takes every sample once.

    References
    ----------
    R. Johnson and T. Zhang (2013), Accelerating stochastic gradient descent using predictive variance reduction, NeurIPS.
    L. Xiao and T. Zhang (2014), A proximal stochastic gradient method with progressive variance reduction, SIAM Journal on
    Optimization 24, arXiv:1403.4699.
    """
    return _Saga("svrg", objective, penalty, w0, random_state).run(tol, max_iter, callback)


@solver("katyusha", _NEEDS)
def katyusha(objective: LinearObjective, penalty: Penalty | None, w0: Vector, *, tol: float, max_iter: int,
             callback: Callback | None, random_state: RandomState) -> Solution:
    """Katyusha: SVRG with momentum, for ill-conditioned problems: passes grow with the root of the condition.

    Gradients are those of the point θ·w + (1 − θ)·v, v where the pass began, and w takes steps 1/θ times as long as `svrg`'s;
    the next pass begins at θ·w + (1 − θ)·v, after a proximal step.  That is Katyusha without its third sequence [2]_: the step
    of a CSR row stays that of `svrg`.  θ falls from 1/2, as 2/(t + 4), to the root of n·l2/(3·L) at least, where t counts the
    passes that were slow: those that lowered the value by more than half of what the pass before them did.  Where the value
    rises, w and t begin anew at the best point.

    References
    ----------
    .. [1] Z. Allen-Zhu (2017), Katyusha: the first direct acceleration of stochastic gradient methods, Journal of Machine Learning
       Research 18, arXiv:1603.05953.
    .. [2] K. Zhou, F. Shang and J. Cheng (2018), A simple stochastic variance reduced algorithm with fast convergence rates, ICML,
       arXiv:1806.11027.
    """
    return _Katyusha("katyusha", objective, penalty, w0, random_state).run(tol, max_iter, callback)


class _Saga(Fit):
    """One run of a method."""

    ahead: Vector | None = None   # weights that are not those of the point

    def __init__(self, method: str, objective: LinearObjective, penalty: Penalty | None, w0: Vector, random_state: RandomState) -> None:
        self.problem = problem = FiniteSum(objective, penalty, method)
        self.method, self.loss = method, problem.loss
        self.restarts = method in ("svrg", "katyusha")   # at each pass, from the full gradient
        self.relative = None if problem.weight is None else problem.weight * (problem.n / problem.total)   # of mean 1
        threads = min(resolve_threads(objective.n_threads), problem.k)
        samples = problem.samples(self.relative, seed_of(random_state), threads, replace=not self.restarts)
        self.kernel: SagaChains = SagaChains(problem.X, samples, self.loss.spec, problem.k, method, l2=problem.l2, l1=problem.l1,
                                             positive=problem.positive, fit_intercept=problem.fit_intercept, threads=threads)
        squares = problem.squares() + problem.fit_intercept
        self.largest = float((squares if self.relative is None else squares * self.relative).max())
        self.point = problem.at(_allowed(problem, w0))
        self.bounded, self.retries = math.isfinite(self.loss.curvature), 0
        if math.isfinite(self.point.value):
            self.place(self.point)
            self.kernel.lr = self.step()

    def step(self) -> float:
        """The step by the smoothness of the objective; where that has no bound, by what it is at the start."""
        curvature = self.loss.curvature if self.bounded else self.curvature_here()
        lipschitz = self.largest * curvature + self.problem.l2
        return (1.0 if self.method == "sag" else 0.5) / max(lipschitz, float(np.finfo(np.float32).tiny))

    def curvature_here(self) -> float:
        """The largest second derivative of the losses at the point, and where nothing is left to learn, by differences."""
        y, step = self.targets(), 1e-4
        places = [self.predictions(self.point.w)] + [y] * (self.loss.target == "real")
        return max(float(np.abs(self.derivatives(y, p + step) - self.derivatives(y, p - step)).max() / (2 * step)) for p in places)

    def targets(self) -> NDArray[Any]:
        """y in its public form, in double."""
        y = self.problem.y.astype(np.float64)
        return (y + 1) / 2 if self.loss.target == "sign" else y

    def derivatives(self, y: NDArray[Any], p: NDArray[Any]) -> NDArray[Any]:
        """The derivative of each sample's loss in its prediction."""
        return np.asarray(self.loss.gradient(y, p) * p.size)

    def predictions(self, w: Vector) -> NDArray[Any]:
        """Of all rows of X, (n, k), in double; 0 where the objective does not have the row."""
        found = self.problem.objective.predictions(w)
        return self.problem.in_place(found).astype(np.float64)

    def place(self, point: Evaluation, weights: Vector | None = None) -> None:
        """Let the kernel go on from this point, its gradient and the derivatives there; or from other weights with them."""
        problem, objective = self.problem, self.problem.objective
        coef, intercept = objective.split(point.w if weights is None else weights)
        slope, slope_intercept = objective.split(point.gradient)
        none = np.zeros(problem.k)
        if self.method == "sag":   # remembers nothing: the gradient of the start would drive it on for a whole pass
            self.kernel.memory[...] = 0
            self.kernel.place(coef, none if intercept is None else intercept, np.zeros_like(coef), none)
            return
        p = self.predictions(point.w)
        self.kernel.memory[...] = self.derivatives(self.targets(), p).T
        if self.kernel.start is not None:
            self.kernel.start[...] = p.T
        self.kernel.place(coef, none if intercept is None else intercept, slope - objective.l2 * coef,
                          none if slope_intercept is None else slope_intercept)

    def weights(self) -> tuple[Vector, float]:
        """The kernel's point, and an estimate of the violation there from gradients that samples had when last visited."""
        coef, intercept, slope, slope_intercept = self.kernel.weights()
        parts = [coef.ravel()] + [intercept] * self.problem.fit_intercept
        slopes = [(slope + self.problem.objective.l2 * coef).ravel()] + [slope_intercept] * self.problem.fit_intercept
        w, gradient = (np.concatenate(a).astype(np.float64) for a in (parts, slopes))
        return w, self.problem.violation(w, gradient)

    def look(self, n_iter: int) -> Solution | None:
        if n_iter > 0:
            w, estimate = self.weights()
            due = self.restarts or not self.bounded or self.has_callback or n_iter == self.max_iter
            if not (due or estimate <= self.tol or self.kernel.diverged):
                return None
            point = self.problem.at(w)
            if self.kernel.diverged or self.rose(point):
                self.retries += self.retreat(point)
                return self.problem.solution(self.point, n_iter, PRECISION) if self.retries > _MAX_RETREATS else None
            self.accept(point)
        elif not math.isfinite(self.point.value):
            return self.problem.solution(self.point, n_iter, NOT_FINITE)
        if self.point.violation <= self.tol:
            return self.problem.solution(self.point, n_iter, CONVERGED)
        if self.restarts and n_iter > 0:
            self.place(self.point, self.ahead)
        return self.problem.solution(self.point, n_iter, "")

    def rose(self, point: Evaluation) -> bool:
        """Whether a step without a bound to go by was too large: values may rise a little on their way down."""
        return not self.bounded and not point.value <= self.point.value + 1e-3 * abs(self.point.value)

    def accept(self, point: Evaluation) -> None:
        """Take a point for the best so far."""
        self.point = point

    def retreat(self, point: Evaluation) -> bool:
        """From a point that is worse back to the best, with a smaller step; whether the step was to blame."""
        self.kernel.lr = self.kernel.lr / 4
        self.place(self.point)
        return True


class _Katyusha(_Saga):
    """Katyusha: weights that run ahead of the point where the pass began."""

    slow, dropped = 0, 0.0   # passes that called for more momentum; by how much the last pass lowered the value

    def step(self) -> float:
        self.base = super().step()
        self.tune()
        return self.kernel.lr

    def tune(self) -> None:
        """Momentum, and the step that goes with it."""
        least = math.sqrt(2 / 3 * self.problem.n * self.problem.l2 * self.base)
        self.kernel.mix = min(0.5, max(2 / (self.slow + 4), least))
        self.kernel.lr = self.base / self.kernel.mix

    def weights(self) -> tuple[Vector, float]:
        """The point where the next pass begins, behind a proximal step: the weights that l1 holds at 0 are 0 there too."""
        coef, intercept, *_ = self.kernel.weights()
        self.ahead = np.concatenate([coef.ravel()] + [intercept] * self.problem.fit_intercept).astype(np.float64)
        mix, size = self.kernel.mix, self.problem.k * self.problem.d
        w = mix * self.ahead + (1 - mix) * self.point.w - self.base * self.point.gradient
        if self.problem.penalty is not None:
            self.problem.penalty.prox(w[:size], self.base, w[:size])
        return w, math.inf

    def rose(self, point: Evaluation) -> bool:
        rounding = 4 * float(np.finfo(self.problem.X.dtype).eps) * abs(self.point.value)
        return not point.value <= self.point.value + rounding

    def accept(self, point: Evaluation) -> None:
        drop = self.point.value - point.value
        self.slow = self.slow + 1 if drop > _SLOW_SHARE * self.dropped else max(0, self.slow - 1)
        self.dropped = drop
        self.tune()
        super().accept(point)

    def retreat(self, point: Evaluation) -> bool:
        """Back to the best point without momentum; with a smaller step if there was none, or far too large a step."""
        far, blame = self.kernel.diverged or super().rose(point), self.slow == 0
        if far:
            self.base /= 4
        self.slow, self.dropped = 0, 0.0
        self.tune()
        self.place(self.point)
        return far or blame


def _allowed(problem: FiniteSum, w0: Vector) -> Vector:
    """w0, negative coefficients set to 0 where they must not be."""
    w = np.array(w0, dtype=np.float64)
    if problem.positive:
        size = problem.k * problem.d
        w[:size] = np.maximum(w[:size], 0)
    return w
