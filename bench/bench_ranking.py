"""LambdaRank, gradients of 1,000 queries of 100 documents: fastopt, LightGBM where it is installed, and all pairs of a query at once in PyTorch
where that is, in turn; and the concordance of subjects, beside lifelines' where it is installed.

    pytest bench/bench_ranking.py --benchmark-json=ranking.json && python bench/report.py ranking.json

LightGBM computes its lambdas inside of an iteration: here one with a tree of a single split on a single feature of two values.  "lightgbm, a tree
alone" is the same iteration with gradients that are given, to be taken off.  FASTOPT_BENCH_THREADS says how many threads each may use (default: 2).
"""
from __future__ import annotations

import os

import numpy as np
import pytest
from turns import in_turn

import fastopt as fo

try:
    import lightgbm
except ImportError:
    lightgbm = None
try:
    from lifelines.utils import concordance_index
except ImportError:
    concordance_index = None
try:
    import torch
except ImportError:
    torch = None

THREADS = int(os.environ.get("FASTOPT_BENCH_THREADS", "2"))
QUERIES, DOCUMENTS, TRUNCATION = 1000, 100, 30


@pytest.fixture(autouse=True)
def some_threads():
    before = fo.get_num_threads()
    fo.set_num_threads(THREADS)
    yield
    fo.set_num_threads(before)


def in_lightgbm(y, p):
    """Calls of an iteration: with lambdas, and with gradients that are given."""
    quiet = {"verbose": -1, "num_threads": THREADS, "num_leaves": 2, "learning_rate": 1e-6}
    given = np.random.default_rng(1).normal(size=len(y)).astype(np.float32), np.ones(len(y), np.float32)

    def booster(objective):
        feature = (np.arange(len(y)) % 2).astype(np.float64)[:, None]
        data = lightgbm.Dataset(feature, y, group=np.full(QUERIES, DOCUMENTS), init_score=p, params=quiet, free_raw_data=False)
        return lightgbm.Booster({**quiet, "objective": objective, "lambdarank_truncation_level": TRUNCATION}, data)

    ranks, plain = booster("lambdarank"), booster("none")
    return {"lightgbm, with a tree": ranks.update, "lightgbm, a tree alone": lambda: plain.update(fobj=lambda scores, data: given)}


def in_torch(y, p):
    """The lambdas of all pairs at once, not normalised."""
    relevance, scores = (torch.from_numpy(a).reshape(QUERIES, DOCUMENTS) for a in (y, p))
    discount = 1 / torch.log2(torch.arange(DOCUMENTS, dtype=scores.dtype) + 2)

    def call():
        gain = 2.0 ** relevance - 1
        best = (gain.sort(dim=1, descending=True)[0] * discount)[:, :TRUNCATION].sum(dim=1)
        order = scores.argsort(dim=1, descending=True, stable=True)
        s, g = scores.gather(1, order), gain.gather(1, order)
        better = (g[:, :TRUNCATION, None] - g[:, None, :]).triu(1)
        change = better.abs() * (discount[:TRUNCATION, None] - discount).abs() / best[:, None, None]
        sign = better.sign()
        slope = -sign * change * torch.sigmoid(-sign * (s[:, :TRUNCATION, None] - s[:, None, :]))
        lambdas = -slope.sum(dim=1)
        lambdas[:, :TRUNCATION] += slope.sum(dim=2)
        return torch.empty_like(scores).scatter_(1, order, lambdas)
    return call


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lambdarank(benchmark, dtype):
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 5, QUERIES * DOCUMENTS).astype(dtype), rng.normal(size=QUERIES * DOCUMENTS).astype(dtype)
    group = np.full(QUERIES, DOCUMENTS)
    loss, scaled = (fo.losses.LambdaRank(k=TRUNCATION, normalize=normalize, reduction="sum") for normalize in (False, True))
    calls = {"fastopt": lambda: scaled.gradient(y, p, group), "fastopt, value too": lambda: scaled.value_and_gradient(y, p, group),
             "fastopt, not normalised": lambda: loss.gradient(y, p, group), "fastopt, ndcg": lambda: fo.losses.ndcg(y, p, group)}
    if lightgbm is not None:
        calls.update(in_lightgbm(y, p))
    if torch is not None:
        torch.set_num_threads(THREADS)
        calls["torch, not normalised"] = in_torch(y, p)
        np.testing.assert_allclose(calls["torch, not normalised"]().numpy().ravel(), loss.gradient(y, p, group), atol=1e-5)
    seconds = in_turn(calls, rounds=5)
    case = f"{QUERIES} queries of {DOCUMENTS} documents, truncation {TRUNCATION}, {np.dtype(dtype).name}"
    benchmark.group = f"LambdaRank: {case}"
    benchmark.extra_info.update(case=case, step_group=f"LambdaRank, gradients, {THREADS} threads", bytes=0, steps=seconds)
    benchmark.pedantic(calls["fastopt"], rounds=5, warmup_rounds=1)


@pytest.mark.parametrize("n", [1_000, 10_000, 100_000, 1_000_000])
def test_concordance(benchmark, n):
    rng = np.random.default_rng(0)
    time, event, p = rng.exponential(size=n), rng.integers(0, 2, n), rng.normal(size=n)
    calls = {"fastopt": lambda: fo.losses.concordance((time, event), p)}
    if concordance_index is not None and n <= 100_000:   # seconds of Python
        calls["lifelines"] = lambda: concordance_index(time, -p, event)
        assert abs(calls["lifelines"]() - calls["fastopt"]()) < 1e-12
    benchmark.group = f"concordance of {n:,} subjects"
    benchmark.extra_info.update(case=f"{n:,} subjects", step_group="concordance", bytes=0, steps=in_turn(calls, rounds=5))
    benchmark.pedantic(calls["fastopt"], rounds=3, warmup_rounds=1)
