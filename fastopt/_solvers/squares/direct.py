"""Least squares by a Cholesky factor, of one output or of many that share X.

The factor is that of the Hessian, or, where dense rows are fewer than columns, of products of the rows; it serves all outputs, and
steps are repeated until they are rounding.  Many outputs go through BLAS.  Used by _solvers.smooth.newton, and by Ridge for many y.
"""
from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from fastopt._linalg.factor import Factor
from fastopt._solvers.registry import CONVERGED, NOT_FINITE, PRECISION
from fastopt.objective import LinearObjective
from fastopt.objective._hessian import second_order, sums

from .design_matrix import DesignMatrix, by_rows

Array = NDArray[np.float64]

#: A run ends when a step would change predictions by less than this share of their spread.
PREDICTION_ROUNDING = 1e-8
#: For more strengths than this, eigenvalues are quicker than a factor for each; they are precise if the mean squares of columns differ
#: by at most this ratio.
MAX_FACTORS, MAX_SPECTRUM_RATIO = 8, 1e6
#: its multiples have bits that look random (Knuth's multiplicative hash)
HASH_MULTIPLIER = 2654435761
#: rows whose products are summed in float32
FLOAT32_SUM_ROWS = 1 << 12
#: steps by a factor, at most
MAX_REFINEMENTS = 6


class LeastSquaresSolution(NamedTuple):
    """(p, k) parameters of the outputs, coefficients before the intercept; the largest elements of their gradients; and how it went."""

    W: Array
    violation: Array
    n_iter: int
    message: str


class LeastSquares:
    """The problem of all outputs: Σ shares·(X·W − Y)²/2 + strengths/2·‖W‖², each output by itself.

    Parameters
    ----------
    objective : LinearObjective
        Of one output, without l2 of its own.
    Y : ndarray of shape (n, k), or None
        Targets; None: the objective's own.
    strengths : ndarray of shape (k,)
    """

    def __init__(self, objective: LinearObjective, Y: Array | None, strengths: Array) -> None:
        self.objective, self.strengths, self.d, self.k = objective, strengths, objective.n_features, len(strengths)
        self.columns, self.single = DesignMatrix(objective), Y is None
        self.origin = np.zeros(self.k)
        self.Y = self._targets(Y)
        self.intercept = bool(objective.fit_intercept)
        self.p = self.d + self.intercept
        self.residual: Array | None = None
        self.alike = bool((strengths == strengths[0]).all())

    def _targets(self, Y: NDArray[Any] | None) -> NDArray[Any]:
        """In double; of float32 X that has several, in its type, from their means on."""
        if Y is None:
            return self.objective.y.reshape(-1, 1).astype(np.float64)
        if self.objective.dtype == np.float64:
            return np.asarray(Y, dtype=np.float64)
        kind = Y.dtype if Y.dtype == np.float32 else np.float64
        share, seen = (self.columns.root ** 2).astype(kind), self.columns.root > 0
        origin = np.zeros(self.k, kind)
        if self.objective.fit_intercept:   # rounded means do as well
            parts = (slice(i, i + FLOAT32_SUM_ROWS) for i in range(0, self.columns.n, FLOAT32_SUM_ROWS))
            origin = sum((share[part] @ Y[part] for part in parts), np.zeros(self.k)).astype(kind)
        out = np.asarray(np.subtract(Y, origin, dtype=kind), dtype=np.float32)
        out[~seen] = 0
        self.origin = origin.astype(np.float64)
        return out

    def _rmatmat(self, Z: Array) -> Array:
        """[X, 1]ᵀ·diag(shares)·Z."""
        return self.columns.rmatmat(Z, self.columns.root ** 2, self.intercept)

    def begin(self) -> tuple[Array, Array]:
        """Minus the gradient of all outputs at 0, and the Hessian of one without l2, on and below the diagonal."""
        zero = np.zeros(self.p)
        if self.single:
            _, g, H = second_order(self.objective, zero)
            return -g[:, None], H
        return self._rmatmat(self.Y), np.ascontiguousarray(sums(self.objective, zero))

    def slopes(self, B: Array, means: Array | None = None) -> Array:
        """(d, k): minus the gradients in the coefficients at w = 0 and the best intercepts, from those at 0; `means` of the columns."""
        if not self.intercept:
            return B
        means = self.columns.rmatmat((self.columns.root ** 2)[:, None])[:, 0] if means is None else means
        return np.asarray(B[:self.d] - means[:, None] * B[self.d])

    def gradient(self, W: Array) -> Array:
        """Of all outputs at W, from a reading of X."""
        if self.single:
            g: Array = self.objective.gradient(W[:, 0])[:, None]
            self.residual = self.objective.predictions(W[:, 0]).astype(np.float64) - self.Y
        else:
            self.residual = self.products(W)
            self.residual -= self.Y
            g = self._rmatmat(self.residual)
        g[:self.d] += self.strengths * W[:self.d]
        return g

    def products(self, W: Array) -> Array:
        """(n, k) predictions."""
        out = np.empty((self.columns.n, W.shape[1]), self.Y.dtype)
        W = W.astype(self.Y.dtype, copy=False)
        if self.columns.sparse:
            own = W[:self.d] / self.columns.scale[:, None]
            out[:] = self.columns.X @ own - self.columns.mean @ own
        else:
            for i in range(0, self.columns.n, self.columns.height):
                some, x = self.columns.rows(i, W.dtype)
                np.matmul(x, W[:self.d], out=out[some])
        if self.intercept:
            out += W[self.d]
        return out

    def back(self, W: Array) -> Array:
        """Parameters for targets as they were given."""
        W[self.d:] += self.origin
        return W

    def mixed(self, W: Array, B: Array | None) -> Array:
        """(p, 1): the gradient at W of one random combination of the outputs, in which none of them can hide, from predictions read
        afresh, and from Y, or from minus the gradients B of all outputs at 0."""
        signs = np.where(np.arange(1, self.k + 1) * HASH_MULTIPLIER >> 16 & 1, 1.0, -1.0).astype(self.Y.dtype)
        w = (W @ signs)[:, None]
        products = self.products(w)
        g = self._rmatmat(products - (self.Y @ signs)[:, None]) if B is None else self._rmatmat(products) - (B @ signs)[:, None]
        g[:self.d] += self.strengths[0] * w[:self.d]
        return g


class Primal:
    """H⁻¹·G by factors of the Hessian of one output, one for each strength of l2."""

    def __init__(self, problem: LeastSquares) -> None:
        d, strengths = problem.d, problem.strengths
        self.problem = problem
        self.B, H = problem.begin()
        self.means = H[d, :d].copy() if problem.intercept else None
        squares = H.diagonal()[:d].copy()
        self.finite = bool(np.isfinite(self.B).all() and np.isfinite(squares).all())
        self.size = math.sqrt(H.diagonal().max(initial=0.0))
        self.factors: list[tuple[slice | NDArray[np.bool_], Factor | Spectrum]] = []
        if not self.finite:
            return
        # rounding of its mean is all that is left of a constant column
        still = squares <= (8 * np.finfo(problem.objective.dtype).eps * problem.columns.mean / problem.columns.scale) ** 2
        # products of sparse rows are summed before the means are taken off
        lost = float(((problem.columns.mean / problem.columns.scale) ** 2).max()) if problem.objective.X.is_sparse else 0.0
        different = strengths[:1] if problem.alike else np.unique(strengths)
        if len(different) > MAX_FACTORS and not still.any() and squares.max() <= MAX_SPECTRUM_RATIO * squares.min():
            self.factors = [(slice(None), Spectrum(H, d, strengths, lost))]
            return
        for strength in different:
            own = H.copy() if len(different) > 1 else H
            own.ravel()[:d * (len(H) + 1):len(H) + 1] = np.where(still, 0.0, squares + strength)
            factor: Factor | Spectrum = (plain := Factor(own))
            if plain.damping and not still.any() and squares.max() <= MAX_SPECTRUM_RATIO * squares.min():   # many minima: the shortest
                factor = Spectrum(problem.begin()[1], d, strength, lost)   # once more, as the factor has taken its place
            self.factors.append((slice(None) if problem.alike else strengths == strength, factor))

    def slopes(self) -> Array:
        return self.problem.slopes(self.B, self.means)

    def start(self) -> Array:
        return self.solve(self.B)

    def way(self, W: Array) -> Array:
        """The squared way that predictions have come to the start W: slopes times w."""
        d, w = self.problem.d, W[:self.problem.d]
        way: Array = np.einsum("ij,ij->j", self.B[:d], w)
        return way if self.means is None else way - self.B[d] * (self.means @ w)

    def least_slopes(self, W: Array, way: Array) -> Array:
        """The largest slopes of the outputs at w = 0, or less: the way is at most these times Σ |w|, which is √d·‖w‖ at most."""
        return quotients(way, self.problem.d * np.einsum("ij,ij->j", W[:self.problem.d], W[:self.problem.d]))

    def exact(self, way: Array) -> bool:
        """Whether the gradients at 0 have as many digits as residuals read afresh: in double, but for targets far from 0."""
        mean = self.B[self.problem.d] if self.problem.intercept else 0.0
        kept = (10 * float(np.finfo(np.float64).eps) * mean) ** 2 <= _enough(self.problem) ** 2 * way
        return bool(self.problem.Y.dtype == np.float64 and kept.all())

    def change(self, W: Array, G: Array) -> Array:
        """The step to the minimum from W."""
        return -self.solve(G)

    def solve(self, G: Array) -> Array:
        if len(self.factors) == 1:
            return np.asarray(self.factors[0][1].solve(G))
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


class RowSpectrum:
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

    def __init__(self, problem: LeastSquares) -> None:
        self.problem, self.columns = problem, problem.columns
        K = self.columns.products()
        diagonal = K.diagonal().copy()
        self.size = math.sqrt(diagonal.sum() / problem.d)
        self.U, self.b = np.zeros(problem.Y.shape), np.zeros(problem.k)
        self.E, self.level = self._errors(problem.Y)
        self.finite = bool(np.isfinite(diagonal).all() and np.isfinite(self.E).all() and np.isfinite(self.level).all())
        self.factors: list[tuple[slice | NDArray[np.bool_], Factor | RowSpectrum, Array]] = []
        for strength in (problem.strengths[:1] if problem.alike else np.unique(problem.strengths)) if self.finite else ():
            K[np.diag_indices_from(K)] = diagonal + strength
            factor: Factor | RowSpectrum = (plain := Factor(K.copy()))
            if plain.damping:
                factor = RowSpectrum(K, strength, self.columns.root if problem.intercept else None)
            self.factors.append((slice(None) if problem.alike else problem.strengths == strength, factor,
                                 factor.solve(self.columns.root)))

    def _errors(self, Y: Array) -> tuple[Array, Array]:
        """(n, k) targets times the roots, without their means; and these."""
        E = np.multiply(Y, self.columns.root[:, None], dtype=np.float64)
        if not self.problem.intercept:
            return E, np.zeros(E.shape[1])
        level = self.columns.root @ E
        E -= self.columns.root[:, None] * level
        return E, level

    def slopes(self) -> Array:
        return self.problem.slopes(self.problem._rmatmat(self.problem.Y))

    def start(self) -> Array:
        return self._solved(self.E.copy(), self.level)

    def way(self, W: Array) -> Array:
        """As of the primal; Xᵀ·e is not needed."""
        inner, square = (np.einsum("ij,ij->j", self.E, other) for other in (self.U, self.E))
        return np.asarray(np.maximum(0.0, square - self.problem.strengths * inner))

    def least_slopes(self, W: Array, way: Array) -> Array:
        """As of the primal."""
        inner, square = (np.einsum("ij,ij->j", self.U, other) for other in (self.E, self.U))
        return quotients(way, self.problem.d * np.maximum(1e-10 * inner, inner - self.problem.strengths * square))

    def change(self, W: Array, G: Array) -> Array:
        E, level = self._errors(-self.problem.residual)   # type: ignore[operator]
        E -= self.problem.strengths * self.U
        return self._solved(E, level) - W

    def _solved(self, E: Array, level: Array) -> Array:
        """W, when the errors E are taken to u."""
        for own, factor, ones in self.factors:
            U, b = factor.solve(E[:, own]), level[own].copy()
            if self.problem.intercept and isinstance(factor, RowSpectrum):
                b -= self.columns.root @ (factor.K @ U)
            elif self.problem.intercept:
                size = self.columns.root @ ones
                more = self.columns.root @ U / size if size > 0 else np.zeros_like(b)
                U -= ones[:, None] * more
                b += more
            self.U[:, own] += U
            self.b[own] += b
        W = self.columns.rmatmat(self.U, self.columns.root, self.problem.intercept)
        if self.problem.intercept:
            W[-1] = self.b
        return W


def quotients(way: Array, squares: Array) -> Array:
    """way/√squares, and 0 where there is no such number."""
    return np.nan_to_num(np.divide(way, np.sqrt(squares), out=np.zeros_like(way), where=squares > 0), posinf=0.0, neginf=0.0)


def direct(objective: LinearObjective, Y: Array | None, strengths: Array, tol: float, relative: bool = False) -> LeastSquaresSolution:
    """The minimum to rounding.  It has converged if the largest element of an output's gradient is within `tol`, or, if `relative`,
    within `tol` times the one at 0.  The objective has no l2 of its own."""
    problem = LeastSquares(objective, Y, strengths)
    method = Dual(problem) if by_rows(objective) else Primal(problem)
    if not method.finite:
        return LeastSquaresSolution(np.zeros((problem.p, problem.k)), np.full(problem.k, math.inf), 0, NOT_FINITE)
    W = method.start()
    way, limit, mixed = method.way(W), np.full(problem.k, tol), math.inf
    if problem.k > 1 and problem.alike:   # one combination of all outputs may be enough
        mixed = _mixed(problem, method, W, way)
        limit = tol * method.least_slopes(W, way) if relative else limit
    if relative and not mixed <= 0.3 * limit.min():
        limit = tol * np.abs(method.slopes()).max(axis=0)
    if mixed <= 0.3 * limit.min():
        return LeastSquaresSolution(problem.back(W), np.full(problem.k, mixed), 1, CONVERGED)
    length = np.sqrt(np.einsum("ij,ij,i->j", problem.Y, problem.Y, problem.columns.root ** 2))
    noise = 10 * float(np.finfo(objective.dtype).eps) * method.size * length   # of sums over the rows
    W, violation, steps = _refined(problem, method, W, way, 0.1 * noise)
    done = violation <= np.maximum(limit, noise)
    return LeastSquaresSolution(problem.back(W), violation, steps, CONVERGED if done.all() else PRECISION)


def _enough(problem: LeastSquares) -> float:
    """What a step may still change of predictions: PREDICTION_ROUNDING, or what the type of X allows."""
    return max(PREDICTION_ROUNDING, 100 * float(np.finfo(problem.objective.dtype).eps))


def _mixed(problem: LeastSquares, method: Primal | Dual, W: Array, way: Array) -> float:
    """The violation of a random combination of many outputs; infinite where it is not at rounding."""
    g = problem.mixed(W, method.B if isinstance(method, Primal) and method.exact(way) else None)
    if isinstance(method, Primal) and not (method.solve(g) * g).sum() <= _enough(problem) ** 2 * way.sum():
        return math.inf
    return float(np.abs(g).max())


def _refined(problem: LeastSquares, method: Primal | Dual, W: Array, way: Array, noise: Array) -> tuple[Array, Array, int]:
    """Steps from W by the gradient there, as long as they help: the best point, the violation, how many there were."""
    best, n = (W, np.full(problem.k, math.inf), 1), 0
    while True:
        n += 1
        G = problem.gradient(W)
        violation = np.abs(G).max(axis=0)
        if not violation.max() <= best[1].max():
            break
        slow, best = (violation > 0.5 * best[1]).all(), (W, violation, n)
        if slow or n >= MAX_REFINEMENTS or (violation <= noise).all():
            break
        change = method.change(W, G)
        if (-(G * change).sum(axis=0) <= _enough(problem) ** 2 * way).all():
            break
        W = W + change
    return best
