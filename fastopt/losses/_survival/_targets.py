"""Times and events as they come, checked: two arrays, or one with two fields, as in scikit-survival, or with two columns."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._base import DOMAINS, Array, _array, _refuse

#: what y may be
Survival = NDArray[np.void] | tuple[ArrayLike, ArrayLike] | Sequence[ArrayLike]
_DOUBLE = np.dtype(np.float64)


def targets(y: Survival, p: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.uint8], Array]:
    """Times, events and scores, (n,) each."""
    p = _array("p", p)
    if p.ndim != 1 or p.size == 0:
        raise ValueError(f"p must have shape (n,), a score for each subject, got {p.shape}")
    _refuse("p", p, *DOMAINS["real"])
    time, event = fields(y)
    time, event = _array("time of y", time, _DOUBLE), _array("event of y", event, _DOUBLE)
    for name, array in (("time", time), ("event", event)):
        if array.shape != p.shape:
            raise ValueError(f"{name} of y must have the shape of p, {p.shape}, got {array.shape}")
    _refuse("time of y", time, *DOMAINS["real"])
    _refuse("event of y", event, "1 for an event or 0 for none", lambda e: (e == 0) | (e == 1))
    return time, event.astype(np.uint8), p


def fields(y: Survival) -> tuple[ArrayLike, ArrayLike]:
    """Times and events."""
    if isinstance(y, np.ndarray) and y.dtype.names is not None:
        names: tuple[str, ...] = y.dtype.names
        events = [name for name in names if y.dtype[name].kind == "b"]
        if len(names) != 2 or len(events) != 1:
            raise ValueError(f"y must have two fields, of which one is boolean, the event; got {y.dtype}")
        time, = (name for name in names if name not in events)
        return y[time], y[events[0]]
    if isinstance(y, (tuple, list)) and len(y) == 2:
        return y[0], y[1]
    if isinstance(y, np.ndarray) and y.ndim == 2 and y.shape[1] == 2:
        return y[:, 0], y[:, 1]
    raise TypeError(f"y must be (time, event), or an array with two fields, got {_what(y)}")


def _what(y: Any) -> str:
    return f"{type(y).__name__} of length {len(y)}" if isinstance(y, (tuple, list)) else f"{type(y).__name__}"
