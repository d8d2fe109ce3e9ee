"""What the parameters of the perceptrons may be, alone and together.

Used by this room.  Knows neither scikit-learn nor data.
"""
from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np

from fastopt import losses, optimizers
from fastopt._common.rules import FLAG, INTEGER, NONE, Rule, choice, either, integer, real, refuse
from fastopt._core.tables import ACTIVATION_NAMES
from fastopt._estimators.params import LEVEL_LOSSES, SCHEDULE, SEED, SETTINGS, WEIGHTS, check_rules, loss_of
from fastopt.exceptions import InvalidParameterError
from fastopt.neural_network._initialisers import NAMES as INITIALISERS
from fastopt.optimizers import Optimizer

#: solvers that step along gradients of batches
STOCHASTIC = ("sgd", "adam")
ACTIVATIONS = tuple(ACTIVATION_NAMES)


def _is_sequence(value: object) -> bool:
    return isinstance(value, (list, tuple)) or isinstance(value, np.ndarray) and value.ndim == 1


def _are_sizes(value: Any) -> bool:
    return _is_sequence(value) and all(isinstance(size, Integral) and not isinstance(size, bool) for size in value)


SIZES = either(INTEGER, Rule("a list of integers", _are_sizes))
ACTIVATION = either(choice(*ACTIVATIONS), Rule("a list of such names, one a hidden layer",
                                               lambda value: _is_sequence(value) and all(name in ACTIVATIONS for name in value)))
OPTIMIZER = either(choice(*optimizers.names()), Rule("an optimizer of fastopt.optimizers", lambda value: isinstance(value, Optimizer)), NONE)
SCORING = either(Rule("'loss', or a scorer of scikit-learn or its name", lambda value: isinstance(value, str) or callable(value)), NONE)

COMMON: dict[str, Rule] = {
    "hidden_layer_sizes": SIZES,
    "activation": ACTIVATION,
    "solver": choice("lbfgs", *STOCHASTIC),
    "alpha": real(0),
    "batch_size": either(choice("auto"), integer(1)),
    "learning_rate": choice("constant", "invscaling", "adaptive"),
    "learning_rate_init": real(0, above=True),
    "power_t": real(0),
    "max_iter": integer(1),
    "shuffle": FLAG,
    "random_state": SEED,
    "tol": real(0),
    "verbose": either(integer(0), FLAG),
    "warm_start": FLAG,
    "momentum": real(0, 1),
    "nesterovs_momentum": FLAG,
    "early_stopping": FLAG,
    "validation_fraction": real(0, 1, below=True),
    "beta_1": real(0, 1, below=True),
    "beta_2": real(0, 1, below=True),
    "epsilon": real(0, above=True),
    "n_iter_no_change": either(integer(1), Rule("inf", lambda value: isinstance(value, float) and value == math.inf)),
    "max_fun": integer(1),
    "init": choice(*INITIALISERS),
    "optimizer": OPTIMIZER,
    "optimizer_params": either(SETTINGS, NONE),
    "schedule": either(SCHEDULE, NONE),
    "scoring": SCORING,
    "restore_best": FLAG,
    "keep_gradient_norms": FLAG,
    "n_jobs": either(INTEGER, NONE),
}
CLASSIFIER: dict[str, Rule] = {**COMMON, "loss": loss_of("unit", "sign", "real", "class"),
                               "class_weight": either(choice("balanced"), WEIGHTS, NONE)}
REGRESSOR: dict[str, Rule] = {**COMMON, "loss": loss_of("real", "nonnegative", "positive", rows=LEVEL_LOSSES)}

#: settings of optimizers that are parameters here
NOT_SETTINGS = {"lr": "learning_rate_init or schedule", "weight_decay": "alpha, as the gradient's, or an instance as `optimizer`",
                "n_threads": "n_jobs", "maximize": "", "nonfinite": ""}


def hidden_sizes(value: Any) -> list[int]:
    """The sizes of the hidden layers; those of no unit are refused in scikit-learn's words."""
    sizes = [int(size) for size in value] if _is_sequence(value) else [int(value)]
    if any(size <= 0 for size in sizes):
        raise InvalidParameterError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return sizes


def hidden_activations(values: Mapping[str, Any]) -> list[str]:
    """The activation of each hidden layer."""
    activation, count = values["activation"], len(hidden_sizes(values["hidden_layer_sizes"]))
    return [activation] * count if isinstance(activation, str) else list(activation)


def loss_itself(values: Mapping[str, Any]) -> losses.Loss:
    """The loss that is given as such or by name."""
    loss = values["loss"]
    return loss if isinstance(loss, losses.Loss) else losses.get(loss)


def is_stochastic(values: Mapping[str, Any]) -> bool:
    """Whether the fit takes steps along gradients of batches."""
    return values["solver"] in STOCHASTIC


def check_all(owner: str, rules: Mapping[str, Rule], values: Mapping[str, Any]) -> None:
    """Raise for the first value that its rule does not accept, or that does not go with another."""
    check_rules(owner, rules, values)
    sizes, activations = hidden_sizes(values["hidden_layer_sizes"]), hidden_activations(values)
    if len(activations) != len(sizes):
        refuse("activation", f"a name, or a list of {len(sizes)} of them, one for each of hidden_layer_sizes", values["activation"], owner=owner)
    if not is_stochastic(values):
        for name in ("optimizer", "schedule", "optimizer_params"):
            if values[name] is not None:
                refuse(name, "None with solver='lbfgs', which finds its steps itself", values[name], owner=owner)
    if values["scoring"] is not None and not values["early_stopping"]:
        refuse("scoring", "None without early_stopping, which it is the metric of", values["scoring"], owner=owner)
    if getattr(values["schedule"], "driven_by", None) == "value":
        refuse("schedule", "what follows from the step or from a metric", values["schedule"], owner=owner)
    _check_optimizer(owner, values)


def _check_optimizer(owner: str, values: Mapping[str, Any]) -> None:
    """Raise for settings of the optimizer that it has not, or that are parameters of the estimator."""
    optimizer, settings = values["optimizer"], values["optimizer_params"] or {}
    if settings and not isinstance(optimizer, str):
        refuse("optimizer", "a name with optimizer_params, which are its settings", optimizer, owner=owner)
    for name, instead in NOT_SETTINGS.items():
        if name in settings:
            refuse("optimizer_params", f"without {name!r}" + (f", which {instead} of {owner} sets" if instead else ""), settings, owner=owner)
    if isinstance(optimizer, str):
        try:
            optimizers.get(optimizer).check_settings(settings)
        except (TypeError, ValueError) as error:
            raise InvalidParameterError(f"optimizer_params of {owner}: {error}") from None
