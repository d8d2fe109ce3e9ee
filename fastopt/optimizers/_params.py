"""The parameters of optimizers as they are given: arrays or groups of them, checked.

Used by fastopt.optimizers._base alone.  Knows neither rules nor steps.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt._common.rules import refuse
from fastopt.exceptions import InvalidParameterError

from ._settings import GLOBAL, Params, check, refuse_unknown

Array = NDArray[Any]


def grouped(params: Params, defaults: dict[str, Any], owner: str) -> tuple[list[Array], list[int], list[dict[str, Any]]]:
    """The arrays, the group of each, and the settings of the groups, all checked."""
    given = [params] if isinstance(params, np.ndarray) else params
    if not isinstance(given, (list, tuple)) or not given:
        refuse("params", "an array, or a list of arrays or of dicts, not empty", params)
    are_groups = [isinstance(group, Mapping) for group in given]
    if any(are_groups) and not all(are_groups):
        raise InvalidParameterError("params must be arrays or dicts, not both")
    arrays: list[Array] = []
    places: list[int] = []
    groups: list[dict[str, Any]] = []
    for group in given if all(are_groups) else [{"params": given}]:
        own = {name: value for name, value in group.items() if name != "params"}
        refuse_unknown(owner, own, [name for name in defaults if name not in GLOBAL])
        inside = _members(group, len(groups))
        groups.append({**defaults, **{name: check(name, value) for name, value in own.items()}, "params": inside})
        arrays += inside
        places += [len(groups) - 1] * len(inside)
    for i, w in enumerate(arrays):
        _check_array(f"params[{i}]" if len(arrays) > 1 else "params", w)
    check_apart(arrays)
    return arrays, places, groups


def _members(group: Mapping[str, Any], number: int) -> list[Array]:
    inside = group.get("params")
    inside = [inside] if isinstance(inside, np.ndarray) else inside
    if not isinstance(inside, (list, tuple)) or not inside:
        refuse(f"params[{number}]['params']", "an array or a list of arrays, not empty", inside)
    return list(inside)


def _check_array(name: str, w: object) -> None:
    if not isinstance(w, np.ndarray) or w.dtype not in (np.float32, np.float64):
        raise InvalidParameterError(f"{name} must be an ndarray of float32 or float64 numbers, got "
                                    f"{w.dtype if isinstance(w, np.ndarray) else type(w).__name__}")
    wrong = [word for word, bad in (("read-only", not w.flags.writeable), ("not aligned", not w.flags.aligned),
                                    ("not contiguous", not w.flags.forc),
                                    ("of foreign byte order", not w.dtype.isnative)) if bad]
    if wrong:
        raise InvalidParameterError(f"{name} must be writeable, aligned and C- or F-contiguous, as it is changed in place; "
                                    f"it is {' and '.join(wrong)}")
    if not np.isfinite(w).all():
        raise InvalidParameterError(f"{name} must be finite, got nan or infinity")


def check_apart(arrays: list[Array]) -> None:
    """Refuse arrays that overlap: neighbours in memory are compared."""
    order = sorted((w.ctypes.data, w.ctypes.data + w.nbytes, i) for i, w in enumerate(arrays) if w.size)
    for (_, end, i), (start, _, j) in zip(order, order[1:]):
        if start < end:
            raise InvalidParameterError(f"params[{min(i, j)}] and params[{max(i, j)}] must not overlap in memory")
