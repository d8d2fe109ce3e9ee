"""What minus log likelihoods have in common: a reduction, checks, evaluation, scales that stand for several samples.

Used by losses/_likelihoods.py and _probabilities.py.  The loop over blocks is in losses/_likelihood_blocks.pyx.
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fastopt._common.checks import choice
from fastopt._common.settings import Settings
from fastopt._core.threads import resolve_threads

from . import _likelihood_blocks
from ._base import DOMAINS, Array, _array, _flat, _refuse, _same_shape
from ._reduction import weights_of


class _Learnt(NamedTuple):
    """A scale or a shape: as it came, and flat as the kernels take it, one for all or one for each."""
    given: Array
    flat: Array

    def room(self, wanted: bool, samples: int) -> Array | None:
        """Where its derivatives go; None where they are summed or not wanted."""
        return np.empty_like(self.flat) if wanted and self.flat.size == samples > 1 else None

    def gradient(self, each: Array | None, total: float, shape: tuple[int, ...]) -> Array:
        """In the shape in which it came: the sums over what one number stands for."""
        if each is None:
            return np.full(self.given.shape, total, self.given.dtype)
        whole = each.reshape(shape)
        axes = tuple(axis for axis in range(len(shape)) if axis < len(shape) - self.given.ndim or
                     (self.given.shape[axis - len(shape)] == 1 and shape[axis] > 1))
        return np.asarray(whole.sum(axis=axes, dtype=np.float64).astype(whole.dtype)).reshape(self.given.shape) if axes else whole


def _learnt(name: str, value: ArrayLike, p: Array) -> _Learnt:
    given = _array(name, value, p.dtype)
    if given.size == 1 and given.ndim <= p.ndim:
        return _Learnt(given, given.reshape(1))
    try:
        spread = np.broadcast_to(given, p.shape)
    except ValueError:
        raise ValueError(f"{name} must be a number or have a shape that broadcasts to that of p, {p.shape}, got {given.shape}") from None
    return _Learnt(given, _flat(np.ascontiguousarray(spread)))


class Likelihood(Settings):
    """What minus log likelihoods have in common: a reduction, checks, evaluation.

    Parameters
    ----------
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns.  The gradient is that of the mean or, for both others, of the sum.

    Attributes
    ----------
    name : str
        What it is called.
    params : dict
        The parameters.
    """

    reduction: str
    _kind: int
    _target = "real"
    _constant = 0.0

    def __init_subclass__(cls) -> None:
        cls.__module__ = "fastopt.losses"

    def __init__(self, reduction: str = "mean") -> None:
        self._keep({"reduction": choice("reduction", reduction, "mean", "sum", "none")})

    def _evaluate(self, y: ArrayLike, p: ArrayLike, learnt: dict[str, ArrayLike], sample_weight: ArrayLike | None,
                  wants_gradient: bool) -> tuple[float | Array, tuple[Array, ...]]:
        p = _array("p", p)
        y = _same_shape("y", _array("y", y, p.dtype), p)
        if p.size == 0:
            raise ValueError(f"p must hold at least one prediction, got shape {p.shape}")
        weight, total = weights_of(sample_weight, p.shape, p.dtype, self.reduction, "element of p")
        others = {name: _learnt(name, value, p) for name, value in learnt.items()}
        values = np.empty_like(_flat(p)) if self.reduction == "none" else None
        in_p = np.empty_like(_flat(p)) if wants_gradient else None
        rooms = [other.room(wants_gradient, p.size) for other in others.values()]
        scale, shape, *_ = *(other.flat for other in others.values()), None
        in_scale, in_shape, *_ = *rooms, None
        threads = 1 if p.size < _likelihood_blocks.PARALLEL_FROM else resolve_threads()
        sums = _likelihood_blocks.evaluate(self._kind, self._constant, _flat(y), _flat(p), scale, shape, None if weight is None else _flat(weight),
                                           1 / total, values, in_p, in_scale, in_shape, threads)
        if sums is None:
            for name, other in {"p": p, **{name: other.given for name, other in others.items()}}.items():
                _refuse(name, other, *DOMAINS["real"])
            _refuse("y", y, *DOMAINS[self._target])
            raise AssertionError("refused for no reason")
        value = sums[0] / total if values is None else values.reshape(p.shape)
        if in_p is None:
            return value, ()
        return value, (in_p.reshape(p.shape), *(other.gradient(each, one, p.shape) for other, each, one in zip(others.values(), rooms, sums[1:])))
