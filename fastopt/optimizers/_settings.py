"""What the settings of optimizers may be, each once, whoever has it, and their defaults where all have them.

Used by fastopt.optimizers._base.  Knows neither parameters nor rules.
"""
from __future__ import annotations

import difflib
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from numbers import Real
from typing import Any, Literal, NamedTuple, TypedDict

import numpy as np

from fastopt.exceptions import InvalidParameterError


class Options(TypedDict, total=False):
    """Settings of every optimizer."""
    l1: float
    clip_value: float | None
    clip_norm: float | None
    clip_global_norm: float | None
    maximize: bool
    nonfinite: Literal["raise", "skip", "late"]
    n_threads: int | None


#: their defaults
OPTIONS: dict[str, Any] = {"l1": 0.0, "clip_value": None, "clip_norm": None, "clip_global_norm": None, "maximize": False,
                           "nonfinite": "raise", "n_threads": None}
#: those that hold for all groups
GLOBAL = ("clip_norm", "clip_global_norm", "maximize", "nonfinite", "n_threads")


class Check(NamedTuple):
    """What a setting may be, in words and as a test."""
    words: str
    accepts: Callable[[Any], bool]


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def number(low: float = -math.inf, high: float = math.inf, *, above: bool = False, below: bool = False) -> Check:
    """A finite number at least `low` (above it) and at most `high` (below it)."""
    bounds = [f"above {low:g}" if above else f"at least {low:g}"] if low > -math.inf else []
    bounds += [f"below {high:g}" if below else f"at most {high:g}"] if high < math.inf else []

    def accepts(value: Any) -> bool:
        return bool(_is_number(value) and abs(value) <= sys.float_info.max and (low < value if above else low <= value)
                    and (value < high if below else value <= high))
    return Check(" ".join(["a finite number", " and ".join(bounds)]).strip(), accepts)


def optional(inner: Check) -> Check:
    """None, or what the check accepts."""
    return Check(f"{inner.words}, or None", lambda value: value is None or inner.accepts(value))


def pair(inner: Check, words: str) -> Check:
    """Two numbers."""
    return Check(words, lambda value: isinstance(value, (tuple, list)) and len(value) == 2
                 and all(inner.accepts(each) for each in value))


def one_of(*options: Any) -> Check:
    """One of some values."""
    return Check("one of " + ", ".join(map(repr, options)),
                 lambda value: (value is None or isinstance(value, str)) and value in options)


_share = number(0, 1, below=True)
_positive = number(0, above=True)
_at_least_0 = number(0)
_above_1 = number(1, above=True)
_two_positive = pair(_positive, "two positive numbers")
_flag = Check("True or False", lambda value: isinstance(value, bool))

CHECKS: dict[str, Check] = {
    "lr": Check("a finite number of at least 0, or a callable of the step",
                lambda value: callable(value) or _at_least_0.accepts(value)),
    "betas": pair(_share, "two numbers of at least 0 and below 1"),
    "beta3": optional(_share), "rho": _share, "alpha": number(0, 1),
    "eps": _at_least_0, "momentum": _share, "dampening": number(0, 1),
    "weight_decay": _at_least_0, "l1": _at_least_0, "l2": _at_least_0, "beta": _positive,
    "nesterov": _flag, "amsgrad": _flag, "centered": _flag, "maximize": _flag, "decoupled_weight_decay": _flag,
    "safeguard_warmup": _flag, "use_bias_correction": _flag,
    "clip_value": optional(_positive), "clip_norm": optional(_positive), "clip_global_norm": optional(_positive),
    "nonfinite": one_of("raise", "skip", "late"),
    "n_threads": Check("an integer other than 0, or None",
                       lambda value: value is None or isinstance(value, int) and not isinstance(value, bool) and value != 0),
    "moments": one_of(None, "bfloat16", "8bit"),
    "lr_decay": _at_least_0, "initial_accumulator_value": _at_least_0, "lambd": _at_least_0, "power": _at_least_0,
    "t0": _at_least_0,
    "etas": Check("two numbers, the first between 0 and 1, the second above 1",
                  lambda value: _two_positive.accepts(value) and value[0] < 1 < value[1]),
    "step_sizes": Check("two positive numbers, the smaller first",
                        lambda value: _two_positive.accepts(value) and value[0] <= value[1]),
    "momentum_decay": _at_least_0, "trust_coefficient": _positive, "d0": _positive, "d_coef": _positive,
    "growth_rate": Check("a number above 1, or infinity",
                         lambda value: _is_number(value) and (value == math.inf or _above_1.accepts(value))),
    "reps_rel": _positive, "r": _at_least_0, "weight_lr_power": _at_least_0,
    "eps1": optional(_at_least_0), "eps2": _positive, "beta2_decay": number(-1, 0), "d": _positive, "ns_steps": Check("an integer from 1 to 99",
                                                                   lambda value: isinstance(value, int)
                                                                   and not isinstance(value, bool) and 1 <= value <= 99),
    "adjust_lr": one_of("original", "match_rms_adamw"), "matrix": _flag,
}


def plain(value: Any) -> Any:
    """Python's own number or string in place of NumPy's, also out of an array without dimensions; a tuple in place of a vector."""
    if isinstance(value, (np.generic, np.ndarray)) and value.ndim == 0:
        return value.item()
    if isinstance(value, np.ndarray) and value.ndim == 1 or isinstance(value, (tuple, list)):
        return tuple(each.item() if isinstance(each, (np.generic, np.ndarray)) and each.ndim == 0 else each for each in value)
    return value


def check(name: str, given: Any) -> Any:
    """The value, plain Python numbers in place of NumPy's, if it is one that this setting may have."""
    wanted, value = CHECKS[name], plain(given)
    if not wanted.accepts(value):
        raise InvalidParameterError(f"{name} must be {wanted.words}, got {given!r}")
    if _is_number(value) and not isinstance(value, int):
        return float(value)
    return tuple(map(float, value)) if isinstance(value, (tuple, list)) else value


#: settings that go to the kernels under another name
_FIELDS = {"alpha": "beta2", "rho": "beta1", "clip_value": "clip", "weight_decay": "l2"}
_NEUTRAL = {"kind": 0, "flag": 0, "lr": 0.0, "beta1": 0.0, "beta2": 0.0, "beta3": 0.0, "eps": 0.0, "momentum": 0.0,
            "dampening": 0.0, "l2": 0.0, "decay": 0.0, "l1": 0.0, "clip": math.inf, "a": 0.0, "b": 0.0, "c": 0.0, "d": 0.0}


def fields_of(settings: Mapping[str, Any], decoupled: bool, **known: Any) -> dict[str, Any]:
    """The fields of the kernels' fo_rule that settings are named after; `decoupled`: weight decay is beside the step."""
    fields = {**_NEUTRAL, **known}
    for name, value in settings.items():
        field = _FIELDS.get(name, name)
        if name == "betas":
            fields["beta1"], fields["beta2"] = value
        elif name == "weight_decay" and decoupled:
            fields["decay"] = value
        elif field in fields and name not in ("lr", "d"):
            fields[field] = math.inf if value is None else value
    return fields


def refuse_unknown(owner: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raise for the first name that is not known, with the one that may have been meant."""
    known = list(known)
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise TypeError(f"{owner} has no setting {name!r}" + (f"; did you mean {near[0]!r}?" if near else
                                                                  f"; it has {', '.join(known)}"))
