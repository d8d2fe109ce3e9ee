"""Classifiers by the losses of all classes of a row, end to end on iris, and with two classes."""
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import scale

from fastopt import losses, penalties
from fastopt._models import load_model, save_model
from fastopt.linear_model import GeneralizedLinearEstimator, LogisticRegression, SGDClassifier, SGDRegressor

X, Y = load_iris(return_X_y=True)
X, NAMES = scale(X), load_iris().target_names[Y]
CLASSES = [name for name in losses.names(couples_outputs=True) if losses.get(name).target == "class"]
SMOOTH = [name for name in CLASSES if losses.get(name).smooth]
HOW = {"batches": {"batch_size": 16, "optimizer": "adam", "eta0": 0.05, "max_iter": 200}, "auto": {"optimizer": "auto"},
       "rows": {"max_iter": 30, "eta0": 0.05, "learning_rate": "constant"}}


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("name", CLASSES)
def test_sgd_learns_iris(name, how):
    for loss in (name, losses.get(name)):
        model = SGDClassifier(loss, random_state=0, tol=None if how == "rows" else 1e-3, **HOW[how]).fit(X, NAMES)
        assert model.score(X, NAMES) > 0.93 and model.coef_.shape == (3, 4)
        assert np.array_equal(model.predict(X), model.classes_[losses.get(name).predict(model.decision_function(X)).reshape(150, -1).argmax(axis=1)]
                              if name in SMOOTH else model.classes_[losses.get(name).predict(model.decision_function(X))])
    if name in SMOOTH:
        share = model.predict_proba(X)
        np.testing.assert_allclose(share, losses.get(name).predict(model.decision_function(X)), atol=1e-12)
        assert (share == 0).any() == (name == "sparsemax")
    else:
        with pytest.raises(AttributeError):
            model.predict_proba(X)


@pytest.mark.parametrize("name", SMOOTH)
def test_solvers_learn_iris(name):
    model = GeneralizedLinearEstimator(name, penalty=penalties.L2(1e-3)).fit(X, NAMES)
    assert model.score(X, NAMES) > 0.95 and abs(model.intercept_.mean()) < 1e-12
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)
    weight = np.arange(150) % 2
    some = clone(model).fit(X, NAMES, sample_weight=weight)
    np.testing.assert_allclose(some.coef_, clone(model).fit(X[1::2], NAMES[1::2]).coef_, atol=1e-2)


def test_focal_and_poly_at_0_are_logistic_regression():
    want = LogisticRegression(C=1 / (1e-2 * 150), tol=1e-8).fit(X, NAMES)
    for loss in (losses.SoftmaxFocal(gamma=0.0), losses.SoftmaxPoly(epsilon=0.0)):
        model = GeneralizedLinearEstimator(loss, penalty=penalties.L2(1e-2), tol=1e-8).fit(X, NAMES)
        np.testing.assert_allclose(model.coef_, want.coef_, atol=1e-5)


@pytest.mark.parametrize("name", CLASSES)
def test_two_classes_have_an_output_each(name):
    data, y = load_breast_cancer(return_X_y=True)
    data = scale(data)
    models = [SGDClassifier(name, batch_size=32, random_state=0, class_weight="balanced", early_stopping=True)]
    models += [GeneralizedLinearEstimator(name, penalty="l2")] if name in SMOOTH else []
    for model in models:
        model.fit(data, y)
        decision = model.decision_function(data)
        assert decision.shape == (len(y),) and np.array_equal(model.predict(data), (decision > 0).astype(int))
        assert model.score(data, y) > 0.93 and roc_auc_score(y, decision) > 0.97
        if name in SMOOTH:
            assert model.predict_proba(data).shape == (len(y), 2)


@pytest.mark.parametrize("loss", ["sparsemax", losses.SoftmaxFocal(1.0), "crammer_singer"], ids=str)
@pytest.mark.parametrize("classes", [2, 3])
def test_saved_models_predict_the_same_and_go_on(loss, classes, tmp_path):
    y = np.minimum(Y, classes - 1)
    model = SGDClassifier(loss, batch_size=16, random_state=0).fit(X, y)
    save_model(model, tmp_path / "model.npz")
    again = load_model(tmp_path / "model.npz")
    assert np.array_equal(again.decision_function(X), model.decision_function(X)) and again.coef_.shape == (classes, 4)
    assert np.array_equal(again.partial_fit(X, y).coef_, model.partial_fit(X, y).coef_)


def test_partial_fit_goes_on():
    model = SGDClassifier("sparsemax", batch_size=16, random_state=0, optimizer="adam", eta0=0.05)
    for _ in range(30):
        model.partial_fit(X, NAMES, classes=np.unique(NAMES))
    assert model.score(X, NAMES) > 0.9


@pytest.mark.parametrize("estimator, loss", [
    (SGDClassifier, "quantile_levels"), (GeneralizedLinearEstimator, "quantile_levels"), (GeneralizedLinearEstimator, losses.QuantileLevels()),
    (SGDRegressor, "sparsemax"), *((one, loss) for one in (SGDClassifier, SGDRegressor, GeneralizedLinearEstimator)
                                   for loss in ("kl_divergence", losses.GeneralizedKL()))])
def test_losses_of_other_targets_are_refused(estimator, loss):
    with pytest.raises(ValueError, match="loss of .* must be"):
        estimator(loss).fit(X, Y)


def pinball(y, t, weight, levels):
    """The mean quantile loss over levels, by NumPy."""
    r = y[:, None] - t
    return np.average(np.maximum(levels * r, (levels - 1) * r).mean(axis=1), weights=weight)


@pytest.mark.parametrize("weight", [None, np.random.default_rng(0).integers(0, 3, 442).astype(float)], ids=["alike", "weighted"])
def test_a_regressor_learns_levels_that_do_not_cross(weight):
    data, y = load_diabetes(return_X_y=True)
    data, y = scale(data), scale(y)
    levels = np.linspace(0.1, 0.9, 5)
    model = SGDRegressor(losses.QuantileLevels(0.1, 0.9, 5), optimizer="adam", eta0=0.01, learning_rate="constant", batch_size=32, max_iter=200,
                         tol=None, random_state=0).fit(data, y, sample_weight=weight)
    t = model.predict(data)
    assert t.shape == (442, 5) and model.coef_.shape == (5, 10) and (np.diff(t, axis=1) > 0).all()
    np.testing.assert_allclose(np.average(y[:, None] <= t, axis=0, weights=weight), levels, atol=0.04)
    best = min(pinball(y, np.quantile(np.repeat(y, 1 if weight is None else weight.astype(int)), levels)[None] + off, weight, levels)
               for off in (0, 1e-9))
    assert model.score(data, y, weight) == pytest.approx(1 - pinball(y, t, weight, levels) / best, abs=2e-3)
    assert model.score(data, y, weight) > 0.25


def test_levels_stop_early_and_go_on():
    data, y = load_diabetes(return_X_y=True)
    data, y = scale(data), scale(y)
    model = SGDRegressor("quantile_levels", batch_size=16, eta0=0.05, early_stopping=True, random_state=0).fit(data, y, eval_set=(data, y))
    assert model.n_iter_ < 1000 and model.score(data, y) > 0.15
    assert model.partial_fit(data, y).predict(data).shape == (442, 9)
    with pytest.raises(ValueError, match=r"y must have shape \(n,\) with loss='quantile_levels'"):
        model.fit(data, np.stack([y, y], axis=1))
    with pytest.raises(ValueError, match="optimizer of SGDRegressor must be another with loss='quantile_levels', whose distances .*got 'auto'"):
        SGDRegressor("quantile_levels", optimizer="auto").fit(data, y)
