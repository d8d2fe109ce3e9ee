"""What an objective is given, checked once and brought into the form of its passes: X, targets, weights, statistics of columns.

Used by objective/__init__.py.  Knows nothing of passes.
"""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt import losses
from fastopt._common.checks import integer
from fastopt._common.sparse_input import checked
from fastopt._core.tables import Matrix, all_finite
from fastopt._samples.statistics import Reader
from fastopt.exceptions import InvalidParameterError
from fastopt.losses._base import DOMAINS
from fastopt.losses._rows import RowLoss

from ._problem import Standardization

Array = NDArray[Any]

_BLOCK = 1 << 12   # rows of small elements that are widened at a time


def matrix_of(X: Any) -> tuple[Any, Matrix, bool]:
    """X, checked, X for the kernels, and whether that is transposed: the CSR form of a CSC matrix's transpose, which shares its arrays."""
    if isinstance(X, Matrix):
        return X, X, False
    if getattr(X, "format", "csr") in ("csr", "csc"):   # objectives take no others
        X = checked(X)
    if getattr(X, "format", None) == "csc":
        return X, Matrix(X.T), True
    return X, Matrix(X, small=True), False


def targets_of(loss: losses.Loss, y: ArrayLike, n: int, dtype: Any) -> tuple[Array, int]:
    """Targets as the kernels take them, and the number of outputs."""
    values = loss.targets(y) if isinstance(loss, losses.WholeLoss) else np.asarray(y)
    if values.dtype.kind not in "fiub":
        raise TypeError(f"y must hold real numbers, got dtype {values.dtype}")
    if values.ndim not in (1, 2) or values.shape[0] != n or values.size == 0:
        raise ValueError(f"y must have shape ({n},) or ({n}, k), got {values.shape}")
    if isinstance(loss, losses.WholeLoss):
        targets = np.array(values, np.float64, order="C")   # times and the like keep their digits
        if not all_finite(targets):
            raise ValueError(f"y must be finite, got {targets[~np.isfinite(targets)][0]}")
        return targets, integer("n_outputs of the loss", loss.n_outputs(targets), 1)
    if not loss.plain:
        raise InvalidParameterError(
            f"loss must be one that models learn, without weights of classes, ignore_index and from_probabilities, got {loss!r}")
    if isinstance(loss, RowLoss):
        return np.array(values, dtype, order="C"), loss._outputs(values)
    words, test, _ = DOMAINS[loss.target]
    targets = np.array(values, dtype, order="C").reshape(n, -1)
    if not (all_finite(targets) if loss.target == "real" else test(targets).all()):
        bad = np.flatnonzero(~test(targets))
        row, column = divmod(int(bad[0]), targets.shape[1])
        where = f"{row}, {column}" if values.ndim == 2 else f"{row}"
        raise ValueError(f"y must be {words} for loss={loss.name!r}, got {values.flat[bad[0]]} at index {where}")
    return targets, targets.shape[1]


def weights_of(sample_weight: ArrayLike | None, n: int, dtype: Any) -> tuple[Array | None, float]:
    """The weights of samples, and their sum."""
    if sample_weight is None:
        return None, float(n)
    weight = np.asarray(sample_weight)
    if weight.dtype.kind not in "fiub":
        raise TypeError(f"sample_weight must hold real numbers, got dtype {weight.dtype}")
    if weight.shape != (n,):
        raise ValueError(f"sample_weight must have shape ({n},), got {weight.shape}")
    weight = np.array(weight, dtype)
    total = float(weight.sum(dtype=np.float64))
    if not (np.isfinite(weight).all() and weight.min() >= 0 and 0 < total < np.inf):
        raise ValueError("sample_weight must be finite and at least 0, and not all 0")
    return weight, total


def column_statistics(X: Any, matrix: Matrix, weight: Array | None) -> Standardization:
    """Means and standard deviations of the columns, 1 where a column does not vary."""
    s = np.ones(X.shape[0]) if weight is None else weight.astype(np.float64)
    mean, squares = _sparse_moments(X, s) if matrix.is_sparse else _dense_moments(X, matrix, s)
    # rounding of the mean leaves a constant column a deviation, of its size times an epsilon
    constant = squares <= s.sum() * (10 * np.finfo(np.float64).eps * np.abs(mean)) ** 2
    scale = np.sqrt(squares / s.sum())
    scale[constant | (scale == 0)] = 1
    if not (np.isfinite(mean).all() and np.isfinite(scale).all()):
        raise ValueError("X must be finite for standardize=True")
    return Standardization(mean, scale)


def _dense_moments(X: Array, matrix: Matrix, s: Array) -> tuple[Array, Array]:
    if X.dtype in (np.float32, np.float64):
        reader = Reader(matrix, s)
        mean = reader.means(np.array(reader.first()))
        return mean, Reader(matrix, s).squares(mean)
    blocks = [slice(start, start + _BLOCK) for start in range(0, len(X), _BLOCK)]
    mean = sum(s[block] @ X[block].astype(np.float64) for block in blocks) / s.sum()
    return mean, sum(s[block] @ (X[block].astype(np.float64) - mean) ** 2 for block in blocks)


def _sparse_moments(X: Any, s: Array) -> tuple[Array, Array]:
    """Sums over the stored values; those that are not stored lie |mean| from it."""
    major = np.repeat(np.arange(len(X.indptr) - 1), np.diff(X.indptr))
    rows, columns = (major, X.indices) if X.format == "csr" else (X.indices, major)
    weight, d = s[rows], X.shape[1]
    values = X.data.astype(np.float64)
    mean = np.bincount(columns, weight * values, d) / s.sum()
    squares = np.bincount(columns, weight * (values - mean[columns]) ** 2, d)
    return mean, squares + np.maximum(s.sum() - np.bincount(columns, weight, d), 0) * mean ** 2
