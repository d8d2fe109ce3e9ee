"""What parameters that many estimators have may be, and the check of all of them.

Used by the estimators, whose rooms have tables of rules.  Knows neither scikit-learn nor data.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fastopt import losses
from fastopt._common.rules import NONE, Rule, choice, either, integer, refuse
from fastopt._core.tables import COUPLED_LOSS_NAMES, LOSS_TARGETS

#: losses of all classes of a row together; of several outputs for one number
CLASS_LOSSES = tuple(name for name in COUPLED_LOSS_NAMES if LOSS_TARGETS[name] == "class")
LEVEL_LOSSES = tuple(name for name in COUPLED_LOSS_NAMES if LOSS_TARGETS[name] == "real")


def loss_of(*targets: str, rows: tuple[str, ...] = CLASS_LOSSES) -> Rule:
    """A loss, or its name, of one of these domains of y; of those of all outputs together those in `rows` alone."""
    options = tuple(name for name, target in LOSS_TARGETS.items()
                    if target in targets and (name in rows or name not in COUPLED_LOSS_NAMES))
    instance = Rule("a loss of fastopt.losses for such targets, without weights of classes, ignore_index and from_probabilities",
                    lambda value: isinstance(value, losses.Loss) and value.plain and value.target in targets
                    and (value.name in rows or value.name not in COUPLED_LOSS_NAMES))
    return either(choice(*options), instance)


SEED = either(integer(0, 2 ** 32 - 1),
              Rule("a numpy.random.RandomState", lambda value: isinstance(value, np.random.RandomState) or value is np.random), NONE)
SIZE = Rule("a strategy of fastopt.batching", lambda value: callable(getattr(value, "size", None))
            and not isinstance(value, (np.ndarray, np.generic)))
SCHEDULE = Rule("a schedule of fastopt.schedules or another callable of the step", callable)
SETTINGS = Rule("a dict of settings of the optimizer",
                lambda value: isinstance(value, Mapping) and all(isinstance(name, str) for name in value))
WEIGHTS = Rule("a dict of class weights", lambda value: isinstance(value, dict))

def check_rules(owner: str, rules: Mapping[str, Rule], values: Mapping[str, Any]) -> None:
    """Raise for the first value that its rule does not accept."""
    for name, rule in rules.items():
        if not rule.accepts(values[name]):
            refuse(name, rule.words, values[name], rule.options, owner=owner)


#: types whose values are the same if they are equal
SIMPLE = frozenset([int, float, bool, str, type(None)])
#: tuples of names and values that were found to be right; a few, each the parameters of an estimator
_right: dict[Any, None] = {}
MOST_RIGHT = 64


def check_parameters(owner: str, rules: Mapping[str, Rule], values: Mapping[str, Any],
                     check: Callable[[str, Mapping[str, Rule], Mapping[str, Any]], None] = check_rules) -> None:
    """`check`, which raises for the first value that its rule does not accept; what was right a moment ago still is."""
    given = tuple([values[name] for name in rules])
    types = tuple(map(type, given))
    key = (owner, id(rules), check, given, types) if SIMPLE.issuperset(types) else None
    if key in _right:
        return
    check(owner, rules, values)
    if key is not None:
        if len(_right) >= MOST_RIGHT:
            _right.clear()
        _right[key] = None


def loss_name(loss: str | losses.Loss) -> str:
    """The name of a loss that is given as such or as an instance."""
    return loss.name if isinstance(loss, losses.Loss) else loss
