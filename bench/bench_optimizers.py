"""Optimizer steps, two threads: fastopt, PyTorch where it is installed, and a plain loop over the same arrays.

    pytest bench/bench_optimizers.py --benchmark-json=steps.json && python bench/report.py steps.json

All rivals of a group take turns; `extra_info` holds seconds of a step, the ratio to PyTorch, and bytes a second, 28 a
float32 parameter for Adam (w, g, m, v read, w, m, v written).
"""
from __future__ import annotations

import numpy as np
import pytest
from turns import in_turn

import fastopt as fo
from fastopt._limits import loops

try:
    import torch
except ImportError:
    torch = None

SIZES = {"1,000": [1_000], "100,000": [100_000], "1 M": [1_000_000], "20 M": [20_000_000], "60 arrays of 1,000": [1_000] * 60}
#: rules that PyTorch has: its class, and settings of both
TORCH = {"sgd": ("SGD", {"lr": 1e-4}), "momentum": ("SGD", {"lr": 1e-4, "momentum": 0.9}), "asgd": ("ASGD", {}),
         "adagrad": ("Adagrad", {}), "adadelta": ("Adadelta", {}), "rmsprop": ("RMSprop", {"lr": 1e-4}), "rprop": ("Rprop", {}),
         "adam": ("Adam", {}), "adamw": ("AdamW", {}), "adamax": ("Adamax", {}), "nadam": ("NAdam", {}), "radam": ("RAdam", {}),
         "adafactor": ("Adafactor", {}), "amsgrad": ("Adam", {"amsgrad": True})}
MILLION = 1_000_000


def arrays(sizes, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(n).astype(np.float32) for n in sizes]


def ours(name, sizes, **settings):
    grads = arrays(sizes, 1)
    optimizer = fo.optimizers.get(name)(arrays(sizes), **settings)
    return lambda: optimizer.step(grads)


def theirs(name, sizes, **settings):
    params = [torch.tensor(w, requires_grad=True) for w in arrays(sizes)]
    for param, grad in zip(params, arrays(sizes, 1)):
        param.grad = torch.tensor(grad)
    torch.set_num_threads(fo.get_num_threads())
    return getattr(torch.optim, name)(params, **settings).step


def plain(sizes):
    """What hardly computes: reads w, g, m and v, writes w, m and v."""
    g, w, m, v = (arrays(sizes, seed)[0] for seed in range(4))
    return lambda: loops.update(g, (w, m, v), fo.get_num_threads())


def record(benchmark, group, case, calls, bytes_, rounds=9):
    """Time all rivals in turn, and let the benchmark show ours."""
    seconds = in_turn(calls, rounds)
    benchmark.group = f"{group}: {case}"
    benchmark.extra_info.update(step_group=group, case=case, steps=seconds, bytes=bytes_)
    benchmark.pedantic(calls["fastopt"], rounds=3)


@pytest.mark.parametrize("case", SIZES)
def test_adam(benchmark, case):
    sizes = SIZES[case]
    calls = {"fastopt": ours("adam", sizes), "fastopt, nonfinite='late'": ours("adam", sizes, nonfinite="late")}
    if torch:
        calls["torch fused"] = theirs("Adam", sizes, fused=True)
    if len(sizes) == 1:
        calls["plain loop"] = plain(sizes)
    record(benchmark, "Adam step", case, calls, 28 * sum(sizes))


@pytest.mark.parametrize("name", fo.optimizers.names())
def test_rule(benchmark, name):
    shape = [(1000, 1000)] if name in ("muon", "adafactor") else [MILLION]
    calls = {"fastopt": ours_shaped(name, shape)}
    if torch and name in TORCH:
        torch_name, settings = TORCH[name]
        calls["torch"] = theirs_shaped(torch_name, shape, **settings)
    if torch and name == "muon":
        calls["torch"] = theirs_shaped("Muon", shape)
    record(benchmark, "1 M parameters", name, calls, None, rounds=5)


def ours_shaped(name, shapes):
    grads = [g.reshape(shape) for g, shape in zip(arrays([MILLION], 1), shapes)]
    optimizer = fo.optimizers.get(name)([w.reshape(shape) for w, shape in zip(arrays([MILLION]), shapes)])
    return lambda: optimizer.step(grads)


def theirs_shaped(name, shapes, **settings):
    param = torch.tensor(arrays([MILLION])[0].reshape(shapes[0]), requires_grad=True)
    param.grad = torch.tensor(arrays([MILLION], 1)[0].reshape(shapes[0]))
    torch.set_num_threads(fo.get_num_threads())
    return getattr(torch.optim, name)([param], **settings).step


@pytest.mark.parametrize("name", ["adam", "adamw", "lion"])
def test_packed_moments(benchmark, name):
    sizes = SIZES["20 M"]
    calls = {"fastopt": ours(name, sizes), "8bit": ours(name, sizes, moments="8bit"),
             "bfloat16": ours(name, sizes, moments="bfloat16")}
    if torch and name in TORCH:
        calls["torch fused"] = theirs(TORCH[name][0], sizes, fused=True)
    record(benchmark, "packed moments, 20 M", name, calls, None, rounds=5)


@pytest.mark.parametrize(("rows", "columns", "count"), [(4, 4, 1000), (16, 16, 200), (64, 64, 60), (64, 256, 60), (256, 64, 60),
                                                        (128, 128, 20), (128, 512, 10), (256, 256, 6)])
def test_matrices(benchmark, rows, columns, count):
    """Muon of many matrices of one shape, small enough for products of their own, and of a few that BLAS multiplies."""
    params, grads = (np.random.default_rng(seed).standard_normal((count, rows, columns), dtype=np.float32) for seed in range(2))
    optimizer = fo.optimizers.Muon(list(params))
    calls = {"fastopt": lambda: optimizer.step(list(grads))}
    if torch:
        held = [torch.tensor(w, requires_grad=True) for w in params]
        for w, g in zip(held, grads):
            w.grad = torch.tensor(g)
        torch.set_num_threads(fo.get_num_threads())
        calls["torch"] = torch.optim.Muon(held).step
    record(benchmark, "Muon", f"{count} of {rows} × {columns}", calls, None, rounds=5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [name for name in fo.optimizers.names() if any(fo.optimizers.get(name).kinds.values())])
def test_faded(benchmark, name, dtype):
    """Gradients that have become 0, and means below the smallest number of full precision, against ordinary ones."""
    record(benchmark, "Means that have faded out, 1 M", f"{name}, {dtype}",
           {"fastopt": with_means(name, dtype, 1.0), "faded": with_means(name, dtype, 0.0)}, None, rounds=5)


def with_means(name, dtype, size):
    """Steps with gradients of this size, from means of theirs, or from ones that are small beyond full precision."""
    params = [w.reshape(1000, 1000).astype(dtype) for w in arrays([MILLION])]
    grads = [size * g.reshape(1000, 1000).astype(dtype) for g in arrays([MILLION], 1)]
    optimizer = fo.optimizers.get(name)(params, lr=1e-6)
    means = [array for array in optimizer.states[0] if array is not None and not array.any()]

    def step():
        for array in means if size == 0 else ():
            array[:1] = np.finfo(dtype).tiny / 8   # a thousandth of them anew each time; the others are 0 after a step
        optimizer.step(grads)
    return step


@pytest.mark.parametrize("case", ["100", "1,000", "10,000"])
@pytest.mark.parametrize("name", ["muon", "schedule_free_adamw"])
def test_many_arrays(benchmark, name, case):
    """Seconds an array of a step, and of `solution`, should not depend on how many there are."""
    n = int(case.replace(",", ""))
    params, grads = ([np.full((4, 4), fill, np.float32) for _ in range(n)] for fill in (1, 0.1))
    optimizer = fo.optimizers.get(name)(params)
    record(benchmark, "Arrays of 4 × 4", f"{name}, {case}", {"fastopt": lambda: optimizer.step(grads), "solution": optimizer.solution},
           None, rounds=5)
