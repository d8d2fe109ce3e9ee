"""The number of threads changes no bit of per-sample SGD, whatever is learnt and from what."""
import warnings

import numpy as np
import pytest
import scipy.sparse as sp

from fastopt.linear_model import SGDClassifier, SGDRegressor

LAYOUTS = {"dense": lambda X: X, "fortran": np.asfortranarray, "float32": lambda X: X.astype(np.float32),
           "csr": lambda X: sp.csr_array(X * (np.abs(X) > 0.5))}
#: name: (class, its parameters, what it learns of the scores)
MODELS = {
    "log loss": (SGDClassifier, {"loss": "log_loss"}, lambda score: score > 0),
    "several classes": (SGDClassifier, {"loss": "log_loss"}, lambda score: np.digitize(score, [-1, 0, 1])),
    "l1": (SGDClassifier, {"penalty": "l1"}, lambda score: score > 0),
    "average": (SGDClassifier, {"average": True}, lambda score: score > 0),
    "strong l2": (SGDClassifier, {"alpha": 0.5, "learning_rate": "constant", "eta0": 0.1}, lambda score: score > 0),
    "early stopping": (SGDClassifier, {"early_stopping": True}, lambda score: score > 0),
    "squared error": (SGDRegressor, {}, lambda score: score),
    "several columns": (SGDRegressor, {}, lambda score: np.stack([score, -score, score ** 2], axis=1)),
    "adaptive": (SGDRegressor, {"learning_rate": "adaptive", "tol": 1e-2}, lambda score: score),
}


@pytest.mark.parametrize("d", [3, 28, 200])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", MODELS)
def test_bits_are_those_of_one_thread(name, layout, d, many_threads):
    kind, parameters, targets = MODELS[name]
    rng = np.random.default_rng(d)
    X = rng.standard_normal((3000, d))
    y = targets(X @ rng.standard_normal(d) + rng.standard_normal(3000))
    parameters = {"random_state": 0, "max_iter": 4, "tol": None, **parameters}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one, three = (kind(n_jobs=n_jobs, **parameters).fit(LAYOUTS[layout](X), y) for n_jobs in (1, 3))
    for weights in ("intercept_", "coef_", "loss_curve_"):
        np.testing.assert_array_equal(getattr(one, weights), getattr(three, weights))
