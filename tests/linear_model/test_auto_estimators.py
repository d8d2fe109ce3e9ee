"""SGDClassifier and SGDRegressor with optimizer="auto": the weights of the reference, whatever else an estimator can do beside it, and
what it refuses."""
import copy
import pickle
import warnings

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from test_estimator_checks import checks

from fastopt.exceptions import DivergenceError, InvalidParameterError
from fastopt.linear_model import SGDClassifier, SGDOneClassSVM, SGDRegressor
from reference.auto import Auto

D = 6
SCALE, ORIGIN = 10.0 ** np.arange(-6, 6, 2), np.array([0, 1e-3, -2, 3e3, 0, 5e5])


def problem(n=400, sparse=False, seed=0):
    """Columns of all scales and origins, and a target."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, D))
    y = X @ [1.0, -2.0, 0.5, 0.0, 1.0, -1.0] + 0.3 * rng.standard_normal(n)
    return (sp.csr_matrix(X * (rng.random((n, D)) < 0.4) * SCALE) if sparse else X * SCALE + ORIGIN), 1e4 * y + 3e5


def target(model, y):
    return np.digitize(y, [2.9e5, 3.1e5]) if isinstance(model, SGDClassifier) else y


def models(**settings):
    return [cls(optimizer="auto", random_state=0, **settings) for cls in (SGDClassifier, SGDRegressor)]


def state(model):
    """All that a fit leaves, as numbers."""
    memory = model._memory
    return [model.coef_, model.intercept_, memory.V, memory.w, memory.intercepts, memory.columns.sum1, [memory.steps]]


def assert_same(model, other):
    for a, b in zip(state(model), state(other)):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("penalty,l1_ratio", [("l2", 0.0), ("l1", 1.0), ("elasticnet", 0.5), (None, 0.0)])
def test_regression_is_the_reference(sparse, penalty, l1_ratio):
    X, y = problem(sparse=sparse)
    weight = np.random.default_rng(1).random(400)
    model = SGDRegressor(optimizer="auto", penalty=penalty, l1_ratio=l1_ratio, alpha=1e-2, shuffle=False, tol=None, max_iter=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y, sample_weight=weight)
    there = Auto("squared_error", D, 1, alpha=1e-2 if penalty else 0, l1_ratio=l1_ratio, dense=not sparse)
    there.observe(X, y[:, None], weight)
    for _ in range(3):
        there.epoch(X, y[:, None], np.arange(400), weight)
    w, b = there.result()
    np.testing.assert_allclose(model.coef_, w[0], rtol=1e-8)
    np.testing.assert_allclose(model.intercept_, b, rtol=1e-8)


@pytest.mark.parametrize("loss", ["hinge", "log_loss", "squared_error"])
@pytest.mark.parametrize("sparse", [False, True])
def test_one_against_the_rest_is_the_reference(loss, sparse):
    X, y = problem(sparse=sparse)
    labels, class_weight = np.digitize(y, [2.9e5, 3.1e5]), {0: 2.0, 1: 0.5, 2: 1.0}
    model = SGDClassifier(loss=loss, optimizer="auto", class_weight=class_weight, shuffle=False, batch_size=16)
    model.partial_fit(X, labels, classes=[0, 1, 2])
    Y = np.where(labels[:, None] == np.arange(3), 1.0, 0.0 if loss == "log_loss" else -1.0)
    there = Auto(loss, D, 3, batch=16, dense=not sparse, classifies=True).observe(X, Y)
    there.epoch(X, Y, np.arange(400), class_weight=np.array([[2.0, 1], [0.5, 1], [1, 1]]))
    np.testing.assert_allclose(model.coef_, there.result()[0], rtol=1e-7)
    np.testing.assert_allclose(model.intercept_, there.result()[1], rtol=1e-7, atol=1e-9)


def test_softmax_comes_near_its_optimum():
    X, y = problem(n=3000)
    labels, Z = np.digitize(y, [2.9e5, 3.1e5]), np.c_[(X - X.mean(0)) / X.std(0), np.ones(3000)]

    def cross_entropy(p):
        p = p - p.max(axis=1, keepdims=True)
        return np.mean(np.log(np.exp(p).sum(axis=1)) - p[np.arange(3000), labels])

    best = scipy.optimize.minimize(lambda w: cross_entropy(Z @ w.reshape(D + 1, 3)), np.zeros(3 * (D + 1))).fun
    model = SGDClassifier(loss="log_loss", multi_class="multinomial", optimizer="auto", random_state=0, alpha=1e-6).fit(X, labels)
    assert cross_entropy(model.decision_function(X)) < 1.05 * best
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("model", models(), ids=lambda m: type(m).__name__)
def test_raw_columns_need_no_care(model, dtype):
    X, y = problem(n=2000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = clone(model).fit(X.astype(dtype), target(model, y))
    assert model.score(X.astype(dtype), target(model, y)) > 0.85 and model.coef_.dtype == dtype
    assert model.n_iter_ <= 25 and len(model.loss_curve_) == model.n_iter_


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("model", models(), ids=lambda m: type(m).__name__)
def test_a_stream_goes_on_after_pickling(model, sparse):
    X, y = problem(sparse=sparse)
    y, one, two = target(model, y), clone(model), clone(model)
    kind = {"classes": np.unique(y)} if isinstance(model, SGDClassifier) else {}
    for start in range(0, 400, 50):
        rows = slice(start, start + 50)
        one.partial_fit(X[rows], y[rows], **kind)
        two = pickle.loads(pickle.dumps(two)).partial_fit(X[rows], y[rows], **kind)
    assert_same(one, two)
    assert one.score(X, y) > 0.45 and one.t_ == 8 * 2 + 1


@pytest.mark.parametrize("model", models(), ids=lambda m: type(m).__name__)
def test_fit_and_then_a_stream(model):
    X, y = problem()
    model = clone(model).fit(X, target(model, y))
    steps = model._memory.steps
    model.partial_fit(X[:1], target(model, y)[:1])
    assert model._memory.steps == steps + 1 and model._memory.columns.rows == 401


def test_a_stream_goes_on_from_weights_that_were_set():
    X, y = problem()
    model = SGDRegressor(optimizer="auto", random_state=0).fit(X, y)
    model.coef_ = np.zeros(D)
    model.partial_fit(X[:64], y[:64])
    assert model._memory.steps == 2 and model._memory.columns.rows == 64


@pytest.mark.parametrize("sparse_first", [False, True])
def test_a_stream_may_change_its_type_and_layout(sparse_first):
    X, y = problem(sparse=True)
    parts = [X.astype(np.float32), X.toarray()] if sparse_first else [X.toarray().astype(np.float32), X]
    model = SGDRegressor(optimizer="auto", random_state=0).fit(parts[0], y)
    before = model.predict(parts[1])
    learnt = model._memory.typed(np.dtype(float), not sp.issparse(parts[1]))
    np.testing.assert_allclose(parts[1] @ learnt.result()[0][0] + learnt.result()[1], before, rtol=1e-4)
    model.partial_fit(parts[1], y)
    assert model.score(parts[1], y) > 0.3 and model._memory.w.dtype == float


@pytest.mark.parametrize("model", models(warm_start=True), ids=lambda m: type(m).__name__)
def test_warm_start_and_first_weights(model):
    X, y = problem()
    y = target(model, y)
    cold = clone(model).fit(X, y)
    warm, begun = copy.deepcopy(cold).fit(X, y), clone(model).fit(X, y, coef_init=cold.coef_, intercept_init=cold.intercept_)
    np.testing.assert_array_equal(warm.coef_, begun.coef_)
    assert warm.loss_curve_[0] < cold.loss_curve_[0]


@pytest.mark.parametrize("model", models(early_stopping=True, restore_best=True), ids=lambda m: type(m).__name__)
def test_validation_and_callbacks(model):
    X, y = problem(n=1000)
    y, seen = target(model, y), []
    model = clone(model).fit(X, y, callback=lambda result: seen.append(result.fun))
    assert seen == model.loss_curve_ and len(model.validation_curve_) == model.n_iter_
    assert model.validation_curve_[model.best_iter_ - 1] == max(model.validation_curve_)
    held = clone(model).fit(X[:800], y[:800], eval_set=(X[800:], y[800:]))
    assert max(held.validation_curve_) == pytest.approx(held.score(X[800:], y[800:]))
    model.partial_fit(X, y)   # goes on from the best weights, not from the last


def test_the_budget_is_no_lack_of_convergence():
    X, y = problem(n=1000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert SGDRegressor(optimizer="auto", tol=0.0, n_iter_no_change=99).fit(X, y).n_iter_ == 50
        assert SGDRegressor(optimizer="auto", tol=0.0, n_iter_no_change=99, max_iter=50).fit(X, y).n_iter_ == 50
    with pytest.warns(ConvergenceWarning):
        SGDRegressor(optimizer="auto", tol=0.0, max_iter=3).fit(X, y)


@pytest.mark.parametrize("model", models(), ids=lambda m: type(m).__name__)
def test_what_has_no_part_in_it(model):
    X, y = problem()
    others = {"learning_rate": "constant", "eta0": 1e6, "power_t": 3.0, "average": True}
    one, two = clone(model).fit(X, target(model, y)), clone(model).set_params(**others).fit(X, target(model, y))
    assert_same(one, two)
    assert not hasattr(two, "_standard_coef")


@pytest.mark.parametrize("model", models(), ids=lambda m: type(m).__name__)
def test_threads_and_layout_of_x_change_nothing(model):
    X = np.random.default_rng(0).standard_normal((300, 900)).astype(np.float32)
    y = X[:, 0] + X[:, 1] > 0 if isinstance(model, SGDClassifier) else X[:, 0]
    plain = clone(model).fit(X, y)
    for other in (clone(model).set_params(n_jobs=3).fit(X, y), clone(model).fit(np.asfortranarray(X), y)):
        assert_same(plain, other)


@pytest.mark.parametrize("y", [np.full(50, 7.0), np.zeros(50)])
def test_a_constant_target(y):
    X = problem(n=50)[0]
    np.testing.assert_allclose(SGDRegressor(optimizer="auto").fit(X, y).predict(X), y, rtol=1e-12)


@pytest.mark.parametrize("settings,named", [
    ({"clip_norm": 1.0}, "clip_norm"), ({"schedule": lambda t: 0.1}, "schedule"), ({"optimizer_params": {"lr": 1}}, "optimizer_params"),
    ({"learning_rate": "pa1"}, "learning_rate"), ({"batch_size": 0}, "batch_size"), ({"optimizer": "autom"}, "optimizer")])
def test_refusals(settings, named):
    X, y = problem()
    model = SGDClassifier(**{"optimizer": "auto", **settings})
    with pytest.raises(InvalidParameterError, match=f"^{named} of SGDClassifier must be"):
        model.fit(X, y > 0)
    assert not hasattr(model, "coef_")


def test_one_class_has_no_auto():
    with pytest.raises(TypeError, match="optimizer"):
        SGDOneClassSVM(optimizer="auto")


def test_an_error_leaves_the_stream_as_it_was():
    X, y = problem()
    model = SGDRegressor(optimizer="auto", random_state=0).partial_fit(X, y)
    before = pickle.dumps(model)
    with pytest.raises(ValueError):
        model.partial_fit(X[:, :3], y)
    with pytest.raises(DivergenceError), np.errstate(all="ignore"):
        model.partial_fit(X * 1e300, y, sample_weight=np.full(400, 1e300))
    assert pickle.dumps(model) == before


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@checks(SGDClassifier(optimizer="auto"), SGDRegressor(optimizer="auto", batch_size=4),
        SGDClassifier(loss="log_loss", multi_class="multinomial", optimizer="auto", n_jobs=2))
@pytest.mark.repeats(3)
def test_scikit_learns_checks(estimator, check):
    check(estimator.set_params(max_iter=20))
