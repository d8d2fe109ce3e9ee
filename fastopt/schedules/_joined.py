"""The schedules that are made of others, or of values between boundaries.

Used through fastopt.schedules.  Blocks of steps are put together from the blocks of the parts; what schedules share is in
schedules/_base.py, and no formula of a curve is here.
"""
from __future__ import annotations

from collections.abc import Iterable, Sequence, Sized
from typing import Any, cast

import numpy as np

from fastopt._common.checks import integer, number
from fastopt._common.rules import refuse
from fastopt.exceptions import InvalidParameterError

from . import _curves
from ._base import LearningRate, Rates, Schedule, as_schedule


def _sequence(name: str, values: object) -> tuple[Any, ...]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Sized) or not hasattr(values, "__getitem__"):
        refuse(name, "a sequence", values)
    return tuple(cast(Iterable[Any], values))


def _steps(name: str, values: object) -> tuple[int, ...]:
    """Steps above 0 in rising order."""
    steps = tuple(integer(f"{name}[{i}]", value, 1) for i, value in enumerate(_sequence(name, values)))
    if any(a >= b for a, b in zip(steps, steps[1:])):
        raise InvalidParameterError(f"{name} must rise, got {list(steps)}")
    return steps


class Warmup(Schedule):
    """Linear warm-up before any other schedule: from start_lr to the other's first rate in warmup_steps steps.

    lr(t) = start_lr + (schedule(0) − start_lr)·t/warmup_steps for t < warmup_steps, schedule(t − warmup_steps) from there.

    Parameters
    ----------
    schedule : Schedule, float or callable
        What comes after.  If a metric or a loss drives it, `update` passes that on.
    warmup_steps : int, at least 0
        Steps of the warm-up.
    start_lr : float, at least 0, default=0.0
        The rate of step 0.

    References
    ----------
    P. Goyal and others (2017), Accurate, large minibatch SGD: training ImageNet in 1 hour, arXiv:1706.02677.

    Examples
    --------
    >>> from fastopt import schedules
    >>> s = schedules.Warmup(schedules.Cosine(0.5, decay_steps=10), warmup_steps=4)
    >>> s.block(0, 6).round(3)
    array([0.   , 0.125, 0.25 , 0.375, 0.5  , 0.488])
    """

    name = "warmup"
    schedule: Schedule
    warmup_steps: int
    start_lr: float

    def __init__(self, schedule: LearningRate, warmup_steps: int, start_lr: float = 0.0) -> None:
        after = as_schedule(schedule, "schedule")
        self._keep({"schedule": after, "warmup_steps": integer("warmup_steps", warmup_steps, 0),
                    "start_lr": number("start_lr", start_lr, at_least=0)}, driven_by=after.driven_by)

    def _rates(self, t: int, n: int) -> Rates:
        lr, ramp = np.empty(n), min(max(self.warmup_steps - t, 0), n)
        if ramp:
            line = _curves.spec("polynomial", lr=self.start_lr, end=self.schedule(0), steps=self.warmup_steps, power_t=1.0)
            lr[:ramp] = _curves.evaluate(line, t, ramp)
        if ramp < n:
            lr[ramp:] = self.schedule._rates(t + ramp - self.warmup_steps, n - ramp)
        return lr

    def update(self, *values: float) -> float:
        """Tell the schedule after the warm-up what it wants to be told.

        Parameters
        ----------
        *values : float
            As its own ``update`` takes them.

        Returns
        -------
        float
            Its rate from now on.
        """
        if self.driven_by is None:
            refuse("schedule", "driven by a metric or a loss to be updated", self.schedule)
        return self.schedule.update(*values)  # type: ignore[attr-defined, no-any-return]


class Join(Schedule):
    """Schedules one after the other: the i-th from step boundaries[i − 1] on, each counting from 0 again.

    lr(t) = schedules[i](t − boundaries[i − 1]) for boundaries[i − 1] <= t < boundaries[i].

    Parameters
    ----------
    schedules : sequence of Schedule, float or callable
        At least one; none that is driven by a metric or a loss.
    boundaries : sequence of int
        The first step of each schedule but the first, rising.

    Examples
    --------
    >>> from fastopt import schedules
    >>> s = schedules.Join([0.1, schedules.Polynomial(0.5, decay_steps=4), 0.01], boundaries=[2, 6])
    >>> s.block(0, 7)
    array([0.1  , 0.1  , 0.5  , 0.375, 0.25 , 0.125, 0.01 ])
    """

    name = "join"
    schedules: tuple[Schedule, ...]
    boundaries: tuple[int, ...]

    def __init__(self, schedules: Sequence[LearningRate], boundaries: Sequence[int]) -> None:
        parts = tuple(as_schedule(part, f"schedules[{i}]") for i, part in enumerate(_sequence("schedules", schedules)))
        starts = _steps("boundaries", boundaries)
        if len(parts) != len(starts) + 1:
            raise InvalidParameterError(f"schedules must be one more than boundaries, got {len(parts)} and {len(starts)}")
        for i, part in enumerate(parts):
            if part.driven_by is not None:
                refuse(f"schedules[{i}]", "a function of the step", part)
        self._keep({"schedules": parts, "boundaries": starts})

    def _rates(self, t: int, n: int) -> Rates:
        lr = np.empty(n)
        for part, start, stop in zip(self.schedules, (0, *self.boundaries), (*self.boundaries, t + n)):
            first, last = max(start, t), min(stop, t + n)
            if first < last:
                lr[first - t:last - t] = part._rates(first - start, last - first)
        return lr


class Piecewise(Schedule):
    """Piecewise constant: lr(t) = values[i] for boundaries[i − 1] <= t < boundaries[i].

    Parameters
    ----------
    boundaries : sequence of int
        The first step of each value but the first, rising.
    values : sequence of float, one more than boundaries
        The rates, at least 0.

    Examples
    --------
    >>> from fastopt import schedules
    >>> s = schedules.Piecewise([100, 200], [0.1, 0.05, 0.01])
    >>> s(99), s(100), s(200)
    (0.1, 0.05, 0.01)
    """

    name = "piecewise"
    boundaries: tuple[int, ...]
    values: tuple[float, ...]
    _table: Rates

    def __init__(self, boundaries: Sequence[int], values: Sequence[float]) -> None:
        starts = _steps("boundaries", boundaries)
        rates = tuple(number(f"values[{i}]", value, at_least=0) for i, value in enumerate(_sequence("values", values)))
        if len(rates) != len(starts) + 1:
            raise InvalidParameterError(f"values must be one more than boundaries, got {len(rates)} and {len(starts)}")
        self._keep({"boundaries": starts, "values": rates}, _table=np.array(rates), _starts=np.array(starts, np.int64))

    def _rates(self, t: int, n: int) -> Rates:
        return self._table[np.searchsorted(self._starts, np.arange(t, t + n), side="right")]

    _starts: np.ndarray[Any, np.dtype[np.int64]]


class MultiStep(Piecewise):
    """Decay at milestones: lr(t) = lr·gamma^(how many milestones are <= t).  PyTorch's ``MultiStepLR``.

    Parameters
    ----------
    lr : float, at least 0
        The rate of step 0.
    milestones : sequence of int
        The steps from which the rate is multiplied by `gamma` once more, rising.
    gamma : float above 0, default=0.1
        What each milestone multiplies the rate by.

    Examples
    --------
    >>> from fastopt import schedules
    >>> s = schedules.MultiStep(0.5, milestones=[30, 80])
    >>> s(29), s(30), round(s(80), 6)
    (0.5, 0.05, 0.005)
    """

    name = "multi_step"
    lr: float
    milestones: tuple[int, ...]
    gamma: float

    def __init__(self, lr: float, milestones: Sequence[int], gamma: float = 0.1) -> None:
        rate, factor = number("lr", lr, at_least=0), number("gamma", gamma, above=0)
        starts = _steps("milestones", milestones)
        decays = _curves.spec("exponential", lr=rate, rate=factor, steps=1)
        self._keep({"lr": rate, "milestones": starts, "gamma": factor}, _starts=np.array(starts, np.int64),
                   _table=_curves.evaluate(decays, 0, len(starts) + 1))
