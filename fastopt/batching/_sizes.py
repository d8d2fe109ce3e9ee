"""The batch-size strategies: how many samples each step takes.

Used through fastopt.batching.  What they share with schedules, parameters and states, is in _common/settings.py; a growing size is
a schedule of schedules._decay.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastopt._common.checks import integer, number
from fastopt._common.registry import Registry
from fastopt._common.rules import refuse
from fastopt._common.settings import Stateful
from fastopt.schedules import ExponentialDecay, Schedule
from fastopt.schedules._base import LAST_STEP, LearningRate, as_schedule

Sizes = NDArray[np.int64]

#: rows are numbered in 32 bits
LARGEST = 2 ** 31 - 1


def whole(name: str, value: object, at_least: int = 1) -> int:
    """`value` as a size."""
    return integer(name, value, at_least, LARGEST)


def limit(name: str, value: object, at_least: int = 1) -> int | None:
    """`value` as the largest size, None if there is none."""
    return None if value is None else whole(name, value, at_least)


class Batching(Stateful):
    """What all batch-size strategies have in common.

    ``strategy.size(t)`` is the number of samples of step t = 0, 1, 2, …  Strategies can be compared, copied and pickled;
    their attributes cannot be set.

    Attributes
    ----------
    name : str
        The name for ``batching.get``.
    params : dict
        The parameters.
    driven_by : None or 'noise'
        What `update` wants to be told: nothing, as the size is a function of the step; or the squared norms of the
        gradient over a small and over a big batch (`NoiseScale`).
    """

    driven_by: str | None = None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.__module__ = "fastopt.batching"
        registry[cls.name] = cls

    def size(self, t: int) -> int:
        """The number of samples of step t.

        Parameters
        ----------
        t : int
            From 0.

        Returns
        -------
        int

        Raises
        ------
        InvalidParameterError
            If t is no step, or a schedule's value is no size.
        """
        return int(self._sizes(integer("t", t, 0, LAST_STEP), 1)[0])

    def sizes(self, t: int, n: int) -> Sizes:
        """The numbers of samples of the n steps t, t + 1, …, the same as from one call of `size` a step.

        Parameters
        ----------
        t : int
            The first step, from 0.
        n : int
            How many.

        Returns
        -------
        ndarray of shape (n,), int64
        """
        t = integer("t", t, 0, LAST_STEP)
        return self._sizes(t, integer("n", n, 0, LAST_STEP - t + 1))

    def update(self, small: int, big: int, squared_norm_small: float, squared_norm_big: float) -> int | None:
        """Nothing: the size is a function of the step.  `NoiseScale` learns from it.

        Parameters
        ----------
        small, big, squared_norm_small, squared_norm_big
            See `NoiseScale.update`.

        Returns
        -------
        None
        """
        return None

    def _sizes(self, t: int, n: int) -> Sizes:
        raise NotImplementedError


#: classes by name
registry = Registry("batch-size strategy", Batching)


def whole_sizes(values: NDArray[np.float64], max_size: int | None) -> Sizes:
    """Numbers as sizes: rounded, at least 1, at most max_size."""
    return np.clip(np.rint(values), 1, max_size or LARGEST).astype(np.int64)


class Fixed(Batching):
    """The same size for every step.

    Parameters
    ----------
    size : int, at least 1
        Samples a step; it is read back as ``params['size']``.

    Examples
    --------
    >>> from fastopt import batching
    >>> batching.Fixed(64).size(1000)
    64
    """

    name = "fixed"

    def __init__(self, size: int) -> None:
        self._keep({"size": whole("size", size)})

    def _sizes(self, t: int, n: int) -> Sizes:
        return np.full(n, self._params["size"], np.int64)


class RandomSize(Batching):
    """A random size for each step, each of low … high as likely as the other.

    The size of a step is a function of the seed and the step alone: random words of Philox, numbered by the step, times the
    number of sizes, shifted by 32 bits.  The same seed gives the same sizes on every machine.

    Parameters
    ----------
    low, high : int, at least 1
        The smallest and the largest size.
    seed : int, at least 0, default=0
        Of the random numbers.

    References
    ----------
    J. K. Salmon and others (2011), Parallel random numbers: as easy as 1, 2, 3, SC11.

    Examples
    --------
    >>> from fastopt import batching
    >>> sizes = batching.RandomSize(16, 64, seed=0).sizes(0, 1000)
    >>> int(sizes.min()), int(sizes.max())
    (16, 64)
    """

    name = "random"
    low: int
    high: int
    seed: int
    _drawn: tuple[int, Sizes]
    #: steps whose numbers are drawn together
    _CHUNK = 1024

    def __init__(self, low: int, high: int, seed: int = 0) -> None:
        low, high = whole("low", low), whole("high", high)
        if low > high:
            refuse("high", f"at least low, {low}", high)
        self._keep({"low": low, "high": high, "seed": integer("seed", seed, 0, 2 ** 64 - 1)},
                   _drawn=(-1, np.empty(0, np.int64)))

    def _sizes(self, t: int, n: int) -> Sizes:
        first = t // self._CHUNK
        chunks = [self._chunk(chunk) for chunk in range(first, (t + n - 1) // self._CHUNK + 1)]
        at = t - first * self._CHUNK
        return np.concatenate(chunks)[at:at + n] if n else np.empty(0, np.int64)

    def _chunk(self, chunk: int) -> Sizes:
        last, sizes = self._drawn
        if last != chunk:
            words = np.random.Philox(key=self.seed, counter=chunk << 64).random_raw(self._CHUNK)   # far apart: never the same
            high = (words >> np.uint64(32)) * np.uint64(self.high - self.low + 1) >> np.uint64(32)
            sizes = self.low + high.astype(np.int64)
            self.__dict__["_drawn"] = chunk, sizes
        return sizes


class Growing(Batching):
    """A size that grows geometrically: size·factor^⌊t/every⌋, rounded, at most max_size.

    Growing batches do for noise what a falling rate does, with fewer steps.

    Parameters
    ----------
    size : int, at least 1
        Samples of the first steps; read back as ``params['size']``.
    factor : float, at least 1, default=2.0
        What the size is multiplied by.
    every : int, at least 1, default=1000
        Steps between two multiplications.
    max_size : int, at least size, optional
        The largest size; what the rows of X can be numbered to, 2147483647, by default.

    References
    ----------
    S. L. Smith, P.-J. Kindermans, C. Ying and Q. V. Le (2018), Don't decay the learning rate, increase the batch size,
    ICLR, arXiv:1711.00489.

    Examples
    --------
    >>> from fastopt import batching
    >>> b = batching.Growing(32, factor=2, every=100, max_size=256)
    >>> [b.size(t) for t in (0, 99, 100, 250, 10000)]
    [32, 32, 64, 128, 256]
    """

    name = "growing"
    factor: float
    every: int
    max_size: int | None
    _curve: Schedule

    def __init__(self, size: int, factor: float = 2.0, every: int = 1000, max_size: int | None = None) -> None:
        first, factor, every = whole("size", size), number("factor", factor, at_least=1), integer("every", every, 1)
        self._keep({"size": first, "factor": factor, "every": every, "max_size": limit("max_size", max_size, first)},
                   _curve=ExponentialDecay(first, factor, every, staircase=True))

    def _sizes(self, t: int, n: int) -> Sizes:
        return whole_sizes(self._curve._rates(t, n), self.max_size)


class Scheduled(Batching):
    """A size that follows any schedule or function of the step: schedule(t), rounded, at least 1 and at most max_size.

    Parameters
    ----------
    schedule : Schedule, callable or float
        The size of each step.
    max_size : int, at least 1, optional
        The largest size; what the rows of X can be numbered to, 2147483647, by default.

    Examples
    --------
    >>> from fastopt import batching, schedules
    >>> batching.Scheduled(schedules.Polynomial(16, decay_steps=4, end_lr=64)).sizes(0, 6)
    array([16, 28, 40, 52, 64, 64])
    """

    name = "scheduled"
    schedule: Schedule
    max_size: int | None

    def __init__(self, schedule: LearningRate, max_size: int | None = None) -> None:
        self._keep({"schedule": as_schedule(schedule, "schedule"), "max_size": limit("max_size", max_size)})

    def _sizes(self, t: int, n: int) -> Sizes:
        return whole_sizes(self.schedule.block(t, n), self.max_size)
