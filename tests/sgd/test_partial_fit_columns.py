"""Calls of partial_fit with CSR rows that touch few of many columns: weights that no row touches are scaled and averaged as all others, in
place where nobody else sees them, and a call that fails leaves every one as it was.

Weights are compared with scikit-learn's, and with fits of the touched columns alone.
"""
import copy
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn import linear_model as sklearn_models
from sklearn.model_selection import StratifiedShuffleSplit

from fastopt import exceptions, linear_model
from fastopt._core.tables import Matrix
from fastopt._sgd.per_sample.touched_columns import narrow

N, D, VALUES = 24, 6000, 12
SETTINGS = {
    "l2": {},
    "none": {"penalty": None},
    "l1": {"penalty": "l1", "alpha": 1e-2, "learning_rate": "constant", "eta0": 0.05},
    "elasticnet": {"penalty": "elasticnet", "alpha": 1e-2, "l1_ratio": 0.4},
    "average": {"average": True},
    "average later": {"average": 40, "learning_rate": "constant", "eta0": 0.05},
    "folded": {"alpha": 0.9, "learning_rate": "constant", "eta0": 0.9},                      # 0.19 a step: below 1e-9 within a call
    "folded, average": {"alpha": 0.9, "learning_rate": "constant", "eta0": 0.9, "average": True},
    "forgotten": {"alpha": 1.0, "learning_rate": "constant", "eta0": 1.0, "average": 5},     # weights times 0
    "no intercept": {"fit_intercept": False},
    "pa1": {"learning_rate": "pa1", "eta0": 0.3},
}
ONE_CLASS = {"one class": {}, "one class, average": {"average": True}}
CLASSES = {"two": [0, 1], "three": [0, 1, 2]}


def rows(seed=0, n=N, d=D, dtype=np.float64, columns=None):
    """Rows with values in few columns, a column twice in some of them."""
    rng = np.random.default_rng(seed)
    columns = rng.choice(d, 60, replace=False) if columns is None else columns
    indices = rng.choice(columns, (n, VALUES)).astype(np.int32)
    return sp.csr_matrix((rng.normal(size=n * VALUES).astype(dtype), indices.ravel(), np.arange(0, n * VALUES + 1, VALUES)), shape=(n, d))


def estimators(kind, **more):
    """Ours and scikit-learn's, with the same settings, and how they learn from X."""
    if kind in ONE_CLASS:
        settings = {"random_state": 3, **ONE_CLASS[kind], **more}
        return [(module.SGDOneClassSVM(**settings), lambda model, X, y: model.partial_fit(X)) for module in (linear_model, sklearn_models)]
    settings = {"random_state": 3, **SETTINGS[kind], **more}
    if settings.get("average"):   # scikit-learn's partial_fit loses the intercept behind the average
        settings["fit_intercept"] = False
    return [(module.SGDClassifier(**settings), lambda model, X, y: model.partial_fit(X, y, [0, 1])) for module in (linear_model, sklearn_models)]


def labels(X, k=2, seed=0):
    return np.random.default_rng(100 + seed).integers(0, k, X.shape[0])


def started(model, X, y, learn, seed=0):
    """After a call, with weights everywhere."""
    learn(model, X, y)
    coef = np.random.default_rng(seed).normal(size=model.coef_.shape)
    for name in ("coef_", "_standard_coef", "_average_coef", "standard_coef_", "average_coef_"):
        if name in vars(model):
            getattr(model, name)[...] = coef.reshape(getattr(model, name).shape)
    return model


def same(ours, theirs, rtol=1e-7):
    scale = np.abs(theirs.coef_).max() + 1e-300
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=rtol, atol=rtol * scale)
    np.testing.assert_allclose(ours.offset_ if hasattr(ours, "offset_") else ours.intercept_,
                               theirs.offset_ if hasattr(theirs, "offset_") else theirs.intercept_, rtol=rtol, atol=rtol)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", [*SETTINGS, *ONE_CLASS])
def test_weights_of_all_columns_are_scikit_learns(kind):
    found = []
    for model, learn in estimators(kind):
        for call in range(4):
            X = rows(call)
            X.sum_duplicates()   # which scikit-learn counts one by one in the length of a row
            if call == 1 and "average" not in kind and kind != "forgotten":   # with averages, who holds what differs in name
                started(model, X, labels(X), learn)
            learn(model, X, labels(X, seed=call))
        found.append(model)
    same(*found)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("classes", CLASSES)
@pytest.mark.parametrize("kind", SETTINGS)
def test_touched_columns_learn_as_if_they_were_all_there_are(kind, classes, dtype):
    columns = np.sort(np.random.default_rng(5).choice(D, 40, replace=False))
    wide, close = (linear_model.SGDClassifier(random_state=1, **SETTINGS[kind]) for _ in range(2))
    k = len(CLASSES[classes])
    for call in range(3):
        X = rows(call, dtype=dtype, columns=columns)
        y = labels(X, k, call)
        narrowed = sp.csr_matrix((X.data, np.searchsorted(columns, X.indices).astype(np.int32), X.indptr), shape=(N, 40))
        assert narrow(Matrix(X)) is not None and narrow(Matrix(narrowed)) is None
        wide.partial_fit(X, y, CLASSES[classes])
        close.partial_fit(narrowed, y, CLASSES[classes])
    np.testing.assert_array_equal(wide.coef_[:, columns], close.coef_)
    np.testing.assert_array_equal(wide.intercept_, close.intercept_)
    assert wide.coef_.dtype == dtype
    rest = np.delete(wide.coef_, columns, axis=1)
    assert not rest.any()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind", SETTINGS)
def test_untouched_columns_are_scaled_as_a_column_of_zeros_is(kind, dtype):
    """A column whose values are stored zeros goes through the loop; one without values does not."""
    learnt = []
    for stored in (False, True):
        model = linear_model.SGDClassifier(random_state=1, **{**SETTINGS[kind], "shuffle": False})
        X = rows(0, dtype=dtype, columns=np.arange(40))
        started(model, X, labels(X), lambda m, X, y: m.partial_fit(X, y, [0, 1]))
        if stored:
            extra = sp.csr_matrix((np.zeros(N * 2, dtype), np.tile([50, 60], N), np.arange(0, 2 * N + 1, 2)), shape=X.shape)
            data = np.concatenate([X.data.reshape(N, -1), extra.data.reshape(N, -1)], axis=1).ravel()
            indices = np.concatenate([X.indices.reshape(N, -1), extra.indices.reshape(N, -1)], axis=1).ravel()
            X = sp.csr_matrix((data, indices, np.arange(0, N * (VALUES + 2) + 1, VALUES + 2)), shape=X.shape)
        model.partial_fit(X, labels(X))
        learnt.append(model.coef_[0, [50, 60]])
    if "l1" in kind or "elasticnet" in kind:   # l1 meets a weight only when its column is touched
        assert (np.abs(learnt[1]) < np.abs(learnt[0])).all()
    else:
        np.testing.assert_allclose(*learnt, rtol=1e-6 if dtype == np.float32 else 1e-13, atol=1e-30)


@pytest.mark.parametrize("hold", {
    "the array": lambda model: model.coef_,
    "a view": lambda model: model.coef_[..., 1:3],
    "a view of a view": lambda model: model.coef_.reshape(-1)[::2],
    "a memoryview": lambda model: np.frombuffer(memoryview(model.coef_.reshape(-1)), np.float64),
    "a copy of the estimator": lambda model: copy.copy(model).coef_,
    "its attributes": lambda model: dict(vars(model))["coef_"],
}.items(), ids=lambda item: item[0])
@pytest.mark.parametrize("model", [linear_model.SGDClassifier, linear_model.SGDRegressor])
@pytest.mark.parametrize("average", [False, True])
def test_arrays_that_someone_holds_do_not_change(model, average, hold):
    X = rows()
    model = model(random_state=0, average=average)
    model.partial_fit(X, labels(X), *([[0, 1]] if hasattr(model, "multi_class") else []))
    model.coef_[...] += 1
    held = hold[1](model)
    before = held.copy()
    model.partial_fit(rows(1), labels(X))
    np.testing.assert_array_equal(held, before)
    assert not np.array_equal(np.ravel(hold[1](model)), before.ravel())


def test_weights_that_nobody_holds_are_updated_where_they_are():
    X = rows()
    model = linear_model.SGDClassifier(random_state=0).partial_fit(X, labels(X), [0, 1])
    place = model.coef_.__array_interface__["data"][0]
    for call in range(3):
        model.partial_fit(rows(call), labels(X))
        assert model.coef_.__array_interface__["data"][0] == place


@pytest.mark.parametrize("change", ["in place", "another array", "float32", "Fortran order", "read-only", "list of lists"])
@pytest.mark.parametrize("average", [False, True])
def test_what_the_user_does_to_coef_counts(change, average):
    mine, found = np.random.default_rng(8).normal(size=(1, D)), []
    for X_second in (rows(1), rows(1)):
        model = linear_model.SGDClassifier(random_state=0, average=average).partial_fit(rows(), labels(rows()), [0, 1])
        fresh = linear_model.SGDClassifier(random_state=0, average=average).fit(rows(), labels(rows()))
        if change == "in place":
            model.coef_[...] = mine
        else:
            model.coef_ = {"another array": mine.copy(), "float32": mine.astype(np.float32), "Fortran order": np.asfortranarray(mine),
                           "read-only": np.frombuffer(mine.tobytes()).reshape(1, D), "list of lists": np.array(mine.tolist())}[change]
        model.partial_fit(X_second, labels(rows()))
        found.append(model.coef_)
        del fresh
    untouched = np.setdiff1d(np.arange(D), np.concatenate([rows().indices, rows(1).indices]))
    if average and change == "in place":   # the average itself was changed, and is one part of the new one
        assert np.corrcoef(found[0][0, untouched], mine[0, untouched])[0, 1] > 0.99
    else:
        ratio = found[0][0, untouched] / mine[0, untouched]
        assert np.ptp(ratio) < 1e-6 and 0.5 < ratio[0] <= 1
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("kind", ["l2", "average", "none"])
@pytest.mark.parametrize("classes", CLASSES)
def test_a_call_that_fails_changes_nothing(kind, classes):
    k = len(CLASSES[classes])
    model = linear_model.SGDClassifier(loss="squared_error", random_state=0, **SETTINGS[kind])
    model.set_params(learning_rate="constant", eta0=1e-3).partial_fit(rows(), labels(rows(), k), CLASSES[classes])
    before = pickle.dumps(model)
    wild = rows(1)
    wild.data[...] = 1e200
    broken = rows(1)
    broken.indices[3] = D + 7
    for X, error in ((wild, exceptions.DivergenceError), (broken, ValueError), (rows(1, d=D + 1), ValueError)):
        with pytest.raises(error):
            model.partial_fit(X, labels(X, k))
        assert pickle.dumps(pickle.loads(before)) == pickle.dumps(pickle.loads(pickle.dumps(model)))


@pytest.mark.parametrize("between", {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)), "deepcopy": copy.deepcopy, "copy": copy.copy,
    "sparsify": lambda model: model.sparsify(), "sparsify, densify": lambda model: model.sparsify().densify(),
    "look": lambda model: (model.coef_.sum(), model)[1],
}.items(), ids=lambda item: item[0])
@pytest.mark.parametrize("kind", ["l2", "average", "l1"])
def test_what_happens_between_calls_changes_nothing(kind, between):
    plain, other = (linear_model.SGDClassifier(random_state=0, **SETTINGS[kind]) for _ in range(2))
    for call in range(3):
        X = rows(call)
        plain.partial_fit(X, labels(X), [0, 1])
        other = between[1](other.partial_fit(X, labels(X), [0, 1]))
    np.testing.assert_array_equal(plain.coef_, other.coef_.toarray() if sp.issparse(other.coef_) else other.coef_)


def test_types_may_change_between_calls():
    model, theirs = (module.SGDClassifier(random_state=0) for module in (linear_model, sklearn_models))
    for call, dtype in enumerate([np.float64, np.float32, np.float32, np.float64]):
        X = rows(call, dtype=dtype)
        model.partial_fit(X, labels(X), [0, 1])
        theirs.partial_fit(X.astype(np.float64), labels(X), [0, 1])
        assert model.coef_.dtype == dtype
    np.testing.assert_allclose(model.coef_, theirs.coef_, rtol=2e-5, atol=1e-5 * np.abs(theirs.coef_).max())


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("classes", CLASSES)
@pytest.mark.parametrize("kind", ["l2", "none", "l1", "average", "folded"])
@pytest.mark.parametrize("held", ["early stopping", "a set of its own"])
def test_scores_of_epochs_are_those_of_all_weights(kind, classes, held):
    X, other, k = rows(0, n=60), rows(1, n=60, columns=np.arange(50)), len(CLASSES[classes])
    other = sp.vstack([other, rows(0, n=30)]).tocsr()
    settings = dict(random_state=0, max_iter=4, tol=None, early_stopping=held == "early stopping", **SETTINGS[kind])
    model = linear_model.SGDClassifier(**settings)
    start = np.random.default_rng(3).normal(size=(1 if k == 2 else k, D))
    pair = None if held == "early stopping" else (other, labels(other, k))
    model.fit(X, labels(X, k), coef_init=start, eval_set=pair)
    if pair is None:
        split = StratifiedShuffleSplit(test_size=0.1, random_state=0)
        chosen = next(split.split(X, labels(X, k)))[1]
        pair = X[chosen], labels(X, k)[chosen]
    assert len(model.validation_curve_) == 4
    assert model.validation_curve_[-1] == pytest.approx(model.score(*pair), abs=1e-12)


@pytest.mark.parametrize("indices", [np.int32, np.int64])
def test_columns_are_told_apart(indices):
    rng = np.random.default_rng(2)
    X = rows()
    X.indices, X.indptr = rng.choice(D, X.nnz).astype(indices), X.indptr.astype(indices)
    columns, close = narrow(Matrix(X))
    np.testing.assert_array_equal(columns, np.unique(X.indices))
    np.testing.assert_array_equal(columns[close.arrays[1]], X.indices)
    assert close.d == len(columns) + 2
    empty = sp.csr_matrix((3, D))
    assert narrow(Matrix(empty))[1].d == 2
    assert narrow(Matrix(np.ones((2, D)))) is None


@pytest.mark.parametrize("model", [linear_model.SGDClassifier, linear_model.SGDRegressor])
@pytest.mark.parametrize("random_state", [0, 7, 2**32 - 1])
def test_a_seed_means_what_a_generator_from_it_does(model, random_state):
    X = rows()
    learnt = [model(random_state=state).fit(X, labels(X)).coef_
              for state in (random_state, random_state, np.random.RandomState(random_state))]
    np.testing.assert_array_equal(learnt[0], learnt[1])
    np.testing.assert_array_equal(learnt[0], learnt[2])


def test_parameters_that_become_wrong_are_noticed():
    X = rows()
    model = linear_model.SGDClassifier(random_state=0).partial_fit(X, labels(X), [0, 1])
    for name, value in (("alpha", -1.0), ("alpha", True), ("eta0", 0), ("average", 0.5), ("max_iter", 1.0), ("loss", "no")):
        before = getattr(model, name)
        setattr(model, name, value)
        with pytest.raises(exceptions.InvalidParameterError, match=name):
            model.partial_fit(X, labels(X))
        setattr(model, name, before)
    model.partial_fit(X, labels(X))
