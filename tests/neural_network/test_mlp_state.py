"""What fitted perceptrons hold: weights that users may replace, pickles that go on learning, copies, names of features, interrupted fits."""
import copy
import pickle
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.neural_network as theirs
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastopt.neural_network import MLPClassifier, MLPRegressor
from network_data import BINARY, CLASSES, COLUMNS, LABELS, NUMBERS, TASKS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
OPTIONS = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0, "batch_size": 32}


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True))


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("optimizer", [None, "adamw"])
def test_a_pickle_goes_on_learning(solver, optimizer):
    X, y = CLASSES
    model = MLPClassifier(**OPTIONS, solver=solver, optimizer=optimizer).fit(X, y)
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        before = [coef.copy() for coef in other.coefs_]
        assert same(other, model)
        other.partial_fit(X, y)
        assert not all(np.array_equal(a, b) for a, b in zip(before, other.coefs_))
        assert same(other, copy.deepcopy(model).partial_fit(X, y))


def test_partial_fit_leaves_earlier_weights_alone():
    X, y = CLASSES
    model = MLPClassifier(**OPTIONS).fit(X, y)
    kept = model.coefs_
    before = [coef.copy() for coef in kept]
    shallow = copy.copy(model)
    model.partial_fit(X, y)
    assert all(np.array_equal(a, b) for a, b in zip(before, kept)) and shallow.coefs_ is kept
    rate, state = shallow._optimizer, pickle.dumps(shallow._optimizer)
    model.partial_fit(X, y)
    assert pickle.dumps(rate) == state


def test_weights_that_users_put_in_place():
    X, y = NUMBERS
    mine, peer = (cls(**OPTIONS).fit(X, y) for cls in (MLPRegressor, theirs.MLPRegressor))
    for model in (mine, peer):
        model.coefs_ = [coef / 2 for coef in model.coefs_]
        model.intercepts_[0] = model.intercepts_[0] + 1
        model.coefs_[1][0] = 3
    np.testing.assert_allclose(mine.predict(X), peer.predict(X), rtol=1e-9)
    mine.partial_fit(X, y)
    peer.partial_fit(X, y)
    for a, b in zip(mine.coefs_ + mine.intercepts_, peer.coefs_ + peer.intercepts_):
        np.testing.assert_allclose(a, b, rtol=1e-9)


def test_rates_that_users_set():
    X, y = NUMBERS
    mine, peer = (cls(**OPTIONS, solver="sgd").fit(X, y) for cls in (MLPRegressor, theirs.MLPRegressor))
    for model in (mine, peer):
        model._optimizer.learning_rate = 0.05
        model.partial_fit(X, y)
    np.testing.assert_allclose(mine.coefs_[0], peer.coefs_[0], rtol=1e-9)


@pytest.mark.parametrize("task", TASKS)
def test_fit_does_not_change_parameters_and_clones_start_anew(task):
    name, X, y = TASKS[task]
    model = {"MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor}[name](**OPTIONS)
    given = model.get_params()
    model.fit(X, y)
    assert model.get_params() == given
    again = clone(model)
    assert not hasattr(again, "coefs_") and same(again.fit(X, y), model)
    assert same(model.fit(X, y), again)


def test_other_solvers_leave_no_attributes_behind():
    X, y = CLASSES
    model = MLPClassifier(**OPTIONS, early_stopping=True).fit(X, y)
    assert model.validation_scores_ and model.best_iter_
    model.set_params(early_stopping=False).fit(X, y)
    assert model.validation_scores_ is None and not hasattr(model, "best_iter_") and not hasattr(model, "validation_loss_curve_")
    model.set_params(solver="lbfgs").fit(X, y)
    assert not hasattr(model, "loss_curve_") and not hasattr(model, "_optimizer")


def test_an_interrupted_fit_keeps_its_epochs():
    X, y = CLASSES

    def interrupts(result):
        if result.nit == 2:
            raise KeyboardInterrupt
    with pytest.warns(UserWarning, match="Training interrupted by user."):
        model = MLPClassifier(**OPTIONS).fit(X, y, callback=interrupts)
    assert model.n_iter_ == 2 and same(model, MLPClassifier(**{**OPTIONS, "max_iter": 2}).fit(X, y))


def test_names_of_features():
    pd = pytest.importorskip("pandas")
    X, y = CLASSES
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])])
    model = MLPClassifier(**OPTIONS, early_stopping=True, scoring="accuracy").fit(frame, y)
    assert list(model.feature_names_in_) == list(frame.columns)
    with pytest.warns(UserWarning, match="valid feature names"):
        model.predict(X)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[frame.columns[::-1]])


def test_what_converters_read():
    for (X, y), kind, out in ((BINARY, "binary", "logistic"), (CLASSES, "multiclass", "softmax"), (LABELS, "multilabel-indicator", "logistic")):
        model = MLPClassifier(**OPTIONS).fit(X, y)
        assert (model._label_binarizer.y_type_, model.out_activation_) == (kind, out)
        np.testing.assert_array_equal(model._label_binarizer.classes_, model.classes_)
    assert not hasattr(MLPClassifier(), "_label_binarizer")


def test_labels_in_a_sparse_matrix():
    X, y = LABELS
    assert same(MLPClassifier(**OPTIONS).fit(X, sp.csr_matrix(y)), MLPClassifier(**OPTIONS).fit(X, y))


def test_predictions_do_not_depend_on_how_many_rows_there_are():
    X, y = COLUMNS
    model = MLPRegressor(**OPTIONS).fit(X, y)
    many = np.tile(X, (40, 1))
    np.testing.assert_allclose(model.predict(many)[-len(X):], model.predict(X), rtol=1e-12)
    np.testing.assert_allclose(model.predict(X[:1])[0], model.predict(X)[0], rtol=1e-12)


@pytest.mark.parametrize("jobs", [1, 2, -1])
def test_results_do_not_depend_on_threads(jobs):
    X, y = CLASSES
    assert same(MLPClassifier(**OPTIONS, n_jobs=jobs).fit(X, y), MLPClassifier(**OPTIONS).fit(X, y))


def test_fits_at_the_same_time():
    alone = [MLPClassifier(**{**OPTIONS, "random_state": seed}).fit(*CLASSES) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda seed: MLPClassifier(**{**OPTIONS, "random_state": seed}).fit(*CLASSES), range(8)))
        shares = list(pool.map(lambda _: alone[0].predict_proba(CLASSES[0]), range(8)))
    assert all(map(same, alone, together))
    assert all(np.array_equal(found, shares[0]) for found in shares)


def test_predictions_take_the_memory_of_their_numbers():
    rng = np.random.default_rng(0)
    model = MLPRegressor(hidden_layer_sizes=(256, 256), max_iter=1, random_state=0).fit(rng.normal(size=(50, 4)).astype(np.float32), np.zeros(50))
    X = rng.normal(size=(50_000, 4)).astype(np.float32)
    tracemalloc.start()
    found = model.predict(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < found.nbytes + 3e6   # the activations of all rows would be 100 MB


def test_with_scikit_learns_tools():
    X, y = CLASSES
    search = GridSearchCV(make_pipeline(StandardScaler(), MLPClassifier(**OPTIONS)), {"mlpclassifier__alpha": [1e-3, 1.0]}, cv=2).fit(X, y)
    assert search.best_score_ > 0
    with joblib.parallel_config("threading"):
        assert cross_val_predict(MLPRegressor(**OPTIONS), *NUMBERS, cv=2, n_jobs=2).shape == NUMBERS[1].shape
    assert CalibratedClassifierCV(MLPClassifier(**OPTIONS), cv=2).fit(X, y).predict_proba(X).shape == (len(X), 3)
