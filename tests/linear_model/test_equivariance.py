"""Predictions move with the data as mathematics says, for every estimator at its defaults; the laws are in equivariances.py."""
import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

from equivariances import LAWS, TRANSFORMATIONS, choice, predictions, problem

pytestmark = pytest.mark.slow   # many whole fits, which say nothing of single kernels

#: what single precision leaves of predictions, relative to their spread
SINGLE = 1e-3


@pytest.mark.parametrize("kind, name", LAWS, ids=[f"{kind.id}-{name.replace(' ', '_')}" for kind, name in LAWS])
@settings(max_examples=5, derandomize=True)
@given(seed=st.integers(0, 2 ** 31), n=st.integers(24, 70), d=st.integers(1, 6))
def test_predictions_move_with_the_data(kind, name, seed, n, d):
    before = problem(kind, seed, n, d)
    after, back = TRANSFORMATIONS[name](kind, before, np.random.default_rng(seed))
    with warnings.catch_warnings():
        warnings.simplefilter("error")   # data of this sort give no reason for one
        expected, moved = predictions(kind, before), back(predictions(kind, after))
    assume(choice(before.model) == choice(after.model))
    spread = max(float(np.std(expected)), 1e-2 * float(np.std(before.y)) if not kind.classifies else 1e-2)
    bar = max(kind.bar, SINGLE if name == "float32" else 0)
    off = float(np.abs(moved - expected).max()) / spread
    assert off <= bar, f"predictions are {off:.2g} of their spread off"
