"""Losses of reinforcement learning: policies over discrete actions, sums of rewards to come, advantages.

Used through fastopt.losses.  They are no `Loss`: what a policy is to learn is its own actions, by how good they turned out to be.  The softmax
over actions and its gradient are those of `Multinomial`, with weights that may be negative; recursions over time are in losses/_returns.pyx.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fastopt._common.checks import number
from fastopt._common.settings import Settings
from fastopt._core.threads import resolve_threads

from . import _arrays, _returns
from ._base import DOMAINS, Array, _array, _refuse
from ._row_losses import Multinomial

_SOFTMAX = Multinomial()


def _weighted(actions: Array, p: Array, weight: Array) -> tuple[float, Array]:
    """The mean of −weight·log π(action), and its gradient in the scores."""
    gradient, n = np.empty_like(p), len(p)
    threads = 1 if p.size < _arrays.PARALLEL_FROM else resolve_threads()
    total = _arrays.evaluate_rows(_SOFTMAX.spec, actions, p, weight, 1 / n, None, gradient, threads)
    if total is None:
        _refuse("p", p, *DOMAINS["real"])
        raise AssertionError("refused for no reason")
    return total / n, gradient


def _entropies(p: Array) -> tuple[Array, Array]:
    """−Σ π·log π of each row, (n,), and its derivative in the scores, (n, k)."""
    share = _SOFTMAX.predict(p)
    log_share = p - p.max(axis=1, keepdims=True)
    log_share -= np.log(np.exp(log_share).sum(axis=1, keepdims=True))
    entropy = -np.einsum("ij,ij->i", share, log_share)
    log_share += entropy[:, None]
    log_share *= -share
    return entropy, log_share


class PolicyLoss(Settings):
    """What the losses of policies have in common: checks, and a bonus for entropy.

    Attributes
    ----------
    name : str
        What it is called.
    params : dict
        The parameters.
    """

    entropy: float

    def __init_subclass__(cls) -> None:
        cls.__module__ = "fastopt.losses"

    def log_probabilities(self, actions: ArrayLike, p: ArrayLike) -> Array:
        """log π(action) of each row: what `PPOClip` wants to know of the policy that acted.

        Parameters
        ----------
        actions : array_like of int, of shape (n,)
            What was done, 0 … k − 1.
        p : array_like of shape (n, k)
            Raw scores of the actions.

        Returns
        -------
        ndarray of shape (n,)
        """
        done, scores, _ = self._inputs(actions, p)
        return -_SOFTMAX.pointwise(done, scores)

    def _inputs(self, actions: ArrayLike, p: ArrayLike, **others: ArrayLike) -> tuple[Array, Array, list[Array]]:
        scores, done = _array("p", p), _array("actions", actions)
        if scores.ndim != 2 or scores.size == 0:
            raise ValueError(f"p must have shape (n, k), a score for each action, got {scores.shape}")
        n, k = scores.shape
        if done.shape != (n,):
            raise ValueError(f"actions must have shape ({n},), one for each row of p, got {done.shape}")
        _refuse("actions", done, f"the number of an action, 0 … {k - 1}", lambda a: (a >= 0) & (a < k) & (a == np.floor(a)))
        _refuse("p", scores, *DOMAINS["real"])
        done = done.astype(scores.dtype, copy=False)
        found = []
        for name, given in others.items():
            each = _array(name, given, scores.dtype)
            if each.shape != (len(scores),):
                raise ValueError(f"{name} must have shape ({len(scores)},), one for each row of p, got {each.shape}")
            _refuse(name, each, *DOMAINS["real"])
            found.append(each)
        return done, scores, found

    def _with_entropy(self, value: float, gradient: Array, p: Array) -> tuple[float, Array]:
        if self.entropy:
            entropies, slopes = _entropies(p)
            value -= self.entropy * float(entropies.mean(dtype=np.float64))
            gradient -= slopes * slopes.dtype.type(self.entropy / len(p))
        return value, gradient


class PolicyGradient(PolicyLoss):
    """Policy gradient (REINFORCE): the mean of −advantage·log π(action), less a bonus for the entropy of the policy, for discrete actions.

    Its gradient is that of the expected return where advantages are returns less a baseline: `returns`, `advantages`.

    Parameters
    ----------
    entropy : float, at least 0, default=0.0
        What the mean entropy is multiplied by: it keeps the policy from being sure too early.

    References
    ----------
    R. J. Williams (1992), Simple statistical gradient-following algorithms for connectionist reinforcement learning, Machine Learning 8.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.PolicyGradient().gradient([0, 1], [[0.0, 0.0], [0.0, 0.0]], advantages=[1.0, -2.0])
    array([[-0.25,  0.25],
           [-0.5 ,  0.5 ]])
    """

    name = "policy_gradient"

    def __init__(self, entropy: float = 0.0) -> None:
        self._keep({"entropy": number("entropy", entropy, at_least=0)})

    def value(self, actions: ArrayLike, p: ArrayLike, advantages: ArrayLike) -> float:
        """The loss.

        Parameters
        ----------
        actions : array_like of int, of shape (n,)
            What was done, 0 … k − 1.
        p : array_like of shape (n, k)
            Raw scores of the actions, of which the softmax is the policy.
        advantages : array_like of shape (n,)
            How much better than expected each action turned out to be.

        Returns
        -------
        float
        """
        return self.value_and_gradient(actions, p, advantages)[0]

    def gradient(self, actions: ArrayLike, p: ArrayLike, advantages: ArrayLike) -> Array:
        """Its derivative in the scores.

        Parameters
        ----------
        actions, p, advantages
            See `value`.

        Returns
        -------
        ndarray of shape (n, k)
        """
        return self.value_and_gradient(actions, p, advantages)[1]

    def value_and_gradient(self, actions: ArrayLike, p: ArrayLike, advantages: ArrayLike) -> tuple[float, Array]:
        """Both.

        Parameters
        ----------
        actions, p, advantages
            See `value`.

        Returns
        -------
        value : float
        gradient : ndarray of shape (n, k)
        """
        done, scores, (weight,) = self._inputs(actions, p, advantages=advantages)
        return self._with_entropy(*_weighted(done, scores, weight), scores)


class PPOClip(PolicyLoss):
    """Proximal policy optimisation: the mean of −min(r·A, clip(r, 1 − clip, 1 + clip)·A), r = π(action)/π_old(action), A the advantage.

    Actions may be learnt from several times: an action whose probability has changed by more than the clip, in the direction of its
    advantage, has no gradient.

    Parameters
    ----------
    clip : float above 0, default=0.2
        How far the ratio may go.
    entropy : float, at least 0, default=0.0
        What the mean entropy is multiplied by and taken off.

    References
    ----------
    J. Schulman et al. (2017), Proximal policy optimization algorithms, arXiv:1707.06347.

    Examples
    --------
    >>> from fastopt import losses
    >>> ppo, p = losses.PPOClip(), [[0.0, 0.0]]
    >>> old = ppo.log_probabilities([0], p)
    >>> ppo.gradient([0], p, advantages=[1.0], old_log_probabilities=old)
    array([[-0.5,  0.5]])
    """

    name = "ppo_clip"
    clip: float

    def __init__(self, clip: float = 0.2, entropy: float = 0.0) -> None:
        self._keep({"clip": number("clip", clip, above=0), "entropy": number("entropy", entropy, at_least=0)})

    def value(self, actions: ArrayLike, p: ArrayLike, advantages: ArrayLike, old_log_probabilities: ArrayLike) -> float:
        """The loss.

        Parameters
        ----------
        actions : array_like of int, of shape (n,)
            What was done, 0 … k − 1.
        p : array_like of shape (n, k)
            Raw scores of the actions now.
        advantages : array_like of shape (n,)
            How much better than expected each action turned out to be.
        old_log_probabilities : array_like of shape (n,)
            Of the actions when they were chosen: `log_probabilities`.

        Returns
        -------
        float
        """
        return self.value_and_gradient(actions, p, advantages, old_log_probabilities)[0]

    def gradient(self, actions: ArrayLike, p: ArrayLike, advantages: ArrayLike, old_log_probabilities: ArrayLike) -> Array:
        """Its derivative in the scores.

        Parameters
        ----------
        actions, p, advantages, old_log_probabilities
            See `value`.

        Returns
        -------
        ndarray of shape (n, k)
        """
        return self.value_and_gradient(actions, p, advantages, old_log_probabilities)[1]

    def value_and_gradient(self, actions: ArrayLike, p: ArrayLike, advantages: ArrayLike, old_log_probabilities: ArrayLike) -> tuple[float, Array]:
        """Both.

        Parameters
        ----------
        actions, p, advantages, old_log_probabilities
            See `value`.

        Returns
        -------
        value : float
        gradient : ndarray of shape (n, k)
        """
        done, scores, (advantage, old) = self._inputs(actions, p, advantages=advantages, old_log_probabilities=old_log_probabilities)
        most = np.log(np.finfo(scores.dtype).max) / 2   # beyond, a ratio could not be multiplied
        ratio = np.exp(np.minimum(self.log_probabilities(done, scores) - old, most))
        gain = ratio * advantage
        bound = np.clip(ratio, 1 - self.clip, 1 + self.clip) * advantage
        free = gain <= bound
        _, gradient = _weighted(done, scores, np.where(free, gain, 0))   # dr = r·d log π
        value = -float(np.minimum(gain, bound).mean(dtype=np.float64))
        return self._with_entropy(value, gradient, scores)


def _steps(rewards: ArrayLike, ends: ArrayLike | None, last: ArrayLike) -> tuple[Array, Array, Array, tuple[int, ...]]:
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
    steps, over, behind, shape = _steps(rewards, ends, bootstrap)
    out = np.empty_like(steps)
    _returns.discounted(steps, over, behind, discount, out)
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
    steps, over, behind, shape = _steps(rewards, ends, bootstrap)
    expected = _like("values", values, steps.reshape(shape)).reshape(steps.shape)
    _refuse("values", expected, *DOMAINS["real"])
    out = np.empty_like(steps)
    _returns.better_than_expected(steps, expected, over, behind, discount, trace, out)
    return out.reshape(shape)
