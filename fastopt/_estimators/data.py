"""X, y and sample weights as the kernels take them: checked once, not copied; classes as one byte a row.

Used by all estimators.  Only class numbers and masks of held-out rows are allocated, nothing else of the size of y.
"""
from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from numpy.typing import DTypeLike
from sklearn.base import BaseEstimator
from sklearn.utils import assert_all_finite, check_array, column_or_1d, compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, validate_data

from fastopt import losses
from fastopt._common.sparse_input import checked
from fastopt._core.tables import all_finite

from .labels import codes_of, whole_numbers
from .types import Array, ClassWeight, DType, EvalSet, Features, RowWeights, Samples

LABEL_ROWS = 1 << 12   # rows whose labels are looked at together: few, so that temporary arrays are small beside narrow rows


#: dense X of these types is converted by the kernels, where they know how, to float32
NARROW_TYPES = (np.uint8, np.int8, np.float16)


class Takes(NamedTuple):
    """The kinds of X and y that an estimator accepts."""

    wide: bool = False      # X may be CSC, or dense and narrow
    numeric: bool = False   # y must hold numbers
    columns: bool = False   # y may have several columns of numbers
    single: bool = False    # or a single one; else that is taken for a row of numbers, with a warning
    indicators: bool = False    # y may be a matrix of labels, 0 and 1


def as_is(X: Features, wide: bool = False) -> dict[str, Any]:
    """Arguments for scikit-learn's checks of X.

    Arrays of float32 and float64 with any strides and CSR matrices with any indices are used as they are; if `wide`, CSC matrices
    and dense narrow numbers too.  Everything else is converted to contiguous rows: a data frame is stored by columns, and every
    epoch would gather its rows again.
    """
    dtypes = [np.float64, np.float32] + (list(NARROW_TYPES) if wide and not scipy.sparse.issparse(X) else [])
    return {"accept_sparse": ["csr", "csc"] if wide else "csr", "accept_large_sparse": True, "dtype": dtypes,
            "order": None if isinstance(X, np.ndarray) else "C"}


def float_type(X: Samples) -> DType:
    """The type of the computation: that of X, or float32 for narrow numbers."""
    dtype: DType = X.dtype if X.dtype in (np.float64, np.float32) else np.dtype(np.float32)
    return dtype


def blocks(n: int) -> Iterator[slice]:
    """Slices that cover n rows."""
    return (slice(start, start + LABEL_ROWS) for start in range(0, n, LABEL_ROWS))


@contextmanager
def naming(*names: str) -> Iterator[None]:
    """Add the first of these names to errors of NumPy, SciPy and scikit-learn that mention none of them."""
    try:
        yield
    except (ValueError, TypeError, OverflowError) as error:
        named = re.search(rf"\b({'|'.join(names)})\b", str(error))
        if named and not isinstance(error, OverflowError):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{names[0]}: {error}") from error


def refuse_unreal(name: str, value: object) -> None:
    """Raise for dates and durations of NumPy, pandas and polars, which would be converted to numbers, and for complex numbers."""
    dtypes: Any = [value.dtype] if hasattr(value, "dtype") else getattr(value, "dtypes", ())
    for dtype in dtypes:
        if getattr(dtype, "kind", "") in ("m", "M") or getattr(dtype, "is_temporal", bool)():
            raise TypeError(f"{name} must hold real numbers, got {dtype}")
        if getattr(dtype, "kind", "") == "c":   # scikit-learn's words, without the array behind them
            raise ValueError(f"Complex data not supported: {name} must hold real numbers, got {dtype}")


def sum_is_finite(a: Array) -> bool:
    """Whether the sum of the numbers is finite, or all of them are.  False may be an overflow of the sum: the caller looks closer."""
    if a.dtype in (np.float64, np.float32) and a.flags.forc and a.flags.aligned:
        return all_finite(a)
    with np.errstate(over="ignore", invalid="ignore"):
        return isfinite(np.einsum(a, range(a.ndim), []))   # half as long as np.sum, which sums in pairs


def is_plain(estimator: BaseEstimator, X: Any, reset: bool, y: Any = None, real: bool = False, columns: bool = False,
             look: bool = True) -> bool:
    """Whether X, and y, are arrays that all checks would pass unchanged, by a few quick tests; if not, the full checks follow.

    With few rows, checks take most of the time of a call.  Without `look` the numbers of X are not looked at.
    """
    if type(X) is np.ndarray:
        data = X
    elif type(X) in (scipy.sparse.csr_matrix, scipy.sparse.csr_array):
        data = X.data
        if type(data) is not np.ndarray or data.ndim != 1:
            return False
    else:
        return False
    known = vars(estimator)
    if data.dtype not in (np.float64, np.float32) or len(X.shape) != 2 or not (X.shape[0] and X.shape[1]):
        return False
    if "feature_names_in_" in known or not reset and X.shape[1] != known.get("n_features_in_", X.shape[1]):
        return False
    if y is not None:
        kinds = "iuf" if real else "biufU"
        if type(y) is not np.ndarray or y.dtype.kind not in kinds or not y.dtype.isnative:
            return False
        if y.shape != X.shape[:1] and not (columns and y.ndim == 2 and len(y) == X.shape[0] and y.shape[1] > 1):
            return False
        if y.dtype.kind == "f" and not sum_is_finite(y):
            return False
    if look and not sum_is_finite(data):
        return False
    if reset:
        estimator.n_features_in_ = X.shape[1]
    return True


def check_X(estimator: BaseEstimator, X: Features, reset: bool = False, wide: bool = False, look: bool = True) -> Samples:
    """X, checked; without `look`, the numbers of plain arrays may be any."""
    if is_plain(estimator, X, reset, look=look):
        with naming("X"):
            return checked(X)
    with naming("X"):
        refuse_unreal("X", X)
        X = checked(X)
        return validate_data(estimator, X, reset=reset, **as_is(X, wide))


def check_X_y(estimator: BaseEstimator, X: Features, y: Any, takes: Takes, reset: bool, look: bool = True) -> tuple[Samples, Array]:
    """X and y, checked for what the estimator accepts; without `look`, the numbers of a plain X may be any."""
    numbers, columns = takes.columns or takes.numeric, takes.columns or takes.indicators
    if y is not None and is_plain(estimator, X, reset, y, numbers, columns, look):
        with naming("X"):
            return checked(X), y
    with naming("X"):
        refuse_unreal("X", X)
        X = checked(X)
    try:
        X, y = validate_data(estimator, X, y, reset=reset, multi_output=columns, y_numeric=numbers, **as_is(X, takes.wide))
    except (ValueError, TypeError, OverflowError):
        with naming("X"):
            check_array(X, estimator=estimator, input_name="X", **as_is(X, takes.wide))
        with naming("X and y"):
            if np.ndim(y):
                check_consistent_length(X, y)
        with naming("y", "X"):
            raise
    if numbers and isinstance(y, np.ndarray) and y.dtype.kind == "f" and not sum_is_finite(y):   # None among objects has become nan
        assert_all_finite(y, input_name="y")
    if columns and not takes.single and y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    return X, y


def one_column(y: Any, n: int) -> Array:
    """y to score n predictions with, of shape (n,); shape (n, 1) is accepted with scikit-learn's warning."""
    refuse_unreal("y", y)
    with naming("y"):
        y = column_or_1d(check_array(y, ensure_2d=False, dtype=np.float64, input_name="y"), warn=True)
    with naming("X and y"):
        check_consistent_length(np.empty(n), y)
    column: Array = y
    return column


def real_targets(y: Array, dtype: DTypeLike, loss: losses.Loss, name: str = "y") -> Array:
    """Targets of a regression, checked; in their own type where the kernels read it, else converted to `dtype`."""
    if not isinstance(y, np.ndarray) or y.ndim > 2:
        raise ValueError(f"{name} must be an array of shape (n,) or (n, k), got {type(y).__name__} "
                         f"of shape {np.shape(y)}")
    if y.dtype not in (np.float32, np.float64, np.int64):
        refuse_unreal(name, y)
        with naming(name):
            y = y.astype(dtype)
    least, most, limit = float(y.min()), float(y.max()), float(np.finfo(dtype).max)
    if not (-limit <= least and most <= limit):
        raise ValueError(f"{name} must hold finite numbers, at most {limit:.3g} in magnitude as X is {np.dtype(dtype)}; "
                         f"got {most if -limit <= least else least}")
    if loss.target == "nonnegative" and not least >= 0 or loss.target == "positive" and not least > 0:
        raise ValueError(f"{name} must be {'at least' if loss.target == 'nonnegative' else 'above'} 0 with "
                         f"loss={loss.name!r}, got {least}. Some value(s) of y are out of the valid range of the loss "
                         f"{loss.name!r}.")
    return y


def check_targets(y: Array, weight: RowWeights, X: Samples, loss: losses.Loss) -> Array:
    """Targets of a regression from the y of `check_X_y`; rows of weight 0 may hold any value."""
    y = unweighted_hidden(y, weight)
    if loss.target == "real" and isinstance(y, np.ndarray) and y.dtype == float_type(X):   # they are finite and fit
        return y
    return real_targets(y, float_type(X), loss)


def unweighted_hidden(y: Array, weight: RowWeights) -> Array:
    """y with the values in rows of weight 0 replaced by that of another row."""
    if weight is None or weight.all():
        return y
    y = y.copy()
    y[weight == 0] = y[np.argmax(weight > 0)]
    return y


class Labels(NamedTuple):
    """Classes, and the class of each row."""

    classes: Array   # the labels, sorted
    codes: Array     # (n,) numbers of classes
    counts: Array    # rows of each class


def check_labels(y: Array, classes: Array | None = None) -> Labels:
    """The class of each row, of `classes` or of those found in y; at least two."""
    known = find_classes(y) if classes is None else classes
    if len(known) < 2:
        raise ValueError(f"{'y' if classes is None else 'classes'}: The number of classes has to be greater than one; got {len(known)} "
                         "class: this solver needs samples of at least 2 classes")
    return Labels(known, *encode(y, known))


def weights_of_classes(class_weight: ClassWeight, classes: Array, counts: Array) -> Array | None:
    """(n_classes,) weights; 'balanced' ones by the classes' `counts`, which may be sums of sample weights."""
    if class_weight is None:
        return None
    weights: Array
    if isinstance(class_weight, str):
        weights = np.divide(counts.sum() / len(classes), counts, out=np.zeros(len(classes)), where=counts > 0)
    else:
        with naming("class_weight"):
            weights = compute_class_weight(class_weight, classes=classes, y=classes)
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise ValueError(f"class_weight must hold finite numbers of at least 0, got {class_weight!r}")
    return weights


def find_classes(y: Array) -> Array:
    """The labels in y, sorted."""
    found = whole_numbers(y)
    if found is not None:
        return found
    found = y[:0]
    with naming("y"):
        for part in blocks(len(y)):
            check_classification_targets(y[part])
            found = np.unique(np.concatenate([found, np.unique(y[part])]))
    return found


def encode(y: Array, classes: Array, name: str = "y") -> tuple[Array, Array]:
    """The number of each row's class, and how many rows each class has."""
    k = len(classes)
    if y.ndim != 1:
        raise ValueError(f"{name} must have shape (n,), got {y.shape}")
    codes = np.empty(len(y), dtype=np.uint8 if k <= 256 else np.int32)
    counts = np.zeros(k, dtype=np.int64)
    if codes_of(y, classes, codes, counts):
        return codes, counts
    counts[:] = 0
    for part in blocks(len(y)):
        labels = y[part]
        try:
            numbers = np.searchsorted(classes, labels)
        except TypeError:
            raise ValueError(f"{name} must hold labels like those in classes_, {classes!r}") from None
        numbers[numbers == k] = 0   # as good as any other: it is not their label
        unknown = classes[numbers] != labels
        if np.any(unknown):
            strange = np.unique(labels[unknown])[:5].tolist()
            raise ValueError(f"{name} holds labels that are not in classes_: {strange}")
        counts += np.bincount(numbers, minlength=k)
        codes[part] = numbers
    return codes, counts


def check_weight(weight: Any, X: Samples, none_at_all: bool = False) -> RowWeights:
    """Sample weights, checked: None, or one a row, at least 0; not all 0 unless `none_at_all`."""
    n = X.shape[0]
    if weight is None:
        return None
    refuse_unreal("sample_weight", weight)
    with naming("sample_weight"), np.errstate(over="ignore"):   # what overflows is not finite, and refused
        if isinstance(weight, Real):
            weight = np.full(n, weight, dtype=float_type(X))
        weight = check_array(weight, ensure_2d=False, dtype=float_type(X), input_name="sample_weight")
    if weight.ndim != 1:
        raise ValueError(f"Sample weights must be 1D array or scalar: sample_weight has shape {weight.shape}")
    if len(weight) != n:
        raise ValueError(f"sample_weight must have shape ({n},), one weight a row of X; got shape {weight.shape}")
    if weight.min() < 0:
        raise ValueError(f"sample_weight must not be negative, got {weight.min()}")
    if not (none_at_all or weight.max() > 0):
        raise ValueError("sample_weight must not be all zero: Sample weights must contain at least one non-zero number")
    checked_weight: Array = weight
    return checked_weight


def check_eval_set(estimator: BaseEstimator, eval_set: EvalSet) -> tuple[Samples, Array]:
    """X and y of an eval_set, checked; X must have the fitted features."""
    if not isinstance(eval_set, (tuple, list)) or len(eval_set) != 2:
        raise ValueError(f"eval_set must be a pair (X, y), got {type(eval_set).__name__}"
                         + (f" of length {len(eval_set)}" if isinstance(eval_set, (tuple, list)) else ""))
    X = check_X(estimator, eval_set[0])
    y = check_array(eval_set[1], ensure_2d=False, dtype=None, input_name="y")
    y = column_or_1d(y) if y.ndim == 1 or y.shape[1] == 1 else y
    check_consistent_length(X, y)
    return X, y


def largest(X: Samples) -> float:
    """The largest magnitude in X."""
    data = X if isinstance(X, np.ndarray) else X.data
    return float(max(data.max(), -data.min())) if data.size else 0.0
