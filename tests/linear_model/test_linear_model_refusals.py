"""What the SGD estimators refuse, and how they say so: parameters, X, y, weights, eval_set, starts."""
import numpy as np
import pytest
import scipy.sparse

import fastopt as fo
from fastopt.exceptions import InvalidParameterError
from fastopt.linear_model import SGDClassifier, SGDOneClassSVM, SGDRegressor

ESTIMATORS = [SGDClassifier, SGDRegressor, SGDOneClassSVM]
N, D = 150, 6
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def problem(cls):
    X = np.random.default_rng(0).normal(size=(N, D))
    score = X @ np.arange(D) / 4
    return X, {SGDClassifier: np.digitize(score, [-1.0, 1.0]), SGDRegressor: score, SGDOneClassSVM: None}[cls]


BAD_PARAMETERS = [("loss", "hing", "did you mean 'hinge'"), ("loss", None, "loss"), ("penalty", "l3", "did you mean 'l"),
                  ("penalty", "none", "'l2'"), ("alpha", -1, "at least 0"), ("alpha", np.nan, "alpha"), ("alpha", "1", "alpha"),
                  ("alpha", 0, "optimal"), ("l1_ratio", 1.5, "at most 1"), ("max_iter", 0, "at least 1"), ("max_iter", 2.5, "integer"),
                  ("tol", -1, "at least 0"), ("tol", np.inf, "tol"), ("shuffle", "yes", "True or False"), ("epsilon", -0.1, "epsilon"),
                  ("random_state", -1, "random_state"), ("random_state", "a", "random_state"),
                  ("learning_rate", "optimum", "did you mean 'optimal'"), ("eta0", 0, "above 0"), ("power_t", np.inf, "power_t"),
                  ("early_stopping", 1, "early_stopping"), ("validation_fraction", 0, "above 0"),
                  ("validation_fraction", 1.0, "below 1"), ("n_iter_no_change", 0, "at least 1"), ("average", -3, "average"),
                  ("average", 0, "average"), ("warm_start", None, "warm_start"), ("restore_best", 1, "restore_best"), ("verbose", -1, "verbose"),
                  ("learning_rate", "pa1", "hinge|epsilon_insensitive")]


@pytest.mark.parametrize("name, value, words", BAD_PARAMETERS)
def test_bad_parameters(name, value, words):
    for cls, loss in ((SGDClassifier, "log_loss"), (SGDRegressor, "huber")):
        X, y = problem(cls)
        model = cls(**{"loss": loss, "learning_rate": "optimal", name: value})
        for method in (model.fit, model.partial_fit):
            if name == "loss" and value == "hing" and cls is SGDRegressor:
                words = "hing"
            with pytest.raises(InvalidParameterError, match=words) as raised:
                method(X, y)
            assert cls.__name__ in str(raised.value) and repr(value) in str(raised.value) or name == "learning_rate"


@pytest.mark.parametrize("parameters", [{"nu": 0}, {"nu": 1.1}, {"learning_rate": "pa1"}, {"tol": "x"}])
def test_bad_parameters_of_the_one_class_svm(parameters):
    with pytest.raises(InvalidParameterError, match=next(iter(parameters))):
        SGDOneClassSVM(**parameters).fit(np.eye(3))


def test_other_bad_parameters():
    X, y = problem(SGDClassifier)
    with pytest.raises(InvalidParameterError, match="l1_ratio"):
        SGDClassifier(penalty="elasticnet", l1_ratio=None).fit(X, y)
    for loss in ("poisson", fo.losses.Gamma()):
        with pytest.raises(InvalidParameterError, match="loss of SGDClassifier"):
            SGDClassifier(loss=loss).fit(X, y)
    with pytest.raises(InvalidParameterError, match="loss of SGDRegressor"):
        SGDRegressor(loss=fo.losses.Hinge()).fit(X, y)
    with pytest.raises(InvalidParameterError, match="epsilon"):
        SGDRegressor(loss="huber", epsilon=0).fit(X, y)
    with pytest.raises(InvalidParameterError, match="class_weight"):
        SGDClassifier(class_weight="balance").fit(X, y)
    for bad in ({0: -1.0}, {0: np.nan}, {9: 1.0}):
        with pytest.raises(ValueError, match="class"):
            SGDClassifier(class_weight=bad).fit(X, y)
    with pytest.raises(ValueError, match="n_jobs"):
        SGDClassifier(n_jobs=0).fit(X, y)


def spoiled(X, value):
    X = X.copy()
    X[3, 2] = value
    return X


def broken_csr(**arrays):
    X = scipy.sparse.csr_matrix(np.eye(D)[np.arange(N) % D])
    for name, (place, value) in arrays.items():
        getattr(X, name)[place] = value
    return X


BAD_X = {"nan": lambda X: spoiled(X, np.nan), "inf": lambda X: spoiled(X, np.inf), "one dimension": lambda X: X[:, 0],
         "three dimensions": lambda X: X[None], "no rows": lambda X: X[:0], "no columns": lambda X: X[:, :0],
         "complex": lambda X: X + 1j, "strings": lambda X: np.full(X.shape, "a"), "objects": lambda X: X.astype(object) * "a",
         "too few": lambda X: X[:-1], "column out of range": lambda X: broken_csr(indices=(4, D)),
         "negative column": lambda X: broken_csr(indices=(4, -1)), "decreasing indptr": lambda X: broken_csr(indptr=(5, 1000)),
         "negative indptr": lambda X: broken_csr(indptr=(1, -5)), "none": lambda X: None}


@pytest.mark.parametrize("name", BAD_X)
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_bad_X(cls, name):
    X, y = problem(cls)
    if name == "objects":
        bad = np.full(X.shape, {}, dtype=object)
    elif name == "too few" and y is None:
        return   # nothing to disagree with
    else:
        bad = BAD_X[name](X)
    model = cls()
    for method in (model.fit, model.partial_fit):
        with pytest.raises((ValueError, TypeError)):
            method(bad, y)
        assert vars(model) == vars(cls())   # nothing of it stays
    if name != "too few":
        fitted = cls().fit(X, y)
        with pytest.raises((ValueError, TypeError)):
            fitted.predict(bad)


@pytest.mark.parametrize("bad", [np.nan, np.inf, "short", "long", "3d", "complex", "none", "text"])
def test_bad_y(bad):
    X, y = problem(SGDRegressor)
    value = {"short": y[:-1], "long": np.append(y, 1), "3d": y.reshape(-1, 1, 1), "complex": y + 1j, "none": None,
             "text": np.full(N, "a")}.get(bad) if isinstance(bad, str) else spoiled(np.tile(y[:, None], 3), bad)[:, 2]
    with pytest.raises((ValueError, TypeError)):
        SGDRegressor().fit(X, value)
    if bad != "text":
        with pytest.raises((ValueError, TypeError)):
            SGDClassifier().fit(X, value)


def test_bad_classes():
    X, y = problem(SGDClassifier)
    for one in (np.zeros(N), np.full(N, "a")):
        with pytest.raises(ValueError, match="class"):
            SGDClassifier().fit(X, one)
    with pytest.raises(ValueError, match="Unknown label type"):
        SGDClassifier().fit(X, X[:, 0])
    with pytest.raises(ValueError, match="1d array"):
        SGDClassifier().fit(X, np.eye(3)[y])
    with pytest.raises(ValueError, match="first call"):
        SGDClassifier().partial_fit(X, y)
    with pytest.raises(ValueError, match="greater than one"):
        SGDClassifier().partial_fit(X, y, classes=[1])
    model = SGDClassifier().partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="last call"):
        model.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match=r"not in classes_: \[7\]"):
        model.partial_fit(X, np.where(y == 1, 7, y))
    with pytest.raises(ValueError, match="balanced"):
        SGDClassifier(class_weight="balanced").partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="early_stopping"):
        SGDClassifier(early_stopping=True).partial_fit(X, y, classes=[0, 1, 2])


@pytest.mark.parametrize("loss, least", [("poisson", -0.5), ("tweedie", -1.0), ("gamma", 0.0)])
def test_targets_outside_the_domain(loss, least):
    X, _ = problem(SGDRegressor)
    y = np.ones(N)
    y[7] = least
    with pytest.raises(ValueError, match=f"y must be .* with loss='{loss}', got {least}"):
        SGDRegressor(loss=loss).fit(X, y)
    with pytest.raises(ValueError, match="y of eval_set must be"):
        SGDRegressor(loss=loss).fit(X, np.ones(N), eval_set=(X, y))


@pytest.mark.parametrize("weight", [np.ones(N - 1), np.ones((N, 2)), -np.ones(N), np.zeros(N), np.full(N, np.nan), "abc",
                                    np.full(N, 1j), 0.0, -1.0], ids=str)
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_bad_weights(cls, weight):
    X, y = problem(cls)
    with pytest.raises((ValueError, TypeError), match="(?i)sample.?weight|complex|string|zero"):
        cls().fit(X, y, sample_weight=weight)


@pytest.mark.parametrize("eval_set", [1, (1,), "ab", (np.eye(D), np.ones(D), np.ones(D)), (np.eye(D), np.ones(D - 1)),
                                      (np.eye(D + 1), np.ones(D + 1)), (np.full((2, D), np.nan), np.ones(2)),
                                      (np.eye(D), np.full(D, 9)), (np.eye(D), None)], ids=str)
def test_bad_eval_set(eval_set):
    X, y = problem(SGDClassifier)
    with pytest.raises((ValueError, TypeError), match="eval_set"):
        SGDClassifier().fit(X, y, eval_set=eval_set)


@pytest.mark.parametrize("init", [{"coef_init": np.ones(D + 1)}, {"coef_init": np.full(D, np.nan)},
                                  {"intercept_init": np.ones(2)}, {"intercept_init": "x"}])
def test_bad_start(init):
    X, y = problem(SGDRegressor)
    with pytest.raises(ValueError):
        SGDRegressor().fit(X, y, **init)
    with pytest.raises(ValueError, match="does not match dataset"):
        SGDClassifier(warm_start=True).fit(X, y > 0).fit(X, np.digitize(y, [-1, 1]))
