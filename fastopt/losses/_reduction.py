"""Weights of samples, and what becomes of their losses: the mean, the sum, or each of them.

Used by the losses of sequences and of policies, whose sums come from kernels of their own.
"""
from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from ._base import DOMAINS, Array, _array, _refuse, _weighed

REDUCTIONS = ("mean", "sum", "none")


def weights_of(sample_weight: ArrayLike | None, shape: tuple[int, ...], dtype: np.dtype[np.floating], reduction: str,
               what: str) -> tuple[Array | None, float]:
    """The weights, which have that shape, and what their sums are divided by.

    Parameters
    ----------
    sample_weight : array_like or None
    shape : tuple of int
    dtype : dtype
        Of the computation.
    reduction : {'mean', 'sum', 'none'}
        Of a mean, only ratios of the weights matter, and they must not be all 0.
    what : str
        What has a weight, for an error.
    """
    if sample_weight is None:
        return None, float(math.prod(shape)) if reduction == "mean" else 1.0
    weight = _array("sample_weight", sample_weight, dtype)
    if weight.shape != shape:
        raise ValueError(f"sample_weight must have shape {shape}, one for each {what}, got {weight.shape}")
    if reduction == "mean":
        return _weighed(weight)
    _refuse("sample_weight", weight, *DOMAINS["nonnegative"])
    return weight, 1.0
