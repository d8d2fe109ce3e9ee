"""optimizer="auto" on raw columns with defaults only, and scikit-learn's SGD on scaled columns with the best settings of a grid: the
test score and the time of one fit, scaling included.

    FASTOPT_DATA=... OMP_NUM_THREADS=1 pytest bench/bench_auto.py --benchmark-json=auto.json && python bench/report.py auto.json

The sets, their splits and the grid are those of auto_table.py.  Without FASTOPT_DATA two small sets of scikit-learn stand in.
"""
from __future__ import annotations

import functools
import warnings

import auto_table
import data
import numpy as np
import pytest
from sklearn import datasets
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

STAND_INS = {"diabetes": datasets.load_diabetes, "breast_cancer": datasets.load_breast_cancer}
CASES = ("covtype", "adult", "credit", "bike", "protein") if data.is_real() else tuple(STAND_INS)
LIBRARIES = ("fastopt", "scikit-learn")


def classifies(case):
    return case in auto_table.CLASSES or case == "breast_cancer"


@functools.cache
def parts(case):
    """X, y, X_test, y_test and the peer's settings."""
    if data.is_real():
        X, y, X_test, y_test = auto_table.split(case, 0)
    else:
        X, y = STAND_INS[case](return_X_y=True)
        X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return X, y, X_test, y_test, auto_table.tuned(case, X, y, classifies(case))


def model(library, case, seed, settings):
    if library == "fastopt":
        return auto_table.auto(classifies(case), seed)
    return make_pipeline(StandardScaler(), auto_table.peer(classifies(case), seed, **settings))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("case", CASES)
def test_auto(benchmark, case, library):
    X, y, X_test, y_test, settings = parts(case)
    benchmark.group = f"no tuning: {case}"
    scores = [model(library, case, seed, settings).fit(X, y).score(X_test, y_test) for seed in range(3)]
    fit = benchmark.pedantic(model(library, case, 0, settings).fit, args=(X, y), rounds=5, warmup_rounds=1)
    assert fit is not None
    benchmark.extra_info.update(library=library, case=case, real_data=data.is_real(), score=float(np.mean(scores)),
                                fit_seconds=benchmark.stats.stats.min)
