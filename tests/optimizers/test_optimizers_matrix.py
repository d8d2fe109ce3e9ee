"""Adafactor and Muon against plain NumPy, written from PyTorch's documentation and the papers."""
import numpy as np
import pytest

import fastopt as fo
from fastopt.exceptions import InvalidParameterError
from reference.optimizers import Reference

SHAPES = [(3, 5), (17, 4), (40, 33), (1, 7), (6, 1), (2, 3, 5), (129, 300), (9,)]


def adafactor(w, gradients, lr=0.01, beta2_decay=-0.8, eps=(None, 1e-3), d=1.0, weight_decay=0.0, l1=0.0, bound=None):
    """Shazeer & Stern 2018, algorithms 4 and 5, with PyTorch's conventions."""
    w, eps1 = w.copy(), np.finfo(w.dtype).eps if eps[0] is None else eps[0]
    v = rows = columns = 0
    for t, g in enumerate(gradients, 1):
        if bound is not None:
            g = np.clip(g, -bound, bound)
        alpha = max(eps[1], np.sqrt(np.mean(w ** 2))) * min(lr, 1 / np.sqrt(t))
        rest = t ** beta2_decay
        if w.ndim > 1:
            rows = rows + rest * (np.mean(g ** 2, axis=-1, keepdims=True) - rows)
            columns = columns + rest * (np.mean(g ** 2, axis=-2, keepdims=True) - columns)
            estimate = rows * columns / np.maximum(rows.mean(axis=-2, keepdims=True), eps1)
        else:
            v = v + rest * (g ** 2 - v)
            estimate = v
        rate = 1 / np.sqrt(np.maximum(estimate, eps1 ** 2))
        rate = alpha / max(1, np.sqrt(np.mean((rate * g) ** 2)) / d) * rate
        w = w * (1 - lr * weight_decay) - rate * g
        w = np.sign(w) * np.maximum(np.abs(w) - l1 * rate, 0)
    return w


def muon(w, gradients, **settings):
    reference = Reference("muon", [([w], {})], **settings)
    for g in gradients:
        reference.step([g])
    return reference.params[0]


def problem(shape, steps=50, dtype=np.float64, order="C"):
    rng = np.random.default_rng(0)
    return (np.asarray(rng.standard_normal(shape), dtype=dtype, order=order),
            [np.asarray(rng.standard_normal(shape), dtype=dtype, order=order) for _ in range(steps)])


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("settings", [{}, {"weight_decay": 0.1}, {"lr": 1.0, "d": 0.5}, {"eps": (1e-2, 1e-1)}, {"l1": 0.3}],
                         ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.repeats(10)
def test_adafactor(shape, settings, order, isa):
    w, gradients = problem(shape, order=order)
    expected = adafactor(w, gradients, **settings)
    optimizer = fo.optimizers.Adafactor(w, **settings)
    for g in gradients:
        optimizer.step(g)
    np.testing.assert_allclose(w, expected, rtol=1e-12, atol=1e-12)


def test_adafactor_clips_each_gradient():
    w, gradients = problem((20, 30))
    expected = adafactor(w, gradients, bound=0.5)
    optimizer = fo.optimizers.Adafactor(w, clip_value=0.5)
    for g in gradients:
        optimizer.step(g)
    np.testing.assert_allclose(w, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("settings", [{}, {"nesterov": False}, {"adjust_lr": "match_rms_adamw", "weight_decay": 0.0},
                                      {"ns_steps": 2, "momentum": 0.5, "lr": 0.1}], ids=str)
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(4, 7), (7, 4), (16, 16), (1, 5), (33, 2), (21, 67)], ids=str)
def test_muon(shape, order, settings):
    w, gradients = problem(shape, order=order)
    expected = muon(w, gradients, **settings)
    optimizer = fo.optimizers.Muon(w, **settings)
    for g in gradients:
        optimizer.step(g)
    np.testing.assert_allclose(w, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(128, 130), (150, 128), (131, 129), (140, 600)], ids=str)
def test_muon_of_matrices_that_blas_multiplies_or_just_not(shape, dtype, isa):
    w, gradients = problem(shape, steps=3)
    expected = muon(w, gradients, lr=0.1)
    own = w.astype(dtype)
    optimizer = fo.optimizers.Muon(own, lr=0.1)
    for g in gradients:
        optimizer.step(g.astype(dtype))
    tolerance = 1e-9 if dtype == np.float64 else 1e-3
    np.testing.assert_allclose(own, expected, rtol=tolerance, atol=tolerance)


def test_muon_shares_matrices_among_threads(many_threads):
    """Of several shapes, one without a gradient: each as by one thread, and as by itself."""
    shapes = [(30, 40)] * 9 + [(64, 20)] * 5 + [(200, 150)]
    rng = np.random.default_rng(0)
    start, gradients = ([rng.standard_normal(shape) for shape in shapes] for _ in range(2))
    gradients[3] = None
    results = []
    for threads in (1, 2):
        own = [w.copy() for w in start]
        optimizer = fo.optimizers.Muon(own, lr=0.1, n_threads=threads)
        for _ in range(3):
            optimizer.step(gradients)
        results.append(own)
    for i, (one, two) in enumerate(zip(*results)):
        np.testing.assert_array_equal(one, two)
        expected = start[i] if i == 3 else muon(start[i], [gradients[i]] * 3, lr=0.1)
        np.testing.assert_allclose(one, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["adafactor", "muon"])
def test_resumes_to_the_bit(name):
    make = fo.optimizers.get(name)
    w, gradients = problem((40, 30), steps=60, dtype=np.float32)
    first, second = w.copy(), w.copy()
    one = make(first, lr=0.02)
    for g in gradients[:20]:
        one.step(g)
    second[...] = first
    two = make(second, lr=0.5)
    two.load_state_dict(one.state_dict())
    for g in gradients[20:]:
        one.step(g)
        two.step(g)
    np.testing.assert_array_equal(first, second)


def test_adafactor_does_not_depend_on_threads(many_threads):
    w, gradients = problem((300, 257), steps=5, dtype=np.float32)
    results = []
    for threads in (1, 2):
        own = w.copy()
        optimizer = fo.optimizers.Adafactor(own, n_threads=threads)
        for g in gradients:
            optimizer.step(g)
        results.append(own)
    np.testing.assert_array_equal(*results)


def test_adafactor_keeps_vectors_for_a_matrix():
    state = fo.optimizers.Adafactor(np.ones((50, 70))).state_dict()["state"][0]
    assert {name: array.shape for name, array in state.items()} == {"v": (50,), "v_columns": (70,)}


def test_refusals():
    with pytest.raises(InvalidParameterError, match="eps must be two numbers"):
        fo.optimizers.Adafactor(np.ones(3), eps=1e-3)
    with pytest.raises(InvalidParameterError, match="must be a matrix for Muon"):
        fo.optimizers.Muon(np.ones(3))
    with pytest.raises(InvalidParameterError, match="l1"):
        fo.optimizers.Muon(np.ones((3, 3)), l1=0.1)
