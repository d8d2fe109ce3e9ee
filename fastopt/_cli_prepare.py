"""Raw columns made into the matrix that a linear model learns from: missing values, categories, scale.

`Preparer` is the first step of the pipeline that `fastopt train` fits and saves; it holds plain numbers and strings only,
so that a model file can keep it without running code when it is loaded.  Knows nothing of files or models.
"""
from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from ._cli_files import check_layout

MISSING = "(missing)"
MAX_VALUES = 100           # categories that get a column of their own; rarer ones share "none of these"
SPARSE_ABOVE = 512         # one-hot columns from which on the result is CSR
WILD = 10.0                # sparse columns are scaled only if some value is larger: tf-idf and one-hot stay as they are
ROWS = 4096                # rows worked on at a time


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

    Attributes
    ----------
    kind_ : {"dense", "sparse", "table"}
    numbers_ : list of str
        Numeric columns of a table.
    categories_ : dict of str to list of str
        The values of each string column that have a column in the result.
    fill_, center_, scale_ : ndarray of shape (n_numbers,)
        Value put where one is missing, mean and standard deviation (0 and 1 if `scale` is False).
    left_out_ : dict of str to str
        Columns of a table that were not used, and why.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt._cli_prepare import Preparer
    >>> Preparer().fit_transform(np.array([[1.0, 5.0], [3.0, np.nan]]))
    array([[-1.,  0.],
           [ 1.,  0.]], dtype=float32)
    """

    def __init__(self, scale=True, clip=5.0, dtype="float32"):
        self.scale = scale
        self.clip = clip
        self.dtype = dtype

    def fit(self, X, y=None):
        """Learn what is missing, which categories there are, and the scale of numbers."""
        self.numbers_, self.categories_, self.left_out_ = [], {}, {}
        self.n_features_in_ = X.shape[1]
        if sp.issparse(X):
            self.kind_ = "sparse"
            self._fit_sparse(X)
        elif hasattr(X, "columns"):
            self.kind_ = "table"
            self.feature_names_in_ = np.array([str(c) for c in X.columns], dtype=object)
            self._fit_table(X)
        else:
            self.kind_ = "dense"
            self._fit_numbers(np.asarray(X))
        return self

    def transform(self, X):
        """The matrix (n, d): float32 or float64; CSR for sparse input and for very many categories."""
        check_is_fitted(self)
        if X.shape[1] != self.n_features_in_:
            raise ValueError(f"X has {X.shape[1]} columns; expected {self.n_features_in_}")
        if self.kind_ == "sparse":
            return self._transform_sparse(sp.csr_matrix(X))
        if self.kind_ == "table":
            return self._transform_table(X)
        X = X.toarray() if sp.issparse(X) else np.asarray(X)
        return self._transform_numbers(X, np.empty(X.shape, dtype=self.dtype))

    def get_feature_names_out(self, input_features=None):
        """Names of the result's columns: ``age``, ``colour=red`` …"""
        if self.kind_ != "table":
            return np.array([f"x{i}" for i in range(self.n_features_in_)], dtype=object)
        hot = [f"{name}={value}" for name, values in self.categories_.items() for value in values]
        return np.array(self.numbers_ + hot, dtype=object)

    @property
    def n_features_out(self):
        """Columns of the result."""
        if self.kind_ != "table":
            return self.n_features_in_
        return len(self.numbers_) + sum(map(len, self.categories_.values()))

    # -- fit -----------------------------------------------------------------------------------------------------------

    def _fit_numbers(self, A):
        d = A.shape[1]
        _refuse_infinite(A, self._names(d))
        moments = StandardScaler()                      # leaves nan out; in parts, since it copies what it is given
        for i in range(0, len(A) if d else 0, 16 * ROWS):
            moments.partial_fit(np.asarray(A[i:i + 16 * ROWS], dtype=np.float64))
        mean, spread = (np.nan_to_num(moments.mean_), moments.scale_) if d else np.zeros((2, 0))
        self.fill_ = mean.copy()
        for j in np.flatnonzero(np.isnan(A).any(axis=0)) if A.dtype.kind == "f" else ():
            column = A[:, j]
            self.fill_[j] = np.median(column[~np.isnan(column)]) if not np.isnan(column).all() else 0.0
        self.center_ = mean if self.scale else np.zeros(d)
        self.scale_ = spread.copy() if self.scale else np.ones(d)
        self.scale_[~(self.scale_ > 0)] = 1.0

    def _fit_sparse(self, X):
        _refuse_infinite(X.data[:, None], ["X"])
        if np.isnan(X.data).any():
            raise ValueError("the sparse X has nan; expected numbers (leave an entry out where it is 0)")
        largest = np.ravel(abs(X).max(axis=0).toarray()) if X.shape[0] else np.zeros(X.shape[1])
        wild = self.scale and largest.size and largest.max() > WILD
        self.scale_ = np.where(largest > 0, largest, 1).astype(np.float64) if wild else np.ones(X.shape[1])
        self.center_ = self.fill_ = np.zeros(X.shape[1])

    def _fit_table(self, frame):
        import pandas as pd

        for name in frame.columns:
            column = frame[name]
            if column.isna().all():
                self.left_out_[name] = "no values"
            elif pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_timedelta64_dtype(column):
                self.left_out_[name] = "dates"
            elif pd.api.types.is_numeric_dtype(column):
                self.numbers_.append(name)
            else:
                self._fit_category(name, _strings(column))
        if not self.numbers_ and not self.categories_:
            raise ValueError(f"no column can be learnt from: {self.left_out_}")
        self._fit_numbers(_float_block(frame, self.numbers_))

    def _fit_category(self, name, values):
        distinct, counts = np.unique(values, return_counts=True)
        keep = np.argsort(-counts, kind="stable")[:MAX_VALUES]
        if len(distinct) > MAX_VALUES and counts[keep].sum() < len(values) / 2:
            self.left_out_[name] = f"{len(distinct)} different values"
        elif len(distinct) > 1:
            self.categories_[name] = sorted(distinct[keep].tolist())
        else:
            self.left_out_[name] = "one value only"

    # -- transform -----------------------------------------------------------------------------------------------------

    def _transform_numbers(self, A, out):
        """Fill out, ROWS rows at a time, worked in float64: large numbers less their mean must not cancel in float32."""
        _refuse_infinite(A, self._names(A.shape[1]))
        clip = self.clip if self.scale and self.clip else np.inf
        for i in range(0, len(A), ROWS):
            block = np.array(A[i:i + ROWS], dtype=np.float64)
            np.copyto(block, self.fill_, where=np.isnan(block))
            block -= self.center_
            block /= self.scale_
            out[i:i + ROWS] = np.clip(block, -clip, clip, out=block)
        return out

    def _transform_sparse(self, X):
        _refuse_infinite(X.data[:, None], ["X"])
        data = X.data if (self.scale_ == 1).all() else X.data / self.scale_[X.indices]
        return sp.csr_matrix((data.astype(self.dtype, copy=False), X.indices, X.indptr), shape=X.shape)

    def _transform_table(self, frame):
        m, n = len(self.numbers_), len(frame)
        as_sparse = self.n_features_out - m > SPARSE_ABOVE
        out = np.zeros((n, m if as_sparse else self.n_features_out), dtype=self.dtype)
        self._transform_numbers(_float_block(frame, self.numbers_), out[:, :m])
        at, rows, columns = m, [], []
        for name, known in self.categories_.items():
            values = _strings(frame[name])
            code = np.minimum(np.searchsorted(known, values), len(known) - 1)
            hit = np.flatnonzero(np.asarray(known)[code] == values)
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

    # -- model file ----------------------------------------------------------------------------------------------------

    def to_plain(self):
        """(dict that JSON can hold, arrays by name): all that `from_plain` needs."""
        plain = {"kind": self.kind_, "scale": self.scale, "clip": self.clip, "dtype": str(np.dtype(self.dtype)),
                 "n_features_in": self.n_features_in_, "numbers": self.numbers_, "categories": self.categories_,
                 "columns": [str(c) for c in self.feature_names_in_] if self.kind_ == "table" else None,
                 "left_out": self.left_out_, "layout": getattr(self, "layout_", None)}
        return plain, {"fill": self.fill_, "center": self.center_, "scale": self.scale_}

    @classmethod
    def from_plain(cls, plain, arrays):
        """The fitted step that `to_plain` described; ValueError if it is damaged."""
        try:
            _check_plain(plain, arrays)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"its preparing step is damaged ({error!r})") from None
        out = cls(scale=plain["scale"], clip=plain["clip"], dtype=plain["dtype"])
        out.kind_, out.n_features_in_, out.numbers_ = plain["kind"], plain["n_features_in"], plain["numbers"]
        out.categories_, out.left_out_ = plain["categories"], plain["left_out"]
        if out.kind_ == "table":
            out.feature_names_in_ = np.array(plain["columns"], dtype=object)
        out.fill_, out.center_, out.scale_ = arrays["fill"], arrays["center"], arrays["scale"]
        if plain["layout"] is not None:
            out.layout_ = plain["layout"]
        return out

    def _names(self, d):
        return self.numbers_ if self.kind_ == "table" else [str(i) for i in range(d)]


def _strings(column):
    """A column of a table as an array of str."""
    return column.astype(object).where(column.notna(), MISSING).astype(str).to_numpy(dtype=str)


def _float_block(frame, names):
    """The numeric columns of a table as one array; missing values are nan."""
    if not names:
        return np.empty((len(frame), 0))
    try:
        return frame[names].to_numpy(dtype=np.float64, na_value=np.nan)
    except (ValueError, TypeError):
        import pandas as pd

        for name in names:
            bad = frame[name][pd.to_numeric(frame[name], errors="coerce").isna() & frame[name].notna()]
            if len(bad):
                raise ValueError(f"column {name!r} held numbers in training, and here {str(bad.iloc[0])!r}") from None
        raise


def _refuse_infinite(A, names):
    """ValueError that names the column of the first infinite value."""
    if A.dtype.kind != "f":
        return
    for i in range(0, len(A), 16 * ROWS):
        bad = np.isinf(A[i:i + 16 * ROWS])
        if bad.any():
            row, column = np.argwhere(bad)[0]
            raise ValueError(f"column {names[column]!r} has an infinite value in row {i + row}")


def _check_plain(plain, arrays):
    """ValueError, KeyError or TypeError unless `plain` and `arrays` fit each other."""
    def texts(values):
        return isinstance(values, list) and all(isinstance(v, str) for v in values) and len(set(values)) == len(values)

    d, clip, layout = plain["n_features_in"], plain["clip"], plain["layout"]
    table = plain["kind"] == "table"
    checks = {
        "kind": plain["kind"] in ("dense", "sparse", "table") and isinstance(plain["scale"], bool),
        "clip": clip is None or isinstance(clip, float) and clip > 0,
        "dtype": plain["dtype"] in ("float32", "float64"),
        "size": type(d) is int and d > 0,
        "columns": not table or texts(plain["columns"]) and len(plain["columns"]) == d,
        "numbers": texts(plain["numbers"]) and (not table or set(plain["numbers"]) <= set(plain["columns"])),
        "categories": isinstance(plain["categories"], dict) and all(
            texts(v) and v and v == sorted(v) and c in plain["columns"] for c, v in plain["categories"].items()),
        "left_out": isinstance(plain["left_out"], dict) and all(isinstance(v, str) for v in plain["left_out"].values()),
        "layout": layout is None or check_layout(layout, d, plain["columns"]),
    }
    m = len(plain["numbers"]) if table else d
    for name in ("fill", "center", "scale"):
        a = arrays[name]
        checks[name] = a.dtype == np.float64 and a.shape == (m,) and bool(np.isfinite(a).all())
    checks["scale"] = checks["scale"] and bool((arrays["scale"] > 0).all())
    bad = [name for name, good in checks.items() if not good]
    if bad:
        raise ValueError(f"its preparing step is damaged ({', '.join(bad)})")
