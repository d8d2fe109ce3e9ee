"""From raw columns to the matrix of a linear model: missing values, categories, scaling.

`Preparer` is the first step of the pipeline that `fastopt train` fits and saves; it holds plain numbers and strings only,
so that a model file can keep it without running code when it is loaded (_data.plain).  Must not know files or models.
"""
from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from .cells import TRUTH, as_arrow
from .columns import UNSEEN, label_codes
from .errors import listed
from .schema import Schema, found_schema
from .types import ArrowArray, Frame, Matrix, Table

if TYPE_CHECKING:
    from typing_extensions import Self

NO_VALUE = "(missing)"
MAX_VALUES = 100           # categories that get a column of their own; rarer ones share "none of these"
SPARSE_ABOVE = 512         # one-hot columns from which on the result is CSR
SCALED_ABOVE = 10.0                # sparse columns are scaled only if some value is larger: tf-idf and one-hot stay as they are
BLOCK_ROWS = 4096                # rows worked on at a time


class Preparer(TransformerMixin, BaseEstimator):
    """Numbers imputed and standardised, strings one-hot, sparse columns divided by their largest value.

    Parameters
    ----------
    scale : bool
        Standardise numeric columns; for sparse input, divide by the largest absolute value where one exceeds 10.
    clip : float or None
        Standardised values are cut at ±clip: one row far out would else dictate the step size of all.
    dtype : {"float32", "float64"}
        Of the result.
    schema : Schema, optional
        How the columns of a table are read; found on the rows that are fitted if None.

    Attributes
    ----------
    kind_ : {"dense", "sparse", "table"}
    schema_ : Schema
    numbers_ : list of str
        Columns of a table that are one column of the result: numbers, dates in days, TRUE and FALSE without gaps.
    categories_ : dict of str to list of str
        The values of each other column that have a column in the result.
    fill_, center_, scale_ : ndarray of shape (n_numbers,)
        Value put where one is missing, mean and standard deviation (0 and 1 if `scale` is False).  Of sparse columns only
        `scale_`, and a single 1 where none is scaled.
    left_out_ : dict of str to str
        Columns of a table that were not used, and why.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt._data.preparer import Preparer
    >>> Preparer().fit_transform(np.array([[1.0, 5.0], [3.0, np.nan]]))
    array([[-1.,  0.],
           [ 1.,  0.]], dtype=float32)
    """

    def __init__(self, scale: bool = True, clip: float | None = 5.0, dtype: str = "float32", schema: Schema | None = None) -> None:
        self.scale = scale
        self.clip = clip
        self.dtype = dtype
        self.schema = schema

    def fit(self, X: Table, y: object = None) -> Self:
        """Learn the values for gaps, the categories, and the scale of numbers."""
        self.numbers_: list[str] = []
        self.categories_: dict[str, list[str]] = {}
        self.left_out_: dict[str, str] = {}
        self.n_features_in_ = int(X.shape[1])
        table = hasattr(X, "columns")
        self.schema_ = self.schema or (found_schema(X, None, typed=True)[0] if table else Schema("matrix", X.shape[1]))
        if sp.issparse(X):
            self.kind_ = "sparse"
            self._fit_sparse(X)
        elif table:
            self.kind_ = "table"
            self.feature_names_in_ = np.array(self.schema_.names, dtype=object)
            self._fit_table(self.schema_.frame(X))
            self.schema_ = replace(self.schema_, unused=list(self.left_out_))
        else:
            self.kind_ = "dense"
            self._fit_numbers(np.asarray(X))
        return self

    def transform(self, X: Table) -> Matrix:
        """The matrix (n, d): float32 or float64; CSR for sparse input and for very many categories."""
        check_is_fitted(self)
        if self.kind_ == "table":
            return self._transform_table(self._frame(X))
        if X.shape[1] != self.n_features_in_:
            raise ValueError(f"X has {X.shape[1]} columns; expected {self.n_features_in_}")
        if self.kind_ == "sparse":
            return self._transform_sparse(sp.csr_matrix(X))
        rows: Any = X
        A = rows.toarray() if sp.issparse(X) else np.asarray(rows)
        return self._transform_numbers(A, np.empty(A.shape, dtype=self.dtype))

    def _frame(self, X: Any) -> Frame:
        """The columns of a table by name; the model does without those that it left out."""
        if not hasattr(X, "columns"):
            raise ValueError(f"X must be a table with the columns {listed(self.schema_.names)}, got {type(X).__name__}")
        return self.schema_.frame(X if hasattr(X, "iloc") else X.to_pandas())

    def strangers(self, X: Frame) -> list[str]:
        """A sentence for each column of text with values that have no column in the result, rare in training or new."""
        notes = []
        for name, known in self.categories_.items() if self.kind_ == "table" else ():
            text = self._texts(X, name)
            new = np.flatnonzero(label_codes(text, known) == UNSEEN)
            if len(new):
                notes.append(f"column {name!r} has a value that the model has no column for in {len(new):,} "
                             f"row{'s' * (len(new) > 1)}, the first {text[int(new[0])].as_py()!r}")
        return notes

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """Names of the result's columns: ``age``, ``colour=red`` …"""
        if self.kind_ != "table":
            return np.array([f"x{i}" for i in range(self.n_features_in_)], dtype=object)
        hot = [f"{name}={value}" for name, values in self.categories_.items() for value in values]
        return np.array(self.numbers_ + hot, dtype=object)

    @property
    def n_features_out(self) -> int:
        """Columns of the result."""
        if self.kind_ != "table":
            return self.n_features_in_
        return len(self.numbers_) + sum(map(len, self.categories_.values()))

    # -- fit -----------------------------------------------------------------------------------------------------------

    def _fit_numbers(self, A: np.ndarray) -> None:
        d = A.shape[1]
        refuse_infinite(A, self._names(d))
        moments = StandardScaler()                      # leaves nan out; in parts, since it copies what it is given
        for i in range(0, len(A) if d else 0, 16 * BLOCK_ROWS):
            moments.partial_fit(np.asarray(A[i:i + 16 * BLOCK_ROWS], dtype=np.float64))
        mean, spread = (np.nan_to_num(moments.mean_), moments.scale_) if d else np.zeros((2, 0))
        self.fill_ = mean.copy()
        for j in np.flatnonzero(np.isnan(A).any(axis=0)) if A.dtype.kind == "f" else ():
            column = A[:, j]
            self.fill_[j] = np.median(column[~np.isnan(column)]) if not np.isnan(column).all() else 0.0
        self.center_ = mean if self.scale else np.zeros(d)
        self.scale_ = spread.copy() if self.scale else np.ones(d)
        self.scale_[~(self.scale_ > 0)] = 1.0

    def _fit_sparse(self, X: sp.csr_matrix) -> None:
        refuse_infinite(X)
        if np.isnan(X.data).any():
            raise ValueError("the sparse X has nan; expected numbers (leave an entry out where it is 0)")
        largest = np.ravel(abs(X).max(axis=0).toarray()) if X.shape[0] else np.zeros(X.shape[1])
        scaled = self.scale and largest.size and largest.max() > SCALED_ABOVE
        self.scale_ = np.where(largest > 0, largest, 1).astype(np.float64) if scaled else np.ones(1)
        self.center_ = self.fill_ = np.zeros(0)

    def _fit_table(self, frame: Frame) -> None:
        for column in self.schema_.columns:
            name, gaps = column.name, frame[column.name].isna()
            if gaps.all():
                self.left_out_[name] = "no values"
            elif column.kind == "text" or column.kind == "boolean" and gaps.any():
                self._fit_category(name, self._texts(frame, name))
            else:
                self.numbers_.append(name)
        if not self.numbers_ and not self.categories_:
            raise ValueError(f"no column can be learnt from: {self.left_out_}")
        self._fit_numbers(_float_block(frame, self.numbers_))

    def _fit_category(self, name: str, text: ArrowArray) -> None:
        import pyarrow.compute as pc

        found = {c["values"]: c["counts"] for c in pc.value_counts(text).to_pylist()}
        distinct = sorted(found)
        keep = sorted(distinct, key=lambda value: -found[value])[:MAX_VALUES]
        if len(distinct) > MAX_VALUES and sum(found[v] for v in keep) < len(text) / 2:
            self.left_out_[name] = f"{len(distinct):,} different values"
        elif len(distinct) > 1:
            self.categories_[name] = sorted(keep)
        else:
            self.left_out_[name] = "one value only"

    def _texts(self, frame: Frame, name: str) -> ArrowArray:
        """A column as text, with NO_VALUE for gaps."""
        import pyarrow.compute as pc

        if frame[name].dtype.kind == "f":              # TRUE and FALSE, one of which was missing in training
            codes = frame[name].to_numpy(dtype=np.float64, na_value=2.0)
            return as_arrow(np.array([*TRUTH, NO_VALUE], dtype=object)[codes.astype(np.int64)])
        return pc.fill_null(as_arrow(frame[name]), NO_VALUE)

    # -- transform -----------------------------------------------------------------------------------------------------

    def _transform_numbers(self, A: np.ndarray, out: np.ndarray) -> np.ndarray:
        """Fill out, BLOCK_ROWS rows at a time, worked in float64: large numbers less their mean must not cancel in float32."""
        refuse_infinite(A, self._names(A.shape[1]))
        clip = self.clip if self.scale and self.clip else np.inf
        for i in range(0, len(A), BLOCK_ROWS):
            block = np.array(A[i:i + BLOCK_ROWS], dtype=np.float64)
            np.copyto(block, self.fill_, where=np.isnan(block))
            block -= self.center_
            block /= self.scale_
            out[i:i + BLOCK_ROWS] = np.clip(block, -clip, clip, out=block)
        return out

    def _transform_sparse(self, X: sp.csr_matrix) -> sp.csr_matrix:
        refuse_infinite(X)
        data = X.data if len(self.scale_) == 1 or (self.scale_ == 1).all() else X.data / self.scale_[X.indices]
        return sp.csr_matrix((data.astype(self.dtype, copy=False), X.indices, X.indptr), shape=X.shape)

    def _transform_table(self, frame: Frame) -> Matrix:
        m, n = len(self.numbers_), len(frame)
        as_sparse = self.n_features_out - m > SPARSE_ABOVE
        out = np.zeros((n, m if as_sparse else self.n_features_out), dtype=self.dtype)
        self._transform_numbers(_float_block(frame, self.numbers_), out[:, :m])
        at, rows, columns = m, [], []
        for name, known in self.categories_.items():
            code = label_codes(self._texts(frame, name), known)
            hit = np.flatnonzero(code >= 0)
            rows.append(hit)
            columns.append(at + code[hit])
            at += len(known)
        if not as_sparse:
            for i, j in zip(rows, columns):
                out[i, j] = 1
            return out
        i, j = np.concatenate(rows), np.concatenate(columns) - m
        hot = sp.csr_matrix((np.ones(len(i), dtype=self.dtype), (i, j)), shape=(n, at - m))
        return sp.hstack([sp.csr_matrix(out), hot], format="csr", dtype=self.dtype)

    def _names(self, d: int) -> list[str]:
        return self.numbers_ if self.kind_ == "table" else [str(i) for i in range(d)]


def _float_block(frame: Frame, names: list[str]) -> np.ndarray:
    """The numeric columns of a table as one array; missing values are nan."""
    return frame[names].to_numpy(dtype=np.float64) if names else np.empty((len(frame), 0))


def refuse_infinite(A: Matrix, names: list[str] | None = None) -> None:
    """ValueError that names column and row of the first infinite value of a matrix, dense or CSR."""
    if A.dtype.kind != "f":
        return
    if not isinstance(A, np.ndarray):
        bad = np.isinf(A.data)
        if bad.any():
            first = int(np.argmax(bad))
            row = int(np.searchsorted(A.indptr, first, side="right"))
            raise ValueError(f"column {str(A.indices[first])!r} has an infinite value in row {row}")
        return
    names = names or [str(j) for j in range(A.shape[1])]
    for i in range(0, len(A), 16 * BLOCK_ROWS):
        bad = np.isinf(A[i:i + 16 * BLOCK_ROWS])
        if bad.any():
            row, column = np.argwhere(bad)[0]
            raise ValueError(f"column {names[column]!r} has an infinite value in row {i + row + 1}")
