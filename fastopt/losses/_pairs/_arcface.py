"""ArcFace: a softmax over the cosines of embeddings with a weight vector of each class, with a margin on the angle to the own class."""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fastopt._common.checks import choice, number
from fastopt._common.settings import Settings

from .. import _reduction
from .._base import Array, _refuse
from .._row_losses import Multinomial
from . import _rows
from ._embeddings import Rows, embeddings, labels_of, threads_for

_SOFTMAX = Multinomial()


class ArcFace(Settings):
    """Additive angular margin loss: the cross-entropy of scores s·cos θ_c, θ_c the angle to the weights of class c, θ_y + m for the own class.

    Where θ_y + m is beyond π, cos θ_y − m·sin m takes the place of cos(θ_y + m), so that it goes on falling.

    Parameters
    ----------
    s : float above 0, default=64.0
        The scale of cosines.
    m : float, 0 … π/2, default=0.5
        The margin, in radians.
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns: the weighted mean over rows, the sum, or the loss of each times its weight.

    Attributes
    ----------
    name : str
        What it is called.
    params : dict
        The parameters.

    References
    ----------
    J. Deng, J. Guo, N. Xue and S. Zafeiriou (2019), ArcFace: additive angular margin loss for deep face recognition, CVPR.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import losses
    >>> value, (in_p, in_w) = losses.ArcFace(s=1.0, m=0.0).value_and_gradient([0, 1], np.eye(2), np.eye(2))
    >>> round(value, 6), in_p.round(4)[0]                           # log(1 + 1/e)
    (0.313262, array([0.    , 0.1345]))
    """

    name = "arcface"
    s: float
    m: float
    reduction: str

    def __init__(self, s: float = 64.0, m: float = 0.5, reduction: str = "mean") -> None:
        self._keep({"s": number("s", s, above=0), "m": number("m", m, at_least=0, at_most=np.pi / 2),
                    "reduction": choice("reduction", reduction, *_reduction.REDUCTIONS)})

    def value(self, y: ArrayLike, p: ArrayLike, w: ArrayLike, sample_weight: ArrayLike | None = None) -> float | Array:
        """The loss.

        Parameters
        ----------
        y : array_like of int, of shape (n,)
            Classes, 0 … k − 1.
        p : array_like of shape (n, d)
            Embeddings.
        w : array_like of shape (k, d)
            Weights of the classes.
        sample_weight : array_like of shape (n,), optional
            Weights of rows; at least 0, not all 0.

        Returns
        -------
        float, or with reduction='none' an ndarray of shape (n,)

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong dtype or shape, an element that is not finite, or a class that is none.
        """
        return self.value_and_gradient(y, p, w, sample_weight)[0]

    def gradient(self, y: ArrayLike, p: ArrayLike, w: ArrayLike, sample_weight: ArrayLike | None = None) -> tuple[Array, Array]:
        """Derivatives of `value`, or of its sum, in the embeddings and in the weights of the classes.

        Parameters
        ----------
        y, p, w, sample_weight
            See `value`.

        Returns
        -------
        tuple of ndarrays of shapes (n, d) and (k, d)
        """
        return self.value_and_gradient(y, p, w, sample_weight)[1]

    def value_and_gradient(self, y: ArrayLike, p: ArrayLike, w: ArrayLike, sample_weight: ArrayLike | None = None
                           ) -> tuple[float | Array, tuple[Array, Array]]:
        """Both.

        Parameters
        ----------
        y, p, w, sample_weight
            See `value`.

        Returns
        -------
        value : float or ndarray of shape (n,)
        gradient : tuple of ndarrays of shapes (n, d) and (k, d)
        """
        p = embeddings("p", p)
        w = embeddings("w", np.asarray(w, p.dtype) if np.asarray(w).dtype.kind in "fiub" else w)
        if w.shape[1] != p.shape[1]:
            raise ValueError(f"w must have the columns of p, {p.shape[1]}, got shape {w.shape}")
        labels, n, k = labels_of(y, len(p)), len(p), len(w)
        if labels.dtype.kind not in "biu":
            raise TypeError(f"y must hold integers, got dtype {labels.dtype}")
        _refuse("y", labels, f"a class, 0 … {k - 1}", lambda y: (y >= 0) & (y < k))
        factor = _reduction.factors(_reduction.weights(sample_weight, n, "row of p"), self.reduction)
        rows, classes = Rows(p, True), Rows(w, True)
        scores, slopes, place = rows.x @ classes.x.T, np.empty(n, p.dtype), (np.arange(n), labels.astype(np.int64))
        _rows.arc(labels.astype(np.int32), self.s, self.m, scores, slopes, threads_for(scores.size))
        losses = _SOFTMAX.pointwise(labels, scores).astype(np.float64)
        in_cosine = _SOFTMAX.gradient(labels, scores)
        in_cosine *= (self.s * n * factor).astype(p.dtype)[:, None]   # a mean so far
        in_cosine[place] *= slopes
        value = _reduction.reduced(losses, factor, self.reduction, p.dtype)
        return value, (rows.back(in_cosine @ classes.x), classes.back(in_cosine.T @ rows.x))


ArcFace.__module__ = "fastopt.losses"
