"""The check of a saved state before it is loaded: all of it, so that nothing is changed if it does not fit.

Used by fastopt._optimizer.
"""
from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from ._optimizer_settings import GLOBAL, check
from .exceptions import InvalidParameterError

KEYS = ("rule", "t", "skipped", "carry", "groups", "state")


def _refuse(words: str) -> NoReturn:
    raise InvalidParameterError(f"state {words}")


def checked(optimizer: Any, state: Any) -> tuple[list[dict[str, Any]], list[list[Any]]]:
    """Settings of the groups and arrays of the state, if they fit the optimizer."""
    if not isinstance(state, Mapping) or any(key not in state for key in KEYS):
        _refuse(f"must be a dict with {', '.join(KEYS)}, as state_dict returns it; got {type(state).__name__}"
                + (f" with {', '.join(map(str, state))}" if isinstance(state, Mapping) else ""))
    if state["rule"] != optimizer.name:
        _refuse(f"must be that of {optimizer.name!r}, got that of {state['rule']!r}")
    for name in ("t", "skipped"):
        if not isinstance(state[name], int) or isinstance(state[name], bool) or state[name] < 0:
            _refuse(f"[{name!r}] must be an integer of at least 0, got {state[name]!r}")
    for name, count in (("groups", len(optimizer.param_groups)), ("carry", len(optimizer.param_groups)),
                        ("state", len(optimizer.params))):
        if not isinstance(state[name], (list, tuple)) or len(state[name]) != count:
            _refuse(f"[{name!r}] must have {count} entries, for the parameters at hand")
    for carry in state["carry"]:
        if len(carry) > 4 or not all(isinstance(number, float) and math.isfinite(number) for number in carry):
            _refuse(f"['carry'] must hold finite numbers, got {carry!r}")
    settings = [_settings(optimizer, i, group) for i, group in enumerate(state["groups"])]
    return settings, [_arrays(optimizer, i, arrays) for i, arrays in enumerate(state["state"])]


def _settings(optimizer: Any, i: int, saved: Any) -> dict[str, Any]:
    own = optimizer.param_groups[i].settings
    if not isinstance(saved, Mapping) or set(saved) - set(GLOBAL) != set(own):
        _refuse(f"['groups'][{i}] must have the settings {', '.join(own)}, got {saved!r:.200}")
    new = {name: saved[name] for name in own}
    if isinstance(new["lr"], Mapping):   # a schedule: the one that is there goes on
        schedule, inner = own["lr"], new["lr"].get("schedule")
        if not callable(schedule):
            _refuse(f"['groups'][{i}]['lr'] is a schedule's, but the optimizer has lr={schedule!r}")
        if inner is not None and hasattr(schedule, "load_state_dict"):
            schedule.load_state_dict(inner)
        new["lr"] = schedule
    new = {name: check(name, value) for name, value in new.items()}
    if optimizer._kind(new) != optimizer._kind(own):
        _refuse(f"['groups'][{i}] has settings that need other arrays of state: {saved!r:.200}")
    return new


def _arrays(optimizer: Any, i: int, saved: Any) -> list[Any]:
    names = optimizer.state_names
    if not isinstance(saved, Mapping) or set(saved) != set(names):
        _refuse(f"['state'][{i}] must have the arrays {', '.join(names)}, got {', '.join(map(str, saved))}")
    for name, own in zip(names, optimizer.states[i]):
        value = np.asarray(saved[name])
        if value.shape != own.shape or value.dtype != own.dtype:
            _refuse(f"['state'][{i}][{name!r}] must be {own.dtype} of shape {own.shape}, got {value.dtype} of shape {value.shape}")
    return [saved[name] for name in names]
