"""Estimates of the gradient from a batch: the batch's own, and those of SVRG, SAG and SAGA, whose variance falls to 0.

Used by _minimize.stochastic, whose steps they feed; know neither rules nor when to stop.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastopt._common.rules import short
from fastopt._linalg.lbfgs import dot
from fastopt._methods.function import Array, called, copy_gradient, scalar
from fastopt.exceptions import InvalidParameterError

Order = NDArray[np.intp]
Sizes = Callable[[int], int]
Batch = TypeVar("Batch")


class BatchFunction:
    """``fun(w, idx, *args) -> (value, gradient)`` of the user: called with a copy of w and read-only indices, checked, counted."""

    def __init__(self, fun: Callable[..., Any], args: tuple[Any, ...], n_samples: int) -> None:
        self.fun, self.args, self.n_samples, self.nfev = fun, args, n_samples, 0

    def __call__(self, w: Array, idx: Order, out: Array) -> float:
        """The value; the gradient goes into `out`.  nan stands for anything that is not finite."""
        self.nfev += 1
        result = called(self.fun, w.copy(), idx, *self.args)
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise InvalidParameterError(f"fun must return (value, gradient), got {short(result)}")
        value = scalar(result[0])
        copy_gradient(result[1], out)
        finite = math.isfinite(dot(out, out)) or bool(np.isfinite(out).all())
        return value if finite and math.isfinite(value) else math.nan

    def over_all(self, w: Array, size: int, out: Array) -> float:
        """Mean value and mean gradient over all samples, in batches of that size."""
        total, part = 0.0, np.empty_like(out)
        out[:] = 0
        for idx in consecutive(read_only(np.arange(self.n_samples)), size):
            share = len(idx) / self.n_samples
            total += share * self(w, idx, part)
            part *= share
            out += part
        return total


class Orders:
    """Orders of n things: consecutive, or random ones."""

    def __init__(self, random: np.random.Generator | np.random.RandomState | None) -> None:
        self.random = random

    def __call__(self, n: int) -> Order:
        """All of them once."""
        return np.arange(n) if self.random is None else self.random.permutation(n)

    def draw(self, n: int) -> Order:
        """n of them, drawn with replacement; in order if nothing is random."""
        if self.random is None:
            return np.arange(n)
        if isinstance(self.random, np.random.Generator):
            return self.random.integers(n, size=n)
        return self.random.randint(n, size=n)


def read_only(order: Order) -> Order:
    order.flags.writeable = False
    return order


def consecutive(order: Order, size: int) -> Iterator[Order]:
    """The order cut into batches of one size; the last may be smaller."""
    return (order[start:start + size] for start in range(0, len(order), size))


class Estimate(Generic[Batch]):
    """What all estimates have in common; batches are what `estimate` takes them for, samples or the number of a block."""

    exact = False   # `start` knows value and gradient over all samples

    def __init__(self, fun: BatchFunction, w: Array, sizes: Sizes, order: Orders) -> None:
        self.fun, self.sizes, self.order = fun, sizes, order
        self.g, self.t = np.zeros_like(w), 0

    def start(self, w: Array) -> float:
        """Before an epoch: the value over all samples, nan where it is not known."""
        return math.nan

    def batches(self) -> Iterator[Batch]:
        """The batches of an epoch."""
        raise NotImplementedError

    def estimate(self, w: Array, batch: Batch) -> tuple[float, int]:
        """The estimate into `g`; the value over the batch, and the batch's samples."""
        raise NotImplementedError


class Plain(Estimate[Order]):
    """The gradient over the batch; batches of an epoch are cut from its order of the samples."""

    def batches(self) -> Iterator[Order]:
        order, at = read_only(self.order(self.fun.n_samples)), 0
        while at < len(order):
            size = self.sizes(self.t)
            yield order[at:at + size]
            at += size
            self.t += 1

    def estimate(self, w: Array, batch: Order) -> tuple[float, int]:
        return self.fun(w, batch, self.g), len(batch)


class Noisy(Plain):
    """The same in two halves, whose difference tells a strategy how noisy gradients are."""

    def __init__(self, fun: BatchFunction, w: Array, sizes: Sizes, order: Orders,
                 learn: Callable[[int, int, float, float], object]) -> None:
        super().__init__(fun, w, sizes, order)
        self.learn, self.other = learn, np.zeros_like(w)

    def estimate(self, w: Array, batch: Order) -> tuple[float, int]:
        half = len(batch) // 2
        if half == 0:
            return super().estimate(w, batch)
        share = half / len(batch)
        value = share * self.fun(w, batch[:half], self.g) + (1 - share) * self.fun(w, batch[half:], self.other)
        if math.isfinite(value):
            small = dot(self.g, self.g)
            self.g *= share
            self.other *= 1 - share
            self.g += self.other
            self.learn(half, len(batch), small, dot(self.g, self.g))
        return value, len(batch)


class SVRG(Plain):
    """g_B(w) − g_B(w̃) + g(w̃): unbiased, and exact where w is w̃, the point at the start of the epoch (Johnson and Zhang)."""

    exact = True

    def __init__(self, fun: BatchFunction, w: Array, sizes: Sizes, order: Orders) -> None:
        super().__init__(fun, w, sizes, order)
        self.anchor, self.mean, self.there = w.copy(), np.zeros_like(w), np.zeros_like(w)

    def start(self, w: Array) -> float:
        np.copyto(self.anchor, w)
        return self.fun.over_all(w, self.sizes(self.t), self.mean)

    def estimate(self, w: Array, batch: Order) -> tuple[float, int]:
        value, size = super().estimate(w, batch)
        if not math.isfinite(self.fun(self.anchor, batch, self.there)):
            value = math.nan
        self.g -= self.there
        self.g += self.mean
        return value, size


class SAGA(Estimate[int]):
    """g_b(w) − m_b + m̄: m_b is the last gradient of block b, m̄ the mean of them all (Defazio, Bach and Lacoste-Julien).

    The blocks are cut once; the table of their gradients holds d numbers a block.
    """

    biased = False

    def __init__(self, fun: BatchFunction, w: Array, sizes: Sizes, order: Orders) -> None:
        super().__init__(fun, w, sizes, order)
        self.blocks = list(consecutive(read_only(order(fun.n_samples)), sizes(0)))
        self.table, self.mean = np.zeros((len(self.blocks), w.size), w.dtype), np.zeros_like(w)
        self.fresh = True

    def start(self, w: Array) -> float:
        if self.fresh:
            self.fresh = False
            values = [self.fun(w, block, row) for block, row in zip(self.blocks, self.table)]
            shares = np.array([len(block) for block in self.blocks]) / self.fun.n_samples
            np.copyto(self.mean, shares @ self.table, casting="same_kind")
            if not np.isfinite(values).all():
                self.mean[:] = math.nan
        return math.nan

    def batches(self) -> Iterator[int]:
        # with replacement: without it the mean lags behind by the same blocks for long, and SAG may diverge
        return iter(self.order.draw(len(self.blocks)))

    def estimate(self, w: Array, batch: int) -> tuple[float, int]:
        block, row = self.blocks[batch], self.table[batch]
        value = self.fun(w, block, self.g)
        share = len(block) / self.fun.n_samples
        self.g -= row                       # the change of the block's gradient
        row += self.g
        if self.biased:
            self.mean += share * self.g
            np.copyto(self.g, self.mean)
        else:
            before = self.mean + (share * len(self.blocks)) * self.g
            self.mean += share * self.g
            np.copyto(self.g, before)
        return value, len(block)


class SAG(SAGA):
    """The mean of the blocks' last gradients itself: biased, of less variance (Schmidt, Le Roux and Bach)."""

    biased = True


def curvature(fun: BatchFunction, w: Array, blocks: list[Order], rounds: int = 5) -> float:
    """The largest curvature of the blocks at w: power iterations on differences of gradients."""
    largest, g, moved = 0.0, np.zeros_like(w), np.zeros_like(w)
    length = float(np.sqrt(np.finfo(w.dtype).eps)) * max(1.0, math.sqrt(dot(w, w)))
    for block in blocks:
        fun(w, block, g)
        direction = g.copy() if g.any() else np.ones_like(w)
        for _ in range(rounds):
            direction *= length / math.sqrt(dot(direction, direction))
            fun(w + direction, block, moved)
            direction = moved - g
            found = math.sqrt(dot(direction, direction)) / length
            if not 0 < found < math.inf:
                break
            largest = max(largest, found)
    return largest
