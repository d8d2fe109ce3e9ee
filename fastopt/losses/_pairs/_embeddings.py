"""Embeddings as their losses see them, the way back of gradients, distances row by row, and the checks of both and of labels."""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt._core.threads import resolve_threads

from .._base import DOMAINS, Array, _array, _refuse
from . import _rows


def threads_for(work: int) -> int:
    """How many are worth it for so many elements."""
    return 1 if work < _rows.PARALLEL_FROM else resolve_threads()


class Rows:
    """Embeddings of one kind as their losses see them: as they are, or on the unit sphere; and the way back of gradients."""

    def __init__(self, x: Array, normalize: bool) -> None:
        self.normalize, self.x = normalize, x
        if normalize:   # a row of zeros has no direction: it stays 0, and so does its gradient
            self.x, self.inverse = np.empty_like(x), np.empty(len(x), x.dtype)
            _rows.normalize(x, self.x, self.inverse, threads_for(x.size))

    def back(self, g: Array) -> Array:
        """The gradient in the rows as they came, from that in the rows as they are seen."""
        g = np.ascontiguousarray(g)
        if self.normalize:
            _rows.back(self.x, self.inverse, g, threads_for(g.size))
        return g


class Distances:
    """How far rows of two arrays are apart, (n,), and the way back of gradients."""

    def __init__(self, distance: str, a: Rows, b: Rows) -> None:
        self.kind, self.a, self.b = _rows.DISTANCES[distance], a, b
        self.found = np.empty(len(a.x), a.x.dtype)
        _rows.distances(self.kind, a.x, b.x, self.found, threads_for(a.x.size))
        if not np.isfinite(self.found).all():
            raise ValueError("embeddings must be so near each other that their squared distances are finite, got some that are not")

    def back(self, slopes: Array, in_a: Array, in_b: Array) -> None:
        """Adds to the gradients in the rows as they are seen."""
        _rows.distances_back(self.kind, self.a.x, self.b.x, self.found, slopes.astype(in_a.dtype), in_a, in_b, threads_for(in_a.size))


def embeddings(name: str, value: ArrayLike, like: Array | None = None, of: str = "") -> Array:
    """Rows of finite numbers; of the type and shape of others, where there are some."""
    x = _array(name, value, None if like is None else like.dtype)
    if like is not None and x.shape != like.shape:
        raise ValueError(f"{name} must have the shape of {of}, {like.shape}, got {x.shape}")
    if x.ndim != 2 or x.size == 0:
        raise ValueError(f"{name} must have shape (n, d), got {x.shape}")
    _refuse(name, x, *DOMAINS["real"])
    return x


def labels_of(y: ArrayLike, n: int) -> Array:
    """Labels as they came, (n,)."""
    labels = np.asarray(y)
    if labels.shape != (n,):
        raise ValueError(f"y must have shape ({n},), a label for each row of p, got {labels.shape}")
    if labels.dtype.kind not in "biuSU":
        raise TypeError(f"y must hold integers or strings, got dtype {labels.dtype}")
    return labels


def numbered(labels: Array) -> NDArray[np.int32]:
    """Equal labels as equal numbers."""
    return np.unique(labels, return_inverse=True)[1].reshape(-1).astype(np.int32)
