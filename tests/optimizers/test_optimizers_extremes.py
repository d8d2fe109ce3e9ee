"""Optimizers at the ends of what numbers can be: every rule, gradients and rates from the smallest to the largest, moments that fade
out; weights and state stay finite or the step is refused and nothing changed, and a state can always be loaded again."""
import contextlib
import warnings

import numpy as np
import pytest

from denormals import SMALL, denormals_count
from fastopt import optimizers
from fastopt.exceptions import InvalidParameterError
from fastopt.linear_model import SGDRegressor
from optimizer_cases import OPTIONS, everything

NAMES = sorted(optimizers.names())
MOMENTS = [(name, {"moments": moments}) for name in ("adam", "adamw", "lion") for moments in ("bfloat16", "8bit")]
CASES = [(name, own) for name in NAMES for own in [{}, *OPTIONS.get(name, [])]] + MOMENTS
SIZES = {np.float32: [1e25, -1e25, 3e38, -1e19, 1e16, 1e-25, 1e-40, 1.4e-45, 0.0],
         np.float64: [1e200, -1e200, 1.7e308, 1e150, 1e100, 1e-200, 1e-310, 5e-324, 0.0]}
RATES = [0.0, 1e-300, 1e-30, 1e-3, 1.0, 1e30, 1e300]


def gradient(size, dtype, mixed):
    g = np.full((2, 3), size, dtype)
    if mixed:
        g[0, 0] = 1
    return g


@pytest.mark.parametrize("lr", RATES)
@pytest.mark.parametrize("dtype", SIZES)
@pytest.mark.parametrize(("name", "own"), CASES, ids=str)
@pytest.mark.repeats(5)
def test_finite_or_refused_with_nothing_changed(name, own, dtype, lr):
    for size in SIZES[dtype]:
        for begin, mixed in ((0.0, False), (1.0, True)):
            w = np.full((2, 3), begin, dtype)
            if name == "ftrl" and lr == 1e300 and dtype == np.float32 and {"l2", "l1"} & set(own) and begin:
                with pytest.raises(InvalidParameterError, match="settings make the state of params overflow float32"):
                    optimizers.get(name)(w, **{**own, "lr": lr})
                continue
            optimizer = optimizers.get(name)(w, **{**own, "lr": lr})
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                for g in [gradient(size, dtype, mixed)] * 3 + [np.ones((2, 3), dtype)] * 3:
                    before = everything(optimizer)
                    try:
                        optimizer.step(g)
                    except FloatingPointError as error:
                        assert "overflow" in str(error) and everything(optimizer) == before
            _is_finite(optimizer, (name, size))
            other = optimizers.get(name)(w.copy(), **{**own, "lr": lr})
            other.load_state_dict(optimizer.state_dict())
            assert everything(other) == everything(optimizer)


def _is_finite(optimizer, words):
    assert np.isfinite(optimizer.params[0]).all() and np.isfinite(optimizer.carries).all(), words
    for array in optimizer.states[0]:
        if array is not None and array.dtype.kind == "f":
            assert np.isfinite(array).all(), words


@pytest.mark.parametrize("name", NAMES)
def test_skip_passes_over_what_would_overflow(name):
    w = np.ones((2, 3), np.float32)
    optimizer = optimizers.get(name)(w, nonfinite="skip", lr=1e30)
    before = everything(optimizer)[:4]
    for _ in range(3):
        optimizer.step(np.full((2, 3), 1e30, np.float32))
    _is_finite(optimizer, name)
    assert optimizer.skipped + optimizer.t == 3
    if optimizer.skipped == 3:
        assert everything(optimizer)[:4] == before


@pytest.mark.parametrize("name", NAMES)
def test_an_extreme_gradient_that_is_clipped_is_none(name):
    """The same step as by the clipped gradient itself."""
    if name == "muon":
        settings = {"clip_norm": 1.0}
    else:
        settings = {"clip_value": 1.0}
    one, two = np.ones((2, 3), np.float32), np.ones((2, 3), np.float32)
    first, second = optimizers.get(name)(one, **settings), optimizers.get(name)(two)
    first.step(np.full((2, 3), 1e25, np.float32))
    second.step(np.full((2, 3), 1.0 if name != "muon" else 6 ** -0.5, np.float32))
    np.testing.assert_allclose(one, two, rtol=1e-5)


# ---- numbers too small for full precision ----
def fading(name, own, dtype, shape=(40, 30)):
    """An optimizer whose means are all such numbers, and one whose means are 0."""
    made = []
    for fill in (SMALL[dtype], 0.0):
        optimizer = optimizers.get(name)(np.ones(shape, dtype), **{"lr": 0.01, **own})
        for state, array in zip(optimizer.state_names, optimizer.states[0]):
            if array is not None and state in ("m", "v", "s", "u", "mean_g", "b", "velocity") and array.dtype == dtype:
                array[...] = fill
        made.append(optimizer)
    return made


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("dtype", SMALL)
@pytest.mark.parametrize(("name", "own"), CASES, ids=str)
@pytest.mark.repeats(5)
def test_means_that_fade_out_become_0(name, own, dtype, n_threads, many_threads):
    """And the step is the one from 0."""
    shape = (40, 30) if n_threads == 1 else (400, 300)
    one, two = fading(name, {**own, "n_threads": n_threads}, dtype, shape)
    g = np.zeros(shape, dtype)
    for optimizer in (one, two):
        optimizer.step(g)
    tiny = np.finfo(dtype).tiny
    for array in one.states[0]:
        if array is not None and array.dtype == dtype:
            assert not ((array != 0) & (np.abs(array) < tiny)).any()
    assert everything(one)[0] == everything(two)[0]


@pytest.mark.parametrize("name", ["adam", "lamb", "adafactor", "muon"])
def test_the_callers_mode_comes_back(name, many_threads):
    assert denormals_count()
    shape = (300, 400)
    for g in (np.ones(shape), np.full(shape, np.nan), np.full(shape, 1e300)):
        for threads in (1, 3):
            optimizer = optimizers.get(name)(np.ones(shape), n_threads=threads, lr=1.0)
            with contextlib.suppress(FloatingPointError):
                optimizer.step(g)
            assert denormals_count()
    muon = optimizers.Muon(np.ones((3, 3)))
    muon._advance = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        muon.step(np.ones((3, 3)))
    assert denormals_count()


@pytest.mark.parametrize("name", ["sgd", "momentum", "adam", "adagrad"])
def test_a_step_within_ordinary_numbers_is_what_ieee_754_says(name):
    """By NumPy, which has the mode of the processor that nobody changed; numbers down to a thousand times the smallest."""
    rng = np.random.default_rng(0)
    scale = 1e3 * np.finfo(np.float64).tiny
    w = rng.uniform(1, 2, 999) * scale
    g = rng.uniform(1, 2, 999) * scale
    expected = w - 0.5 * g
    if name == "sgd":
        optimizers.SGD(w, lr=0.5).step(g)
        assert (w == expected).all()
    else:
        before = w.copy()
        optimizers.get(name)(w, lr=0.0).step(g)
        assert (w == before).all()


@pytest.mark.parametrize("dtype", SMALL)
@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("optimizer", ["momentum", "adam", "lamb", "muon"])
def test_means_of_mini_batches_fade_out_too(optimizer, n_jobs, dtype):
    """Columns that are 0, of weights so small: a step takes them for 0 where it moves them, and the mode comes back."""
    X = np.zeros((64, 300), dtype)
    X[:, 0] = np.linspace(-1, 1, 64)
    model = SGDRegressor(optimizer=optimizer, max_iter=2, tol=None, batch_size=16, penalty=None, random_state=0, n_jobs=n_jobs)
    coef = np.full(300, SMALL[dtype], dtype)
    model.fit(X, X[:, 0], coef_init=coef)
    assert (coef == dtype(SMALL[dtype])).all() and not model.coef_[1:].any() and model.coef_[0] and denormals_count()
