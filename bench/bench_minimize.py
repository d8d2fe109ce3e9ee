"""minimize(method="lbfgs") against SciPy's L-BFGS-B: the same function, start and gradient norm, CPU time of one thread, in turn.

    pytest bench/bench_minimize.py --benchmark-json=minimize.json && python bench/report.py minimize.json

Least squares and logistic regression with 1,000 parameters, over few and many samples: with few, what a run does beside the
calls of the function shows; with many, how often it calls.  A quadratic that costs next to nothing, also within bounds, with 50
to 20,000 parameters.  `extra_info` has the calls and the gradient's largest component.
"""
from __future__ import annotations

import time

import numpy as np
import pytest
import scipy.optimize
from scipy.special import expit
from threadpoolctl import threadpool_limits

import fastopt as fo

D, GTOL, ROUNDS = 1000, 1e-6, 15
LIMITS = {"gtol": GTOL, "ftol": 0, "maxiter": 10 ** 5, "maxfun": 10 ** 6}


def least_squares(n):
    X, y = data(n)
    return lambda w: (0.5 * np.mean((X @ w - y) ** 2) + 5e-4 * w @ w, (X @ w - y) @ X / n + 1e-3 * w)


def logistic(n):
    X, y = data(n)
    labels = (y > 0).astype(float)

    def fun(w):
        p = X @ w
        return np.mean(np.logaddexp(0, p) - labels * p) + 5e-4 * w @ w, (expit(p) - labels) @ X / n + 1e-3 * w

    return fun


def data(n):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, D))
    return X, X @ rng.standard_normal(D) + rng.standard_normal(n)


def quadratic(d):
    """A function that costs next to nothing: the time is the method's own.  A third of the minimum is beyond ±1."""
    scales = np.linspace(1e-3, 1, d)
    slopes = scales * np.random.default_rng(0).standard_normal(d)
    return lambda w: (0.5 * w @ (scales * w) - slopes @ w, scales * w - slopes)


CASES = {"least squares, n = 300": (least_squares, 300), "least squares, n = 3,000": (least_squares, 3000),
         "logistic, n = 300": (logistic, 300), "logistic, n = 3,000": (logistic, 3000), "quadratic": (quadratic, D),
         "quadratic within bounds, d = 50": (quadratic, 50), "quadratic within bounds": (quadratic, D),
         "quadratic within bounds, d = 20,000": (quadratic, 20_000)}
MINIMIZE = {"fastopt": fo.minimize, "scipy": scipy.optimize.minimize}
METHODS = {"fastopt": "lbfgs", "scipy": "L-BFGS-B"}
_seconds: dict[str, dict[str, list[float]]] = {}


@pytest.fixture(autouse=True)
def one_thread():
    with threadpool_limits(1):
        yield


def minimize(library, case, fun):
    make, size = CASES[case]
    d, within = size if make is quadratic else D, "within bounds" in case
    return MINIMIZE[library](fun, np.zeros(d), jac=True, options=LIMITS, method="L-BFGS-B" if within else METHODS[library],
                             bounds=[(-1, 1)] * d if within else None)


def in_turn(case):
    """Seconds of each library's runs, one after the other, so that what slows the machine slows both.

    CPU time: one thread, and other programs on the machine do not count.
    """
    if case not in _seconds:
        make, size = CASES[case]
        fun, found = make(size), {name: [] for name in MINIMIZE}
        for _ in range(ROUNDS):
            for name in MINIMIZE:
                start = time.process_time()
                minimize(name, case, fun)
                found[name].append(time.process_time() - start)
        _seconds[case] = found
    return _seconds[case]


@pytest.mark.parametrize("library", MINIMIZE)
@pytest.mark.parametrize("case", CASES)
def test_lbfgs(benchmark, case, library):
    benchmark.group = f"minimize, L-BFGS: {case}"
    make, size = CASES[case]
    result = benchmark.pedantic(minimize, args=(library, case, make(size)), rounds=5, warmup_rounds=1)
    assert np.abs(np.clip(result.x - result.jac, -1, 1) - result.x).max() <= GTOL if "bounds" in case else result.success
    seconds = in_turn(case)
    benchmark.extra_info.update(
        library=library, case=case, minimize_seconds=float(np.median(seconds[library])), nfev=result.nfev, nit=result.nit,
        gradient_norm=float(np.abs(result.jac).max()), fun=float(result.fun),
        ratio=float(np.median(np.divide(seconds["scipy"], seconds["fastopt"]))))
