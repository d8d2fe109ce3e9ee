"""What losses of images have in common: the shapes in which images come, a weight for each, reductions, the way to the kernels.

Used by the modules beside it.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt._common.settings import Settings
from fastopt._core.threads import resolve_threads

from .._base import DOMAINS, Array, _array, _refuse
from .._reduction import factors, reduced, weights
from . import _planes


class ImageLoss(Settings):
    """What losses of images have in common: parameters, shapes, reductions.

    Like other losses they are immutable.  An image has shape (H, W), (C, H, W) with channels, or (N, C, H, W), N of them.  The computation is
    done in the type of `p`, float32 or float64, in float64 if `p` holds neither.  Results have the same bits for any number of threads.

    Attributes
    ----------
    name : str
        What it is called.
    params : dict
        The parameters.
    """

    reduction: str

    def __init_subclass__(cls) -> None:
        cls.__module__ = "fastopt.losses"

    def _factors(self, sample_weight: ArrayLike | None, images: int) -> NDArray[np.float64]:
        """What the loss of each image is multiplied by."""
        return factors(weights(sample_weight, images, "image"), self.reduction)

    def _reduced(self, values: NDArray[np.float64], factor: NDArray[np.float64], like: Array) -> float | Array:
        return reduced(values, factor, self.reduction, like.dtype)


def images(name: str, value: ArrayLike) -> tuple[Array, Array]:
    """The images as they came, and as (N, C, H, W)."""
    given = _array(name, value)
    if given.ndim not in (2, 3, 4) or given.size == 0:
        raise ValueError(f"{name} must have shape (H, W), (C, H, W) or (N, C, H, W), one pixel or more, got {given.shape}")
    return given, given.reshape((1,) * (4 - given.ndim) + given.shape)


def evaluate(settings: tuple[float, float], y: Array | None, x: Array, window: Array | None, factors: NDArray[np.float64],
             wants_gradient: bool) -> tuple[NDArray[np.float64], Array | None]:
    """Sums over the pixels or windows of each image (N,), and the gradient of those sums times their factors."""
    n, c, *sides = x.shape
    gradient, values = np.empty_like(x) if wants_gradient else None, np.empty(n * c)
    threads = 1 if x.size < _planes.PARALLEL_FROM else resolve_threads()
    flat = [None if a is None else a.reshape(n * c, *sides) for a in (y, x, gradient)]
    assert flat[1] is not None
    _planes.evaluate(flat[1], flat[0], settings, window, np.repeat(factors, c), values, flat[2], threads)
    if np.isnan(values).any():
        for name, a in (("p", x), ("y", y)):
            if a is not None:
                _refuse(name, a, *DOMAINS["real"])
    return values.reshape(n, c).sum(axis=1), gradient
