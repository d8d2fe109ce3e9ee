"""LinearSVC(multi_class="crammer_singer") and the hinges of several classes in GeneralizedLinearEstimator, beside scikit-learn's LIBLINEAR.

The objective is computed in plain NumPy.
"""
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn import svm
from sklearn.datasets import load_digits, load_iris, load_wine, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale

from fastopt import penalties
from fastopt.linear_model import GeneralizedLinearEstimator, LinearSVC
from reference.chains import class_losses, class_objective

BINARY = make_classification(120, 8, n_classes=2, class_sep=0.8, random_state=0)


def overlapping(k, n=150, d=5, seed=0, noise=2.0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    y = (X @ rng.normal(size=(d, k)) + noise * rng.normal(size=(n, k))).argmax(axis=1)
    y[:k] = np.arange(k)
    return X, y


def objective(model, X, y, weight=None, balance=None):
    """C·Σ weight·loss + ‖W‖²/2, the intercepts' weights among them; two classes that share coefficients have half of them each."""
    W, b, weight = model.coef_, np.ravel(model.intercept_), np.ones(len(y)) if weight is None else weight
    if len(W) == 1:
        W, b = np.vstack([-W, W]) / 2, np.array([-b[0], b[0]]) / 2
    codes = np.searchsorted(model.classes_, y)
    weight = weight if balance is None else weight * balance[codes]
    return model.C * weight @ class_losses(X @ W.T + b, codes, "crammer_singer") + (W * W).sum() / 2 + (b @ b) / model.intercept_scaling ** 2 / 2


def both(X, y, weight=None, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)   # of theirs, which counts passes over few samples
        theirs = svm.LinearSVC(multi_class="crammer_singer", tol=1e-9, max_iter=10 ** 6, random_state=0, **options).fit(X, y, weight)
    return LinearSVC(multi_class="crammer_singer", tol=1e-9, max_iter=10 ** 5, **options).fit(X, y, weight), theirs


DATA = {"binary": BINARY, "3": overlapping(3), "10": overlapping(10, 300, noise=0.3), "iris": load_iris(return_X_y=True),
        "wine": (scale(load_wine().data), load_wine().target), "wide": overlapping(4, 40, 80)}


@pytest.mark.parametrize("options", [{}, {"C": 0.05}, {"fit_intercept": False}, {"intercept_scaling": 4.0, "C": 3.0}], ids=str)
@pytest.mark.parametrize("name", DATA)
def test_optimum(name, options):
    X, y = DATA[name]
    ours, theirs = both(X, y, **options)
    found, best = objective(ours, X, y), objective(theirs, X, y)
    assert best * (1 - 1e-4) < found < best * (1 + 1e-6)   # theirs stops after 100,000 passes over what it has not left out
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=2e-3 * np.abs(theirs.coef_).max())
    assert ours.coef_.shape == theirs.coef_.shape and (np.shape(ours.intercept_) == np.shape(theirs.intercept_) or "fit_intercept" in options)
    assert np.array_equal(ours.classes_, theirs.classes_) and isinstance(ours.n_iter_, int)
    assert (ours.predict(X) == theirs.predict(X)).mean() > 0.98
    np.testing.assert_allclose(ours.decision_function(X), theirs.decision_function(X), atol=1e-2 * np.abs(theirs.decision_function(X)).max())


@pytest.mark.parametrize("name", ["binary", "3"])
def test_weights_of_samples_and_classes(name):
    X, y = DATA[name]
    weight = np.random.default_rng(0).uniform(0, 3, len(y)) * (np.arange(len(y)) % 4 > 0)
    for class_weight in (None, "balanced", {0: 5.0}):
        ours, theirs = both(X, y, weight, class_weight=class_weight)
        sums = np.bincount(y, weight)
        balance = {None: np.ones(len(sums)), "balanced": weight.sum() / (len(sums) * sums)}.get(
            class_weight if not isinstance(class_weight, dict) else "", np.array([5.0] + [1.0] * (len(sums) - 1)))
        assert objective(ours, X, y, weight, balance) == pytest.approx(objective(theirs, X, y, weight, balance), rel=1e-6)
    other = X.copy()
    other[weight == 0] = np.pi
    assert np.array_equal(LinearSVC(multi_class="crammer_singer").fit(X, y, weight).coef_,
                          LinearSVC(multi_class="crammer_singer").fit(other, y, weight).coef_)


@pytest.mark.parametrize("name", ["binary", "3"])
def test_loss_penalty_and_dual_are_ignored(name):
    X, y = DATA[name]
    plain = LinearSVC(multi_class="crammer_singer").fit(X, y)
    for options in ({"loss": "hinge"}, {"penalty": "l1", "dual": False}, {"penalty": "l1", "loss": "hinge"}, {"dual": True}):
        assert np.array_equal(LinearSVC(multi_class="crammer_singer", **options).fit(X, y).coef_, plain.coef_)
    assert not np.allclose(LinearSVC().fit(X, y).coef_, plain.coef_)


def test_names_of_classes_formats_and_types():
    X, y = DATA["3"]
    names = np.array(["b", "a", "c"])[y]
    model = LinearSVC(multi_class="crammer_singer", tol=1e-6).fit(X, names)
    assert list(model.classes_) == ["a", "b", "c"] and set(model.predict(X)) == {"a", "b", "c"}
    best = objective(model, X, names)
    for other in (sp.csr_matrix(X), X.astype(np.float32), sp.csr_matrix(X.astype(np.float32)), np.asfortranarray(X)):
        found = LinearSVC(multi_class="crammer_singer", tol=1e-6).fit(other, names)
        assert found.coef_.dtype == other.dtype and objective(found, X, names) == pytest.approx(best, rel=1e-5)
        assert (found.predict(other) == model.predict(X)).mean() > 0.98


def test_digits_converge_at_defaults():
    X, y = load_digits(return_X_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = LinearSVC(multi_class="crammer_singer").fit(X / 16, y)
    theirs = svm.LinearSVC(multi_class="crammer_singer", max_iter=10 ** 6).fit(X / 16, y)
    assert objective(model, X / 16, y) == pytest.approx(objective(theirs, X / 16, y), rel=2e-4) and model.score(X / 16, y) > 0.98


@pytest.mark.parametrize("loss", ["crammer_singer", "weston_watkins"])
@pytest.mark.parametrize("k", [2, 4])
def test_any_estimator(loss, k):
    X, y = overlapping(k)
    model = GeneralizedLinearEstimator(loss, penalty=penalties.L2(0.02), tol=1e-7).fit(X, y)
    assert model.coef_.shape == (k, 5) and model.score(X, y) > 1.2 / k and not hasattr(model, "predict_proba")
    assert np.array_equal(model.predict(X), (X @ model.coef_.T + model.intercept_).argmax(axis=1))
    value, rng = class_objective(X, y, loss, model.coef_, model.intercept_, l2=0.02), np.random.default_rng(0)
    for _ in range(200):
        size = 10 ** rng.uniform(-4, 0)
        other = class_objective(X, y, loss, model.coef_ + size * rng.normal(size=(k, 5)), model.intercept_ + size * rng.normal(size=k), l2=0.02)
        assert other > value * (1 - 1e-7)


def test_bad_input():
    X, y = DATA["3"]
    for model, words in ((LinearSVC(multi_class="both"), "multi_class"), (LinearSVC(multi_class="crammer_singer", solver="lbfgs"), "'sdca'"),
                         (LinearSVC(multi_class="crammer_singer", intercept_scaling=0), "intercept_scaling"),
                         (LinearSVC(multi_class="crammer_singer", C=-1.0), "C must be")):
        with pytest.raises(ValueError, match=words):
            model.fit(X, y)
    with pytest.raises(ValueError, match="class"):
        LinearSVC(multi_class="crammer_singer").fit(X, np.zeros(len(y)))
    with pytest.raises(ValueError):
        LinearSVC(multi_class="crammer_singer").fit(np.where(X > 2, np.nan, X), y)
    with pytest.raises(ValueError, match="no solver takes this loss"):
        GeneralizedLinearEstimator("crammer_singer").fit(X, y)
    with pytest.warns(ConvergenceWarning, match="Liblinear failed to converge"):
        LinearSVC(multi_class="crammer_singer", max_iter=1, tol=1e-9).fit(X, y)
