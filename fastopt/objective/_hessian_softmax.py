"""The Hessian of a multinomial objective over few columns, by products of matrices in double.

The block of two outputs a ≠ b is −Σ s·π_a·π_b·x·xᵀ, and shares π sum to 1, so that a diagonal block is minus the sum of the others of
its row.  All blocks are one product of two matrices: the k(k − 1)/2 products of shares of each row, and the products of its columns.
Used by objective/_hessian.pyx, and by the solvers for what anchors it.
"""
from __future__ import annotations

import functools
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from scipy.linalg.blas import dgemm

from fastopt.losses._arrays import softmax

from ._objective import Objective
from ._problem import Problem

Array = NDArray[Any]

#: numbers of a block of rows, whose products are summed at a time; rows of it, at least and at most
BLOCK_SIZE, MIN_ROWS, MAX_ROWS = 1 << 17, 64, 1024
#: how many times what pairs cost the products may, whose digits are those of double and whose rows may be bounded
DOUBLE = 1.5
#: parameters at most, for the sake of memory
SIZE = 1024


def takes_products(k: int, columns: int, filled: float | None = None) -> bool:
    """Whether a Hessian of k outputs over so many columns, an intercept among them, is summed here, by what a row costs.

    Parameters
    ----------
    k, columns : int
    filled : float, optional
        Stored values of a row of sparse X.
    """
    return k * columns <= SIZE and row_cost(k, columns, filled) < DOUBLE * k * (k + 1) / 2 * pair_cost(k, columns, filled)


def row_cost(k: int, columns: int, filled: float | None = None) -> float:
    """Nanoseconds of a row, measured on one thread."""
    products = columns * (columns + 1) / 2
    return 40 + 8 * k + products * (1.6 + 0.043 * k * (k - 1)) + (0 if filled is None else 100 + 2 * filled)


def pair_cost(k: int, columns: int, filled: float | None = None) -> float:
    """Nanoseconds of a row and a pair of outputs where each has a product and a softmax of its own."""
    spread = 1.3 * columns + 0.015 * columns ** 2
    return 20 + 3 * k + (spread if filled is None else min(0.35 * filled ** 2, spread))


def softmax_hessian(problem: Problem, p: Array, y: Array | None = None) -> Array:
    """Second derivatives of the mean loss, in the order of an objective's parameters.

    Parameters
    ----------
    problem : Problem
        Not transposed.
    p : ndarray of shape (n, k)
        Predictions.
    y : ndarray of shape (n,), or None
        Numbers of the classes: rows that are predicted wrongly then have the curvature of an upper bound (`bounded`).

    Returns
    -------
    ndarray of shape (n_params, n_params)
    """
    X, rows, weight, columns = problem.X.arrays, problem.rows, problem.weight, problem.columns
    if problem.X.is_sparse:
        X = scipy.sparse.csr_array(X, shape=(problem.X.n, problem.X.d))
    if weight is not None and not weight.all():   # rows of weight 0 do not exist, whatever stands in them
        counting = np.flatnonzero(weight)
        rows = counting if rows is None else rows[counting]
        p, weight, y = p[counting], weight.ravel()[counting], None if y is None else y[counting]
    (n, k), d = p.shape, X.shape[1]
    width = d + problem.fit_intercept
    sizes = width * (width + 1) // 2, k * (k - 1) // 2
    height = min(max(MIN_ROWS, min(MAX_ROWS, BLOCK_SIZE // sum(sizes))), n)
    A, squares, crossed = np.ones((width, height)), np.empty((sizes[0], height)), np.empty((sizes[1], height))
    sums = np.zeros(sizes, order="F")
    for start in range(0, n, height):
        part = slice(start, min(n, start + height))
        m = part.stop - start
        block = X[part] if rows is None else X[rows[part]]
        A[:d, :m] = block.T if isinstance(block, np.ndarray) else block.toarray().T
        if columns is not None:
            A[:d, :m] -= columns.mean[:, None]
            A[:d, :m] /= columns.scale[:, None]
        share = shares(p[part], None if y is None else y[part])
        _outer(A[:, :m], A[:, :m], 0, squares[:, :m])
        _outer(share if weight is None else share * weight[part].ravel(), share, 1, crossed[:, :m])
        sums = dgemm(1.0, squares[:, :m].T, crossed[:, :m].T, beta=1.0, c=sums, trans_a=1, overwrite_c=1)
    return _assembled(sums / problem.total, k, width, problem.fit_intercept)


def _outer(left: Array, right: Array, beyond: int, out: Array) -> None:
    """Products of each row of `left` with the rows of `right` from the same one, or one `beyond`, on."""
    at = 0
    for j in range(len(left) - beyond):
        count = len(left) - beyond - j
        np.multiply(left[j], right[j + beyond:], out=out[at:at + count])
        at += count


def _assembled(sums: Array, k: int, width: int, fit_intercept: bool) -> Array:
    """The Hessian of sums over pairs of columns and pairs of outputs."""
    found = np.zeros((k, width, k, width))
    a, b = _above(k, 1)
    found[a, :, b, :] = found[b, :, a, :] = -sums.T[:, _places(width)]
    same = np.arange(k)
    found[same, :, same, :] = -found.sum(axis=2)
    H = found.reshape(k * width, k * width)
    if not fit_intercept:
        return H
    order = np.arange(k * width).reshape(k, width)   # all coefficients, then all intercepts
    order = np.concatenate([order[:, :-1].ravel(), order[:, -1]])
    return H[np.ix_(order, order)]


@functools.lru_cache(maxsize=8)
def _above(size: int, beyond: int) -> tuple[Array, Array]:
    """Rows and columns of a matrix on its diagonal, or `beyond` it, and above."""
    return np.triu_indices(size, beyond)


@functools.lru_cache(maxsize=8)
def _places(size: int) -> Array:
    """(size, size): where an element of a symmetric matrix is among those on and above its diagonal."""
    i, j = _above(size, 0)
    place = np.empty((size, size), dtype=np.intp)
    place[i, j] = place[j, i] = np.arange(len(i))
    return place


def shares(p: Array, y: Array | None) -> Array:
    """(k, n) softmax of (n, k) predictions; of rows that are not predicted as `y`, those that `bounded` makes of them."""
    share = np.array(p.T, dtype=np.float64, order="C")
    lag = None if y is None else share.max(axis=0) - share[y, np.arange(len(y))]
    softmax(share)
    if y is not None and lag is not None:
        missed = np.flatnonzero(lag > 0)
        if missed.size:
            share[:, missed] = bounded(share[:, missed], y[missed], lag[missed])
    return share


def bounded(share: Array, y: Array, lag: Array) -> Array:
    """Shares whose curvature, along the way from the foremost class to a row's own, is that of the sharpest parabola above the loss.

    A row that is predicted wrongly for certain has a slope and all but no curvature: Newton's steps are far too long for all others.  The
    parabola that touches the loss log(1 + exp(t)) at t and is nowhere below it has the curvature tanh(t/2)/(2t).

    Parameters
    ----------
    share : ndarray of shape (k, n)
    y : ndarray of int of shape (n,)
    lag : ndarray of shape (n,)
        How far the prediction of the row's own class is below the largest; above 0.

    References
    ----------
    J. de Leeuw and K. Lange (2009), Sharp quadratic majorization in one dimension, Computational Statistics & Data Analysis 53.
    """
    row = np.arange(len(y))
    curvature = np.tanh(lag / 2) / (2 * lag)
    root = np.sqrt(np.maximum(1 - 4 * curvature, 0))
    least, own = 2 * curvature / (1 + root), share[y, row]   # share·(1 − share) is the curvature of two classes
    raised = np.maximum(own, least)
    found = share * np.where(raised > own, (1 - raised) / np.maximum(1 - own, 0.5), 1.0)
    found[y, row] = raised
    return found


def anchored(hessian: Array, objective: Objective) -> Array:
    """The Hessian of a loss that does not see what all outputs have in common, singular along it, with a curvature there.

    No gradient lies along it, so that steps are those without it, and do not follow its rounding.  Coefficients with l2 have such
    a curvature; intercepts have none.  Changed in place; that of another loss is not.
    """
    if objective.loss.shift_invariant:
        k, d = objective.n_outputs, objective.n_features
        alike = np.arange(k * d).reshape(k, d).T if objective.l2 == 0 else np.empty((0, k), dtype=np.intp)
        if objective.fit_intercept:
            alike = np.vstack([alike, k * d + np.arange(k)])
        hessian[alike[:, :, None], alike[:, None, :]] += hessian[alike, alike].mean(axis=1)[:, None, None]
    return hessian
