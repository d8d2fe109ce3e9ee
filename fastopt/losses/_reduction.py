"""Weights of samples, and what becomes of their losses: the mean, the sum, or each of them.

Used by families of losses that are no `Loss`: those of sequences and policies, whose sums come from kernels of their own, and of rankings, survival
and pairs of embeddings, whose samples are weighted before.
"""
from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._base import DOMAINS, REDUCTIONS, Array, _array, _refuse, _weighed

__all__ = ["REDUCTIONS", "factors", "reduced", "weights", "weights_of"]

Doubles = NDArray[np.float64]


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
    return _weighed(weight, reduction == "mean")


def weights(sample_weight: ArrayLike | None, n: int, what: str) -> Doubles:
    """The weights of n samples, at least 0 and not all 0; 1 each where there are none."""
    if sample_weight is None:
        return np.ones(n)
    weight = _array("sample_weight", sample_weight, np.dtype(np.float64))
    if weight.shape != (n,):
        raise ValueError(f"sample_weight must have shape ({n},), one for each {what}, got {weight.shape}")
    _refuse("sample_weight", weight, *DOMAINS["nonnegative"])
    if not weight.any():
        raise ValueError("sample_weight must not be all 0")
    return weight


def factors(weight: Doubles, reduction: str) -> Doubles:
    """What the loss of each sample is multiplied by in the value, or in its sum."""
    if reduction != "mean":
        return weight
    share = weight / weight.max()   # only ratios matter: no sum overflows
    return np.asarray(share / share.sum())


def reduced(losses: Doubles, factor: Doubles, reduction: str, dtype: np.dtype[np.generic]) -> float | Array:
    """The value: losses of weight 0 do not count, infinite ones either."""
    weighted = np.where(factor > 0, losses, 0) * factor
    return weighted.astype(dtype) if reduction == "none" else float(weighted.sum())
