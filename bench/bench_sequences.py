"""Connectionist temporal classification, value and gradient: fastopt, the forward-backward recursion in NumPy, vectorised over samples and
states, and PyTorch where it is installed, in turn.

    pytest bench/bench_sequences.py --benchmark-json=sequences.json && python bench/report.py sequences.json

FASTOPT_BENCH_THREADS says how many threads each may use (default: 2).
"""
from __future__ import annotations

import os

import numpy as np
import pytest
from turns import in_turn

import fastopt as fo

try:
    import torch
except ImportError:
    torch = None

THREADS = int(os.environ.get("FASTOPT_BENCH_THREADS", "2"))
#: frames, samples, classes, labels
CASES = [(200, 32, 40, 30), (1000, 8, 40, 100), (50, 128, 100, 10)]


@pytest.fixture(autouse=True)
def some_threads():
    before = fo.get_num_threads()
    fo.set_num_threads(THREADS)
    yield
    fo.set_num_threads(before)


def log_add(*terms):
    top = np.maximum.reduce(terms)
    return top + np.log(sum(np.exp(term - top) for term in terms))


def states_of(y, dtype):
    """The extended targets (N, 2S + 1), blanks 0, and 0 where a state may follow the one before the last, else far below."""
    extended = np.zeros((len(y), 2 * y.shape[1] + 1), np.int64)
    extended[:, 1::2] = y
    skip = np.full(extended.shape, -1e30, dtype)
    skip[:, 2:][(extended[:, 2:] != 0) & (extended[:, 2:] != extended[:, :-2])] = 0
    return extended, skip


def forward(emitted, skip):
    """log alpha (T, N, 2S + 1)."""
    alpha = np.full(emitted.shape, -1e30, emitted.dtype)
    alpha[0, :, :2] = emitted[0, :, :2]
    for t in range(1, len(emitted)):
        one, two = np.full((2, *skip.shape), -1e30, emitted.dtype)
        one[:, 1:], two[:, 2:] = alpha[t - 1, :, :-1], alpha[t - 1, :, :-2]
        alpha[t] = log_add(alpha[t - 1], one, two + skip) + emitted[t]
    return alpha


def in_numpy(y, p):
    """The sum of the losses and its gradient."""
    p = p - p.max(axis=2, keepdims=True)
    log_share = p - np.log(np.exp(p).sum(axis=2, keepdims=True))
    extended, skip = states_of(y, p.dtype)
    emitted = log_share[:, np.arange(len(y))[:, None], extended]
    alpha = forward(emitted, skip)
    beta = forward(emitted[::-1, :, ::-1], states_of(y[:, ::-1], p.dtype)[1])[::-1, :, ::-1]
    total = log_add(alpha[-1, :, -1], alpha[-1, :, -2])
    post = np.exp(alpha + beta - emitted - total[:, None])
    one_hot = (extended[:, :, None] == np.arange(p.shape[2])).astype(p.dtype)
    return -total.sum(), np.exp(log_share) - (post.transpose(1, 0, 2) @ one_hot).transpose(1, 0, 2)


def in_torch(y, p):
    scores, labels = torch.from_numpy(p).requires_grad_(), torch.from_numpy(y)
    frames, lengths = torch.full((len(y),), len(p)), torch.full((len(y),), y.shape[1])

    def call():
        scores.grad = None
        torch.nn.functional.ctc_loss(scores.log_softmax(2), labels, frames, lengths, reduction="sum").backward()
    return call


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("frames, samples, classes, length", CASES)
def test_value_and_gradient(benchmark, frames, samples, classes, length, dtype):
    rng = np.random.default_rng(0)
    y, p = rng.integers(1, classes, (samples, length)), rng.standard_normal((frames, samples, classes)).astype(dtype)
    loss, out = fo.losses.CTC(reduction="sum"), np.empty_like(p)
    value, gradient = in_numpy(y, p.astype(np.float64))
    assert loss.value(y, p) == pytest.approx(value, rel=1e-5) and np.abs(loss.gradient(y, p) - gradient).max() < 1e-4
    calls = {"fastopt": lambda: loss.value_and_gradient(y, p, out=out), "numpy": lambda: in_numpy(y, p),
             "fastopt, value": lambda: loss.value(y, p), "fastopt, greedy": lambda: loss.decode(p),
             "fastopt, beam of 10": lambda: loss.decode(p, beam=10)}
    if torch is not None:
        torch.set_num_threads(THREADS)
        calls["torch"] = in_torch(y, p)
    seconds = in_turn(calls, rounds=5)
    case = f"T={frames}, N={samples}, C={classes}, S={length}, {np.dtype(dtype).name}"
    benchmark.group = f"CTC: {case}"
    benchmark.extra_info.update(case=case, step_group=f"CTC, value and gradient, {THREADS} threads", bytes=0, steps=seconds)
    benchmark.pedantic(calls["fastopt"], rounds=5, warmup_rounds=1)
