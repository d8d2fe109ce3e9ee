"""Checks of what describes sequences: integers, lengths, labels that count.

Used by the losses beside it.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt.losses._base import Array, _refuse

Integers = NDArray[np.int64]


def integers(name: str, value: ArrayLike) -> Array:
    """`value` as an array of integers; one without elements has no type to be wrong."""
    try:
        array = np.asarray(value)
    except ValueError as error:   # lists of unequal length
        raise ValueError(f"{name}: {error}") from None
    if array.size and array.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integers, got dtype {array.dtype}")
    return array


def lengths_of(name: str, value: ArrayLike | None, samples: int, most: int, what: str, least: int = 0) -> Integers:
    """The length of each sample; None: all have the largest."""
    if value is None:
        return np.full(samples, most, np.int64)
    lengths = integers(name, value)
    if lengths.shape != (samples,):
        raise ValueError(f"{name} must have shape ({samples},), a length for each sample of p, got {lengths.shape}")
    _refuse(name, lengths, f"between {least} and {most}, {what}", lambda length: (length >= least) & (length <= most))
    return np.require(lengths, np.int64, ["C", "A"])


def labels_of(y: ArrayLike, target_lengths: ArrayLike | None, samples: int, classes: int,
            blank: int) -> tuple[NDArray[np.int32], Integers]:
    """The labels that count, one sample after the other, and where each begins."""
    y = integers("y", y)
    if y.ndim == 1:
        if target_lengths is None:
            raise ValueError("target_lengths must be given where y has one dimension, the labels of all samples, got None")
        lengths = lengths_of("target_lengths", target_lengths, samples, len(y), "the length of y")
        if lengths.sum() != len(y):
            raise ValueError(f"y must hold as many labels as target_lengths add up to, {lengths.sum()}, got {len(y)}")
        counted = np.ones(len(y), bool)
    elif y.ndim == 2 and len(y) == samples:
        lengths = lengths_of("target_lengths", target_lengths, samples, y.shape[1], "the columns of y")
        counted = np.arange(y.shape[1]) < lengths[:, None]
    else:
        raise ValueError(f"y must have shape ({samples}, S), a row for each sample of p, or one dimension, got {y.shape}")
    _refuse("y", y, f"a label, 0 … {classes - 1} but for the blank, {blank}",
            lambda label: ~counted | (label >= 0) & (label < classes) & (label != blank))
    return np.require(y[counted], np.int32, ["C", "A"]), np.concatenate([[0], lengths.cumsum()])
