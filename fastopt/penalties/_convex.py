"""Convex penalties of single weights, and bounds.  The formulas are in csrc/penalties/penalties.h."""
from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from fastopt._common.checks import number
from fastopt.exceptions import InvalidParameterError

from ._base import Array, Numbers, Penalty, _spread, numbers

__all__ = ["L1", "L2", "Box", "ElasticNet", "NonNegative"]


class L1(Penalty):
    """The lasso: alpha·Σ weightⱼ·|wⱼ|.

    Parameters
    ----------
    [alpha, positive, weights]

    References
    ----------
    R. Tibshirani (1996), Regression shrinkage and selection via the lasso, Journal of the Royal Statistical Society B 58.

    Examples
    --------
    >>> from fastopt import penalties
    >>> penalties.L1(0.5).prox([2.0, -0.25, -1.0])
    array([ 1.5,  0. , -0.5])
    """

    name = _kernel = "l1"

    def __init__(self, alpha: float = 1.0, positive: bool = False, weights: ArrayLike | None = None) -> None:
        self._keep_terms(alpha, positive, weights)


class L2(Penalty):
    """Ridge: alpha/2·Σ weightⱼ·wⱼ².

    Parameters
    ----------
    [alpha, positive, weights]

    Examples
    --------
    >>> from fastopt import penalties
    >>> penalties.L2(0.5).value([2.0, 0.0, -1.0])
    1.25
    """

    name = _kernel = "l2"
    sparse = False

    def __init__(self, alpha: float = 1.0, positive: bool = False, weights: ArrayLike | None = None) -> None:
        self._keep_terms(alpha, positive, weights)


class ElasticNet(Penalty):
    """Lasso and ridge together: alpha·Σ weightⱼ·(l1_ratio·|wⱼ| + (1 − l1_ratio)/2·wⱼ²).

    Parameters
    ----------
    [alpha]
    l1_ratio : float from 0 to 1, default=0.5
        Share of the lasso.
    [positive, weights]

    References
    ----------
    H. Zou and T. Hastie (2005), Regularization and variable selection via the elastic net, Journal of the Royal Statistical
    Society B 67.

    Examples
    --------
    >>> from fastopt import penalties
    >>> penalties.ElasticNet(1.0, l1_ratio=0.5).prox([2.0, -0.25])
    array([1., 0.])
    """

    name = _kernel = "elasticnet"
    _second = "l1_ratio"

    def __init__(self, alpha: float = 1.0, l1_ratio: float = 0.5, positive: bool = False,
                 weights: ArrayLike | None = None) -> None:
        self._keep_terms(alpha, positive, weights, l1_ratio=number("l1_ratio", l1_ratio, at_least=0, at_most=1))


class Box(Penalty):
    """Bounds: 0 where lowⱼ ≤ wⱼ ≤ highⱼ for every weight, infinite elsewhere.

    Parameters
    ----------
    low : float or array_like of shape (d,), default=-inf
        Lower bounds, of all weights or of each.
    high : float or array_like of shape (d,), default=inf
        Upper bounds, likewise.

    Raises
    ------
    InvalidParameterError
        If a lower bound is above its upper bound.

    Examples
    --------
    >>> from fastopt import penalties
    >>> penalties.Box(-1.0, 1.0).prox([2.0, -0.25])
    array([ 1.  , -0.25])
    """

    name = "box"
    _kernel = "none"
    sparse = False

    def __init__(self, low: float | ArrayLike = -math.inf, high: float | ArrayLike = math.inf) -> None:
        bounds = {key: _bound(key, value) for key, value in (("low", low), ("high", high))}
        ends = [np.asarray(value) for value in bounds.values()]
        if all(end.ndim for end in ends) and ends[0].size != ends[1].size:
            raise InvalidParameterError(f"low and high must hold as many numbers, got {ends[0].size} and {ends[1].size}")
        if np.any(ends[0] > ends[1]) or np.any(ends[0] == np.inf) or np.any(ends[1] == -np.inf):
            raise InvalidParameterError(f"low must be at most high, and numbers lie between; got {low!r} and {high!r}")
        self._keep(bounds)

    def _bounds(self, d: int) -> tuple[Array | None, Array | None]:
        return _spread("low", self.params["low"], d), _spread("high", self.params["high"], d)


def _bound(name: str, value: float | ArrayLike) -> float | Numbers:
    if np.ndim(value):
        return numbers(name, value, finite=False)
    return number(name, value, at_least=-math.inf, at_most=math.inf)


class NonNegative(Penalty):
    """No weight is negative: 0 where every wⱼ ≥ 0, infinite elsewhere.

    Examples
    --------
    >>> from fastopt import penalties
    >>> penalties.NonNegative().prox([2.0, -0.25])
    array([2., 0.])
    """

    name = "nonnegative"
    _kernel = "none"

    def __init__(self) -> None:
        self._keep({})

    def _bounds(self, d: int) -> tuple[Array, Array]:
        return np.zeros(d), np.full(d, np.inf)
