"""Penalties that stop growing, so that large weights are not shrunk: not convex.  The formulas are in csrc/penalties/penalties.h."""
from __future__ import annotations

from numpy.typing import ArrayLike

from fastopt._common.checks import number

from ._base import Penalty

__all__ = ["MCP", "SCAD"]


class MCP(Penalty):
    """The minimax concave penalty: alpha·|w| − w²/(2·gamma) up to |w| = gamma·alpha, gamma·alpha²/2 from there on.

    Parameters
    ----------
    [alpha]
    gamma : float above 0, default=3.0
        How soon it levels off; l1 as gamma grows.
    [positive, weights]

    References
    ----------
    C.-H. Zhang (2010), Nearly unbiased variable selection under minimax concave penalty, Annals of Statistics 38.

    Examples
    --------
    >>> from fastopt import penalties
    >>> penalties.MCP(1.0, gamma=3.0).prox([5.0, 2.0, -0.5])
    array([5. , 1.5, 0. ])
    """

    name = _kernel = "mcp"
    convex = False
    _second = "gamma"

    def __init__(self, alpha: float = 1.0, gamma: float = 3.0, positive: bool = False, weights: ArrayLike | None = None) -> None:
        self._keep_terms(alpha, positive, weights, gamma=number("gamma", gamma, above=0))


class SCAD(Penalty):
    """Smoothly clipped absolute deviation: alpha·|w| up to alpha, then a parabola, (gamma + 1)·alpha²/2 from gamma·alpha on.

    Parameters
    ----------
    [alpha]
    gamma : float above 2, default=3.7
        How soon it levels off; l1 as gamma grows.
    [positive, weights]

    References
    ----------
    J. Fan and R. Li (2001), Variable selection via nonconcave penalized likelihood and its oracle properties, Journal of the
    American Statistical Association 96.

    Examples
    --------
    >>> from fastopt import penalties
    >>> penalties.SCAD(1.0).prox([5.0, 1.5, -0.5])
    array([5. , 0.5, 0. ])
    """

    name = _kernel = "scad"
    convex = False
    _second = "gamma"

    def __init__(self, alpha: float = 1.0, gamma: float = 3.7, positive: bool = False, weights: ArrayLike | None = None) -> None:
        self._keep_terms(alpha, positive, weights, gamma=number("gamma", gamma, above=2))
