"""X and weights of rows as the engine takes them, checked; the parts that are held out.

Used by the model of this room.  Knows no layers.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from numpy.typing import DTypeLike, NDArray

from fastopt._common.rules import real, refuse
from fastopt._common.sparse_input import checked, first_not_finite
from fastopt.exceptions import InvalidParameterError

from .heads import Head

Array = NDArray[Any]


class Rows(NamedTuple):
    """What is learnt from, or measured on."""
    X: Any                    # (n, d) array or CSR
    y: Array
    weight: Array | None


def matrix(X: Any, columns: int | None, dtype: DTypeLike, name: str = "X") -> Any:
    """X of shape (n, d), finite, in rows of this type; a vector is one column."""
    if scipy.sparse.issparse(X):
        rows = checked(X).tocsr().astype(dtype, copy=False)   # arrays that agree: nothing reads past them
        numbers = rows.data
    else:
        rows = np.asarray(X)
        if rows.dtype.kind not in "fiub":
            try:
                rows = rows.astype(dtype)
            except (TypeError, ValueError):
                raise ValueError(f"{name} must hold numbers, got dtype {rows.dtype}") from None
        rows = rows[:, None] if rows.ndim == 1 else rows
        numbers = rows = np.ascontiguousarray(rows, dtype=dtype)
    if rows.ndim != 2 or 0 in rows.shape:
        raise ValueError(f"{name} must have shape (n, d), with a row and a column at least, got {np.shape(X)}")
    if columns is not None and rows.shape[1] != columns:
        raise ValueError(f"{name} must have {columns} columns, as the model has inputs, got shape {np.shape(X)}")
    if not np.isfinite(numbers).all():
        _refuse_first(X, rows, name)
    return rows


def _refuse_first(X: Any, rows: Any, name: str) -> None:
    """Raise for the first number that is not finite."""
    place = first_not_finite(rows)
    assert place is not None
    label = getattr(X, "columns", None)
    called = f" ({label[place[1]]!r})" if label is not None else ""
    raise ValueError(f"{name} must be finite in {rows.dtype}, got {rows[place]} in row {place[0]}, column {place[1]}{called}")


def weights(sample_weight: Any, class_weight: Mapping[Any, float] | None, y: Array, head: Head, n: int) -> Array | None:
    """(n,) weights of rows, those of their classes among them, or None."""
    found = None
    if sample_weight is not None:
        found = np.asarray(sample_weight, dtype=np.float64)
        if found.shape == (n, 1):
            found = found[:, 0]
        if found.shape != (n,):
            raise ValueError(f"sample_weight must have shape ({n},), got {found.shape}")
        bad = np.flatnonzero(~(np.isfinite(found) & (found >= 0)))
        if len(bad):
            raise ValueError(f"sample_weight must be finite and at least 0, got {found[bad[0]]} in row {bad[0]}")
    if class_weight is not None:
        found = _by_class(class_weight, y, head) * (1.0 if found is None else found)
    if found is not None and not found.any():
        raise ValueError("sample_weight and class_weight must leave a row above 0, got 0 for all")
    return found


def _by_class(class_weight: Mapping[Any, float], y: Array, head: Head) -> Array:
    """The weight of the class of each row; classes that are not named weigh 1."""
    if not isinstance(class_weight, Mapping):
        refuse("class_weight", "a dict of weights by the numbers of classes", class_weight)
    classes = head.classes(y)
    if classes is None:
        raise InvalidParameterError("class_weight must be None where y holds no classes")
    table = np.ones(max(2, head.outputs))
    for number, weight in class_weight.items():
        if not (isinstance(number, (int, np.integer)) and 0 <= number < len(table)):
            refuse("class_weight", f"a dict whose keys are numbers of classes, from 0 to {len(table) - 1}", class_weight)
        table[number] = real(0).check(f"class_weight[{number!r}]", weight)
    return table[classes]


def split(X: Any, y: Any, sample_weight: Any, share: float) -> tuple[tuple[Any, Any, Any], tuple[Any, Any, Any]]:
    """The first rows, and the last, as many as a share of them: ⌊n·(1 − share)⌋ come first, as Keras has it."""
    X = X.tocsr() if scipy.sparse.issparse(X) else np.asarray(X)
    y = np.asarray(y.toarray() if scipy.sparse.issparse(y) else y)
    n = X.shape[0]
    at = int(np.floor(n * (1.0 - share)))
    if at == 0 or at == n:
        raise ValueError(f"validation_split must leave rows to both parts, got {share} of {n} rows")
    if sample_weight is None:
        return (X[:at], y[:at], None), (X[at:], y[at:], None)
    weight = np.asarray(sample_weight)
    return (X[:at], y[:at], weight[:at]), (X[at:], y[at:], weight[at:])
