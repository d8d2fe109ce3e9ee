"""Smooth objectives of all folds and a path of strengths at once: Newton steps of all folds go by Hessians that they share, and a pass
over X gives the gradients of all of them, and what they predict of the rows that they leave out.

A fold's Hessian is that of all rows without its own, each of which is read once, at the mean of the folds' weights: close to all of
them.  It serves the next strengths too, for as long as steps go far enough.  A fold that they do not bring to its minimum is left
to the solver of its own.  Used by the estimators that choose a strength.
"""
from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt import penalties
from fastopt._solvers.auto import choose, hessian_passes, solve
from fastopt._solvers.registry import CONVERGED, Solution, Vector
from fastopt.objective import LinearObjective
from fastopt.objective._hessian import hessian
from fastopt.penalties import Penalty

from .steps import NewtonSteps, steps_of

Array = NDArray[Any]
Mask = NDArray[np.bool_]
#: rows to learn from, and rows to score
Fold = tuple[Array, Array]

#: folds, each of which is an output of one objective
MAX_FOLDS = 16
#: readings of X that a Hessian may cost, with l1
MAX_HESSIAN_PASSES = 40
#: the share of the violation that a step by a new Hessian may leave; a fold with so many slower steps is left to its own solver
SLOW_SHARE, MAX_SLOW_STEPS = 0.3, 2
#: trial lengths of a step, and the slope at its end, relative to that at its beginning
MAX_TRIALS, MAX_END_SLOPE = 8, 0.5


def smooth_and_l1(l2: float, penalty: Penalty | None) -> tuple[float, float] | None:
    """A penalty as l2/2·‖w‖² + l1·‖w‖₁: both strengths; None if it is another."""
    if penalty is None:
        return l2, 0.0
    rule = penalty.params
    if penalty.name not in ("l1", "elasticnet") or rule.get("weights") is not None or rule.get("positive"):
        return None
    alpha, ratio = float(rule["alpha"]), float(rule.get("l1_ratio", 1.0))
    return l2 + alpha * (1 - ratio), alpha * ratio


def shares_steps(objective: LinearObjective, folds: Sequence[Fold], solver: str, tol: float, l2: float, l1: float = 0.0) -> bool:
    """Whether folds, each (rows to learn from, rows to score), can be walked along together, and it is expected to pay."""
    if len(folds) > MAX_FOLDS:
        return False
    if l1 > 0:
        # of squares the solver bounds the gap
        return (solver in ("auto", "cd") and objective.loss.name != "squared_error" and objective.n_outputs == 1
                and objective.n_features < objective.n_samples and hessian_passes(objective) < MAX_HESSIAN_PASSES)
    if solver != "auto":
        return solver == "newton-cholesky"
    return choose(objective.with_l2(l2), None, tol) in ("newton-cholesky", "preconditioned-cg")


def apart(n: int, folds: Sequence[Fold]) -> bool:
    """Whether each of n rows is left out by one fold, and all others learn from it."""
    return (all(len(train) + len(test) == n for train, test in folds)
            and np.array_equal(np.sort(np.concatenate([test for _, test in folds])), np.arange(n)))


class Folds:
    """Where all folds are on their way.

    Parameters
    ----------
    objective : LinearObjective
        Of all rows.
    folds : sequence of (rows to learn from, rows to score)
    starts : sequence of ndarray of shape (n_params,)
    tol, max_iter
        As of `solve`.

    Attributes
    ----------
    w, slopes : ndarray of shape (folds, n_params)
        The points, and the gradients there without l2.
    lost : ndarray of bool of shape (folds,)
        Those that steps by shared Hessians do not bring to their minimum.
    """

    def __init__(self, objective: LinearObjective, folds: Sequence[Fold], starts: Sequence[Vector], tol: float,
                 max_iter: int) -> None:
        self.objective, self.folds, self.tol, self.max_iter = objective, folds, tol, max_iter
        self.w = np.array(starts, dtype=np.float64)
        self.penalised = np.arange(objective.n_params) < objective.n_outputs * objective.n_features
        free = objective.with_l2(0.0)
        self.views = JointFolds(free, folds) if objective.n_outputs == 1 else SeparateFolds(free, folds)
        self.parts = [free.rows(test) for _, test in folds]
        self.slopes = self.views.gradients(self.w)
        self.hessians: list[Vector] = []
        self.steps: list[NewtonSteps | None] = [None] * len(folds)
        self.lost = np.zeros(len(folds), dtype=bool)
        self.worth = 2 + hessian_passes(objective) / len(folds)   # rounds that a new Hessian is to save

    def path(self, strengths: Sequence[Sequence[tuple[float, float]]]) -> Iterator[list[tuple[Solution, Array]]]:
        """Solutions of all folds, and their predictions of the rows that they leave out, for one strength after the other.

        Parameters
        ----------
        strengths : sequence of sequences of (l2, l1)
            By fold; l1 with one output alone.
        """
        for pairs in zip(*strengths):
            self.l2, self.l1 = np.array(pairs, dtype=np.float64).T
            yield self._solved()

    # ---- one strength ----

    def _look(self) -> tuple[Vector, Vector]:
        """Gradients of all but l1, and the largest elements of the least subgradients."""
        g = self.slopes + self.l2[:, None] * self.w * self.penalised
        l1 = self.l1[:, None] * self.penalised
        each = np.where(self.w != 0, np.abs(g + l1 * np.sign(self.w)), np.abs(g) - l1)
        size = each.max(axis=1, initial=0)
        return g, np.where(np.isfinite(size), size, math.inf)

    def _solved(self) -> list[tuple[Solution, Array]]:
        """From the points on, at which the slopes are known."""
        k = len(self.folds)
        self.steps = [None] * k
        g, violation = self._look()
        rounds, slow, rate = np.zeros(k, dtype=int), np.zeros(k, dtype=int), math.nan
        while (open_ := (violation > self.tol) & ~self.lost).any() and rounds.max() < self.max_iter:
            fresh = not self.hessians or rate > 1 or rate > 0 and self._rounds(rate, violation[open_].max()) > self.worth
            if fresh:
                self._refresh()
            before = violation
            self.lost |= self._step(open_, g, violation)
            rounds += open_
            g, violation = self._look()
            rate = float((violation[open_] / before[open_]).max())
            slow += open_ & fresh & (violation > SLOW_SHARE * before)
            self.lost |= slow >= MAX_SLOW_STEPS
        return self._finish(violation, rounds)

    def _step(self, open_: Mask, g: Vector, violation: Vector) -> Mask:
        """A step of the open folds, made shorter where the value rises again before its end; those that have found none."""
        first, slopes, steps = self.w.copy(), self.slopes, np.zeros_like(g)
        for i in np.flatnonzero(open_):
            steps[i] = self._steps(int(i)).step(first[i], g[i], violation[i])
        slope = self._slopes_along(g, steps, np.where(first != 0, np.sign(first), np.sign(steps)))
        part, bad = np.ones(len(g)), open_ & ~(slope < 0)
        steps[bad], lost = 0, bad
        for _ in range(MAX_TRIALS):
            self.w = first + part[:, None] * steps
            self.slopes = self.views.gradients(self.w)
            end = self._slopes_along(self._look()[0], steps, np.sign(np.where(self.w != 0, self.w, first)))
            bad = open_ & ~lost & ~(end <= MAX_END_SLOPE * np.abs(slope))
            if not bad.any():
                return lost
            # where the slope would be 0 if it changed evenly
            even = 1 / (1 + np.where(np.isfinite(end), end, math.inf)[bad] / np.abs(slope[bad]))
            part[bad] *= np.clip(even, 0.1, 0.5)
        self.w[bad], self.slopes[bad] = first[bad], slopes[bad]
        return lost | bad

    def _slopes_along(self, g: Vector, steps: Vector, signs: Vector) -> Vector:
        """Derivatives along the steps, of weights that have these signs."""
        return np.asarray(((g + self.l1[:, None] * self.penalised * signs) * steps).sum(axis=1))

    def _rounds(self, rate: float, violation: float) -> float:
        """How many more steps at this rate there would be."""
        return math.log(self.tol / violation) / math.log(rate) if rate < 1 else math.inf

    def _refresh(self) -> None:
        """Hessians of all folds, without l2, at the mean of their points."""
        point = self.w.mean(axis=0)
        sizes = np.array([part.total for part in self.parts])
        sums = [size * hessian(part, point, whole=False) for size, part in zip(sizes, self.parts)]
        whole = sum(sums[1:], sums[0])
        self.hessians = [(whole - part) / (sizes.sum() - size) for part, size in zip(sums, sizes)]
        self.steps = [None] * len(self.folds)

    def _steps(self, i: int) -> NewtonSteps:
        steps = self.steps[i]
        if steps is None:
            steps = self.steps[i] = steps_of(self.hessians[i], self.l2[i], self.l1[i], int(self.penalised.sum()))
        return steps

    def _finish(self, violation: Vector, rounds: NDArray[np.intp]) -> list[tuple[Solution, Array]]:
        """Solutions; those of folds that are left over by the solver that they would have on their own."""
        found, left = [], violation > self.tol
        for i, (train, _) in enumerate(self.folds):
            name = "cd" if self.l1[i] > 0 else "newton-cholesky"
            if left[i]:
                fit = self.objective.with_l2(self.l2[i]).rows(train)
                solution = solve(fit, penalties.L1(self.l1[i]) if self.l1[i] > 0 else None, name, self.w[i], self.tol, self.max_iter)
                self.w[i] = solution.w
            else:
                solution = Solution(self.w[i].copy(), math.nan, int(rounds[i]), violation[i], math.nan, True, CONVERGED, name)
            found.append(solution)
        if left.any():
            self.slopes = self.views.gradients(self.w)
        return list(zip(found, self.views.held(self.w)))


class JointFolds:
    """Folds of an objective of one output, without l2, as outputs of one objective: the rows that a fold leaves out weigh nothing in its own."""

    def __init__(self, objective: LinearObjective, folds: Sequence[Fold]) -> None:
        weight = np.ones(objective.n_samples) if objective.weight is None else objective.weight.ravel()
        masks = np.repeat(weight[:, None], len(folds), axis=1).astype(objective.dtype)
        for i, (_, test) in enumerate(folds):
            masks[test, i] = 0
        self.tests = [test for _, test in folds]
        self.objective, self.d = objective.copies(masks), objective.n_features
        self.share = objective.total / masks.sum(axis=0, dtype=np.float64)

    def _joined(self, w: Vector) -> Vector:
        """Coefficients of all folds, then intercepts."""
        return np.concatenate([w[:, :self.d].ravel(), w[:, self.d:].ravel()])

    def gradients(self, w: Vector) -> Vector:
        """Of the folds' mean losses: (folds, n_params)."""
        g, k = self.objective.gradient(self._joined(w)), len(w)
        own = np.hstack([g[:k * self.d].reshape(k, self.d), g[k * self.d:].reshape(k, -1)])
        return np.asarray(own * self.share[:, None])

    def held(self, w: Vector) -> list[Array]:
        """Raw predictions of the rows that each fold leaves out."""
        p = self.objective.predictions(self._joined(w))
        return [p[test, i, None] for i, test in enumerate(self.tests)]


class SeparateFolds:
    """Folds of an objective of several outputs, without l2, each by itself."""

    def __init__(self, objective: LinearObjective, folds: Sequence[Fold]) -> None:
        self.fits = [objective.rows(train) for train, _ in folds]
        self.tests = [objective.rows(test) for _, test in folds]

    def gradients(self, w: Vector) -> Vector:
        """Of the folds' mean losses: (folds, n_params)."""
        return np.array([fit.gradient(point) for fit, point in zip(self.fits, w)])

    def held(self, w: Vector) -> list[Array]:
        """Raw predictions of the rows that each fold leaves out."""
        return [test.predictions(point) for test, point in zip(self.tests, w)]
