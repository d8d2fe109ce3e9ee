"""Matrices, from svmlight and npz files: sparse or dense, checked before anything follows their indices.

Used by _data.formats.
"""
from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import numpy as np
import scipy.sparse as sp
from numpy.typing import DTypeLike

from .errors import CliError, listed
from .files import Data, head_of
from .schema import Schema
from .types import Matrix

DENSE_ABOVE = 0.4          # a sparse matrix filled more than this is smaller and faster dense


def looks_like_svmlight(lines: Iterable[str]) -> bool:
    """Whether the first line with content is a number followed by index:value pairs."""
    line = next((text for text in lines if text.strip() and not text.lstrip().startswith("#")), "")
    return re.match(r"\s*[-+.\deE]+(\s+(qid|\d+):[-+.\deEinfa]+)+\s*(#.*)?$", line) is not None


def read_svmlight(stream: IO[bytes], path: Path, *, like: Schema | None = None, dtype: DTypeLike = np.float32, **_: object) -> Data:
    """CSR, or dense where most of it is filled.  Indices count from 0 if any is 0, else from 1."""
    from sklearn.datasets import load_svmlight_file

    if not any(line.strip() for line in head_of(path)):
        raise CliError(f"{path} is empty")
    X, y = load_svmlight_file(stream, dtype=dtype, zero_based=True)
    zero_based = like.zero_based if like and like.zero_based is not None else bool((X.indices == 0).any())
    if not zero_based:
        if (X.indices == 0).any():
            raise CliError(f"{path} counts columns from 0; the model's own data counted them from 1")
        X = sp.csr_matrix((X.data, X.indices - 1, X.indptr), shape=(X.shape[0], max(X.shape[1] - 1, 1)))
    if like and like.kind == "table":
        raise CliError(f"the model was trained on a table with named columns; {path.name} is svmlight")
    if like:
        X = _widened(X, like, path)
    X = _compact(X, like)
    schema = like or Schema("matrix", X.shape[1], zero_based=zero_based, dense=not sp.issparse(X))
    return Data(X, np.asarray(y, dtype=np.float64), path.name, schema)


def _widened(X: sp.csr_matrix, like: Schema, path: Path) -> sp.csr_matrix:
    """X with as many columns as the earlier file: the last ones of an svmlight file may be empty."""
    d = like.n_features
    if X.shape[1] > d:
        raise CliError(f"{path} has {X.shape[1]} columns; the model was trained on {d}")
    return sp.csr_matrix((X.data, X.indices, X.indptr), shape=(X.shape[0], d))


def _compact(X: sp.csr_matrix, like: Schema | None) -> Matrix:
    """Dense if well filled, or as the earlier file; otherwise CSR with 32-bit indices where they suffice."""
    dense = like.dense if like and like.dense is not None else X.nnz > DENSE_ABOVE * X.shape[0] * X.shape[1]
    if dense:
        return X.toarray()
    if max(X.nnz, X.shape[1]) < 2**31:
        X.indices, X.indptr = X.indices.astype(np.int32, copy=False), X.indptr.astype(np.int32, copy=False)
    return X


def read_npz(stream: IO[bytes], path: Path, *, like: Schema | None = None, **_: object) -> Data:
    """Arrays X and y, or the parts that scipy.sparse.save_npz writes with y beside them."""
    with np.load(stream, allow_pickle=False) as arrays:
        names = list(arrays.files)
        if {"data", "indices", "indptr", "shape"} <= set(names):
            X = _sparse_parts(arrays)
        elif "X" in names:
            X = arrays["X"]
        else:
            raise CliError(f"{path.name} holds {listed(names) or 'nothing'}; expected arrays X and y, or the parts of a "
                           f"sparse matrix (data, indices, indptr, shape, as scipy.sparse.save_npz writes) and y")
        y = arrays["y"] if "y" in names else None
    if y is None and like is None:
        raise CliError(f"{path.name} has no array y; it holds {listed(names)}")
    return _from_arrays(X, y, path, like)


def _sparse_parts(arrays: np.lib.npyio.NpzFile) -> sp.csr_matrix:
    """A checked CSR matrix; a damaged one is refused here, before anything follows its indices."""
    form = np.asarray(arrays["format"]).item() if "format" in arrays.files else b"csr"
    form = form.decode() if isinstance(form, bytes) else str(form)
    makers = {"csr": sp.csr_matrix, "csc": sp.csc_matrix}
    if form not in makers:
        raise ValueError(f"sparse format {form!r}; expected 'csr' or 'csc'")
    X = makers[form]((arrays["data"], arrays["indices"], arrays["indptr"]), shape=tuple(arrays["shape"].tolist()))
    X.check_format(full_check=True)
    return X.tocsr()


def _from_arrays(X: Matrix, y: np.ndarray | None, path: Path, like: Schema | None) -> Data:
    if X.dtype.kind not in "buif" or X.ndim < 2 and not sp.issparse(X):
        raise CliError(f"{path.name}: X has shape {X.shape} and dtype {X.dtype}; expected a matrix of numbers (n, d)")
    if not sp.issparse(X) and X.ndim > 2:
        X = X.reshape(X.shape[0], -1)
    if y is not None and y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y is not None and (y.ndim != 1 or len(y) != X.shape[0]):
        raise CliError(f"{path.name}: y has shape {y.shape} for X of shape {X.shape}; expected ({X.shape[0]},)")
    if like and (like.kind != "matrix" or like.n_features != X.shape[1]):
        had = f"{like.n_features} columns" if like.kind == "matrix" else "a table with named columns"
        raise CliError(f"{path.name} has {X.shape[1]} columns; the model was trained on {had}")
    if like and like.dense and not isinstance(X, np.ndarray):
        X = X.toarray()
    return Data(X, y, path.name, like or Schema("matrix", X.shape[1], dense=not sp.issparse(X)))
