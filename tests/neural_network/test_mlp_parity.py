"""The perceptrons against scikit-learn's, with the same seed: weights, losses, counts of epochs, predictions, attributes."""
import inspect
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.neural_network as theirs

from fastopt import neural_network as ours
from network_data import BINARY, CLASSES, COUNTS, LABELS, NUMBERS, TASKS, WEIGHTS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
BASE = {"hidden_layer_sizes": (7, 5), "max_iter": 12, "random_state": 3, "batch_size": 32, "learning_rate_init": 0.01}
NUMBERS_OF = ("t_", "n_iter_", "n_layers_", "n_outputs_", "out_activation_", "loss_", "best_loss_", "_no_improvement_count",
              "best_validation_score_", "n_features_in_")


def closeness(ours, theirs):
    """The largest difference, as a share of the largest number of an array."""
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
    return max(float(np.max(np.abs(a - b)) / np.max(np.abs(b))) for a, b in zip(ours, theirs))


def assert_alike(mine, peer, X, tol=1e-9):
    assert isinstance(mine.coefs_, list) and isinstance(mine.intercepts_, list)
    assert closeness(mine.coefs_, peer.coefs_) < tol
    assert closeness(mine.intercepts_, peer.intercepts_) < tol
    for name in NUMBERS_OF:
        if hasattr(peer, name):
            a, b = getattr(mine, name), getattr(peer, name)
            assert a == b if isinstance(b, (str, int, type(None))) else a == pytest.approx(b, rel=tol), name
    for name in ("loss_curve_", "validation_scores_"):
        a, b = getattr(mine, name, None), getattr(peer, name, None)
        assert type(a) is type(b)
        if b is not None:
            np.testing.assert_allclose(a, b, rtol=tol)
    if hasattr(peer, "_optimizer"):
        assert mine._optimizer.learning_rate == pytest.approx(peer._optimizer.learning_rate, rel=1e-12)
    assert_same_predictions(mine, peer, X, tol)


def assert_same_predictions(mine, peer, X, tol):
    a, b = mine.predict(X), peer.predict(X)
    assert a.dtype == b.dtype and a.shape == b.shape
    if b.dtype.kind == "f":
        np.testing.assert_allclose(a, b, rtol=tol, atol=tol * np.max(np.abs(b)))
    else:
        np.testing.assert_array_equal(a, b)
    for method in ("predict_proba", "predict_log_proba") if hasattr(peer, "classes_") else ():
        np.testing.assert_allclose(getattr(mine, method)(X), getattr(peer, method)(X), rtol=tol, atol=tol)
    if hasattr(peer, "classes_"):
        np.testing.assert_array_equal(mine.classes_, peer.classes_)
        assert mine.classes_.dtype == peer.classes_.dtype
        assert mine._label_binarizer.y_type_ == peer._label_binarizer.y_type_


def both(estimator, X, y, calls=("fit",), **parameters):
    """Ours and theirs after the same calls: names of methods, or (name, further arguments)."""
    models = [getattr(module, estimator)(**{**BASE, **parameters}) for module in (ours, theirs)]
    for call in calls:
        method, more = (call, {}) if isinstance(call, str) else call
        for model in models:
            getattr(model, method)(X, y, **more)
    return models


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("task", TASKS)
def test_solvers_activations_tasks(solver, activation, task):
    estimator, X, y = TASKS[task]
    assert_alike(*both(estimator, X, y, solver=solver, activation=activation), X)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("task", TASKS)
def test_early_stopping(solver, task):
    estimator, X, y = TASKS[task]
    mine, peer = both(estimator, X, y, solver=solver, early_stopping=True, n_iter_no_change=3, validation_fraction=0.2, max_iter=30)
    assert_alike(mine, peer, X)
    assert mine.best_loss_ is None and len(mine.validation_scores_) == mine.n_iter_


CASES = {
    "adaptive": (CLASSES, {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 2, "tol": 1e-2, "max_iter": 80}),
    "invscaling": (CLASSES, {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.3}),
    "no momentum": (BINARY, {"solver": "sgd", "momentum": 0}),
    "plain momentum": (BINARY, {"solver": "sgd", "nesterovs_momentum": False, "momentum": 0.5}),
    "momentum of 1": (BINARY, {"solver": "sgd", "momentum": 1, "learning_rate_init": 1e-4}),
    "betas": (BINARY, {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3}),
    "no shuffle": (CLASSES, {"shuffle": False}),
    "alpha": (LABELS, {"alpha": 1.0}),
    "auto batches": (CLASSES, {"batch_size": "auto"}),
    "batches of 1": (BINARY, {"batch_size": 1, "max_iter": 3}),
    "stops": (BINARY, {"max_iter": 200, "tol": 1e-2, "n_iter_no_change": 2}),
    "bears all": (BINARY, {"n_iter_no_change": np.inf, "tol": 1.0}),
    "one layer": (CLASSES, {"hidden_layer_sizes": 6}),
    "no hidden layer": (CLASSES, {"hidden_layer_sizes": ()}),
    "an array of layers": (CLASSES, {"hidden_layer_sizes": np.array([4, 3, 2])}),
}


@pytest.mark.parametrize("case", CASES)
def test_options(case):
    (X, y), parameters = CASES[case]
    assert_alike(*both("MLPClassifier", X, y, **parameters), X)


@pytest.mark.newest
@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("task", TASKS)
def test_sample_weights(task, early):
    estimator, X, y = TASKS[task]
    models = both(estimator, X, y, [("fit", {"sample_weight": WEIGHTS})], early_stopping=early, validation_fraction=0.2)
    assert_alike(*models, X)


@pytest.mark.newest
@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_poisson(weights, solver):
    X, y = COUNTS
    mine, peer = both("MLPRegressor", X, y, [("fit", {"sample_weight": weights})], loss="poisson", solver=solver)
    assert_alike(mine, peer, X, 1e-9 if solver == "adam" else 1e-5)
    assert mine.out_activation_ == "exp"


@pytest.mark.parametrize("solver, learning_rate", [("adam", "constant"), ("sgd", "invscaling"), ("sgd", "adaptive")])
@pytest.mark.parametrize("task", TASKS)
def test_partial_fit(task, solver, learning_rate):
    estimator, X, y = TASKS[task]
    first = {"classes": np.arange(4 if y.ndim == 2 else y.max() + 1)} if estimator == "MLPClassifier" else {}
    calls = [("partial_fit", first), *["partial_fit"] * 3]
    assert_alike(*both(estimator, X, y, calls, solver=solver, learning_rate=learning_rate), X)


@pytest.mark.parametrize("calls, early", [(["fit", "fit", "fit"], False), (["fit", "fit", "fit"], True),
                                          (["fit", "partial_fit", "partial_fit", "fit"], False)])
@pytest.mark.parametrize("task", ["classes", "columns"])
def test_warm_start(task, calls, early):
    estimator, X, y = TASKS[task]
    assert_alike(*both(estimator, X, y, calls, warm_start=True, max_iter=4, early_stopping=early), X)


@pytest.mark.parametrize("calls", [["fit", "partial_fit"], ["fit", "fit"]])
def test_fits_again(calls):
    X, y = CLASSES
    assert_alike(*both("MLPClassifier", X, y, calls, max_iter=4), X)


@pytest.mark.parametrize("layers", [(), (3,)])
@pytest.mark.parametrize("task", TASKS)
def test_lbfgs_ends_where_theirs_does(task, layers):
    """Of several columns scikit-learn's value is no integral of its gradient, and line searches end early there."""
    estimator, X, y = TASKS[task]
    mine, peer = both(estimator, X, y, solver="lbfgs", activation="tanh", hidden_layer_sizes=layers, alpha=1.0, max_iter=1000, tol=1e-7)
    assert mine.loss_ == pytest.approx(peer.loss_, rel=1e-2 if task == "columns" else 1e-4)
    if task != "columns":
        raw = "predict_proba" if estimator == "MLPClassifier" else "predict"
        np.testing.assert_allclose(getattr(mine, raw)(X), getattr(peer, raw)(X), atol=3e-3)
    for name in ("loss_curve_", "best_loss_", "validation_scores_", "_optimizer"):
        assert not hasattr(mine, name)


@pytest.mark.parametrize("task", TASKS)
def test_lbfgs_steps_as_theirs(task):
    estimator, X, y = TASKS[task]
    mine, peer = both(estimator, X, y, solver="lbfgs", activation="tanh", max_iter=5)
    assert_alike(mine, peer, X, 1e-7)


@pytest.mark.parametrize("form", [sp.csr_matrix, sp.csc_matrix, sp.csr_array, np.asfortranarray, lambda X: np.repeat(X, 2, axis=0)[::2],
                                  lambda X: X.tolist()])
def test_forms_of_X(form):
    X, y = CLASSES
    peer = theirs.MLPClassifier(**BASE).fit(X, y)
    assert_alike(ours.MLPClassifier(**BASE).fit(form(X), y), peer, X)


@pytest.mark.newest
@pytest.mark.parametrize("labels", [["b", "a", "c"], [True, False], [5, -1, 7], [1.0, 2.0], np.array(["x", "yy", "z"], dtype=object)])
@pytest.mark.parametrize("early", [False, True])
def test_labels_of_any_type(labels, early):
    X, y = BINARY if len(labels) == 2 else CLASSES
    assert_alike(*both("MLPClassifier", X, np.asarray(labels)[y], early_stopping=early), X)


def test_a_single_class():
    X, _ = BINARY
    mine, peer = both("MLPClassifier", X, np.full(len(X), "a"))
    assert_alike(mine, peer, X)


def test_float32_is_kept():
    for task, (estimator, X, y) in TASKS.items():
        mine, peer = both(estimator, X.astype(np.float32), y)
        assert closeness(mine.coefs_, peer.coefs_) < 1e-4, task
        assert {array.dtype for array in mine.coefs_ + mine.intercepts_} == {np.dtype(np.float32)}
        for method in ("predict_proba",) if estimator == "MLPClassifier" else ("predict",):
            assert getattr(mine, method)(X.astype(np.float32)).dtype == np.float32
            assert getattr(mine, method)(X).dtype == getattr(peer, method)(X).dtype


def test_a_generator_is_drawn_from_as_theirs():
    X, y = NUMBERS
    for early in (False, True):
        options = {**BASE, "early_stopping": early}
        mine, peer = (module.MLPRegressor(**{**options, "random_state": np.random.RandomState(5)}).fit(X, y) for module in (ours, theirs))
        assert_alike(mine, peer, X)
        assert mine.random_state.randint(1 << 30) == peer.random_state.randint(1 << 30)


def test_printed_lines(capsys):
    X, y = CLASSES
    options = {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 1, "tol": 0.3, "max_iter": 60, "verbose": True}
    for early in (False, True):
        shown = []
        for module in (ours, theirs):
            module.MLPClassifier(**{**BASE, **options}, early_stopping=early).fit(X, y)
            shown.append(capsys.readouterr().out)
        assert shown[0] == shown[1] and "Learning rate too small. Stopping." in shown[0]


@pytest.mark.newest
@pytest.mark.parametrize("parameters", [{"batch_size": 500}, {"max_iter": 2}, {"solver": "lbfgs", "max_iter": 2},
                                        {"early_stopping": True, "batch_size": 140}])
def test_warnings(parameters):
    X, y = BINARY
    told = []
    for module in (ours, theirs):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            module.MLPClassifier(**{**BASE, **parameters}).fit(X, y)
        told.append([(each.category, str(each.message)) for each in caught])
        assert module is theirs or all(each.filename == __file__ for each in caught)
    assert told[0] == told[1] and told[0]


@pytest.mark.newest
@pytest.mark.parametrize("estimator", ["MLPClassifier", "MLPRegressor"])
def test_parameters_are_theirs_in_their_order(estimator):
    mine, peer = (inspect.signature(getattr(module, estimator)).parameters for module in (ours, theirs))
    assert list(mine)[:len(peer)] == list(peer)
    for name, parameter in peer.items():
        assert (mine[name].kind, mine[name].default) == (parameter.kind, parameter.default)
    assert all(parameter.kind is parameter.KEYWORD_ONLY for name, parameter in mine.items() if name not in peer)
