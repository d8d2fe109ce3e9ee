"""The optimizer of a model, from a name with Keras's settings or from an object.

Used by the model of this room.
"""
from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fastopt import optimizers
from fastopt._common.rules import near, refuse
from fastopt.exceptions import InvalidParameterError
from fastopt.optimizers import Optimizer

#: what a name means in Keras, where that is not what it means in fastopt.optimizers
_KERAS: dict[str, dict[str, Any]] = {
    "adam": {"lr": 1e-3, "eps": 1e-7, "eps_hat": True},
    "adamw": {"lr": 1e-3, "eps": 1e-7, "eps_hat": True, "weight_decay": 0.004},
    "sgd": {"lr": 0.01, "lr_in_velocity": True},
    "rmsprop": {"lr": 1e-3, "alpha": 0.9, "eps": 1e-7},
    "adagrad": {"lr": 1e-3, "eps": 1e-7, "initial_accumulator_value": 0.1},
    "adadelta": {"lr": 1e-3, "rho": 0.95, "eps": 1e-7},
    "adamax": {"lr": 1e-3, "eps": 1e-7},
    "nadam": {"lr": 1e-3, "eps": 1e-7},
    "lion": {"lr": 1e-3},
}


def template(optimizer: object, learning_rate: Any, params: Mapping[str, Any] | None) -> Optimizer:
    """An optimizer of nothing, whose settings the engine takes."""
    settings = dict(params or {})
    if learning_rate is not None:
        settings["lr"] = learning_rate
    if isinstance(optimizer, str):
        name = optimizer.lower()
        if name not in optimizers.names():
            found = near(name, optimizers.names())
            raise InvalidParameterError(f"optimizer must be one of {', '.join(map(repr, optimizers.names()))}, or an object, got {optimizer!r}"
                                        + (f": did you mean {found!r}?" if found else ""))
        kind, settings = optimizers.get(name), {**_KERAS.get(name, {}), **settings}
        kind.check_settings(settings)
        return _made(kind, copy.deepcopy(settings))
    if params is not None:
        refuse("optimizer", "a name with optimizer_params, which are its settings", optimizer)
    if isinstance(optimizer, Optimizer):
        if learning_rate is None:
            return optimizer
        changed = copy.deepcopy(optimizer)
        changed.param_groups[0]["lr"] = learning_rate
        return changed
    if not callable(optimizer):
        refuse("optimizer", "a name, an optimizer of fastopt.optimizers, or a callable that makes one of a list of arrays", optimizer)
    made = _made(optimizer, {} if learning_rate is None else {"lr": learning_rate})
    if not isinstance(made, Optimizer):
        refuse("optimizer", "a callable that makes an optimizer of a list of arrays", optimizer)
    return made


def named(rule: str, settings: Mapping[str, Any]) -> Optimizer:
    """The same by the name of its rule and all settings."""
    return _made(optimizers.get(rule), settings)


def _made(kind: Callable[..., Any], settings: Mapping[str, Any]) -> Optimizer:
    """Of a matrix, as some rules are of nothing else."""
    found: Optimizer = kind([np.zeros((1, 1))], **settings)
    return found
