"""Sums of rewards to come, and how much better than expected they turned out: checks and documentation.

The recursions over time are in csrc/policies/returns.h.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fastopt._common.checks import number
from fastopt.losses._base import DOMAINS, Array, _array, _refuse

from . import _steps


def _checked(rewards: ArrayLike, ends: ArrayLike | None, last: ArrayLike) -> tuple[Array, Array, Array, tuple[int, ...]]:
    """(T, n) rewards and ends, (n,) values behind the last step, and the shape that came."""
    given = _array("rewards", rewards)
    if given.ndim not in (1, 2) or given.size == 0:
        raise ValueError(f"rewards must have shape (T,) or (T, n), one step or more, got {given.shape}")
    steps = given.reshape(len(given), -1)
    over = np.zeros_like(steps) if ends is None else _like("ends", ends, given).reshape(steps.shape)
    _refuse("rewards", given, *DOMAINS["real"])
    _refuse("ends", over, "between 0 and 1", DOMAINS["unit"][1])
    behind = np.broadcast_to(_array("bootstrap", last, given.dtype), given.shape[1:]).reshape(-1).astype(given.dtype)
    _refuse("bootstrap", behind, *DOMAINS["real"])
    return steps, over, behind, given.shape


def _like(name: str, given: ArrayLike, rewards: Array) -> Array:
    each = _array(name, given, rewards.dtype)
    if each.shape != rewards.shape:
        raise ValueError(f"{name} must have the shape of rewards, {rewards.shape}, got {each.shape}")
    return each


def returns(rewards: ArrayLike, discount: float = 0.99, ends: ArrayLike | None = None, bootstrap: ArrayLike = 0.0) -> Array:
    """Discounted sums of the rewards to come, of each step: R_t = r_t + discount·(1 − end_t)·R_{t+1}.

    Parameters
    ----------
    rewards : array_like of shape (T,) or (T, n)
        Of the steps, of one environment or of n side by side.
    discount : float between 0 and 1, default=0.99
        What a reward one step later is worth.
    ends : array_like of the same shape, optional
        1 where an episode ends with this step.  None: nowhere.
    bootstrap : float or array_like of shape (n,), default=0.0
        What is expected behind the last step.

    Returns
    -------
    ndarray of the shape of rewards

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.returns([1.0, 1.0, 1.0], discount=0.5, ends=[0, 1, 0])
    array([1.5, 1. , 1. ])
    """
    discount = number("discount", discount, at_least=0, at_most=1)
    steps, over, behind, shape = _checked(rewards, ends, bootstrap)
    out = np.empty_like(steps)
    _steps.discounted(steps, over, behind, discount, out)
    return out.reshape(shape)


def advantages(rewards: ArrayLike, values: ArrayLike, discount: float = 0.99, trace: float = 0.95, ends: ArrayLike | None = None,
               bootstrap: ArrayLike = 0.0) -> Array:
    """Generalised advantage estimates: how much better each step turned out than the values expect.

    A_t = d_t + discount·trace·(1 − end_t)·A_{t+1}, d_t = r_t + discount·(1 − end_t)·V_{t+1} − V_t.

    Parameters
    ----------
    rewards : array_like of shape (T,) or (T, n)
        Of the steps, of one environment or of n side by side.
    values : array_like of the same shape
        What was expected before each step.
    discount : float between 0 and 1, default=0.99
        What a reward one step later is worth.
    trace : float between 0 and 1, default=0.95
        0 trusts the values, 1 the rewards.
    ends : array_like of the same shape, optional
        1 where an episode ends with this step.  None: nowhere.
    bootstrap : float or array_like of shape (n,), default=0.0
        What is expected behind the last step.

    Returns
    -------
    ndarray of the shape of rewards

    References
    ----------
    J. Schulman et al. (2016), High-dimensional continuous control using generalized advantage estimation, ICLR.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.advantages([1.0, 1.0], [0.5, 0.5], discount=0.5, trace=1.0)
    array([1. , 0.5])
    """
    discount, trace = (number(name, given, at_least=0, at_most=1) for name, given in (("discount", discount), ("trace", trace)))
    steps, over, behind, shape = _checked(rewards, ends, bootstrap)
    expected = _like("values", values, steps.reshape(shape)).reshape(steps.shape)
    _refuse("values", expected, *DOMAINS["real"])
    out = np.empty_like(steps)
    _steps.advantages(steps, expected, over, behind, discount, trace, out)
    return out.reshape(shape)
