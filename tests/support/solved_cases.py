"""The solver-based estimators and their counterparts in scikit-learn, with problems for them; for the tests of both."""
import numpy as np
from sklearn import linear_model, svm

from fastopt import linear_model as ours

RNG = np.random.default_rng(7)
X = RNG.normal(size=(120, 6))
RAW = X @ RNG.normal(size=6) * 0.6 + 0.3
WEIGHT = RNG.integers(0, 4, 120).astype(float)
TARGETS = {
    "two": np.array(["no", "yes"])[(RAW + RNG.normal(size=120) > 0).astype(int)],
    "three": np.digitize(RAW + RNG.normal(size=120), [-0.7, 0.7]),
    "real": RAW + RNG.normal(size=120),
    "columns": np.stack([RAW, RNG.normal(size=120)], axis=1),
    "counts": RNG.poisson(np.exp(RAW)).astype(float),
    "positive": RNG.gamma(2.0, np.exp(RAW)) + 0.1,
}

#: (name, y, parameters, those of scikit-learn alone)
PARITY = [
    *(("LogisticRegression", y, params, {"max_iter": 10000}) for y in ("two", "three") for params in (
        {}, {"C": 0.1}, {"fit_intercept": False}, {"class_weight": "balanced"}, {"C": np.inf})),
    ("LogisticRegression", "two", {"class_weight": {"no": 3.0, "yes": 0.5}}, {}),
    ("LogisticRegression", "two", {"C": 0.3, "l1_ratio": 1.0, "max_iter": 20000}, {"solver": "saga"}),
    ("LogisticRegression", "two", {"C": 0.3, "l1_ratio": 0.4, "max_iter": 20000}, {"solver": "saga"}),
    ("LogisticRegression", "three", {"C": 0.3, "l1_ratio": 0.4, "max_iter": 20000}, {"solver": "saga"}),
    ("LogisticRegression", "two", {"solver": "liblinear", "intercept_scaling": 2.0}, {"max_iter": 10000}),
    *(("Ridge", y, params, {}) for y in ("real", "columns") for params in (
        {}, {"alpha": 30.0}, {"fit_intercept": False}, {"positive": True})),
    ("Ridge", "columns", {"alpha": np.array([1.0, 50.0])}, {}),
    *((name, y, {"max_iter": 10000, **params}, {}) for name in ("Lasso", "ElasticNet") for y in ("real", "columns")
      for params in (
        {"alpha": 0.1}, {"alpha": 0.02, "fit_intercept": False}, {"alpha": 0.05, "positive": True})),
    ("ElasticNet", "real", {"alpha": 0.1, "l1_ratio": 0.0, "max_iter": 10000}, {}),
    *(("LinearSVC", y, {"max_iter": 20000, **params}, {"dual": False}) for y in ("two", "three") for params in (
        {}, {"C": 0.1, "intercept_scaling": 3.0}, {"fit_intercept": False}, {"class_weight": "balanced"}, {"penalty": "l1"})),
    ("LinearSVR", "real", {"loss": "squared_epsilon_insensitive", "epsilon": 0.1, "max_iter": 20000}, {"dual": False}),
    *(("HuberRegressor", "real", {"max_iter": 1000, **params}, {}) for params in (
        {}, {"epsilon": 1.1, "alpha": 2.0}, {"fit_intercept": False})),
    *(("QuantileRegressor", "real", params, {}) for params in (
        {"alpha": 0.0}, {"alpha": 0.05, "quantile": 0.8}, {"alpha": 0.01, "fit_intercept": False, "quantile": 0.3})),
    *(("PoissonRegressor", "counts", params, {"solver": "newton-cholesky"}) for params in (
        {}, {"alpha": 0.0}, {"alpha": 0.1, "fit_intercept": False})),
    ("GammaRegressor", "positive", {"alpha": 0.1}, {"solver": "newton-cholesky"}),
    *(("TweedieRegressor", "positive", {"alpha": 0.1, "power": power}, {"solver": "newton-cholesky"})
      for power in (0, 1, 1.4, 2, 3)),
]


def pair(name, params, theirs):
    """Our estimator and scikit-learn's, both to tight tolerance."""
    module = svm if name.startswith("LinearSV") else linear_model
    tight = {} if name == "QuantileRegressor" else {"tol": 1e-10}
    return getattr(ours, name)(**{**tight, **params}), getattr(module, name)(**{**tight, **params, **theirs})


#: one of each, as it comes
EACH = {name: getattr(ours, name)() for name in ours.__all__ if name[0].isupper() and not name.startswith("SGD")}
#: a y that each of them takes
Y_OF = {name: "two" if hasattr(model, "decision_function") else "positive" for name, model in EACH.items()}
