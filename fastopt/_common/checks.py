"""Checks of single parameters in constructors and functions: a line each, and the value comes back as it is used.

Used by losses, penalties, schedules, batch sizes, objectives and solvers; what may be is said by the rules of _common.rules.
"""
from __future__ import annotations

import functools
import math

from . import rules

#: integers up to this are doubles too
LARGEST = 2 ** 53


@functools.lru_cache(maxsize=256)
def _between(above: float, below: float, at_least: float | None, at_most: float | None) -> rules.Rule:
    """The rule of a number: finite, unless a closed end is not."""
    low, high = above if at_least is None else at_least, below if at_most is None else at_most
    return rules.real(low, high, above=at_least is None and above > -math.inf, below=at_most is None and below < math.inf,
                      infinite=at_least == -math.inf or at_most == math.inf)


def number(name: str, value: object, above: float = -math.inf, below: float = math.inf, at_least: float | None = None,
           at_most: float | None = None) -> float:
    """`value` as a float, if it is a number in its range."""
    if type(value) is float and (above < value if at_least is None else at_least <= value) and (
            value < below if at_most is None else value <= at_most):
        return value
    rule = _between(above, below, at_least, at_most)
    return float(rule.check(name, value))


def integer(name: str, value: object, at_least: int, at_most: int | None = None) -> int:
    """`value` as an int, if it is an integer in its range, and not beyond what a double counts."""
    if type(value) is int and at_least <= value <= (LARGEST if at_most is None else at_most):
        return value
    if at_most is None and isinstance(value, int) and value > LARGEST:
        at_most = LARGEST
    return int(rules.integer(at_least, at_most).check(name, value))


def flag(name: str, value: object) -> bool:
    """`value` as a bool, if it is one."""
    return value if type(value) is bool else bool(rules.FLAG.check(name, value))


def choice(name: str, value: object, *options: str) -> str:
    """`value`, if it is one of some strings."""
    return str(rules.choice(*options).check(name, value))
