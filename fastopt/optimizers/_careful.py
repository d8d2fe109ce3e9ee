"""A step that can be taken back: for gradients or learning rates so large that the numbers of a rule may overflow.

Used by fastopt.optimizers._update, which takes all other steps without a copy of anything.  Knows no rule.
"""
from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

#: beyond, a number counts as large
LARGE_SQUARE_FLOAT, LARGE_SQUARE = 1e30, 1e290


class Stepped(Protocol):
    """What is looked at of parameters that are stepped."""
    params: list[Array]
    states: list[list[Array | None]]
    carries: list[list[float]]
    behind: list[list[float]]


class Before:
    """Parameters and state as they are before a step.

    Parameters
    ----------
    update : Update
        Whose arrays are copied.
    """

    def __init__(self, update: Stepped) -> None:
        self.update = update
        self.arrays = [_all_of(w, state) for w, state in zip(update.params, update.states)]
        self.copies = [[array.copy(order="K") for array in each] for each in self.arrays]
        self.carries, self.behind = update.carries, update.behind

    def back(self) -> None:
        """Make everything as it was."""
        for arrays, copies in zip(self.arrays, self.copies):
            for array, copy in zip(arrays, copies):
                np.copyto(array, copy)
        self.update.carries, self.update.behind = self.carries, self.behind

    def overflown(self) -> int:
        """The first array of which a number became infinite or nan in the meantime, in its state too, or −1."""
        for i, (arrays, copies) in enumerate(zip(self.arrays, self.copies)):
            if any(is_finite(copy) and not is_finite(array) for array, copy in zip(arrays, copies)):
                return i
        return 0 if np.isfinite(self.carries).all() and not np.isfinite(self.update.carries).all() else -1


def is_large(update: Stepped) -> bool:
    """Whether parameters or state hold numbers of which some steps, or a square, may be beyond the largest of their type."""
    with np.errstate(over="ignore", invalid="ignore"):
        return any(array.dtype.kind == "f" and not _square(array) < (LARGE_SQUARE_FLOAT if array.dtype == np.float32 else LARGE_SQUARE)
                   for w, state in zip(update.params, update.states) for array in _all_of(w, state))


def _square(array: Array) -> float:
    flat = array.ravel(order="K")
    return float(np.dot(flat, flat))


def _all_of(w: Array, state: list[Array | None]) -> list[Array]:
    return [w, *(array for array in state if array is not None)]


def is_finite(array: Array) -> bool:
    """Whether all numbers are; those of 16 bits are the upper halves of floats, those of 8 bits are finite with their scale."""
    if array.dtype == np.uint16:
        return bool(((array & 0x7F80) != 0x7F80).all())
    return bool(np.isfinite(array).all())
