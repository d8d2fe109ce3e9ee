"""Where state lies in memory: an array in step with the lines of its weights.

Used by fastopt.optimizers._base.  Knows no rule.
"""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

#: bytes of a line of the caches
LINE = 64
#: bytes from which on the place of an array counts
LEAST = 2048


def beside(array: Array, w: Array) -> Array:
    """The array, or a copy of it that lies like w: its first element as far behind the start of a line.

    A loop over both then reads and writes whole lines, once it has come to the first.

    Parameters
    ----------
    array, w : ndarray
        Contiguous, of one dtype if it matters where they lie.

    Returns
    -------
    ndarray
    """
    if array.nbytes < LEAST or array.dtype != w.dtype or (array.ctypes.data - w.ctypes.data) % LINE == 0:
        return array
    memory = np.empty(array.nbytes + LINE, np.uint8)
    first = (w.ctypes.data - memory.ctypes.data) % LINE
    shape = array.shape if array.flags.c_contiguous else array.shape[::-1]
    placed = memory[first:first + array.nbytes].view(array.dtype).reshape(shape)
    placed = placed if array.flags.c_contiguous else placed.T
    np.copyto(placed, array)
    return placed
