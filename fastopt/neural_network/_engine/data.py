"""What an epoch is given, as the engine reads it: rows, targets, weights, learning rates; and the optimizer, of the engine's own arrays.

Used by neural_network/_engine/network.pyx.  What users gave is checked by the estimators: here only what memory needs.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastopt._sgd.batch.muon import MuonAndAdamW
from fastopt._sgd.batch.plan import rates_of
from fastopt.optimizers import Muon, Optimizer

if TYPE_CHECKING:
    from fastopt.losses import Loss
    from fastopt.schedules._base import LearningRate

Array = NDArray[Any]


class MuonOfLayers(MuonAndAdamW):
    """Muon of the weights of all layers, (in, out), and AdamW of their biases."""

    def _outer(self, w: Array) -> tuple[int, int]:
        return w.shape[1], w.shape[0]


def remade(optimizer: Optimizer, coefs: list[Array], intercepts: list[Array]) -> Optimizer:
    """An optimizer of these arrays with the settings of another; beside one of matrices AdamW steps the intercepts."""
    if not isinstance(optimizer, Muon):
        return optimizer.anew([*coefs, *intercepts])
    settings = optimizer.state_dict()["groups"][0]
    return MuonOfLayers([{"params": coefs}, {"params": intercepts}], **{**settings, "lr": optimizer.param_groups[0]["lr"]})


def dense_or_csr(X: Any, dtype: np.dtype[Any], d: int) -> Any:
    """X, copied only where its rows do not lie one behind the other or are of another type."""
    if np.ndim(X) != 2 or X.shape[1] != d:
        raise ValueError(f"X must have shape (n, {d}), got {np.shape(X)}")
    if isinstance(X, np.ndarray):
        return np.require(X, dtype, ["C", "A"])
    return X.tocsr().astype(dtype, copy=False)


def targets(y: Any, loss: Loss, n: int, k: int, dtype: np.dtype[Any]) -> Array:
    """(n, k) numbers, or (n, 1) where a loss of all outputs has one target a row."""
    width = 1 if loss.couples_outputs and loss.target in ("class", "real") else k
    found: Array = np.require(y, dtype, ["C", "A"])
    if found.size != n * width:
        raise ValueError(f"y must have shape ({n}, {width}), got {found.shape}")
    return found.reshape(n, width)


def weights_of_rows(sample_weight: Any, n: int, columns: int, dtype: np.dtype[Any]) -> Array:
    """(n, columns), the weight of a row in each."""
    weight = np.asarray(sample_weight, dtype)
    if weight.shape != (n,):
        raise ValueError(f"sample_weight must have shape ({n},), got {weight.shape}")
    return np.ascontiguousarray(np.broadcast_to(weight[:, None], (n, columns)))


def batch_totals(sample_weight: Any, rows: NDArray[np.int32], size: int) -> NDArray[np.float64]:
    """The sum of the weights of each batch of so many rows.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt.neural_network._engine.data import batch_totals
    >>> batch_totals(None, np.arange(5, dtype=np.int32), 2)
    array([2., 2., 1.])
    """
    starts = np.arange(0, len(rows), size)
    if sample_weight is None:
        return np.diff(np.append(starts, len(rows))).astype(np.float64)
    return np.asarray(np.add.reduceat(np.asarray(sample_weight, np.float64)[rows], starts))


def sum_over_batches(values: Array, order: Array, size: int, sample_weight: Array | None) -> float:
    """What a number of each row adds to the sum over batches of so many rows of a mean loss times the rows of its batch.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt.neural_network._engine.data import sum_over_batches
    >>> sum_over_batches(np.array([1.0, 2.0, 4.0]), np.array([0, 1, 2]), 2, np.array([3.0, 1.0, 0.5]))
    6.5
    """
    values = values[order]
    if sample_weight is None:
        return float(values.sum())
    starts, weights = np.arange(0, len(order), size), sample_weight[order].astype(np.float64)
    sums, totals = np.add.reduceat(values * weights, starts), np.add.reduceat(weights, starts)
    rows = np.diff(np.append(starts, len(order)))
    return float(np.sum(rows * np.divide(sums, totals, out=np.zeros_like(sums), where=totals > 0)))


def rates(lr: LearningRate, t: int, n: int) -> NDArray[np.float64]:
    """The learning rates of n steps from step t on."""
    if callable(lr):
        found: NDArray[np.float64] = rates_of(lr, t, n)
        return found
    return np.full(n, lr, np.float64)


def keys_of(seed: int, t: int, n: int) -> NDArray[np.uint32]:
    """What n steps from step t on leave out, by number.

    Examples
    --------
    >>> from fastopt.neural_network._engine.data import keys_of
    >>> keys_of(0, 1, 2).tolist() == keys_of(0, 0, 3)[1:].tolist()
    True
    """
    steps = np.arange(t, t + n, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed % 2**32 * 0xBF58476D1CE4E5B9 % 2**64)
    return np.ascontiguousarray(((steps ^ steps >> np.uint64(31)) >> np.uint64(8)).astype(np.uint32))
