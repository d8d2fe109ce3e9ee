"""The loss and gradient of a linear model over a whole data set: fastopt.LinearObjective.

Used by solvers and on its own.  What users pass is checked here and in objective/_data.py; passes over X are in objective/_objective.pyx.
"""
from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt import losses
from fastopt._common.checks import flag, number
from fastopt._core.threads import checked_threads, threads_for

from ._data import column_statistics, matrix_of, targets_of, weights_of
from ._hessian import hessian
from ._line import Line
from ._objective import Objective
from ._problem import Problem, repeated
from ._views import Views

Array = NDArray[Any]

FEW_COLUMNS = 12   # whose whole Hessian takes no more readings of X than a Lanczos iteration


def predictions(X: Any, coef: Array, intercept: Array, n_threads: int | None = None) -> Array:
    """Raw predictions X·coefᵀ + intercept of X as `LinearObjective` takes it, without a copy: (n, k), in the type of the computation."""
    _, matrix, transposed = matrix_of(X)
    n, k = matrix.d if transposed else matrix.n, len(coef)
    n_threads = threads_for(n_threads, matrix.n * matrix.row_size * k)
    problem = Problem(matrix, np.zeros((n, k), matrix.dtype), None, n, losses.SquaredError(), k, True, transposed=transposed)
    objective = Objective(problem, 0.0, n_threads)
    return np.asarray(objective.predictions(np.concatenate([coef.ravel(), intercept])))


class LinearObjective(Views):
    """The objective of a linear model over a data set: F(w) = Σ sᵢ·loss(yᵢ, xᵢ·w + b)/Σ sᵢ + l2/2·‖w‖².

    Value and gradient come from one reading of X; predictions are kept, so that a product with the Hessian at the same point
    reads X once and a step along a line (`line`) not at all.  Results have the same bits for any number of threads.  The
    computation is done in float64 if X holds float64, else in float32, with sums over many samples in float64.

    Parameters
    ----------
    X : ndarray of shape (n, d), or CSR or CSC matrix or array
        Used where it lies.  An ndarray of any strides holds float32, float64, float16, int8 or uint8, which are converted in
        registers; sparse matrices hold float32 or float64, with indices of 32 or 64 bits.
    y : array_like of shape (n,) or (n, k)
        Targets as the loss takes them; the loss of a sample with k targets is the sum of theirs.  For `losses.Multinomial` the
        numbers 0 … k − 1 of classes, of shape (n,).  Copied to the type of the computation.
    loss : str or Loss, default='log_loss'
        A `Loss` or its name, also ``"multinomial"``: the cross-entropy of the softmax of k predictions.  It is kept as a `Loss`.
    l2 : float, at least 0, default=0.0
        Strength of the penalty, of the coefficients alone.  It may be changed between calls.
    fit_intercept : bool, default=False
        Whether predictions have an intercept b each.
    sample_weight : array_like of shape (n,), optional
        Weights s of the samples, at least 0.  Copied to the type of the computation.
    n_threads : int, optional
        At most so many threads; None: as many as allowed.
    standardize : bool, default=False
        Columns are standardized: (x − mean)/standard deviation, and x − mean where the deviation is 0; both are weighted by
        `sample_weight`.  X is neither changed nor copied, and sparse X stays sparse.  Sparse X is copied once, a number a stored
        value, while its means and deviations are found.

    Attributes
    ----------
    n_samples, n_features, n_outputs, n_params : int
        n, d, k and the number of parameters: k·d coefficients, (k, d) row by row, then k intercepts where there are any.
    dtype : dtype
        The type of the computation; values, weights and gradients are float64.
    passes : int
        How often X has been read.
    mean_, scale_ : ndarray of shape (d,), or None
        What standardizes the columns.

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

    It is what optimizers call:

    >>> import scipy.optimize
    >>> scipy.optimize.minimize(objective.value_and_gradient, np.zeros(2), jac=True).x.round(3)
    array([-0.404,  1.416])
    """

    def __init__(self, X: Any, y: ArrayLike, loss: str | losses.Loss = "log_loss", l2: float = 0.0, fit_intercept: bool = False,
                 sample_weight: ArrayLike | None = None, n_threads: int | None = None, *, standardize: bool = False) -> None:
        X, matrix, transposed = matrix_of(X)
        n = matrix.d if transposed else matrix.n
        loss = losses.get(loss)
        targets, k = targets_of(loss, y, n, matrix.dtype)
        weight, total = weights_of(sample_weight, n, matrix.dtype)
        checked_threads(n_threads)
        columns = column_statistics(X, matrix, weight) if flag("standardize", standardize) else None
        l2, fit_intercept = number("l2", l2, at_least=0), flag("fit_intercept", fit_intercept)
        super().__init__(Problem(matrix, targets, repeated(weight, targets, loss), total, loss, k, fit_intercept, columns, transposed,
                                 csc=X if transposed else None), l2, n_threads)

    @property
    def mean_(self) -> Array | None:
        return None if self.columns is None else self.columns.mean

    @property
    def scale_(self) -> Array | None:
        return None if self.columns is None else self.columns.scale

    def split(self, w: Array) -> tuple[Array, Array | None]:
        """The coefficients (k, d) and the intercepts (k,), or None without, in w: views.

        With `standardize` they are those of the standardized columns; `unstandardized` are those of X.

        Parameters
        ----------
        w : ndarray of shape (n_params,)

        Returns
        -------
        coef : ndarray of shape (n_outputs, n_features)
        intercept : ndarray of shape (n_outputs,), or None
        """
        if np.shape(w) != (self.n_params,):
            raise ValueError(f"w must have shape ({self.n_params},), got {np.shape(w)}")
        size = self.n_outputs * self.n_features
        return w[:size].reshape(self.n_outputs, self.n_features), w[size:] if self.fit_intercept else None

    def unstandardized(self, w: Array) -> tuple[Array, Array]:
        """The coefficients and the intercepts with which X as it is has the same predictions.

        Parameters
        ----------
        w : ndarray of shape (n_params,)

        Returns
        -------
        coef : ndarray of shape (n_outputs, n_features)
        intercept : ndarray of shape (n_outputs,)
        """
        coef, intercept = self.split(w)
        shift = np.zeros(self.n_outputs) if intercept is None else intercept
        if self.columns is None:
            return coef, shift
        mean, scale = self.columns
        coef = coef / scale
        return coef, shift - coef @ mean

    def curvature_bound(self) -> float:
        """A bound of the largest eigenvalue of the Hessian of the mean loss, without l2, at any w: for step sizes.

        It is the largest second derivative of the loss times the largest eigenvalue of Xᵀ·diag(s)·X/Σ s (with a column of ones
        where there are intercepts), which a Lanczos iteration finds to a percent or so, in some ten readings of X; two percent
        are added.  Infinite for losses without such a bound.

        Returns
        -------
        float
        """
        if not math.isfinite(self.loss.curvature):
            return math.inf
        problem, d = self.problem, self.n_features + self.fit_intercept
        zeros, squared = np.zeros((self.n_samples, 1), self.dtype), losses.SquaredError()
        squares = Objective(problem._replace(y=zeros, weight=problem.row_weight, loss=squared, n_outputs=1), 0.0, self.n_threads)
        zero = np.zeros(d)
        if d <= FEW_COLUMNS:
            columns = np.array([squares.hessp(zero, unit) for unit in np.eye(d)])
            return self.loss.curvature * float(np.linalg.eigvalsh(columns)[-1]) if np.isfinite(columns).all() else math.inf
        start = np.random.default_rng(0).standard_normal(d)
        first = squares.hessp(zero, start)
        if not first.any():   # where Lanczos has no way to go
            return 0.0
        if not np.isfinite(first).all():
            return math.inf
        from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh
        size = float(np.abs(first).max())   # near 1, tiny and huge numbers of X do no harm
        operator = LinearOperator((d, d), matvec=lambda v: squares.hessp(zero, v.ravel()) / size, dtype=np.float64)
        try:
            largest = eigsh(operator, 1, which="LA", v0=start, ncv=12, tol=1e-2, return_eigenvectors=False)[0]
        except ArpackError:   # power iterations always come to something
            for _ in range(30):
                start = operator.matvec(start / np.linalg.norm(start))
            largest = np.linalg.norm(start)
        return 1.02 * self.loss.curvature * size * float(largest)

    def hessian(self, w: ArrayLike) -> Array:
        """The Hessian of F at w: one reading of X; for a loss that couples outputs one for each pair of them.

        Parameters
        ----------
        w : array_like of shape (n_params,)

        Returns
        -------
        ndarray of shape (n_params, n_params)
        """
        if isinstance(self.loss, losses.WholeLoss):   # it need not be a sum over samples
            return np.array([self.hessp(w, unit) for unit in np.eye(self.n_params)])
        return hessian(self, np.asarray(w))

    def line(self, w: ArrayLike, direction: ArrayLike) -> Line:
        """F along a line: ``line(step)`` is (F(w + step·direction), its derivative in step), without a reading of X.

        ``line.accept(step)`` makes that point the one that the objective is at, and returns it.

        Parameters
        ----------
        w, direction : array_like of shape (n_params,)

        Returns
        -------
        Line
        """
        return Line(self, w, direction)
