"""Minus the log likelihood of who holds probabilities, not raw scores.

Used through fastopt.losses.  The mathematics is in csrc/likelihoods.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fastopt._common.checks import choice, number
from fastopt._core.tables import LIKELIHOOD_NAMES

from ._base import DOMAINS, Array, _array, _refuse
from ._likelihood_base import Likelihood


class NLL(Likelihood):
    """Minus the log likelihood of probabilities: −pos_weight·y·log(p) − (1 − y)·log(1 − p), or −log of the probability of a class.

    For who holds probabilities: raw scores have `BinaryCrossEntropy` and `Multinomial`, which neither cut nor round them off near 0 and 1.

    Parameters
    ----------
    pos_weight : float above 0, default=1.0
        Weight of the positive part, where p is one probability for each target.
    eps : float above 0 and below 0.5, default=1e-7
        p is cut to eps … 1 − eps, as Keras does; beyond, the derivative is that at the cut, so that a p that is wrong comes back.
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns.  The gradient is that of the mean or, for both others, of the sum.

    Examples
    --------
    >>> from fastopt import losses
    >>> nll = losses.NLL(reduction="none")
    >>> value, gradient = nll.value_and_gradient([1.0, 0.0], [0.5, 0.5])
    >>> value.round(4), gradient
    (array([0.6931, 0.6931]), array([-2.,  2.]))
    >>> nll.value([2], [[0.25, 0.25, 0.5]]).round(4)
    array([0.6931])
    """

    name = "nll"
    pos_weight: float
    eps: float
    _kind = LIKELIHOOD_NAMES.index("probability")
    _target = "unit"

    def __init__(self, pos_weight: float = 1.0, eps: float = 1e-7, reduction: str = "mean") -> None:
        self._keep({"pos_weight": number("pos_weight", pos_weight, above=0), "eps": number("eps", eps, above=0, below=0.5),
                    "reduction": choice("reduction", reduction, "mean", "sum", "none")})

    def value(self, y: ArrayLike, p: ArrayLike, sample_weight: ArrayLike | None = None) -> float | Array:
        """The loss.

        Parameters
        ----------
        y : array_like of the shape of p, or of int of shape (n,)
            Targets from 0 to 1; or the number of a class, 0 … k − 1, for each row of p.
        p : array_like
            Probabilities of a 1; or, of shape (n, k), of each class, whose sums are not looked at.
        sample_weight : array_like, of the shape of y, optional
            At least 0, not all 0.

        Returns
        -------
        float, or with reduction='none' an ndarray of the shape of y

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong dtype or shape, or an element that is no probability or no class.
        """
        return self._probable(y, p, sample_weight, False)[0]

    def gradient(self, y: ArrayLike, p: ArrayLike, sample_weight: ArrayLike | None = None) -> Array:
        """Derivative of `value`, or of its sum, in the probabilities.

        Parameters
        ----------
        y, p, sample_weight
            See `value`.

        Returns
        -------
        ndarray of the shape of p
        """
        return self._probable(y, p, sample_weight, True)[1]

    def value_and_gradient(self, y: ArrayLike, p: ArrayLike, sample_weight: ArrayLike | None = None) -> tuple[float | Array, Array]:
        """Both in one pass.

        Parameters
        ----------
        y, p, sample_weight
            See `value`.

        Returns
        -------
        value : float or ndarray of the shape of y
        gradient : ndarray of the shape of p
        """
        return self._probable(y, p, sample_weight, True)

    def _probable(self, y: ArrayLike, p: ArrayLike, sample_weight: ArrayLike | None, wants_gradient: bool) -> tuple[float | Array, Array]:
        share = _array("p", p)
        _refuse("p", share, "a probability, between 0 and 1", DOMAINS["unit"][1])
        if share.ndim != 2 or np.ndim(y) != 1:
            value, slopes = self._evaluate(y, share, self._settings(self.pos_weight), sample_weight, wants_gradient)
            return value, slopes[0] if slopes else share
        n, k = share.shape
        classes = _array("y", y)
        if classes.shape != (n,) or k == 0:
            raise ValueError(f"y must have shape ({n},), a class for each row of p, or that of p, {share.shape}, got {classes.shape}")
        _refuse("y", classes, f"the number of a class, 0 … {k - 1}", lambda c: (c >= 0) & (c < k) & (c == np.floor(c)))
        places = np.arange(n), classes.astype(np.int64)
        value, slopes = self._evaluate(np.ones(n, share.dtype), share[places], self._settings(1.0), sample_weight, wants_gradient)
        gradient = np.zeros_like(share)
        if slopes:
            gradient[places] = slopes[0]
        return value, gradient

    def _settings(self, pos_weight: float) -> dict[str, ArrayLike]:
        """What the kernel takes in place of a scale and a shape; nothing is learnt of them."""
        return {"pos_weight": pos_weight, "eps": self.eps}
