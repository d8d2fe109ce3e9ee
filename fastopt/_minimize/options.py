"""Arguments of minimize: x0, bounds, jac and options, checked and in the form that the methods take.

Used by the front doors.  Options are rules as data: a name, its default, what it may be.
"""
from __future__ import annotations

import difflib
import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NoReturn

import numpy as np
from scipy.optimize import Bounds, OptimizeWarning

from fastopt._common.checks import flag, integer, number
from fastopt._methods.function import DIFFERENCES, Array, short
from fastopt.exceptions import InvalidParameterError


def refuse(name: str, expected: str, value: Any, options: Iterable[str] = ()) -> NoReturn:
    """Raise for an argument; an unknown string is told its near match."""
    near = difflib.get_close_matches(value, list(options), n=1, cutoff=0.5) if isinstance(value, str) else []
    hint = f": did you mean {near[0]!r}?" if near else ""
    raise InvalidParameterError(f"{name} must be {expected}; got {short(value)}{hint}")


def _number(**limits: Any) -> Callable[[str, Any], Any]:
    return lambda name, value: number(name, value, **limits)


def _count(name: str, value: Any, low: int = 1) -> int:
    """An integer; SciPy's users also write maxiter=1e4."""
    return integer(name, int(value) if isinstance(value, float) and value.is_integer() else value, low)


def _limit(name: str, value: Any) -> float:
    return math.inf if value is None or isinstance(value, float) and value == math.inf else _count(name, value, 0)


def _one_of(*names: str) -> Callable[[str, Any], Any]:
    def check(name: str, value: Any) -> Any:
        if not isinstance(value, str) or value not in names:
            refuse(name, "one of " + ", ".join(map(repr, names)), value, names)
        return value
    return check


def _weights(name: str, value: Any) -> Any:
    """A number, or one for each parameter, none of them negative."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.array(math.nan)
    if array.ndim > 1 or not np.all((array >= 0) & (array < math.inf)):
        refuse(name, "a finite number at least 0, or an array of them", value)
    return array


def _steps(name: str, value: Any) -> Any:
    return None if value is None else np.asarray(value, dtype=np.float64)


CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "gtol": _number(at_least=0), "ftol": _number(at_least=0), "xtol": _number(at_least=0), "maxiter": _limit, "maxfun": _limit,
    "disp": lambda name, value: bool(value), "eps": _steps, "finite_diff_rel_step": _steps, "c1": _number(above=0, below=1),
    "c2": _number(above=0, below=1), "maxls": _count, "maxcor": _count, "line_search": _one_of("armijo", "wolfe"), "beta": _one_of("hz", "pr+"),
    "l1": _weights, "accelerate": flag, "restart": flag,
}

#: of every method
COMMON: dict[str, Any] = {"gtol": 1e-5, "ftol": 0.0, "xtol": 0.0, "maxiter": 15000, "maxfun": None, "disp": False,
                          "eps": None, "finite_diff_rel_step": None}


def check_options(defaults: Mapping[str, Any], given: Mapping[str, Any] | None, unchecked: Iterable[str] = ()) -> dict[str, Any]:
    """All options of a method; unknown ones warn, as SciPy's do.  The unchecked ones are checked by whoever takes them."""
    if given is not None and not isinstance(given, Mapping):
        refuse("options", "a dict", given)
    unknown = {str(name) for name in given or {}} - set(defaults)
    if unknown:
        hints = [difflib.get_close_matches(name, defaults, n=1) for name in sorted(unknown)]
        near = "".join(f"; did you mean {match[0]!r}?" for match in hints if match)
        warnings.warn(f"Unknown solver options: {', '.join(sorted(unknown))}{near}", OptimizeWarning, stacklevel=3)
    options = {**defaults, **{name: value for name, value in (given or {}).items() if name in defaults}}
    for name in set(defaults) - set(unchecked):
        options[name] = CHECKS[name](f"options[{name!r}]", options[name])
    if "c1" in options and options["c1"] >= options["c2"]:
        refuse("options['c1']", f"below c2, {options['c2']}", options["c1"])
    return options


def start(x0: Any) -> Array:
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


def check_unused(method: Any, hess: Any, hessp: Any, constraints: Any) -> None:
    """What SciPy's methods take and none of fastopt's: derivatives warn, as SciPy's do, and constraints are refused."""
    for given, words in ((hess, "Hessian information (hess)"), (hessp, "Hessian-vector product information (hessp)")):
        if given is not None:
            warnings.warn(f"Method {method or 'lbfgs'} does not use {words}.", RuntimeWarning, stacklevel=3)
    if np.size(constraints):
        refuse("constraints", "empty: no method of fastopt keeps them", constraints)


def check_bounds(bounds: Any, x0: Array) -> tuple[Array, Array] | None:
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


def _ends_of_pairs(bounds: Any, n: int) -> Iterator[Any]:
    """The lower and the upper ends of pairs; None, for no bound, becomes nan."""
    pairs = [tuple(pair) for pair in bounds]
    if len(pairs) == 2 and n != 2 and {len(pair) for pair in pairs} == {n}:
        raise InvalidParameterError("and two sequences of lower and of upper bounds are Bounds(lower, upper)")
    if not pairs or {len(pair) for pair in pairs} != {2}:
        raise ValueError
    return zip(*([math.nan if end is None else float(np.asarray(end).item()) for end in pair] for pair in pairs))


def check_jac(jac: Any, options: Mapping[str, Any], dtype: Any) -> tuple[Any, dict[str, Any]]:
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
