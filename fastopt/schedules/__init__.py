"""The learning-rate schedules by name.

Used by optimizers and estimators, and on their own: each is a function of the step, ``schedule(t)``.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastopt._common.settings import restored

from ._base import Function, Schedule, as_schedule, registry
from ._cycle import *  # noqa: F403
from ._decay import *  # noqa: F403
from ._feedback import *  # noqa: F403
from ._joined import *  # noqa: F403

__all__ = ["Function", "Schedule", "as_schedule", "from_state_dict", "get", "names",
           *(schedule.__name__ for schedule in registry.values())]

Schedule.__module__ = __name__


def get(name: str | Schedule, **params: Any) -> Schedule:
    """The schedule of that name, with the parameters that its class takes.

    A near miss is told which name it may stand for.

    Parameters
    ----------
    name : str or Schedule
        One of ``schedules.names()``; a `Schedule` is returned as it is.
    **params
        Parameters of that schedule.

    Examples
    --------
    >>> from fastopt import schedules
    >>> schedules.get("step", lr=0.5, step_size=30)
    StepDecay(lr=0.5, step_size=30, gamma=0.1)
    """
    return registry.make(name, params)


def names() -> list[str]:
    """Names of all schedules.

    Examples
    --------
    >>> from fastopt import schedules
    >>> sorted(schedules.names())[:3]
    ['constant', 'cosine', 'cosine_restarts']
    """
    return list(registry)


def from_state_dict(state: Mapping[str, Any]) -> Schedule:
    """The schedule that a state was taken from.

    Parameters
    ----------
    state : dict
        What ``state_dict`` of a schedule returned.

    Examples
    --------
    >>> from fastopt import schedules
    >>> state = schedules.Warmup(0.1, warmup_steps=5).state_dict()
    >>> schedules.from_state_dict(state)
    Warmup(schedule=Constant(lr=0.1), warmup_steps=5, start_lr=0.0)
    """
    return restored(registry, state)
