"""Labels as networks learn them: which classes there are, of which kind, and the numbers of the rows' classes.

Used by the classifier.  Knows no network.
"""
from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike
from sklearn.utils.multiclass import type_of_target, unique_labels

from fastopt._estimators.data import encode, find_classes, naming
from fastopt._estimators.types import Array

MULTILABEL = "multilabel-indicator"


class Labels(NamedTuple):
    """Classes, and those of the rows."""

    classes: Array
    kind: str        # 'binary', 'multiclass' or MULTILABEL, as scikit-learn calls them
    codes: Array     # (n,) numbers of classes, or (n, k) of 0 and 1
    counts: Array    # rows of each class

    @property
    def outputs(self) -> int:
        """Outputs that tell the classes apart: one for two."""
        return 1 if self.kind == "binary" else len(self.classes)


def kind_of(classes: Array) -> str:
    """What scikit-learn calls a target with these classes."""
    return "binary" if len(classes) <= 2 else "multiclass"


def _indicators(y: Array, classes: Array) -> Labels:
    """Labels of a matrix of 0 and 1."""
    codes = (y != 0).astype(np.uint8)
    return Labels(classes, MULTILABEL, codes, codes.sum(axis=0))


def _check_indicators(y: Array) -> None:
    if not type_of_target(y, input_name="y") == MULTILABEL:
        raise ValueError("Multioutput target data is not supported with label binarization")


def found(y: Array) -> Labels:
    """The labels of a fit, which says what classes there are."""
    if y.ndim == 2:
        _check_indicators(y)
        return _indicators(y, np.arange(y.shape[1]))
    classes = find_classes(y)
    codes, counts = encode(y, classes)
    if classes.dtype == object:   # strings, as scikit-learn has them
        classes = np.array(classes.tolist())
    return Labels(classes, kind_of(classes), codes, counts)


def first_classes(classes: Any) -> Array:
    """The classes that the first call of partial_fit announces."""
    with naming("classes"):
        return np.asarray(unique_labels(classes))


def known(y: Array, classes: Array, kind: str, all_of_them: bool) -> Labels:
    """The labels of a fit that goes on with classes learnt before; `all_of_them`: y must have each."""
    if y.ndim == 2:
        if kind != MULTILABEL or y.shape[1] != len(classes):
            raise ValueError(f"y must have the shape of labels learnt before, with {len(classes)} classes ({kind}); got shape {y.shape}")
        _check_indicators(y)
        return _indicators(y, classes)
    if kind == MULTILABEL:
        raise ValueError(f"y must have {len(classes)} columns of 0 and 1 as before, got shape {y.shape}")
    if all_of_them:
        now = find_classes(y)
        if set(now) != set(classes):
            raise ValueError("warm_start can only be used where `y` has the same classes as in the previous call to fit. Previously "
                             f"got {classes}, `y` has {now}")
    try:
        return Labels(classes, kind, *encode(y, classes))
    except ValueError:
        now = find_classes(y)
        raise ValueError(f"`y` has classes not in `self.classes_`. `self.classes_` has {classes}. 'y' has {now}.") from None


def matrix(labels: Labels, negative: int, dtype: DTypeLike) -> Array:
    """(n, outputs) of 1 for an output's class and `negative` for others; of two classes the second is the output's."""
    codes = labels.codes
    if codes.ndim == 1:
        codes = codes[:, None] if labels.kind == "binary" else codes[:, None] == np.arange(len(labels.classes))
    y = np.ascontiguousarray(codes, dtype=dtype)
    if negative:
        y = np.where(y == 0, np.asarray(negative, dtype), y)
    return y


def numbers(labels: Labels) -> Array:
    """(n,) int32 numbers of classes."""
    return np.ascontiguousarray(labels.codes, dtype=np.int32)
