"""Losses of all classes of a row with their gradients, one thread: fastopt, NumPy as one would write it, and PyTorch where it is installed.

    pytest bench/bench_row_losses.py --benchmark-json=rows.json && python bench/report.py rows.json
"""
from __future__ import annotations

import importlib.util

import numpy as np
import pytest

import fastopt as fo

SIZE = 1_000_000   # n·k
TORCH = importlib.util.find_spec("torch") is not None


def _share(y, p):
    e = np.exp(p - p.max(axis=1, keepdims=True))
    share = e / e.sum(axis=1, keepdims=True)
    rows = np.arange(len(p))
    own, slope = share[rows, y], share.copy()
    slope[rows, y] -= 1
    return own, slope / len(p)


def _multinomial(y, p):
    own, slope = _share(y, p)
    return -np.log(own).mean(), slope


def _softmax_focal(y, p):
    own, slope = _share(y, p)
    loss = -np.log(own)
    return ((1 - own) ** 2 * loss).mean(), ((1 - own) ** 2 + 2 * (1 - own) * own * loss)[:, None] * slope


def _softmax_poly(y, p):
    own, slope = _share(y, p)
    return (1 - own - np.log(own)).mean(), (1 + own)[:, None] * slope


def _sparsemax(y, p):
    rows, z = np.arange(len(p)), -np.sort(-p, axis=1)
    sums, count = np.cumsum(z, axis=1), np.arange(1, p.shape[1] + 1)
    size = (1 + count * z > sums).sum(axis=1)
    tau = (sums[rows, size - 1] - 1) / size
    share = np.maximum(p - tau[:, None], 0)
    value = 0.5 + ((p**2 - tau[:, None] ** 2) * (share > 0)).sum(axis=1) / 2 - p[rows, y]
    share[rows, y] -= 1
    return value.mean(), share / len(p)


def _weston_watkins(y, p):
    rows = np.arange(len(p))
    excess = 1 + p - p[rows, y][:, None]
    excess[rows, y] = 0
    slope = (excess > 0).astype(p.dtype)
    slope[rows, y] = -slope.sum(axis=1)
    return np.maximum(excess, 0).sum(axis=1).mean(), slope / len(p)


NUMPY = {"multinomial": _multinomial, "softmax_focal": _softmax_focal, "softmax_poly": _softmax_poly, "sparsemax": _sparsemax,
         "weston_watkins": _weston_watkins}


def _torch(loss, y, p):
    import torch
    torch.set_num_threads(1)
    label, q = torch.from_numpy(y), torch.from_numpy(p).requires_grad_()

    def cross_entropy():
        return torch.nn.functional.cross_entropy(q, label, reduction="none")
    value = {"multinomial": lambda: cross_entropy().mean(),
             "softmax_focal": lambda: ((1 - torch.exp(-cross_entropy())) ** 2 * cross_entropy()).mean(),
             "softmax_poly": lambda: (cross_entropy() + 1 - torch.exp(-cross_entropy())).mean(),
             "weston_watkins": lambda: p.shape[1] * torch.nn.functional.multi_margin_loss(q, label)}[loss]

    def call():
        q.grad = None
        found = value()
        found.backward()
        return found.item(), q.grad
    return call


@pytest.fixture(autouse=True)
def one_thread():
    before = fo.get_num_threads()
    fo.set_num_threads(1)
    yield
    fo.set_num_threads(before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [3, 10, 1000])
@pytest.mark.parametrize("loss, library", [(loss, library) for loss in NUMPY for library in
                                           ("fastopt", "numpy", *(["torch"] if TORCH and loss != "sparsemax" else []))])
def test_value_and_gradient(benchmark, loss, k, dtype, library):
    rng, n = np.random.default_rng(0), SIZE // k
    y, p = rng.integers(0, k, n), rng.normal(0, 2, (n, k)).astype(dtype)
    bound, out = fo.losses.get(loss), np.empty_like(p)
    call = {"fastopt": lambda: bound.value_and_gradient(y, p, out=out), "numpy": lambda: NUMPY[loss](y, p)}.get(library)
    call = call or _torch(loss, y, p)
    assert call()[0] == pytest.approx(NUMPY[loss](y, p.astype(np.float64))[0], rel=1e-3)
    case = f"{loss}, {k} classes, {np.dtype(dtype).name}"
    benchmark.group = f"loss and gradient: {case}"
    benchmark.extra_info.update(library=library, case=case)
    benchmark.pedantic(call, rounds=5, warmup_rounds=1)
    benchmark.extra_info.update(seconds=benchmark.stats.stats.min)
