"""Checks of single parameters, and things by name: an error says which parameter, what was expected and what came.

Used by losses, schedules and batch sizes; knows none of them.
"""
from __future__ import annotations

import difflib
import functools
import inspect
import math
import numbers
import operator
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from fastopt.exceptions import InvalidParameterError

T = TypeVar("T")

#: integers up to this are doubles too
_LARGEST = 2 ** 53


def number(name: str, value: Any, above: float = -math.inf, below: float = math.inf, at_least: float | None = None,
           at_most: float | None = None) -> float:
    """`value` as a float, if it is a number in its range."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise InvalidParameterError(f"{name} must be a number, got {value!r}")
    try:
        found = float(value)
    except OverflowError:   # an integer beyond the largest float
        found = math.inf if operator.gt(value, 0) else -math.inf
    low = found > above if at_least is None else found >= at_least
    high = found < below if at_most is None else found <= at_most
    if not (low and high):
        bounds = [("above", above), ("at least", at_least), ("below", below), ("at most", at_most)]
        wanted = [f"{word} {bound}" for word, bound in bounds if bound is not None and math.isfinite(bound)]
        if not math.isfinite(found):
            wanted.append("not nan" if math.isnan(found) else "finite")
        raise InvalidParameterError(f"{name} must be {' and '.join(wanted)}, got {found!r}")
    return found


def integer(name: str, value: Any, at_least: int, at_most: int | None = None) -> int:
    """`value` as an int, if it is an integer in its range, and not beyond what a double counts."""
    if at_most is None and isinstance(value, int) and value > _LARGEST:
        at_most = _LARGEST
    wanted = f"at least {at_least}" if at_most is None else f"from {at_least} to {at_most}"
    try:
        whole = None if isinstance(value, (bool, np.bool_)) else operator.index(value)
    except TypeError:
        whole = None
    if whole is None or whole < at_least or at_most is not None and whole > at_most:
        raise InvalidParameterError(f"{name} must be an integer {wanted}, got {value!r}")
    return whole


def flag(name: str, value: Any) -> bool:
    """`value` as a bool, if it is one."""
    if not isinstance(value, (bool, np.bool_)):
        raise InvalidParameterError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def choice(name: str, value: Any, *options: str) -> str:
    """`value`, if it is one of some strings."""
    if not isinstance(value, str) or value not in options:
        raise InvalidParameterError(f"{name} must be one of {', '.join(map(repr, options))}, got {value!r}")
    return value


@functools.cache
def _parameters(kind: type) -> Mapping[str, inspect.Parameter]:
    """What a class takes, which takes longer to find out than to make one."""
    return inspect.signature(kind).parameters


def make(registry: Mapping[str, type[T]], base: type[T], what: str, name: Any, params: Mapping[str, Any]) -> T:
    """The thing of that name with these parameters; a thing without parameters is returned as it is."""
    if isinstance(name, base) and not params:
        return name
    if not isinstance(name, str):
        raise InvalidParameterError(f"name must be a string or, without parameters, a {base.__name__}; got {name!r}")
    if name not in registry:
        near = difflib.get_close_matches(name, registry, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"they are {', '.join(registry)}"
        raise InvalidParameterError(f"there is no {what} {name!r}: {hint}")
    kind: type = registry[name]
    known = _parameters(kind)
    for key in params.keys() - known.keys():
        raise InvalidParameterError(f"{name} takes {', '.join(known) or 'no parameters'}, got {key}")
    return registry[name](**params)
