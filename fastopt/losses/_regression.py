"""The losses of regression: parameters and documentation.

Used through fastopt.losses.  What losses share is in losses/_base.py, their mathematics in csrc/losses/losses.h.
"""
from __future__ import annotations

import math

from fastopt._common.checks import number

from ._base import Loss


class SquaredError(Loss):
    """Half the squared error: (p − y)²/2, for the mean.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.SquaredError().value([1.0, 2.0], [1.5, 2.5])
    0.125
    """

    name = "squared_error"
    curvature = 1.0


class AbsoluteError(Loss):
    """Absolute error: |p − y|, for the median.  Its derivative at p = y is taken as −1, as in scikit-learn.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.AbsoluteError().value([1.0, 2.0], [1.5, 2.5])
    0.5
    """

    name = "absolute_error"
    smooth = False


class Huber(Loss):
    """Huber loss of r = p − y: r²/2 where |r| <= delta, else delta·(|r| − delta/2).

    Parameters
    ----------
    delta : float above 0, default=1.35
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
    curvature = 1.0
    delta: float

    def __init__(self, delta: float = 1.35) -> None:
        self._keep({"delta": number("delta", delta, above=0)})


class Quantile(Loss):
    """Pinball loss: quantile·(y − p) where p <= y, else (1 − quantile)·(p − y), for a quantile.

    Parameters
    ----------
    quantile : float between 0 and 1, default=0.5
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
    smooth = False
    quantile: float

    def __init__(self, quantile: float = 0.5) -> None:
        self._keep({"quantile": number("quantile", quantile, above=0, below=1)})


class EpsilonInsensitive(Loss):
    """Epsilon-insensitive loss of support vector regression: max(0, |p − y| − epsilon).

    Parameters
    ----------
    epsilon : float, at least 0, default=0.1
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
    smooth = False
    epsilon: float

    def __init__(self, epsilon: float = 0.1) -> None:
        self._keep({"epsilon": number("epsilon", epsilon, at_least=0)})


class SquaredEpsilonInsensitive(EpsilonInsensitive):
    """Squared epsilon-insensitive loss: max(0, |p − y| − epsilon)².

    Parameters
    ----------
    epsilon : float, at least 0, default=0.1
        Errors up to this size cost nothing.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.SquaredEpsilonInsensitive(epsilon=0.5).pointwise([0.0, 0.0], [0.5, 2.0])
    array([0.  , 2.25])
    """

    name = "squared_epsilon_insensitive"
    smooth = True
    curvature = 2.0


class LogCosh(Loss):
    """Log-cosh loss: log(cosh(p − y)), about r²/2 for small errors r and |r| − log(2) for large ones.

    Examples
    --------
    >>> from fastopt import losses
    >>> round(losses.LogCosh().value([0.0], [1000.0]), 3)
    999.307
    """

    name = "log_cosh"
    curvature = 1.0


class GeneralRobust(Loss):
    """General and adaptive robust loss: |α − 2|/α·((z²/|α − 2| + 1)^(α/2) − 1), z = (p − y)/scale.

    Its limits are taken where the formula has none: z²/2 at alpha = 2, log(z²/2 + 1) at 0, 1 − exp(−z²/2) at −∞.
    alpha = 1 is the pseudo-Huber (Charbonnier) loss, −2 that of Geman and McClure.

    Parameters
    ----------
    alpha : float, also infinite, default=1.0
        Shape: the smaller, the less large errors count.
    scale : float above 0, default=1.0
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
    alpha: float
    scale: float

    def __init__(self, alpha: float = 1.0, scale: float = 1.0) -> None:
        alpha, scale = number("alpha", alpha, at_least=-math.inf, at_most=math.inf), number("scale", scale, above=0)
        most = 2.0 ** 64  # infinite as far as the kernels' rounding can tell
        self._keep({"alpha": alpha, "scale": scale}, (min(max(alpha, -most), most), scale), convex=alpha >= 1,
                   curvature=1 / scale * (1 / scale) if alpha <= 2 else math.inf)


class MeanSquaredError(Loss):
    """Squared error: (p − y)², twice `SquaredError`; the "mse" of PyTorch and Keras.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.MeanSquaredError().value([1.0, 2.0], [1.5, 2.5])
    0.25
    """

    name = "mean_squared_error"
    curvature = 2.0


class SmoothL1(Loss):
    """Smooth L1 loss of r = p − y: r²/(2·beta) where |r| <= beta, else |r| − beta/2; `Huber` over its delta.

    Parameters
    ----------
    beta : float above 0, default=1.0
        Where the loss turns from quadratic to linear.

    References
    ----------
    R. Girshick (2015), Fast R-CNN, ICCV.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.SmoothL1(beta=0.5).pointwise([0.0, 0.0], [0.25, 4.0])
    array([0.0625, 3.75  ])
    """

    name = "smooth_l1"
    beta: float

    def __init__(self, beta: float = 1.0) -> None:
        beta = number("beta", beta, above=0)
        self._keep({"beta": beta}, curvature=1 / beta)


class Expectile(Loss):
    """Asymmetric squared error: expectile·(p − y)² where p <= y, else (1 − expectile)·(p − y)², for an expectile.

    Parameters
    ----------
    expectile : float between 0 and 1, default=0.5
        The expectile that p estimates; 0.5 is the mean.

    References
    ----------
    W. K. Newey and J. L. Powell (1987), Asymmetric least squares estimation and testing, Econometrica 55, 819–847.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.Expectile(expectile=0.875).pointwise([1.0, 1.0], [0.0, 2.0])
    array([0.875, 0.125])
    """

    name = "expectile"
    expectile: float

    def __init__(self, expectile: float = 0.5) -> None:
        expectile = number("expectile", expectile, above=0, below=1)
        self._keep({"expectile": expectile}, curvature=2 * max(expectile, 1 - expectile))


class StudentT(Loss):
    """Minus the log likelihood of Student's t, without constants: (df + 1)/2·log(1 + z²/df), z = (p − y)/scale.

    Large errors count little, and all the less the larger they are: outliers hardly move the fit.  Not convex in p.

    Parameters
    ----------
    df : float above 0, default=4.0
        Degrees of freedom: the fewer, the heavier the tails.
    scale : float above 0, default=1.0
        Size of ordinary errors.

    References
    ----------
    K. L. Lange, R. J. A. Little and J. M. G. Taylor (1989), Robust statistical modeling using the t distribution, Journal of the
    American Statistical Association 84, 881–896.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.StudentT(df=1.0).gradient([0.0], [1.0])
    array([1.])
    """

    name = "student_t"
    convex = False
    df: float
    scale: float

    def __init__(self, df: float = 4.0, scale: float = 1.0) -> None:
        df, scale = number("df", df, above=0), number("scale", scale, above=0)
        self._keep({"df": df, "scale": scale}, curvature=(df + 1) / df / scale / scale)
