"""Rows that a fold leaves out teach it nothing: labels that are pure chance are predicted no better than by chance, at every strength."""
import warnings

import numpy as np
import pytest
import scipy.sparse
from sklearn.exceptions import ConvergenceWarning

from fastopt import linear_model as ours

pytestmark = pytest.mark.slow   # many whole fits, which say nothing of single kernels

N, FOLDS = 240, 3
SHAPES = {"wide CSR": lambda rng: scipy.sparse.random_array((N, 4000), density=0.02, format="csr", rng=rng),
          "wide": lambda rng: rng.normal(size=(N, 300)), "narrow": lambda rng: rng.normal(size=(N, 12)),
          "far from 0": lambda rng: rng.normal(size=(N, 12)) + 2007}
STRENGTHS = np.logspace(-4, 5, 6)
CHOOSERS = {
    "two classes": (lambda **more: ours.LogisticRegressionCV(Cs=STRENGTHS, cv=FOLDS, **more), 2),
    "four classes": (lambda **more: ours.LogisticRegressionCV(Cs=STRENGTHS, cv=FOLDS, **more), 4),
    "RidgeCV": (lambda **more: ours.RidgeCV(STRENGTHS, cv=FOLDS, scoring="r2", **more), 0),
    "LassoCV": (lambda **more: ours.LassoCV(alphas=12, cv=FOLDS, **more), 0),
    "ElasticNetCV": (lambda **more: ours.ElasticNetCV(alphas=12, cv=FOLDS, **more), 0),
}
SOLVERS = [(name, {}) for name in CHOOSERS] + [(f"{word} classes", {"solver": solver}) for word in ("two", "four")
                                               for solver in ("lbfgs", "newton-cholesky", "newton-cg")]


def scores(model):
    """(fold, strength): accuracies; or what is left of the variance, which is 1 where nothing is known."""
    if hasattr(model, "mse_path_"):
        return model.mse_path_.T
    return model.scores_.reshape(FOLDS, -1) if hasattr(model, "scores_") else 1 - np.atleast_2d(model.best_score_)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name, params", SOLVERS, ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else value)
def test_chance_stays_chance(name, params, shape):
    make, k = CHOOSERS[name]
    if params.get("solver") == "newton-cholesky" and shape.startswith("wide"):
        shape = "narrow"   # Hessians of so many parameters would take minutes
    rng = np.random.default_rng(1)
    X, y = SHAPES[shape](rng), rng.integers(0, k, N) if k else rng.normal(size=N)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = scores(make(**params).fit(X, y))
    if k:
        assert found.max() < 1 / k + 5 * np.sqrt((1 / k) * (1 - 1 / k) / (N / FOLDS)), found.round(2)
    else:
        assert found.min() > 0.6, found.round(2)
