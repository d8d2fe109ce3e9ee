"""The losses: their names, parameters and documentation.

Used by objectives and estimators, and on their own.  What they share is in _loss.py, their mathematics in csrc/losses.h.
"""
import difflib
import inspect
import math

import numpy as np

from fastopt._core import LOSS_NAMES
from fastopt._loss import Loss, number, probability, registry

__all__ = ["Loss", "get", "names"]


def get(name, **params):
    """The loss of that name.

    Parameters
    ----------
    name : str or Loss
        One of ``losses.names()``; a `Loss` is returned as it is.
    **params
        Parameters of that loss.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.get("huber", delta=2.0)
    Huber(delta=2.0)
    """
    if isinstance(name, Loss) and not params:
        return name
    if not isinstance(name, str):
        raise TypeError(f"name must be a string or, without parameters, a Loss; got {name!r}")
    if name not in registry:
        near = difflib.get_close_matches(name, registry, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"they are {', '.join(names())}"
        raise ValueError(f"there is no loss {name!r}: {hint}")
    loss = registry[name]
    known = inspect.signature(loss).parameters
    for key in params.keys() - known.keys():
        raise TypeError(f"{name} takes {', '.join(known) or 'no parameters'}, got {key}")
    return loss(**params)


def names():
    """Names of all losses.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.names()[:3]
    ['squared_error', 'absolute_error', 'huber']
    """
    return list(LOSS_NAMES)


class SquaredError(Loss):
    """Half the squared error: (p − y)²/2, for the mean.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.SquaredError().value([1.0, 2.0], [1.5, 2.5])
    0.125
    """

    name = "squared_error"


class AbsoluteError(Loss):
    """Absolute error: |p − y|, for the median.  Its derivative at p = y is taken as −1, as in scikit-learn.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.AbsoluteError().value([1.0, 2.0], [1.5, 2.5])
    0.5
    """

    name = "absolute_error"


class Huber(Loss):
    """Huber loss of r = p − y: r²/2 where |r| <= delta, else delta·(|r| − delta/2).

    Parameters
    ----------
    delta : float above 0
        Where the loss turns from quadratic to linear.

    References
    ----------
    P. J. Huber (1964), Robust estimation of a location parameter, Annals of Mathematical Statistics 35, 73–101.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.Huber(delta=1.0).gradient([0.0, 0.0], [0.5, 4.0])
    array([0.25, 0.5 ])
    """

    name = "huber"

    def __init__(self, delta=1.35):
        self._keep({"delta": number("delta", delta, above=0)})


class Quantile(Loss):
    """Pinball loss: quantile·(y − p) where p <= y, else (1 − quantile)·(p − y), for a quantile.

    Parameters
    ----------
    quantile : float between 0 and 1
        The quantile that p estimates.

    References
    ----------
    R. Koenker and G. Bassett (1978), Regression quantiles, Econometrica 46, 33–50.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.Quantile(quantile=0.9).pointwise([1.0, 1.0], [0.0, 2.0])
    array([0.9, 0.1])
    """

    name = "quantile"

    def __init__(self, quantile=0.5):
        self._keep({"quantile": number("quantile", quantile, above=0, below=1)})


class EpsilonInsensitive(Loss):
    """Epsilon-insensitive loss of support vector regression: max(0, |p − y| − epsilon).

    Parameters
    ----------
    epsilon : float, at least 0
        Errors up to this size cost nothing.

    References
    ----------
    V. Vapnik (1995), The Nature of Statistical Learning Theory, Springer.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.EpsilonInsensitive(epsilon=0.5).pointwise([0.0, 0.0], [0.5, 2.0])
    array([0. , 1.5])
    """

    name = "epsilon_insensitive"

    def __init__(self, epsilon=0.1):
        self._keep({"epsilon": number("epsilon", epsilon, at_least=0)})


class SquaredEpsilonInsensitive(EpsilonInsensitive):
    """Squared epsilon-insensitive loss: max(0, |p − y| − epsilon)².

    Parameters
    ----------
    epsilon : float, at least 0
        Errors up to this size cost nothing.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.SquaredEpsilonInsensitive(epsilon=0.5).pointwise([0.0, 0.0], [0.5, 2.0])
    array([0.  , 2.25])
    """

    name = "squared_epsilon_insensitive"


class LogCosh(Loss):
    """Log-cosh loss: log(cosh(p − y)), about r²/2 for small errors r and |r| − log(2) for large ones.

    Examples
    --------
    >>> from fastopt import losses
    >>> round(losses.LogCosh().value([0.0], [1000.0]), 3)
    999.307
    """

    name = "log_cosh"


class GeneralRobust(Loss):
    """General and adaptive robust loss: |α − 2|/α·((z²/|α − 2| + 1)^(α/2) − 1), z = (p − y)/scale.

    Its limits are taken where the formula has none: z²/2 at alpha = 2, log(z²/2 + 1) at 0, 1 − exp(−z²/2) at −∞.
    alpha = 1 is the pseudo-Huber (Charbonnier) loss, −2 that of Geman and McClure.

    Parameters
    ----------
    alpha : float, also infinite
        Shape: the smaller, the less large errors count.
    scale : float above 0
        Size of the errors up to which the loss is about quadratic.

    References
    ----------
    J. T. Barron (2019), A general and adaptive robust loss function, CVPR.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.GeneralRobust(alpha=2.0).value([0.0], [3.0])
    4.5
    """

    name = "general_robust"

    def __init__(self, alpha=1.0, scale=1.0):
        params = {"alpha": number("alpha", alpha, at_least=-math.inf, at_most=math.inf),
                  "scale": number("scale", scale, above=0)}
        most = 2.0 ** 64  # infinite as far as the kernels' rounding can tell
        self._keep(params, (min(max(params["alpha"], -most), most), params["scale"]))


class Poisson(Loss):
    """Half the Poisson deviance with log link, without constants: exp(p) − y·p, for counts of mean exp(p).

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.Poisson().value([2.0], [0.0])
    1.0
    """

    name = "poisson"


class Gamma(Loss):
    """Half the gamma deviance with log link, without constants: p + y·exp(−p), for positive y of mean exp(p).

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.Gamma().gradient([3.0], [0.0])
    array([-2.])
    """

    name = "gamma"


class Tweedie(Loss):
    """Half the Tweedie deviance with log link, without constants, for y >= 0 of mean exp(p) with a mass at 0:
    exp((2 − power)·p)/(2 − power) − y·exp((1 − power)·p)/(1 − power).

    Parameters
    ----------
    power : float between 1 and 2
        The variance grows as mean^power; 1 is `Poisson`, 2 is `Gamma`.

    References
    ----------
    B. Jørgensen (1987), Exponential dispersion models, Journal of the Royal Statistical Society B 49, 127–162.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.Tweedie(power=1.5).value([1.0], [0.0])
    4.0
    """

    name = "tweedie"

    def __init__(self, power=1.5):
        self._keep({"power": number("power", power, above=1, below=2)})


class LogLoss(Loss):
    """Log loss of logistic regression: log(1 + exp(p)) − y·p, for a probability 1/(1 + exp(−p)).

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.LogLoss().gradient([1.0, 0.25], [0.0, 0.0])
    array([-0.25 ,  0.125])
    """

    name = "log_loss"


class Hinge(Loss):
    """Hinge loss of support vector machines: max(0, 1 − z), z = p for class 1 and −p for class 0.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.Hinge().pointwise([1, 0], [0.5, 0.5])
    array([0.5, 1.5])
    """

    name = "hinge"


class SquaredHinge(Loss):
    """Squared hinge loss: max(0, 1 − z)², z = p for class 1 and −p for class 0.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.SquaredHinge().pointwise([1, 0], [0.5, 0.5])
    array([0.25, 2.25])
    """

    name = "squared_hinge"


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

    def _predict(self, p):
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


class Exponential(Loss):
    """Exponential loss of boosting: exp(−z), z = p for class 1 and −p for class 0; the probability is 1/(1 + exp(−2p)).

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

    def _predict(self, p):
        return probability(2 * p)


class Focal(Loss):
    """Focal loss: the log loss times q^gamma, q = y·(1 − σ) + (1 − y)·σ, so that samples of high σ = 1/(1 + exp(−p)) for
    class 1, or low σ for class 0, count less.

    Parameters
    ----------
    gamma : float, at least 0
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

    def __init__(self, gamma=2.0, alpha=None):
        params = {"gamma": number("gamma", gamma, at_least=0),
                  "alpha": None if alpha is None else number("alpha", alpha, at_least=0, at_most=1)}
        self._keep(params, (params["gamma"], -1.0 if alpha is None else params["alpha"]))


__all__ += [loss.__name__ for loss in registry.values()]
