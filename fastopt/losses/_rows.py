"""What losses of all predictions of a row have in common: shapes, targets, weights, and the way into the kernels.

Used by losses._row_losses, which holds them.  The mathematics is in csrc/losses/row_losses.h, the loop over blocks in losses/_arrays.pyx.
"""
from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from fastopt._core.threads import resolve_threads

from . import _arrays
from ._base import DOMAINS, Array, Loss, Reduction, _array, _refuse, _same_shape

if TYPE_CHECKING:
    from fastopt._core.own_loss import LossSpec

#: how far the sum of shares may be from 1: they may have been rounded, to float32 too
SUM_ROUNDING = 1e-5


class RowLoss(Loss, ABC):
    """A loss of all predictions of a sample together, which form a row of `p`, of shape (n, k).

    `sample_weight`, the result of `pointwise` and, unless it is said otherwise, `y` have shape (n,).
    """

    couples_outputs = True

    @abstractmethod
    def _check_rows(self, y: Array, p: Array) -> Array:
        """`y` of the type of p, contiguous, checked."""

    @abstractmethod
    def _outputs(self, y: Array) -> int:
        """How many outputs an objective has whose targets these are."""

    def _inputs(self, y: ArrayLike, p: ArrayLike) -> tuple[Array, Array]:
        p = rows_of(_array("p", p))
        if p.size == 0:
            raise ValueError(f"p must hold at least one prediction, got shape {p.shape}")
        return self._check_rows(_array("y", y), p), p

    def _weights(self, sample_weight: ArrayLike | None, p: Array, reduction: Reduction) -> tuple[Array | None, float]:
        if sample_weight is not None and np.shape(sample_weight) != p.shape[:1]:
            raise ValueError(f"sample_weight must have shape ({len(p)},), got {np.shape(sample_weight)}")
        return super()._weights(sample_weight, p[:, 0], reduction)

    def _at_once(self, y: ArrayLike, p: ArrayLike) -> tuple[float, Array] | None:
        return None

    def _spec_of(self, y: Array) -> LossSpec:
        """Kind and parameters for these targets."""
        return self.spec

    def _run(self, y: Array, p: Array, weight: Array | None, factor: float, wants_value: bool, values: Array | None,
             gradient: Array | None) -> float:
        threads = 1 if p.size < _arrays.PARALLEL_FROM else resolve_threads()
        total = _arrays.evaluate_rows(self._spec_of(y), y.reshape(-1), p, weight, factor, values, gradient, threads)
        if total is None:
            _refuse("p", p, *DOMAINS["real"])
            raise AssertionError("refused for no reason")
        return total


class ClassLoss(RowLoss):
    """A loss of classes, whose numbers 0 … k − 1 `y` holds; what all predictions of a row have in common changes nothing."""

    shift_invariant = True

    def _at_once(self, y: ArrayLike, p: ArrayLike) -> tuple[float, Array] | None:
        return _arrays.rows_at_once(self.spec, y, p) if self.plain else None

    def _check_rows(self, y: Array, p: Array) -> Array:
        if y.shape != (len(p),):
            raise ValueError(f"y must have shape ({len(p)},), the number of a class for each row of p, got {y.shape}")
        k = p.shape[1]
        _refuse("y", y, f"the number of a class, 0 … {k - 1}", lambda c: (c >= 0) & (c < k) & (c == np.floor(c)))
        return y.astype(p.dtype, copy=False)

    def _outputs(self, y: Array) -> int:
        if y.ndim != 1 or not (np.isfinite(y) & (y >= 0) & (y == np.floor(y))).all():
            raise ValueError(f"y must hold the numbers 0 … k − 1 of classes, of shape (n,), for loss={self.name!r}")
        if y.max() >= 1 << 24:
            raise ValueError(f"y must hold fewer than {1 << 24} classes for loss={self.name!r}, got {y.max() + 1}")
        return int(y.max()) + 1

    def _predict(self, p: Array) -> Array:
        return softmax(p)


class TargetRowLoss(RowLoss):
    """A loss of rows of k targets each, `y` of the shape of `p`."""

    def _check_rows(self, y: Array, p: Array) -> Array:
        check_targets(self.target, _same_shape("y", y, p))
        return y.astype(p.dtype, copy=False)

    def _outputs(self, y: Array) -> int:
        if y.ndim != 2:
            raise ValueError(f"y must have shape (n, k), a row of targets for each sample, for loss={self.name!r}, got {y.shape}")
        check_targets(self.target, y)
        return int(y.shape[1])


def check_targets(target: str, y: Array) -> None:
    """Refuse rows of targets that are outside their domain; of shares those whose sum is not 1."""
    _refuse("y", y, *DOMAINS["nonnegative" if target in ("shares", "amounts") else target])
    if target == "shares":
        sums = y.sum(axis=1, dtype=np.float64)
        off = np.flatnonzero(~(np.abs(sums - 1) <= SUM_ROUNDING))
        if off.size:
            raise ValueError(f"y must hold rows whose sum is 1, got the sum {sums[off[0]]:.6g} in row {off[0]}")


def rows_of(p: Array) -> Array:
    """Predictions that are rows, or an error."""
    if p.ndim != 2:
        raise ValueError(f"p must have shape (n, k), a prediction for each class, got {p.shape}")
    return p


def softmax(p: Array) -> Array:
    """The softmax of each row."""
    shares = np.array(rows_of(p).T, order="C")   # the caller's is not written on
    if p.size:
        _arrays.softmax(shares)
    return np.ascontiguousarray(shares.T)
