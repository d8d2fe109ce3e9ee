"""The losses of counts and amounts, which are not negative, by way of a log link: parameters and documentation.

Used through fastopt.losses.  What losses share is in losses/_base.py, their mathematics in csrc/losses/losses.h.
"""
from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastopt._common.checks import number
from fastopt.exceptions import InvalidParameterError

from ._base import DOMAINS, Array, Loss, _refuse


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
    """Half the Tweedie deviance with log link, without constants, for y of mean exp(p).

    That is exp((2 − power)·p)/(2 − power) − y·exp((1 − power)·p)/(1 − power).  Above 2 it is not convex in p.

    Parameters
    ----------
    power : float above 1, but not 2, default=1.5
        The variance grows as mean^power; 1 is `Poisson`, 2 is `Gamma`, 3 inverse Gaussian.  Below 2 y is at least 0, with a mass at 0;
        beyond it is positive.

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
    power: float

    def __init__(self, power: float = 1.5) -> None:
        power = number("power", power, above=1)
        if power == 2:
            raise InvalidParameterError("power must not be 2, which is that of losses.Gamma")
        derived: dict[str, Any] = {"target": "positive", "convex": False} if power > 2 else {}
        self._keep({"power": power}, **derived)

    def _at_once(self, y: ArrayLike, p: ArrayLike) -> tuple[float, Array] | None:
        return super()._at_once(y, p) if self.power < 2 else None   # y is to be looked at

    def _inputs(self, y: ArrayLike, p: ArrayLike) -> tuple[Array, Array]:
        y, p = super()._inputs(y, p)
        if self.target == "positive":   # kernels let 0 pass
            _refuse("y", y, *DOMAINS[self.target])
        return y, p


class NegativeBinomial(Loss):
    """Minus the log likelihood of counts of mean exp(p) and variance mean + alpha·mean², without constants.

    That is (y + 1/alpha)·log(1 + alpha·exp(p)) − y·p: `Poisson` for counts that vary more than Poisson's do, as alpha goes to 0.

    Parameters
    ----------
    alpha : float above 0, default=1.0
        Dispersion.

    References
    ----------
    J. M. Hilbe (2011), Negative Binomial Regression, 2nd edition, Cambridge University Press.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.NegativeBinomial(alpha=1.0).gradient([3.0, 0.0], [0.0, 0.0])
    array([-0.5 ,  0.25])
    """

    name = "negative_binomial"
    alpha: float

    def __init__(self, alpha: float = 1.0) -> None:
        alpha = number("alpha", alpha, above=0)
        self._keep({"alpha": alpha}, (alpha, math.log(alpha)))


class MeanSquaredLogError(Loss):
    """Squared error of logarithms: (p − log(1 + y))², for amounts whose relative errors count; the prediction is exp(p) − 1.

    Of a prediction m that you hold, not a raw one, p is log(1 + m): Keras's mean_squared_logarithmic_error, scikit-learn's mean_squared_log_error.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import losses
    >>> losses.MeanSquaredLogError().value([0.0], np.log1p([np.e - 1]))
    1.0
    """

    name = "mean_squared_log_error"
    curvature = 2.0

    def _predict(self, p: Array) -> Array:
        return np.expm1(p)
