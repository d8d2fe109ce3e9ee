"""The loss and gradient of a linear model over a whole data set: fastopt.LinearObjective.

Used by solvers and on its own.  What users pass is checked here; passes over X are in _objective.pyx.
"""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import losses
from ._checks import flag, number
from ._core import Matrix
from ._loss import _DOMAINS
from ._objective import Objective
from ._objective_line import Line
from ._threads import resolve_threads

Array = NDArray[Any]


class LinearObjective(Objective):
    """The objective of a linear model over a data set: F(w) = Σ sᵢ·loss(yᵢ, xᵢ·w + b)/Σ sᵢ + l2/2·‖w‖².

    Value and gradient come from one reading of X; predictions are kept, so that a product with the Hessian at the same point
    reads X once and a step along a line (`line`) not at all.  Results have the same bits for any number of threads.

    Parameters
    ----------
    X : ndarray of shape (n, d), CSR matrix or array
        float32 or float64, of any strides; used where it lies.
    y : array_like of shape (n,) or (n, k)
        Targets as the loss takes them; for ``"multinomial"`` the numbers 0 … k − 1 of classes.  Copied to the type of the
        computation.
    loss : str or Loss
        A name of ``losses.names()``, a `Loss`, or ``"multinomial"``: the cross-entropy of the softmax of k predictions.
    l2 : float, at least 0
        Strength of the penalty, of the coefficients alone.  It may be changed between calls.
    fit_intercept : bool
        Whether predictions have an intercept b each.
    sample_weight : array_like of shape (n,), optional
        Weights s of the samples, at least 0.
    n_threads : int, optional
        At most so many threads; None: as many as allowed.

    Attributes
    ----------
    n_samples, n_features, n_outputs, n_params : int
        n, d, k and the number of parameters: k·d coefficients, (k, d) row by row, then k intercepts where there are any.
    dtype : dtype
        The type of the computation; values, weights and gradients are float64.
    passes : int
        How often X has been read.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or shape, or elements outside their domain.

    Examples
    --------
    >>> import numpy as np
    >>> import fastopt as fo
    >>> X, y = np.array([[1.0, 2.0], [3.0, -1.0], [0.0, 1.0]]), np.array([1, 0, 1])
    >>> objective = fo.LinearObjective(X, y, loss="log_loss", l2=0.1)
    >>> value, gradient = objective.value_and_gradient(np.zeros(2))
    >>> round(value, 6), gradient.round(6)
    (0.693147, array([ 0.333333, -0.666667]))
    """

    loss: losses.Loss | str

    def __init__(self, X: Any, y: ArrayLike, loss: str | losses.Loss = "log_loss", l2: float = 0.0, fit_intercept: bool = False,
                 sample_weight: ArrayLike | None = None, n_threads: int | None = None, *, standardize: bool = False) -> None:
        matrix = X if isinstance(X, Matrix) else Matrix(X)
        self.loss = loss if isinstance(loss, str) and loss == "multinomial" else losses.get(loss)
        targets, k, spec = _targets(self.loss, y, matrix)
        weight, total = _weights(sample_weight, matrix, targets)
        resolve_threads(n_threads)
        flag("standardize", standardize)
        super().__init__(matrix, targets, weight, total, spec, k, number("l2", l2, at_least=0),
                         flag("fit_intercept", fit_intercept), n_threads)

    def split(self, w: Array) -> tuple[Array, Array | None]:
        """The coefficients (k, d) and the intercepts (k,), or None without, in w: views."""
        if np.shape(w) != (self.n_params,):
            raise ValueError(f"w must have shape ({self.n_params},), got {np.shape(w)}")
        size = self.n_outputs * self.n_features
        return w[:size].reshape(self.n_outputs, self.n_features), w[size:] if self.fit_intercept else None

    def rows(self, rows: ArrayLike) -> LinearObjective:
        """The objective of some of the rows: the same X, which is not copied, their targets and weights.

        Parameters
        ----------
        rows : array_like of int, of shape (m,)
            Numbers of rows, in any order, also repeated.

        Returns
        -------
        LinearObjective
        """
        chosen = np.asarray(rows)
        if chosen.ndim != 1 or not chosen.size or chosen.dtype.kind not in "iu":
            raise ValueError(f"rows must be a non-empty array of integers of shape (m,), got dtype {chosen.dtype}, shape {chosen.shape}")
        if not (0 <= chosen.min() and chosen.max() < self.n_samples):
            raise ValueError(f"rows must lie in 0 … {self.n_samples - 1}, got {chosen.min()} … {chosen.max()}")
        part = LinearObjective.__new__(LinearObjective)
        part.loss = self.loss
        Objective.__init__(part, *self._of_rows(chosen.astype(np.int32)))
        return part

    def line(self, w: ArrayLike, direction: ArrayLike) -> Line:
        """F along a line: ``line(step)`` is (F(w + step·direction), its derivative in step), without a reading of X.

        Parameters
        ----------
        w, direction : array_like of shape (n_params,)

        Returns
        -------
        Line
        """
        return Line(self, w, direction)


def _targets(loss: losses.Loss | str, y: ArrayLike, X: Matrix) -> tuple[Array, int, tuple[int, float, float]]:
    """Targets as the kernels take them, the number of outputs, the kind of the loss and its parameters."""
    values = np.asarray(y)
    if values.dtype.kind not in "fiub":
        raise TypeError(f"y must hold real numbers, got dtype {values.dtype}")
    if values.ndim not in (1, 2) or values.shape[0] != X.n:
        raise ValueError(f"y must have shape ({X.n},) or ({X.n}, k), got {values.shape}")
    if isinstance(loss, str):
        if values.ndim != 1 or (values != np.floor(values)).any() or values.min() < 0:
            raise ValueError("y must hold class numbers 0 … k − 1, of shape (n,), for loss='multinomial'")
        return np.ascontiguousarray(values, X.dtype), int(values.max()) + 1, (-1, 0.0, 0.0)
    words, test = _DOMAINS[loss.target]
    targets = np.ascontiguousarray(values, X.dtype).reshape(X.n, -1)
    bad = np.flatnonzero(~test(targets))
    if bad.size:
        raise ValueError(f"y must be {words}, got {targets.flat[bad[0]]} at index {bad[0] // targets.shape[1]}")
    return targets, targets.shape[1], loss.spec


def _weights(sample_weight: ArrayLike | None, X: Matrix, targets: Array) -> tuple[Array | None, float]:
    """The weights of targets, and the sum of those of samples."""
    if sample_weight is None:
        return None, float(X.n)
    weight = np.asarray(sample_weight, dtype=np.float64)
    if weight.shape != (X.n,):
        raise ValueError(f"sample_weight must have shape ({X.n},), got {weight.shape}")
    if not (np.isfinite(weight).all() and (weight >= 0).all() and weight.any()):
        raise ValueError("sample_weight must be finite and at least 0, and not all 0")
    weight = weight.astype(X.dtype)
    k = targets.shape[1] if targets.ndim == 2 else 1
    return np.repeat(weight, k) if k > 1 else weight, float(weight.sum(dtype=np.float64))
