"""The losses of classification by one prediction: parameters and documentation.

Used through fastopt.losses.  What losses share is in losses/_base.py, their mathematics in csrc/losses/losses.h; losses of several
predictions are in losses/_row_losses.py.
"""
from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from fastopt._common.checks import flag, number
from fastopt._core.tables import LIKELIHOOD_NAMES
from fastopt._core.threads import resolve_threads

from . import _likelihood_blocks
from ._base import DOMAINS, Array, Loss, _flat, _refuse, probability

_PROBABILITY = LIKELIHOOD_NAMES.index("probability")
#: probabilities are cut to this and 1 less this
_CUT = 1e-7


class LogLoss(Loss):
    """Log loss of logistic regression: log(1 + exp(p)) − y·p, for a probability 1/(1 + exp(−p)).

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.LogLoss().gradient([1.0, 0.25], [0.0, 0.0])
    array([-0.25 ,  0.125])
    """

    name = "log_loss"
    curvature = 0.25


class Hinge(Loss):
    """Hinge loss of support vector machines: max(0, 1 − z), z = p for class 1 and −p for class 0.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.Hinge().pointwise([1, 0], [0.5, 0.5])
    array([0.5, 1.5])
    """

    name = "hinge"
    smooth = False


class SquaredHinge(Loss):
    """Squared hinge loss: max(0, 1 − z)², z = p for class 1 and −p for class 0.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.SquaredHinge().pointwise([1, 0], [0.5, 0.5])
    array([0.25, 2.25])
    """

    name = "squared_hinge"
    curvature = 2.0


class SmoothHinge(Loss):
    """Smooth hinge loss: 1/2 − z where z <= 0, (1 − z)²/2 up to z = 1, then 0; z = p for class 1 and −p for class 0.

    References
    ----------
    J. D. M. Rennie (2005), Smooth hinge classification.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.SmoothHinge().pointwise([1, 0], [0.5, 0.5])
    array([0.125, 1.   ])
    """

    name = "smooth_hinge"
    curvature = 1.0


class ModifiedHuber(Loss):
    """Modified Huber loss: max(0, 1 − z)² where z >= −1, else −4z; z = p for class 1 and −p for class 0.

    References
    ----------
    T. Zhang (2004), Solving large scale linear prediction problems using stochastic gradient descent, ICML.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.ModifiedHuber().pointwise([1, 1], [0.5, -2.0])
    array([0.25, 8.  ])
    """

    name = "modified_huber"
    curvature = 2.0

    def _predict(self, p: Array) -> Array:
        return (np.clip(p, -1, 1) + 1) / 2


class Perceptron(Loss):
    """Perceptron loss: max(0, −z), z = p for class 1 and −p for class 0.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.Perceptron().pointwise([1, 0], [0.5, 0.5])
    array([0. , 0.5])
    """

    name = "perceptron"
    smooth = False


class Exponential(Loss):
    """Exponential loss of boosting: exp(−z), z = p for class 1 and −p for class 0.

    The probability of class 1 is 1/(1 + exp(−2p)).

    References
    ----------
    J. Friedman, T. Hastie and R. Tibshirani (2000), Additive logistic regression, Annals of Statistics 28, 337–407.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.Exponential().gradient([1, 0], [0.0, 0.0])
    array([-0.5,  0.5])
    """

    name = "exponential"

    def _predict(self, p: Array) -> Array:
        return probability(2 * p)


class Focal(Loss):
    """Focal loss: the log loss times q^gamma, q = y·(1 − σ) + (1 − y)·σ, σ = 1/(1 + exp(−p)).

    Samples that are predicted well, of small q, count less.

    Parameters
    ----------
    gamma : float, at least 0, default=2.0
        0 is the log loss.
    alpha : float between 0 and 1, optional
        Weight of class 1; class 0 has weight 1 − alpha.  None: no weights.

    References
    ----------
    T.-Y. Lin et al. (2017), Focal loss for dense object detection, ICCV.

    Examples
    --------
    >>> from fastopt import losses
    >>> round(losses.Focal(gamma=2.0).value([1], [0.0]), 6)
    0.173287
    """

    name = "focal"
    convex = False
    gamma: float
    alpha: float | None

    def __init__(self, gamma: float = 2.0, alpha: float | None = None) -> None:
        gamma = number("gamma", gamma, at_least=0)
        if alpha is not None:
            alpha = number("alpha", alpha, at_least=0, at_most=1)
        self._keep({"gamma": gamma, "alpha": alpha}, (gamma, -1.0 if alpha is None else alpha))


class BinaryCrossEntropy(Loss):
    """Binary cross-entropy of raw scores: −pos_weight·y·log σ(p) − (1 − y)·log(1 − σ(p)); PyTorch's BCEWithLogitsLoss.

    Parameters
    ----------
    pos_weight : float above 0, default=1.0
        Weight of the positive part: above 1 for more recall, below for more precision.  1 is `LogLoss`.
    from_probabilities : bool, default=False
        Whether p holds the probabilities σ, from 0 to 1, in place of raw scores, as Keras's losses have it: cut to 1e-7 … 1 − 1e-7, beyond which the
        derivative is that at the cut.  Models learn raw scores, and do not take it.  `NLL` has the probabilities of several classes, too.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.BinaryCrossEntropy(pos_weight=3.0).gradient([1.0, 0.0], [0.0, 0.0])
    array([-0.75,  0.25])
    >>> losses.BinaryCrossEntropy(from_probabilities=True).gradient([1.0, 0.0], [0.5, 0.5])
    array([-1.,  1.])
    """

    name = "binary_cross_entropy"
    pos_weight: float
    from_probabilities: bool

    def __init__(self, pos_weight: float = 1.0, from_probabilities: bool = False) -> None:
        pos_weight = number("pos_weight", pos_weight, above=0)
        from_probabilities = flag("from_probabilities", from_probabilities)
        self._keep({"pos_weight": pos_weight, "from_probabilities": from_probabilities}, (pos_weight,),
                   curvature=math.inf if from_probabilities else 0.25 * max(pos_weight, 1.0), plain=not from_probabilities)

    def _at_once(self, y: ArrayLike, p: ArrayLike) -> tuple[float, Array] | None:
        return None if self.from_probabilities else super()._at_once(y, p)

    def _inputs(self, y: ArrayLike, p: ArrayLike) -> tuple[Array, Array]:
        y, p = super()._inputs(y, p)
        if self.from_probabilities:
            _refuse("p", p, "a probability, between 0 and 1", DOMAINS["unit"][1])
        return y, p

    def _run(self, y: Array, p: Array, weight: Array | None, factor: float, wants_value: bool, values: Array | None,
             gradient: Array | None) -> float:
        if not self.from_probabilities:
            return super()._run(y, p, weight, factor, wants_value, values, gradient)
        weight, values, gradient = (None if a is None else _flat(a) for a in (weight, values, gradient))
        threads = 1 if p.size < _likelihood_blocks.PARALLEL_FROM else resolve_threads()
        pos_weight, cut = np.array([[self.pos_weight], [_CUT]], p.dtype)
        sums = _likelihood_blocks.evaluate(_PROBABILITY, 0.0, _flat(y), _flat(p), pos_weight, cut, weight, factor, values, gradient, None, None,
                                           threads)
        if sums is None:
            _refuse("y", y, *DOMAINS[self.target])
            raise AssertionError("refused for no reason")
        return sums[0]

    def _predict(self, p: Array) -> Array:
        return np.copy(p) if self.from_probabilities else super()._predict(p)


class Poly(Loss):
    """Poly-1 loss: the log loss plus epsilon·q, q = y·(1 − σ) + (1 − y)·σ, σ = 1/(1 + exp(−p)).

    Convex in p up to epsilon = 1.

    Parameters
    ----------
    epsilon : float, at least −1, default=1.0
        What the first term of the log loss as a series in q gets beside its 1.  0 is the log loss.

    References
    ----------
    Z. Leng et al. (2022), PolyLoss: a polynomial expansion perspective of classification loss functions, ICLR.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.Poly(epsilon=2.0).gradient([1.0], [0.0])
    array([-1.])
    """

    name = "poly"
    epsilon: float

    def __init__(self, epsilon: float = 1.0) -> None:
        epsilon = number("epsilon", epsilon, at_least=-1)
        size = abs(epsilon)   # the second derivative is (1 − t²)·(1 + size·t)/4, t = tanh(|p|/2) or its negative
        t = 0.0 if size == 0 else (math.sqrt(1 + 3 * size * size) - 1) / (3 * size)
        self._keep({"epsilon": epsilon}, convex=size <= 1, curvature=0.25 * (1 - t * t) * (1 + size * t))
