"""Seeds for the order of samples, drawn from `random_state` in scikit-learn's order, so that the order is the same there.

Used by the SGD estimators.  They must know no data.
"""
from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from sklearn.utils import check_random_state

from fastopt._estimators.types import RandomState

MAX_SEED = np.iinfo(np.int32).max
Draw = Callable[..., int]


def seed_of(draw: Draw, random_state: RandomState, *arguments: int) -> int:
    """draw(random_state, …).  The result for an integer seed is cached, since creating a generator is slow."""
    return _remembered(draw, random_state, *arguments) if type(random_state) is int else draw(random_state, *arguments)


@functools.lru_cache(maxsize=256)
def _remembered(draw: Draw, seed: int, *arguments: int) -> int:
    return draw(seed, *arguments)


def skip(random_state: RandomState) -> np.random.RandomState:
    """The generator, after the draw that scikit-learn uses for the seed of its data set."""
    rng: np.random.RandomState = check_random_state(random_state)
    rng.randint(1, MAX_SEED)
    return rng


def of_classifier(random_state: RandomState, k: int) -> int:
    """The seed of a classifier.  k > 1 outputs share one pass over the data, in the order of the first."""
    if k > 1:
        random_state = int(check_random_state(random_state).randint(MAX_SEED, size=k)[0])
    return int(skip(random_state).randint(MAX_SEED))


def of_regressor(random_state: RandomState) -> int:
    """The seed of a regressor."""
    rng = check_random_state(random_state)
    seed = int(rng.randint(MAX_SEED))
    skip(rng)
    return seed


def of_one_class(random_state: RandomState) -> int:
    """The seed of a one-class SVM, for which scikit-learn draws from NumPy's global generator if there is none."""
    if random_state is None:
        skip(None)
    return int(check_random_state(random_state).randint(MAX_SEED))
