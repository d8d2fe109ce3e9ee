"""parallel="hogwild": threads that step the same weights without locks.

What they end with is not reproducible, so it is held against what one thread reaches; exactly where the rows of the threads
have no column in common.
"""
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone

from fastopt import schedules
from fastopt.exceptions import DivergenceError, InvalidParameterError
from fastopt.linear_model import SGDClassifier, SGDOneClassSVM, SGDRegressor

pytestmark = [pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"), pytest.mark.usefixtures("many_threads")]
N, D = 1500, 40
LAYOUTS = ["dense", "csr", "wide"]
RATE = {None: 0.05, "sgd": 0.05, "adagrad": 0.1}


def problem(layout, n=N, dtype=np.float64):
    """X and scores; "wide": CSR with few values in many columns, whose steps touch only those."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, D)) * (1 if layout == "dense" else rng.random((n, D)) < 0.1)
    score = X @ np.linspace(-2, 2, D) + 0.3 * rng.normal(size=n)
    X = X.astype(dtype) if layout == "dense" else sp.csr_matrix(X.astype(dtype))
    if layout == "wide":
        X = sp.csr_matrix((X.data, X.indices * 100, X.indptr), shape=(n, 100 * D))
    return X, score


def make(cls=SGDClassifier, **params):
    own = {"loss": "log_loss"} if cls is SGDClassifier else {}
    return cls(**{"tol": None, "max_iter": 8, "batch_size": 4, "eta0": 0.05, "learning_rate": "constant", "random_state": 0,
                  "parallel": "hogwild", "n_jobs": 2, **own, **params})


def same(one, other):
    np.testing.assert_array_equal(one.coef_, other.coef_)
    np.testing.assert_array_equal(one.intercept_, other.intercept_)
    assert (one.t_, one.n_iter_, one.loss_curve_) == (other.t_, other.n_iter_, other.loss_curve_)


def is_finite(model):
    return np.isfinite(model.coef_).all() and np.isfinite(model.intercept_).all() and np.isfinite(model.loss_curve_).all()


@pytest.mark.parametrize("params, words", [
    ({"optimizer": "adam"}, "parallel of SGD.* None with an optimizer other than 'sgd' .*'hogwild'"),
    ({"optimizer": "ftrl"}, "parallel of SGD.* None with an optimizer other than"),
    ({"optimizer": "momentum"}, "parallel of SGD.* None with an optimizer other than"),
    ({"optimizer": "lamb"}, "parallel of SGD.* None with an optimizer other than"),
    ({"optimizer": "sgd", "optimizer_params": {"momentum": 0.9}}, "parallel of SGD.* without momentum"),
    ({"optimizer": "auto"}, "parallel of SGD.* None with optimizer='auto'"),
    ({"clip_norm": 1.0}, "parallel of SGD.* None with clip_norm"), ({"average": True}, "parallel of SGD.* None with average"),
    ({"average": 10}, "parallel of SGD.* None with average"),
    *(({"parallel": value}, "parallel of SGD.* 'hogwild' or None") for value in ("hog", "Hogwild", True, 1, [], np.nan))], ids=str)
def test_refusals(params, words):
    """By the name of the parameter; the estimator stays as it was."""
    X, score = problem("dense", 50)
    for cls, y in ((SGDClassifier, score > 0), (SGDRegressor, score)):
        model = make(cls, **params)
        before = dict(vars(model))
        for fit in (model.fit, lambda X, y: model.partial_fit(X, y, **({"classes": [0, 1]} if y.dtype == bool else {}))):
            with pytest.raises(InvalidParameterError, match=words):
                fit(X, y)
            assert vars(model) == before


def test_one_class_svm_has_no_such_parameter():
    with pytest.raises(TypeError, match="parallel"):
        SGDOneClassSVM(parallel="hogwild")


@pytest.mark.parametrize("n_jobs", [None, 1])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("optimizer", RATE)
def test_one_thread_is_as_without(optimizer, layout, n_jobs):
    """Bit for bit, also per sample."""
    X, score = problem(layout, 300)
    for size in (None, 1, 7, 64):
        params = {"optimizer": optimizer, "batch_size": size, "penalty": "elasticnet", "n_jobs": n_jobs}
        same(make(**params).fit(X, score > 0), make(**params, parallel=None).fit(X, score > 0))


@pytest.mark.parametrize("size", [1, 8, 64])
@pytest.mark.parametrize("penalty", [None, "l2", "elasticnet"])
@pytest.mark.parametrize("optimizer", RATE)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.repeats(5)
def test_two_threads_end_near_one(layout, optimizer, penalty, size):
    """With finite weights, and as many steps and epochs."""
    X, score = problem(layout)
    params = {"optimizer": optimizer, "penalty": penalty, "batch_size": size, "eta0": RATE[optimizer], "alpha": 1e-4}
    one, two = (make(**params, n_jobs=jobs).fit(X, score > 0) for jobs in (1, 2))
    assert is_finite(two)
    assert (two.n_iter_, two.t_, len(two.loss_curve_)) == (8, 1 + 8 * -(-N // size), 8)
    assert one.loss_curve_[-1] < 0.9 * np.log(2)
    assert two.loss_curve_[-1] < 1.2 * one.loss_curve_[-1] + 0.03
    assert two.score(X, score > 0) > one.score(X, score > 0) - 0.05


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_classes_regression_schedules_and_weights(layout, dtype):
    X, score = problem(layout, dtype=dtype)
    y, weight = np.digitize(score, [-1, 1]), np.random.default_rng(1).random(N)
    for multi_class in ("ovr", "multinomial"):
        one, two = (make(multi_class=multi_class, n_jobs=jobs, class_weight="balanced",
                         schedule=schedules.Cosine(0.1, decay_steps=3000)).fit(X, y, sample_weight=weight) for jobs in (1, 2))
        assert is_finite(two) and two.coef_.dtype == dtype and two.coef_.shape == (3, X.shape[1])
        assert two.score(X, y) > one.score(X, y) - 0.05
    one, two = (make(SGDRegressor, eta0=0.01, n_jobs=jobs).fit(X, score, sample_weight=weight) for jobs in (1, 2))
    assert is_finite(two) and two.score(X, score) > one.score(X, score) - 0.05


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad"])
@pytest.mark.parametrize("jobs", [2, 3])
def test_rows_without_common_columns(optimizer, jobs):
    """Threads have the batches of a block in turn, in their order; where no two threads' rows have a column in common, and no
    intercept, none can disturb another: the weights are those of one thread, to the bit."""
    n, width = 120 * jobs, 2000
    rng = np.random.default_rng(2)
    columns = np.arange(n) // 120 * width + rng.integers(0, 60, n) * 30
    X = sp.csr_matrix((rng.normal(size=n), columns, np.arange(n + 1)), shape=(n, jobs * width))
    y = rng.integers(0, 2, n)
    one, many = (make(optimizer=optimizer, penalty=None, fit_intercept=False, shuffle=False, n_jobs=j).fit(X, y)
                 for j in (1, jobs))
    np.testing.assert_array_equal(many.coef_, one.coef_)
    assert np.count_nonzero(one.coef_) > 50 * jobs
    np.testing.assert_allclose(many.loss_curve_, one.loss_curve_, rtol=1e-12)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("n, size, jobs", [(1, 1, 2), (3, 1, 8), (5, 64, 4), (4097, 64, 2), (9000, 5000, 2), (5000, 7, 3)])
def test_few_rows_and_several_blocks(layout, n, size, jobs):
    """Threads without a batch have nothing to do; a batch ends with its block of rows, and is a step then."""
    X, score = problem(layout, n)
    model = make(SGDRegressor, eta0=0.01, batch_size=size, n_jobs=jobs, max_iter=3).fit(X, score)
    assert is_finite(model) and model.n_iter_ == 3
    if n <= 4096 or 4096 % size == 0:
        assert model.t_ == 1 + 3 * -(-n // size)
    else:
        assert 1 + 3 * -(-n // size) < model.t_ <= 1 + 3 * (-(-n // size) + n // 4096)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_early_stopping_and_eval_set(layout):
    X, score = problem(layout)
    y = score > 0
    early = make(early_stopping=True, max_iter=200, tol=1e-3, n_iter_no_change=2, penalty=None).fit(X, y)
    assert 2 < early.n_iter_ < 200 and len(early.validation_curve_) == early.n_iter_
    seen = []
    model = make().fit(X, y, eval_set=(X[:200], y[:200]), callback=seen.append)
    assert [result.nit for result in seen] == list(range(1, 9))
    assert model.validation_curve_[-1] == pytest.approx(model.score(X[:200], y[:200]))
    best = make(restore_best=True).fit(X, y, eval_set=(X[:200], y[:200]))
    assert best.validation_curve_[best.best_iter_ - 1] == max(best.validation_curve_)
    assert best.score(X[:200], y[:200]) == pytest.approx(max(best.validation_curve_))


@pytest.mark.parametrize("optimizer", RATE)
def test_pickling_clones_and_going_on(optimizer):
    """partial_fit goes on from any number of threads with any other."""
    X, score = problem("csr")
    model = make(optimizer=optimizer, eta0=RATE[optimizer]).fit(X, score > 0)
    again = pickle.loads(pickle.dumps(model))
    same(model, again)
    np.testing.assert_array_equal(model.predict(X), again.predict(X))
    fresh = clone(model)
    assert fresh.get_params() == model.get_params() and fresh.parallel == "hogwild" and not hasattr(fresh, "coef_")
    assert is_finite(fresh.fit(X, score > 0)) and fresh.t_ == model.t_
    for jobs in (2, 1, 2):
        again.set_params(n_jobs=jobs).partial_fit(X, score > 0)
    assert again.t_ == model.t_ + 3 * (model.t_ - 1) // 8
    assert is_finite(again) and again.loss_curve_[-1] < 1.2 * model.loss_curve_[-1] + 0.03
    same(make(optimizer=optimizer, n_jobs=1).partial_fit(X, score > 0, classes=[False, True]),
         make(optimizer=optimizer, n_jobs=1, parallel=None).partial_fit(X, score > 0, classes=[False, True]))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_divergence(layout):
    """What is kept is the last good epoch; without one, nothing."""
    X, score = problem(layout)
    model = make(SGDRegressor, schedule=lambda t: 0.01 if t < 2 * 375 else 1e300)   # 375 steps an epoch
    with pytest.raises(DivergenceError) as raised:
        model.fit(X, score)
    assert raised.value.epoch == 3 and model.n_iter_ == len(model.loss_curve_) == 2 and is_finite(model)
    begun = make(SGDRegressor, eta0=1e300)
    with pytest.raises(DivergenceError):
        begun.fit(X, score)
    assert vars(begun) == vars(make(SGDRegressor, eta0=1e300))
