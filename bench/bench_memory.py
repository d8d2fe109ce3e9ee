"""Memory that a fit takes on top of X and the model, as a share of X.

    pytest bench/bench_memory.py --benchmark-json=memory.json && python bench/report.py memory.json
"""
from __future__ import annotations

import tracemalloc

import data
import pytest

from fastopt.linear_model import SGDClassifier


@pytest.mark.parametrize("case", data.CASES)
def test_memory(benchmark, case):
    X, y = data.case(case)
    model = SGDClassifier(loss="log_loss", tol=None, random_state=0, max_iter=2)
    benchmark.group = "memory"
    model.fit(X, y)   # imports and caches are not the fit's
    tracemalloc.start()
    model.fit(X, y)
    peak = tracemalloc.get_traced_memory()[1] - model.coef_.nbytes
    tracemalloc.stop()
    benchmark.extra_info.update(case=case, extra_bytes=peak, share_of_X=peak / data.nbytes(X))
    benchmark.pedantic(model.fit, args=(X, y), rounds=1)
