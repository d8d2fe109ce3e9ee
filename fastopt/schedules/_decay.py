"""The schedules that only go down (or stay): parameters and documentation.

Used through fastopt.schedules.  What schedules share is in schedules/_base.py, their mathematics in csrc/schedules/schedules.h.
"""
from __future__ import annotations

from fastopt._common.checks import flag, integer, number

from ._base import Schedule


class Constant(Schedule):
    """Constant rate: lr(t) = lr.

    Parameters
    ----------
    lr : float, at least 0
        The learning rate.

    Examples
    --------
    >>> from fastopt import schedules
    >>> schedules.Constant(0.1)(1000)
    0.1
    """

    name = _kernel = "constant"
    lr: float

    def __init__(self, lr: float) -> None:
        self._keep_kernel({"lr": (rate := number("lr", lr, at_least=0))}, lr=rate)


class _Decay(Schedule):
    """A decay of so much in so many steps, smooth or in stairs."""

    lr: float
    decay_rate: float
    decay_steps: int
    staircase: bool

    def _keep_decay(self, lr: float, decay_rate: float, decay_steps: int, staircase: bool) -> None:
        """Remember the parameters, of which the rate is checked."""
        lr, decay_steps, staircase = number("lr", lr, at_least=0), integer("decay_steps", decay_steps, 1), flag("staircase", staircase)
        self._keep_kernel({"lr": lr, "decay_rate": decay_rate, "decay_steps": decay_steps, "staircase": staircase},
                          lr=lr, rate=decay_rate, steps=decay_steps, stairs=staircase)


class ExponentialDecay(_Decay):
    """Exponential decay: lr(t) = lr·decay_rate^(t/decay_steps); with staircase lr·decay_rate^⌊t/decay_steps⌋.

    Parameters
    ----------
    lr : float, at least 0
        The rate of step 0.
    decay_rate : float above 0, default=0.96
        What the rate is multiplied by in `decay_steps` steps; above 1 it grows.
    decay_steps : int, at least 1, default=1
        Steps of one decay.
    staircase : bool, default=False
        Whether the rate stays the same between decays.

    Examples
    --------
    >>> from fastopt import schedules
    >>> s = schedules.ExponentialDecay(1e-2, decay_rate=0.96, decay_steps=100)
    >>> s(0), round(s(100), 6), round(s(150), 6)
    (0.01, 0.0096, 0.009406)
    """

    name = _kernel = "exponential"

    def __init__(self, lr: float, decay_rate: float = 0.96, decay_steps: int = 1, staircase: bool = False) -> None:
        self._keep_decay(lr, number("decay_rate", decay_rate, above=0), decay_steps, staircase)


class StepDecay(Schedule):
    """Step decay: lr(t) = lr·gamma^⌊t/step_size⌋.  PyTorch's ``StepLR``; `ExponentialDecay` with staircase.

    Parameters
    ----------
    lr : float, at least 0
        The rate of step 0.
    step_size : int, at least 1
        Steps between two decays.
    gamma : float above 0, default=0.1
        What each decay multiplies the rate by.

    Examples
    --------
    >>> from fastopt import schedules
    >>> s = schedules.StepDecay(0.5, step_size=30)
    >>> s(0), s(29), s(30)
    (0.5, 0.5, 0.05)
    """

    name = "step"
    _kernel = "exponential"
    lr: float
    step_size: int
    gamma: float

    def __init__(self, lr: float, step_size: int, gamma: float = 0.1) -> None:
        lr, gamma = number("lr", lr, at_least=0), number("gamma", gamma, above=0)
        step_size = integer("step_size", step_size, 1)
        self._keep_kernel({"lr": lr, "step_size": step_size, "gamma": gamma}, lr=lr, rate=gamma, steps=step_size, stairs=1)


class Polynomial(Schedule):
    """Polynomial decay: lr(t) = end_lr + (lr − end_lr)·(1 − t/decay_steps)^power, end_lr from t = decay_steps on.

    Power 1 is a straight line, power 2 square decay.  With end_lr above lr it goes up.

    Parameters
    ----------
    lr : float, at least 0
        The rate of step 0.
    decay_steps : int, at least 1
        Steps until the rate is `end_lr`.
    power : float above 0, default=1.0
        The exponent.
    end_lr : float, at least 0, default=0.0
        The last rate.

    Examples
    --------
    >>> from fastopt import schedules
    >>> s = schedules.Polynomial(0.4, decay_steps=10, power=2)
    >>> s(0), s(5), s(10), s(11)
    (0.4, 0.1, 0.0, 0.0)
    """

    name = _kernel = "polynomial"
    lr: float
    decay_steps: int
    power: float
    end_lr: float

    def __init__(self, lr: float, decay_steps: int, power: float = 1.0, end_lr: float = 0.0) -> None:
        lr, end_lr = number("lr", lr, at_least=0), number("end_lr", end_lr, at_least=0)
        decay_steps, power = integer("decay_steps", decay_steps, 1), number("power", power, above=0)
        self._keep_kernel({"lr": lr, "decay_steps": decay_steps, "power": power, "end_lr": end_lr},
                          lr=lr, steps=decay_steps, power_t=power, end=end_lr)


class InverseTime(_Decay):
    """Inverse time decay: lr(t) = lr/(1 + decay_rate·t/decay_steps); with staircase ⌊t/decay_steps⌋ for t/decay_steps.

    Parameters
    ----------
    lr : float, at least 0
        The rate of step 0.
    decay_rate : float, at least 0, default=1.0
        How much the divisor grows in `decay_steps` steps.
    decay_steps : int, at least 1, default=1
        Steps of one decay.
    staircase : bool, default=False
        Whether the rate stays the same between decays.

    References
    ----------
    H. Robbins and S. Monro (1951), A stochastic approximation method, Annals of Mathematical Statistics 22, 400–407.

    Examples
    --------
    >>> from fastopt import schedules
    >>> schedules.InverseTime(0.5, decay_rate=1.0, decay_steps=100)(100)
    0.25
    """

    name = _kernel = "inverse_time"

    def __init__(self, lr: float, decay_rate: float = 1.0, decay_steps: int = 1, staircase: bool = False) -> None:
        self._keep_decay(lr, number("decay_rate", decay_rate, at_least=0), decay_steps, staircase)


class InverseSqrt(Schedule):
    """Inverse square root: lr(t) = lr/√(1 + t/decay_steps).

    With `Warmup` it is the schedule of the Transformer: ``Warmup(InverseSqrt(lr, 4000), 4000)``.

    Parameters
    ----------
    lr : float, at least 0
        The rate of step 0.
    decay_steps : int, at least 1, default=1
        Steps until the rate is lr/√2.

    References
    ----------
    A. Vaswani and others (2017), Attention is all you need, NeurIPS 30, section 5.3.

    Examples
    --------
    >>> from fastopt import schedules
    >>> schedules.InverseSqrt(0.5, decay_steps=100)(300)
    0.25
    """

    name = _kernel = "inverse_sqrt"
    lr: float
    decay_steps: int

    def __init__(self, lr: float, decay_steps: int = 1) -> None:
        lr, decay_steps = number("lr", lr, at_least=0), integer("decay_steps", decay_steps, 1)
        self._keep_kernel({"lr": lr, "decay_steps": decay_steps}, lr=lr, steps=decay_steps)


class InverseScaling(Schedule):
    """Inverse scaling: lr(t) = lr/(t + 1)^power.  scikit-learn's ``learning_rate='invscaling'``.

    Parameters
    ----------
    lr : float, at least 0
        The rate of step 0; scikit-learn's ``eta0``.
    power : float, default=0.5
        The exponent; scikit-learn's ``power_t``.

    Examples
    --------
    >>> from fastopt import schedules
    >>> schedules.InverseScaling(0.5, power=0.5)(3)
    0.25
    """

    name = _kernel = "inverse_scaling"
    lr: float
    power: float

    def __init__(self, lr: float, power: float = 0.5) -> None:
        lr, power = number("lr", lr, at_least=0), number("power", power)
        self._keep_kernel({"lr": lr, "power": power}, lr=lr, power_t=power)


class Cosine(Schedule):
    """Cosine decay: lr(t) = end_lr + (lr − end_lr)·(1 + cos(πt/decay_steps))/2, end_lr from t = decay_steps on.

    PyTorch's ``CosineAnnealingLR`` up to T_max = decay_steps; after that it goes up again, and this does not.

    Parameters
    ----------
    lr : float, at least 0
        The rate of step 0.
    decay_steps : int, at least 1
        Steps until the rate is `end_lr`.
    end_lr : float, at least 0, default=0.0
        The last rate.

    References
    ----------
    I. Loshchilov and F. Hutter (2017), SGDR: stochastic gradient descent with warm restarts, ICLR, arXiv:1608.03983.

    Examples
    --------
    >>> from fastopt import schedules
    >>> s = schedules.Cosine(0.1, decay_steps=100)
    >>> s(0), round(s(50), 6), s(100)
    (0.1, 0.05, 0.0)
    """

    name = _kernel = "cosine"
    lr: float
    decay_steps: int
    end_lr: float

    def __init__(self, lr: float, decay_steps: int, end_lr: float = 0.0) -> None:
        lr, end_lr = number("lr", lr, at_least=0), number("end_lr", end_lr, at_least=0)
        decay_steps = integer("decay_steps", decay_steps, 1)
        self._keep_kernel({"lr": lr, "decay_steps": decay_steps, "end_lr": end_lr}, lr=lr, steps=decay_steps, end=end_lr)
