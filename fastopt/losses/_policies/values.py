"""Losses of what is expected, of states and of actions: parameters, checks, documentation.

The way to the kernels is in _steps.pyx beside it.
"""
from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from fastopt._common.checks import choice, flag, number
from fastopt._common.settings import Settings
from fastopt._core.tables import LOSS_NAMES
from fastopt._core.threads import resolve_threads
from fastopt.losses._base import DOMAINS, Array, _array, _refuse, _same_shape
from fastopt.losses._reduction import REDUCTIONS, weights_of

from . import _steps


def _spec(kind: str, delta: float) -> tuple[int, float, float]:
    """The loss of a difference as the kernels take it."""
    return LOSS_NAMES.index("squared_error" if kind == "squared" else kind), delta, 0.0


def _threads(p: Array) -> int:
    return 1 if p.size < _steps.PARALLEL_FROM else resolve_threads()


class ValueFunction(Settings):
    """The loss of values of states, what a critic learns by: the mean of (p − y)²/2, or of the Huber loss; and as PPO clips it.

    With `clip` values may move by so much from those of before: the loss is the larger of that of p and that of old + clip(p − old, −clip, clip), so
    that a value which has gone further, and does not err more by it, has no gradient.

    Parameters
    ----------
    kind : {'squared', 'huber'}, default='squared'
        The loss of a difference: r²/2, or, as `Huber`, linear beyond `delta`.
    clip : float above 0, optional
        How far values may move.  None: anywhere.
    delta : float above 0, default=1.0
        Where the Huber loss becomes linear.
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns: the mean of the losses, weighted; the weighted sum; or the weighted losses.  The gradient is that of the mean
        or, for both others, of the sum.

    Attributes
    ----------
    name : str
        What it is called.
    params : dict
        The parameters.

    References
    ----------
    J. Schulman et al. (2016), High-dimensional continuous control using generalized advantage estimation, ICLR.
    J. Schulman et al. (2017), Proximal policy optimization algorithms, arXiv:1707.06347; its authors' code clips values.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.ValueFunction().value_and_gradient([1.0, 0.0], [0.0, 0.0])
    (0.25, array([-0.5,  0. ]))
    >>> losses.ValueFunction(clip=0.2).gradient([1.0, 1.0], [0.5, 0.1], old_values=[0.0, 0.0])   # the first has gone too far
    array([ 0.  , -0.45])
    """

    name = "value_function"
    kind: str
    clip: float | None
    delta: float
    reduction: str

    def __init__(self, kind: str = "squared", clip: float | None = None, delta: float = 1.0, reduction: str = "mean") -> None:
        self._keep({"kind": choice("kind", kind, "squared", "huber"), "clip": None if clip is None else number("clip", clip, above=0),
                    "delta": number("delta", delta, above=0), "reduction": choice("reduction", reduction, *REDUCTIONS)})

    def value(self, y: ArrayLike, p: ArrayLike, old_values: ArrayLike | None = None, sample_weight: ArrayLike | None = None) -> float | Array:
        """The loss.

        Parameters
        ----------
        y : array_like
            What the states turned out to be worth: `returns`, or `advantages` and the old values together.
        p : array_like, of the same shape
            Values that are expected now.
        old_values : array_like, of the same shape, optional
            Those that were expected before, from which `clip` counts; not looked at without it.
        sample_weight : array_like, of the same shape, optional
            At least 0.

        Returns
        -------
        float, or with reduction='none' an ndarray of the shape of p

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong dtype or shape or an element that is not finite, or old values are missing.
        """
        return self._evaluate(y, p, old_values, sample_weight, False)[0]

    def gradient(self, y: ArrayLike, p: ArrayLike, old_values: ArrayLike | None = None, sample_weight: ArrayLike | None = None) -> Array:
        """Derivative of `value`, or of its sum, in each element of `p`.

        Parameters
        ----------
        y, p, old_values, sample_weight
            See `value`.

        Returns
        -------
        ndarray of the shape of p
        """
        return self._evaluate(y, p, old_values, sample_weight, True)[1]

    def value_and_gradient(self, y: ArrayLike, p: ArrayLike, old_values: ArrayLike | None = None,
                           sample_weight: ArrayLike | None = None) -> tuple[float | Array, Array]:
        """Both.

        Parameters
        ----------
        y, p, old_values, sample_weight
            See `value`.

        Returns
        -------
        value : float or ndarray of the shape of p
        gradient : ndarray of the shape of p
        """
        if sample_weight is None and self.reduction == "mean" and (self.clip is None or old_values is not None):
            old = None if self.clip is None else old_values
            found = _steps.values_at_once(_spec(self.kind, self.delta), y, p, old, self.clip or 0.0)
            if found is not None:
                return found
        return self._evaluate(y, p, old_values, sample_weight, True)

    def _evaluate(self, y: ArrayLike, p: ArrayLike, old_values: ArrayLike | None, sample_weight: ArrayLike | None,
                  wants_gradient: bool) -> tuple[float | Array, Array]:
        p = _array("p", p)
        if p.size == 0:
            raise ValueError(f"p must hold at least one value, got shape {p.shape}")
        given = {"p": p, "y": _same_shape("y", _array("y", y, p.dtype), p)}
        if self.clip is not None:
            if old_values is None:
                raise ValueError("old_values must be given, as clip is: values move from them")
            given["old_values"] = _same_shape("old_values", _array("old_values", old_values, p.dtype), p)
        for name, array in given.items():
            _refuse(name, array, *DOMAINS["real"])
        weight, total = weights_of(sample_weight, p.shape, p.dtype, self.reduction, "value")
        values = np.empty_like(p) if self.reduction == "none" else None
        gradient = np.empty_like(p if wants_gradient else p[:0])
        old, flat, each = (None if a is None else a.reshape(-1) for a in (given.get("old_values"), weight, values))
        found = _steps.value_function(_spec(self.kind, self.delta), given["y"].reshape(-1), p.reshape(-1), old, flat, self.clip or 0.0, 1 / total,
                                      each, gradient.reshape(-1) if wants_gradient else None, _threads(p))
        return (found / total if values is None else values), gradient


class DQN(Settings):
    """The loss of Q-learning: of q(state, action) beside r + gamma·(1 − done)·max q(next state), which is a constant.

    `p` holds the values of k actions in each of n states, of which only those that were taken learn.  With `double` the action in the next state is
    the best by the network that learns, and its value is that of the target network, so that noise is not taken for value.

    Parameters
    ----------
    loss : {'huber', 'squared'}, default='huber'
        The loss of a difference r: linear beyond `delta`, or r²/2.
    delta : float above 0, default=1.0
        Where the Huber loss becomes linear.
    gamma : float between 0 and 1, default=0.99
        What a reward one step later is worth.
    double : bool, default=True
        Whether the network that learns chooses the action in the next state.
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns: the mean of the losses, weighted; the weighted sum; or the weighted losses.  The gradient is that of the mean
        or, for both others, of the sum.

    Attributes
    ----------
    name : str
        What it is called.
    params : dict
        The parameters.

    References
    ----------
    V. Mnih et al. (2015), Human-level control through deep reinforcement learning, Nature 518.
    H. van Hasselt, A. Guez and D. Silver (2016), Deep reinforcement learning with double Q-learning, AAAI.
    T. Schaul et al. (2016), Prioritized experience replay, ICLR: weights, and the errors that they are made of.

    Examples
    --------
    >>> from fastopt import losses
    >>> dqn = losses.DQN(gamma=0.5, double=False)
    >>> step = {"actions": [1], "p": [[0.0, 2.0]], "rewards": [1.0], "done": [0], "next_scores": [[3.0, 1.0]]}
    >>> dqn.td_errors(**step)            # 1 + 0.5·3 − 2
    array([0.5])
    >>> dqn.value_and_gradient(**step)
    (0.125, array([[ 0. , -0.5]]))
    """

    name = "dqn"
    loss: str
    delta: float
    gamma: float
    double: bool
    reduction: str

    def __init__(self, loss: str = "huber", delta: float = 1.0, gamma: float = 0.99, double: bool = True, reduction: str = "mean") -> None:
        self._keep({"loss": choice("loss", loss, "huber", "squared"), "delta": number("delta", delta, above=0),
                    "gamma": number("gamma", gamma, at_least=0, at_most=1), "double": flag("double", double),
                    "reduction": choice("reduction", reduction, *REDUCTIONS)})

    def value(self, actions: ArrayLike, p: ArrayLike, rewards: ArrayLike, done: ArrayLike, next_scores: ArrayLike,
              next_online: ArrayLike | None = None, sample_weight: ArrayLike | None = None) -> float | Array:
        """The loss.

        Parameters
        ----------
        actions : array_like of int, of shape (n,)
            What was done, 0 … k − 1.
        p : array_like of shape (n, k)
            The value of each action in the state where it was done.
        rewards : array_like of shape (n,)
            What it brought.
        done : array_like of shape (n,)
            True, or 1, where nothing follows.
        next_scores : array_like of shape (n, k)
            The values of the actions in the next state, by the target network; not looked at where nothing follows.
        next_online : array_like of shape (n, k), optional
            The same by the network that learns: with `double`.
        sample_weight : array_like of shape (n,), optional
            Of the steps, at least 0: those of a prioritised replay.

        Returns
        -------
        float, or with reduction='none' an ndarray of shape (n,)

        Raises
        ------
        TypeError, ValueError
            If an argument is missing, has the wrong dtype or shape or an element that is not finite, or an action is none.
        """
        return self._evaluate(actions, p, rewards, done, next_scores, next_online, sample_weight, False)[0]

    def gradient(self, actions: ArrayLike, p: ArrayLike, rewards: ArrayLike, done: ArrayLike, next_scores: ArrayLike,
                 next_online: ArrayLike | None = None, sample_weight: ArrayLike | None = None) -> Array:
        """Derivative of `value`, or of its sum, in each element of `p`: 0 but for the actions that were taken.

        Parameters
        ----------
        actions, p, rewards, done, next_scores, next_online, sample_weight
            See `value`.

        Returns
        -------
        ndarray of shape (n, k)
        """
        return self._evaluate(actions, p, rewards, done, next_scores, next_online, sample_weight, True)[1]

    def value_and_gradient(self, actions: ArrayLike, p: ArrayLike, rewards: ArrayLike, done: ArrayLike, next_scores: ArrayLike,
                           next_online: ArrayLike | None = None, sample_weight: ArrayLike | None = None) -> tuple[float | Array, Array]:
        """Both.

        Parameters
        ----------
        actions, p, rewards, done, next_scores, next_online, sample_weight
            See `value`.

        Returns
        -------
        value : float or ndarray of shape (n,)
        gradient : ndarray of shape (n, k)
        """
        if sample_weight is None and self.reduction == "mean" and (next_online is not None) == self.double:
            found = _steps.transitions_at_once(_spec(self.loss, self.delta), actions, p, rewards, done, next_scores, next_online, self.gamma)
            if found is not None:
                return found
        return self._evaluate(actions, p, rewards, done, next_scores, next_online, sample_weight, True)[:2]

    def td_errors(self, actions: ArrayLike, p: ArrayLike, rewards: ArrayLike, done: ArrayLike, next_scores: ArrayLike,
                  next_online: ArrayLike | None = None) -> Array:
        """How much more an action is worth than `p` says, by the reward and what follows: what a replay may be prioritised by.

        Parameters
        ----------
        actions, p, rewards, done, next_scores, next_online
            See `value`.

        Returns
        -------
        ndarray of shape (n,)
        """
        return self._evaluate(actions, p, rewards, done, next_scores, next_online, None, False)[2]

    def _evaluate(self, actions: ArrayLike, p: ArrayLike, rewards: ArrayLike, done: ArrayLike, next_scores: ArrayLike, next_online: ArrayLike | None,
                  sample_weight: ArrayLike | None, wants_gradient: bool) -> tuple[float | Array, Array, Array]:
        """Value, gradient and errors."""
        p = _array("p", p)
        if p.ndim != 2 or p.size == 0:
            raise ValueError(f"p must have shape (n, k), a value for each action, got {p.shape}")
        if (next_online is None) == self.double:
            raise ValueError(f"next_online must {'' if self.double else 'not '}be given with double={self.double}")
        n, k = p.shape
        steps = {name: _array(name, given, p.dtype) for name, given in (("actions", actions), ("rewards", rewards), ("done", done))}
        for name, each in steps.items():
            if each.shape != (n,):
                raise ValueError(f"{name} must have shape ({n},), one for each row of p, got {each.shape}")
        after = {"next_scores": _same_shape("next_scores", _array("next_scores", next_scores, p.dtype), p)}
        if next_online is not None:
            after["next_online"] = _same_shape("next_online", _array("next_online", next_online, p.dtype), p)
        for name, array, domain in ("p", p, "real"), ("rewards", steps["rewards"], "real"), ("done", steps["done"], "unit"):
            _refuse(name, array, *DOMAINS[domain])
        weight, total = weights_of(sample_weight, (n,), p.dtype, self.reduction, "row of p")
        values, errors = np.empty(n, p.dtype) if self.reduction == "none" else None, np.empty(n, p.dtype)
        gradient = np.empty_like(p if wants_gradient else p[:0])
        found = _steps.q_values(_spec(self.loss, self.delta), steps["actions"], p, steps["rewards"], steps["done"], after["next_scores"],
                                after.get("next_online", after["next_scores"]), weight, self.gamma, 1 / total, values,
                                gradient if wants_gradient else None, errors, _threads(p))
        if found is None or math.isnan(found):
            _refuse("actions", steps["actions"], f"the number of an action, 0 … {k - 1}", lambda a: (a >= 0) & (a < k) & (a == np.floor(a)))
            for name, array in after.items():
                _refuse(name, array, "finite where something follows", lambda q: np.isfinite(q) | (steps["done"] == 1)[:, None])
            raise AssertionError("refused for no reason")
        return (found / total if values is None else values), gradient, errors
