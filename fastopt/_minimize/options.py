"""Arguments of minimize: x0, bounds, jac and options, checked and in the form that the methods take.

Used by the front doors.  Options are data: a name, its default, the rule of what it may be.
"""
from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sized
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import Bounds, OptimizeWarning

from fastopt._common.rules import FLAG, NONE, Rule, choice, either, floats, integer, near, numbers, real, refuse
from fastopt._methods.function import DIFFERENCES, Array
from fastopt.exceptions import InvalidParameterError

#: where a gradient comes from, and what keeps x within its ends
Jac: TypeAlias = bool | str | Callable[..., Any] | None
Ends: TypeAlias = "Bounds | Iterable[Any]"


def _count(low: int) -> Rule:
    """An integer; SciPy's users also write maxiter=1e4."""
    whole = integer(low)

    def accepts(value: object) -> bool:
        return whole.accepts(int(value) if isinstance(value, float) and value.is_integer() else value)

    return Rule(whole.words, accepts, convert=int)


_TOLERANCE, _SHARE = real(0), real(0, 1, above=True, below=True)
_LIMIT = either(_count(0), Rule("infinite", lambda value: isinstance(value, float) and value == math.inf),
                Rule("None", NONE.accepts, convert=lambda value: math.inf))
_STEPS = either(NONE, Rule("a number, or an array of them", lambda value: not np.isnan(floats(value)).any(), convert=floats))

RULES: dict[str, Rule] = {
    "gtol": _TOLERANCE, "ftol": _TOLERANCE, "xtol": _TOLERANCE, "maxiter": _LIMIT, "maxfun": _LIMIT,
    "disp": Rule("true or false", lambda value: True, convert=bool), "eps": _STEPS, "finite_diff_rel_step": _STEPS,
    "c1": _SHARE, "c2": _SHARE, "maxls": _count(1), "maxcor": _count(1), "line_search": choice("armijo", "wolfe"),
    "beta": choice("hz", "pr+"), "accelerate": FLAG, "restart": FLAG,
    "l1": numbers(0),
}

#: of every method, as the rules convert them
COMMON: dict[str, Any] = {"gtol": 1e-5, "ftol": 0.0, "xtol": 0.0, "maxiter": 15000, "maxfun": math.inf, "disp": False,
                          "eps": None, "finite_diff_rel_step": None}


def check_options(defaults: Mapping[str, Any], given: Mapping[str, Any] | None, unchecked: Collection[str] = ()) -> dict[str, Any]:
    """All options of a method; unknown ones warn, as SciPy's do.  The unchecked ones are checked by whoever takes them."""
    if given is not None and not isinstance(given, Mapping):
        refuse("options", "a dict", given)
    unknown = sorted({str(name) for name in given or {}} - set(defaults))
    if unknown:
        hints = "".join(f"; did you mean {found!r}?" for found in (near(name, defaults) for name in unknown) if found)
        warnings.warn(f"Unknown solver options: {', '.join(unknown)}{hints}", OptimizeWarning, stacklevel=3)
    options = dict(defaults)
    for name, value in (given or {}).items():
        if name in defaults:
            options[name] = value if name in unchecked else RULES[name].check(f"options[{name!r}]", value)
    if "c1" in options and options["c1"] >= options["c2"]:
        refuse("options['c1']", f"below c2, {options['c2']}", options["c1"])
    return options


def start(x0: ArrayLike) -> Array:
    """x0 as a vector that is the run's own: float32 stays, all else becomes float64."""
    try:
        array = np.atleast_1d(np.asarray(x0))
    except ValueError as error:   # lists of unequal length
        raise InvalidParameterError(f"x0 must be an array of numbers: {error}") from None
    if array.dtype.kind not in "fiub" or array.ndim != 1 or not array.size:
        refuse("x0", "a vector of at least one real number", x0)
    array = np.array(array, dtype=np.float32 if array.dtype == np.float32 else np.float64)
    if not np.isfinite(array).all():
        where = int(np.flatnonzero(~np.isfinite(array))[0])
        raise InvalidParameterError(f"x0 must be finite; got {array[where]} at index {where}")
    return array


def check_unused(method: str | None, hess: object, hessp: object, constraints: object) -> None:
    """What SciPy's methods take and none of fastopt's: derivatives warn, as SciPy's do, and constraints are refused."""
    for given, words in ((hess, "Hessian information (hess)"), (hessp, "Hessian-vector product information (hessp)")):
        if given is not None:
            warnings.warn(f"Method {method or 'lbfgs'} does not use {words}.", RuntimeWarning, stacklevel=3)
    if not isinstance(constraints, Sized) or len(constraints):
        refuse("constraints", "empty: no method of fastopt keeps them", constraints)


def check_bounds(bounds: Ends | None, x0: Array) -> tuple[Array, Array] | None:
    """Lower and upper bounds, ∓inf where there are none; None if there are none at all."""
    if bounds is None:
        return None
    try:
        ends = (bounds.lb, bounds.ub) if isinstance(bounds, Bounds) else _ends_of_pairs(bounds, x0.size)
        lower, upper = (np.asarray(end, dtype=np.float64) for end in ends)
    except (TypeError, ValueError) as error:
        refuse("bounds", "a scipy.optimize.Bounds or a (min, max) pair for each parameter"
               + (f", {error}" if isinstance(error, InvalidParameterError) else ""), bounds)
    try:   # what SciPy takes for all parameters it is given once
        lower, upper = np.broadcast_to(lower, x0.shape), np.broadcast_to(upper, x0.shape)
    except ValueError:
        raise InvalidParameterError(f"bounds must hold a pair for each of the {x0.size} parameters; got shape {lower.shape} of "
                                    f"lower and {upper.shape} of upper bounds") from None
    lower, upper = np.where(np.isnan(lower), -np.inf, lower), np.where(np.isnan(upper), np.inf, upper)
    if np.any(lower > upper) or np.any(lower == np.inf) or np.any(upper == -np.inf):
        where = int(np.flatnonzero((lower > upper) | (lower == np.inf) | (upper == -np.inf))[0])
        raise InvalidParameterError(f"bounds must have lower ends that are not above the upper ones; got ({lower[where]}, {upper[where]}) "
                                    f"at index {where}")
    if np.isinf(lower).all() and np.isinf(upper).all():
        return None
    return lower.astype(x0.dtype), upper.astype(x0.dtype)


def _ends_of_pairs(bounds: Iterable[Any], n: int) -> Iterator[Any]:
    """The lower and the upper ends of pairs; None, for no bound, becomes nan."""
    pairs = [tuple(pair) for pair in bounds]
    if len(pairs) == 2 and n != 2 and {len(pair) for pair in pairs} == {n}:
        raise InvalidParameterError("and two sequences of lower and of upper bounds are Bounds(lower, upper)")
    if not pairs or {len(pair) for pair in pairs} != {2}:
        raise ValueError
    return zip(*([math.nan if end is None else float(np.asarray(end).item()) for end in pair] for pair in pairs))


def check_jac(jac: Jac, options: Mapping[str, Any], dtype: np.dtype[Any]) -> tuple[Jac, dict[str, Any]]:
    """What Objective takes as jac, and the steps of finite differences: SciPy's rules.

    Without jac they are absolute in float64, 1e-8 by default; in float32, where that is nothing, and for a scheme given by
    name they are relative.
    """
    if callable(jac) or jac is True or isinstance(jac, np.bool_) and jac:
        return (jac if callable(jac) else True), {}
    relative = options["finite_diff_rel_step"]
    if jac is None or jac is False:
        if options["eps"] is not None or relative is None and dtype == np.float64:
            return "2-point", {"abs_step": 1e-8 if options["eps"] is None else options["eps"]}
        return "2-point", {"rel_step": relative}
    if not isinstance(jac, str) or jac not in DIFFERENCES:
        refuse("jac", "True, a callable, None or one of " + ", ".join(map(repr, DIFFERENCES)), jac, DIFFERENCES)
    return jac, {"rel_step": relative}
