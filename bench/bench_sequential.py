"""Fits of Sequential by the processor's time, one thread each: a course's first model (one Dense(1), mse, Adam, 100 rows, 1,000 epochs), and
20-32-16-1 on 20,000 rows, an epoch; beside the engine's own call, and a loop in PyTorch with its fused Adam.

    pytest bench/bench_sequential.py --benchmark-json=sequential.json && python bench/report.py sequential.json

PyTorch is optional; its first model goes through 20 epochs, of which the time of 1,000 is told.
"""
from __future__ import annotations

import contextlib
import time

import numpy as np
import pytest
from turns import in_turn

from fastopt import losses, optimizers
from fastopt.neural_network import Dense, Sequential
from fastopt.neural_network._engine import Network

#: hidden layers, columns, rows, epochs, those of PyTorch
CASES = {"first model, 1,000 epochs": ((), 1, 100, 1000, 20), "20-32-16-1, an epoch": ((32, 16), 20, 20_000, 1, 1)}
BATCH = 32


def problem(columns, n):
    X = np.random.default_rng(0).normal(size=(n, columns)).astype(np.float32)
    return X, (3 * X[:, 0] + 2).astype(np.float32)


def of_fastopt(hidden, columns, n, epochs):
    X, y = problem(columns, n)
    model = Sequential([*(Dense(units, "relu") for units in hidden), Dense(1)], random_state=0, n_threads=1)
    model.compile("adam", "mse")
    return lambda: model.fit(X, y, batch_size=BATCH, epochs=epochs)


def of_engine(hidden, columns, n, epochs):
    X, y = problem(columns, n)
    network = Network((columns, *hidden, 1), [*["relu"] * len(hidden), "identity"], losses.MeanSquaredError(), np.float32, n_threads=1)
    network.start(optimizers.Adam(np.zeros(1, np.float32)))
    order = np.arange(n)

    def run():
        for _ in range(epochs):
            network.epoch(X, y, None, order, BATCH)
    return run


def of_torch(hidden, columns, n, epochs):
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    X, y = map(torch.as_tensor, problem(columns, n))
    sizes = (columns, *hidden, 1)
    layers = [torch.nn.Linear(a, b) for a, b in zip(sizes, sizes[1:])]
    model = torch.nn.Sequential(*(part for layer in layers[:-1] for part in (layer, torch.nn.ReLU())), layers[-1])
    adam, loss = torch.optim.Adam(model.parameters(), fused=True), torch.nn.MSELoss()

    def run():
        for _ in range(epochs):
            for rows in torch.randperm(n).split(BATCH):
                adam.zero_grad()
                loss(model(X[rows])[:, 0], y[rows]).backward()
                adam.step()
    return run


@pytest.mark.parametrize("case", CASES)
def test_fit(benchmark, case):
    hidden, columns, n, epochs, of_peer = CASES[case]
    calls = {"fastopt": of_fastopt(hidden, columns, n, epochs), "engine": of_engine(hidden, columns, n, epochs)}
    with contextlib.suppress(pytest.skip.Exception):
        calls["torch"] = of_torch(hidden, columns, n, of_peer)
    found = in_turn(calls, rounds=5, clock=time.process_time)
    if "torch" in found:
        found["torch"] *= epochs / of_peer
    benchmark.group = f"Sequential: {case}"
    benchmark.extra_info.update(case=case, **{f"{name} ms": 1e3 * seconds for name, seconds in found.items()},
                                **{f"{name} / fastopt": found[name] / found["fastopt"] for name in found if name != "fastopt"})
    benchmark.pedantic(calls["fastopt"], rounds=1, warmup_rounds=0)
