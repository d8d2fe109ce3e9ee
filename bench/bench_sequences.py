"""Losses of sequences whose alignment is not known, value and gradient: fastopt, the forward-backward recursion in NumPy, vectorised over samples
and states, and PyTorch and torchaudio where they are installed, in turn.

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
try:
    from torchaudio.functional import rnnt_loss
except ImportError:
    rnnt_loss = None

THREADS = int(os.environ.get("FASTOPT_BENCH_THREADS", "2"))
#: frames, samples, classes, labels
CASES = [(200, 32, 40, 30), (1000, 8, 40, 100), (50, 128, 100, 10)]
#: samples, frames, labels, classes
TRANSDUCERS = [(8, 150, 20, 40), (4, 300, 40, 80), (16, 50, 10, 500)]


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


# ---- the transducer: diagonals of the grid of frames and labels, side by side ----

def on_diagonals(cells):
    """(N, T, U + 1) -> (T + U, N, U + 1): row t + u holds cell (t, u) in column u, far below 0 outside."""
    n, frames, places = cells.shape
    found = np.full((frames + places - 1, n, places), -1e30, cells.dtype)
    for u in range(places):
        found[u:u + frames, :, u] = cells[:, :, u].T
    return found


def off_diagonals(rows, frames):
    return np.stack([rows[u:u + frames, :, u].T for u in range(rows.shape[2])], axis=2)


def shifted(row, by):
    """One place further, or back, far below 0 where nothing comes from."""
    found = np.full_like(row, -1e30)
    if by > 0:
        found[:, 1:] = row[:, :-1]
    else:
        found[:, :-1] = row[:, 1:]
    return found


def transducer_in_numpy(y, p):
    """The sum of the losses and its gradient, blank 0, all of p and y."""
    n, frames, places, _ = p.shape
    p = p - p.max(axis=3, keepdims=True)
    log_share = p - np.log(np.exp(p).sum(axis=3, keepdims=True))
    says = np.full((n, frames, places), -1e30, p.dtype)
    says[:, :, :-1] = log_share[np.arange(n)[:, None, None], np.arange(frames)[:, None], np.arange(places - 1), y[:, None, :]]
    blanks, labels = on_diagonals(log_share[..., 0]), on_diagonals(says)
    alpha, beta = np.full((2, frames + places, n, places), -1e30, p.dtype)
    alpha[0, :, 0], beta[-1, :, -1] = 0, 0
    for d in range(len(blanks)):
        alpha[d + 1] = log_add(alpha[d] + blanks[d], shifted(alpha[d] + labels[d], 1))
    for d in range(len(blanks) - 1, -1, -1):
        beta[d] = log_add(beta[d + 1] + blanks[d], shifted(beta[d + 1], -1) + labels[d])
    total = alpha[-1, :, -1]
    by_blank = off_diagonals(np.exp(alpha[:-1] + blanks + beta[1:] - total[:, None]), frames)
    by_label = off_diagonals(np.exp(alpha[:-1] + labels + np.stack([shifted(row, -1) for row in beta[1:]]) - total[:, None]), frames)
    gradient = np.exp(log_share) * (by_blank + by_label)[..., None]
    gradient[..., 0] -= by_blank
    gradient[np.arange(n)[:, None, None], np.arange(frames)[:, None], np.arange(places - 1), y[:, None, :]] -= by_label[:, :, :-1]
    return -total.sum(), gradient


def in_torchaudio(y, p):
    scores, labels = torch.from_numpy(p).requires_grad_(), torch.from_numpy(y.astype(np.int32))
    frames, lengths = (torch.full((len(y),), size, dtype=torch.int32) for size in (p.shape[1], y.shape[1]))

    def call():
        scores.grad = None
        rnnt_loss(scores, labels, frames, lengths, blank=0, reduction="sum").backward()
    return call


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("samples, frames, length, classes", TRANSDUCERS)
def test_transducer(benchmark, samples, frames, length, classes, dtype):
    rng = np.random.default_rng(0)
    y, p = rng.integers(1, classes, (samples, length)), rng.standard_normal((samples, frames, length + 1, classes)).astype(dtype)
    loss, out = fo.losses.Transducer(reduction="sum"), np.empty_like(p)
    value, gradient = transducer_in_numpy(y, p.astype(np.float64))
    assert loss.value(y, p) == pytest.approx(value, rel=1e-5) and np.abs(loss.gradient(y, p) - gradient).max() < 1e-4
    calls = {"fastopt": lambda: loss.value_and_gradient(y, p, out=out), "numpy": lambda: transducer_in_numpy(y, p),
             "fastopt, value": lambda: loss.value(y, p)}
    if rnnt_loss is not None and dtype == np.float32:
        torch.set_num_threads(THREADS)
        calls["torchaudio"] = in_torchaudio(y, p)
    seconds = in_turn(calls, rounds=5)
    case = f"N={samples}, T={frames}, U={length}, C={classes}, {np.dtype(dtype).name}"
    benchmark.group = f"transducer: {case}"
    benchmark.extra_info.update(case=case, step_group=f"transducer, value and gradient, {THREADS} threads", bytes=0, steps=seconds)
    benchmark.pedantic(calls["fastopt"], rounds=5, warmup_rounds=1)
