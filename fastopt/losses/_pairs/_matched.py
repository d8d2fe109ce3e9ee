"""Losses of pairs of embeddings of which it is known which belong together: contrastive, and of cosines."""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fastopt._common.checks import choice, number
from fastopt._common.settings import Settings

from .. import _reduction
from .._base import Array, _array, _refuse
from . import _rows
from ._embeddings import Distances, Rows, embeddings


class MatchedLoss(Settings):
    """What losses of pairs that belong together or not have in common: the weighted mean over pairs of what their distance costs.

    The computation is done in the type of `a`, float32 or float64, in float64 if `a` holds neither.

    Attributes
    ----------
    name : str
        What it is called.
    params : dict
        The parameters.
    """

    margin: float
    reduction: str
    _distance: str
    _cost: str
    _apart: float   # y of pairs that do not belong together

    def __init_subclass__(cls) -> None:
        cls.__module__ = "fastopt.losses"

    def value(self, y: ArrayLike, a: ArrayLike, b: ArrayLike, sample_weight: ArrayLike | None = None) -> float | Array:
        """The loss.

        Parameters
        ----------
        y : array_like of shape (n,)
            1 where row i of a and of b belong together; else 0, or −1 for `CosineEmbedding`.
        a, b : array_like of shape (n, d)
            Embeddings.
        sample_weight : array_like of shape (n,), optional
            Weights of pairs; at least 0, not all 0.

        Returns
        -------
        float, or with reduction='none' an ndarray of shape (n,)

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong dtype or shape, or an element that is not finite or not one of those.
        """
        return self.value_and_gradient(y, a, b, sample_weight)[0]

    def gradient(self, y: ArrayLike, a: ArrayLike, b: ArrayLike, sample_weight: ArrayLike | None = None) -> tuple[Array, Array]:
        """Derivatives of `value`, or of its sum, in a and b.

        Parameters
        ----------
        y, a, b, sample_weight
            See `value`.

        Returns
        -------
        tuple of two ndarrays of shape (n, d)
        """
        return self.value_and_gradient(y, a, b, sample_weight)[1]

    def value_and_gradient(self, y: ArrayLike, a: ArrayLike, b: ArrayLike, sample_weight: ArrayLike | None = None
                           ) -> tuple[float | Array, tuple[Array, Array]]:
        """Both.

        Parameters
        ----------
        y, a, b, sample_weight
            See `value`.

        Returns
        -------
        value : float or ndarray of shape (n,)
        gradient : tuple of two ndarrays of shape (n, d)
        """
        a = embeddings("a", a)
        b = embeddings("b", b, a, "a")
        together = _array("y", y, a.dtype)
        if together.shape != (len(a),):
            raise ValueError(f"y must have shape ({len(a)},), one for each row of a, got {together.shape}")
        _refuse("y", together, f"1 or {self._apart:.0f}", lambda y: (y == 1) | (y == self._apart))
        factor = _reduction.factors(_reduction.weights(sample_weight, len(a), "pair"), self.reduction)
        rows = [Rows(x, self._distance == "cosine") for x in (a, b)]
        distances = Distances(self._distance, *rows)
        losses, slopes = np.empty(len(a), a.dtype), np.empty(len(a), a.dtype)
        _rows.apart(_rows.COSTS[self._cost], self.margin, together, distances.found, losses, slopes)
        in_a, in_b = np.zeros_like(a), np.zeros_like(a)
        distances.back(slopes * factor, in_a, in_b)
        value = _reduction.reduced(losses.astype(np.float64), factor, self.reduction, a.dtype)
        return value, (rows[0].back(in_a), rows[1].back(in_b))


class ContrastivePair(MatchedLoss):
    """Contrastive loss of pairs: ‖a − b‖²/2 where they belong together (y = 1), max(0, margin − ‖a − b‖)²/2 where they do not (y = 0).

    The paper's y is 1 for those that do not.  Where two rows are equal, their distance has the derivative 0.

    Parameters
    ----------
    margin : float, at least 0, default=1.0
        How far apart pairs are to be that do not belong together.
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns: the weighted mean over pairs, the sum, or the loss of each times its weight.

    References
    ----------
    R. Hadsell, S. Chopra and Y. LeCun (2006), Dimensionality reduction by learning an invariant mapping, CVPR.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.ContrastivePair(reduction="none").value([1, 0], [[0.0, 0.0], [0.0, 0.0]], [[3.0, 4.0], [0.0, 0.5]])
    array([12.5  ,  0.125])
    """

    name = "contrastive_pair"
    _distance, _cost, _apart = "euclidean", "contrastive", 0.0

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        self._keep({"margin": number("margin", margin, at_least=0), "reduction": choice("reduction", reduction, *_reduction.REDUCTIONS)})


class CosineEmbedding(MatchedLoss):
    """Cosine embedding loss of pairs: 1 − cos(a, b) where they belong together (y = 1), max(0, cos(a, b) − margin) where they do not (y = −1).

    A row of zeros has the cosine 0 with all, and no gradient.

    Parameters
    ----------
    margin : float, −1 … 1, default=0.0
        Cosines of pairs that do not belong together may be as large.
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns: the weighted mean over pairs, the sum, or the loss of each times its weight.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.CosineEmbedding(reduction="none").value([1, -1], [[1.0, 0.0], [1.0, 0.0]], [[0.0, 2.0], [3.0, 0.0]])
    array([1., 1.])
    """

    name = "cosine_embedding"
    _distance, _cost, _apart = "cosine", "cosine", -1.0

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        self._keep({"margin": number("margin", margin, at_least=-1, at_most=1),
                    "reduction": choice("reduction", reduction, *_reduction.REDUCTIONS)})
