"""Which documents belong to which query, checked: by the sizes of queries, as in LightGBM, or by an id of each document."""
from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt._core.threads import resolve_threads

from .._base import DOMAINS, Array, _array, _refuse
from . import _queries

Integers = NDArray[np.int64]
Spec = tuple[int, float, int, int, int]
#: documents of a query: their places are counted with 32 bits
_MOST = 2 ** 31 - 1


class Queries(NamedTuple):
    """What the kernels take: relevances and scores, query after query, those of query i from starts[i] on; where they lay before, or None."""
    y: Array
    p: Array
    starts: Integers
    order: Integers | None

    @property
    def threads(self) -> int:
        """How many are worth it."""
        sizes = np.diff(self.starts).astype(np.float64)
        return 1 if float(sizes @ sizes) < _queries.PARALLEL_FROM else resolve_threads()


def queries(y: ArrayLike, p: ArrayLike, group: ArrayLike | None, qid: ArrayLike | None) -> Queries:
    """The documents of each query, side by side."""
    p = _array("p", p)
    if p.ndim != 1 or p.size == 0:
        raise ValueError(f"p must have shape (n,), a score for each document, got {p.shape}")
    y = _array("y", y, p.dtype)
    if y.shape != p.shape:
        raise ValueError(f"y must have the shape of p, {p.shape}, got {y.shape}")
    _refuse("p", p, *DOMAINS["real"])
    _refuse("y", y, *DOMAINS["real"])
    if group is not None and qid is not None:
        raise ValueError("qid must be left out where group is given, got both")
    starts, order = _by_id(qid, len(p)) if qid is not None else (_by_size(group, len(p)), None)
    if np.diff(starts).max() > _MOST:
        raise ValueError(f"a query must have {_MOST} documents at most, got {np.diff(starts).max()}")
    return Queries(y, p, starts, None) if order is None else Queries(y[order], p[order], starts, order)


def _by_size(group: ArrayLike | None, n: int) -> Integers:
    if group is None:
        return np.array([0, n], np.int64)
    sizes = _integers("group", group)
    if sizes.ndim != 1 or sizes.size == 0:
        raise ValueError(f"group must have one dimension, the size of each query, got shape {sizes.shape}")
    _refuse("group", sizes, f"sizes of queries, 1 … {n}", lambda size: (size >= 1) & (size <= n))
    starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    if starts[-1] != n:
        raise ValueError(f"group must add up to {n}, the number of documents, got {starts[-1]}")
    return starts


def _by_id(qid: ArrayLike, n: int) -> tuple[Integers, Integers | None]:
    ids = _integers("qid", qid)
    if ids.shape != (n,):
        raise ValueError(f"qid must have shape ({n},), the query of each document, got {ids.shape}")
    order = None
    if (ids[1:] < ids[:-1]).any():
        order = np.argsort(ids, kind="stable")
        ids = ids[order]
    return np.concatenate([[0], np.flatnonzero(ids[1:] != ids[:-1]) + 1, [n]]), order


def _integers(name: str, value: ArrayLike) -> Array:
    array = np.asarray(value)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integers, got dtype {array.dtype}")
    return array
