"""The check of a saved state before it is loaded: all of it, so that nothing is changed if it does not fit; and all that makes a copy.

Used by fastopt.optimizers._base.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from fastopt._common.rules import element, integer, real, several
from fastopt.exceptions import InvalidParameterError
from fastopt.schedules._base import LearningRate

from ._param_group import ParamGroup
from ._settings import GLOBAL, check

Array = NDArray[Any]

KEYS = ("rule", "t", "skipped", "carry", "groups", "state")
#: what a state holds for all groups and an optimizer takes from it
SHARED = tuple(name for name in GLOBAL if name != "n_threads")

_CARRIED = real(infinite=True)


class Saved(Protocol):
    """What is looked at of an optimizer."""
    name: ClassVar[str]
    params: list[Array]
    states: list[list[Array | None]]
    carries: list[list[float]]
    began: list[int]
    behind: list[list[float]]
    collected: list[Array | None]
    count: int
    skipped: int
    _common: dict[str, Any]

    @property
    def t(self) -> int: ...

    @property
    def param_groups(self) -> tuple[ParamGroup, ...]: ...

    def _kind(self, settings: Mapping[str, Any]) -> str: ...

    def _rule(self, settings: Mapping[str, Any]) -> tuple[dict[str, Any], LearningRate]: ...

    def _named(self, state: Sequence[Array | None]) -> dict[str, Array]: ...


def _refuse(words: str) -> NoReturn:
    raise InvalidParameterError(f"state {words}")


def saved(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings as a state holds them: a schedule by what it says of itself."""
    lr = settings["lr"]
    return {**settings, "lr": {"schedule": lr.state_dict() if hasattr(lr, "state_dict") else None} if callable(lr) else lr}


def checked(optimizer: Saved, state: object) -> tuple[list[dict[str, Any]], dict[str, Any], list[dict[str, Any]], dict[str, Any]]:
    """Settings of the groups, those that hold for all, arrays of the state, and counters, if they fit the optimizer."""
    if not isinstance(state, Mapping) or any(key not in state for key in KEYS):
        _refuse(f"must be a dict with {', '.join(KEYS)}, as state_dict returns it; got {type(state).__name__}"
                + (f" with {', '.join(map(str, state))}" if isinstance(state, Mapping) else ""))
    rule = element(state["rule"])
    if not isinstance(rule, str) or rule != optimizer.name:
        _refuse(f"must be that of {optimizer.name!r}, got that of {state['rule']!r:.200}")
    groups, arrays = len(optimizer.param_groups), len(optimizer.params)
    entries = {"began": [0] * groups, "behind": [[]] * arrays, **state}   # which older states lack
    for name, count in (("groups", groups), ("carry", groups), ("began", groups), ("state", arrays), ("behind", arrays)):
        if not isinstance(entries[name], (list, tuple, np.ndarray)) or len(entries[name]) != count:
            _refuse(f"[{name!r}] must have {count} entries, for the parameters at hand; got {entries[name]!r:.200}")
    counters: dict[str, Any] = {name: _count(f"[{name!r}]", state[name]) for name in ("t", "skipped")}
    own = len(optimizer.carries[0])
    counters["carry"] = [_numbers(f"['carry'][{i}]", carry, own) for i, carry in enumerate(entries["carry"])]
    counters["began"] = [_count(f"['began'][{i}]", began, counters["t"]) for i, began in enumerate(entries["began"])]
    counters["behind"] = [_behind(i, numbers, own, counters["t"]) for i, numbers in enumerate(entries["behind"])]
    settings = [_settings(optimizer, i, group) for i, group in enumerate(state["groups"])]
    common = {name: check(name, state["groups"][0][name]) for name in SHARED}
    return settings, common, [_arrays(optimizer, i, arrays) for i, arrays in enumerate(state["state"])], counters


def _count(name: str, value: object, most: int | None = None) -> int:
    """A number of steps."""
    return int(integer(0, most).check(f"state{name}", value))


def _numbers(name: str, values: object, count: int) -> list[float]:
    """So many numbers that a rule carries, which may have become infinite."""
    return list(several(_CARRIED, count, f"{count} numbers, none of them nan").check(f"state{name}", values))


def _behind(i: int, values: object, count: int, t: int) -> list[Any]:
    """Nothing, or the steps that an array missed and the numbers that it carries by itself."""
    name = f"['behind'][{i}]"
    if not isinstance(values, (list, tuple, np.ndarray)):
        _refuse(f"{name} must be a list, got {values!r:.200}")
    return [_count(name, values[0], t), *_numbers(name, values[1:], count)] if len(values) else []


def _settings(optimizer: Saved, i: int, saved: object) -> dict[str, Any]:
    own = optimizer.param_groups[i].settings
    if not isinstance(saved, Mapping) or set(saved) != {*own, *GLOBAL}:
        _refuse(f"['groups'][{i}] must have the settings {', '.join([*own, *GLOBAL])}, got {saved!r:.200}")
    new = {name: saved[name] for name in own}
    if isinstance(new["lr"], Mapping) and not callable(own["lr"]):
        _refuse(f"['groups'][{i}]['lr'] is a schedule's, but the optimizer has lr={own['lr']!r}")
    if callable(own["lr"]):   # a schedule stays
        new["lr"] = own["lr"]
    new = {name: check(name, value) for name, value in new.items()}
    if optimizer._kind(new) != optimizer._kind(own):
        _refuse(f"['groups'][{i}] has settings that need other arrays of state: {saved!r:.200}")
    optimizer._rule(new)   # refuses settings that do not go together
    return new


def _arrays(optimizer: Saved, i: int, saved: object) -> dict[str, Any]:
    known = optimizer._named(optimizer.states[i])
    if not isinstance(saved, Mapping) or set(saved) != set(known):
        _refuse(f"['state'][{i}] must have the arrays {', '.join(known) or 'of no name'}, got {saved!r:.200}")
    for name, own in known.items():
        value = np.asarray(saved[name]) if isinstance(saved[name], np.generic) else saved[name]
        if not isinstance(value, np.ndarray) or value.shape != own.shape or value.dtype != own.dtype:
            got = f"{value.dtype} of shape {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
            _refuse(f"['state'][{i}][{name!r}] must be {own.dtype} of shape {own.shape}, got {got}")
        if np.isnan(value).any():
            _refuse(f"['state'][{i}][{name!r}] must not hold nan")
    return dict(saved)


def settings_of(optimizer: Saved) -> list[dict[str, Any]]:
    """The settings of the groups with their parameters, as they are installed."""
    return [{**group.settings, **optimizer._common, "params": list(group.params)} for group in optimizer.param_groups]


def frozen(optimizer: Saved) -> dict[str, Any]:
    """All of an optimizer, parameters too, but for what is made anew for a copy."""
    own = {name: value for name, value in optimizer.__dict__.items() if name not in ("_groups", "_matrices")}
    return {"own": own, "params": optimizer.params, "groups": settings_of(optimizer), "states": optimizer.states,
            "carries": optimizer.carries, "began": optimizer.began, "behind": optimizer.behind,
            "counters": (optimizer.t, optimizer.skipped),
            "collected": (optimizer.collected if optimizer.count else None, optimizer.count)}


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
