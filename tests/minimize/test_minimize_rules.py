"""Every update rule as a method of minimize: SciPy's optimum, settings, schedules, what is returned.  The rules themselves are
tested with the optimizers."""
import numpy as np
import pytest
import scipy.optimize
from scipy.special import expit

import fastopt as fo
from fastopt.exceptions import InvalidParameterError

DECAY = fo.schedules.ExponentialDecay(1.0, decay_rate=0.99, decay_steps=1)
#: settings under which a rule converges to a point; with decay of its own, another function would be minimised
SETTINGS = {"adadelta": {}, "adamw": {"lr": DECAY, "weight_decay": 0}, "asgd": {"lambd": 0, "lr": 0.5}, "dog": {}, "ftrl": {},
            "lars": {"weight_decay": 0}, "rprop": {}, "schedule_free_sgd": {}}
#: rules for matrices, which refuse vectors
MATRICES = ("muon",)


def regression(kind, n=100, d=8, l2=0.5):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d)) * np.logspace(0, -0.5, d)
    y = X @ rng.standard_normal(d) + rng.standard_normal(n)
    if kind == "least squares":
        return lambda w: (0.5 * np.mean((X @ w - y) ** 2) + l2 / 2 * w @ w, X.T @ (X @ w - y) / n + l2 * w)
    y = (y > 0).astype(float)
    return lambda w: (np.mean(np.logaddexp(0, X @ w) - y * (X @ w)) + l2 / 2 * w @ w, X.T @ (expit(X @ w) - y) / n + l2 * w)


@pytest.mark.parametrize("kind", ["least squares", "logistic"])
@pytest.mark.parametrize("rule", [rule for rule in fo.optimizers.names() if rule not in MATRICES])
def test_optimum(rule, kind):
    fun = regression(kind)
    expected = scipy.optimize.minimize(fun, np.zeros(8), jac=True, method="BFGS", options={"gtol": 1e-9})
    found = fo.minimize(fun, np.zeros(8), method=rule, jac=True, options={"gtol": 1e-7, "maxiter": 4000,
                                                                          **SETTINGS.get(rule, {"lr": DECAY})})
    assert found.fun == pytest.approx(expected.fun, rel=1e-6, abs=1e-6)
    np.testing.assert_allclose(found.x, expected.x, atol=1e-4 if rule == "lars" else 1e-6)
    assert found.fun == fun(found.x)[0] and found.success == (abs(found.jac).max() <= 1e-7)


def test_rules_of_matrices_refuse_vectors():
    for rule in set(MATRICES) & set(fo.optimizers.names()):
        with pytest.raises(InvalidParameterError):
            fo.minimize(regression("logistic"), np.zeros(8), method=rule, jac=True)


def test_steps_are_the_optimizers():
    fun, w = regression("logistic"), np.zeros(8)
    optimizer = fo.optimizers.Adam(w, lr=0.1, betas=(0.8, 0.9))
    points = []
    fo.minimize(fun, np.zeros(8), method="Adam", jac=True, callback=points.append,
                options={"lr": 0.1, "betas": (0.8, 0.9), "maxiter": 20})
    for point in points:
        optimizer.step(fun(w)[1])
        np.testing.assert_array_equal(point, w)
    assert len(points) == 20


def test_one_evaluation_an_iteration():
    found = fo.minimize(regression("logistic"), np.zeros(8), method="adam", jac=True, options={"maxiter": 20})
    assert (found.nit, found.nfev, found.njev, found.status) == (20, 21, 21, 1)


def test_the_lowest_point_is_returned():
    """Steps of one size jump about the minimum."""
    values = []

    def fun(x):
        values.append(float(x @ x))
        return values[-1], 2 * x

    found = fo.minimize(fun, [1.0, 2.0], method="sgd", jac=True, options={"lr": 0.999, "momentum": 0.5, "maxiter": 30})
    assert found.fun == min(values) < values[-1] and found.fun == fun(found.x)[0]
    np.testing.assert_array_equal(found.jac, 2 * found.x)


def test_divergence_is_status_3():
    def fun(x):
        with np.errstate(over="ignore", invalid="ignore"):
            return float(np.sum(x ** 4)), 4 * x ** 3

    found = fo.minimize(fun, [3.0], method="sgd", jac=True, options={"lr": 1.0})
    assert (found.status, found.success, found.x.tolist(), found.fun) == (3, False, [3.0], 81.0)


def test_driven_schedules():
    fun = regression("least squares")
    f_star = scipy.optimize.minimize(fun, np.zeros(8), jac=True, options={"gtol": 1e-12}).fun
    polyak = fo.schedules.PolyakStep(f_star=f_star - 1e-9)
    found = fo.minimize(fun, np.zeros(8), method="sgd", jac=True, options={"lr": polyak, "maxiter": 3000, "gtol": 1e-5})
    assert found.fun == pytest.approx(f_star, abs=1e-6)
    plateau = fo.schedules.ReduceOnPlateau(0.5, patience=3)
    found = fo.minimize(fun, np.zeros(8), method="signsgd", jac=True, options={"lr": plateau, "maxiter": 300})
    assert plateau.current_lr < 1e-3 and found.fun == pytest.approx(f_star, abs=1e-4)


def test_l1_ends_at_its_optimum():
    fun = regression("least squares", l2=0)
    options = {"l1": 0.3, "gtol": 1e-8}
    found = fo.minimize(fun, np.zeros(8), method="sgd", jac=True, options={"lr": 0.3, **options})
    expected = fo.minimize(fun, np.zeros(8), method="proximal", jac=True, options=options)
    assert found.success and found.fun == pytest.approx(expected.fun, rel=1e-12)
    assert np.any(found.x == 0) and np.array_equal(found.x == 0, expected.x == 0)


def test_settings_are_the_rules_own():
    fun = regression("logistic")
    with pytest.raises(InvalidParameterError, match="betas must be two numbers"):
        fo.minimize(fun, np.zeros(8), method="adam", jac=True, options={"betas": 3})
    with pytest.warns(scipy.optimize.OptimizeWarning, match="learning_rate"):
        fo.minimize(fun, np.zeros(8), method="adam", jac=True, options={"learning_rate": 3, "maxiter": 1})
    differences = fo.minimize(lambda w: fun(w)[0], np.zeros(8), method="adam", options={"eps": 1e-3, "maxiter": 1, "lr": 0.1})
    np.testing.assert_allclose(differences.jac, fun(differences.x)[1], atol=1e-6)   # eps is no step of differences
    single = fo.minimize(lambda w: fun(w.astype(float)), np.zeros(8, np.float32), method="adam", jac=True)
    assert single.x.dtype == np.float32
    assert fo.minimize(fun, np.zeros(8), method="schedule-free SGD", jac=True).success
    with pytest.raises(InvalidParameterError, match="did you mean 'adam'"):
        fo.minimize(fun, np.zeros(8), method="adaam")


def test_inside_scipy():
    fun = regression("logistic")
    found = scipy.optimize.minimize(fun, np.zeros(8), jac=True, method=fo.scipy_method("adam"), tol=1e-6, options={"lr": 0.05})
    assert found.success and abs(found.jac).max() <= 1e-6
