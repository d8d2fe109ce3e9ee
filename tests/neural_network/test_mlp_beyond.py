"""What the perceptrons have beyond scikit-learn's: activations by layer, losses, class weights, validation data, optimizers, schedules, callbacks."""
import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss, r2_score

from fastopt import losses, optimizers, schedules
from fastopt.neural_network import MLPClassifier, MLPRegressor
from network_data import BINARY, CLASSES, COLUMNS, COUNTS, LABELS, NUMBERS, WEIGHTS
from reference import network

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
BASE = {"hidden_layer_sizes": (7, 5), "max_iter": 10, "random_state": 3, "batch_size": 32, "learning_rate_init": 0.01}
FITS = {"hidden_layer_sizes": (16,), "max_iter": 150, "random_state": 0, "batch_size": 32, "learning_rate_init": 0.02, "tol": 0.0}


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True))


def plain_gradient_norm(model, X, y, loss, activations):
    """The largest element of the gradient of all rows, by the reference."""
    net = network.Network([X.shape[1], *(coef.shape[1] for coef in model.coefs_)], [*activations, "identity"], loss, l2=model.alpha)
    net.set_weights(model.coefs_, model.intercepts_)
    _, coefs, intercepts = net.value_and_gradient(X, y)
    return max(np.abs(g).max() for g in coefs + intercepts)


# ---- activations, first weights ----

def test_an_activation_for_each_layer():
    X, y = CLASSES
    assert same(MLPClassifier(**{**BASE, "activation": ["tanh", "tanh"]}).fit(X, y), MLPClassifier(**BASE, activation="tanh").fit(X, y))
    mixed = MLPClassifier(**{**BASE, "activation": ["tanh", "relu"]}).fit(X, y)
    a = np.maximum(np.tanh(X @ mixed.coefs_[0] + mixed.intercepts_[0]) @ mixed.coefs_[1] + mixed.intercepts_[1], 0)
    raw = a @ mixed.coefs_[2] + mixed.intercepts_[2]
    np.testing.assert_array_equal(mixed.predict(X), raw.argmax(axis=1))


@pytest.mark.parametrize("init", ["glorot_normal", "he_uniform", "orthogonal", "lecun_normal"])
def test_other_first_weights_learn_too(init):
    X, y = CLASSES
    model = MLPClassifier(**FITS, init=init).fit(X, y)
    assert model.score(X, y) > 0.9
    assert not same(model, MLPClassifier(**FITS).fit(X, y))


# ---- losses ----

@pytest.mark.parametrize("loss", ["hinge", "squared_hinge", "modified_huber", "focal", "binary_cross_entropy", "squared_error", "softmax_focal",
                                  "sparsemax", "crammer_singer", "multinomial", losses.Poly(epsilon=0.5)])
@pytest.mark.parametrize("data", [BINARY, CLASSES], ids=["two", "three"])
def test_losses_of_classes(loss, data):
    X, y = data
    model = MLPClassifier(**FITS, loss=loss).fit(X, np.array(["a", "b", "c"])[y])
    assert model.score(X, np.array(["a", "b", "c"])[y]) > 0.9
    if hasattr(model, "predict_proba"):
        shares = model.predict_proba(X)
        assert shares.shape == (len(X), len(model.classes_)) and shares.min() >= 0
        np.testing.assert_allclose(shares.sum(axis=1), 1)
        np.testing.assert_array_equal(model.classes_[shares.argmax(axis=1)], model.predict(X))


@pytest.mark.parametrize("loss", ["squared_hinge", "binary_cross_entropy"])
def test_losses_of_several_labels(loss):
    X, y = LABELS
    model = MLPClassifier(**FITS, loss=loss).fit(X, y)
    assert model.score(X, y) > 0.6
    assert set(np.unique(model.predict(X))) == {0, 1}


@pytest.mark.parametrize("loss, data", [("huber", NUMBERS), ("absolute_error", NUMBERS), ("log_cosh", COLUMNS), ("poisson", COUNTS),
                                        (losses.Huber(delta=0.1), COLUMNS), ("mean_squared_log_error", COUNTS)])
def test_losses_of_numbers(loss, data):
    X, y = data
    model = MLPRegressor(loss, **FITS).fit(X, y)
    assert model.score(X, y) > 0.8
    assert model.predict(X).shape == y.shape


def test_gradients_vanish_where_lbfgs_ends():
    X, y = NUMBERS
    model = MLPRegressor("log_cosh", hidden_layer_sizes=(4,), activation="tanh", solver="lbfgs", alpha=1.0, max_iter=2000, tol=1e-8, random_state=0)
    model.fit(X, y)
    assert plain_gradient_norm(model, X, y[:, None], losses.LogCosh(), ["tanh"]) < 1e-4


def test_levels_of_one_number():
    X, y = NUMBERS
    model = MLPRegressor(losses.QuantileLevels(0.1, 0.9, 3), **FITS).fit(X, y)
    levels = model.predict(X)
    assert levels.shape == (len(y), 3) and (np.diff(levels, axis=1) >= 0).all()
    assert model.score(X, y) > 0.6
    assert 0.02 < np.mean(y < levels[:, 0]) < 0.35


# ---- weights of classes ----

def test_class_weights_are_sample_weights():
    X, y = CLASSES
    each = np.array([1.0, 5.0, 0.5])
    by_class = MLPClassifier(**BASE, class_weight=dict(enumerate(each))).fit(X, y, sample_weight=WEIGHTS)
    assert same(by_class, MLPClassifier(**BASE).fit(X, y, sample_weight=WEIGHTS * each[y]))


def test_balanced_classes():
    X, y = BINARY
    rows = np.r_[np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:10]]
    counts = np.bincount(y[rows])
    weights = (len(rows) / 2 / counts)[y[rows]]
    balanced = MLPClassifier(**BASE, class_weight="balanced").fit(X[rows], y[rows])
    assert same(balanced, MLPClassifier(**BASE).fit(X[rows], y[rows], sample_weight=weights))


# ---- validation ----

def test_eval_set_is_scored_after_each_epoch():
    X, y = CLASSES
    model = MLPClassifier(**BASE).fit(X[:100], y[:100], eval_set=(X[100:], y[100:]))
    assert len(model.validation_loss_curve_) == model.n_iter_ == 10
    assert model.validation_scores_ is None
    assert model.validation_loss_curve_[-1] == pytest.approx(log_loss(y[100:], model.predict_proba(X[100:])), rel=1e-9)
    assert same(model, MLPClassifier(**BASE).fit(X[:100], y[:100]))


@pytest.mark.parametrize("estimator, data, score", [(MLPClassifier, CLASSES, accuracy_score), (MLPRegressor, COLUMNS, r2_score),
                                                    (MLPClassifier, LABELS, accuracy_score), (MLPRegressor, NUMBERS, r2_score)])
def test_early_stopping_on_an_eval_set(estimator, data, score):
    X, y = data
    model = estimator(**{**BASE, "max_iter": 60}, early_stopping=True, n_iter_no_change=3).fit(X[:100], y[:100], eval_set=(X[100:], y[100:]))
    assert max(model.validation_scores_) == model.best_validation_score_
    assert model.best_iter_ == 1 + int(np.argmax(model.validation_scores_))
    assert score(y[100:], model.predict(X[100:])) == pytest.approx(model.best_validation_score_, rel=1e-9)


def test_the_metric_that_stops_is_the_one_that_picks_the_best():
    X, y = CLASSES
    options = {**BASE, "max_iter": 60, "early_stopping": True, "n_iter_no_change": 3}
    by_loss = MLPClassifier(**options, scoring="loss").fit(X[:100], y[:100], eval_set=(X[100:], y[100:]))
    np.testing.assert_array_equal(by_loss.validation_scores_, -np.array(by_loss.validation_loss_curve_))
    assert log_loss(y[100:], by_loss.predict_proba(X[100:])) == pytest.approx(min(by_loss.validation_loss_curve_), rel=1e-9)
    by_scorer = MLPClassifier(**options, scoring="neg_log_loss").fit(X[:100], y[:100], eval_set=(X[100:], y[100:]))
    np.testing.assert_allclose(by_scorer.validation_scores_, by_loss.validation_scores_, rtol=1e-9)
    assert same(by_loss, by_scorer)
    held_out = MLPClassifier(**options, scoring="f1_macro").fit(X, y)
    assert max(held_out.validation_scores_) == held_out.best_validation_score_


def test_the_best_epoch_is_restored():
    X, y = BINARY
    options = {**BASE, "solver": "sgd", "learning_rate_init": 2.0, "max_iter": 15}
    best, kept = MLPClassifier(**options, restore_best=True).fit(X, y), []
    MLPClassifier(**options).fit(X, y, callback=lambda result: kept.append(result.fun))
    assert kept == best.loss_curve_ and best.best_iter_ == 1 + int(np.argmin(kept))
    assert same(best, MLPClassifier(**{**options, "max_iter": best.best_iter_}).fit(X, y))


def test_norms_of_gradients_are_kept_on_request():
    X, y = CLASSES
    model = MLPClassifier(**BASE, activation="logistic", keep_gradient_norms=True).fit(X, y)
    norms = np.array(model.gradient_norms_)
    assert norms.shape == (model.n_iter_, 3)
    assert (norms[:, 0] < norms[:, 2]).all()   # they vanish on the way down
    assert not hasattr(MLPClassifier(**BASE).fit(X, y), "gradient_norms_")
    assert len(model.partial_fit(X, y).gradient_norms_) == len(norms) + 1


# ---- optimizers and schedules ----

def test_an_optimizer_by_name_or_made():
    X, y = CLASSES
    named = MLPClassifier(**BASE, optimizer="adamw", optimizer_params={"betas": (0.8, 0.99)}).fit(X, y)
    made = optimizers.AdamW(np.zeros(1), lr=0.01, betas=(0.8, 0.99))
    assert same(named, MLPClassifier(**BASE, optimizer=made).fit(X, y))
    assert made.t == 0
    assert same(named.partial_fit(X, y), MLPClassifier(**BASE, optimizer=made).fit(X, y).partial_fit(X, y))
    assert not same(named, MLPClassifier(**BASE).fit(X, y))


@pytest.mark.parametrize("name", ["asgd", "schedule_free_sgd", "schedule_free_adamw"])
def test_optimizers_that_average(name):
    """The weights are the average, which training does not go on from."""
    X, y = CLASSES
    options = {**BASE, "optimizer": name, "optimizer_params": {"t0": 3} if name == "asgd" else None}
    model = MLPClassifier(**options).fit(X, y, eval_set=(X, y))
    stepped, recommended = model._optimizer.point
    assert all(np.array_equal(a, b) for a, b in zip(recommended[0], model.coefs_))
    assert not np.array_equal(stepped[0][0], model.coefs_[0])
    assert model.validation_loss_curve_[-1] == pytest.approx(log_loss(y, model.predict_proba(X)), rel=1e-9)
    again = MLPClassifier(**{**options, "random_state": np.random.RandomState(3), "shuffle": False}).fit(X, y)
    alone = MLPClassifier(**{**options, "random_state": np.random.RandomState(3), "shuffle": False})
    for _ in range(10):
        alone.partial_fit(X, y, classes=[0, 1, 2])
    assert same(again, alone)
    alone.coefs_ = [coef / 2 for coef in alone.coefs_]   # what users put there counts
    before = alone.coefs_[0].copy()
    alone.set_params(learning_rate_init=1e-12).partial_fit(X, y)
    assert np.isfinite(alone.coefs_[0]).all() and not np.array_equal(before, alone.coefs_[0])


def test_a_schedule_gives_the_rate_of_each_step():
    X, y = CLASSES
    seen = []

    def rate(step):
        seen.append(step)
        return 0.01 / (1 + step)

    model = MLPClassifier(**BASE, solver="sgd", schedule=rate).fit(X, y)
    steps = 10 * -(-len(X) // 32)
    assert set(range(steps)) <= set(seen)
    assert model._optimizer.learning_rate == pytest.approx(0.01 / (1 + steps))
    constant = MLPClassifier(**BASE, schedule=schedules.Constant(0.01)).fit(X, y)
    assert same(constant, MLPClassifier(**BASE).fit(X, y))


def test_a_schedule_that_follows_the_loss():
    X, y = CLASSES
    plateau = schedules.ReduceOnPlateau(0.01, patience=0, factor=0.5, threshold=0.5)
    model = MLPClassifier(**BASE, schedule=plateau).fit(X, y)
    expected = schedules.ReduceOnPlateau(0.01, patience=0, factor=0.5, threshold=0.5)
    for loss in model.loss_curve_:
        expected.update(loss)
    assert model._optimizer.rate == expected.current_lr < 0.01
    assert plateau.current_lr == 0.01


# ---- callbacks ----

def test_callbacks_are_told_of_epochs_and_end_them():
    X, y = CLASSES
    results = []

    def callback(result):
        results.append(result)
        if result.nit == 4:
            raise StopIteration

    model = MLPClassifier(**BASE).fit(X, y, eval_set=(X, y), callback=callback)
    assert [result.nit for result in results] == [1, 2, 3, 4] and model.n_iter_ == 4
    assert [result.fun for result in results] == model.loss_curve_
    assert [result.validation_loss for result in results] == model.validation_loss_curve_
    assert same(model, MLPClassifier(**{**BASE, "max_iter": 4}).fit(X, y))


def test_scikit_learns_callbacks_see_the_weights():
    callback = pytest.importorskip("sklearn.callback")
    X, y = CLASSES
    model = MLPClassifier(**BASE)
    model.set_callbacks(callback.ProgressBar())
    assert same(model.fit(X, y), MLPClassifier(**BASE).fit(X, y))
