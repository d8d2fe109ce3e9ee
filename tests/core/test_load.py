"""Threads on a busy machine: how many find a processor, and that results are the same with those."""
import os
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np
import pytest

from fastopt import linear_model
from fastopt._core import load as _load

WANTED = 2 * (os.cpu_count() or 1)


@pytest.fixture
def heeded():
    """Loops ask, as they do outside tests."""
    before = _load.heed(True)
    yield
    _load.heed(before)


@contextmanager
def busy(n):
    """n processes that compute, all of them on their way."""
    program = "print(flush=True)\nwhile True: pass"
    others = [subprocess.Popen([sys.executable, "-S", "-c", program], stdout=subprocess.PIPE) for _ in range(n)]
    try:
        for other in others:
            other.stdout.read(1)
        yield
    finally:
        for other in others:
            other.kill()
            other.stdout.close()
            other.wait()


def eventually(condition, seconds=20):
    """Whether it holds within some time: counts are read from time to time."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()


def test_processors_of_others_are_not_shared(heeded):
    with busy(os.cpu_count() or 1):
        assert eventually(lambda: _load.spare_threads(WANTED) == (1 if sys.platform == "linux" else WANTED))
        assert _load.spare_threads(1) == 1
        _load.heed(False)
        assert _load.spare_threads(WANTED) == WANTED


def test_never_more_than_wanted_and_never_none(heeded):
    for wanted in range(1, 70):
        assert 1 <= _load.spare_threads(wanted) <= wanted


@pytest.mark.parametrize("model", [
    linear_model.Ridge(solver="lbfgs", tol=1e-8), linear_model.LogisticRegression(), linear_model.LinearSVC(max_iter=50),
    linear_model.SGDRegressor(random_state=0, n_jobs=-1, optimizer="adam", batch_size=64, max_iter=3, tol=None),
    linear_model.HuberRegressor(),
], ids=lambda model: type(model).__name__)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_results_do_not_depend_on_the_load(model, heeded, many_threads):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 30))
    y = X[:, 0] + rng.normal(size=20_000)
    y = y > 0 if hasattr(model, "classes_") or "Logistic" in type(model).__name__ or "SVC" in type(model).__name__ else y
    with busy(2):
        on_a_busy_machine = model.fit(X, y).coef_.copy(), model.predict(X)
    _load.heed(False)
    np.testing.assert_array_equal(on_a_busy_machine[0], model.fit(X, y).coef_)
    np.testing.assert_array_equal(on_a_busy_machine[1], model.predict(X))
