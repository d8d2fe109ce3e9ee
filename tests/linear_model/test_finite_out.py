"""Nothing but finite weights leaves an estimator or a path: finite attributes, with a warning if need be, or an error that says why;
never nan, never a RuntimeWarning of NumPy on the way.  And a fit without a seed is repeated exactly.
"""
import warnings

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import get_tags

import fastopt as fo
from fastopt import linear_model, losses
from fastopt._solvers.auto import solve
from fastopt._solvers.registry import registry, suitable
from fastopt.exceptions import DivergenceError
from fastopt.linear_model import GeneralizedLinearEstimator, LinearSVC, LinearSVR, LogisticRegression

BASE = np.random.default_rng(0).normal(size=(12, 3))
WEIGHTS = ("coef_", "intercept_", "scale_", "offset_", "alpha_", "C_", "l1_ratio_", "best_score_")


def problems():
    """(name, X, what y is multiplied by, parameters)"""
    for dtype, sizes in ((np.float32, (1e20, 1e37, 1e-44)), (np.float64, (1e150, 1e200, 1e307, 1e-310))):
        for size in sizes:
            for name, X, scale in (("X", BASE * size, 1), ("column", BASE * [size, 1, 1], 1), ("y", BASE, size)):
                yield f"{dtype.__name__} {name} {size:g}", X.astype(dtype), scale, {}
    for n in (1, 2, 3):
        yield f"{n} rows", BASE[:n], 1, {}
    yield "one column", BASE[:, :1], 1, {}
    yield "constant column", np.hstack([BASE, np.full((12, 1), 7.0)]), 1, {}
    yield "constant columns", np.full((12, 2), 3.0), 1, {}
    yield "nothing but zeros", np.zeros((12, 2)), 1, {}
    yield "equal y", BASE, 0, {}
    for name, values in (("C", (1e-300, 1e300)), ("alpha", (0.0, 1e-300, 1e300)), ("max_iter", (0, 1))):
        for value in values:
            yield f"{name}={value:g}", BASE, 1, {name: value}


PROBLEMS = {name: rest for name, *rest in problems()}
ESTIMATORS = [name for name in linear_model.__all__ if name[0].isupper()] + [
    "LinearSVC hinge", "LinearSVC l1", "LinearSVR squared", "GeneralizedLinearEstimator hinge"]
PATHS = [name for name in linear_model.__all__ if name[0].islower()]
#: of errors whose reason is not what numbers became
KNOWN = ("diverged", "at least 2 classes", "greater than one", "finite", "max_iter", "tol", "overflow", "too large", "n_splits", "alpha of")
MORE = {"LinearSVC hinge": {"loss": "hinge"}, "LinearSVC l1": {"penalty": "l1"}, "LinearSVR squared":
        {"loss": "squared_epsilon_insensitive"}, "GeneralizedLinearEstimator hinge": {"loss": "hinge", "penalty": "l1"}}


def target(kind, n, scale):
    if kind == "two":
        return np.arange(n) % 2
    y = np.linspace(-1, 1, n)[np.random.default_rng(5).permutation(n)] * scale
    return np.abs(y) + (scale or 1) if kind == "positive" else y


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.repeats(4)
def test_finite_in_finite_out(name, problem):
    X, scale, params = PROBLEMS[problem]
    model = getattr(linear_model, name.split()[0])(**MORE.get(name, {}))
    kind = "two" if "hinge" in name or is_classifier(model) else "positive" if get_tags(model).target_tags.positive_only else "real"
    if not set(params) <= set(model.get_params()):
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            model.set_params(**params).fit(X, target(kind, len(X), scale))
        except ValueError as error:
            assert isinstance(error, DivergenceError) or any(word in str(error) for word in KNOWN), error
            return
    assert all(np.isfinite(vars(model)[name]).all() for name in WEIGHTS if name in vars(model))


@pytest.mark.parametrize("problem", [name for name, (_, _, params) in PROBLEMS.items() if not params])
@pytest.mark.parametrize("name", PATHS)
def test_paths_are_finite(name, problem):
    """A gap that is not known is nan, and said to be."""
    X, scale, _ = PROBLEMS[problem]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        alphas, coefs, gaps = getattr(linear_model, name)(X, target("real", len(X), scale))
    assert np.isfinite(alphas).all() and np.isfinite(coefs).all()
    assert all(warning.category is ConvergenceWarning for warning in told)
    assert np.isfinite(gaps).all() or told


@pytest.mark.parametrize("solver", registry)
def test_no_iterations_are_the_start(solver):
    X, y = BASE, BASE[:, 0]
    for loss, l2 in (("squared_error", 0.1), ("absolute_error", 0.1), ("absolute_error", 0.0)):
        objective = fo.LinearObjective(X, y, losses.get(loss), l2=l2)
        if solver in suitable(objective, None):
            found = solve(objective, None, solver, w0=[0.5, 0.25, 0.0], max_iter=0)
            assert not found.converged and found.n_iter == 0
            np.testing.assert_array_equal(found.w, [0.5, 0.25, 0.0])


def test_what_is_not_finite_is_an_error_and_leaves_no_trace():
    X = (BASE * 1e-40).astype(np.float32)
    model = GeneralizedLinearEstimator("absolute_error", n_jobs=1)
    with pytest.raises(DivergenceError, match="Scale X and y"):
        model.fit(X, 1e10 * X[:, 0].astype(float) * 1e30)
    assert not hasattr(model, "coef_")


@pytest.mark.parametrize("model", [LinearSVC(solver="sdca"), LinearSVC(loss="hinge", solver="sdca"), LinearSVR(solver="sdca"),
                                   *(LogisticRegression(solver=name, max_iter=5) for name in ("saga", "sag", "svrg", "katyusha"))],
                         ids=str)
def test_a_fit_without_a_seed_is_repeated(model):
    X = np.random.default_rng(1).normal(size=(80, 5))
    y = (X[:, 0] + np.random.default_rng(2).normal(size=80) > 0).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first, second = (clone(model).fit(X, y).coef_ for _ in range(2))
        np.testing.assert_array_equal(first, second)
        assert (clone(model).set_params(random_state=7).fit(X, y).coef_ != first).any()
