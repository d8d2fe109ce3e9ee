"""How the SGD estimators train: every loss to its optimum, several outputs, partial_fit, weights, divergence, Ctrl-C."""
import os
import signal
import threading
import time

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import r2_score

import fastopt as fo
from fastopt.exceptions import DivergenceError
from fastopt.linear_model import SGDClassifier, SGDRegressor
from sgd_cases import ESTIMATORS, D, N, problem, target

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
CLASSIFIER_LOSSES = [name for name in fo.losses.names() if fo.losses.registry[name].target in ("sign", "unit", "real")]
REGRESSOR_LOSSES = [name for name in fo.losses.names() if fo.losses.registry[name].target not in ("sign", "unit")]


def near_the_optimum(loss, y, X, model, alpha):
    """The objective at the model's weights is near the least, which scipy finds."""
    def objective(w):
        return loss.value(y, X @ w[:-1] + w[-1]) + alpha / 2 * w[:-1] @ w[:-1]

    least = min(scipy.optimize.minimize(objective, np.zeros(D + 1), method=method).fun for method in ("BFGS", "Powell"))
    assert objective(np.append(np.ravel(model.coef_), model.intercept_)) - least <= 1e-3


@pytest.mark.parametrize("name", CLASSIFIER_LOSSES)
def test_every_loss_classifies_at_its_optimum(name):
    X, score = problem()
    y = (score > 0).astype(int)
    model = SGDClassifier(loss=name, alpha=0.1, learning_rate="invscaling", eta0=0.2, average=True, max_iter=300, tol=None,
                          random_state=0).fit(X, y)
    assert model.score(X, y) > 0.7
    loss = model._loss()
    near_the_optimum(loss, y if loss.target != "real" else 2 * y - 1, X, model, 0.1)


@pytest.mark.parametrize("name", REGRESSOR_LOSSES)
def test_every_loss_regresses_at_its_optimum(name):
    X, score = problem()
    target = fo.losses.registry[name].target
    y = score if target == "real" else np.exp(0.5 * score) * np.random.default_rng(1).gamma(3, 1 / 3, size=N)
    model = SGDRegressor(loss=name, alpha=0.1, learning_rate="invscaling", eta0=0.1, average=True, max_iter=300, tol=None,
                         random_state=0).fit(X, y)
    near_the_optimum(model._loss(), y, X, model, 0.1)
    if target != "real":
        p = X @ model.coef_ + model.intercept_
        mean = np.expm1(p) if name == "mean_squared_log_error" else np.exp(p)
        np.testing.assert_allclose(model.predict(X), mean)
        assert model.score(X, y) == pytest.approx(r2_score(y, mean))


@pytest.mark.parametrize("loss", [fo.losses.Huber(delta=2.0), fo.losses.Quantile(quantile=0.9), fo.losses.Tweedie(1.2),
                                  fo.losses.GeneralRobust(alpha=-1.0)])
def test_losses_with_parameters(loss):
    X, score = problem()
    y = score if loss.target == "real" else np.exp(score)
    model = SGDRegressor(loss=loss, random_state=0).fit(X, y)
    assert model.loss is loss and np.isfinite(model.coef_).all()
    if loss.name == "quantile":
        assert 0.8 < (y <= model.predict(X)).mean() < 0.97


@pytest.mark.parametrize("layout", [np.asarray, scipy.sparse.csr_matrix])
@pytest.mark.parametrize("average", [False, True])
def test_several_outputs_are_several_models(layout, average):
    X, score = problem()
    y = np.column_stack([score, -2 * score, score ** 2])
    params = {"random_state": 0, "average": average, "max_iter": 30}
    model = SGDRegressor(**params).fit(layout(X), y)
    assert model.coef_.shape == (3, D) and model.intercept_.shape == (3,) and model.predict(X).shape == (N, 3)
    singles = [SGDRegressor(**params).fit(layout(X), column) for column in y.T]
    for j, single in enumerate(singles):
        np.testing.assert_allclose(model.coef_[j], single.coef_, rtol=1e-9, atol=1e-12)
    assert model.score(X, y) == pytest.approx(r2_score(y, model.predict(X)))
    model.partial_fit(layout(X), y)
    assert model.coef_.shape == (3, D)
    with pytest.raises(ValueError, match="does not match"):
        model.partial_fit(layout(X), score)


@pytest.mark.parametrize("average", [False, 50, True])
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_partial_fit_goes_on_exactly(cls, average):
    """Epochs of partial_fit are epochs of fit, intercepts, averages and steps included."""
    X, score = problem()
    y = target(cls, score)
    params = {"average": average, "shuffle": False, "tol": None, "learning_rate": "invscaling", "eta0": 0.1}
    once = cls(max_iter=4, **params).fit(X, y)
    classes = {"classes": [0, 1, 2]} if cls is SGDClassifier else {}
    parts = cls(**params)
    for _ in range(4):
        parts.partial_fit(X, y, **classes)
    halves = cls(**params)
    for part in [slice(0, 90), slice(90, N)] * 4:
        halves.partial_fit(X[part], None if y is None else y[part], **classes)
    for other in (parts, halves):
        np.testing.assert_allclose(other.coef_, once.coef_, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(other.decision_function(X) if y is None else other.predict(X),
                                   once.decision_function(X) if y is None else once.predict(X), rtol=1e-9, atol=1e-12)
        assert other.t_ == once.t_
    np.testing.assert_allclose(parts.loss_curve_, once.loss_curve_)


def test_averaging_may_begin_late():
    X, score = problem()
    model = SGDRegressor(shuffle=False).partial_fit(X, score).set_params(average=True)
    begin = model.coef_.copy()
    model.partial_fit(X[:1], score[:1])
    np.testing.assert_array_equal(model.coef_, model._standard_coef)   # the average of one step
    assert np.abs(model.coef_ - begin).max() < 0.1
    model.partial_fit(X, score).set_params(average=False).partial_fit(X, score)
    assert "_average_coef" not in vars(model)


def test_a_weight_of_two_is_twice_the_step():
    """Without penalty and intercept's coupling a row of weight 0 is no row, and weights scale the rate."""
    X, score = problem()
    params = {"penalty": None, "learning_rate": "constant", "eta0": 0.01, "shuffle": False, "tol": None, "max_iter": 3}
    weight = np.random.default_rng(0).integers(0, 2, size=N)
    np.testing.assert_allclose(SGDRegressor(**params).fit(X, score, sample_weight=weight).coef_,
                               SGDRegressor(**params).fit(X[weight > 0], score[weight > 0]).coef_)
    np.testing.assert_allclose(SGDRegressor(**params).fit(X, score, sample_weight=np.full(N, 2.0)).coef_,
                               SGDRegressor(**{**params, "eta0": 0.02}).fit(X, score).coef_)
    absolute = {**params, "loss": "absolute_error", "eta0": 1e-7}   # the sign does not change between two such steps
    np.testing.assert_allclose(SGDRegressor(**absolute).fit(X, score, sample_weight=1 + weight).coef_,
                               SGDRegressor(**absolute).fit(np.repeat(X, 1 + weight, axis=0),
                                                            np.repeat(score, 1 + weight)).coef_, rtol=1e-4)


@pytest.mark.parametrize("dtype, scale", [(np.float32, 1e15), (np.float64, 1e150)])
def test_divergence(dtype, scale):
    X, score = problem()
    X = (X * scale).astype(dtype)
    params = {"learning_rate": "constant", "eta0": scale, "random_state": 0, "penalty": None}
    model = SGDRegressor(**params)
    with pytest.raises(DivergenceError, match="(?s)epoch #1: .*learning rate 1e.*StandardScaler.* eta0") as raised:
        model.fit(X, score)
    assert raised.value.epoch == 1 and raised.value.feature_scale == pytest.approx(np.abs(X).max())
    assert vars(model) == vars(SGDRegressor(**params))
    with pytest.raises(DivergenceError):
        model.partial_fit(X, score)
    assert vars(model) == vars(SGDRegressor(**params))
    model.set_params(eta0=1e-300).partial_fit(X, score)
    before = dict(vars(model))
    with pytest.raises(DivergenceError):
        model.set_params(eta0=scale).partial_fit(X, score)
    assert {**vars(model), "eta0": 1e-300} == before


def test_divergence_keeps_the_last_finite_weights():
    X, score = problem()
    model = SGDRegressor(power_t=-40.0, eta0=1e-10, random_state=0, tol=None, penalty=None)
    with pytest.raises(DivergenceError) as raised:
        model.fit(X, score)
    assert raised.value.epoch == model.n_iter_ + 1 > 1
    assert np.isfinite(model.coef_).all() and len(model.loss_curve_) == model.n_iter_
    with pytest.warns(FutureWarning):
        again = clone(model).set_params(max_iter=model.n_iter_).fit(X, score)
    np.testing.assert_array_equal(model.coef_, again.coef_)


def test_weights_that_grow_beyond_use_are_warned_of():
    X, score = problem()
    with pytest.warns(ConvergenceWarning, match="diverged.*StandardScaler"):
        SGDRegressor(random_state=0).fit(X * 1e3, score)


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("fitted", [False, True])
def test_ctrl_c(cls, fitted):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50_000, 20)).astype(np.float32)
    y = target(cls, X[:, 0])
    model = cls(tol=None, max_iter=20_000)   # a minute, should Ctrl-C not arrive
    if fitted:
        model.set_params(max_iter=1).fit(X[:100], None if y is None else y[:100]).set_params(max_iter=20_000)
    before = dict(vars(model))
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert time.perf_counter() - start < 1.3
    timer.join()
    assert vars(model) == before
