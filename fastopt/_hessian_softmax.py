"""The Hessian of a multinomial objective over dense rows with few columns, by products of matrices in double.

The rows of all outputs side by side, z = (π₁·x, …, π_k·x), have one matrix of products, which the blocks of a pair of outputs are cut
from: one softmax a row and one product, not one for each pair.  Used by _hessian.pyx, and by the solvers for what anchors it.
"""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import dsyrk

Array = NDArray[Any]

#: rows that are copied at a time
BLOCK = 512
#: parameters at most, for the sake of memory
SIZE = 1024


def by_products(k: int, columns: int) -> bool:
    """Whether a Hessian of k outputs over so many columns, an intercept among them, is summed here, by what a row costs."""
    return k * columns <= SIZE and row_cost(k, columns) < k * (k + 1) / 2 * pair_cost(k, columns)


def row_cost(k: int, columns: int) -> float:
    """Nanoseconds of a row, measured on one thread."""
    return 300 + 0.05 * (k * columns) ** 2


def pair_cost(k: int, columns: int) -> float:
    """Nanoseconds of a row and a pair of outputs where each has a product and a softmax of its own."""
    return 20 + 12 * k + 1.3 * columns + 0.005 * columns ** 2


def softmax_hessian(X: Array, rows: Array | None, p: Array, weight: Array | None, total: float, fit_intercept: bool,
                    columns: tuple[Array, Array] | None) -> Array:
    """Second derivatives of the mean loss, in the order of an objective's parameters.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    rows : ndarray of int, or None
        Of X; None: all.
    p : ndarray of shape (n_rows, k)
        Predictions.
    weight : ndarray of shape (n_rows,), or None
    total : float
        Sum of the weights.
    fit_intercept : bool
    columns : (mean, scale), or None
        What standardizes the columns.

    Returns
    -------
    ndarray of shape (n_params, n_params)
    """
    (n, k), d = p.shape, X.shape[1]
    width = d + fit_intercept
    crossed, own = np.zeros((k * width, k * width), order="F"), np.zeros((k * width, width))
    for start in range(0, n, BLOCK):
        part = slice(start, start + BLOCK)
        block = X[part] if rows is None else X[rows[part]]
        A = np.ones((width, len(block)))
        A[:d] = block.T
        if columns is not None:
            A[:d] -= np.asarray(columns[0])[:, None]
            A[:d] /= np.asarray(columns[1])[:, None]
        A *= np.sqrt((1.0 if weight is None else weight[part].ravel().astype(np.float64)) / total)
        share = p[part].T.astype(np.float64)
        share -= share.max(axis=0)
        np.exp(share, out=share)
        share /= share.sum(axis=0)
        Z = (share[:, None, :] * A).reshape(k * width, -1)
        crossed = dsyrk(-1.0, Z.T, beta=1.0, c=crossed, trans=1, overwrite_c=1)   # above the diagonal
        own += Z @ A.T
    found = np.triu(crossed) + np.triu(crossed, 1).T
    for j in range(k):
        found[j * width:(j + 1) * width, j * width:(j + 1) * width] += own[j * width:(j + 1) * width]
    if not fit_intercept:
        return found
    order = np.arange(k * width).reshape(k, width)   # all coefficients, then all intercepts
    order = np.concatenate([order[:, :d].ravel(), order[:, d]])
    return found[np.ix_(order, order)]


def anchored(hessian: Array, objective: Any) -> Array:
    """The Hessian of a multinomial loss, which is singular along what all outputs have in common, with a curvature there.

    No gradient lies along it, so that steps are those without it, and do not follow its rounding.  Coefficients with l2 have such
    a curvature; intercepts have none.  Changed in place; that of another loss is not.
    """
    if isinstance(objective.loss, str):
        k, d = objective.n_outputs, objective.n_features
        alike = np.arange(k * d).reshape(k, d).T if objective.l2 == 0 else np.empty((0, k), dtype=np.intp)
        if objective.fit_intercept:
            alike = np.vstack([alike, k * d + np.arange(k)])
        hessian[alike[:, :, None], alike[:, None, :]] += hessian[alike, alike].mean(axis=1)[:, None, None]
    return hessian
