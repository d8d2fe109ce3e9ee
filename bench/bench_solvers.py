"""Time to an accuracy of l2 logistic regression, alpha = 1/n, no intercept: fastopt, scikit-learn, cyanure and snapml in turn.

    pytest bench/bench_solvers.py --benchmark-json=solvers.json && python bench/report.py solvers.json

A group is a data set and a relative suboptimality, a row of it a library with the fastest of its solvers and settings (see
solver_race.py).  cyanure and snapml take part where they are installed.
"""
from __future__ import annotations

import pytest
from race_rows import row, rows


@pytest.mark.parametrize("name, library, target", rows("l2", ("fastopt", "scikit-learn", "cyanure", "snapml")))
def test_l2_logistic(benchmark, name, library, target):
    row(benchmark, "l2", name, library, target)
