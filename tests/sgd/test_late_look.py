"""SGD reads X for its epochs and for nothing else: whether X is finite is found out from predictions, with the errors of before."""
import warnings

import numpy as np
import pytest
import scipy.sparse as sp

from fastopt import schedules
from fastopt.exceptions import DivergenceError
from fastopt.linear_model import SGDClassifier, SGDOneClassSVM, SGDRegressor

rng = np.random.default_rng(0)
X, Y = rng.standard_normal((300, 7)), rng.standard_normal(300)
MODELS = {
    "log_loss": SGDClassifier(loss="log_loss", max_iter=3),
    "hinge, whose values hide nan": SGDClassifier(loss="hinge", max_iter=3),
    "three classes, two threads": SGDClassifier(max_iter=3, n_jobs=2),
    "averaged": SGDClassifier(max_iter=3, average=True),
    "l1": SGDClassifier(penalty="l1", max_iter=3),
    "passive-aggressive": SGDClassifier(learning_rate="pa1", max_iter=3),
    "validation": SGDClassifier(max_iter=3, early_stopping=True),
    "squared_error": SGDRegressor(max_iter=3),
    "epsilon_insensitive": SGDRegressor(loss="epsilon_insensitive", max_iter=3),
    "one class": SGDOneClassSVM(max_iter=3),
    "batches": SGDRegressor(optimizer="adam", batch_size=16, max_iter=3),
    "batches, hinge": SGDClassifier(optimizer="sgd", batch_size=16, max_iter=3),
    "batches, softmax": SGDClassifier(loss="log_loss", optimizer="adam", batch_size=16, multi_class="multinomial", max_iter=3),
    "batches, asked": SGDRegressor(optimizer="sgd", batch_size=16, schedule=schedules.PolyakStep(max_lr=0.1), max_iter=3),
    "auto": SGDRegressor(optimizer="auto", max_iter=3),
}


def targets(name):
    return (Y > 0) + (Y > 1) * 1 if "classes" in name or "softmax" in name else Y if "Regressor" in repr(MODELS[name]) else (Y > 0) * 1


@pytest.mark.parametrize("row", [0, 150, 299])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("layout", [np.asarray, np.asfortranarray, sp.csr_matrix, np.float32], ids=["C", "F", "CSR", "float32"])
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.repeats(5)
def test_x_that_is_not_finite_is_refused(name, layout, value, row):
    """With scikit-learn's words, and the estimator as it was; also in a row of weight 0."""
    bad = X.copy()
    bad[row, 3] = value
    weight = np.where(np.arange(300) == row, 0.0, 1.0)
    words = "Input X contains NaN" if np.isnan(value) else "Input X contains infinity"
    model = MODELS[name].__class__(**MODELS[name].get_params())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for arguments in ({}, {"sample_weight": weight}):
            with pytest.raises(ValueError, match=words):
                model.fit(layout(bad), targets(name), **arguments)
            assert not [key for key in vars(model) if key.endswith("_")]
        model.fit(layout(X), targets(name))
        before = model.coef_.copy()
        if not model.get_params().get("early_stopping"):
            with pytest.raises(ValueError, match=words):
                model.partial_fit(layout(bad), targets(name))
        assert np.array_equal(model.coef_, before)


@pytest.mark.parametrize("name", ["log_loss", "squared_error", "one class", "batches"])
def test_the_numbers_of_x_are_not_looked_at_before(name, monkeypatch):
    """No pass over X but the epochs."""
    from fastopt._estimators import data

    looked = []
    monkeypatch.setattr(data, "sum_is_finite", lambda a, real=data.sum_is_finite: looked.append(a.shape) or real(a))
    MODELS[name].fit(X, targets(name))
    assert X.shape not in looked


def test_divergence_is_not_taken_for_bad_data():
    """Predictions overflow, X is finite: the error is the one of divergence."""
    model = SGDClassifier(loss="hinge", learning_rate="constant", eta0=1.0, alpha=0.0, max_iter=2, tol=None)
    with pytest.raises(DivergenceError):
        model.fit(np.full((40, 2), 1e200), [0, 1] * 20)
