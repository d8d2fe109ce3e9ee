"""Epochs of small neural networks, relu and Adam, float32, one thread: the engine against jax (an epoch as one scan), a loop in PyTorch
with its fused Adam, and scikit-learn's MLP; and the engine on two threads.

    XLA_FLAGS="--xla_cpu_multi_thread_eigen=false" pytest bench/bench_networks.py --benchmark-json=networks.json
    python bench/report.py networks.json

Peers are optional.  All take turns, round by round, by the processor's time, one thread each (two threads: by the clock on the wall), on some
batches of fixed data; all see the same order.  Targets are made up: what is timed does not depend on them.
"""
from __future__ import annotations

import functools
import time
import warnings

import numpy as np
import pytest
from turns import in_turn

from fastopt import losses, optimizers
from fastopt.neural_network._engine import Network

#: units of the layers, rows of an epoch, of a batch, batches that are timed
CASES = {
    "20-32-16-1, batch 32": ((20, 32, 16, 1), 20_000, 32, 625),
    "20-32-16-1, batch 200": ((20, 32, 16, 1), 20_000, 200, 100),
    "8-64-64-64-1, batch 64": ((8, 64, 64, 64, 1), 32_000, 64, 500),
    "8-64-64-64-1, batch 256": ((8, 64, 64, 64, 1), 32_000, 256, 125),
    "784-100-10, batch 200": ((784, 100, 10), 60_000, 200, 40),
    "784-256-128-10, batch 256": ((784, 256, 128, 10), 60_000, 256, 30),
    "784-512-512-10, batch 128": ((784, 512, 512, 10), 60_000, 128, 20),
}
RATE = 1e-3


def problem(case):
    """X, y, the order of the rows that are timed."""
    sizes, n, batch, batches = CASES[case]
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, sizes[0])).astype(np.float32)
    if sizes[0] == 784:   # half of the pixels of an image are black
        X = np.maximum(X, 0)
    y = (X[:, 0] > 0.2).astype(np.float32) if sizes[-1] == 1 else rng.integers(0, sizes[-1], n).astype(np.int32)
    return X, y, rng.permutation(n)[:batch * batches].astype(np.int32)


def weights(sizes):
    rng = np.random.default_rng(1)
    return ([(rng.uniform(-1, 1, (a, b)) * np.sqrt(6 / (a + b))).astype(np.float32) for a, b in zip(sizes, sizes[1:])],
            [np.zeros(b, np.float32) for b in sizes[1:]])


def of_fastopt(case, n_threads):
    sizes, _, batch, _ = CASES[case]
    X, y, order = problem(case)
    loss = losses.LogLoss() if sizes[-1] == 1 else losses.Multinomial()
    net = Network(sizes, ["relu"] * (len(sizes) - 2) + ["identity"], loss, np.float32, l2=1e-4, n_threads=n_threads)
    net.set_weights(*weights(sizes))
    net.start(optimizers.Adam(np.zeros(1), lr=RATE))
    return lambda: net.epoch(X, y, None, order, batch)


def of_jax(case):
    jax = pytest.importorskip("jax")
    jnp, flatten = jax.numpy, pytest.importorskip("jax.flatten_util")
    sizes, _, batch, batches = CASES[case]
    X, y, order = map(jnp.asarray, problem(case))
    w, unravel = flatten.ravel_pytree(list(zip(*weights(sizes))))

    def loss(w, X, y):
        *hidden, last = unravel(w)
        for W, b in hidden:
            X = jax.nn.relu(X @ W + b)
        out = X @ last[0] + last[1]
        if sizes[-1] == 1:
            return jnp.mean(jax.nn.softplus(out[:, 0]) - y * out[:, 0])
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(out), y[:, None], 1))

    def step(carry, rows):
        w, m, v, t = carry
        value, g = jax.value_and_grad(loss)(w, X[rows], y[rows])
        m, v, t = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g, t + 1
        w = w - RATE * (m / (1 - 0.9 ** t)) / (jnp.sqrt(v / (1 - 0.999 ** t)) + 1e-8)
        return (w, m, v, t), value

    epoch = jax.jit(lambda carry, rows: jax.lax.scan(step, carry, rows))
    state = [(w, jnp.zeros_like(w), jnp.zeros_like(w), jnp.float32(0))]
    rows = order.reshape(batches, batch)

    def run():
        state[0], _ = jax.block_until_ready(epoch(state[0], rows))
    return run


def of_torch(case):
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    sizes, _, batch, batches = CASES[case]
    X, y, order = map(torch.as_tensor, problem(case))
    layers = [torch.nn.Linear(a, b) for a, b in zip(sizes, sizes[1:])]
    model = torch.nn.Sequential(*(part for layer in layers[:-1] for part in (layer, torch.nn.ReLU())), layers[-1])
    loss = torch.nn.BCEWithLogitsLoss() if sizes[-1] == 1 else torch.nn.CrossEntropyLoss()
    y = y[:, None] if sizes[-1] == 1 else y.long()
    adam = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)

    def run():
        for rows in order.reshape(batches, batch).long():
            adam.zero_grad()
            loss(model(X[rows]), y[rows]).backward()
            adam.step()
    return run


def of_sklearn(case):
    networks = pytest.importorskip("sklearn.neural_network")
    sizes, _, batch, _ = CASES[case]
    X, y, order = problem(case)
    X, y = X[order], y[order]
    model = networks.MLPClassifier(sizes[1:-1], batch_size=batch, random_state=0)
    return lambda: model.partial_fit(X, y, np.unique(y))


PEERS = {"jax": of_jax, "torch": of_torch, "scikit-learn": of_sklearn}


@functools.cache
def seconds(case):
    """Seconds of the batches that are timed, by whose they are."""
    calls = {"fastopt": of_fastopt(case, 1)}
    for name, make in PEERS.items():
        try:
            calls[name] = make(case)
        except pytest.skip.Exception:
            continue
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return in_turn(calls, rounds=11, clock=time.process_time)


@functools.cache
def seconds_of_threads(case):
    return in_turn({f"{n}": of_fastopt(case, n) for n in (1, 2)}, rounds=15)


@pytest.mark.parametrize("case", CASES)
def test_epoch(benchmark, case):
    sizes, n, batch, batches = CASES[case]
    found, scale = seconds(case), n / (batch * batches)
    benchmark.group = f"network epoch: {case}"
    work = batch * batches * (6 * sum(a * b for a, b in zip(sizes, sizes[1:])) - 2 * sizes[0] * sizes[1])
    benchmark.extra_info.update(
        case=case, gflops=work / found["fastopt"] / 1e9, **{f"{name} ms": 1e3 * scale * found[name] for name in found},
        **{f"{name} / fastopt": found[name] / found["fastopt"] for name in found if name != "fastopt"})
    benchmark.pedantic(of_fastopt(case, 1), rounds=1, warmup_rounds=0)


@pytest.mark.parametrize("case", CASES)
def test_two_threads(benchmark, case):
    found = seconds_of_threads(case)
    benchmark.group = f"network epoch on two threads: {case}"
    benchmark.extra_info.update(case=case, speedup=found["1"] / found["2"])
    benchmark.pedantic(of_fastopt(case, 2), rounds=1, warmup_rounds=0)
