"""Estimators in several Python threads, in processes forked after a fit and in process pools: no hang, and the weights
that one fit alone gives.
"""
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
import scipy.sparse as sp

from fastopt.linear_model import SGDClassifier, SGDOneClassSVM, SGDRegressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3000, 20))
Y = RNG.integers(0, 4, 3000)
DATA = {"float64": X, "float32": X.astype(np.float32), "fortran": np.asfortranarray(X),
        "csr": sp.random(3000, 20, 0.3, "csr", random_state=0)}


def jobs():
    """Functions that fit all kinds of estimators, on shared data."""
    def job(cls, data, **parameters):
        def run():
            estimator = cls(max_iter=4, tol=None, random_state=1, **parameters)
            estimator.fit(data) if cls is SGDOneClassSVM else estimator.fit(data, Y)
            return estimator.coef_, estimator.predict(data)
        return run
    for data in DATA.values():
        yield job(SGDClassifier, data, loss="log_loss", n_jobs=3)
        yield job(SGDClassifier, data, average=True)
        yield job(SGDRegressor, data, early_stopping=True)
        yield job(SGDOneClassSVM, data)


def same(results, wanted):
    for pair, want in zip(results, wanted, strict=True):
        for a, b in zip(pair, want):
            np.testing.assert_array_equal(a, b)


def test_in_a_pool_of_threads(many_threads):
    wanted = [job() for job in jobs()]
    with ThreadPoolExecutor(6) as pool:
        same(pool.map(lambda job: job(), [*jobs()] * 3), wanted * 3)


def test_two_threads_at_the_same_time(many_threads):
    """Both begin together and share the data."""
    for job in jobs():
        want, barrier, found = job(), threading.Barrier(2), []

        def run():
            barrier.wait()
            found.append(job())

        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        same(found, [want] * 2)


def test_one_fitted_estimator_predicts_in_many_threads(many_threads):
    model = SGDClassifier(random_state=0, n_jobs=2).fit(X, Y)
    want = model.decision_function(X)
    with ThreadPoolExecutor(6) as pool:
        for got in pool.map(model.decision_function, [X] * 20):
            np.testing.assert_array_equal(got, want)


FORK = """
import multiprocessing as mp, sys, threading
import numpy as np
from fastopt.linear_model import SGDClassifier
rng = np.random.default_rng(0)
X, y = rng.normal(size=(4000, 30)), rng.integers(0, 6, 4000)

def fit(_=None):
    model = SGDClassifier(max_iter=2, tol=None, random_state=0, n_jobs=4).fit(X, y)
    return model.coef_.tobytes() + model.predict(X).tobytes()

if __name__ == "__main__":
    want = fit()
    if sys.argv[1] == "busy":     # another thread is in the middle of fits while the process forks
        stop = threading.Event()
        def work():
            while not stop.is_set():
                fit()
        worker = threading.Thread(target=work)
        worker.start()
    with mp.get_context("fork").Pool(2) as pool:
        found = pool.map_async(fit, range(4)).get(60)
    if sys.argv[1] == "busy":
        stop.set()
        worker.join()
    assert all(f == want for f in found) and fit() == want
    print("equal")
"""


@pytest.mark.parametrize("parent", ["idle", "busy"])
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_after_a_fork(run_python, tmp_path, parent):
    """The child of a process whose threads have worked, or are at work, fits and predicts as its parent does."""
    (tmp_path / "forks.py").write_text(FORK)
    assert run_python([tmp_path / "forks.py", parent], timeout=100, PYTHONWARNINGS="ignore").split()[-1] == "equal"


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_under_joblib(backend):
    """Estimators travel to other processes and back; results are those of this one."""
    models = [SGDClassifier(random_state=seed, max_iter=3, tol=None, n_jobs=-1) for seed in range(3)]
    found = joblib.Parallel(2, backend=backend)(joblib.delayed(model.fit)(X, Y) for model in models)
    for model, got in zip(models, found):
        np.testing.assert_array_equal(got.coef_, model.fit(X, Y).coef_)
