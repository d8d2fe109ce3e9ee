"""Least squares by a Cholesky factor, of one output or of many that share X.

The factor is that of the Hessian, or, where dense rows are fewer than columns, of the products of the rows with one another; it
serves all outputs, and steps are repeated with the gradient at the new point until they are rounding.  Many outputs go through
BLAS, in blocks of rows.  Used by _solve_newton, and by Ridge for several columns of y.
"""
from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from ._hessian import second_order, sums
from ._solve_columns import BLOCK, Columns, by_rows
from ._solve_factor import Factor
from ._solver import CONVERGED, NOT_FINITE, PRECISION

Array = NDArray[np.float64]

#: what a step could still change of predictions, relative to their spread, where a run ends
ROUNDING = 1e-8
#: strengths from which eigenvalues serve better than a factor each, for columns whose mean squares differ by so much at most
FACTORS, EVEN = 8, 1e6
#: its multiples' bits look random
SCATTER = 2654435761
#: steps by a factor, at most
STEPS = 6


class Found(NamedTuple):
    """(p, k) parameters of the outputs, coefficients before the intercept; the largest elements of their gradients; and how it went."""

    W: Array
    violation: Array
    n_iter: int
    message: str


class Squares:
    """The problem of all outputs: Σ shares·(X·W − Y)²/2 + strengths/2·‖W‖², each output by itself.

    Parameters
    ----------
    objective : LinearObjective
        Of one output, whose own l2 does not count.
    Y : ndarray of shape (n, k), or None
        Targets; None: the objective's own.
    strengths : ndarray of shape (k,)
    """

    def __init__(self, objective: Any, Y: Array | None, strengths: Array) -> None:
        self.objective, self.strengths, self.d, self.k = objective, strengths, objective.n_features, len(strengths)
        self.columns = Columns(objective)
        self.single = Y is None
        self.origin = np.zeros(self.k)
        self.Y = self._targets(Y)
        self.intercept = bool(objective.fit_intercept)
        self.p = self.d + self.intercept
        self.residual: Array | None = None

    def _targets(self, Y: Any) -> Any:
        """In double; of float32 X that has several, in its type, from their means on."""
        if Y is None:
            return self.objective.y.reshape(-1, 1).astype(np.float64)
        if self.objective.dtype == np.float64:
            return np.asarray(Y, dtype=np.float64)
        if self.objective.fit_intercept:
            rows = self.columns.root > 0
            share = self.columns.root[rows] ** 2
            self.origin = share @ (Y if rows.all() else Y[rows])
        out = (Y - self.origin).astype(np.float32)
        out[self.columns.root == 0] = 0
        return out

    def _turned(self, Z: Array) -> Array:
        """[X, 1]ᵀ·diag(shares)·Z."""
        share = self.columns.root[0] ** 2
        if self.objective.weight is not None:
            Z, share = Z * (self.columns.root ** 2)[:, None].astype(Z.dtype), 1.0
        G = np.empty((self.p, Z.shape[1]))
        G[:self.d] = self.columns.turned(Z)
        G[self.d:] = Z.sum(axis=0)
        G *= share
        return G

    def begin(self, hessian: bool) -> tuple[Array, Array | None]:
        """Minus the gradient of all outputs at 0, and the Hessian of one without l2, on and below the diagonal, if it is wanted."""
        zero = np.zeros(self.p)
        if not hessian:
            return self._turned(self.Y), None
        if self.single:
            _, g, H = second_order(self.objective, zero)
            return -g[:, None], H
        return self._turned(self.Y), np.ascontiguousarray(sums(self.objective, zero))

    def slopes(self, B: Array, H: Array | None) -> Array:
        """(d, k): minus the gradients in the coefficients at w = 0 and the best intercepts."""
        if not self.intercept:
            return B
        means = self.columns.turned((self.columns.root ** 2)[:, None])[:, 0] if H is None else H[self.d, :self.d]
        return B[:self.d] - np.outer(means, B[self.d])

    def gradient(self, W: Array) -> Array:
        """Of all outputs at W, from a reading of X."""
        if self.single:
            g = self.objective.gradient(W[:, 0])[:, None]
            self.residual = self.objective.predictions(W[:, 0]).astype(np.float64) - self.Y
        else:
            self.residual = self.products(W) - self.Y
            g = self._turned(self.residual)
        g[:self.d] += self.strengths * W[:self.d]
        return g

    def products(self, W: Array) -> Array:
        """(n, k) predictions."""
        out = np.empty((self.columns.n, W.shape[1]), self.Y.dtype)
        W = W.astype(self.Y.dtype, copy=False)
        if self.columns.objective.X.is_sparse:
            own = W[:self.d] / self.columns.scale[:, None]
            out[:] = self.columns.X @ own - self.columns.mean @ own
        else:
            for i in range(0, self.columns.n, max(256, 4 * BLOCK // self.d)):
                some, x = self.columns.rows(i, W.dtype)
                out[some] = x @ W[:self.d]
        return out + W[self.d] if self.intercept else out

    def back(self, W: Array) -> Array:
        """Parameters for targets as they were given."""
        W[self.d:] += self.origin
        return W

    def mixed(self) -> tuple[Squares, Array]:
        """The problem of one random combination of the outputs, which is solved where all are, and its factors."""
        signs = np.where(np.arange(1, self.k + 1) * SCATTER >> 16 & 1, 1.0, -1.0).astype(self.Y.dtype)
        mix = Squares.__new__(Squares)
        vars(mix).update(vars(self), strengths=self.strengths[:1], k=1, single=False, Y=(self.Y @ signs)[:, None])
        return mix, signs


class Primal:
    """H⁻¹·G by factors of the Hessian of one output, one for each strength of l2."""

    def __init__(self, problem: Squares, B: Array, H: Array) -> None:
        objective, d, strengths = problem.objective, problem.d, problem.strengths
        self.problem, self.B = problem, B
        at = np.arange(d)
        self.size = math.sqrt(H.diagonal().max(initial=0.0))
        # rounding of its mean is all that is left of a constant column
        still = H[at, at] <= (8 * np.finfo(objective.dtype).eps * problem.columns.mean / problem.columns.scale) ** 2
        self.factors: list[tuple[Any, Any]] = []
        sparse = objective.X.is_sparse   # whose products are summed before the means are taken off
        lost = float(((problem.columns.mean / problem.columns.scale) ** 2).max()) if sparse else 0.0
        different = np.unique(strengths)
        sizes = H[at, at][~still]
        if len(different) > FACTORS and not still.any() and sizes.max() <= EVEN * sizes.min():
            self.factors = [(slice(None), Spectrum(H, d, strengths, lost))]
            return
        for strength in different:
            own = H.copy() if len(strengths) > 1 else H
            own[at, at] = np.where(still, 0.0, own[at, at] + strength)
            chosen = strengths == strength
            factor: Any = Factor(own)
            if factor.damping and sizes.size == d and sizes.max() <= EVEN * sizes.min():   # many minima: the shortest
                again: Any = problem.begin(True)[1]   # as the factor has taken its place
                factor = Spectrum(again, d, strength, lost)
            self.factors.append((chosen, factor))

    def start(self) -> Array:
        return self.solve(self.B)

    def change(self, W: Array, G: Array) -> Array:
        """The step to the minimum from W."""
        return -self.solve(G)

    def solve(self, G: Array) -> Array:
        if len(self.factors) == 1:
            return self.factors[0][1].solve(G)
        out = np.empty_like(G)
        for own, factor in self.factors:
            out[:, own] = factor.solve(G[:, own])
        return out


class Spectrum:
    """The eigenvalues of a Hessian without its intercept: a factor for every strength at once, of columns of like sizes.

    Parameters
    ----------
    H : ndarray of shape (p, p)
        On and below the diagonal, coefficients first.
    d : int
        How many coefficients.
    strengths : float or ndarray of shape (k,)
        Of l2.
    lost : float
        The size of sums that H has left of others, which is that of its rounding.
    """

    def __init__(self, H: Array, d: int, strengths: Array, lost: float) -> None:
        self.d, self.mean = d, H[d, :d].copy() if len(H) > d else None
        own = np.tril(H[:d, :d])
        own += np.tril(own, -1).T
        if self.mean is not None:
            own -= np.outer(self.mean, self.mean)
        values, self.Q = eigh(own, overwrite_a=True, check_finite=False)
        damped = np.maximum(values, 0.0)[:, None] + strengths   # one for all columns of G, or one each
        least = d * np.finfo(np.float64).eps * max(values[-1], 4 * lost, 1e-300)   # what is less is rounding, and 0 the shortest
        self.inverse = np.divide(1.0, damped, out=np.zeros_like(damped), where=damped > least)

    def solve(self, G: Array) -> Array:
        if self.mean is None:
            return np.asarray(self.Q @ (self.inverse * (self.Q.T @ G)))
        W = np.empty_like(G)
        W[:self.d] = self.Q @ (self.inverse * (self.Q.T @ (G[:self.d] - np.outer(self.mean, G[self.d]))))
        W[self.d] = G[self.d] - self.mean @ W[:self.d]
        return W


class Rows:
    """The eigenvalues of singular products K of rows, which stand without their mean, if there is an intercept: the shortest solution.

    Parameters
    ----------
    K : ndarray of shape (n, n)
        With l2 on the diagonal.
    strength : float
        That l2.
    root : ndarray of shape (n,), or None
        Roots of the rows' shares, which sum to 1; None: there is no intercept.
    """

    def __init__(self, K: Array, strength: float, root: Array | None) -> None:
        self.K = K.copy()
        own = self.K - strength * np.eye(len(K))
        if root is not None:
            own -= np.outer(root, root @ own)
            own -= np.outer(own @ root, root)
        values, Q = eigh(own, overwrite_a=True, check_finite=False)
        some = values > len(K) * np.finfo(np.float64).eps * max(values[-1], 1e-300)   # what is less is rounding
        self.Q, self.inverse = Q[:, some], 1 / (values[some] + strength)

    def solve(self, G: Array) -> Array:
        return np.asarray(self.Q @ (self.inverse * (self.Q.T @ G).T).T)


class Dual:
    """The same where rows are fewer than columns: W = Xᵀ·(root·u), (K + l2)·u + root·b = e, root·u = 0."""

    def __init__(self, problem: Squares) -> None:
        self.problem, self.columns = problem, problem.columns
        K = self.columns.products()
        diagonal = K.diagonal().copy()
        self.size = math.sqrt(diagonal.sum() / problem.d)
        self.U, self.b = np.zeros(problem.Y.shape), np.zeros(problem.k)
        self.factors = []
        for strength in np.unique(problem.strengths):
            K[np.diag_indices_from(K)] = diagonal + strength
            factor: Any = Factor(K.copy())
            if factor.damping:
                factor = Rows(K, strength, self.columns.root if problem.intercept else None)
            self.factors.append((problem.strengths == strength, factor, factor.solve(self.columns.root)))

    def start(self) -> Array:
        return self.change(np.zeros((self.problem.p, self.problem.k)), self.U)

    def change(self, W: Array, G: Array) -> Array:
        root = self.columns.root[:, None]
        E = root * (self.problem.Y if self.problem.residual is None else -self.problem.residual)
        E -= self.problem.strengths * self.U
        for own, factor, ones in self.factors:
            U, b = factor.solve(E[:, own]), np.zeros(np.count_nonzero(own))
            if self.problem.intercept and isinstance(factor, Rows):
                b = self.columns.root @ (E[:, own] - factor.K @ U)
            elif self.problem.intercept:
                size = self.columns.root @ ones
                b = self.columns.root @ U / size if size > 0 else b
                U -= np.outer(ones, b)
            self.U[:, own] += U
            self.b[own] += b
        new = self.columns.turned(self.U * root)
        return (np.vstack([new, self.b]) if self.problem.intercept else new) - W


def direct(objective: Any, Y: Array | None, strengths: Array, tol: float, relative: bool = False) -> Found:
    """The minimum to rounding, whatever `tol`, which says when it counts as found: the largest element of an output's gradient, or,
    if `relative`, that over the one at 0."""
    own, objective.l2 = objective.l2, 0.0
    try:
        problem = Squares(objective, Y, strengths)
        B, H = problem.begin(not by_rows(objective))
        slopes = problem.slopes(B, H)
        first = np.abs(slopes).max(axis=0)
        if not np.isfinite(first).all():
            return Found(np.zeros((problem.p, problem.k)), first, 0, NOT_FINITE)
        method = Dual(problem) if H is None else Primal(problem, B, H)
        W = method.start()
        limit = tol * first if relative else np.full(problem.k, tol)
        way = (slopes * W[:problem.d]).sum(axis=0)   # squared, that predictions have come
        if problem.k > 1 and (strengths == strengths[0]).all():   # one combination tells for all outputs
            mixed = _mixed(problem, method, W, way)
            if mixed <= 0.3 * limit.min():
                return Found(problem.back(W), np.full(problem.k, mixed), 1, CONVERGED)
        length = np.sqrt(np.einsum("ij,ij,i->j", problem.Y, problem.Y, problem.columns.root ** 2))
        noise = 10 * float(np.finfo(objective.dtype).eps) * method.size * length   # of sums over the rows
        W, violation, steps = _refined(problem, method, W, way, 0.1 * noise)
        done = violation <= np.maximum(limit, noise)
        return Found(problem.back(W), violation, steps, CONVERGED if done.all() else PRECISION)
    finally:
        objective.l2 = own


def _enough(problem: Squares) -> float:
    """What a step may still change of predictions: ROUNDING, or what the type of X allows."""
    return max(ROUNDING, 100 * float(np.finfo(problem.objective.dtype).eps))


def _mixed(problem: Squares, method: Any, W: Array, way: Array) -> float:
    """The violation of a random combination of many outputs, in which none of them can hide; infinite where it is not at rounding."""
    mix, signs = problem.mixed()
    g = mix.gradient((W @ signs)[:, None])
    if isinstance(method, Primal) and not (method.solve(g) * g).sum() <= _enough(problem) ** 2 * way.sum():
        return math.inf
    return float(np.abs(g).max())


def _refined(problem: Squares, method: Any, W: Array, way: Array, noise: Array) -> tuple[Array, Array, int]:
    """Steps from W by the gradient there, as long as they help: the best point, the violation, how many there were."""
    best, n = (W, np.full(problem.k, math.inf), 1), 0
    while True:
        n += 1
        G = problem.gradient(W)
        violation = np.abs(G).max(axis=0)
        if not violation.max() <= best[1].max():
            break
        slow, best = (violation > 0.5 * best[1]).all(), (W, violation, n)
        if slow or n >= STEPS or (violation <= noise).all():
            break
        change = method.change(W, G)
        if (-(G * change).sum(axis=0) <= _enough(problem) ** 2 * way).all():
            break
        W = W + change
    return best
