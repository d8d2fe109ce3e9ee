"""How the SGD estimators train beyond scikit-learn: every loss to its optimum, several outputs, eval_set, best weights,
curves, callbacks, divergence, Ctrl-C.
"""
import os
import signal
import threading
import time

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse
from sklearn.base import clone
from sklearn.metrics import r2_score

import fastopt as fo
from fastopt.exceptions import DivergenceError
from fastopt.linear_model import SGDClassifier, SGDOneClassSVM, SGDRegressor

ESTIMATORS = [SGDClassifier, SGDRegressor, SGDOneClassSVM]
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
N, D = 200, 4


def problem(seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N, D))
    return X, X @ [0.5, -1.0, 0.0, 0.3] + 0.5 * rng.standard_t(5, size=N) + 0.2


def target(cls, score):
    return {SGDClassifier: np.digitize(score, [-0.7, 0.7]), SGDRegressor: score, SGDOneClassSVM: None}[cls]


CLASSIFIER_LOSSES = [name for name in fo.losses.names() if fo.losses.registry[name].target in ("sign", "unit", "real")]
REGRESSOR_LOSSES = [name for name in fo.losses.names() if fo.losses.registry[name].target not in ("sign", "unit")]


def near_the_optimum(loss, y, X, model, alpha):
    """The objective at the model's weights is within 1 % of the least, which scipy finds."""
    def objective(w):
        return loss.value(y, X @ w[:-1] + w[-1]) + alpha / 2 * w[:-1] @ w[:-1]

    start = np.zeros(D + 1)
    least = min(scipy.optimize.minimize(objective, start, method=method).fun for method in ("BFGS", "Powell"))
    found = objective(np.append(np.ravel(model.coef_), model.intercept_))
    assert found - least <= 0.01 * max(abs(least), objective(start) - least)


@pytest.mark.parametrize("name", CLASSIFIER_LOSSES)
def test_every_loss_classifies_at_its_optimum(name):
    X, score = problem()
    y = (score > 0).astype(int)
    model = SGDClassifier(loss=name, alpha=0.1, learning_rate="invscaling", eta0=0.2, average=True, max_iter=300, tol=None,
                          random_state=0).fit(X, y)
    assert model.score(X, y) > 0.75
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
        np.testing.assert_allclose(model.predict(X), np.exp(p))
        assert model.score(X, y) == pytest.approx(r2_score(y, np.exp(p)))


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


# ---- validation ----

@pytest.mark.parametrize("cls", [SGDClassifier, SGDRegressor])
@pytest.mark.parametrize("average", [False, True, 700])
def test_eval_set_is_scored_as_the_user_would(cls, average):
    X, score = problem()
    y, X_val, y_val = target(cls, score), *(lambda X, s: (X, target(cls, s)))(*problem(1))
    seen = []
    model = cls(random_state=0, average=average, max_iter=12, alpha=0.01)
    model.fit(X, y, eval_set=(X_val, y_val), callback=seen.append)
    assert len(model.validation_curve_) == len(model.loss_curve_) == model.n_iter_ == len(seen)
    assert model.validation_curve_[-1] == pytest.approx(model.score(X_val, y_val))
    assert [r.nit for r in seen] == list(range(1, model.n_iter_ + 1))
    assert [r.fun for r in seen] == model.loss_curve_ and [r.validation_score for r in seen] == model.validation_curve_
    assert all(a.seconds <= b.seconds for a, b in zip(seen, seen[1:])) and seen[0].seconds >= 0
    shorter = clone(model).set_params(max_iter=5).fit(X, y)
    assert shorter.score(X_val, y_val) == pytest.approx(model.validation_curve_[4])
    assert "validation_curve_" not in vars(shorter)


@pytest.mark.parametrize("layout", [np.asarray, scipy.sparse.csr_matrix])
@pytest.mark.parametrize("cls", [SGDClassifier, SGDRegressor])
def test_early_stopping_on_eval_set(cls, layout):
    X, score = problem()
    y = target(cls, score)
    X_val, s_val = problem(1)
    params = {"random_state": 0, "early_stopping": True, "n_iter_no_change": 3, "tol": 1e-3, "max_iter": 500, "alpha": 0.01}
    model = cls(**params).fit(layout(X), y, eval_set=(layout(X_val), target(cls, s_val)))
    curve = np.array(model.validation_curve_)
    assert model.n_iter_ == len(curve) < 500
    assert (curve[-3:] < np.maximum.accumulate(curve)[-4] + 1e-3).all()
    held = cls(**params).fit(layout(X), y)   # a part of the data
    assert len(held.validation_curve_) == held.n_iter_ < 500
    best = clone(model).set_params(restore_best=True).fit(layout(X), y, eval_set=(layout(X_val), target(cls, s_val)))
    assert best.best_iter_ == 1 + int(curve.argmax())
    assert best.score(layout(X_val), target(cls, s_val)) == pytest.approx(curve.max())
    assert best.n_iter_ == model.n_iter_


@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
def test_held_out_accuracy_is_true(loss):
    """The score of the last epoch is the estimator's own on the rows that scikit-learn's splitter holds out."""
    from sklearn.model_selection import StratifiedShuffleSplit
    X, score = problem()
    for y in (score > 0, np.digitize(score, [-0.7, 0.7])):
        model = SGDClassifier(loss=loss, early_stopping=True, random_state=5, max_iter=30, validation_fraction=0.2).fit(X, y)
        _, rows = next(StratifiedShuffleSplit(test_size=0.2, random_state=5).split(X, y))
        assert model.validation_curve_[-1] == pytest.approx(model.score(X[rows], y[rows]))


def test_restore_best_without_validation_goes_by_the_loss():
    X, score = problem()
    model = SGDRegressor(restore_best=True, learning_rate="constant", eta0=0.05, max_iter=20, tol=None, random_state=0)
    model.fit(X, score)
    assert model.best_iter_ == 1 + int(np.argmin(model.loss_curve_))


def test_scores_that_overflow_do_not_hide_anything():
    X, score = problem()
    model = SGDRegressor(loss="poisson", max_iter=3, tol=None)
    model.fit(X, np.exp(score), eval_set=(X * 1e300, np.exp(score)))
    assert model.validation_curve_ == [-np.inf] * 3


def test_loss_curve_is_the_mean_loss():
    X, score = problem()
    model = SGDRegressor(loss="huber", learning_rate="constant", eta0=1e-12, tol=None, max_iter=2, penalty=None).fit(X, score)
    assert model.loss_curve_ == pytest.approx([fo.losses.Huber(delta=0.1).value(score, np.zeros(N))] * 2)


# ---- callbacks ----

@pytest.mark.parametrize("cls", ESTIMATORS)
def test_stop_iteration_keeps_the_weights_so_far(cls):
    X, score = problem()

    def callback(result):
        if result.nit == 3:
            raise StopIteration

    model = cls(random_state=0, tol=None).fit(X, target(cls, score), callback=callback)
    assert model.n_iter_ == 3
    np.testing.assert_array_equal(model.coef_, cls(random_state=0, tol=None, max_iter=3).fit(X, target(cls, score)).coef_)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_an_error_in_a_callback_changes_nothing(cls):
    X, score = problem()
    y = target(cls, score)

    def callback(result):
        raise OSError("no space left")

    model = cls()
    with pytest.raises(OSError, match="no space"):
        model.fit(X, y, callback=callback)
    assert vars(model) == vars(cls())
    model.fit(X, y)
    before = dict(vars(model))
    with pytest.raises(OSError, match="no space"):
        model.fit(X[:, :3], y, callback=callback)
    assert vars(model) == before


# ---- divergence, Ctrl-C ----

@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_divergence(dtype):
    X, score = problem()
    X = (X * 1e3).astype(dtype)
    model = SGDRegressor(learning_rate="constant", eta0=1e6, random_state=0)
    with pytest.raises(DivergenceError, match="epoch 1: .* learning rate 1e\\+06 .* StandardScaler.* eta0") as raised:
        model.fit(X, score)
    assert raised.value.epoch == 1 and raised.value.feature_scale == pytest.approx(np.abs(X).max())
    assert vars(model) == vars(SGDRegressor(learning_rate="constant", eta0=1e6, random_state=0))
    with pytest.raises(DivergenceError):
        model.partial_fit(X, score)
    assert not hasattr(model, "coef_")
    model.set_params(eta0=1e-9).partial_fit(X, score)
    before = dict(vars(model))
    with pytest.raises(DivergenceError):
        model.set_params(eta0=1e6).partial_fit(X, score)
    assert {**vars(model), "eta0": 1e-9} == before


def test_divergence_keeps_the_last_finite_weights():
    X, score = problem()
    model = SGDRegressor(learning_rate="constant", eta0=0.6, random_state=0, tol=None, penalty=None)
    with pytest.raises(DivergenceError) as raised:
        model.fit(X * 1.3, score)
    assert raised.value.epoch == model.n_iter_ + 1 > 1
    assert np.isfinite(model.coef_).all() and len(model.loss_curve_) == model.n_iter_
    again = clone(model).set_params(max_iter=model.n_iter_).fit(X * 1.3, score)
    np.testing.assert_array_equal(model.coef_, again.coef_)


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("fitted", [False, True])
def test_ctrl_c(cls, fitted):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50_000, 20)).astype(np.float32)
    y = target(cls, X[:, 0])
    model = cls(tol=None, max_iter=10 ** 6)
    if fitted:
        model.set_params(max_iter=1).fit(X[:100], None if y is None else y[:100]).set_params(max_iter=10 ** 6)
    before = dict(vars(model))
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert time.perf_counter() - start < 1.3
    timer.join()
    assert vars(model) == before
