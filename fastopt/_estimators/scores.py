"""How well numbers are predicted: R² and, of quantiles, D², as functions of predictions.

Used by the estimators after each epoch: what y alone says is computed once.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastopt.losses import Quantile, QuantileLevels

from .types import Array, RowWeights


def r2(y: Array, weight: RowWeights) -> Callable[[Any], float]:
    """The mean R² over outputs of predictions (n, k), as a function of them; nan where they overflow."""
    y = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
    spread = np.average((y - np.average(y, axis=0, weights=weight)) ** 2, axis=0, weights=weight)

    def score(mean: Any) -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            error = np.average((y - mean) ** 2, axis=0, weights=weight)
            ratio = np.divide(error, spread, out=(error > 0).astype(float), where=spread > 0)
            found = float(np.mean(1 - ratio))
        return found if np.isfinite(found) else np.nan
    return score


def quantiles_of(y: Array, weight: RowWeights, levels: tuple[float, ...]) -> Array:
    """Weighted quantiles of y: its least numbers with at least these shares of the weight up to them."""
    order = np.argsort(y, kind="stable")
    sums = np.cumsum(np.ones(len(y)) if weight is None else weight[order], dtype=np.float64)
    found: Array = y[order[np.minimum(np.searchsorted(sums, np.array(levels) * sums[-1]), len(y) - 1)]]
    return found


def d2(y: Array, weight: RowWeights, loss: QuantileLevels) -> Callable[[Array], float]:
    """D² of raw predictions (n, k) of quantiles, as a function of them: 1 − loss/(loss of the quantiles of y alone)."""
    y, constants = np.asarray(y, dtype=np.float64), quantiles_of(y, weight, loss.levels)
    alone = float(np.mean([Quantile(level).value(y, np.full(y.shape, t), weight) for level, t in zip(loss.levels, constants)]))

    def score(p: Any) -> float:
        raw = np.asarray(p, dtype=np.float64)
        if not np.isfinite(raw).all():
            return -np.inf
        found = loss.value(y, raw, weight)
        return 1 - found / alone if alone > 0 else -float(found > 0)
    return score
