"""How mini-batches train in the estimators: partial_fit, pickling, held-out rows, callbacks, threads, divergence, schedules that
are driven by a metric; and what is refused."""
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.model_selection import ShuffleSplit

import fastopt as fo
from fastopt import batching, optimizers, schedules
from fastopt.exceptions import DivergenceError, InvalidParameterError
from fastopt.linear_model import SGDClassifier, SGDOneClassSVM, SGDRegressor
from reference.batch import minibatches

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
N, D = 90, 7
NAMES = optimizers.names()
RATE = {"adadelta": 1.0, "dog": 1.0, "prodigy": 1.0, "lars": 5.0}


def problem(n=N, d=D, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return X, X @ np.linspace(-1, 1, d) + 0.5 * rng.normal(size=n) + 0.2


def make(cls, **params):
    return cls(**{"shuffle": False, "tol": None, "max_iter": 4, "batch_size": 8, "eta0": 0.05, "learning_rate": "constant",
                  "random_state": 0, **params})


def same(one, other):
    np.testing.assert_array_equal(one.coef_, other.coef_)
    np.testing.assert_array_equal(one.intercept_, other.intercept_)
    assert (one.t_, one.loss_curve_) == (other.t_, other.loss_curve_)


@pytest.mark.parametrize("layout", [np.asarray, sp.csr_matrix])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.repeats(4)
def test_partial_fit_goes_on_exactly(name, layout):
    """Epochs of partial_fit are epochs of fit, to the bit, also after pickling in between; schedules and sizes go on too."""
    X, score = problem()
    y, X = np.digitize(score, [-0.7, 0.4]), layout(X)
    for params in ({"multi_class": "multinomial", "loss": "log_loss"}, {"average": 20, "penalty": "elasticnet"},
                   {"schedule": schedules.Cosine(RATE.get(name, 0.05), decay_steps=60), "batch_size": batching.RandomSize(1, 20)},
                   {"clip_norm": 0.5, "schedule": schedules.ReduceOnPlateau(RATE.get(name, 0.05), patience=0, threshold=0.5)}):
        params = {"optimizer": name, "eta0": RATE.get(name, 0.05), **params, **({"penalty": "l2"} if name == "muon" else {})}
        once, parts = make(SGDClassifier, **params).fit(X, y), make(SGDClassifier, **params)
        for _ in range(4):
            parts = pickle.loads(pickle.dumps(parts.partial_fit(X, y, classes=[0, 1, 2])))
        same(once, parts)
        same(once.partial_fit(X, y), parts.partial_fit(X, y))


def test_new_settings_hold_from_the_next_partial_fit_on():
    """The state of the optimizer stays, its settings are the estimator's."""
    X, score = problem()
    model = make(SGDRegressor, optimizer="adam", penalty=None).partial_fit(X, score)
    coef = model.coef_.copy()
    same(clone(model).partial_fit(X, score), model)
    model.set_params(eta0=1e-12).partial_fit(X, score)
    np.testing.assert_allclose(model.coef_, coef, atol=1e-9)
    model.set_params(optimizer="lion", eta0=0.01).partial_fit(X, score)
    assert np.abs(model.coef_ - coef).max() > 1e-3
    fitted = clone(model).fit(X, score)
    same(model.fit(X, score), fitted)                       # fit begins anew


def test_held_out_rows_are_not_learnt_from():
    X, score = problem()
    train, test = next(ShuffleSplit(test_size=0.2, random_state=0).split(score, score))
    model = make(SGDRegressor, optimizer="adam", early_stopping=True, validation_fraction=0.2, penalty=None).fit(X, score)
    want = minibatches(X, score[:, None], "squared_error", optimizer="adam", lr=0.05, order=[np.sort(train)] * 4)
    np.testing.assert_allclose(model.coef_, want.coef[0], atol=1e-9)
    error = score[test] - X[test] @ want.coef[0] - want.intercept[0]
    assert model.validation_curve_[-1] == pytest.approx(1 - np.mean(error**2) / np.var(score[test]), abs=1e-8)
    assert model.t_ == want.t


def test_stopping_and_callbacks():
    X, score = problem()
    seen = []

    def callback(result):
        seen.append(result)
        if result.nit == 3:
            raise StopIteration

    model = make(SGDRegressor, optimizer="adam").fit(X, score, callback=callback, eval_set=(X[:20], score[:20]))
    assert [result.nit for result in seen] == [1, 2, 3] and model.n_iter_ == 3
    assert [result.fun for result in seen] == model.loss_curve_
    assert [result.validation_score for result in seen] == model.validation_curve_
    assert model.validation_curve_[-1] == pytest.approx(model.score(X[:20], score[:20]))
    early = make(SGDRegressor, optimizer="adam", max_iter=500, tol=1e-3, n_iter_no_change=2, early_stopping=True)
    assert early.fit(X, score, eval_set=(X, score)).n_iter_ < 500
    assert make(SGDRegressor, optimizer="adam", max_iter=500, tol=1e-3).fit(X, score).n_iter_ < 500
    best = make(SGDRegressor, eta0=0.6, max_iter=30, restore_best=True).fit(X, score)
    assert best.best_iter_ == 1 + int(np.argmin(best.loss_curve_))
    same(make(SGDRegressor, eta0=0.6, max_iter=best.best_iter_).fit(X, score).set_params(max_iter=30), restored(best))


def restored(best):
    """With the history up to the epoch that was kept."""
    best.loss_curve_ = best.loss_curve_[:best.best_iter_]
    best.t_ = 1 + best.best_iter_ * -(-N // 8)
    return best


@pytest.mark.parametrize("name", ["sgd", "adam", "lamb", "prodigy", "ftrl", "muon"])
@pytest.mark.parametrize("multi_class", ["ovr", "multinomial"])
def test_same_bits_for_any_n_jobs(many_threads, multi_class, name):
    X, score = problem(600, 900)
    y = np.digitize(score, [-0.7, 0.4])
    models = [make(SGDClassifier, loss="log_loss", optimizer=name, multi_class=multi_class, batch_size=64, n_jobs=jobs,
                   shuffle=True, average=3).fit(X.astype(np.float32), y) for jobs in (1, 2, 5)]
    same(models[0], models[1])
    same(models[0], models[2])


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "lamb", "muon"])
def test_divergence(optimizer):
    """What is kept is the last good epoch; without one, nothing."""
    X, score = problem()
    params = {"optimizer": optimizer, "penalty": None}
    model = make(SGDRegressor, **params, schedule=lambda t: 0.01 if t < 24 else 1e300)   # 12 steps an epoch
    with pytest.raises(DivergenceError) as raised:
        model.fit(X, score)
    assert raised.value.epoch == 3 and model.n_iter_ == len(model.loss_curve_) == 2
    same(model, make(SGDRegressor, **params, eta0=0.01, max_iter=2).fit(X, score))
    begun = make(SGDRegressor, **params, eta0=1e300)
    with pytest.raises(DivergenceError):
        begun.fit(X, score)
    assert vars(begun) == vars(make(SGDRegressor, **params, eta0=1e300))
    before = dict(vars(model.set_params(schedule=lambda t: 1e300)))
    with pytest.raises(DivergenceError):
        model.partial_fit(X, score)
    assert vars(model) == before


def plateau(metrics, lr, patience, factor, better):
    """The rate after each epoch."""
    best, bad, rates = None, 0, []
    for metric in metrics:
        if best is None or better(metric, best):
            best, bad = metric, 0
        else:
            bad += 1
        if bad > patience:
            lr, bad = lr * factor, 0
        rates.append(lr)
    return rates


@pytest.mark.parametrize("mode", ["min", "max", "loss", "warmup"])
def test_a_schedule_driven_by_a_metric(mode):
    """By the score on validation data, by 1 − score, or by the training loss; the user's schedule stays as it was."""
    X, score = problem()
    validated = mode in ("min", "max")
    inner = schedules.ReduceOnPlateau(0.4, patience=1, factor=0.5, mode="max" if mode == "max" else "min", threshold=0.05)
    schedule = schedules.Warmup(inner, 0) if mode == "warmup" else inner
    untouched = pickle.dumps(schedule)
    model = make(SGDRegressor, schedule=schedule, max_iter=15, penalty=None)
    model.fit(X, score, eval_set=(X[:30], score[:30]) if validated else None)
    assert pickle.dumps(schedule) == untouched
    metrics = np.array(model.validation_curve_ if validated else model.loss_curve_)
    metrics = 1 - metrics if mode == "min" else metrics
    rates = plateau(metrics, 0.4, 1, 0.5, (lambda m, best: m > best * 1.05) if mode == "max" else (lambda m, best: m < best * 0.95))
    assert rates[-1] < 0.1
    steps = -(-N // 8)
    by_hand = make(SGDRegressor, schedule=lambda t: [0.4, *rates][t // steps], max_iter=15, penalty=None).fit(X, score)
    np.testing.assert_allclose(model.coef_, by_hand.coef_, rtol=1e-12)


def test_the_users_schedule_and_sizes_stay_as_they_were():
    X, score = problem()
    schedule = schedules.ReduceOnPlateau(0.1, patience=0, threshold=0.9)
    model = make(SGDRegressor, schedule=schedule).fit(X, score)
    first = model.coef_.copy()
    assert schedule.current_lr == 0.1
    np.testing.assert_array_equal(model.fit(X, score).coef_, first)
    model.partial_fit(X, score)
    assert schedule.current_lr == 0.1
    again = pickle.loads(pickle.dumps(model))
    same(again.partial_fit(X, score), model.partial_fit(X, score))


REFUSED = [({"optimizer": "adm"}, "optimizer of .* did you mean 'ada?m"), ({"optimizer": 1}, "optimizer"),
           *(({"optimizer": "muon", "penalty": name}, "penalty of .*'l2' or None with optimizer='muon'") for name in ("l1", "elasticnet")),
           *(({"batch_size": value}, "batch_size") for value in (0, -1, 1.5, np.nan, "8", True, [8])),
           ({"schedule": 0.1}, "schedule"), ({"schedule": "cosine"}, "schedule"),
           *(({"schedule": lambda t, value=value: value}, "schedule must give") for value in (np.nan, -1.0, None, "a", [1.0])),
           ({"schedule": lambda t: 0.1 if t < 13 else np.inf}, "schedule must give"),
           ({"schedule": schedules.ReduceOnPlateau(0.1, mode="max")}, "schedule must have mode='min'"),
           ({"clip_norm": 0}, "clip_norm"), ({"clip_norm": -1.0}, "clip_norm"), ({"clip_norm": np.inf}, "clip_norm"),
           ({"optimizer": "adam", "optimizer_params": {"beta": 0.9}}, "optimizer_params.*did you mean 'betas'"),
           ({"optimizer": "adam", "optimizer_params": {"betas": 0.9}}, "optimizer_params.*betas"),
           ({"optimizer": "adamw", "optimizer_params": {"weight_decay": 0.1}}, "optimizer_params.*'weight_decay'.*alpha"),
           ({"optimizer": "adam", "optimizer_params": {"lr": 0.1}}, "optimizer_params.*'lr'.*eta0"),
           ({"optimizer": "adam", "optimizer_params": 3}, "optimizer_params"),
           ({"optimizer_params": {"betas": (0.9, 0.9)}}, "optimizer"),
           ({"optimizer": "adam", "learning_rate": "pa1", "loss": "hinge"}, "learning_rate")]


@pytest.mark.parametrize("params, words", REFUSED, ids=str)
def test_refusals(params, words):
    X, score = problem()
    for cls in (SGDClassifier, SGDRegressor):
        own = {**params, **({"loss": "epsilon_insensitive"} if cls is SGDRegressor and "loss" in params else {})}
        model, y = make(cls, **own), score > 0 if cls is SGDClassifier else score
        before = dict(vars(model))
        with pytest.raises(InvalidParameterError, match=words):
            model.fit(X, y)
        assert vars(model) == before


def test_refusals_of_classes():
    X, score = problem()
    for params, words in (({"multi_class": "multinomal"}, "multi_class of .*did you mean 'multinomial'"), ({"multi_class": None}, "multi_class"),
                          ({"multi_class": "multinomial", "loss": "hinge"}, "loss of SGDClassifier must be 'log_loss'")):
        with pytest.raises(InvalidParameterError, match=words):
            make(SGDClassifier, **params).fit(X, score > 0)
    for name in ("optimizer", "batch_size", "schedule", "clip_norm", "multi_class"):
        with pytest.raises(TypeError, match=name):
            SGDOneClassSVM(**{name: None})
        assert name not in SGDOneClassSVM().get_params()


def test_per_sample_sgd_is_what_it_was():
    """batch_size=1 alone is per-sample SGD."""
    X, score = problem()
    same(make(SGDRegressor, batch_size=1).fit(X, score), SGDRegressor(shuffle=False, tol=None, max_iter=4, eta0=0.05,
                                                                      learning_rate="constant").fit(X, score))
    assert fo.linear_model.SGDRegressor().fit(X, score).t_ % N == 1
