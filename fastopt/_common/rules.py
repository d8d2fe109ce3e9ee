"""What a parameter may be, as data: rules, in words and as a test; the one wording of a refusal, and the near match that it ends with.

Used by all that check arguments: constructors (by way of _common.checks), optimizers, minimize, estimators, the command.  Knows none of
them.
"""
from __future__ import annotations

import difflib
import functools
import math
from collections.abc import Callable, Iterable
from numbers import Integral, Real
from typing import Any, NamedTuple, NoReturn, TypeGuard, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastopt.exceptions import InvalidParameterError

T = TypeVar("T")

#: how alike a name must be to be the one that was meant, as difflib measures it
CUTOFF = 0.5
#: integers below it fit into 64 bits
BEYOND = 2 ** 63


def near(name: object, options: Iterable[object]) -> str | None:
    """The option that is most like a name, in upper or lower case; None if none is, or if the name is no string.

    Examples
    --------
    >>> from fastopt._common.rules import near
    >>> near("Hubr", ["hinge", "huber"])
    'huber'
    """
    if not isinstance(name, str):
        return None
    lower = {str(option).lower(): str(option) for option in options}
    found = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=CUTOFF)
    return lower[found[0]] if found else None


def did_you_mean(name: object, options: Iterable[object]) -> str:
    """The end of an error: ``": did you mean 'huber'?"`` for ``'hubr'``, or nothing if no option is near."""
    found = near(name, options)
    return "" if found is None else f": did you mean {found!r}?"


def short(value: object) -> str:
    """A value in an error: 80 characters of it, and of an array or a very large integer what it is."""
    if isinstance(value, np.ndarray) and value.ndim:
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    if isinstance(value, int) and abs(value) > 1e80:   # beyond floats, perhaps, and beyond what repr is allowed to print
        return f"an integer of about {'-' if value < 0 else ''}1e{int(math.log10(abs(value)))}"
    text = repr(value.item() if isinstance(value, np.generic) else element(value))
    return text if len(text) <= 80 else text[:77] + "..."


def refuse(name: str, expected: str, value: object, options: Iterable[str] = (), owner: str = "") -> NoReturn:
    """Raise for the value of a parameter; a string is told the option that is near.

    Examples
    --------
    >>> from fastopt._common.rules import refuse
    >>> refuse("loss", "one of 'hinge', 'huber'", "hubr", ["hinge", "huber"], owner="SGDClassifier")
    Traceback (most recent call last):
    ...
    fastopt.exceptions.InvalidParameterError: loss of SGDClassifier must be one of 'hinge', 'huber', got 'hubr': did you mean 'huber'?
    """
    of = f" of {owner}" if owner else ""
    raise InvalidParameterError(f"{name}{of} must be {expected}, got {short(value)}{did_you_mean(value, options)}")


def _as_it_is(value: T) -> T:
    return value


class Rule(NamedTuple):
    """What a value may be, in words and as a test; the strings among it; and what an accepted value is turned into."""
    words: str
    accepts: Callable[[Any], bool]
    options: tuple[str, ...] = ()
    convert: Callable[[Any], Any] = _as_it_is

    def check(self, name: str, value: object, owner: str = "") -> Any:
        """The value, converted, if the rule accepts it or, of an array without dimensions, its element."""
        if self.accepts(value):
            return self.convert(value)
        inner = element(value)
        if inner is value or not self.accepts(inner):
            refuse(name, self.words, value, self.options, owner)
        return self.convert(inner)


def element(value: object) -> object:
    """The Python object in a NumPy array without dimensions; anything else as it is."""
    return value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value


# ---- numbers ----

def as_float(value: Real) -> float:
    """A real number as a float; nan, which is in no range, where it is an integer beyond the largest one."""
    try:
        return float(value)
    except OverflowError:
        return math.nan


def _range(low: float, high: float, above: bool, below: bool) -> str:
    """The bounds that are finite, in words, after a space."""
    bounds = [f"{word} {figure(bound)}" for word, bound in (("above" if above else "at least", low), ("below" if below else "at most", high))
              if math.isfinite(bound)]
    return " " + " and ".join(bounds) if bounds else ""


def figure(bound: float) -> str:
    """A bound in words: 0, not 0.0."""
    return str(int(bound)) if bound == int(bound) and abs(bound) < 1e16 else repr(bound)


@functools.lru_cache(maxsize=256)
def real(low: float = -math.inf, high: float = math.inf, *, above: bool = False, below: bool = False, infinite: bool = False) -> Rule:
    """A number at least `low` (above it) and at most `high` (below it), finite unless `infinite`; as a float."""
    open_low, open_high = above or low == -math.inf and not infinite, below or high == math.inf and not infinite

    def accepts(value: object) -> bool:
        if type(value) is float:
            found = value
        elif isinstance(value, Real) and not isinstance(value, bool):
            found = as_float(value)
        else:
            return False
        return (low < found if open_low else low <= found) and (found < high if open_high else found <= high)

    words = f"a number{_range(low, high, above, below)}, finite or infinite" if infinite else f"a finite number{_range(low, high, above, below)}"
    return Rule(words, accepts, convert=as_float)


def _is_integer(value: object) -> TypeGuard[Integral]:
    return isinstance(value, Integral) and not isinstance(value, bool)


@functools.lru_cache(maxsize=256)
def integer(low: int, high: int | None = None) -> Rule:
    """An integer of at least `low` and at most `high`, by default what fits into 64 bits; as an int."""
    most = BEYOND - 1 if high is None else high

    def accepts(value: object) -> bool:
        return _is_integer(value) and low <= int(value) <= most

    return Rule(f"an integer at least {low}" if high is None else f"an integer from {low} to {high}", accepts, convert=int)


INTEGER = Rule("an integer", _is_integer, convert=int)


def floats(value: object) -> NDArray[np.float64]:
    """A number, or numbers, as an array; one nan where there are none."""
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        return np.array(math.nan)


@functools.lru_cache(maxsize=256)
def numbers(low: float = -math.inf, high: float = math.inf, *, above: bool = False, infinite: bool = False, alone: bool = True) -> Rule:
    """Numbers of a range in a list or an array, one at the least, or a number `alone`; as an array."""
    def accepts(value: object) -> bool:
        if isinstance(value, (bool, str)):
            return False
        found = floats(value)
        inside = (found > low if above else found >= low) & (found <= high) & (infinite | np.isfinite(found))
        return found.size > 0 and (found.ndim == 1 or alone and found.ndim == 0) and bool(inside.all())

    kind, bounds = "" if infinite else "finite ", _range(low, high, above, False)
    return Rule(f"a {kind}number{bounds}, or an array of them" if alone else f"an array of {kind}numbers{bounds}", accepts, convert=floats)


# ---- others ----

NONE = Rule("None", lambda value: value is None)
FLAG = Rule("True or False", lambda value: isinstance(value, (bool, np.bool_)), convert=bool)


@functools.lru_cache(maxsize=256)
def choice(*options: str) -> Rule:
    """One of some strings."""
    return Rule("one of " + ", ".join(map(repr, options)), lambda value: isinstance(value, str) and value in options, options, str)


def either(*rules: Rule) -> Rule:
    """Whatever one of the rules accepts, converted as the first of these does."""
    def first(value: object) -> Rule | None:
        for rule in rules:
            if rule.accepts(value):
                return rule
        return None

    def convert(value: object) -> Any:
        rule = first(value)
        return value if rule is None else rule.convert(value)

    return Rule(" or ".join(rule.words for rule in rules), lambda value: first(value) is not None,
                sum((rule.options for rule in rules), ()), convert)


def several(inner: Rule, count: int, words: str) -> Rule:
    """So many values that one rule accepts, in a list, a tuple or a vector; as a tuple."""
    def accepts(value: object) -> bool:
        values = list(value) if isinstance(value, (tuple, list)) or isinstance(value, np.ndarray) and value.ndim == 1 else []
        return len(values) == count and all(inner.accepts(element(each)) for each in values)

    return Rule(words, accepts, convert=lambda value: tuple(inner.convert(element(each)) for each in value))
