"""Generalised linear models: PoissonRegressor, GammaRegressor, TweedieRegressor.

Used through linear_model.
"""
from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from fastopt import losses
from fastopt._common.rules import refuse
from fastopt._estimators.data import check_targets, check_weight, one_column
from fastopt._estimators.docs import arguments
from fastopt._estimators.types import Array, Features, PenaltyPair, SampleWeight, TargetValues
from fastopt.losses import Loss

from .docs import solved
from .outputs import SolvedRegressor, link
from .params import GLM, TWEEDIE, penalty_of


class GeneralizedLinear(SolvedRegressor):
    """Base of regressions whose loss is half a deviance; the score is D², the explained share of the deviance."""

    _rules: ClassVar[Any] = GLM
    _convention = "mean"
    alpha: float
    fit_intercept: bool

    def __init__(self, *, alpha: float = 1.0, fit_intercept: bool = True, solver: str = "auto", max_iter: int = 100,
                 tol: float = 1e-4, warm_start: bool = False, verbose: int = 0, n_jobs: int | None = None,
                 standardize: bool = False) -> None:
        self._keep(locals())

    def _penalty(self, strength: float) -> PenaltyPair:
        return penalty_of(strength, 0.0)

    @arguments
    def score(self, X: Features, y: TargetValues, sample_weight: SampleWeight = None) -> float:
        """D², the share of the deviance that is explained: 1 − D(y, predictions)/D(y, mean of y).

        [arguments]

        Returns
        -------
        float
        """
        raw = self._raw(X)[:, 0].astype(np.float64)
        loss = self._loss()
        weight = check_weight(sample_weight, raw[:, None])
        y = check_targets(one_column(y, len(raw)), weight, raw[:, None], loss)
        mean = np.average(y, weights=weight)
        least = np.average(_saturated(loss, y), weights=weight)
        with np.errstate(divide="ignore"):
            null = loss.value(y, np.full(len(y), link(loss, mean)), weight) if mean or loss.target == "real" else least
        return float(1 - (loss.value(y, raw, weight) - least) / (null - least)) if null > least else 1.0

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = self._loss().target != "real"
        return tags


def _saturated(loss: Loss, y: Array) -> Array:
    """The loss of perfect predictions."""
    found = np.zeros(len(y))   # of y = 0, by a raw prediction of −∞
    rows = y > 0 if loss.target != "real" else np.ones(len(y), dtype=bool)
    if rows.any():
        found[rows] = loss.pointwise(y[rows], link(loss, y[rows]))
    return found


@solved()
class PoissonRegressor(GeneralizedLinear):
    """Poisson regression, of counts with mean exp(x·w + b): minimum of half the mean deviance + alpha/2·‖w‖².

    Parameters, attributes and the optimum are those of `sklearn.linear_model.PoissonRegressor`.

    [parameters]

    [attributes]

    References
    ----------
    P. McCullagh and J. A. Nelder (1989), Generalized linear models, Chapman and Hall.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt.linear_model import PoissonRegressor
    >>> X, y = np.array([[1.0, 2.0], [2.0, 3.0], [3.0, 4.0], [4.0, 3.0]]), np.array([12.0, 17.0, 22.0, 21.0])
    >>> model = PoissonRegressor().fit(X, y)
    >>> model.coef_.round(3), round(model.score(X, y), 2)
    (array([0.121, 0.158]), 0.99)
    """

    def _loss(self) -> Loss:
        return losses.Poisson()


@solved()
class GammaRegressor(GeneralizedLinear):
    """Gamma regression, of positive y with mean exp(x·w + b): minimum of half the mean deviance + alpha/2·‖w‖².

    Parameters, attributes and the optimum are those of `sklearn.linear_model.GammaRegressor`.

    [parameters]

    [attributes]

    References
    ----------
    P. McCullagh and J. A. Nelder (1989), Generalized linear models, Chapman and Hall.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt.linear_model import GammaRegressor
    >>> X, y = np.array([[1.0, 2.0], [2.0, 3.0], [3.0, 4.0], [4.0, 3.0]]), np.array([19.0, 26.0, 33.0, 30.0])
    >>> model = GammaRegressor().fit(X, y)
    >>> model.coef_.round(3), round(model.score(X, y), 2)
    (array([0.073, 0.067]), 0.77)
    """

    def _loss(self) -> Loss:
        return losses.Gamma()


@solved()
class TweedieRegressor(GeneralizedLinear):
    """Tweedie regression, of y with variance mean^power: minimum of half the mean deviance + alpha/2·‖w‖².

    Parameters, attributes and the optimum are those of `sklearn.linear_model.TweedieRegressor`.

    Parameters
    ----------
    power : float, default=0.0
        0: normal; 1: Poisson; between 1 and 2: compound Poisson, with a mass at 0; 2: gamma; 3: inverse Gaussian.  Those below 0
        and between 0 and 1 are refused.
    link : {'auto', 'identity', 'log'}, default='auto'
        The mean is x·w + b ('identity') with power 0, and its exponential ('log') with other powers; 'auto' knows.
    [parameters]

    [attributes]

    References
    ----------
    B. Jørgensen (1987), Exponential dispersion models, Journal of the Royal Statistical Society B 49.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt.linear_model import TweedieRegressor
    >>> X, y = np.array([[1.0, 2.0], [2.0, 3.0], [3.0, 4.0], [4.0, 3.0]]), np.array([2.0, 3.5, 5.0, 5.5])
    >>> TweedieRegressor().fit(X, y).coef_.round(3)
    array([0.6, 0.3])
    """

    _rules = TWEEDIE

    def __init__(self, *, power: float = 0.0, alpha: float = 1.0, fit_intercept: bool = True, link: str = "auto",
                 solver: str = "auto", max_iter: int = 100, tol: float = 1e-4, warm_start: bool = False, verbose: int = 0,
                 n_jobs: int | None = None, standardize: bool = False) -> None:
        self._keep(locals())

    def _check(self) -> None:
        super()._check()
        if not (self.power == 0 or self.power >= 1):
            refuse("power", "0, or at least 1", self.power, owner=type(self).__name__)
        if self.link not in ("auto", "identity" if self.power == 0 else "log"):
            refuse("link", "'identity' with power=0 and 'log' with other powers, or 'auto'", self.link, owner=type(self).__name__)

    def _loss(self) -> Loss:
        named: dict[float, Any] = {0: losses.SquaredError, 1: losses.Poisson, 2: losses.Gamma}
        power = float(self.power)
        found: Loss = named[power]() if power in named else losses.Tweedie(power)
        return found
