"""Time to an accuracy of the Lasso and of l1 logistic regression, no intercept: fastopt, scikit-learn, celer and skglm in turn.

    pytest bench/bench_sparse.py --benchmark-json=sparse.json && python bench/report.py sparse.json

l1 is a tenth and a hundredth of the least that makes all coefficients 0.  A group is a problem and a relative suboptimality, a row of
it a library with the fastest of its solvers and settings (see solver_race.py).  celer and skglm take part where they are installed.
Fashion-MNIST, whose races take longer than all others, is among them where FASTOPT_BENCH_LONG is set.
"""
from __future__ import annotations

import os

import pytest
from race_rows import row, rows

LIBRARIES = ("fastopt", "scikit-learn", "celer", "skglm")
WITHOUT = () if os.environ.get("FASTOPT_BENCH_LONG") else ("fashion_mnist",)
OPTIONS = {"rounds": 3, "limit": 3.0}      # of a race: settings that take longer than this are not followed


@pytest.mark.parametrize("name, library, target", rows("lasso", LIBRARIES, WITHOUT))
def test_lasso(benchmark, name, library, target):
    row(benchmark, "lasso", name, library, target, **OPTIONS)


@pytest.mark.parametrize("name, library, target", rows("l1", LIBRARIES, WITHOUT))
def test_l1_logistic(benchmark, name, library, target):
    row(benchmark, "l1", name, library, target, **OPTIONS)
