"""An objective seen otherwise: without the means of its columns, with other targets, on the same X.

Used by objective/__init__.py, as a base.  Knows nothing of passes.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._centre import far_means
from ._data import matrix_of

if TYPE_CHECKING:
    from typing import Self

Array = NDArray[Any]


class Views:
    """What LinearObjective makes of itself for solvers."""

    X: Any
    y: Array
    weight: Array | None
    loss: Any
    columns: tuple[Array, Array] | None
    rows_: Array | None
    n_samples: int
    n_features: int
    n_outputs: int
    total: float
    l2: float
    fit_intercept: bool
    n_threads: int | None
    turned: bool
    dtype: Any
    _csc: Any
    _start: Any
    _centred: Self | bool | None = None   # False: itself

    def centred(self) -> Self:
        """The same objective with columns that count without their means, where some lie far from 0 beside their deviations.

        With an intercept c for each column changes nothing but the intercept, b + w·c; without means, sums keep their digits and
        gradients say how near the minimum is, whatever the origin of a column.  X is not copied: a few rows of it are looked at,
        and where that shows a column that is far, its means take a reading.

        Returns
        -------
        LinearObjective
            Itself where no column is far, without an intercept, and where columns are standardized.
        """
        if self._centred is None:
            weight = None if self.weight is None else self.weight.reshape(self.n_samples, -1)[:, 0]
            free = self.fit_intercept and self.columns is None
            means = far_means(self.X, self.turned, self.rows_, weight) if free else None
            self._centred = means is not None and self._like(self.y, (means, np.ones_like(means)))
        if not isinstance(self._centred, Views):
            return self
        self._centred.l2 = self.l2
        return self._centred

    def centred_copy(self) -> tuple[Self, Array | None]:
        """The same with a copy of dense X, for whom reads X itself, and the means that it is without; itself and None otherwise."""
        given = self.centred()
        if given is self or given.columns is None or self.X.is_sparse:
            return self, None
        other, mean = type(self).__new__(type(self)), given.columns[0]
        other.loss, other._csc = self.loss, None
        X = np.subtract(self.X.arrays, mean.astype(self.dtype), dtype=self.dtype)
        weight = None if self.weight is None else self.weight.reshape(self.n_samples, -1)[:, 0]
        other._start((matrix_of(X)[1], self.y, weight, self.total, self.n_outputs, self.l2, True, self.n_threads, None, False),
                     self.rows_)
        return other, mean.astype(self.dtype).astype(np.float64)

    def outputs(self, y: Array) -> Self:
        """The same objective with other targets, several for one.

        Parameters
        ----------
        y : ndarray of shape (n, k)
            As the loss takes them; copied to the type of the computation.

        Returns
        -------
        LinearObjective
        """
        return self._like(np.ascontiguousarray(y, dtype=self.dtype), self.columns)

    def _like(self, y: Array, columns: tuple[Array, Array] | None) -> Self:
        other, n = type(self).__new__(type(self)), self.n_samples
        k = self.n_outputs if y.shape == self.y.shape else y.shape[1]
        other.loss, other._csc = self.loss, self._csc
        weight = self.weight if self.weight is None or self.weight.size == n else self.weight.reshape(n, k)
        other._start((self.X, y, weight, self.total, k, self.l2, self.fit_intercept, self.n_threads, columns, self.turned), self.rows_)
        return other
