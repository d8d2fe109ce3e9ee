"""The cosine of targets and predictions that are vectors: parameters, checks, documentation.

Used through fastopt.losses.  It is no `Loss`: a row is one sample, and both inputs have gradients.  The mathematics is that of embeddings,
losses/_pairs.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fastopt._common.checks import choice
from fastopt._common.settings import Settings

from ._base import DOMAINS, Array, _array, _refuse, _same_shape
from ._pairs._embeddings import Distances, Rows
from ._reduction import weights_of


class CosineSimilarity(Settings):
    """Minus the cosine of the angle between each row of targets and its row of predictions: −1 where they point the same way, 1 against each other.

    The name, and the sign, are Keras's; PyTorch's `CosineEmbeddingLoss` of pairs that belong together is 1 more.  A row of zeros has no direction:
    its cosine is 0, and so is its gradient.

    Parameters
    ----------
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns.  The gradient is that of the mean or, for both others, of the sum.

    Attributes
    ----------
    name : str
        What it is called.
    params : dict
        The parameters.

    Examples
    --------
    >>> from fastopt import losses
    >>> cosine = losses.CosineSimilarity(reduction="none")
    >>> value, (in_y, in_p) = cosine.value_and_gradient([[3.0, 4.0], [1.0, 0.0]], [[6.0, 8.0], [0.0, 2.0]])
    >>> value + 0.0
    array([-1.,  0.])
    >>> in_p[1] + 0.0
    array([-0.5,  0. ])
    """

    name = "cosine_similarity"
    reduction: str

    def __init__(self, reduction: str = "mean") -> None:
        self._keep({"reduction": choice("reduction", reduction, "mean", "sum", "none")})

    def value(self, y: ArrayLike, p: ArrayLike, sample_weight: ArrayLike | None = None) -> float | Array:
        """The loss.

        Parameters
        ----------
        y : array_like of shape (…, d)
            Targets, a vector each.
        p : array_like, of the same shape
            Predictions.
        sample_weight : array_like of shape (…), optional
            At least 0, not all 0.

        Returns
        -------
        float, or with reduction='none' an ndarray of shape (…)

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong dtype or shape, or an element that is not finite.
        """
        return self._evaluate(y, p, sample_weight, False)[0]

    def gradient(self, y: ArrayLike, p: ArrayLike, sample_weight: ArrayLike | None = None) -> tuple[Array, ...]:
        """Derivatives of `value`, or of its sum, in both.

        Parameters
        ----------
        y, p, sample_weight
            See `value`.

        Returns
        -------
        tuple of two ndarrays of the shape of p
        """
        return self._evaluate(y, p, sample_weight, True)[1]

    def value_and_gradient(self, y: ArrayLike, p: ArrayLike, sample_weight: ArrayLike | None = None) -> tuple[float | Array, tuple[Array, ...]]:
        """Both in one pass.

        Parameters
        ----------
        y, p, sample_weight
            See `value`.

        Returns
        -------
        value : float or ndarray
        gradient : tuple of two ndarrays of the shape of p
        """
        return self._evaluate(y, p, sample_weight, True)

    def _evaluate(self, y: ArrayLike, p: ArrayLike, sample_weight: ArrayLike | None, wants_gradient: bool) -> tuple[float | Array, tuple[Array, ...]]:
        p = _array("p", p)
        if p.ndim == 0 or p.size == 0:
            raise ValueError(f"p must have shape (…, d), one vector or more, got {p.shape}")
        y = _same_shape("y", _array("y", y, p.dtype), p)
        for name, x in (("p", p), ("y", y)):
            _refuse(name, x, *DOMAINS["real"])
        weight, total = weights_of(sample_weight, p.shape[:-1], p.dtype, self.reduction, "vector of p")
        sides = [Rows(x.reshape(-1, p.shape[-1]), normalize=True) for x in (y, p)]
        against = Distances("against", *sides)
        each = against.found if weight is None else np.where(weight.ravel() > 0, against.found * weight.ravel(), 0)
        value = each.reshape(p.shape[:-1]) if self.reduction == "none" else float(each.sum(dtype=np.float64)) / total
        if not wants_gradient:
            return value, ()
        slopes = np.full(len(each), 1 / total, p.dtype) if weight is None else weight.ravel() / p.dtype.type(total)
        gradients = [np.zeros_like(side.x) for side in sides]
        against.back(slopes, *gradients)
        return value, tuple(side.back(gradient).reshape(p.shape) for side, gradient in zip(sides, gradients))


CosineSimilarity.__module__ = "fastopt.losses"
