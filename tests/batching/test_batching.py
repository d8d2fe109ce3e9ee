"""Batch-size strategies: sizes against plain formulas, the same from the same seed, the noise scale of known gradients."""
import copy
import json
import math
import pickle

import numpy as np
import pytest

from fastopt import batching, schedules
from fastopt.exceptions import InvalidParameterError

ALL = [batching.Fixed(64), batching.RandomSize(3, 17, seed=5), batching.Growing(32, 1.5, every=10, max_size=999),
       batching.Growing(1), batching.Scheduled(schedules.Cosine(100, 50, end_lr=7), max_size=80), batching.NoiseScale(32)]


def test_each_strategy_is_here():
    assert {b.name for b in ALL} == set(batching.names())


@pytest.mark.parametrize("strategy", ALL, ids=repr)
def test_sizes_equal_single_steps(strategy):
    strategy = copy.deepcopy(strategy)
    for t in (0, 1, 49, 1000, 1020, 2047, 10 ** 9):
        for n in (0, 1, 60, 1100):
            sizes = strategy.sizes(t, n)
            assert sizes.dtype == np.int64 and sizes.shape == (n,)
            some = range(0, n, 1 + n // 50)
            assert [int(sizes[i]) for i in some] == [strategy.size(t + i) for i in some]
    assert type(strategy.size(0)) is int and strategy.size(2 ** 53 - 1) >= 1 and strategy.update(4, 8, 1.0, 0.5) != 0


@pytest.mark.parametrize("strategy", ALL, ids=repr)
def test_strategies_are_values(strategy):
    strategy = copy.deepcopy(strategy)
    assert eval(repr(strategy), {**vars(batching), **vars(schedules)}) == strategy
    assert strategy == batching.get(strategy.name, **strategy.params) and batching.as_batching(strategy) is strategy
    for same in (pickle.loads(pickle.dumps(strategy)), copy.deepcopy(strategy)):
        assert same == strategy and same.sizes(0, 100).tolist() == strategy.sizes(0, 100).tolist()
    with pytest.raises(AttributeError, match="cannot be changed"):
        strategy.max_size = 3
    restored = batching.from_state_dict(json.loads(json.dumps(strategy.state_dict())))
    other = copy.deepcopy(strategy)
    other.load_state_dict(strategy.state_dict())
    assert restored == strategy == other and restored.sizes(5, 50).tolist() == other.sizes(5, 50).tolist()
    assert callable(other.size)


def test_fixed():
    assert batching.as_batching(np.int32(8)) == batching.Fixed(8) and batching.Fixed(8).sizes(3, 4).tolist() == [8] * 4


def test_random_sizes_are_uniform_and_only_the_seed_matters():
    n = 200_000
    sizes = batching.RandomSize(10, 19, seed=3).sizes(0, n)
    counts = np.bincount(sizes, minlength=20)
    assert counts[:10].sum() == 0 and len(counts) == 20
    assert ((counts[10:] - n / 10) ** 2 / (n / 10)).sum() < 33   # chi-squared of 9 degrees: 1e-4
    assert abs(np.corrcoef(sizes[1:], sizes[:-1])[0, 1]) < 0.01
    one, same = batching.RandomSize(10, 19, seed=3), batching.RandomSize(10, 19, seed=3)
    assert [one.size(t) for t in (5000, 3, 70, 5000)] == [int(sizes[t]) for t in (5000, 3, 70, 5000)]
    assert same.sizes(900, 300).tolist() == sizes[900:1200].tolist()
    assert batching.RandomSize(10, 19, seed=4).sizes(0, 50).tolist() != sizes[:50].tolist()
    assert batching.RandomSize(7, 7).sizes(0, 9).tolist() == [7] * 9
    assert batching.RandomSize(1, 2 ** 31 - 1).sizes(0, 1000).max() > 2 ** 30


def test_growing():
    for first, factor, every, most in ((1, 2.0, 3, None), (32, 1.5, 10, 500), (7, 1.0, 1, None), (3, 1.01, 7, 10 ** 6)):
        strategy = batching.Growing(first, factor, every, most)
        expected = [min(first * factor ** (t // every), most or 2 ** 31 - 1) for t in range(300)]
        assert [abs(size - value) <= 0.5 + 1e-6 for size, value in zip(strategy.sizes(0, 300), expected)] == [True] * 300
    doubling = batching.Growing(1, 2, every=1)
    assert doubling.sizes(0, 31).tolist() == [2 ** k for k in range(31)]
    assert doubling.size(31) == doubling.size(10 ** 6) == 2 ** 31 - 1


def test_scheduled():
    assert batching.Scheduled(lambda t: 10 * t, max_size=25).sizes(0, 5).tolist() == [1, 10, 20, 25, 25]
    assert batching.Scheduled(lambda t: 2.6).size(9) == 3
    with pytest.raises(InvalidParameterError, match="got nan at step 2"):
        batching.Scheduled(lambda t: math.nan if t == 2 else 1).sizes(0, 5)


def test_noise_scale_of_known_gradients():
    """Gradients of samples G + noise: the estimate comes close to trace(covariance)/‖G‖², and the size follows it."""
    rng = np.random.default_rng(0)
    d, small, big = 50, 16, 256
    mean, deviation = np.full(d, 0.1), 1.0                    # S = 50, ‖G‖² = 0.5: 100
    strategy = batching.NoiseScale(16, decay=0.99)
    for _ in range(2000):
        norms = [((mean + deviation / np.sqrt(n) * rng.normal(size=d)) ** 2).sum() for n in (small, big)]
        size = strategy.update(small, big, *norms)
    assert strategy.noise_scale == pytest.approx(100, rel=0.15) and size == strategy.size(0) == round(strategy.noise_scale)


def test_noise_scale_by_the_formula():
    """Appendix A.1 of McCandlish and others, with averages, one update after the other."""
    rng = np.random.default_rng(1)
    strategy, size, S, G, decay = batching.NoiseScale(40, min_size=20, max_size=90, decay=0.8), 40, 0.0, 0.0, 0.8
    for _ in range(200):
        n, N, few, many = 10, 80, *rng.uniform(0, 4, size=2)
        G = decay * G + (1 - decay) * (N * many - n * few) / (N - n)
        S = decay * S + (1 - decay) * (few - many) / (1 / n - 1 / N)
        wanted = 0 if S <= 0 else math.inf if G <= 0 else S / G
        size = round(min(max(min(max(wanted, size / 2), 2 * size), 20), 90))
        assert strategy.update(n, N, few, many) == size == strategy.size(3)
        assert strategy.sizes(0, 3).tolist() == [size] * 3


def test_noise_scale_resumes():
    one = batching.NoiseScale(8)
    assert math.isnan(one.noise_scale)
    one.update(4, 8, 3.0, 1.0)
    other = batching.NoiseScale(9, decay=0.5)
    other.load_state_dict(json.loads(json.dumps(one.state_dict())))
    assert [other.update(4, 8, 3.0, x) for x in (1.0, 2.0, 3.5)] == [one.update(4, 8, 3.0, x) for x in (1.0, 2.0, 3.5)]
    assert one == other


def test_noise_scale_changes_by_two_at_most():
    noisy, still = batching.NoiseScale(8, max_size=100), batching.NoiseScale(50, min_size=5)
    assert [noisy.update(4, 8, 2.0, 0.5) for _ in range(5)] == [16, 32, 64, 100, 100] and noisy.noise_scale == math.inf
    assert [still.update(4, 8, 1.0, 1.0) for _ in range(5)] == [25, 12, 6, 5, 5] and still.noise_scale == 0


@pytest.mark.parametrize("call, text", [
    (lambda: batching.as_batching(0), "batch_size must be an integer at least 1 or a strategy of fastopt.batching, got 0"),
    (lambda: batching.as_batching("64"), "batch_size must be an integer at least 1 or a strategy"),
    (lambda: batching.as_batching(2.5, "size"), "size must be an integer at least 1 or a strategy"),
    (lambda: batching.get("groing"), "no batch-size strategy 'groing': did you mean 'growing'"),
    (lambda: batching.get("fixed", n=3), "fixed takes size, got n"),
    (lambda: batching.Fixed(2 ** 31), "size must be an integer from 1 to 2147483647, got 2147483648"),
    (lambda: batching.RandomSize(5, 4), "high must be at least low, 5, got 4"),
    (lambda: batching.RandomSize(1, 4, seed=-1), "seed must be an integer from 0"),
    (lambda: batching.Growing(8, factor=0.5), "factor must be a finite number at least 1, got 0.5"),
    (lambda: batching.Growing(8, every=0), "every must be an integer at least 1"),
    (lambda: batching.Growing(8, max_size=4), "max_size must be an integer from 8 to 2147483647, got 4"),
    (lambda: batching.Scheduled("a"), "schedule must be a number, a schedule or a function of the step, got 'a'"),
    (lambda: batching.NoiseScale(8, min_size=9), "size must be within min_size … max_size, 9 … None, got 8"),
    (lambda: batching.NoiseScale(8, max_size=4), "size must be within min_size … max_size, 1 … 4, got 8"),
    (lambda: batching.NoiseScale(8, decay=1), "decay must be a finite number at least 0 and below 1, got 1"),
    (lambda: batching.NoiseScale(8).update(4, 4, 1.0, 1.0), "big must be above small, 4, got 4"),
    (lambda: batching.NoiseScale(8).update(4, 8, -1.0, 1.0), "squared_norm_small must be a finite number at least 0, got -1"),
    (lambda: batching.NoiseScale(8).update(4, 8, 1.0, np.nan), "squared_norm_big must be a finite number at least 0, got nan"),
    (lambda: batching.NoiseScale(8).update(4, 8, 1e308, 0.0) or batching.NoiseScale(8).update(4 << 20, 8 << 20, 1e308, 0.0),
     "must not overflow"),
    (lambda: batching.Fixed(8).size(-1), "t must be an integer from 0"),
    (lambda: batching.Fixed(8).sizes(0, 1.5), "n must be an integer from 0"),
    (lambda: batching.Fixed(8).load_state_dict(batching.Growing(8).state_dict()), "state must be that of a Fixed, got that of Grow"),
    (lambda: batching.from_state_dict({**batching.NoiseScale(8).state_dict(), "state": {
        "size": 0, "variance": 0.0, "squared_mean": 0.0, "updates": 0}}), r"state\['size'\] must be an integer from 1"),
    (lambda: batching.from_state_dict(schedules.Constant(8).state_dict()), "must be that of a batch-size strategy"),
    (lambda: schedules.from_state_dict(batching.Fixed(8).state_dict()), "must be that of a schedule"),
])
def test_refusals_name_the_argument(call, text):
    with pytest.raises(InvalidParameterError, match=text):
        call()


def test_refused_updates_change_nothing():
    strategy = batching.NoiseScale(8)
    strategy.update(4, 8, 3.0, 1.0)
    before = strategy.state_dict()
    for bad in ((4, 2, 1.0, 1.0), (4, 8, np.nan, 1.0), (4, 8, 1.0, np.inf)):
        with pytest.raises(ValueError):
            strategy.update(*bad)
    assert strategy.state_dict() == before
