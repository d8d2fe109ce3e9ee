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

from ._hessian import hessian
from ._solve import choose, hessian_passes, solve
from ._solve_newton import Factor
from ._solver import CONVERGED, Solution, Vector

OUTPUTS = 16       # folds at most, each an output of one objective
SLOW = 0.3         # what a step by a new Hessian is to leave of the violation at most,
PATIENCE = 2       # and how often it may fail to before a fold goes on alone, here and for weaker penalties
TRIALS = 8         # of a length
STEEP = 0.5        # the slope at the end of a step beside that at its beginning, at most


def shares_steps(objective: Any, folds: Sequence[tuple[Any, Any]], solver: str, tol: float, l2: float) -> bool:
    """Whether folds, each (rows to learn from, rows to score), can be walked along together, and it is expected to pay."""
    if len(folds) > OUTPUTS or solver not in ("auto", "newton-cholesky"):
        return False
    if solver == "auto":
        own, objective.l2 = objective.l2, l2
        try:
            return choose(objective, None, tol) in ("newton-cholesky", "preconditioned-cg")
        finally:
            objective.l2 = own
    return True


def apart(n: int, folds: Sequence[tuple[Any, Any]]) -> bool:
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
    **options
        Of `solve`, for a fold on its own.

    Attributes
    ----------
    w, slopes : ndarray of shape (folds, n_params)
        The points, and the gradients there without l2.
    lost : ndarray of bool of shape (folds,)
        Those that steps by shared Hessians do not bring to their minimum.
    """

    def __init__(self, objective: Any, folds: Sequence[tuple[Any, Any]], starts: Sequence[Vector], *, tol: float, max_iter: int,
                 **options: Any) -> None:
        self.objective, self.folds, self.tol, self.max_iter = objective, folds, tol, max_iter
        self.options = {**options, "solver": "newton-cholesky"}
        self.w = np.array(starts, dtype=np.float64)
        self.penalised = np.arange(objective.n_params) < objective.n_outputs * objective.n_features
        self.views = Together(objective, folds) if objective.n_outputs == 1 else Apart(objective, folds)
        self.parts = [objective.rows(test) for _, test in folds]
        for part in self.parts:
            part.l2 = 0.0
        self.slopes = self.views.gradients(self.w)
        self.hessians: list[Any] = []
        self.factors: list[Factor | None] = [None] * len(folds)
        self.lost = np.zeros(len(folds), dtype=bool)
        self.worth = 2 + hessian_passes(objective) / len(folds)   # rounds that a new Hessian is to save

    def path(self, strengths: Sequence[Sequence[float]]) -> Iterator[list[tuple[Solution, Any]]]:
        """Solutions of all folds, and their predictions of the rows that they leave out, for one l2 after the other.

        Parameters
        ----------
        strengths : sequence of sequences of float
            By fold.
        """
        for l2 in zip(*strengths):
            yield self._solved(np.array(l2))

    # ---- one strength ----

    def _violations(self, l2: Vector) -> tuple[Any, Vector]:
        g = self.slopes + l2[:, None] * self.w * self.penalised
        size = np.abs(g).max(axis=1)
        return g, np.where(np.isfinite(size), size, math.inf)

    def _solved(self, l2: Vector) -> list[tuple[Solution, Any]]:
        """From the points on, at which the slopes are known."""
        k = len(self.folds)
        self.factors = [None] * k
        g, violation = self._violations(l2)
        rounds, slow, rate = np.zeros(k, dtype=int), np.zeros(k, dtype=int), math.nan
        while (open_ := (violation > self.tol) & ~self.lost).any() and rounds.max() < self.max_iter:
            fresh = not self.hessians or rate > 1 or rate > 0 and self._rounds(rate, violation[open_].max()) > self.worth
            if fresh:
                self._refresh()
            before = violation
            self.lost |= self._step(open_, l2, g)
            rounds += open_
            g, violation = self._violations(l2)
            rate = float((violation[open_] / before[open_]).max())
            slow += open_ & fresh & (violation > SLOW * before)
            self.lost |= slow >= PATIENCE
        return self._finish(l2, violation, rounds)

    def _step(self, open_: Any, l2: Vector, g: Any) -> Any:
        """A step of the open folds, made shorter where the value rises again before its end; those that have found none."""
        steps = np.zeros_like(g)
        for i in np.flatnonzero(open_):
            steps[i] = -self._factor(i, l2[i]).solve(g[i])
        first, slopes, slope = self.w.copy(), self.slopes, (g * steps).sum(axis=1)
        part, bad = np.ones(len(g)), open_ & ~(slope < 0)
        steps[bad], lost = 0, bad
        for _ in range(TRIALS):
            self.w = first + part[:, None] * steps
            self.slopes = self.views.gradients(self.w)
            end = (self._violations(l2)[0] * steps).sum(axis=1)
            bad = open_ & ~lost & ~(end <= STEEP * np.abs(slope))
            if not bad.any():
                return lost
            # where the slope would be 0 if it changed evenly
            even = 1 / (1 + np.where(np.isfinite(end), end, math.inf)[bad] / np.abs(slope[bad]))
            part[bad] *= np.clip(even, 0.1, 0.5)
        self.w[bad], self.slopes[bad] = first[bad], slopes[bad]
        return lost | bad

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
        self.factors = [None] * len(self.folds)

    def _factor(self, i: int, l2: float) -> Factor:
        factor = self.factors[i]
        if factor is None:
            matrix = self.hessians[i].copy()
            matrix[np.diag_indices_from(matrix)] += l2 * self.penalised
            factor = self.factors[i] = Factor(matrix)
        return factor

    def _finish(self, l2: Vector, violation: Vector, rounds: Any) -> list[tuple[Solution, Any]]:
        """Solutions; those of folds that are left over by the solver that they would have on their own."""
        found, left = [], violation > self.tol
        for i, (train, _) in enumerate(self.folds):
            if left[i]:
                fit = self.objective.rows(train)
                fit.l2 = l2[i]
                solution = solve(fit, None, w0=self.w[i], tol=self.tol, max_iter=self.max_iter, **self.options)
                self.w[i] = solution.w
            else:
                solution = Solution(self.w[i].copy(), math.nan, int(rounds[i]), violation[i], math.nan, True, CONVERGED,
                                    "newton-cholesky")
            found.append(solution)
        if left.any():
            self.slopes = self.views.gradients(self.w)
        return list(zip(found, self.views.held(self.w)))


class Together:
    """Folds of an objective of one output as outputs of one objective: the rows that a fold leaves out weigh nothing in its own."""

    def __init__(self, objective: Any, folds: Sequence[tuple[Any, Any]]) -> None:
        weight = np.ones(objective.n_samples) if objective.weight is None else objective.weight.ravel()
        masks = np.repeat(weight[:, None], len(folds), axis=1).astype(objective.dtype)
        for i, (_, test) in enumerate(folds):
            masks[test, i] = 0
        self.tests = [test for _, test in folds]
        self.objective, self.d = objective.copies(masks), objective.n_features
        self.objective.l2 = 0.0
        self.share = objective.total / masks.sum(axis=0, dtype=np.float64)

    def _joined(self, w: Vector) -> Vector:
        """Coefficients of all folds, then intercepts."""
        return np.concatenate([w[:, :self.d].ravel(), w[:, self.d:].ravel()])

    def gradients(self, w: Vector) -> Vector:
        """Of the folds' mean losses: (folds, n_params)."""
        g, k = self.objective.gradient(self._joined(w)), len(w)
        return np.hstack([g[:k * self.d].reshape(k, self.d), g[k * self.d:].reshape(k, -1)]) * self.share[:, None]

    def held(self, w: Vector) -> list[Any]:
        """Raw predictions of the rows that each fold leaves out."""
        p = self.objective.predictions(self._joined(w))
        return [p[test, i, None] for i, test in enumerate(self.tests)]


class Apart:
    """Folds of an objective of several outputs, each by itself."""

    def __init__(self, objective: Any, folds: Sequence[tuple[Any, Any]]) -> None:
        self.fits = [objective.rows(train) for train, _ in folds]
        self.tests = [objective.rows(test) for _, test in folds]
        for fit in self.fits:
            fit.l2 = 0.0

    def gradients(self, w: Vector) -> Vector:
        """Of the folds' mean losses: (folds, n_params)."""
        return np.array([fit.gradient(point) for fit, point in zip(self.fits, w)])

    def held(self, w: Vector) -> list[Any]:
        """Raw predictions of the rows that each fold leaves out."""
        return [test.predictions(point) for test, point in zip(self.tests, w)]
