"""Quantile regression as a linear programme, by a primal-dual interior point method with a certified gap.

Used by QuantileRegressor.  Both problems have feasible starts, so that the gap between their values bounds the error in each
iteration, which costs one weighted XᵀX and a system of d equations.  Dense X is read in blocks of rows, never copied as
a whole; sparse X in float32 is copied to float64.
"""
from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
import scipy.sparse

from fastopt._solver import GAP_CLOSED, LIMIT, PRECISION, Solution

BLOCK_BYTES = 4 << 20
#: how far a step goes towards the boundary
SHORT_OF = 0.9995


class Design:
    """[X, 1] over the rows of the identity, which make |w|: products with it in float64, X by blocks of rows."""

    def __init__(self, X: Any, fit_intercept: bool, penalised: bool) -> None:
        self.X = X.astype(np.float64, copy=False) if scipy.sparse.issparse(X) else X
        self.d, self.fit_intercept, self.penalised = X.shape[1], fit_intercept, penalised
        rows = max(16, BLOCK_BYTES // (8 * self.d)) if isinstance(X, np.ndarray) else X.shape[0]
        self.parts = [slice(i, min(i + rows, X.shape[0])) for i in range(0, X.shape[0], rows)]

    def blocks(self) -> Any:
        """Slices of rows, and X there in float64."""
        for part in self.parts:
            block = self.X[part] if len(self.parts) > 1 else self.X
            yield part, block.astype(np.float64, copy=False)

    def times(self, w: Any) -> Any:
        """Products of all rows with w."""
        found = np.concatenate([block @ w[:self.d] for _, block in self.blocks()])
        found += w[self.d] if self.fit_intercept else 0.0
        return np.concatenate([found, w[:self.d]]) if self.penalised else found

    def transposed(self, z: Any) -> Any:
        """The sum of all rows, each times its z."""
        n = self.X.shape[0]
        found = np.zeros((self.d + self.fit_intercept, *z.shape[1:]))
        for part, block in self.blocks():
            found[:self.d] += block.T @ z[:n][part]
        if self.fit_intercept:
            found[self.d] = z[:n].sum(axis=0)
        if self.penalised:
            found[:self.d] += z[n:]
        return found

    def gram(self, q: Any) -> Any:
        """The sum of the outer products of all rows, each times its q."""
        n, d = self.X.shape[0], self.d
        found = np.zeros((d + self.fit_intercept, d + self.fit_intercept))
        for part, block in self.blocks():
            weighted = block.multiply(q[:n][part, None]) if scipy.sparse.issparse(block) else block * q[:n][part, None]
            product = block.T @ weighted
            found[:d, :d] += product.toarray() if scipy.sparse.issparse(product) else product
            if self.fit_intercept:
                found[:d, d] += np.asarray(weighted.sum(axis=0)).ravel()
        if self.fit_intercept:
            found[d, :d], found[d, d] = found[:d, d], q[:n].sum()
        if self.penalised:
            found[np.arange(d), np.arange(d)] += q[n:]
        return found


class Point(NamedTuple):
    """Weights w, dual z with its distances to the bounds, and the multipliers of those: the parts of the residual."""
    w: Any
    z: Any
    above: Any      # z − low
    below: Any      # high − z
    under: Any      # multiplier of low: the residual's negative part
    over: Any       # multiplier of high: its positive part

    @property
    def gap(self) -> float:
        return float(self.above @ self.under + self.below @ self.over)


def factorise(gram: Any) -> Any:
    """Solve with a Gram matrix: scaled to unit diagonal, by Cholesky, or by least squares where it is singular."""
    scale = np.sqrt(np.maximum(np.diag(gram), np.finfo(np.float64).tiny))
    scaled = gram / scale / scale[:, None]
    try:
        factor = scipy.linalg.cho_factor(scaled)
        if np.diag(factor[0]).min() > 1e-7:
            return lambda g: scipy.linalg.cho_solve(factor, g / scale) / scale
    except np.linalg.LinAlgError:
        pass
    values, vectors = np.linalg.eigh(scaled)
    inverse = np.where(values > 1e-13 * values[-1], 1 / np.maximum(values, np.finfo(np.float64).tiny), 0.0)
    return lambda g: vectors @ (inverse * (vectors.T @ (g / scale))) / scale


def longest(at: Any, step: Any) -> float:
    """The longest step that keeps `at` positive, at most 1."""
    down = step < 0
    return float(min(1.0, SHORT_OF * (-at[down] / step[down]).min())) if down.any() else 1.0


def newton(design: Design, point: Point, y: Any) -> Point:
    """One predictor-corrector step of Mehrotra."""
    above, below, under, over = point.above, point.below, point.under, point.over
    q = 1 / (under / above + over / below)
    solve = factorise(design.gram(q))
    rest = y - design.times(point.w) - over + under
    balance = -design.transposed(point.z)

    def direction(lower: Any, upper: Any) -> tuple[Any, Any, Any, Any]:
        """By what the products of distances and multipliers are to change."""
        g = rest + lower / above - upper / below
        w = solve(design.transposed(q * g) - balance)
        z = q * (g - design.times(w))
        return w, z, (lower - under * z) / above, (upper + over * z) / below

    w, z, d_under, d_over = direction(-above * under, -below * over)
    dual, primal = min(longest(above, z), longest(below, -z)), min(longest(under, d_under), longest(over, d_over))
    ahead = ((above + dual * z) @ (under + primal * d_under) + (below - dual * z) @ (over + primal * d_over))
    mean = point.gap / (2 * len(z)) * (ahead / point.gap) ** 3
    w, z, d_under, d_over = direction(mean - above * under - z * d_under, mean - below * over + z * d_over)
    dual, primal = min(longest(above, z), longest(below, -z)), min(longest(under, d_under), longest(over, d_over))
    return Point(point.w + primal * w, point.z + dual * z, above + dual * z, below - dual * z, under + primal * d_under,
                 over + primal * d_over)


def polished(design: Design, w: Any, y: Any, n: int, cost: Any) -> Any:
    """The vertex that w is near: as many residuals exactly 0 as there are weights; w itself if that is no better."""
    residual = np.abs(y - design.times(w))
    nearest = np.argsort(residual, kind="stable")[:len(w)]
    rows = np.zeros((len(nearest), len(w)))
    data = nearest < n
    picked = design.X[np.sort(nearest[data])]
    order = np.concatenate([np.sort(nearest[data]), nearest[~data]])
    rows[:data.sum(), :design.d] = picked.toarray() if scipy.sparse.issparse(picked) else picked
    rows[:data.sum(), design.d:] = 1
    rows[np.arange(data.sum(), len(order)), order[data.sum():] - n] = 1
    try:
        found = np.linalg.solve(rows, y[order])
    except np.linalg.LinAlgError:
        return w
    found[order[data.sum():] - n] = 0.0
    return found if np.isfinite(found).all() and cost(found) <= cost(w) else w


def quantile_regression(X: Any, y: Any, weight: Any, quantile: float, alpha: float, fit_intercept: bool, tol: float,
                        max_iter: int) -> Solution:
    """Minimum of Σ sᵢ·pinball(yᵢ − xᵢ·w − b)/Σ sᵢ + alpha·‖w‖₁; all weights s above 0.

    The gap of the solution is the difference to the dual problem's value: no w is better by more.
    """
    n, d = X.shape
    unit = float(np.abs(y - np.median(y)).mean()) or 1.0
    design, share = Design(X, fit_intercept, alpha > 0), weight / weight.sum()
    low, high, target = (quantile - 1) * share, quantile * share, y / unit
    if alpha > 0:
        low, high = np.append(low, np.full(d, -alpha)), np.append(high, np.full(d, alpha))
        target = np.append(target, np.zeros(d))

    def cost(w: Any) -> float:
        residual = target - design.times(w)
        return float(np.where(residual > 0, high, low) @ residual)

    spread = np.concatenate([share, np.full(len(target) - n, max(alpha, 1 / n))])
    w = factorise(design.gram(spread))(design.transposed(spread * target))
    residual = target - design.times(w)
    away = max(float(np.abs(residual).mean()), 1e-3)
    point = Point(w, np.zeros(len(target)), -low, high.copy(), np.maximum(-residual, 0) + away, np.maximum(residual, 0) + away)
    value, n_iter, message = cost(w), 0, LIMIT
    best, best_value = w, value
    bound = -np.inf
    while n_iter < max_iter:
        bound = max(bound, float(target @ point.z) - float(np.abs(design.transposed(point.z)) @ np.abs(best)))
        if best_value - bound <= tol * max(abs(best_value), 1e-3):
            message = GAP_CLOSED
            break
        with np.errstate(all="ignore"):
            point = newton(design, point, target)
        if not np.isfinite(point.w).all():
            message = PRECISION
            break
        n_iter, value = n_iter + 1, cost(point.w)
        if value < best_value:
            best, best_value = point.w, value
    best = polished(design, best, target, n, cost)
    gap = max(0.0, cost(best) - bound) * unit
    return Solution(best * unit, cost(best) * unit, n_iter, float("nan"), gap, message == GAP_CLOSED, message, "interior-point")
