"""Losses of rows of labels, each 0 or 1 by itself: by the overlap of a row with its targets, and by each label.

Used through fastopt.losses.  They are for networks and loops of one's own: objectives and estimators do not know them.  The mathematics is in
csrc/losses/overlap.h, and in csrc/losses/losses.h that of the log loss.
"""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastopt._common.checks import flag, number
from fastopt._common.settings import Settings
from fastopt._core.threads import resolve_threads

from . import _arrays
from ._base import DOMAINS, Array, _refuse, probability
from ._class_weights import Kept, by_class, kept
from ._classification import LogLoss
from ._rows import TargetRowLoss, rows_of

_LOG = LogLoss()


class LabelLoss(TargetRowLoss):
    """A loss of rows of k labels, `y` and raw predictions `p` of shape (n, k); `sample_weight` has shape (n,)."""

    target = "unit"
    convex = False
    plain = False

    def _keep(self, params: dict[str, Any], kernel: tuple[float, ...] = (), **derived: Any) -> None:
        """No kernel of `fo_loss` has its parameters."""
        Settings._keep(self, params, **derived)

    def _predict(self, p: Array) -> Array:
        return probability(rows_of(p))


class OverlapLoss(LabelLoss):
    """One minus the overlap of a row of σ = 1/(1 + exp(−p)) with its targets.

    The parameter smooth is in `params`; the attribute says of them, as of all losses, that the derivative is continuous.
    """

    #: what false positives and false negatives count, what is added to both sides of the fraction, whether the sums are of squares
    _fields: tuple[float, float, float, bool]

    def _run(self, y: Array, p: Array, weight: Array | None, factor: float, wants_value: bool, values: Array | None,
             gradient: Array | None) -> float:
        _refuse("p", p, *DOMAINS["real"])
        own = np.empty(len(p), p.dtype) if values is None else values
        _arrays.overlap(*self._fields, y, p, weight, factor, own, gradient, resolve_threads())
        if weight is not None:
            own *= weight
        return float(own.sum(dtype=np.float64))


class Tversky(OverlapLoss):
    """Tversky loss of a row of k labels: 1 − (T + smooth)/(T + alpha·F₊ + beta·F₋ + smooth), T = Σ σ·y, F₊ = Σ σ·(1 − y), F₋ = Σ (1 − σ)·y.

    σ = 1/(1 + exp(−p)) are the probabilities of the labels, of which each row is a picture or a set: `p` and `y`, numbers between 0 and 1, have
    shape (n, k), `sample_weight` and the result of `pointwise` (n,); pictures are reshaped to rows.

    Parameters
    ----------
    alpha : float, at least 0, default=0.5
        What false positives count.
    beta : float, at least 0, default=0.5
        What false negatives count: above alpha for more recall.
    smooth : float, at least 0, default=1.0
        What is added to both sides of the fraction: rows without a label have a loss, too.

    References
    ----------
    S. S. M. Salehi, D. Erdogmus and A. Gholipour (2017), Tversky loss function for image segmentation using 3D fully convolutional deep
    networks, MLMI, arXiv:1706.05721.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.Tversky(alpha=0.25, beta=0.75, smooth=0.0).value([[1.0, 0.0, 0.0, 1.0]], [[0.0, 0.0, 0.0, 0.0]])
    0.5
    """

    name = "tversky"
    alpha: float
    beta: float

    def __init__(self, alpha: float = 0.5, beta: float = 0.5, smooth: float = 1.0) -> None:
        alpha, beta, added = (number(key, value, at_least=0) for key, value in (("alpha", alpha), ("beta", beta), ("smooth", smooth)))
        self._keep({"alpha": alpha, "beta": beta, "smooth": added}, _fields=(alpha, beta, added, False), smooth=True)


class Dice(OverlapLoss):
    """Dice loss of a row of k labels: 1 − (2·Σ σ·y + smooth)/(Σ σ + Σ y + smooth), σ = 1/(1 + exp(−p)).

    `p` and `y`, numbers between 0 and 1, have shape (n, k), a picture or a set in each row, `sample_weight` and the result of `pointwise` (n,).

    Parameters
    ----------
    smooth : float, at least 0, default=1.0
        What is added to both sides of the fraction: rows without a label have a loss, too.
    squared : bool, default=False
        Σ σ² + Σ y² below, as in the paper.

    References
    ----------
    F. Milletari, N. Navab and S.-A. Ahmadi (2016), V-Net: fully convolutional neural networks for volumetric medical image segmentation, 3DV.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.Dice(smooth=0.0).pointwise([[1.0, 0.0], [1.0, 1.0]], [[0.0, 0.0], [50.0, 50.0]]).round(3)
    array([0.5, 0. ])
    """

    name = "dice"
    squared: bool

    def __init__(self, smooth: float = 1.0, squared: bool = False) -> None:
        added, squared = number("smooth", smooth, at_least=0), flag("squared", squared)
        self._keep({"smooth": added, "squared": squared}, _fields=(0.5, 0.5, added / 2, squared), smooth=True)


class MultilabelCrossEntropy(LabelLoss):
    """Mean cross-entropy of k labels of a row: −Σ (pos_weight_j·y_j·log σ_j + (1 − y_j)·log(1 − σ_j))/k, σ = 1/(1 + exp(−p)).

    `p` has shape (n, k), and so has `y`, whose labels are 0 or 1; `sample_weight` and the result of `pointwise` have shape (n,).

    Parameters
    ----------
    pos_weight : float at least 0, or array_like of shape (k,) of them, default=1.0
        What a label that is 1 weighs: above 1 for more recall, below for more precision.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.MultilabelCrossEntropy(pos_weight=[1.0, 3.0]).gradient([[0, 1]], [[0.0, 0.0]])
    array([[ 0.25, -0.75]])
    """

    name = "multilabel_cross_entropy"
    target = "sign"
    convex = True
    pos_weight: float | Kept

    def __init__(self, pos_weight: float | ArrayLike = 1.0) -> None:
        self._keep({"pos_weight": number("pos_weight", pos_weight, at_least=0) if np.ndim(pos_weight) == 0 else kept("pos_weight", pos_weight)})

    def _run(self, y: Array, p: Array, weight: Array | None, factor: float, wants_value: bool, values: Array | None,
             gradient: Array | None) -> float:
        _refuse("p", p, *DOMAINS["real"])
        k, positive = p.shape[1], self.pos_weight
        of_label = np.full(k, positive) if isinstance(positive, float) else by_class("pos_weight", positive, k, np.zeros(0, np.intp))
        own = (np.where(y == 1, of_label, 1) / k * (1 if weight is None else weight[:, None])).astype(p.dtype)
        each = None if values is None else np.empty_like(p)
        slopes = None if gradient is None else gradient.reshape(-1)
        total = _arrays.evaluate(_LOG.spec, y.reshape(-1), p.reshape(-1), own.reshape(-1), factor, wants_value,
                                 None if each is None else each.reshape(-1), slopes, resolve_threads())
        if values is not None and each is not None:
            np.einsum("ij,ij->i", own, each, out=values)
        assert total is not None   # y and p have been checked
        return total
