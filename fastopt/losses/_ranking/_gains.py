"""What a document of some relevance is worth: 2^y − 1, y, or a number of a table; for `LambdaRank` and `ndcg`."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastopt._common.checks import choice

from .._base import DOMAINS, Array, _array, _refuse

Gains = str | tuple[float, ...]


def check_gains(gains: str | Sequence[float]) -> Gains:
    """'exponential', 'linear', or a tuple of gains that do not fall."""
    if isinstance(gains, str):
        return choice("gains", gains, "exponential", "linear")
    table = _array("gains", gains, np.dtype(np.float64))
    if table.ndim != 1 or table.size == 0:
        raise ValueError(f"gains must be 'exponential', 'linear' or a sequence of numbers, got shape {table.shape}")
    _refuse("gains", table, *DOMAINS["nonnegative"])
    if (np.diff(table) < 0).any():
        raise ValueError("gains must not fall as relevance grows")
    return tuple(table.tolist())


def worth(y: Array, gains: Gains) -> Array:
    """The gains of a table, or relevances that the kernels know the gains of."""
    if isinstance(gains, str):
        _refuse("y", y, *DOMAINS["nonnegative"])
        return y
    _refuse("y", y, f"a place in gains, 0 … {len(gains) - 1}", lambda y: (y >= 0) & (y < len(gains)) & (y == np.floor(y)))
    return np.asarray(gains, y.dtype)[y.astype(np.int64)]
