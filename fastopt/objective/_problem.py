"""What an objective is of: X as kernels see it, targets, weights, the loss, and what standardizes the columns; all of it checked.

Used by objective/_objective.pyx, which makes passes over it, and by the views of an objective, which replace a part of it.  Knows
neither the strength of the penalty nor threads.
"""
from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastopt._core.tables import Matrix
from fastopt.losses import Loss

Array = NDArray[Any]


class Standardization(NamedTuple):
    """What standardizes the columns: (x − mean)/scale."""

    mean: Array    # (d,)
    scale: Array   # (d,)


class Problem(NamedTuple):
    """The samples of an objective, and how they count.

    Attributes
    ----------
    X : Matrix
    y : ndarray of shape (n, k), or (n,) for a loss that couples outputs and whose target is one number
        Of the type of the computation.
    weight : ndarray of as many numbers as y, (n,) for a loss that couples outputs, or None
    total : float
        The sum of the weights of samples.
    loss : Loss
    n_outputs : int
        k.
    fit_intercept : bool
    columns : Standardization, or None
    transposed : bool
        X is the CSR form of a CSC matrix's transpose.
    rows : ndarray of int32, or None
        The rows of X that count; y and weight are theirs.
    csc : CSC matrix or array, or None
        What X is the transpose of.
    """

    X: Matrix
    y: Array
    weight: Array | None
    total: float
    loss: Loss
    n_outputs: int
    fit_intercept: bool
    columns: Standardization | None = None
    transposed: bool = False
    rows: Array | None = None
    csc: Any = None

    @property
    def row_weight(self) -> Array | None:
        """The weights of the samples, (n,); where outputs have some of their own, those of the first."""
        return None if self.weight is None else np.ascontiguousarray(self.weight.reshape(len(self.y), -1)[:, 0])


def repeated(weight: Array | None, y: Array, loss: Loss) -> Array | None:
    """Weights of samples (n,) as those of their losses, one an output unless it is of all outputs together."""
    return weight if weight is None or loss.couples_outputs or y.size == len(y) else np.repeat(weight, y.shape[1])
