"""Vectors that do not begin at a multiple of their elements' size, as fields of records and parts of buffers do: C that loads them as they
lie is undefined.  Kernels get an aligned copy, so results are those of aligned vectors; .ci/sanitize sees whether they do."""
import numpy as np
import pytest

import fastopt as fo
from fastopt import linear_model, optimizers, penalties

N, D = 23, 5
RNG = np.random.default_rng(0)
X, Y, WEIGHT, COEF, LABELS = RNG.normal(size=(N, D)), RNG.random(N), RNG.random(N), RNG.normal(size=D), np.arange(N) % 2


def unaligned(array):
    raw = np.zeros(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    raw[...] = array
    assert not raw.flags.aligned
    return raw


def fitted(name, y, **params):
    def call(lies):
        model = getattr(linear_model, name)(**params).fit(X, lies(y), sample_weight=lies(WEIGHT))
        model.coef_, model.intercept_ = lies(model.coef_), lies(np.atleast_1d(model.intercept_))
        return np.append(model.coef_, model.predict(X))
    return call


def objective(lies):
    found = fo.LinearObjective(X, lies(Y), "squared_error", sample_weight=lies(WEIGHT), standardize=True)
    w = lies(RNG.normal(size=found.n_params) * 0 + 0.5)
    return np.concatenate([found.gradient(w), found.hessp(w, w), found.hessian(w).ravel(), found.predictions(w).ravel()])


def step(lies):
    w = np.ones((N, 2))
    optimizers.SGD(w, lr=0.1).step(optimizers.RowSparse([0, 3], lies(np.ones((2, 2)))))
    return w


CALLS = {
    "SGDRegressor": fitted("SGDRegressor", Y, max_iter=5, tol=None, random_state=0),
    "SGDClassifier": fitted("SGDClassifier", LABELS, max_iter=5, tol=None, random_state=0),
    "SGDClassifier auto": fitted("SGDClassifier", LABELS, max_iter=5, tol=None, random_state=0, optimizer="auto"),
    "LogisticRegression": fitted("LogisticRegression", LABELS), "Ridge": fitted("Ridge", Y), "Lasso": fitted("Lasso", Y, alpha=0.01),
    "QuantileRegressor": fitted("QuantileRegressor", Y, alpha=0.01), "LinearSVC": fitted("LinearSVC", LABELS),
    "LinearObjective": objective, "RowSparse": step,
    "penalty": lambda lies: penalties.get("l1", weights=lies(np.ones(D))).prox(lies(COEF), 0.5),
}


@pytest.mark.parametrize("name", CALLS)
def test_results_are_those_of_aligned_vectors(name):
    np.testing.assert_array_equal(CALLS[name](unaligned), CALLS[name](np.array))
