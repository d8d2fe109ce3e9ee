"""Long runs of the engine of networks: Ctrl-C, threads, numbers that fade away, Muon beside AdamW."""
import os
import signal
import threading
import time

import numpy as np
import pytest

from denormals import denormals_count
from fastopt import losses, optimizers
from fastopt.neural_network._engine import Network


def network(sizes, dtype=np.float32, optimizer=None, n=500, l2=0.01, **options):
    rng = np.random.default_rng(0)
    loss = losses.LogLoss() if sizes[-1] == 1 else losses.Multinomial()
    net = Network(sizes, ["relu"] * (len(sizes) - 2) + ["identity"], loss, dtype, l2=l2, **options)
    net.set_weights([rng.normal(size=shape) / np.sqrt(shape[0]) for shape in zip(sizes, sizes[1:])], [rng.normal(size=k) / 3 for k in sizes[1:]])
    net.start(optimizer or optimizers.Adam(np.zeros(1), lr=1e-3))
    return net, rng.normal(size=(n, sizes[0])).astype(dtype), rng.integers(0, max(sizes[-1], 2), n).astype(np.int32)


def numbers(net):
    return [*net.get_weights()[0], *net.get_weights()[1], *(a for state in net.optimizer.states for a in state)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_moments_that_fade_away_become_0(dtype):
    """Inputs that are 0 from some batch on: their moments are no numbers that take a processor a hundred times as long."""
    net, X, y = network((6, 8, 3), dtype, optimizers.Adam(np.zeros(1), lr=1e-3, betas=(0.5, 0.6)), l2=0.0)
    net.epoch(X, y, None, np.arange(500), 10)
    X[:, 2:] = 0
    for _ in range(60):
        net.epoch(X, y, None, np.arange(500), 10)
        assert denormals_count()
    for a in numbers(net):
        assert not ((a != 0) & (np.abs(a) < np.finfo(dtype).tiny)).any()


def test_ctrl_c_puts_the_last_whole_epoch_back():
    net, X, y = network((50, 200, 200, 5), n=100_000)
    net.epoch(X, y, None, np.arange(1000), 50)
    before, t = numbers(net), net.optimizer.t
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        for _ in range(100):
            net.epoch(X, y, None, np.tile(np.arange(100_000), 10), 50)
    assert time.monotonic() - start < 30 and net.optimizer.t == t
    for a, b in zip(before, numbers(net)):
        np.testing.assert_array_equal(a, b)
    net.epoch(X, y, None, np.arange(1000), 50)
    other, X, y = network((50, 200, 200, 5), n=100_000)
    other.epoch(X, y, None, np.arange(1000), 50)
    other.epoch(X, y, None, np.arange(1000), 50)
    for a, b in zip(numbers(other), numbers(net)):
        np.testing.assert_array_equal(a, b)


def test_muon_steps_matrices_and_adamw_the_biases():
    net, X, y = network((6, 20, 3), np.float64, optimizers.Muon([np.zeros((1, 1))], lr=0.01, weight_decay=0.0), n=20)
    other, _, _ = network((6, 20, 3), np.float64)
    _, coef_grads, intercept_grads = other.value_and_gradient(X, y)
    coefs, intercepts = other.get_weights()
    for w, g in zip(coefs, coef_grads):   # as PyTorch has weights
        turned = np.ascontiguousarray(w.T)
        optimizers.Muon([turned], lr=0.01, weight_decay=0.0).step([np.ascontiguousarray(g.T)])
        w[...] = turned.T
    optimizers.AdamW(intercepts, lr=0.01, weight_decay=0.0).step(intercept_grads)
    net.epoch(X, y, None, np.arange(20), 20)
    for a, b in zip(coefs + intercepts, [*net.get_weights()[0], *net.get_weights()[1]]):
        np.testing.assert_allclose(b, a, rtol=1e-10)


@pytest.mark.parametrize("name", ["adam", "lamb"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes, batch", [((20, 32, 16, 1), 32), ((100, 150, 10), 300), ((300, 130, 33, 5), 101), ((400, 200, 1), 130)], ids=str)
def test_threads_do_not_change_a_bit(sizes, batch, dtype, name):
    found = []
    for n_threads in (1, 2, 3):
        net, X, y = network(sizes, dtype, optimizers.get(name)(np.zeros(1), lr=1e-3), n_threads=n_threads)
        told = [net.epoch(X, y, np.linspace(0, 2, 500), np.random.default_rng(i).permutation(500), batch) for i in range(3)]
        found.append([np.array(told), *numbers(net), net.forward(X)])
    for other in found[1:]:
        for a, b in zip(found[0], other):
            np.testing.assert_array_equal(a, b)


def moved_by(seed, t=0):
    """One row through 2,000 units, of which 0.4 are left out: which of them have a gradient in the output's weights, which in their own;
    and which of them are above 0."""
    net, X, y = network((7, 2000, 3), np.float64, optimizers.SGD(np.zeros(1), lr=1.0), l2=0.0, dropout=(0.0, 0.4), seed=seed, n=1)
    for _ in range(t):
        net.learning_rate = 0.0
        net.epoch(X, y, None, np.arange(1), 1)
    net.learning_rate = 1.0
    (first, last), (bias, _) = net.get_weights()
    net.epoch(X, y, None, np.arange(1), 1)
    coefs = net.get_weights()[0]
    return (coefs[1] != last).any(1), (coefs[0] != first).any(0), (X @ first + bias > 0)[0]


def test_dropout_leaves_out_units_by_seed_and_step():
    out, own, active = moved_by(3)
    assert 0.55 < out[active].mean() < 0.65 and not out[~active].any()
    np.testing.assert_array_equal(out, own)   # backward goes where forward went
    np.testing.assert_array_equal(moved_by(3)[0], out)
    for other in (moved_by(4), moved_by(3, t=1), moved_by(3, t=2)):
        assert 0.3 < (other[0][active] != out[active]).mean() < 0.65   # 0.48 of independent choices


def test_dropout_keeps_the_mean_of_predictions_and_is_none_outside_of_epochs():
    net, X, y = network((30, 64, 3), np.float64, optimizers.SGD(np.zeros(1), lr=0.0), l2=0.0, dropout=(0.2, 0.3))
    plain, _, _ = network((30, 64, 3), np.float64, l2=0.0)
    wanted = plain.value_and_gradient(X, y)
    net.epoch(X, y, None, np.arange(500), 50)
    assert net.last_loss / 500 > wanted[0] * 1.01
    found = net.value_and_gradient(X, y)
    assert found[0] == wanted[0]
    np.testing.assert_array_equal(net.forward(X), plain.forward(X))
    np.testing.assert_array_equal(found[1][0], wanted[1][0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dropout_does_not_depend_on_threads_and_goes_on_to_the_bit(dtype):
    found = []
    for n_threads, parts in ((1, 1), (2, 1), (3, 1), (1, 2)):
        net, X, y = network((300, 130, 33, 5), dtype, optimizers.Adam(np.zeros(1), lr=1e-3), n_threads=n_threads, dropout=(0.1, 0.5, 0.2), seed=7)
        for i in range(4):
            if i == 2 and parts == 2:
                state, weights = net.get_state(), net.get_weights()
                net, _, _ = network((300, 130, 33, 5), dtype, optimizers.Adam(np.zeros(1), lr=1e-3), dropout=(0.1, 0.5, 0.2), seed=7)
                net.set_weights(*weights)
                net.set_state(state)
            net.epoch(X, y, None, np.random.default_rng(i).permutation(500), 101)
        found.append(numbers(net))
    for other in found[1:]:
        for a, b in zip(found[0], other):
            np.testing.assert_array_equal(a, b)


def test_strengths_of_each_layer():
    l2 = (0.5, 0.0, 2.0)
    net, X, y = network((6, 9, 4, 3), np.float64, l2=l2)
    plain, _, _ = network((6, 9, 4, 3), np.float64, l2=0.0)
    value, coef_grads, _ = net.value_and_gradient(X, y)
    wanted, plain_grads, _ = plain.value_and_gradient(X, y)
    coefs = net.get_weights()[0]
    np.testing.assert_allclose(value, wanted + sum(a / 2 * (w ** 2).sum() for a, w in zip(l2, coefs)) / len(X))
    for g, p, a, w in zip(coef_grads, plain_grads, l2, coefs):
        np.testing.assert_allclose(g, p + a * w / len(X))


@pytest.mark.parametrize("name, averages", [("schedule_free_sgd", True), ("asgd", True), ("adam", False), ("lamb", False), ("adafactor", False)])
def test_solutions_are_what_the_optimizer_recommends(name, averages):
    net, X, y = network((6, 9, 3), np.float64, optimizers.get(name)(np.zeros(1), **({"t0": 1} if name == "asgd" else {})))
    net.epoch(X, y, None, np.arange(500), 50)
    for a, b in zip(sum(net.get_solution(), []), sum(net.get_weights(), [])):
        assert np.array_equal(a, b) != averages and a.shape == b.shape
