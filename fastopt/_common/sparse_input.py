"""Sparse X as users have it, looked at before anybody else gets it: SciPy's compiled code reads past arrays that disagree.

Used by the checks of the estimators (_estimators.data) and of objectives (objective._data).  Behind it X is CSR or CSC, its arrays agree,
and no place has two values.  Knows nothing of what X is for.
"""
from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike, NDArray

from fastopt._core.compressed import check_compressed

Array = NDArray[Any]
Sparse: TypeAlias = "scipy.sparse.spmatrix | scipy.sparse.sparray"


def first_not_finite(X: Any) -> tuple[int, int] | None:
    """Row and column of the first number that is not finite, of a matrix of numbers or a CSR one; None: there is none.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt._common.sparse_input import first_not_finite
    >>> first_not_finite(np.array([[0.0, 1.0], [np.nan, 2.0]]))
    (1, 0)
    """
    if scipy.sparse.issparse(X):
        rows = X.tocsr()
        at = np.flatnonzero(~np.isfinite(rows.data))
        return (int(np.searchsorted(rows.indptr, at[0], side="right")) - 1, int(rows.indices[at[0]])) if len(at) else None
    bad = np.argwhere(~np.isfinite(X))
    return (int(bad[0, 0]), int(bad[0, 1])) if len(bad) else None


def checked(X: object) -> Any:
    """Sparse X as CSR or CSC, values that are stored twice summed; the same object where nothing is to be done, and all else as it is.

    Parameters
    ----------
    X : object

    Returns
    -------
    object

    Raises
    ------
    TypeError, ValueError
        If its arrays contradict each other or its shape.

    Examples
    --------
    >>> import scipy.sparse as sp
    >>> from fastopt._common.sparse_input import checked
    >>> checked(sp.csr_matrix(([1.0, 2.0], [0, 0], [0, 2, 2]), shape=(2, 1))).data
    array([3.])
    """
    return _read(X) if scipy.sparse.issparse(X) else X


def _read(X: Sparse) -> Sparse:
    """Sparse X of any format."""
    if len(X.shape) != 2:
        raise ValueError(f"Expected 2D array, got {len(X.shape)}D array instead: X must have 2 dimensions, got shape {X.shape}")
    if X.format not in ("csr", "csc"):
        X = READ[X.format](X) if X.format in READ else X.tocsr()
    return _compressed(X)


def _compressed(X: Sparse) -> Sparse:
    """CSR and CSC with arrays as kernels take them, without duplicates."""
    by_rows = X.format == "csr"
    n, d = X.shape if by_rows else X.shape[::-1]
    data, indices, indptr = _values(X, 1), *_indices(X)
    twice = check_compressed(indptr, indices, n, d, len(data), words="columns" if by_rows else "rows")
    used = int(indptr[-1])
    if not twice and used == len(data) and data is X.data and indices is X.indices and indptr is X.indptr:
        return X
    kind = type(X)
    if not twice:
        return kind((data[:used], indices[:used], indptr), shape=X.shape)
    if data.dtype == np.float16:   # SciPy does not add these
        data = data.astype(np.float32)
    found = kind((data[:used].copy(), indices[:used].copy(), indptr.copy()), shape=X.shape)
    found.sum_duplicates()
    return found


def _whole(array: Array) -> Array:
    """The array, or a copy of it in one piece."""
    return array if array.flags.c_contiguous and array.flags.aligned else array.copy()


def _values(X: Sparse, ndim: int) -> Array:
    """X.data, which holds real numbers."""
    data = X.data
    if not isinstance(data, np.ndarray):
        raise TypeError(f"X.data must be an ndarray, got {type(data).__name__}")
    if data.ndim != ndim:
        raise ValueError(f"X.data of a {X.format} matrix must have {ndim} dimension{'s' * (ndim > 1)}, got {data.ndim}")
    if data.dtype.kind not in "fiub":
        raise (ValueError("Complex data not supported: X must hold real numbers, got complex") if data.dtype.kind == "c" else
               TypeError(f"X must hold real numbers, got {data.dtype}"))
    return _whole(data)


def _integers(name: str, value: ArrayLike) -> Array:
    """An array of numbers of rows or columns."""
    array = np.asarray(value)
    if array.dtype.kind not in "iu":
        raise TypeError(f"X.{name} must be integers, got {array.dtype}")
    if array.ndim != 1:
        raise ValueError(f"X.{name} must have 1 dimension, got {array.ndim}")
    return array


def _indices(X: Sparse) -> tuple[Array, Array]:
    """X.indices and X.indptr in one piece, both of int32 or both of int64."""
    indices, indptr = _integers("indices", X.indices), _integers("indptr", X.indptr)
    if indices.dtype != indptr.dtype or indices.dtype not in (np.int32, np.int64):
        indices, indptr = indices.astype(np.int64), indptr.astype(np.int64)
    return _whole(indices), _whole(indptr)


# ---- formats that are read as CSR ----

def _bsr(X: Sparse) -> Sparse:
    """Blocks of rows and columns; their offsets and indices are those of a smaller CSR matrix."""
    data, indices, indptr = _values(X, 3), *_indices(X)
    height, width = data.shape[1:]
    if not (height and width) or X.shape[0] % height or X.shape[1] % width:
        raise ValueError(f"X.data of a bsr matrix of shape {X.shape} must hold blocks that divide it, got {(height, width)}")
    check_compressed(indptr, indices, X.shape[0] // height, X.shape[1] // width, len(data), looks=False, words="blocks of columns")
    return type(X)((data, indices, indptr), shape=X.shape).tocsr()


def _coo(X: Sparse) -> Sparse:
    data, row, col = _values(X, 1), _integers("row", X.row), _integers("col", X.col)
    for name, places, size in (("row", row, X.shape[0]), ("col", col, X.shape[1])):
        if len(places) != len(data):
            raise ValueError(f"X.{name} must be as many as X.data, {len(data)}, got {len(places)}")
        if len(places) and not (places.min() >= 0 and places.max() < size):
            raise ValueError(f"X.{name} must lie in 0 … {size - 1}, got {places.min()} … {places.max()}")
    return type(X)((data, (row, col)), shape=X.shape).tocsr()


def _dia(X: Sparse) -> Sparse:
    data, offsets = _values(X, 2), _integers("offsets", X.offsets)
    if len(offsets) != len(data) or len(np.unique(offsets)) != len(offsets):
        raise ValueError(f"X.offsets must be as many as the rows of X.data, {len(data)}, and none twice, got {offsets}")
    inside = (-X.shape[0] < offsets) & (offsets < X.shape[1])
    return type(X)((data[inside], offsets[inside].astype(np.int64)), shape=X.shape).tocsr()


def _lil(X: Sparse) -> Sparse:
    """Lists of columns and of values, one a row."""
    for name in ("rows", "data"):
        lists = getattr(X, name)
        if not isinstance(lists, np.ndarray) or lists.dtype != object or lists.shape != X.shape[:1] or \
                not all(isinstance(row, list) for row in lists):
            raise ValueError(f"X.{name} of a lil matrix of shape {X.shape} must hold {X.shape[0]} lists")
    for i, (row, values) in enumerate(zip(X.rows, X.data)):
        if len(row) != len(values):
            raise ValueError(f"X.rows and X.data of a lil matrix must be alike in length, got {len(row)} and {len(values)} in row {i}")
    return X.tocsr()


READ = {"bsr": _bsr, "coo": _coo, "dia": _dia, "lil": _lil}
