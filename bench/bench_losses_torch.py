"""Values and gradients of losses against PyTorch's forward and backward, float32, two threads, in turn; jax compiled where it is installed.

    OMP_WAIT_POLICY=passive pytest bench/bench_losses_torch.py --benchmark-json=torch.json && python bench/report.py torch.json

Threads that wait actively, as PyTorch's do after a call, would take processors from who comes next.
`extra_info` holds the seconds of all.
"""
from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from turns import in_turn

import fastopt as fo
from fastopt import losses

try:
    import jax
    import jax.numpy as jnp
except ImportError:
    jax = None
THREADS = 2
RNG = np.random.default_rng(0)


def backward(loss, *inputs):
    """Forward and backward of a function of tensors."""
    tensors = [torch.from_numpy(x).requires_grad_() for x in inputs]

    def call():
        for tensor in tensors:
            tensor.grad = None
        loss(*tensors).backward()
    return call


def compiled(loss, *inputs):
    """The same of jax, compiled."""
    both = jax.jit(jax.value_and_grad(loss, argnums=tuple(range(len(inputs)))))
    arrays = [jnp.asarray(x) for x in inputs]
    return lambda: jax.block_until_ready(both(*arrays))


def cross_entropy(n, k):
    p, y = RNG.standard_normal((n, k), dtype=np.float32), RNG.integers(0, k, n)
    label, loss = torch.from_numpy(y), losses.Multinomial()
    calls = {"fastopt": lambda: loss.value_and_gradient(y, p), "torch": backward(lambda q: F.cross_entropy(q, label), p)}
    if jax is not None:
        rows = jnp.arange(n)
        calls["jax"] = compiled(lambda q: jnp.mean(jax.nn.logsumexp(q, axis=1) - q[rows, y]), p)
    return calls


def focal(n):
    p, y = RNG.standard_normal(n, dtype=np.float32), RNG.integers(0, 2, n).astype(np.float32)
    target, loss = torch.from_numpy(y), losses.Focal()

    def theirs(q):   # torchvision's sigmoid_focal_loss
        share, entropy = torch.sigmoid(q), F.binary_cross_entropy_with_logits(q, target, reduction="none")
        return (entropy * (1 - (share * target + (1 - share) * (1 - target))) ** 2).mean()

    def jaxed(q):
        share = jax.nn.sigmoid(q)
        entropy = jnp.logaddexp(0, q) - y * q
        return jnp.mean(entropy * (1 - (share * y + (1 - share) * (1 - y))) ** 2)
    calls = {"fastopt": lambda: loss.value_and_gradient(y, p), "torch": backward(theirs, p)}
    return calls if jax is None else {**calls, "jax": compiled(jaxed, p)}


def info_nce(n, d):
    a, b = RNG.standard_normal((2, n, d), dtype=np.float32)
    loss, labels = losses.InfoNCE(), torch.arange(n)

    def theirs(x, y):
        logits = F.normalize(x) @ F.normalize(y).T / 0.07
        return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2

    def jaxed(x, y):
        logits = (x / jnp.linalg.norm(x, axis=1, keepdims=True)) @ (y / jnp.linalg.norm(y, axis=1, keepdims=True)).T / 0.07
        own = jnp.diagonal(logits)
        return jnp.mean(jax.nn.logsumexp(logits, axis=1) - own) / 2 + jnp.mean(jax.nn.logsumexp(logits, axis=0) - own) / 2
    calls = {"fastopt": lambda: loss.value_and_gradient(a, b), "torch": backward(theirs, a, b)}
    return calls if jax is None else {**calls, "jax": compiled(jaxed, a, b)}


def small(name):
    """20 samples: what a call costs."""
    p, y = RNG.standard_normal(20, dtype=np.float32), RNG.integers(0, 2, 20).astype(np.float32)
    target, theirs = torch.from_numpy(y), {
        "mean_squared_error": F.mse_loss, "huber": F.huber_loss, "log_loss": F.binary_cross_entropy_with_logits, "smooth_l1": F.smooth_l1_loss}[name]
    loss = losses.get(name)
    return {"fastopt": lambda: loss.value_and_gradient(y, p), "torch": backward(lambda q: theirs(q, target), p)}


CASES = {
    "cross-entropy, 10,000 x 10": lambda: cross_entropy(10_000, 10), "cross-entropy, 1,000 x 50,000": lambda: cross_entropy(1_000, 50_000),
    "focal, 1 M": lambda: focal(1_000_000), "InfoNCE, 1,024 x 256": lambda: info_nce(1024, 256),
    "cross-entropy, 20 x 3": lambda: cross_entropy(20, 3),
    **{f"{name}, 20": lambda name=name: small(name) for name in ("mean_squared_error", "huber", "log_loss", "smooth_l1")},
}


@pytest.mark.parametrize("case", CASES)
def test_against_torch(benchmark, case):
    before = fo.get_num_threads()
    fo.set_num_threads(THREADS)
    torch.set_num_threads(THREADS)
    try:
        calls = CASES[case]()
        seconds = in_turn(calls, rounds=15)
        benchmark.pedantic(calls["fastopt"], rounds=3)
    finally:
        fo.set_num_threads(before)
    benchmark.group = "losses against PyTorch"
    benchmark.extra_info.update(case=case, step_group=f"losses, value and gradient, {THREADS} threads", bytes=0, steps=seconds)
