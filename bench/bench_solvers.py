"""Fits of l2 logistic regression to a relative suboptimality of 1e-6: a group a data set, rivals in the same group.

    FASTOPT_DATA=… pytest bench/bench_solvers.py --benchmark-group-by=group

alpha = 1/n, no intercept; a whole fit, X in memory, one thread.  Each solver gets the fewest iterations that reach the target; what
does not reach it is left out.  time_to_accuracy.py has the whole curves, on any number of threads.
"""
import functools

import numpy as np
import pytest
from time_to_accuracy import ITERATIONS, SETS, TARGETS, data, fits, optimum


@functools.cache
def problem(name):
    X, y = data(name)
    return (X, y, *optimum(X, y))


def enough(fit, X, y, best, objective):
    """The fewest iterations that reach the last target, or None."""
    for iterations in ITERATIONS:
        value = objective.value(np.asarray(fit(X, y, iterations, 1), dtype=np.float64))
        if (value - best) / best <= TARGETS[-1]:
            return iterations
    return None


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("solver", fits(False))
def test_fit(benchmark, name, solver):
    X, y, best, objective = problem(name)
    fit = fits(X.shape[1] > 5000).get(solver)
    iterations = enough(fit, X, y, best, objective) if fit else None
    if iterations is None:
        pytest.skip("does not reach 1e-6 here")
    benchmark.group = name
    benchmark.extra_info["iterations"] = iterations
    benchmark.pedantic(fit, (X, y, iterations, 1), rounds=3, warmup_rounds=1)
