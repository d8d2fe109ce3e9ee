"""Generators of random numbers from what a user gives as `random_state`."""
from __future__ import annotations

import numpy as np

from .rules import refuse

RandomState = int | np.random.Generator | np.random.RandomState | None


def generator(random_state: RandomState) -> np.random.Generator | np.random.RandomState:
    """What `random_state` stands for; None: a generator with a seed of its own."""
    if isinstance(random_state, np.random.RandomState):
        return random_state
    try:
        return np.random.default_rng(random_state)
    except (TypeError, ValueError):
        refuse("random_state", "an integer at least 0, a numpy Generator or RandomState, or None", random_state)
