"""Mini-batches and optimizer="auto" on CSR rows with few values beside their columns: columns of which nothing is known are trained as one, so
that an epoch costs what values cost, and every weight is that of the plain reference, which steps all columns."""
import pickle

import numpy as np
import pytest
import scipy.sparse as sp

from fastopt import schedules
from fastopt._core.tables import Matrix
from fastopt._sgd import fit as _linear_fit
from fastopt._sgd.per_sample.identical_columns import find_identical_columns
from fastopt._sgd.per_sample.predict import predict
from fastopt.linear_model import SGDClassifier, SGDRegressor
from optimizer_cases import OPTIONS
from reference.auto import Auto
from reference.batch import minibatches

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
N, D, VALUES = 30, 1500, 4
#: steps that depend on how many weights there are, or on where they lie
WHOLE = ("adafactor", "muon")
RULES = sorted(set(OPTIONS) - set(WHOLE))
RATE = {"adadelta": 1.0, "dog": 1.0, "prodigy": 1.0, "schedule_free_sgd": 0.5, "lars": 5.0, "signsgd": 0.01, "lion": 0.01}
PENALTIES = {"none": (0.0, 0.0), "l2": (1e-2, 0.0), "l1": (0.0, 2e-3), "elasticnet": (7e-3, 3e-3)}


def rows(seed=0, n=N, d=D, dtype=np.float64, active=40):
    """Rows with values in few columns all over, the first and the last among them, and y of three classes."""
    rng = np.random.default_rng(seed)
    columns = np.append(rng.choice(d - 2, active - 2, replace=False) + 1, (0, d - 1))
    indices = np.stack([np.sort(rng.choice(columns, VALUES, replace=False)) for _ in range(n)]).astype(np.int32)
    X = sp.csr_matrix((rng.normal(size=n * VALUES).astype(dtype), indices.ravel(), np.arange(0, n * VALUES + 1, VALUES)), shape=(n, d))
    return X, rng.integers(0, 3, n)


@pytest.fixture
def widths(monkeypatch):
    """The columns that each run has, and those that it was given."""
    seen = []

    def merge_identical_columns(X, start, batches):
        found = _merge_identical_columns(X, start, batches)
        seen.append((found[0].d, X.d))
        return found

    _merge_identical_columns = _linear_fit.merge_identical_columns
    monkeypatch.setattr(_linear_fit, "merge_identical_columns", merge_identical_columns)
    return seen


def settings(rule, penalty, **more):
    l2, l1 = PENALTIES[penalty]
    return {"loss": "log_loss", "optimizer": rule, "batch_size": 7, "eta0": RATE.get(rule, 0.05), "learning_rate": "constant", "tol": None,
            "max_iter": 3, "shuffle": False, "penalty": None if penalty == "none" else "elasticnet", "alpha": l2 + l1,
            "l1_ratio": l1 / (l1 + l2) if l1 + l2 else 0.5, **more}


def wanted(X, y, rule, penalty, k=1, epochs=3, **more):
    l2, l1 = PENALTIES[penalty]
    Y = (y[:, None] == np.arange(k)) * 1.0 if k > 1 else (y[:, None] > 0) * 1.0
    return minibatches(X.toarray(), Y, "log_loss", **{"optimizer": rule, "lr": RATE.get(rule, 0.05), "l2": l2, "l1": l1, "sizes": 7,
                                                      "order": [np.arange(X.shape[0])] * epochs, **more})


def agree(model, want, averaged=False, tolerance=1e-9):
    coef, intercept = (want.coef_avg, want.intercept_avg) if averaged else (want.coef, want.intercept)
    np.testing.assert_allclose(model.coef_, coef, rtol=0, atol=tolerance * (1 + np.abs(coef).max()))
    np.testing.assert_allclose(model.intercept_, intercept, rtol=0, atol=tolerance * (1 + np.abs(intercept).max()))
    np.testing.assert_allclose(model.loss_curve_, want.curve, rtol=tolerance)


# ---- one fit ----

@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_from_zeros(widths, rule, penalty, k):
    X, y = rows()
    model = SGDClassifier(**settings(rule, penalty)).fit(X, y if k > 1 else y > 0)
    agree(model, wanted(X, y, rule, penalty, k))
    assert widths == [(len(np.unique(X.indices)) + 1, D)]


@pytest.mark.parametrize("average", [False, 4])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("rule", RULES)
def test_weights_that_no_row_touches_move_as_the_rule_says(widths, rule, penalty, average):
    """From where coef_init has them; averages too."""
    X, y = rows()
    start = np.zeros((1, D))
    start[0, np.random.default_rng(1).choice(D, 100, replace=False)] = np.linspace(-1, 1, 100)
    model = SGDClassifier(**settings(rule, penalty, average=average))
    model.fit(X, y > 0, coef_init=start, intercept_init=np.array([0.25]))
    averaged = bool(average) and model._averages_anyway is False and "_average_coef" in vars(model)
    agree(model, wanted(X, y, rule, penalty, start=(start.copy(), np.array([0.25])), average=average), averaged)
    assert 100 < widths[0][0] < 150


@pytest.mark.parametrize("options", [{"optimizer": "muon"}, {"optimizer": "adafactor"}, {"optimizer": "adam", "optimizer_params": {
    "moments": "8bit"}}, {"optimizer": "sgd", "parallel": "hogwild", "n_jobs": 2}], ids=str)
def test_steps_that_depend_on_all_columns_have_them_all(widths, options):
    X, y = rows()
    SGDClassifier(**{**settings("sgd", "l2"), **options}).fit(X, y)
    assert widths == [(D, D)]


@pytest.mark.parametrize("case, apart", {"few columns": False, "weights everywhere": False, "dense": False, "few weights": True}.items())
def test_where_columns_begin_to_be_left_out(widths, case, apart):
    """A quarter of them at most is trained."""
    X, y = rows(d=D if case != "few columns" else 4 * N * VALUES - 1)
    start = np.zeros((1, X.shape[1]))
    start[0, :{"weights everywhere": D, "few weights": 3}.get(case, 0)] = 1
    model = SGDClassifier(**settings("adam", "l2")).fit(X.toarray() if case == "dense" else X, y > 0, coef_init=start)
    assert (widths[0][0] < X.shape[1]) == apart
    agree(model, wanted(X, y, "adam", "l2", start=(start.copy(), np.zeros(1))))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_rows_without_values_zeros_repeated_columns_and_types(dtype, index):
    X = sp.csr_matrix((np.array([1.0, 0.0, 2.0, -1.0, 0.5, 3.0], dtype), np.array([0, D - 1, 5, 5, D - 1, 0]), np.array([0, 0, 2, 4, 4, 5, 6])),
                      shape=(6, D))
    X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
    y = np.arange(6) % 2
    for rule in ("sgd", "adam", "ftrl"):
        model = SGDClassifier(**settings(rule, "elasticnet", batch_size=2)).fit(X, y)
        agree(model, wanted(X, y, rule, "elasticnet", sizes=2), tolerance=1e-9 if dtype == np.float64 else 1e-5)
        assert model.coef_.dtype == dtype
    model = SGDClassifier(**settings("adam", "l2")).fit(sp.csr_matrix((6, D)), y)
    assert model.coef_.shape == (1, D) and not model.coef_.any()


@pytest.mark.parametrize("rule", ["sgd", "adam", "lamb"])
def test_same_bits_for_any_number_of_threads(rule, many_threads):
    X, y = rows(n=400, d=40_000, active=3000)
    one, many = (SGDClassifier(**settings(rule, "l2", batch_size=200, n_jobs=jobs)).fit(X, y) for jobs in (1, 4))
    np.testing.assert_array_equal(one.coef_, many.coef_)
    np.testing.assert_array_equal(one.intercept_, many.intercept_)


# ---- from call to call ----

def calls(count=4):
    """Rows of calls of partial_fit, in other columns each; and all of them below each other."""
    given = [rows(seed) for seed in range(count)]
    return given, sp.vstack([X for X, _ in given]).tocsr(), np.concatenate([y for _, y in given])


@pytest.mark.parametrize("average, k", [(False, 1), (10, 1), (False, 3)])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.repeats(5)
def test_partial_fit_goes_on_with_the_state_of_all_columns(widths, rule, penalty, average, k):
    given, X, y = calls()
    model = SGDClassifier(**settings(rule, penalty, average=average))
    for X_call, y_call in given:
        model.partial_fit(X_call, y_call if k > 1 else y_call > 0, [0, 1, 2] if k > 1 else [False, True])
        model = pickle.loads(pickle.dumps(model))
    agree(model, wanted(X, y, rule, penalty, k, average=average, order=np.split(np.arange(len(y)), 4)), bool(average))
    assert all(few < many for few, many in widths)


def test_a_state_of_other_settings_is_left():
    """Momentum that came with another rule's state is not looked for in its arrays."""
    X, y = rows()
    model = SGDClassifier(**settings("adam", "l2")).partial_fit(X, y > 0, [False, True])
    start = model.coef_.copy(), model.intercept_.copy()
    model.set_params(optimizer="sgd", eta0=0.05).partial_fit(X, y > 0)
    want = wanted(X, y, "sgd", "l2", start=(start[0].copy(), start[1].copy()), epochs=1)
    np.testing.assert_allclose(model.coef_, want.coef, rtol=0, atol=1e-9)


# ---- what looks on between epochs ----

@pytest.mark.parametrize("optimizer", [None, "sgd", "adam", "auto"])
def test_the_best_epoch_is_put_back(optimizer):
    """From a copy of what is trained: as a fit of so many epochs has it."""
    X, y = rows(n=60)
    other, z = rows(9, n=40)
    params = {"loss": "log_loss", "optimizer": optimizer, "tol": None, "max_iter": 12, "random_state": 0, "learning_rate": "constant",
              "eta0": 0.3, **({} if optimizer is None else {"batch_size": 7})}
    best = SGDClassifier(**params, restore_best=True).fit(X, y, eval_set=(other, z))
    short = SGDClassifier(**{**params, "max_iter": best.best_iter_}).fit(X, y)
    np.testing.assert_array_equal(best.coef_, short.coef_)
    np.testing.assert_array_equal(best.intercept_, short.intercept_)
    assert best.validation_curve_[best.best_iter_ - 1] == max(best.validation_curve_) == short.score(other, z)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "auto"])
def test_scores_between_epochs_see_columns_that_no_row_had(optimizer):
    """Rows to score have columns of their own, some with weights to start from, some without."""
    X, y = rows(n=60)
    other, z = rows(3, n=40)
    start = np.zeros((1, D))
    start[0, other.indices[:60]] = np.linspace(-2, 2, 60)
    scores = []
    for epochs in (1, 2, 3):
        model = SGDClassifier(loss="log_loss", optimizer=optimizer, batch_size=7, tol=None, max_iter=epochs, random_state=0, alpha=0.01)
        model.fit(X, y > 0, coef_init=start, eval_set=(other, z > 0))
        scores.append(np.mean((other.toarray() @ model.coef_[0] + model.intercept_[0] > 0) == (z > 0)))
    np.testing.assert_allclose(model.validation_curve_, scores, rtol=1e-12)


def test_a_fit_that_diverges_keeps_the_last_good_epoch():
    X, _ = rows()
    y = X @ np.linspace(-1, 1, D)
    params = {"optimizer": "adam", "batch_size": 7, "tol": None, "shuffle": False}
    model = SGDRegressor(**params, schedule=lambda t: 0.01 if t < 12 else 1e300, max_iter=5)   # 5 steps an epoch
    with pytest.raises(Exception, match="diverged"):
        model.fit(X, y)
    good = SGDRegressor(**params, learning_rate="constant", eta0=0.01, max_iter=2).fit(X, y)
    np.testing.assert_array_equal(model.coef_, good.coef_)


@pytest.mark.parametrize("schedule", [schedules.PolyakStep(max_lr=0.2), None])
def test_driven_steps_and_clipped_ones(schedule):
    X, y = rows()
    wide = SGDClassifier(**settings("sgd", "l2", schedule=schedule, clip_norm=0.3)).fit(X, y)
    columns = np.unique(X.indices)
    close = SGDClassifier(**settings("sgd", "l2", schedule=schedule, clip_norm=0.3)).fit(X[:, columns], y)
    np.testing.assert_allclose(wide.coef_[:, columns], close.coef_, rtol=1e-12, atol=1e-15)
    assert np.count_nonzero(wide.coef_) == np.count_nonzero(close.coef_)


# ---- optimizer="auto" ----

@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.3])
def test_auto_is_its_reference(widths, l1_ratio, dtype):
    X, y = rows(n=60, dtype=dtype)
    model = SGDClassifier(loss="log_loss", optimizer="auto", tol=None, max_iter=2, random_state=0, penalty="elasticnet", alpha=1e-3,
                          l1_ratio=l1_ratio, shuffle=False).fit(X, y > 0)
    reference = Auto("log_loss", D, 1, alpha=1e-3, l1_ratio=l1_ratio, dense=False, classifies=True)
    Y = (y[:, None] > 0) * 1.0
    reference.observe(X, Y)
    for _ in range(2):
        reference.epoch(X, Y, np.arange(len(y)))
    coef, intercept = reference.w_avg, reference.b_avg
    tolerance = 1e-9 if dtype == np.float64 else 1e-4
    np.testing.assert_allclose(model.coef_, coef, rtol=0, atol=tolerance * np.abs(coef).max())
    np.testing.assert_allclose(model.intercept_, intercept, rtol=0, atol=tolerance)
    assert widths[0][0] < D


@pytest.mark.parametrize("l1_ratio", [0.0, 0.3])
def test_auto_goes_on_in_other_columns(widths, l1_ratio):
    """Statistics, weights and their averages of columns that only earlier calls had are those of the reference."""
    given, _, _ = calls()
    model = SGDClassifier(loss="log_loss", optimizer="auto", random_state=0, penalty="elasticnet", alpha=1e-2, l1_ratio=l1_ratio, shuffle=False)
    reference = Auto("log_loss", D, 1, alpha=1e-2, l1_ratio=l1_ratio, dense=False, classifies=True)
    for X, y in given:
        model = pickle.loads(pickle.dumps(model.partial_fit(X, y > 0, [False, True])))
        Y = (y[:, None] > 0) * 1.0
        reference.observe(X, Y)
        reference.epoch(X, Y, np.arange(len(y)))
    np.testing.assert_allclose(model.coef_, reference.w_avg, rtol=0, atol=1e-9 * np.abs(reference.w_avg).max())
    np.testing.assert_allclose(model.intercept_, reference.b_avg, rtol=1e-9)
    assert all(few < many for few, many in widths)


# ---- the columns ----

def test_columns_there_and_back():
    X, _ = rows()
    known = np.zeros((2, D))
    known[1, [17, 18]] = 1
    rest, close = find_identical_columns(Matrix(X), [known], [])
    np.testing.assert_array_equal(rest.columns, np.union1d(X.indices, [17, 18]))
    whole = np.zeros((2, D))
    whole[:, rest.columns] = np.random.default_rng(0).normal(size=(2, len(rest.columns)))
    for a, axis in ((whole, -1), (np.ascontiguousarray(whole.T), 0), (whole[0], -1)):
        part = rest.gather(a, axis)
        assert part.shape[axis] == close.d == len(rest.columns) + 1
        np.testing.assert_array_equal(rest.spread(part, axis), a)
    among = np.array([17, D - 2, 0, 3])
    np.testing.assert_array_equal(rest.gather(whole)[:, rest.places(among)][:, :4], whole[:, among])
    np.testing.assert_allclose(predict(close, rest.gather(whole), np.zeros(2)), X @ whole.T, rtol=1e-13, atol=1e-13)
