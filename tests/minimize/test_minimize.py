"""minimize finds SciPy's optima: known functions, least squares, logistic regression, with and without bounds and l1, in
float64 and float32, from every source of gradients.  Arguments, callbacks and ends of runs are in test_minimize_interface.py."""
import numpy as np
import pytest
import scipy.optimize
from scipy.special import expit

import fastopt as fo

SMOOTH = {"lbfgs": {}, "lbfgsb": {}, "cg": {"beta": "hz"}, "cg, pr+": {"beta": "pr+"}, "gd": {"line_search": "armijo"},
          "gd, wolfe": {"line_search": "wolfe"}, "proximal": {}}


def rosen(x):
    return scipy.optimize.rosen(x), scipy.optimize.rosen_der(x)


def beale(x):
    a, b, c = (v - x[0] + x[0] * x[1] ** k for k, v in ((1, 1.5), (2, 2.25), (3, 2.625)))
    return a * a + b * b + c * c, np.array([
        2 * a * (x[1] - 1) + 2 * b * (x[1] ** 2 - 1) + 2 * c * (x[1] ** 3 - 1),
        2 * a * x[0] + 4 * b * x[0] * x[1] + 6 * c * x[0] * x[1] ** 2])


def powell(x):
    """Singular at its minimum, 0."""
    a, b, c, d = x[0] + 10 * x[1], x[2] - x[3], x[1] - 2 * x[2], x[0] - x[3]
    return a ** 2 + 5 * b ** 2 + c ** 4 + 10 * d ** 4, np.array([
        2 * a + 40 * d ** 3, 20 * a + 4 * c ** 3, 10 * b - 8 * c ** 3, -10 * b - 40 * d ** 3])


def himmelblau(x):
    a, b = x[0] ** 2 + x[1] - 11, x[0] + x[1] ** 2 - 7
    return a * a + b * b, np.array([4 * a * x[0] + 2 * b, 2 * a + 4 * b * x[1]])


def quartic(x):
    return np.sum(x ** 4 + x ** 2 - x), 4 * x ** 3 + 2 * x - 1


def regression(kind, n=200, d=30, l2=0.05):
    """fun of the weights, of data whose columns differ in scale."""
    rng = np.random.default_rng(0)
    X, noise = rng.standard_normal((n, d)) * np.logspace(0, -0.7, d), rng.standard_normal(n)
    y = X @ rng.standard_normal(d) + noise
    if kind == "least squares":
        return lambda w: (0.5 * np.mean((X @ w - y) ** 2) + l2 / 2 * w @ w, X.T @ (X @ w - y) / n + l2 * w)
    y = (y > 0).astype(float)
    return lambda w: (np.mean(np.logaddexp(0, X @ w) - y * (X @ w)) + l2 / 2 * w @ w, X.T @ (expit(X @ w) - y) / n + l2 * w)


PROBLEMS = {
    "rosenbrock 2": (rosen, [-1.2, 1.0]), "rosenbrock 10": (rosen, np.linspace(-1, 1, 10)), "beale": (beale, [1.0, 1.0]),
    "powell": (powell, [3.0, -1, 0, 1]), "himmelblau": (himmelblau, [0.0, 0.0]), "quartic": (quartic, np.linspace(-3, 3, 20)),
    "least squares": (regression("least squares"), np.zeros(30)), "logistic": (regression("logistic"), np.zeros(30)),
}


def scipys(fun, x0, bounds=None):
    return scipy.optimize.minimize(fun, x0, jac=True, method="L-BFGS-B", bounds=bounds,
                                   options={"gtol": 1e-10, "ftol": 0, "maxfun": 10 ** 6, "maxiter": 10 ** 6})


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("method", SMOOTH)
def test_optimum(method, name):
    fun, x0 = PROBLEMS[name]
    expected = scipys(fun, x0)
    found = fo.minimize(fun, x0, method=method.split(",")[0], jac=True,
                        options={"gtol": 1e-8, "maxiter": 10 ** 6, "ftol": 0, **SMOOTH[method]} if "lbfgs" in method else
                        {"gtol": 1e-8, "maxiter": 10 ** 6, **SMOOTH[method]})
    assert found.success and found.status == 0 and found.nit > 0
    assert found.fun == pytest.approx(expected.fun, rel=1e-6, abs=1e-6)
    if name != "powell":   # whose minimum is flat to the fourth order
        np.testing.assert_allclose(found.x, expected.x, rtol=1e-6, atol=2e-6)
    f, g = fun(found.x)
    assert (found.fun, found.nit) == (f, found.nit) and abs(g).max() <= 1e-8
    np.testing.assert_array_equal(found.jac, g)


BOUNDS = {
    "rosenbrock 2": [(-2, 0.5), (None, None)], "rosenbrock 10": [(-0.5, 0.8)] * 10, "beale": [(None, 2), (0.7, None)],
    "himmelblau": [(0, 2.5), (None, 1)], "quartic": [(-1, 0.3)] * 10 + [(None, None)] * 10,
    "least squares": [(0, 0.5)] * 30, "logistic": scipy.optimize.Bounds(-0.1, 0.4),
}


@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.parametrize("method", ["lbfgsb", "proximal"])
def test_optimum_within_bounds(method, name):
    fun, x0 = PROBLEMS[name]
    expected = scipys(fun, x0, BOUNDS[name])
    inside = []

    def watched(x):
        inside.append(x.copy())
        return fun(x)

    found = fo.minimize(watched, x0, method=method, jac=True, bounds=BOUNDS[name], options={"gtol": 1e-8, "ftol": 0})
    lower, upper = (np.array(side, float) for side in zip(*BOUNDS[name])) if isinstance(BOUNDS[name], list) else (-0.1, 0.4)
    inside = np.array(inside)
    assert np.all(~(inside < lower) & ~(inside > upper))      # a bound of nan is none
    assert found.success
    np.testing.assert_allclose(found.x, expected.x, rtol=1e-6, atol=1e-6)
    active = (expected.x == lower) | (expected.x == upper)
    assert active.any() and np.all(((found.x == lower) | (found.x == upper))[active])


def test_many_bounds():
    """More breakpoints than are looked at together, all the variables ending on a bound but a few."""
    rng = np.random.default_rng(0)
    d, target = 2000, rng.standard_normal(2000)
    scales = np.logspace(0, 2, d)

    def fun(x):
        coupling = x.sum() - target.sum()
        return 0.5 * np.sum(scales * (x - 3 * target) ** 2) + 0.05 * coupling ** 2, scales * (x - 3 * target) + 0.1 * coupling

    bounds = scipy.optimize.Bounds(-rng.random(d), rng.random(d))
    expected = scipys(fun, np.zeros(d), bounds)
    found = fo.minimize(fun, np.zeros(d), method="lbfgsb", jac=True, bounds=bounds, options={"gtol": 1e-8, "ftol": 0})
    assert found.success and found.nfev <= 2 * expected.nfev + 5
    np.testing.assert_allclose(found.x, expected.x, atol=1e-5)
    assert abs(np.clip(found.x - fun(found.x)[1], bounds.lb, bounds.ub) - found.x).max() <= 1e-8


@pytest.mark.parametrize("method", ["lbfgsb", "proximal"])
def test_fixed_variables(method):
    """What the bounds leave no room for stays, also with finite differences, which SciPy cannot take there."""
    for jac in (None, "3-point"):
        found = fo.minimize(scipy.optimize.rosen, [0.0, 3.0], method=method, jac=jac, bounds=[(1.5, 1.5), (None, None)])
        assert found.success
        np.testing.assert_allclose(found.x, [1.5, 2.25], atol=1e-6)
        assert found.x[0] == 1.5
    found = fo.minimize(rosen, [0.0, 3.0], method=method, jac=True, bounds=[(1, 1), (2, 2)])
    assert found.success and found.nit == 0 and found.x.tolist() == [1, 2]


@pytest.mark.parametrize("bounds", [None, [(0, None)] * 30])
@pytest.mark.parametrize("l1", [0.05, np.linspace(0, 0.2, 30)])
def test_l1_has_the_optimality_conditions_of_the_lasso(l1, bounds):
    fun = regression("least squares", l2=0)
    found = fo.minimize(fun, np.ones(30), method="proximal", jac=True, bounds=bounds, options={"l1": l1, "gtol": 1e-9})
    f, g = fun(found.x)
    weights = np.broadcast_to(l1, 30)
    assert found.success and found.fun == pytest.approx(f + np.sum(weights * abs(found.x)), rel=1e-12)
    zero = found.x == 0
    assert 3 < zero.sum() < 30
    np.testing.assert_allclose(g[~zero], -(weights * np.sign(found.x))[~zero], atol=1e-8)
    assert np.all((g >= -weights - 1e-8)[zero])
    if bounds is None:
        assert np.all((g <= weights + 1e-8)[zero])
    else:
        assert np.all(found.x >= 0)


def test_l1_of_scipys_split():
    """The lasso as SciPy can solve it: x = u − v with u, v ≥ 0."""
    fun, d = regression("logistic", l2=0), 30

    def split(z):
        f, g = fun(z[:d] - z[d:])
        return f + 0.02 * z.sum(), np.concatenate([g + 0.02, 0.02 - g])

    expected = scipys(split, np.zeros(2 * d), [(0, None)] * 2 * d)
    found = fo.minimize(fun, np.zeros(d), method="proximal", jac=True, options={"l1": 0.02, "gtol": 1e-9})
    np.testing.assert_allclose(found.x, expected.x[:d] - expected.x[d:], atol=1e-6)
    assert found.fun == pytest.approx(expected.fun, rel=1e-9)


def test_acceleration_pays():
    fun, calls = regression("least squares", l2=1e-3), {}
    for accelerate in (True, False):
        found = fo.minimize(fun, np.zeros(30), method="proximal", jac=True,
                            options={"accelerate": accelerate, "gtol": 1e-8})
        assert found.success
        calls[accelerate] = found.nfev
    assert calls[True] < calls[False]


@pytest.mark.parametrize("method", ["lbfgs", "lbfgsb", "cg", "gd", "proximal"])
@pytest.mark.parametrize("jac", [None, "2-point", "3-point", "cs", "callable"])
def test_gradients_from_anywhere(method, jac):
    calls = {"fun": 0, "jac": 0}

    def value(x, scale):
        calls["fun"] += 1
        return scale * scipy.optimize.rosen(x)

    def gradient(x, scale):
        calls["jac"] += 1
        return scale * scipy.optimize.rosen_der(x)

    found = fo.minimize(value, [-1.2, 1.0], args=(2.0,), method=method, jac=gradient if jac == "callable" else jac, tol=1e-4)
    assert found.success
    np.testing.assert_allclose(found.x, [1, 1], atol=1e-2 if "lbfgs" in method else 1e-3)
    assert found.nfev == calls["fun"]
    if jac == "callable":
        assert found.njev == calls["jac"] <= found.nfev


def test_differences_take_the_steps_asked_for():
    seen = []

    def fun(x):
        seen.append(x.copy())
        return float(np.sum(x ** 2))

    fo.minimize(fun, [1.0, 2.0], options={"eps": 0.125, "maxiter": 0})
    np.testing.assert_array_equal(np.array(seen), [[1, 2], [1.125, 2], [1, 2.125]])
    seen.clear()
    fo.minimize(fun, [1.0, 2.0], jac="2-point", options={"finite_diff_rel_step": [0.25, 0.5], "maxiter": 0})
    np.testing.assert_array_equal(np.array(seen), [[1, 2], [1.25, 2], [1, 3]])
    seen.clear()
    fo.minimize(fun, [1.0, 2.0], method="lbfgsb", bounds=[(0, 1), (0, 2)], options={"maxiter": 0})
    assert np.all(np.array(seen) <= [1, 2])


@pytest.mark.parametrize("method", SMOOTH)
def test_float32_stays(method):
    fun, types = regression("logistic"), set()

    def single(x):
        types.add(x.dtype)
        f, g = fun(x.astype(np.float64))
        return np.float32(f), g.astype(np.float32)

    found = fo.minimize(single, np.zeros(30, np.float32), method=method.split(",")[0], jac=True,
                        options={**SMOOTH[method], "gtol": 1e-4})
    assert types == {np.dtype(np.float32)} and found.x.dtype == found.jac.dtype == np.float32
    np.testing.assert_allclose(found.x, scipys(fun, np.zeros(30)).x, atol=1e-2)
    assert found.success


def test_float32_with_bounds():
    fun = regression("least squares")
    found = fo.minimize(lambda w: fun(w.astype(np.float64)), np.zeros(30, np.float32), jac=True, bounds=[(0, 0.5)] * 30)
    assert found.success and found.x.dtype == np.float32
    np.testing.assert_allclose(found.x, scipys(fun, np.zeros(30), [(0, 0.5)] * 30).x, atol=5e-3)
