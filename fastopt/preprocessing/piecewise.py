"""Piecewise linear encoding of numeric columns: edges of bins, and each number as how far it fills them.

Used by the face of the room.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from fastopt._common.rules import choice, integer
from fastopt._estimators.data import naming, refuse_unreal
from fastopt._estimators.params import check_parameters
from fastopt._estimators.types import Array, Features
from fastopt._estimators.unchanged import unchanged_on_error

if TYPE_CHECKING:
    from typing import Self

Edges = NDArray[np.float64]

#: elements of the result that are computed together: as many as stay in the cache
BLOCK = 1 << 15


class PiecewiseLinearEncoder(TransformerMixin, BaseEstimator):
    """Piecewise linear encoding: each numeric column becomes one column a bin, which says how far the number has filled that bin.

    With edges b_0 < … < b_T the column of bin t is (x − b_{t−1})/(b_t − b_{t−1}), cut to between 0 and 1: 0 below the bin, 1 above it.  The first
    is not cut below and the last not above, so that numbers beyond those seen are still told apart.  A linear model of these columns is a
    piecewise linear function of x; a small network learns tables better by them than by scaled numbers.  The columns of one number, times the
    widths of their bins, add up to it: nothing is lost, see `inverse_transform`.

    A column of two values has one bin, and becomes 0 and 1; a constant one has a bin of width 1 and becomes 0.

    Parameters
    ----------
    n_bins : int, at least 1, default=16
        Bins of a column at most; fewer where it has fewer values.
    strategy : {'quantile', 'distinct', 'uniform', 'both'}, default='quantile'
        Where edges are: at quantiles of the numbers, so that bins hold as many each; at quantiles of the distinct values, so that rare values far
        out have bins of their own; at equal distances; or, 'both', at those of the first two, up to twice as many bins.

    Attributes
    ----------
    bin_edges_ : list of n_features_in_ ndarrays
        Edges of the bins of each column, ascending, float64.
    n_bins_ : ndarray of shape (n_features_in_,)
        How many bins each column has.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has strings for names.

    References
    ----------
    Y. Gorishniy, I. Rubachev and A. Babenko (2022), On embeddings for numerical features in tabular deep learning, NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt.preprocessing import PiecewiseLinearEncoder
    >>> encoder = PiecewiseLinearEncoder(n_bins=2).fit([[0.0], [1.0], [2.0], [3.0], [10.0]])
    >>> encoder.bin_edges_
    [array([ 0.,  2., 10.])]
    >>> encoder.transform([[1.0], [6.0], [18.0]])
    array([[0.5, 0. ],
           [1. , 0.5],
           [1. , 2. ]])
    """

    _rules = {"n_bins": integer(1), "strategy": choice("quantile", "distinct", "uniform", "both")}
    bin_edges_: list[Edges]
    n_bins_: NDArray[np.int64]
    n_features_in_: int

    def __init__(self, n_bins: int = 16, strategy: str = "quantile") -> None:
        self.n_bins = n_bins
        self.strategy = strategy

    def fit(self, X: Features, y: object = None) -> Self:
        """Find the edges of all columns.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Numbers.
        y : Ignored
            Accepted for the sake of pipelines.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            If a parameter is not as described, or X holds what is no finite number; the message names it.
        """
        check_parameters(type(self).__name__, self._rules, vars(self))
        with unchanged_on_error(self):
            X = self._read(X, True)
            self.bin_edges_ = [_edges(column.astype(np.float64), int(self.n_bins), self.strategy) for column in X.T]
            self.n_bins_ = np.array([len(edges) - 1 for edges in self.bin_edges_])
        return self

    def transform(self, X: Features) -> Array:
        """The columns of all bins.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Numbers.

        Returns
        -------
        ndarray of shape (n_samples, sum of n_bins_)
            Of the type of X, float32 or float64.

        Raises
        ------
        TypeError, ValueError
            If X has other columns than in `fit`, or what is no finite number.
        """
        check_is_fitted(self)
        X = self._read(X, False)
        out = np.empty((X.shape[0], int(self.n_bins_.sum())), X.dtype)
        for column, edges, place in zip(X.T, self.bin_edges_, self._places()):
            _encode(column, edges, out[:, place])
        return out

    def inverse_transform(self, X: ArrayLike) -> Array:
        """The numbers whose columns these are, up to rounding.

        Parameters
        ----------
        X : array-like of shape (n_samples, sum of n_bins_)
            What `transform` returned.

        Returns
        -------
        ndarray of shape (n_samples, n_features_in_)
            Of the type of X, float32 or float64.

        Raises
        ------
        ValueError
            If X has other columns.
        """
        check_is_fitted(self)
        filled = np.asarray(X)
        filled = filled if filled.dtype == np.float32 else filled.astype(np.float64)
        if filled.ndim != 2 or filled.shape[1] != self.n_bins_.sum():
            raise ValueError(f"X must have shape (n_samples, {self.n_bins_.sum()}), a column for each bin, got {filled.shape}")
        columns = [edges[0] + filled[:, place] @ np.diff(edges) for edges, place in zip(self.bin_edges_, self._places())]
        return np.stack(columns, axis=1).astype(filled.dtype, copy=False)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Names of the columns of `transform`: those of X with the number of the bin behind.

        Parameters
        ----------
        input_features : array-like of str of shape (n_features_in_,), optional
            Names in place of those seen in `fit`, which they must equal; x0, x1, … where it saw none.

        Returns
        -------
        ndarray of str objects
        """
        from sklearn.utils.validation import _check_feature_names_in

        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        return np.array([f"{name}_{bin_}" for name, bins in zip(names, self.n_bins_) for bin_ in range(bins)], dtype=object)

    def _read(self, X: Features, reset: bool) -> Array:
        with naming("X"):
            refuse_unreal("X", X)
            found: Array = validate_data(self, X, reset=reset, dtype=[np.float64, np.float32])
        return found

    def _places(self) -> list[slice]:
        """The columns of `transform` that each column becomes."""
        ends = np.cumsum(self.n_bins_)
        return [slice(int(end - bins), int(end)) for end, bins in zip(ends, self.n_bins_)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _edges(x: Edges, bins: int, strategy: str) -> Edges:
    """Edges of the bins of a column, two or more."""
    values = np.unique(x)
    if len(values) == 1:
        low = values[0]
        return np.array([low, max(low + 1, np.nextafter(low, np.inf))])
    share = np.linspace(0, 1, bins + 1)
    found = [values[[0, -1]]]
    if len(values) > 2 and strategy in ("quantile", "both"):
        found.append(np.quantile(x, share))
    if len(values) > 2 and strategy in ("distinct", "both"):
        found.append(np.quantile(values, share))
    if len(values) > 2 and strategy == "uniform":
        found.append(values[0] * (1 - share) + values[-1] * share)
    return np.unique(np.concatenate(found))


def _encode(x: Array, edges: Edges, out: Array) -> None:
    """out = how far each number has filled each bin, a block of rows at a time."""
    bins = len(edges) - 1
    low, high = np.zeros(bins), np.ones(bins)
    low[0], high[-1] = -np.inf, np.inf
    unit, rows = 1.0 if edges[-1] / 2 - edges[0] / 2 <= np.finfo(edges.dtype).max / 2 else 0.5, max(1, BLOCK // bins)
    scaled = edges * unit   # of which no difference overflows
    width = np.diff(scaled)
    for first in range(0, len(x), rows):
        filled = (x[first:first + rows, None] * unit - scaled[:-1]) / width
        out[first:first + rows] = np.clip(filled, low, high, out=filled)
