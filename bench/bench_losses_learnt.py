"""Likelihoods whose scale is learnt, losses of images and cosines, value and gradient: fastopt, the same in NumPy and SciPy, and PyTorch where it
is installed, in turn.

    pytest bench/bench_losses_learnt.py --benchmark-json=learnt.json && python bench/report.py learnt.json

FASTOPT_BENCH_THREADS says how many threads each may use (default: 2).
"""
from __future__ import annotations

import os

import numpy as np
import pytest
import scipy.ndimage
from turns import in_turn

import fastopt as fo
from fastopt import losses

try:
    import torch
except ImportError:
    torch = None

THREADS = int(os.environ.get("FASTOPT_BENCH_THREADS", "2"))
SAMPLES, SIDE, ROWS = 1_000_000, 512, (20_000, 64)


@pytest.fixture(autouse=True)
def some_threads():
    before = fo.get_num_threads()
    fo.set_num_threads(THREADS)
    if torch is not None:
        torch.set_num_threads(THREADS)
    yield
    fo.set_num_threads(before)


def gaussian_in_numpy(y, p, s):
    inverse = np.exp(-s)
    z = (p - y) * inverse
    return (z * z / 2 + s).mean(), z * inverse / len(p), (1 - z * z) / len(p)


def gaussian_in_torch(y, p, s):
    p, s = (torch.tensor(a, requires_grad=True) for a in (p, s))
    torch.nn.functional.gaussian_nll_loss(p, torch.tensor(y), torch.exp(2 * s)).backward()
    return p.grad, s.grad


def cosine_in_numpy(y, p):
    a, b = (np.linalg.norm(x, axis=1, keepdims=True) for x in (y, p))
    cosine = (y * p).sum(axis=1, keepdims=True) / (a * b)
    return -cosine.mean(), -(p / b - cosine * y / a) / a / len(y), -(y / a - cosine * p / b) / b / len(y)


def cosine_in_torch(y, p):
    y, p = (torch.tensor(a, requires_grad=True) for a in (y, p))
    (-torch.nn.functional.cosine_similarity(y, p).mean()).backward()
    return y.grad, p.grad


def similarity_in_scipy(y, p):
    """Its value alone."""
    def mean(x):
        return scipy.ndimage.gaussian_filter(x, 1.5, radius=5)
    m, n = mean(p), mean(y)
    v, u, c = mean(p * p) - m * m, mean(y * y) - n * n, mean(p * y) - m * n
    return 1 - ((2 * m * n + 1e-4) * (2 * c + 9e-4) / ((m * m + n * n + 1e-4) * (v + u + 9e-4)))[5:-5, 5:-5].mean()


def variation_in_numpy(p):
    gradient = np.zeros_like(p)
    right, down = np.sign(np.diff(p, axis=1)), np.sign(np.diff(p, axis=0))
    gradient[:, 1:] += right
    gradient[:, :-1] -= right
    gradient[1:] += down
    gradient[:-1] -= down
    return np.abs(np.diff(p, axis=1)).sum() + np.abs(np.diff(p, axis=0)).sum(), gradient


def sides_of(what, dtype):
    rng = np.random.default_rng(0)
    if what == "gaussian":
        data = [rng.normal(size=SAMPLES).astype(dtype) for _ in range(3)]
        loss, others = losses.GaussianNLL(), {"numpy": gaussian_in_numpy, "torch": gaussian_in_torch}
    elif what == "cosine":
        data = [rng.normal(size=ROWS).astype(dtype) for _ in range(2)]
        loss, others = losses.CosineSimilarity(), {"numpy": cosine_in_numpy, "torch": cosine_in_torch}
    elif what == "similarity":
        data = [rng.random((SIDE, SIDE)).astype(dtype) for _ in range(2)]
        loss, others = losses.SSIM(), {"scipy": similarity_in_scipy}
    else:
        data = [rng.random((SIDE, SIDE)).astype(dtype)]
        loss, others = losses.TotalVariation(eps=0.0), {"numpy": variation_in_numpy}
    sides = {"fastopt": lambda: loss.value_and_gradient(*data)}
    for name, function in others.items():
        if name != "torch" or torch is not None:
            sides[name] = lambda function=function: function(*data)
    return sides


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("what", ["gaussian", "cosine", "similarity", "variation"])
def test_value_and_gradient(benchmark, what, dtype):
    calls = sides_of(what, dtype)
    seconds = in_turn(calls, rounds=5)
    case = f"{what}, {np.dtype(dtype).name}"
    benchmark.group = f"losses: {case}"
    benchmark.extra_info.update(case=case, step_group=f"losses, value and gradient, {THREADS} threads", bytes=0, steps=seconds)
    benchmark.pedantic(calls["fastopt"], rounds=5, warmup_rounds=1)
