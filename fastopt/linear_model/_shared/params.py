"""What the parameters of the linear estimators may be: tables of rules, their checks, and what goes from them to the kernels.

Used by linear_model.  Knows neither scikit-learn nor data.
"""
from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from fastopt import losses, optimizers
from fastopt._common.rules import FLAG, INTEGER, NONE, Rule, choice, either, integer, real, refuse
from fastopt._core.tables import PENALTY_NAMES, PENALTY_PLACES, SCHEDULE_NAMES, SGD_SCHEDULE_NAMES
from fastopt._estimators.params import CLASS_LOSSES, LEVEL_LOSSES, SCHEDULE, SEED, SETTINGS, SIZE, WEIGHTS, check_rules, loss_name, loss_of
from fastopt.exceptions import InvalidParameterError

#: shared by all estimators that learn by SGD
COMMON: dict[str, Rule] = {
    "fit_intercept": FLAG,
    "max_iter": integer(1),
    "tol": either(real(0), NONE),
    "shuffle": FLAG,
    "verbose": either(integer(0), FLAG),
    "random_state": SEED,
    "learning_rate": choice(*SGD_SCHEDULE_NAMES),
    "eta0": real(0, above=True),
    "power_t": real(),
    "warm_start": FLAG,
    "average": either(integer(1), FLAG),
}
#: of those that learn y as well
SUPERVISED: dict[str, Rule] = {
    **COMMON,
    "penalty": either(choice(*(name for name, place in PENALTY_PLACES.items() if place == "sgd" and name != "none")), NONE),
    "alpha": real(0),
    "l1_ratio": either(real(0, 1), NONE),
    "epsilon": real(0),
    "early_stopping": FLAG,
    "validation_fraction": real(0, 1, above=True, below=True),
    "n_iter_no_change": integer(1),
    "restore_best": FLAG,
    "n_jobs": either(INTEGER, NONE),
    "optimizer": either(choice("auto", *optimizers.names()), NONE),
    "batch_size": either(integer(1), SIZE, NONE),
    "schedule": either(SCHEDULE, NONE),
    "clip_norm": either(real(0, above=True), NONE),
    "optimizer_params": either(SETTINGS, NONE),
    "parallel": either(choice("hogwild"), NONE),
}
CLASSIFIER: dict[str, Rule] = {
    **SUPERVISED,
    "loss": loss_of("sign", "unit", "real", "class"),
    "class_weight": either(choice("balanced"), WEIGHTS, NONE),
    "multi_class": choice("ovr", "multinomial"),
}
REGRESSOR: dict[str, Rule] = {**SUPERVISED, "loss": loss_of("real", "nonnegative", "positive", rows=LEVEL_LOSSES)}
ONE_CLASS: dict[str, Rule] = {**COMMON, "nu": real(0, 1, above=True),
                              "learning_rate": choice(*(name for name in SGD_SCHEDULE_NAMES if not name.startswith("pa")))}


#: settings of optimizers that are none in an estimator, and what sets them there
NOT_SETTINGS = {"lr": "eta0 or schedule", "l1": "alpha with penalty='l1'", "l2": "alpha with penalty='l2'",
                "weight_decay": "alpha with penalty='l2'", "clip_norm": "clip_norm", "clip_global_norm": "clip_norm",
                "n_threads": "n_jobs", "maximize": "", "nonfinite": ""}


def check_all(owner: str, rules: Mapping[str, Rule], values: Mapping[str, Any]) -> None:
    """Raise for the first value that its rule does not accept, or that does not go with another, of those who learn by SGD."""
    check_rules(owner, rules, values)
    if "batch_size" in values:
        check_batches(owner, values)
    if values["learning_rate"] == "optimal" and values.get("alpha") == 0 and not uses_batches(values):
        refuse("alpha", "above 0 with learning_rate='optimal', which is computed from it", values["alpha"], owner=owner)
    if values.get("penalty") == "elasticnet" and values["l1_ratio"] is None:
        refuse("l1_ratio", "a number: l1_ratio must be set when penalty is 'elasticnet'", None, owner=owner)
    passive = "epsilon_insensitive" if rules is REGRESSOR else "hinge"
    if values["learning_rate"] in ("pa1", "pa2") and "loss" in values and loss_name(values["loss"]) != passive:
        refuse("loss", f"{passive!r} with learning_rate={values['learning_rate']!r}", values["loss"], owner=owner)


def uses_batches(values: Mapping[str, Any]) -> bool:
    """Whether the parameters ask for more than per-sample SGD."""
    return (values.get("multi_class") == "multinomial" or loss_name(values.get("loss", "")) in CLASS_LOSSES + LEVEL_LOSSES
            or any(values.get(name) is not None for name in ("optimizer", "schedule", "clip_norm"))
            or values.get("batch_size") is not None and values["batch_size"] != 1 or is_wild(values))


def is_wild(values: Mapping[str, Any]) -> bool:
    """Whether threads are to step the same weights without locks."""
    return values.get("parallel") == "hogwild" and values["n_jobs"] not in (None, 1)


def check_batches(owner: str, values: Mapping[str, Any]) -> None:
    """Raise for parameters of mini-batches that do not go with the others."""
    if values["optimizer_params"] and values["optimizer"] is None:
        refuse("optimizer", "named with optimizer_params, which are its settings", None, owner=owner)
    if not uses_batches(values):
        return
    if values["learning_rate"] in ("pa1", "pa2"):
        refuse("learning_rate", "none of 'pa1', 'pa2' with an optimizer or mini-batches", values["learning_rate"], owner=owner)
    if values.get("multi_class") == "multinomial" and loss_name(values["loss"]) != "log_loss":
        refuse("loss", "'log_loss' with multi_class='multinomial'", values["loss"], owner=owner)
    if values["optimizer"] == "auto":
        if loss_name(values["loss"]) in LEVEL_LOSSES:
            refuse("optimizer", f"another with loss={loss_name(values['loss'])!r}, whose outputs have no units of their own", "auto", owner=owner)
        _check_follows(owner, "batch_size", values, "optimizer='auto'")
        for name in ("schedule", "clip_norm", "optimizer_params", "parallel"):
            if values[name] is not None:
                refuse(name, "None with optimizer='auto', which has no such settings", values[name], owner=owner)
        return
    settings = values["optimizer_params"] or {}
    if values["parallel"] == "hogwild":
        _check_wild(owner, values, settings)
    _, alpha, share = penalty_spec(values["penalty"], values["alpha"], values["l1_ratio"])
    if values["optimizer"] == "muon" and alpha * share > 0:
        refuse("penalty", "'l2' or None with optimizer='muon', whose step is not one of single weights", values["penalty"], owner=owner)
    for name, instead in NOT_SETTINGS.items():
        if name in settings:
            refuse("optimizer_params", f"without {name!r}" + (f", which {instead} of {owner} sets" if instead else ""),
                   values["optimizer_params"], owner=owner)
    try:
        optimizers.get(values["optimizer"] or "sgd").check_settings(settings)
    except (TypeError, ValueError) as error:
        raise InvalidParameterError(f"optimizer_params of {owner}: {error}") from None


def _check_wild(owner: str, values: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Raise for what threads cannot do that step the same weights without locks."""
    if values["optimizer"] not in (None, "sgd", "adagrad") or settings.get("momentum"):
        refuse("parallel", "None with an optimizer other than 'sgd' without momentum and 'adagrad': steps of several "
               "threads would mix their moments", values["parallel"], owner=owner)
    for name in ("clip_norm", "average"):
        if values[name]:
            refuse("parallel", f"None with {name}, which is of all weights at one step", values["parallel"], owner=owner)
    for name in ("schedule", "batch_size"):
        _check_follows(owner, name, values, "parallel='hogwild'")


def _check_follows(owner: str, name: str, values: Mapping[str, Any], other: str) -> None:
    """Raise for a schedule or a batch size that is driven by each batch."""
    if getattr(values[name], "driven_by", None) in ("value", "noise"):
        refuse(name, f"what follows from the step alone with {other}, where no step waits for the norm of a gradient",
               values[name], owner=owner)


def resolve_loss(owner: str, loss: str | losses.Loss, epsilon: float) -> losses.Loss:
    """The loss itself; scikit-learn's `epsilon` is the parameter of those that go by name."""
    if isinstance(loss, losses.Loss):
        return loss
    if loss == "huber" and float(epsilon) == 0:
        refuse("epsilon", "above 0 with loss='huber'", epsilon, owner=owner)
    return _named_loss(loss, {"huber": "delta"}.get(loss, "epsilon" if "epsilon" in loss else ""), float(epsilon))


#: the losses of scikit-learn's SGD
SKLEARN_LOSSES = ("hinge", "squared_hinge", "perceptron", "log_loss", "modified_huber", "squared_error", "huber", "epsilon_insensitive",
                  "squared_epsilon_insensitive")


def loss_functions(rules: Mapping[str, Rule]) -> dict[str, tuple[Any, ...]]:
    """scikit-learn's table of its losses: the class, and the default of the parameter that is `epsilon` there."""
    return {name: (type(losses.get(name)), *([0.1] if name == "huber" or "epsilon" in name else []))
            for name in rules["loss"].options if name in SKLEARN_LOSSES}


@functools.lru_cache(maxsize=64)
def _named_loss(name: str, parameter: str, value: float) -> losses.Loss:
    return losses.get(name, **({parameter: value} if parameter else {}))


def penalty_spec(penalty: str | None, alpha: float, l1_ratio: float | None) -> tuple[int, float, float]:
    """Kind, alpha and share of l1, as the kernels take them: without a penalty alpha is still that of 'optimal'."""
    share = {"l1": 1.0, "elasticnet": l1_ratio}.get(penalty or "none", 0.0)
    return PENALTY_NAMES.index(penalty or "none"), float(alpha), float(share or 0.0)


def schedule_spec(learning_rate: str, eta0: float, power_t: float, alpha: float) -> tuple[int, float, float, float]:
    """Kind, eta0, power_t and t0, as the kernels take them.

    t0 follows Bottou's heuristic as scikit-learn does: the first rate is a typical weight, alpha^(−1/4), over the largest
    gradient at minus that weight, at least 1; scikit-learn takes that gradient at y = 1 with its sign, which is negative for
    every loss, so that 1 is left.
    """
    t0 = 1 / (alpha * alpha ** -0.25) if alpha > 0 else 0.0
    return SCHEDULE_NAMES.index(learning_rate), float(eta0), float(power_t), t0
