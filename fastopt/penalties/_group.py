"""Penalties of groups of weights, which are 0 together.  The formulas are in csrc/penalties/penalties.h."""
from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, SupportsIndex, cast

import numpy as np
from numpy.typing import ArrayLike

from fastopt._common.rules import refuse
from fastopt._core.tables import PENALTY_NAMES
from fastopt.exceptions import InvalidParameterError

from ._base import Penalty
from ._regularizer import Regularizer

__all__ = ["GroupLasso"]


class GroupLasso(Penalty):
    """The group lasso: alpha·Σ weight·‖w_group‖₂ over groups of weights.

    Parameters
    ----------
    [alpha]
    groups : int, sequence of int, or sequence of sequences of int, default=1
        The size of all groups, the size of each (neighbours in w), or the numbers of the weights in each.
    [positive]
    weights : array_like of shape (groups,), optional
        Factors of alpha, at least 0; by default 1.  Yuan and Lin take the roots of the sizes.

    References
    ----------
    M. Yuan and Y. Lin (2006), Model selection and estimation in regression with grouped variables, Journal of the Royal
    Statistical Society B 68.

    Examples
    --------
    >>> from fastopt import penalties
    >>> penalties.GroupLasso(1.0, groups=2).prox([3.0, 4.0, 0.5, 0.5])
    array([2.4, 3.2, 0. , 0. ])
    """

    name = _kernel = "group_lasso"
    grouped = True

    def __init__(self, alpha: float = 1.0, groups: int | Sequence[Any] = 1, positive: bool = False,
                 weights: ArrayLike | None = None) -> None:
        self._keep_terms(alpha, positive, weights, groups=_groups(groups))

    def members(self, d: int) -> list[tuple[int, ...]]:
        """The numbers of the weights in each group.

        Parameters
        ----------
        d : int
            How many weights there are.

        Returns
        -------
        list of tuple of int

        Raises
        ------
        InvalidParameterError
            If the groups do not hold each of d weights once.
        """
        groups = self.params["groups"]
        if isinstance(groups, int):
            groups = (groups,) * (d // groups) if d % groups == 0 else (d + 1,)
        if not isinstance(groups[0], tuple):
            ends = np.cumsum(groups).tolist()
            groups = [tuple(range(end - size, end)) for size, end in zip(groups, ends)] if ends[-1] == d else [(d,)]
        if sorted(j for group in groups for j in group) != list(range(d)):
            raise InvalidParameterError(f"groups must hold each of the {d} weights once, got {self.params['groups']!r}")
        return list(groups)

    def bind(self, d: int, k: int = 1) -> Regularizer:
        """The penalty of k outputs with d weights each, for solvers; each output has groups of its own.

        Parameters
        ----------
        d, k
            See `Penalty.bind`.

        Returns
        -------
        Regularizer
        """
        groups = [tuple(j + d * output for j in group) for output in range(k) for group in self.members(d)]
        weights, low_high = self.params["weights"], self._bounds(k * d)
        if weights is not None and len(weights) * k != len(groups):
            raise InvalidParameterError(f"weights must hold a number for each of the {len(groups) // k} groups, got {len(weights)}")
        start = np.concatenate([[0], np.cumsum([len(group) for group in groups])])
        return Regularizer(k * d, PENALTY_NAMES.index(self._kernel), self.params["alpha"], 0.0, None if weights is None else
                           np.tile(weights, k), *low_high, start, np.concatenate([np.array(group) for group in groups]))


def _groups(groups: int | Sequence[Any]) -> int | tuple[Any, ...]:
    """A size, a tuple of sizes, or a tuple of tuples of numbers."""
    size = _index(groups)
    parts: tuple[Any, ...] = ()
    try:
        if size is None:
            parts = tuple(tuple(map(operator.index, part)) if _index(part) is None else operator.index(part) for part in cast(Sequence[Any], groups))
        least = min(part if isinstance(part, int) else 1 + min(part) for part in parts) if size is None else size
    except (TypeError, ValueError):   # no integers, nothing in a group
        least = 0
    if least < 1 or len({type(part) for part in parts}) > 1:
        refuse("groups", "a size, sizes, or lists of numbers of weights, none empty", groups)
    return parts if size is None else size


def _index(value: object) -> int | None:
    try:
        return operator.index(value) if isinstance(value, SupportsIndex) else None
    except TypeError:
        return None
