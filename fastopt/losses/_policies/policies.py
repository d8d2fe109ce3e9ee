"""Losses of policies, over actions to choose from and over actions that are numbers: parameters, checks, documentation.

The loop over blocks of steps is in _steps.pyx beside it.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Literal, NamedTuple, TypeVar, cast, overload

import numpy as np
from numpy.typing import ArrayLike

from fastopt._common.checks import choice, number
from fastopt._common.settings import Settings
from fastopt._core.threads import resolve_threads
from fastopt.losses._base import DOMAINS, Array, _array, _refuse
from fastopt.losses._reduction import REDUCTIONS, weights_of

from . import _steps

if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

    #: the gradient in p: of scores an array; of means and logarithms of deviations one for each
    Gradient = TypeVarWithDefault("Gradient", default=Array)
else:
    Gradient = TypeVar("Gradient")

Pair = tuple[Array, Array]


class _Acted(NamedTuple):
    """What the kernels take: the actions, and scores; or means and, a row for each step or one for all, logarithms of deviations."""
    actions: Array
    p: Array
    log_std: Array | None


class PolicyLoss(Settings, Generic[Gradient]):
    """What the losses of policies have in common: kinds of policies, checks, and a bonus for entropy.

    Attributes
    ----------
    name : str
        What it is called.
    params : dict
        The parameters.
    """

    entropy: float
    policy: str
    reduction: str

    def __init_subclass__(cls) -> None:
        cls.__module__ = "fastopt.losses"

    def _keep_policy(self, entropy: float, policy: str, reduction: str, **others: float) -> None:
        self._keep({**others, "entropy": number("entropy", entropy, at_least=0), "policy": choice("policy", policy, "categorical", "gaussian"),
                    "reduction": choice("reduction", reduction, *REDUCTIONS)})

    def log_probabilities(self, actions: ArrayLike, p: ArrayLike | tuple[ArrayLike, ArrayLike]) -> Array:
        """log π(action) of each row, of a Gaussian policy the logarithm of its density: what `PPOClip` wants to know of the policy that acted.

        Parameters
        ----------
        actions : array_like of int, of shape (n,), or array_like of shape (n, d)
            What was done, 0 … k − 1; of a Gaussian policy numbers.
        p : array_like of shape (n, k), or tuple (mean, log_std)
            Raw scores of the actions; of a Gaussian policy see `value`.

        Returns
        -------
        ndarray of shape (n,)
        """
        acted = self._acted(actions, p)
        values = np.empty(len(acted.p), acted.p.dtype)
        self._run(acted, None, None, None, 0.0, 0.0, 1.0, values, None)
        return np.negative(values, out=values)

    def _acted(self, actions: ArrayLike, p: ArrayLike | tuple[ArrayLike, ArrayLike]) -> _Acted:
        if self.policy == "gaussian":
            return self._moved(actions, p)
        scores, done = _array("p", cast(ArrayLike, p)), _array("actions", actions)
        if scores.ndim != 2 or scores.size == 0:
            raise ValueError(f"p must have shape (n, k), a score for each action, got {scores.shape}")
        if done.shape != scores.shape[:1]:
            raise ValueError(f"actions must have shape ({len(scores)},), one for each row of p, got {done.shape}")
        return _Acted(done.astype(scores.dtype, copy=False), scores, None)

    def _moved(self, actions: ArrayLike, p: ArrayLike | tuple[ArrayLike, ArrayLike]) -> _Acted:
        if not isinstance(p, (tuple, list)) or len(p) != 2:
            raise TypeError(f"p must be a tuple (mean, log_std) for a Gaussian policy, got {type(p).__name__}")
        mean = _array("mean", p[0])
        done, spread = _array("actions", actions, mean.dtype), _array("log_std", p[1], mean.dtype)
        if mean.ndim != 2 or mean.size == 0:
            raise ValueError(f"mean must have shape (n, d), a row for each action, got {mean.shape}")
        if done.shape != mean.shape:
            raise ValueError(f"actions must have the shape of mean, {mean.shape}, got {done.shape}")
        if spread.shape not in (mean.shape, mean.shape[1:]):
            raise ValueError(f"log_std must have shape {mean.shape[1:]} or {mean.shape}, got {spread.shape}")
        return _Acted(done, mean, spread)

    def _evaluate(self, actions: ArrayLike, p: ArrayLike | tuple[ArrayLike, ArrayLike], advantages: ArrayLike, old: ArrayLike | None,
                  sample_weight: ArrayLike | None, clip: float, wants_gradient: bool) -> tuple[float | Array, Array | Pair | None]:
        acted = self._acted(actions, p)
        n, dtype = len(acted.p), acted.p.dtype
        better = self._of_steps("advantages", advantages, n, dtype)
        before = None if old is None else self._of_steps("old_log_probabilities", old, n, dtype)
        weight, total = weights_of(sample_weight, (n,), dtype, self.reduction, "row of p")
        values = np.empty(n, dtype) if self.reduction == "none" else None
        gradient: Array | Pair | None = None
        if wants_gradient:
            gradient = np.empty_like(acted.p) if acted.log_std is None else (np.empty_like(acted.p), np.empty_like(acted.log_std))
        found = self._run(acted, better, before, weight, clip, self.entropy, 1 / total, values, gradient)
        return (found / total if values is None else values), gradient

    def _run(self, acted: _Acted, better: Array | None, before: Array | None, weight: Array | None, clip: float, entropy: float, factor: float,
             values: Array | None, gradient: Array | Pair | None) -> float:
        """The weighted sum; values and gradients go where they are told."""
        actions, p, log_std = acted
        threads = 1 if p.size < _steps.PARALLEL_FROM else resolve_threads()
        if log_std is None:
            found = _steps.categorical(actions, p, better, before, weight, clip, entropy, factor, values, cast("Array | None", gradient), threads)
        else:
            in_mean, in_log_std = cast(Pair, gradient) if gradient is not None else (None, None)
            rows = None if in_log_std is None else np.atleast_2d(in_log_std)
            found = _steps.normal(actions, p, np.atleast_2d(log_std), better, before, weight, clip, entropy, factor, values, in_mean, rows, threads)
        if found is None:
            self._refuse(acted, better, before)
            raise AssertionError("refused for no reason")
        return found

    def _of_steps(self, name: str, given: ArrayLike, n: int, dtype: np.dtype[np.floating]) -> Array:
        each = _array(name, given, dtype)
        if each.shape != (n,):
            raise ValueError(f"{name} must have shape ({n},), one for each row of p, got {each.shape}")
        return each

    def _refuse(self, acted: _Acted, better: Array | None, before: Array | None) -> None:
        if acted.log_std is None:
            k = acted.p.shape[1]
            _refuse("actions", acted.actions, f"the number of an action, 0 … {k - 1}", lambda a: (a >= 0) & (a < k) & (a == np.floor(a)))
            _refuse("p", acted.p, *DOMAINS["real"])
        else:
            for name, array in ("actions", acted.actions), ("mean", acted.p), ("log_std", acted.log_std):
                _refuse(name, array, *DOMAINS["real"])
        for name, each in ("advantages", better), ("old_log_probabilities", before):
            if each is not None:
                _refuse(name, each, *DOMAINS["real"])


class PolicyGradient(PolicyLoss[Gradient]):
    """Policy gradient (REINFORCE): the mean of −advantage·log π(action), less a bonus for the entropy of the policy.

    Its gradient is that of the expected return where advantages are returns less a baseline: `returns`, `advantages`.

    Parameters
    ----------
    entropy : float, at least 0, default=0.0
        What the mean entropy is multiplied by: it keeps the policy from being sure too early.
    policy : {'categorical', 'gaussian'}, default='categorical'
        Actions to choose from, by the softmax of scores; or actions that are d numbers, each from a normal distribution of its own, of which `p` is
        the mean and the logarithm of the standard deviation.
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns: the mean over steps, weighted; the weighted sum; or the weighted losses.  The gradient is that of the
        mean or, for both others, of the sum.

    References
    ----------
    R. J. Williams (1992), Simple statistical gradient-following algorithms for connectionist reinforcement learning, Machine Learning 8.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.PolicyGradient().gradient([0, 1], [[0.0, 0.0], [0.0, 0.0]], advantages=[1.0, -2.0])
    array([[-0.25,  0.25],
           [-0.5 ,  0.5 ]])
    >>> gaussian = losses.PolicyGradient(policy="gaussian")
    >>> gaussian.gradient([[1.0], [2.0]], ([[0.0], [0.0]], [0.0]), advantages=[1.0, -2.0])   # in the means, and in the one log_std of all steps
    (array([[-0.5],
           [ 2. ]]), array([3.]))
    """

    name = "policy_gradient"

    @overload
    def __init__(self: PolicyGradient[Array], entropy: float = ..., policy: Literal["categorical"] = ..., reduction: str = ...) -> None: ...
    @overload
    def __init__(self: PolicyGradient[Pair], entropy: float = ..., *, policy: Literal["gaussian"], reduction: str = ...) -> None: ...

    def __init__(self, entropy: float = 0.0, policy: str = "categorical", reduction: str = "mean") -> None:
        self._keep_policy(entropy, policy, reduction)

    def value(self, actions: ArrayLike, p: ArrayLike | tuple[ArrayLike, ArrayLike], advantages: ArrayLike,
              sample_weight: ArrayLike | None = None) -> float | Array:
        """The loss.

        Parameters
        ----------
        actions : array_like of int, of shape (n,), or array_like of shape (n, d)
            What was done, 0 … k − 1; of a Gaussian policy numbers.
        p : array_like of shape (n, k), or tuple (mean, log_std)
            Raw scores of the actions, of which the softmax is the policy; of a Gaussian policy the means, of shape (n, d), and the logarithms of the
            standard deviations, of shape (d,) or (n, d).
        advantages : array_like of shape (n,)
            How much better than expected each action turned out to be.
        sample_weight : array_like of shape (n,), optional
            Of the steps, at least 0.

        Returns
        -------
        float, or with reduction='none' an ndarray of shape (n,)

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong dtype or shape, an action is none or an element is not finite.
        """
        return self._evaluate(actions, p, advantages, None, sample_weight, 0.0, False)[0]

    def gradient(self, actions: ArrayLike, p: ArrayLike | tuple[ArrayLike, ArrayLike], advantages: ArrayLike,
                 sample_weight: ArrayLike | None = None) -> Gradient:
        """Its derivative in `p`.

        Parameters
        ----------
        actions, p, advantages, sample_weight
            See `value`.

        Returns
        -------
        ndarray of shape (n, k), or tuple of ndarrays of the shapes of mean and log_std
        """
        return cast(Gradient, self._evaluate(actions, p, advantages, None, sample_weight, 0.0, True)[1])

    def value_and_gradient(self, actions: ArrayLike, p: ArrayLike | tuple[ArrayLike, ArrayLike], advantages: ArrayLike,
                           sample_weight: ArrayLike | None = None) -> tuple[float | Array, Gradient]:
        """Both.

        Parameters
        ----------
        actions, p, advantages, sample_weight
            See `value`.

        Returns
        -------
        value : float or ndarray of shape (n,)
        gradient : ndarray of shape (n, k), or tuple of ndarrays of the shapes of mean and log_std
        """
        value, gradient = self._evaluate(actions, p, advantages, None, sample_weight, 0.0, True)
        return value, cast(Gradient, gradient)


class PPOClip(PolicyLoss[Gradient]):
    """Proximal policy optimisation: the mean of −min(r·A, clip(r, 1 − clip, 1 + clip)·A), r = π(action)/π_old(action), A the advantage.

    Actions may be learnt from several times: an action whose probability has changed by more than the clip, in the direction of its
    advantage, has no gradient.

    Parameters
    ----------
    clip : float above 0, default=0.2
        How far the ratio may go.
    entropy : float, at least 0, default=0.0
        What the mean entropy is multiplied by and taken off.
    policy : {'categorical', 'gaussian'}, default='categorical'
        As of `PolicyGradient`.
    reduction : {'mean', 'sum', 'none'}, default='mean'
        As of `PolicyGradient`.

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

    @overload
    def __init__(self: PPOClip[Array], clip: float = ..., entropy: float = ..., policy: Literal["categorical"] = ...,
                 reduction: str = ...) -> None: ...
    @overload
    def __init__(self: PPOClip[Pair], clip: float = ..., entropy: float = ..., *, policy: Literal["gaussian"], reduction: str = ...) -> None: ...

    def __init__(self, clip: float = 0.2, entropy: float = 0.0, policy: str = "categorical", reduction: str = "mean") -> None:
        self._keep_policy(entropy, policy, reduction, clip=number("clip", clip, above=0))

    def value(self, actions: ArrayLike, p: ArrayLike | tuple[ArrayLike, ArrayLike], advantages: ArrayLike, old_log_probabilities: ArrayLike,
              sample_weight: ArrayLike | None = None) -> float | Array:
        """The loss.

        Parameters
        ----------
        actions, p, advantages
            See `PolicyGradient.value`.
        old_log_probabilities : array_like of shape (n,)
            Of the actions when they were chosen: `log_probabilities`.
        sample_weight
            See `PolicyGradient.value`.

        Returns
        -------
        float, or with reduction='none' an ndarray of shape (n,)

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong dtype or shape, an action is none or an element is not finite.
        """
        return self._evaluate(actions, p, advantages, old_log_probabilities, sample_weight, self.clip, False)[0]

    def gradient(self, actions: ArrayLike, p: ArrayLike | tuple[ArrayLike, ArrayLike], advantages: ArrayLike, old_log_probabilities: ArrayLike,
                 sample_weight: ArrayLike | None = None) -> Gradient:
        """Its derivative in `p`.

        Parameters
        ----------
        actions, p, advantages, old_log_probabilities, sample_weight
            See `value`.

        Returns
        -------
        ndarray of shape (n, k), or tuple of ndarrays of the shapes of mean and log_std
        """
        return cast(Gradient, self._evaluate(actions, p, advantages, old_log_probabilities, sample_weight, self.clip, True)[1])

    def value_and_gradient(self, actions: ArrayLike, p: ArrayLike | tuple[ArrayLike, ArrayLike], advantages: ArrayLike,
                           old_log_probabilities: ArrayLike, sample_weight: ArrayLike | None = None) -> tuple[float | Array, Gradient]:
        """Both.

        Parameters
        ----------
        actions, p, advantages, old_log_probabilities, sample_weight
            See `value`.

        Returns
        -------
        value : float or ndarray of shape (n,)
        gradient : ndarray of shape (n, k), or tuple of ndarrays of the shapes of mean and log_std
        """
        value, gradient = self._evaluate(actions, p, advantages, old_log_probabilities, sample_weight, self.clip, True)
        return value, cast(Gradient, gradient)
