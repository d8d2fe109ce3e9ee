"""What moments in fewer bits cost in accuracy: a network of one hidden layer, trained with each, to the same number of steps.

    pytest bench/bench_moments.py --benchmark-json=moments.json && python bench/report.py moments.json

`extra_info` holds the mean training loss of the last epoch and its ratio to that of float32 moments, over three seeds.
"""
from __future__ import annotations

import functools

import data
import numpy as np
import pytest

import fastopt as fo

HIDDEN, BATCH, EPOCHS = 64, 128, 3
MOMENTS = (None, "bfloat16", "8bit")


def _network(d, k, rng):
    """Weights and biases of two layers: He's normal initialisation."""
    return [(rng.standard_normal((d, HIDDEN)) * np.sqrt(2 / d)).astype(np.float32), np.zeros(HIDDEN, np.float32),
            (rng.standard_normal((HIDDEN, k)) * np.sqrt(2 / HIDDEN)).astype(np.float32), np.zeros(k, np.float32)]


def _loss_and_gradients(params, X, y):
    """Mean cross-entropy of a batch and its gradients."""
    W1, b1, W2, b2 = params
    hidden = np.maximum(X @ W1 + b1, 0)
    scores = hidden @ W2 + b2
    scores -= scores.max(axis=1, keepdims=True)
    p = np.exp(scores)
    p /= p.sum(axis=1, keepdims=True)
    rows = np.arange(len(y))
    loss = -np.log(np.maximum(p[rows, y], 1e-30)).mean()
    p[rows, y] -= 1
    p /= len(y)
    back = (p @ W2.T) * (hidden > 0)
    return float(loss), [X.T @ back, back.sum(axis=0), hidden.T @ p, p.sum(axis=0)]


@functools.cache
def final_loss(name, moments, seed):
    """Mean loss over the last epoch."""
    X, y = data.case("10 classes, float32, 20,000 × 784")
    y = np.unique(y, return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    params = _network(X.shape[1], int(y.max()) + 1, rng)
    optimizer = fo.optimizers.get(name)(params, lr=1e-4 if name == "lion" else 1e-3, moments=moments)
    for _ in range(EPOCHS):
        order, losses = rng.permutation(len(X)), []
        for start in range(0, len(X), BATCH):
            rows = order[start:start + BATCH]
            loss, grads = _loss_and_gradients(params, X[rows], y[rows])
            optimizer.step(grads)
            losses.append(loss)
    return float(np.mean(losses))


@pytest.mark.parametrize("moments", MOMENTS)
@pytest.mark.parametrize("name", ["adam", "adamw", "lion"])
def test_accuracy(benchmark, name, moments):
    seeds = range(3)
    ratios = [final_loss(name, moments, seed) / final_loss(name, None, seed) for seed in seeds]
    benchmark.group = f"moments: {name}"
    benchmark.extra_info.update(case=f"{name}, moments={moments!r}", final_loss=np.mean([final_loss(name, moments, s) for s in seeds]),
                                loss_ratio=float(np.mean(ratios)))
    benchmark.pedantic(final_loss.__wrapped__, args=(name, moments, 0), rounds=1)
