"""Solvers that take samples one by one, against scikit-learn's, cyanure's and snapml's: CPU time of one thread to a relative
suboptimality, l2 logistic regression with alpha = 1/n and no intercept; LinearSVC and LinearSVR against liblinear.

    OMP_NUM_THREADS=1 pytest bench/bench_dual.py --benchmark-json=dual.json && python bench/report.py dual.json

Each solver is run with more and more passes, a whole fit each time, in turn with the others, until it comes below 1e-6; the time
to a target is that of the shortest run that reaches it.  Peers that are not installed are left out.
"""
from __future__ import annotations

import functools
import importlib.util
import time

import data
import numpy as np
import pytest
from sklearn import svm as sklearn_svm
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC, LinearSVR

import fastopt as fo
import fastopt.linear_model
from fastopt._solvers.stochastic import saga as _solve_variance, sdca as _solve_dual

PASSES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 96)
TARGETS = (1e-3, 1e-6)
DATA = {"imdb": "CSR float32, tf-idf, 25,000 × 36,000", "a9a": "CSR float32, one-hot, 32,561 × 123",
        "fashion_mnist": "dense float32, 60,000 × 784"}
SOLVERS = {"sdca": _solve_dual.sdca, "sag": _solve_variance.sag, "saga": _solve_variance.saga, "svrg": _solve_variance.svrg,
           "katyusha": _solve_variance.katyusha}


def ours(solver):
    def fit(X, y, passes):
        objective = fo.LinearObjective(X, y, "log_loss", l2=1 / len(y), n_threads=1)
        return SOLVERS[solver](objective, None, np.zeros(X.shape[1]), tol=1e-14, max_iter=passes, callback=None, random_state=0).w
    return fit


def sklearn(solver):
    def fit(X, y, passes):
        return LogisticRegression(C=1.0, solver=solver, dual=solver == "liblinear", fit_intercept=False, tol=1e-14,
                                  max_iter=passes).fit(X, y).coef_.ravel()
    return fit


def snapml(X, y, passes):
    from snapml import LogisticRegression as Snap
    return Snap(regularizer=1.0, max_iter=passes, tol=1e-14, n_jobs=1, fit_intercept=False).fit(X, y).coef_.ravel()


def cyanure(X, y, passes):
    from cyanure.estimators import LogisticRegression as Cyanure
    return np.ravel(Cyanure(penalty="l2", lambda_1=1 / len(y), fit_intercept=False, max_iter=passes, tol=1e-14, n_threads=1,
                            verbose=False).fit(X, y).coef_)


FITS = {**{f"fastopt {name}": ours(name) for name in SOLVERS}, **{f"scikit-learn {name}": sklearn(name)
                                                                  for name in ("liblinear", "sag", "saga")}}
FITS.update({name: fit for name, fit in (("snapml", snapml), ("cyanure", cyanure)) if importlib.util.find_spec(name)})


@functools.cache
def optimum(case):
    X, y = data.case(DATA[case])
    objective = fo.LinearObjective(X.astype(np.float64), y, "log_loss", l2=1 / len(y))
    return objective, _solve_dual.sdca(objective, None, np.zeros(X.shape[1]), tol=1e-9, max_iter=1000, callback=None,
                                       random_state=0).value


@functools.cache
def seconds_to(case):
    """{name: [seconds to each target]}, in turn, nan where it was not reached."""
    X, y = data.case(DATA[case])
    objective, best = optimum(case)
    found, left = {name: [np.nan] * len(TARGETS) for name in FITS}, set(FITS)
    for passes in PASSES:
        for name in sorted(left):
            took = np.inf
            for _ in range(3):
                start = time.process_time()
                w = FITS[name](X, y, passes)
                took = min(took, time.process_time() - start)
            gap = objective.value(np.asarray(w, dtype=np.float64)) / best - 1
            found[name] = [took if np.isnan(old) and gap <= target else old for old, target in zip(found[name], TARGETS)]
            if gap <= TARGETS[-1] or took > 10:
                left.discard(name)
    return found


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("case", DATA)
def test_time_to_accuracy(benchmark, case, name):
    benchmark.group = f"l2 logistic, samples one by one: {case}"
    seconds = seconds_to(case)
    benchmark.extra_info.update(library=name, case=case, real_data=data.is_real(), seconds_to_1e_3=seconds[name][0],
                                seconds_to_1e_6=seconds[name][1])
    X, y = data.case(DATA[case])
    benchmark.pedantic(FITS[name], args=(X, y, 3), rounds=1)


def svm(loss, tol, C=1.0):
    """The same problem as LinearSVC's and LinearSVR's: the intercept is a weight of a constant column."""
    def fit(X, y):
        params = {"epsilon": 0.0} if "epsilon" in loss else {}
        objective = fo.LinearObjective(X, y, fo.losses.get(loss, **params), l2=1 / (C * len(y)), fit_intercept=True, n_threads=1)
        return _solve_dual.sdca(objective, None, np.zeros(objective.n_params), tol=tol, max_iter=1000, callback=None,
                                random_state=0, intercept_scaling=1.0).w
    return fit


def liblinear(make):
    def fit(X, y):
        model = make().fit(X, y)
        return np.append(model.coef_, model.intercept_)
    return fit


SVMS = {
    "hinge": {"fastopt": svm("hinge", 1e-3), "scikit-learn": liblinear(lambda: LinearSVC(loss="hinge", dual=True, random_state=0))},
    "squared_hinge": {"fastopt": svm("squared_hinge", 1e-5),
                      "scikit-learn": liblinear(lambda: LinearSVC(dual=True, random_state=0))},
    "epsilon_insensitive": {"fastopt": svm("epsilon_insensitive", 1e-3),
                            "scikit-learn": liblinear(lambda: LinearSVR(random_state=0))},
}


def svm_value(loss, X, y, w):
    objective = fo.LinearObjective(X, y, fo.losses.get(loss, **({"epsilon": 0.0} if "epsilon" in loss else {})), l2=1 / len(y),
                                   fit_intercept=True)
    w = np.asarray(w, dtype=np.float64)
    return objective.value(w) + w[-1] ** 2 / (2 * len(y))


@functools.cache
def svm_seconds(case, loss):
    """{library: (seconds, value)}: least of 5 rounds in turn."""
    X, y = data.case(DATA[case])
    best = {}
    for _ in range(5):
        for library, fit in SVMS[loss].items():
            start = time.process_time()
            w = fit(X, y)
            took = time.process_time() - start
            best[library] = (min(took, best.get(library, (np.inf,))[0]), svm_value(loss, X, y, w))
    return best


@pytest.mark.parametrize("library", ["fastopt", "scikit-learn"])
@pytest.mark.parametrize("loss", SVMS)
@pytest.mark.parametrize("case", ["imdb", "a9a"])
def test_svm(benchmark, case, loss, library):
    benchmark.group = f"linear SVM, {loss}: {case}"
    found = svm_seconds(case, loss)
    benchmark.extra_info.update(library=library, case=case, real_data=data.is_real(), fit_seconds=found[library][0],
                                value=found[library][1])
    X, y = data.case(DATA[case])
    benchmark.pedantic(SVMS[loss][library], args=(X, y), rounds=1)


# ---- as they come: small data, where dual coordinates are one of several ways ----

def small(case):
    rng = np.random.default_rng(0)
    if case == "iris":
        from sklearn.datasets import load_iris
        return load_iris(return_X_y=True)
    n, d = (500, 2000) if case == "wide" else (5000, 20)
    X = rng.normal(size=(n, d))
    if case == "years":
        X[:, 0] = rng.integers(1990, 2025, n)
    return X, X @ (rng.normal(size=d) / X.std(axis=0)) + rng.normal(size=n)


DEFAULTS = {"LinearSVR": lambda module: module.LinearSVR(), "LinearSVC": lambda module: module.LinearSVC(),
            "LinearSVC hinge": lambda module: module.LinearSVC(loss="hinge")}


@functools.cache
def default_seconds(case, name):
    """{library: seconds}: least of 5 whole fits by default parameters, in turn."""
    X, y = small(case)
    if name != "LinearSVR" and case != "iris":
        y = y > np.median(y)
    best = {}
    for _ in range(5):
        for library, module in (("fastopt", fo.linear_model), ("scikit-learn", sklearn_svm)):
            start = time.process_time()
            DEFAULTS[name](module).fit(X, y)
            best[library] = min(time.process_time() - start, best.get(library, np.inf))
    return best


@pytest.mark.parametrize("library", ["fastopt", "scikit-learn"])
@pytest.mark.parametrize("name", DEFAULTS)
@pytest.mark.parametrize("case", ["iris", "wide", "tall", "years"])
def test_defaults(benchmark, case, name, library):
    benchmark.group = f"{name}, as it comes: {case}"
    benchmark.extra_info.update(library=library, case=case, fit_seconds=default_seconds(case, name)[library])
    benchmark.pedantic(lambda: None, rounds=1)


# ---- several classes at once: LinearSVC(multi_class="crammer_singer") by default parameters ----

def several(case):
    """Data of several classes; "pixels" are random ones, as many as those of Fashion-MNIST."""
    from sklearn.datasets import load_digits, load_iris
    if case == "iris":
        return load_iris(return_X_y=True)
    if case.startswith("digits"):
        X, y = load_digits(return_X_y=True)
        return (X / 16 if case == "digits / 16" else X), y
    rng = np.random.default_rng(0)
    n, d, k = (1000, 784, 10) if case == "pixels" else (2000, 20, 5)
    X = rng.random((n, d)) * (rng.random((n, d)) < 0.5) if case == "pixels" else rng.normal(size=(n, d))
    p = (X - X.mean(axis=0)) @ rng.normal(size=(d, k))
    return X, (p / p.std() + rng.normal(size=(n, k))).argmax(axis=1)


def several_value(model, X, y):
    """C·Σ max(0, 1 + max_{j ≠ y} p_j − p_y) + ‖W‖²/2."""
    p = X @ model.coef_.T + model.intercept_
    own = p[np.arange(len(y)), y]
    p += 1
    p[np.arange(len(y)), y] = own
    return model.C * (p.max(axis=1) - own).sum() + (np.square(model.coef_).sum() + np.square(model.intercept_).sum()) / 2


@functools.cache
def several_seconds(case):
    """{library: (seconds, value, passes)}: least of 3 whole fits in turn."""
    X, y = several(case)
    best = {}
    for _ in range(3):
        for library, module in (("fastopt", fo.linear_model), ("scikit-learn", sklearn_svm)):
            start = time.process_time()
            model = module.LinearSVC(multi_class="crammer_singer", random_state=0).fit(X, y)
            took = time.process_time() - start
            best[library] = (min(took, best.get(library, (np.inf,))[0]), several_value(model, X, y), model.n_iter_)
    return best


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("library", ["fastopt", "scikit-learn"])
@pytest.mark.parametrize("case", ["iris", "digits", "digits / 16", "2,000 × 20, 5 classes", "pixels"])
def test_several_classes(benchmark, case, library):
    benchmark.group = f"LinearSVC, crammer_singer, as it comes: {case}"
    seconds, value, passes = several_seconds(case)[library]
    benchmark.extra_info.update(library=library, case=case, fit_seconds=seconds, value=value, passes=passes)
    benchmark.pedantic(lambda: None, rounds=1)
