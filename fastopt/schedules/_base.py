"""What all schedules have in common: steps, checks of the rates, pictures, the register of names.

Used by the modules that hold the schedules, schedules._decay, schedules._cycle, schedules._joined and schedules._feedback.  The
mathematics is in csrc/schedules/schedules.h, the way to it in schedules/_curves.pyx; nothing here knows a formula.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import numpy as np
from numpy.typing import NDArray

from fastopt._common.checks import integer, number
from fastopt._common.plot import plot_rates
from fastopt._common.registry import Registry
from fastopt._common.settings import Stateful
from fastopt.exceptions import InvalidParameterError

from . import _curves

if TYPE_CHECKING:
    from fastopt._common.plot import Axes

Rates = NDArray[np.float64]

#: steps are counted in double
LAST_STEP = 2 ** 53 - 1


class Schedule(Stateful):
    """What all schedules have in common.

    A schedule is a function of the step: ``schedule(t)`` is the learning rate of step t = 0, 1, 2, …  Schedules can be
    compared, copied, pickled and, where they are driven by nothing, shared; their attributes cannot be set.  A rate
    that is negative, infinite or nan is an error that names the step.

    Attributes
    ----------
    name : str
        The name for ``schedules.get``.
    params : dict
        The parameters.
    spec : tuple of float or None
        The fields of ``fo_schedule`` in their order, for the kernels; None if no single kernel computes the schedule.
    driven_by : None, 'metric' or 'value'
        What `update` wants to be told: nothing, as the schedule is a function of the step; a metric
        (`ReduceOnPlateau`); the loss with the squared norm of its gradient (`PolyakStep`).
    """

    spec: tuple[float, ...] | None = None
    driven_by: str | None = None
    #: function in csrc/schedules/schedules.h, where there is one
    _kernel: ClassVar[str | None] = None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.__module__ = "fastopt.schedules"
        if cls.__dict__.get("name", "function") != "function":
            registry[cls.name] = cls

    def _keep_kernel(self, params: dict[str, Any], **fields: float) -> None:
        """Remember the parameters, and what the kernel is told."""
        assert self._kernel is not None
        self._keep(params, spec=_curves.spec(self._kernel, **fields))

    def __call__(self, t: int) -> float:
        """The learning rate of step t.

        Parameters
        ----------
        t : int
            From 0.

        Returns
        -------
        float

        Raises
        ------
        InvalidParameterError
            If t is no step, or the rate is negative or not finite.
        """
        t = integer("t", t, 0, LAST_STEP)
        lr = self._rate(t)
        if not 0 <= lr < math.inf:
            self._refuse(lr, t)
        return lr

    def block(self, t: int, n: int) -> Rates:
        """The learning rates of the n steps t, t + 1, …, the same numbers as from one call a step.

        Parameters
        ----------
        t : int
            The first step, from 0.
        n : int
            How many.

        Returns
        -------
        ndarray of shape (n,), float64

        Raises
        ------
        InvalidParameterError
            If t is no step, n is negative, or a rate is negative or not finite.
        """
        t = integer("t", t, 0, LAST_STEP)
        n = integer("n", n, 0, LAST_STEP - t + 1)
        lr = self._rates(t, n)
        good = (lr >= 0) & (lr < math.inf)
        if not good.all():
            first = int(np.argmin(good))
            self._refuse(float(lr[first]), t + first)
        return lr

    def _rate(self, t: int) -> float:
        return _curves.rate(self.spec, t) if self.spec is not None else float(self._rates(t, 1)[0])

    def _rates(self, t: int, n: int) -> Rates:
        """The rates, unchecked."""
        assert self.spec is not None
        return _curves.evaluate(self.spec, t, n)

    def _refuse(self, lr: float, t: int) -> NoReturn:
        raise InvalidParameterError(f"lr must be finite and at least 0 at every step, got {lr!r} at step {t} from {self!r}")

    def plot(self, steps: int, ax: Axes | None = None) -> Axes:
        """Draw the rates of the steps 0 … steps − 1; needs matplotlib, ``pip install fastopt[plot]``.

        Parameters
        ----------
        steps : int
            How many.
        ax : matplotlib Axes, optional
            Where to draw; a new figure's by default.

        Returns
        -------
        matplotlib Axes
        """
        return plot_rates(self.block(0, integer("steps", steps, 1)), repr(self), ax)


#: classes by name
registry = Registry("schedule", Schedule)
#: what stands for a schedule
LearningRate = float | Schedule | Callable[[int], float]


class Function(Schedule):
    """A user's function of the step as a schedule; made by ``as_schedule``.

    Parameters
    ----------
    function : callable
        From the number of a step to its learning rate.
    """

    name = "function"
    function: Callable[[int], float]

    def __init__(self, function: Callable[[int], float]) -> None:
        self._keep({"function": function})

    def _rate(self, t: int) -> float:
        lr = self.function(t)
        try:
            return float(lr)
        except (TypeError, ValueError):
            raise InvalidParameterError(f"lr must return a number, got {lr!r} at step {t} from {self.function!r}") from None

    def _rates(self, t: int, n: int) -> Rates:
        return np.fromiter((self._rate(step) for step in range(t, t + n)), np.float64, n)

    def state_dict(self) -> dict[str, Any]:
        """The name alone: a function cannot be saved."""
        return {"name": self.name, "params": {}, "state": {}}


def as_schedule(lr: LearningRate, name: str = "lr") -> Schedule:
    """A learning rate, a schedule, or any function of the step, as a schedule.

    Parameters
    ----------
    lr : float, Schedule or callable
        A float is a `Constant`; a schedule is returned as it is; a callable takes the step, from 0, and returns the rate.
    name : str, default='lr'
        What the argument is called in errors.

    Returns
    -------
    Schedule

    Raises
    ------
    InvalidParameterError
        If it is none of these, or a negative, infinite or nan rate.

    Examples
    --------
    >>> from fastopt import schedules
    >>> schedules.as_schedule(0.1)
    Constant(lr=0.1)
    >>> schedules.as_schedule(lambda t: 0.1 / (1 + t)).block(0, 2)
    array([0.1 , 0.05])
    """
    if isinstance(lr, Schedule):
        return lr
    if callable(lr) and not isinstance(lr, type):
        return Function(lr)
    try:
        rate = number(name, lr, at_least=0)
    except InvalidParameterError:
        if isinstance(lr, (int, float)) and not isinstance(lr, bool):
            raise
        hint = f"; schedules.get({lr!r}, …) makes one by name" if isinstance(lr, str) else ""
        expected = "a number, a schedule or a function of the step"
        raise InvalidParameterError(f"{name} must be {expected}, got {lr!r}{hint}") from None
    return registry["constant"](lr=rate)  # type: ignore[call-arg]
