"""Weights of samples, and what is made of their losses: a mean, a sum, or nothing.

Used by families of losses that are no `Loss`: rankings, survival, pairs of embeddings.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._base import DOMAINS, Array, _array, _refuse

__all__ = ["REDUCTIONS", "factors", "reduced", "weights"]

REDUCTIONS = ("mean", "sum", "none")
Doubles = NDArray[np.float64]


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
