"""CSR rows: scattered loads and stores of weights, and epochs of SGD on such rows.

Used by _limits/measure.py.
"""
from __future__ import annotations

from functools import partial

import numpy as np
from scipy.sparse import csr_matrix

from fastopt._core.memory import aligned
from fastopt._samples.order import shuffled

from . import loops
from .dense import AHEAD, BYTES, STEPS
from .epochs import Epochs, classes, sgd
from .record import Findings, Limit, Share
from .timing import Call, in_turn, least

SKEW = 3      # a column's number is that power of a uniform one: some are frequent, as words are


def matrix(rows: int, values: int, columns: int) -> csr_matrix:
    """CSR of float32 and 32-bit indices, as many values in each row, one of each `columns`/`values` columns side by side."""
    width = columns // values
    chosen = (width * np.random.default_rng(1).random((rows, values)) ** SKEW).astype(np.int32)
    indices = (chosen + width * np.arange(values, dtype=np.int32)).ravel()
    return csr_matrix((np.full(rows * values, 0.1, np.float32), indices, np.arange(0, rows * values + 1, values, dtype=np.int32)), (rows, columns))


def sparse(rows: int, values: int, columns: int, seconds: float) -> Findings:
    """Limits and the share of an epoch on rows of so many values.

    Parameters
    ----------
    rows, values, columns : int
        Rows of X, values in each, columns of X.
    seconds : float
        That it may take.
    """
    X, w, order = matrix(rows, values, columns), aligned((columns,), np.float32), shuffled(rows, 1)
    epochs, data = Epochs(sgd(), X, classes(rows)), X.data.reshape(rows, values)
    reads = {f"read {ahead}": Call(partial(loops.read, data, order, ahead)) for ahead in AHEAD["shuffled"]}
    best = in_turn({**reads, "gather": Call(partial(loops.gather, w, X.indices)),
                    "scatter": Call(partial(loops.scatter, w, X.indices, X.data)),
                    "link": Call(partial(loops.link, aligned((1,), np.float32), 0.1, 0.3, STEPS)), **epochs.calls}, seconds)
    read, gather, scatter = (least(best, name) / X.nnz for name in ("read ", "gather", "scatter"))
    name = f"{values} values a row"
    bounds = {"shuffled read": 2 * values * read, "scattered weights": values * (gather + scatter), "gradient chain": best["link"] / STEPS}
    return Findings([Limit(f"{name}, shuffled", 1, values * read, BYTES * values),
                     Limit(f"load of one of {columns:,} weights", 1, gather), Limit(f"load and store of one of {columns:,} weights", 1, scatter)],
                    [Share(f"SGD, CSR, {name}", "row", 1, epochs.seconds(best), bounds, rows, columns)])
