"""What the settings of optimizers may be, each once, whoever has it, and their defaults where all have them.

Used by the modules of this folder.  Knows neither arrays nor update rules.
"""
from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypedDict

from numpy.typing import NDArray

from fastopt._common.rules import FLAG, INTEGER, NONE, Rule, choice, did_you_mean, either, integer, real, several

#: what an optimizer steps: an array, arrays, or groups of them with settings of their own
Params = NDArray[Any] | Sequence[NDArray[Any]] | Sequence[Mapping[str, Any]]


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

_SHARE, _FROM_0_TO_1 = real(0, 1, below=True), real(0, 1)
_POSITIVE, _AT_LEAST_0 = real(0, above=True), real(0)
_ETAS, _STEP_SIZES = (several(_POSITIVE, 2, words) for words in ("two numbers, the first between 0 and 1, the second above 1",
                                                          "two positive numbers, the smaller first"))
_BOUND = either(_POSITIVE, NONE)

RULES: dict[str, Rule] = {
    "lr": either(_AT_LEAST_0, Rule("a callable of the step", callable)),
    "betas": several(_SHARE, 2, "two numbers of at least 0 and below 1"),
    "beta3": either(_SHARE, NONE), "rho": _SHARE, "alpha": _FROM_0_TO_1, "beta2_decay": real(-1, 0), "beta": _POSITIVE,
    "momentum": _SHARE, "dampening": _FROM_0_TO_1, "momentum_decay": _AT_LEAST_0,
    "eps": _AT_LEAST_0, "eps1": either(_AT_LEAST_0, NONE), "eps2": _POSITIVE,
    "weight_decay": _AT_LEAST_0, "l1": _AT_LEAST_0, "l2": _AT_LEAST_0,
    **dict.fromkeys(("nesterov", "amsgrad", "centered", "maximize", "decoupled_weight_decay", "safeguard_warmup",
                     "use_bias_correction", "matrix", "eps_hat", "lr_in_velocity"), FLAG),
    "clip_value": _BOUND, "clip_norm": _BOUND, "clip_global_norm": _BOUND,
    "nonfinite": choice("raise", "skip", "late"),
    "n_threads": either(Rule("an integer other than 0", lambda value: INTEGER.accepts(value) and value != 0, convert=int), NONE),
    "moments": either(choice("bfloat16", "8bit"), NONE),
    "lr_decay": _AT_LEAST_0, "initial_accumulator_value": _AT_LEAST_0, "lambd": _AT_LEAST_0, "power": _AT_LEAST_0, "t0": _AT_LEAST_0,
    "etas": _ETAS._replace(accepts=lambda value: _ETAS.accepts(value) and value[0] < 1 < value[1]),
    "step_sizes": _STEP_SIZES._replace(accepts=lambda value: _STEP_SIZES.accepts(value) and value[0] <= value[1]),
    "trust_coefficient": _POSITIVE, "d": _POSITIVE, "d0": _POSITIVE, "d_coef": _POSITIVE,
    "growth_rate": real(1, above=True, infinite=True),
    "reps_rel": _POSITIVE, "r": _AT_LEAST_0, "weight_lr_power": _AT_LEAST_0,
    "ns_steps": integer(1, 99), "adjust_lr": choice("original", "match_rms_adamw"),
}


def check(name: str, given: object) -> Any:
    """The value, a Python number in place of NumPy's, if it is one that this setting may have."""
    return RULES[name].check(name, given)


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
            raise TypeError(f"{owner} has no setting {name!r}{did_you_mean(name, known) or '; it has ' + ', '.join(known)}")
