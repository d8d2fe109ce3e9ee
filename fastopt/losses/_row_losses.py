"""The losses of all predictions of a row: parameters and documentation.

Used through fastopt.losses.  What they share is in losses/_rows.py, their mathematics in csrc/losses/row_losses.h.
"""
from __future__ import annotations

import math

import numpy as np

from fastopt._common.checks import integer, number

from ._base import DOMAINS, Array, _array, _refuse
from ._rows import ClassLoss, RowLoss, TargetRowLoss, rows_of, softmax


class Multinomial(ClassLoss):
    """Cross-entropy of the softmax of k predictions, the loss of multinomial logistic regression: log Σ exp(p_j) − p_y.

    It is a loss of all predictions of a sample together: `p` has shape (n, k), a column for each class, `y` holds the numbers
    0 … k − 1 of the classes, of shape (n,), as `sample_weight` and the result of `pointwise` are.  `predict` gives the
    probabilities of the classes, of shape (n, k).  What all predictions of a sample have in common changes nothing.  Estimators
    that learn one output at a time take `LogLoss` instead, one class against the rest.

    Parameters
    ----------
    label_smoothing : float, at least 0 and below 1, default=0.0
        Share of a sample that counts for all classes alike, its own among them; the rest counts for its own.

    References
    ----------
    C. Szegedy et al. (2016), Rethinking the inception architecture for computer vision, CVPR: label smoothing.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.Multinomial().gradient([0, 2], [[0.0, 0.0, 0.0], [0.0, 0.0, 1000.0]]).round(3)
    array([[-0.333,  0.167,  0.167],
           [ 0.   ,  0.   ,  0.   ]])
    >>> losses.Multinomial(label_smoothing=0.3).gradient([0], [[0.0, 0.0, 0.0]]).round(3)
    array([[-0.467,  0.233,  0.233]])
    """

    name = "multinomial"
    curvature = 0.5
    label_smoothing: float

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self._keep({"label_smoothing": number("label_smoothing", label_smoothing, at_least=0, below=1)})


class SoftmaxFocal(ClassLoss):
    """Focal loss of k classes: −alpha·(1 − π_y)^gamma·log π_y, π the softmax of the k predictions of a row.

    Samples that are predicted well count less.  `p` has shape (n, k), `y` holds the numbers of the classes, of shape (n,); `predict` gives
    π, of shape (n, k).  Not convex.

    Parameters
    ----------
    gamma : float, at least 0, default=2.0
        0 is `Multinomial`.
    alpha : float, at least 0, default=1.0
        What all classes weigh; classes of their own weights have them by `sample_weight`, and by `class_weight` of estimators.

    References
    ----------
    T.-Y. Lin et al. (2017), Focal loss for dense object detection, ICCV.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.SoftmaxFocal(gamma=2.0).pointwise([0, 0], [[0.0, 0.0], [1.0, 0.0]]).round(4)
    array([0.1733, 0.0227])
    """

    name = "softmax_focal"
    convex = False
    gamma: float
    alpha: float

    def __init__(self, gamma: float = 2.0, alpha: float = 1.0) -> None:
        self._keep({"gamma": number("gamma", gamma, at_least=0), "alpha": number("alpha", alpha, at_least=0)})


class SoftmaxPoly(ClassLoss):
    """Poly-1 loss of k classes: −log π_y + epsilon·(1 − π_y), π the softmax of the k predictions of a row.

    `p` has shape (n, k), `y` holds the numbers of the classes, of shape (n,); `predict` gives π, of shape (n, k).  Convex in p up to
    epsilon = 1.

    Parameters
    ----------
    epsilon : float, at least −1, default=1.0
        What the first term of the log loss as a series in 1 − π_y gets beside its 1.  0 is `Multinomial`.

    References
    ----------
    Z. Leng et al. (2022), PolyLoss: a polynomial expansion perspective of classification loss functions, ICLR.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.SoftmaxPoly(epsilon=2.0).gradient([0], [[0.0, 0.0]])
    array([[-1.,  1.]])
    """

    name = "softmax_poly"
    epsilon: float

    def __init__(self, epsilon: float = 1.0) -> None:
        epsilon = number("epsilon", epsilon, at_least=-1)
        most = 0.5 * (1 + epsilon) if epsilon > 0 else 0.5 - 8 / 27 * epsilon   # (1 + ε·π_y)/2, and −ε·π_y·‖π − e_y‖² below 0
        self._keep({"epsilon": epsilon}, convex=epsilon <= 1, curvature=most)


class Sparsemax(ClassLoss):
    """Sparsemax loss of k classes: ‖s − e_y‖²/2 + max(0, τ − p_y), s = max(p − τ, 0) the projection of a row of p onto the shares.

    It is the loss whose gradient is s − e_y: s, which `predict` gives, are shares of which many are 0, and the loss is 0 where p_y is by 1
    above all others.  `p` has shape (n, k), `y` holds the numbers of the classes, of shape (n,).

    References
    ----------
    A. F. T. Martins and R. F. Astudillo (2016), From softmax to sparsemax: a sparse model of attention and multi-label classification, ICML.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.Sparsemax().predict([[0.0, 0.5, -2.0]])
    array([[0.25, 0.75, 0.  ]])
    >>> losses.Sparsemax().value([1], [[0.0, 0.5, -2.0]])
    0.0625
    """

    name = "sparsemax"
    curvature = 1.0

    def _predict(self, p: Array) -> Array:
        p = _array("p", rows_of(p))
        if not p.size:
            return p.copy()
        top, shares = p.argmax(axis=1), np.empty_like(p)
        self._run(top.astype(p.dtype), p, None, 1.0, False, None, shares)
        shares[np.arange(len(p)), top] += 1   # of the largest share, which is at least 1/k
        return shares


class _ClassHinge(ClassLoss):
    """Hinges of k classes, which give a class, and no probabilities."""

    smooth = False

    def _predict(self, p: Array) -> Array:
        return np.asarray(rows_of(p).argmax(axis=1))


class CrammerSinger(_ClassHinge):
    """Hinge loss of k classes by the strongest other class: max(0, 1 + max_{j ≠ y} p_j − p_y).

    `p` has shape (n, k), `y` holds the numbers of the classes, of shape (n,); `predict` gives them.

    References
    ----------
    K. Crammer and Y. Singer (2001), On the algorithmic implementation of multiclass kernel-based vector machines, JMLR 2, 265–292.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.CrammerSinger().value_and_gradient([0], [[1.0, 0.5, 0.25]])
    (0.5, array([[-1.,  1.,  0.]]))
    """

    name = "crammer_singer"


class WestonWatkins(_ClassHinge):
    """Hinge loss of k classes by all other classes: Σ_{j ≠ y} max(0, 1 + p_j − p_y).

    `p` has shape (n, k), `y` holds the numbers of the classes, of shape (n,); `predict` gives them.

    References
    ----------
    J. Weston and C. Watkins (1999), Support vector machines for multi-class pattern recognition, ESANN.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.WestonWatkins().value_and_gradient([0], [[1.0, 0.5, 0.25]])
    (0.75, array([[-2.,  1.,  1.]]))
    """

    name = "weston_watkins"


class QuantileLevels(RowLoss):
    """Mean quantile loss of several levels of one target, which do not cross: t_0 = p_0, t_j = t_{j−1} + log(1 + exp(p_j)).

    The levels go in even steps from `low` to `high`.  The first prediction of a row is the quantile of the lowest level; each other one
    says how far the next quantile is above the one before.  `p` has shape (n, n_levels), `y` one real number a row, of shape (n,); `predict`
    gives the quantiles t, of shape (n, n_levels), in ascending order.

    Parameters
    ----------
    low : float between 0 and 1, default=0.1
        The lowest level.
    high : float between low and 1, default=0.9
        The highest level.
    n_levels : int, at least 1, default=9
        How many; one alone is the level halfway.

    References
    ----------
    R. Koenker and G. Bassett (1978), Regression quantiles, Econometrica 46, 33–50.
    Y. Park et al. (2022), Learning quantile functions without quantile crossing for distribution-free time series forecasting, AISTATS.

    Examples
    --------
    >>> from fastopt import losses
    >>> loss = losses.QuantileLevels(0.25, 0.75, 3)
    >>> loss.levels
    (0.25, 0.5, 0.75)
    >>> loss.predict([[1.0, 0.0, -50.0]]).round(3)
    array([[1.   , 1.693, 1.693]])
    """

    name = "quantile_levels"
    convex = smooth = False
    low: float
    high: float
    n_levels: int

    def __init__(self, low: float = 0.1, high: float = 0.9, n_levels: int = 9) -> None:
        low = number("low", low, at_least=0, at_most=1)
        high = number("high", high, at_least=low, at_most=1)
        self._keep({"low": low, "high": high, "n_levels": integer("n_levels", n_levels, 1)}, (low, high))

    @property
    def levels(self) -> tuple[float, ...]:
        """The levels, in ascending order."""
        if self.n_levels == 1:
            return ((self.low + self.high) / 2,)
        return tuple(self.low + j * (self.high - self.low) / (self.n_levels - 1) for j in range(self.n_levels))

    def _check_rows(self, y: Array, p: Array) -> Array:
        if p.shape[1] != self.n_levels:
            raise ValueError(f"p must have shape (n, {self.n_levels}), a prediction for each level, got {p.shape}")
        if y.shape != p.shape[:1]:
            raise ValueError(f"y must have shape ({len(p)},), a number for each row of p, got {y.shape}")
        _refuse("y", y, *DOMAINS["real"])
        return y.astype(p.dtype, copy=False)

    def _outputs(self, y: Array) -> int:
        if y.ndim != 1:
            raise ValueError(f"y must have shape (n,), one number a row, for loss={self.name!r}, got {y.shape}")
        _refuse("y", y, *DOMAINS["real"])
        return self.n_levels

    def _predict(self, p: Array) -> Array:
        p = rows_of(p)
        steps = np.logaddexp(0, p)
        steps[:, 0] = p[:, 0]
        return np.cumsum(steps, axis=1)


class KLDivergence(TargetRowLoss):
    """Kullback–Leibler divergence of shares from targets: Σ y_j·log(y_j/π_j), π the softmax of the k predictions of a row.

    `p` has shape (n, k), and so has `y`, whose rows are numbers of at least 0 with the sum 1; logarithms of probabilities may be given as p:
    their softmax leaves them as they are.  `sample_weight` and the result of `pointwise` have shape (n,); `predict` gives π.

    References
    ----------
    S. Kullback and R. A. Leibler (1951), On information and sufficiency, Annals of Mathematical Statistics 22, 79–86.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.KLDivergence().gradient([[0.25, 0.75]], [[0.0, 0.0]])
    array([[ 0.25, -0.25]])
    """

    name = "kl_divergence"
    curvature = 0.5

    def __init__(self) -> None:
        self._keep({}, (1.0, 0.0))

    def _predict(self, p: Array) -> Array:
        return softmax(p)


class GeneralizedKL(TargetRowLoss):
    """Generalised Kullback–Leibler divergence of amounts: Σ y_j·log(y_j/m_j) − y_j + m_j, m = exp(p), of the k predictions of a row.

    `p` holds logarithms of amounts or of probabilities, of shape (n, k), and `y` numbers of at least 0, of the same shape, whose rows may
    have any sum.  `sample_weight` and the result of `pointwise` have shape (n,); `predict` gives m.

    References
    ----------
    D. D. Lee and H. S. Seung (2001), Algorithms for non-negative matrix factorization, NeurIPS 13.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.GeneralizedKL().gradient([[2.0, 0.5]], [[0.0, 0.0]])
    array([[-1. ,  0.5]])
    """

    name = "generalized_kl"
    curvature = math.inf

    def _predict(self, p: Array) -> Array:
        return np.exp(rows_of(p))
