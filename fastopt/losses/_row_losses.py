"""The losses of all predictions of a row: parameters and documentation.

Used through fastopt.losses.  What they share is in losses/_rows.py, their mathematics in csrc/losses/row_losses.h.
"""
from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from fastopt._common.checks import LARGEST, integer, number

from ._base import DOMAINS, KINDS, Array, Reduction, _array, _refuse, _same_shape
from ._class_weights import Kept, by_class, kept
from ._rows import ClassLoss, RowLoss, TargetRowLoss, check_targets, rows_of, softmax

if TYPE_CHECKING:
    from fastopt._core.own_loss import LossSpec


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
    ignore_index : int, optional
        A label of rows whose loss and gradient are 0 and which do not count in the mean: PyTorch's is −100.
    class_weight : array_like of shape (k,), dict or 'balanced', optional
        Weights of the classes, by their numbers in a dict, whose others weigh 1; 'balanced': n/(k·n_y) of the labels of each call.
        They multiply `sample_weight`, so that the mean is divided by the sum of both, as PyTorch's is.

    Notes
    -----
    Soft targets are rows of shares, `y` of shape (n, k), each at least 0, with the sum 1: the loss is log Σ exp(p_j) − Σ y_j·p_j.  They have no
    class to weigh, so that `class_weight` is refused.  An objective takes them by `KLDivergence`, which has the same gradient.  Objectives
    and estimators have weights of their own, and refuse a loss with `class_weight` or `ignore_index`.  It is also called
    `SoftmaxCrossEntropy`.

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
    >>> losses.Multinomial(ignore_index=-100).value([0, -100], [[0.0, 0.0], [5.0, 0.0]], reduction="none").round(3)
    array([0.693, 0.   ])
    >>> losses.Multinomial().gradient([[0.25, 0.75]], [[0.0, 0.0]])
    array([[ 0.25, -0.25]])
    """

    name = "multinomial"
    curvature = 0.5
    label_smoothing: float
    ignore_index: int | None
    class_weight: Kept

    def __init__(self, label_smoothing: float = 0.0, ignore_index: int | None = None,
                 class_weight: ArrayLike | Mapping[int, float] | str | None = None) -> None:
        label_smoothing = number("label_smoothing", label_smoothing, at_least=0, below=1)
        if ignore_index is not None:
            ignore_index = integer("ignore_index", ignore_index, -LARGEST)
        weights = kept("class_weight", class_weight)
        self._keep({"label_smoothing": label_smoothing, "ignore_index": ignore_index, "class_weight": weights}, (label_smoothing, 0.0),
                   plain=ignore_index is None and weights is None)

    def _prepare(self, y: ArrayLike, p: ArrayLike, sample_weight: ArrayLike | None, reduction: Reduction) -> tuple[Array, Array, Array | None, float]:
        labels = _array("y", y)
        if self.plain or labels.ndim == 2:
            if self.class_weight is not None:
                raise ValueError("y must hold the numbers of classes with class_weight, got soft targets of shape (n, k)")
            return super()._prepare(labels, p, sample_weight, reduction)
        ignored = np.zeros(labels.shape, bool) if self.ignore_index is None else labels == self.ignore_index
        y, p = self._inputs(np.where(ignored, 0, labels), p)
        weight, _ = self._weights(sample_weight, p, reduction)
        of_classes = by_class("class_weight", self.class_weight, p.shape[1], y[~ignored].astype(np.intp))
        own = np.where(ignored, 0, of_classes[y.astype(np.intp)]).astype(p.dtype)
        own = own if weight is None else own * weight
        total = float(own.sum(dtype=np.float64)) if reduction == "mean" else 1.0
        if total == 0:
            raise ValueError("y must hold a class that counts, got ignore_index or a weight of 0 in each row")
        return y, p, own, total

    def _check_rows(self, y: Array, p: Array) -> Array:
        if y.ndim != 2:
            return super()._check_rows(y, p)
        check_targets("shares", _same_shape("y", y, p))
        return y.astype(p.dtype, copy=False)

    def _spec_of(self, y: Array) -> LossSpec:
        return self.spec if y.ndim == 1 else (KINDS.index("kl_divergence"), 0.0, self.label_smoothing)


class SoftmaxFocal(ClassLoss):
    """Focal loss of k classes: −alpha·(1 − π_y)^gamma·log π_y, π the softmax of the k predictions of a row.

    Samples that are predicted well count less.  `p` has shape (n, k), `y` holds the numbers of the classes, of shape (n,); `predict` gives
    π, of shape (n, k).  Not convex.

    Parameters
    ----------
    gamma : float, at least 0, default=2.0
        0 is `Multinomial`.
    alpha : float at least 0, or array_like of shape (k,) of them, default=1.0
        What all classes weigh, or each.  The mean is divided by the number of samples nevertheless, or by the sum of `sample_weight`.
        Objectives and estimators take one number; classifiers have `class_weight`.

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
    alpha: float | Kept

    def __init__(self, gamma: float = 2.0, alpha: float | ArrayLike = 1.0) -> None:
        gamma, one = number("gamma", gamma, at_least=0), np.ndim(alpha) == 0
        weights = number("alpha", alpha, at_least=0) if one else kept("alpha", alpha)
        self._keep({"gamma": gamma, "alpha": weights}, (gamma, weights if isinstance(weights, float) else 1.0), plain=one)

    def _prepare(self, y: ArrayLike, p: ArrayLike, sample_weight: ArrayLike | None, reduction: Reduction) -> tuple[Array, Array, Array | None, float]:
        y, p, weight, total = super()._prepare(y, p, sample_weight, reduction)
        if not isinstance(self.alpha, float):
            labels = y.astype(np.intp)
            own = by_class("alpha", self.alpha, p.shape[1], labels)[labels].astype(p.dtype)
            weight = own if weight is None else own * weight
        return y, p, weight, total


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
        low = number("low", low, above=0, below=1)
        high = number("high", high, at_least=low, below=1)
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
    shift_invariant = True

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
