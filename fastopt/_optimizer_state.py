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
#: what a state holds for all groups and an optimizer takes from it
SHARED = tuple(name for name in GLOBAL if name != "n_threads")


def _refuse(words: str) -> NoReturn:
    raise InvalidParameterError(f"state {words}")


def checked(optimizer: Any, state: Any) -> tuple[list[dict[str, Any]], dict[str, Any], list[dict[str, Any]]]:
    """Settings of the groups, those that hold for all, and arrays of the state, if they fit the optimizer."""
    if not isinstance(state, Mapping) or any(key not in state for key in KEYS):
        _refuse(f"must be a dict with {', '.join(KEYS)}, as state_dict returns it; got {type(state).__name__}"
                + (f" with {', '.join(map(str, state))}" if isinstance(state, Mapping) else ""))
    if not isinstance(state["rule"], str) or state["rule"] != optimizer.name:
        _refuse(f"must be that of {optimizer.name!r}, got that of {state['rule']!r:.200}")
    for name in ("t", "skipped"):
        if not isinstance(state[name], int) or isinstance(state[name], bool) or not 0 <= state[name] < 2 ** 63:
            _refuse(f"[{name!r}] must be an integer of at least 0, got {state[name]!r:.200}")
    for name, count in (("groups", len(optimizer.param_groups)), ("carry", len(optimizer.param_groups)),
                        ("state", len(optimizer.params))):
        if not isinstance(state[name], (list, tuple)) or len(state[name]) != count:
            _refuse(f"[{name!r}] must have {count} entries, for the parameters at hand; got {state[name]!r:.200}")
    for own, carry in zip(optimizer.carries, state["carry"]):
        if not (isinstance(carry, (list, tuple)) and len(carry) == len(own)
                and all(isinstance(number, float) and math.isfinite(number) for number in carry)):
            _refuse(f"['carry'] must hold {len(own)} finite numbers a group, got {carry!r:.200}")
    settings = [_settings(optimizer, i, group) for i, group in enumerate(state["groups"])]
    common = {name: check(name, state["groups"][0][name]) for name in SHARED}
    return settings, common, [_arrays(optimizer, i, arrays) for i, arrays in enumerate(state["state"])]


def _settings(optimizer: Any, i: int, saved: Any) -> dict[str, Any]:
    own = optimizer.param_groups[i].settings
    if not isinstance(saved, Mapping) or set(saved) != {*own, *GLOBAL}:
        _refuse(f"['groups'][{i}] must have the settings {', '.join([*own, *GLOBAL])}, got {saved!r:.200}")
    new = {name: saved[name] for name in own}
    if isinstance(new["lr"], Mapping):   # a schedule: the one that is there goes on
        if not callable(own["lr"]):
            _refuse(f"['groups'][{i}]['lr'] is a schedule's, but the optimizer has lr={own['lr']!r}")
        new["lr"] = own["lr"]
    new = {name: check(name, value) for name, value in new.items()}
    if optimizer._kind(new) != optimizer._kind(own):
        _refuse(f"['groups'][{i}] has settings that need other arrays of state: {saved!r:.200}")
    optimizer._rule(new)   # refuses settings that do not go together
    return new


def _arrays(optimizer: Any, i: int, saved: Any) -> dict[str, Any]:
    known = optimizer._named(optimizer.states[i])
    if not isinstance(saved, Mapping) or set(saved) != set(known):
        _refuse(f"['state'][{i}] must have the arrays {', '.join(known) or 'of no name'}, got {saved!r:.200}")
    for name, own in known.items():
        value = saved[name]
        if not isinstance(value, np.ndarray) or value.shape != own.shape or value.dtype != own.dtype:
            got = f"{value.dtype} of shape {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
            _refuse(f"['state'][{i}][{name!r}] must be {own.dtype} of shape {own.shape}, got {got}")
        if np.isnan(value).any():
            _refuse(f"['state'][{i}][{name!r}] must not hold nan")
    return dict(saved)


def load_schedules(rates: list[Any], saved: list[Any]) -> None:
    """Have schedules go on where they were saved; if one cannot, the others are put back and its error is raised."""
    loaded: list[tuple[Any, Any]] = []
    try:
        for schedule, value in zip(rates, saved):
            inner = value.get("schedule") if isinstance(value, Mapping) else None
            if inner is not None and hasattr(schedule, "load_state_dict"):
                loaded.append((schedule, schedule.state_dict()))
                schedule.load_state_dict(inner)
    except Exception:
        for schedule, before in loaded:
            schedule.load_state_dict(before)
        raise
