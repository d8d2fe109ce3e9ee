"""Generated bad input, 1,300 examples here and 300 in test_bad_input_csr.py: each is refused by a ValueError or
TypeError that names the argument, and leaves the estimator as it was.  Losses too.  Divergence is told apart.
"""
import inspect

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings, strategies as st

import fastopt as fo
from bad_inputs import (
    FLOATS,
    NO_DTYPES,
    NO_NUMBERS,
    NOT_FINITE,
    D,
    N,
    bad_labels,
    bad_start,
    bad_targets,
    bad_weight,
    bad_X,
    good,
    refused,
    spoiled,
    state,
)
from fastopt import losses
from fastopt.exceptions import DivergenceError
from fastopt.linear_model import SGDClassifier, SGDOneClassSVM, SGDRegressor

ESTIMATORS = [SGDClassifier, SGDRegressor, SGDOneClassSVM]
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning", "ignore::UserWarning")


# ---- parameters ----
JUNK = st.one_of(NOT_FINITE, st.sampled_from([1j, "zzz", b"l2", [1], (), {1: 2}.items(), np.ones(2), int, object(),
                                              "l3", np.longdouble("1e4000"), 10 ** 400, -10 ** 400]))
BELOW_0 = st.floats(max_value=0, exclude_max=True, allow_infinity=False) | st.integers(max_value=-1)
NO_FLAG = JUNK | st.sampled_from([None, 2, -1, "True", 0.5])
NO_COUNT = JUNK | st.sampled_from([0, -1, 1.5, True, 2 ** 63, "1", np.float64(3)])
ABOVE_1 = st.floats(min_value=1, exclude_min=True, allow_infinity=False)
NO_NAME = JUNK | st.sampled_from(["", "L2", "hing", "Constant", "optimal ", 3, True, losses.Huber])
BAD = {
    "loss": NO_NAME | st.sampled_from([None, losses.Huber]), "penalty": NO_NAME, "learning_rate": NO_NAME | st.none(),
    "alpha": JUNK | BELOW_0 | st.none() | st.booleans(), "l1_ratio": JUNK | BELOW_0 | ABOVE_1 | st.booleans(),
    **dict.fromkeys(["fit_intercept", "shuffle", "warm_start", "early_stopping", "restore_best"], NO_FLAG),
    "max_iter": NO_COUNT | st.none(), "n_iter_no_change": NO_COUNT | st.none(), "tol": JUNK | BELOW_0 | st.booleans(),
    "verbose": JUNK | st.sampled_from([-1, None, 0.5]), "epsilon": JUNK | BELOW_0 | st.none() | st.booleans(),
    "n_jobs": JUNK.filter(lambda v: not isinstance(v, int)) | st.sampled_from([0, 1.5, "2", True]),
    "random_state": JUNK | st.sampled_from([-1, 2 ** 32, 0.5, "0", True, np.random.default_rng(0)]),
    "eta0": JUNK | BELOW_0 | st.sampled_from([0, 0.0, None, True]), "power_t": JUNK | st.none() | st.booleans(),
    "validation_fraction": JUNK | BELOW_0 | ABOVE_1 | st.sampled_from([0, 1, 0.0, 1.0, None, True]),
    "class_weight": JUNK | st.sampled_from(["Balanced", {0: -1, 1: 1}, {0: np.nan, 1: 1}, {0: "a", 1: 1},
                                            {0: None, 1: 1}, {0: 1j, 1: 1}, {0: np.inf, 1: 1}, {5: 1, 7: 3}, 1.0]),
    "average": JUNK | st.sampled_from([-1, 1.5, None, "yes", 2 ** 63]),
    "optimizer": NO_NAME.filter(lambda v: v is not None), "parallel": NO_NAME.filter(lambda v: v is not None),
    "multi_class": NO_NAME | st.sampled_from([None, "auto"]),
    "batch_size": NO_COUNT, "clip_norm": JUNK | BELOW_0 | st.sampled_from([0, 0.0, True]),
    "schedule": JUNK.filter(lambda v: not callable(v)) | st.sampled_from([0.1, lambda step: np.nan, lambda step: -1.0]),
    "optimizer_params": JUNK.filter(lambda v: not isinstance(v, dict)) | st.sampled_from([{"betas": (0.9, 0.99)}, {"lr": 1}, {3: 1}]),
    "nu": JUNK | BELOW_0 | ABOVE_1 | st.sampled_from([0, 0.0, None, True]),
}
PARAMETERS = [(cls, name) for cls in ESTIMATORS for name in inspect.signature(cls).parameters]


GOOD = object()


def learn(estimator, method="fit", X=GOOD, **arguments):
    """fit or partial_fit on good data, where nothing else is said."""
    X = good()[0] if X is GOOD else X
    if isinstance(estimator, SGDOneClassSVM):
        return getattr(estimator, method)(X, **arguments)
    y = good()[1 if isinstance(estimator, SGDClassifier) else 2]
    if isinstance(estimator, SGDClassifier) and method == "partial_fit" and not hasattr(estimator, "classes_"):
        arguments.setdefault("classes", [0, 1])
    return getattr(estimator, method)(X, y, **arguments)


def made(cls, fitted, **parameters):
    estimator = cls(**{"max_iter": 2, "tol": None, "random_state": 0, **parameters})
    return learn(estimator) if fitted else estimator


@settings(max_examples=300)
@given(st.data(), st.sampled_from(PARAMETERS), st.booleans(), st.sampled_from(["fit", "partial_fit"]))
def test_parameters(data, where, fitted, method):
    cls, name = where
    estimator = made(cls, fitted)
    if name == "validation_fraction":
        estimator.set_params(early_stopping=True)
        method = "fit"
    if name == "l1_ratio":
        estimator.set_params(penalty="elasticnet")
    estimator.set_params(**{name: data.draw(BAD[name], label=name)})
    refused(name, lambda: learn(estimator, method), estimator)


def test_parameters_that_do_not_go_together():
    for cls, name, parameters in [(SGDClassifier, "alpha", {"alpha": 0}),
                                  (SGDRegressor, "alpha", {"alpha": 0.0, "learning_rate": "optimal"}),
                                  (SGDClassifier, "l1_ratio", {"penalty": "elasticnet", "l1_ratio": None}),
                                  (SGDClassifier, "loss", {"loss": "log_loss", "learning_rate": "pa1"}),
                                  (SGDRegressor, "loss", {"loss": "huber", "learning_rate": "pa2"}),
                                  (SGDRegressor, "epsilon", {"loss": "huber", "epsilon": 0}),
                                  (SGDClassifier, "validation_fraction", {"early_stopping": True,
                                                                          "validation_fraction": 1e-300}),
                                  (SGDRegressor, "loss", {"loss": "hinge"}),
                                  (SGDClassifier, "loss", {"loss": losses.Poisson()})]:
        estimator = made(cls, False, **parameters)
        refused(name, lambda: learn(estimator), estimator)


@pytest.mark.parametrize("cls, name, value, near", [
    (SGDClassifier, "loss", "hing", "'hinge'"), (SGDRegressor, "loss", "squared_eror", "'squared_error'"),
    (SGDClassifier, "penalty", "elastic", "'elasticnet'"),
    (SGDClassifier, "learning_rate", "invscale", "'invscaling'")])
def test_unknown_names_are_told_the_near_match(cls, name, value, near):
    with pytest.raises(ValueError, match=f"{name} of {cls.__name__} .*got '{value}': did you mean {near}"):
        learn(cls(**{name: value}))


# ---- data ----
@settings(max_examples=300)
@given(st.data(), st.sampled_from(ESTIMATORS), st.booleans())
def test_X(data, cls, fitted):
    estimator = made(cls, fitted)
    predicts = ["predict", "predict" if cls is SGDRegressor else "decision_function"]
    method = data.draw(st.sampled_from(["fit", "partial_fit"] + predicts * fitted), label="method")
    X = data.draw(bad_X(rows_matter=cls is not SGDOneClassSVM and "fit" in method,
                        columns_matter=fitted and method != "fit"), label="X")
    refused("X", lambda: learn(estimator, method, X) if "fit" in method else getattr(estimator, method)(X), estimator)


@settings(max_examples=150)
@given(st.data(), st.booleans(), st.sampled_from(["fit", "partial_fit", "eval_set"]))
def test_y_of_a_classifier(data, fitted, method):
    estimator = made(SGDClassifier, fitted)
    y = data.draw(bad_labels(first=method == "fit"), label="y")
    if method == "eval_set":
        refused("eval_set", lambda: learn(estimator, eval_set=(good()[0], y)), estimator)
    else:
        classes = {"classes": [0, 1]} if method == "partial_fit" else {}
        refused("y", lambda: getattr(estimator, method)(good()[0], y, **classes), estimator)


@settings(max_examples=150)
@given(st.data(), st.booleans(), FLOATS, st.sampled_from(["fit", "partial_fit", "eval_set"]),
       st.sampled_from(["squared_error", "poisson", "gamma"]))
def test_y_of_a_regressor(data, fitted, dtype, method, loss):
    X, estimator = good(dtype)[0], SGDRegressor(loss=loss, max_iter=2, tol=None, random_state=0)
    positive = np.abs(good()[2]) + 1
    if fitted:
        estimator.fit(X, positive)
    y = data.draw(bad_targets(dtype, loss), label="y")
    if method == "eval_set":
        refused("eval_set", lambda: estimator.fit(X, positive, eval_set=(X, y)), estimator)
    else:
        refused("y", lambda: getattr(estimator, method)(X, y), estimator)


@settings(max_examples=150)
@given(st.data(), st.sampled_from(ESTIMATORS), st.booleans(), st.sampled_from(
    ["sample_weight", "coef_init", "intercept", "callback", "eval_set", "classes"]))
def test_other_arguments(data, cls, fitted, argument):
    estimator, method, X = made(cls, fitted), "fit", good(data.draw(FLOATS))[0]
    name, output = argument, (1,) if cls is SGDClassifier else ()
    if argument == "sample_weight":
        value, method = data.draw(bad_weight()), data.draw(st.sampled_from(["fit", "partial_fit"]))
    elif argument == "coef_init":
        value = data.draw(bad_start((*output, D)))
    elif argument == "intercept":
        name, value = "offset_init" if cls is SGDOneClassSVM else "intercept_init", data.draw(bad_start((1,)))
    elif argument == "callback" or cls is SGDOneClassSVM:
        name, value = "callback", data.draw(st.sampled_from([3, "print", [], {}, np.ones(3)]))
    elif argument == "eval_set":
        value = data.draw(st.one_of(NO_NUMBERS.filter(lambda value: value is not None), st.just((X,)),
                                    st.just((X, X, X)), bad_X(columns_matter=True).map(lambda bad: (bad, good()[1]))))
    else:
        value, method, estimator = data.draw(st.sampled_from(
            ["ab", [0], [0, np.nan], [0, 1j], [0, 2], [0.5, 1.5], [None, 1], 3, [], ["a", "b"], {0, 1}, [[0, 1], [2]]])
            ), "partial_fit", made(SGDClassifier, fitted)
    refused("classes_?" if name == "classes" else name, lambda: learn(estimator, method, X, **{name: value}), estimator)


def test_an_unfitted_estimator_says_so():
    for cls in ESTIMATORS:
        for call in (lambda e: e.predict(good()[0]), lambda e: e.sparsify(), lambda e: e.densify()):
            estimator = cls()
            refused(cls.__name__, lambda: call(estimator), estimator)


def test_columns_that_change():
    """Features or outputs of another number than before."""
    X, _, target = good()
    for cls in ESTIMATORS:
        refused("warm_start", lambda: learn(estimator, X=X[:, :2]), estimator := made(cls, True, warm_start=True))
        refused("X has 2 features", lambda: learn(estimator, "partial_fit", X=X[:, :2]), estimator := made(cls, True))
    refused("y", lambda: estimator.partial_fit(X, np.c_[target, target]), estimator := made(SGDRegressor, True))
    estimator = made(SGDRegressor, False).fit(X, np.c_[target, target])
    refused("y", lambda: estimator.partial_fit(X, target), estimator)


# ---- losses ----
@settings(max_examples=250)
@given(st.data(), st.sampled_from([losses.get(name) for name in losses.names()]), FLOATS,
       st.sampled_from(["value", "gradient", "value_and_gradient", "pointwise"]),
       st.sampled_from(["y", "p", "sample_weight", "out"]))
def test_losses(data, loss, dtype, method, argument):
    arguments = {"y": np.ones(N, dtype), "p": np.linspace(-1, 1, N).astype(dtype)}
    if argument == "sample_weight" and method == "pointwise":
        method = "value"
    if argument == "out" and "gradient" not in method:
        method = "gradient"
    if argument == "out":
        frozen = np.zeros(N, dtype)
        frozen.flags.writeable = False
        value = data.draw(st.sampled_from([frozen, np.zeros(N - 1, dtype), np.zeros((N, 1), dtype), np.zeros(N, int),
                                           [0.0] * N, 0.0, "out",
                                           np.zeros(N, np.float32 if dtype == np.float64 else np.float64)]))
    elif argument == "sample_weight":
        value = data.draw(bad_weight())
    else:
        shapes = [arguments["p"][:-1], arguments["p"][None], arguments["p"][:0], sp.csr_matrix(arguments["p"])]
        value = data.draw(st.one_of(spoiled(arguments[argument], NOT_FINITE), NO_NUMBERS, st.sampled_from(shapes),
                                    NO_DTYPES.map(lambda change: change(np.ones(N, dtype)))))
    arguments[argument] = value
    refused("(y|p)" if argument == "p" else argument, lambda: getattr(loss, method)(**arguments))


# ---- settings ----
@pytest.mark.parametrize("name", ["", "sse2", "base\0", "base ", "\ud800", b"base", None, 3, ["base"]])
def test_names_of_instruction_sets(name):
    before = fo.show_config("dicts")["instruction sets"]["in use"]
    refused("name", lambda: fo.set_isa(name))
    assert fo.show_config("dicts")["instruction sets"]["in use"] == before


# ---- divergence ----
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("dtype, scale", [(np.float32, 1e30), (np.float64, 1e200)])
def test_divergence(dtype, scale, sparse):
    """Said as such, with what is needed to do better; an unfitted estimator stays so, a fitted one as it was."""
    X, _, y = good()
    unscaled = (X * scale).astype(dtype)
    for estimator in (SGDRegressor(), SGDRegressor().fit(X, y)):
        estimator.set_params(penalty=None, learning_rate="constant", eta0=1e5)
        before = state(estimator)
        with pytest.raises(DivergenceError, match="epoch #1: .* learning rate 1e\\+05 .*StandardScaler") as caught:
            estimator.fit(sp.csr_matrix(unscaled) if sparse else unscaled, y)
        assert (caught.value.epoch, caught.value.learning_rate) == (1, 1e5)
        assert caught.value.feature_scale == np.abs(unscaled).max()
        assert f"{np.abs(unscaled).max():.3g}" in str(caught.value)
        np.testing.assert_equal(vars(estimator), before)


@pytest.mark.parametrize("dtype, power", [(np.float32, 4), (np.float64, 50)])
def test_divergence_after_some_epochs_leaves_finite_weights(dtype, power):
    """Here the learning rate grows without bounds."""
    X, _, y = good(dtype)
    estimator = SGDRegressor(power_t=-power, penalty=None, max_iter=10 ** 5, tol=None)
    with pytest.raises(DivergenceError) as caught:
        estimator.fit(X, y)
    assert caught.value.epoch == estimator.n_iter_ + 1 == len(estimator.loss_curve_) + 1 > 1
    assert all(np.isfinite(a).all() for a in (estimator.coef_, estimator.intercept_, estimator.loss_curve_))
    assert caught.value.learning_rate == pytest.approx(0.01 * (12.0 * estimator.n_iter_ + 1) ** power)


@pytest.mark.parametrize("dtype, scale", [(np.float32, 1e30), (np.float64, 1e200)])
def test_predictions_that_overflow_are_divergence(dtype, scale):
    """All weights stay finite with the hinge loss, whose gradient is bounded; predictions are infinite or inf − inf."""
    X, y, _ = good()
    with pytest.raises(DivergenceError, match="weights or losses overflowed"):
        SGDClassifier(max_iter=5, tol=None).fit((X * scale).astype(dtype), y)
