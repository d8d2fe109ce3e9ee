"""The concordance of risks and times: how good an order of subjects is."""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from . import _risk
from ._targets import Survival, targets

#: subjects: their places are counted with 32 bits
_MOST = 2 ** 31 - 1


def concordance(y: Survival, p: ArrayLike) -> float:
    """Harrell's concordance: of the pairs of which it is known who had the event first, the share with the larger score for that one.

    Equal scores count half.  A subject with an event is known to be first beside all of later times, and beside those censored at the same time.
    The computation takes n·log(n) steps.

    Parameters
    ----------
    y : (time, event), or structured ndarray of shape (n,)
        See `Cox.value`.
    p : array_like of shape (n,)
        Scores: the larger, the sooner the event is expected.

    Returns
    -------
    float
        0.5 is chance.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong dtype or shape or an element that is not finite, or there is no such pair.

    References
    ----------
    F. E. Harrell, K. L. Lee and D. B. Mark (1996), Multivariable prognostic models, Statistics in Medicine 15.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.concordance(([1, 2, 3], [1, 1, 0]), [0.9, 0.1, 0.5])   # of three pairs one is the wrong way round
    0.6666666666666666
    """
    time, event, p = targets(y, p)
    if len(p) > _MOST:
        raise ValueError(f"p must have {_MOST} scores at most, got {len(p)}")
    order = np.lexsort((event, -time))
    comparable, concordant, equal = _risk.concordance(time[order], event[order], p[order])
    if comparable == 0:
        raise ValueError("y must have a subject with an event before the time of another, got none")
    return (concordant + equal / 2) / comparable
