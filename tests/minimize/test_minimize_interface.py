"""minimize towards its callers: arguments, callbacks, ends of runs, SciPy's conventions."""
import functools
import warnings

import numpy as np
import pytest
import scipy.optimize
from scipy.optimize import OptimizeResult, OptimizeWarning, rosen, rosen_der

import fastopt as fo
from fastopt.exceptions import InvalidParameterError

METHODS = ["lbfgs", "lbfgsb", "cg", "gd", "proximal"]


def both(x):
    return rosen(x), rosen_der(x)


def bowl(x):
    return x @ x, 2 * x


# ---- results and ends ----
@pytest.mark.parametrize("method", METHODS)
def test_fields_of_the_result(method):
    found = fo.minimize(both, [-1.2, 1.0], method=method, jac=True)
    assert isinstance(found, OptimizeResult)
    assert {"x", "fun", "jac", "nit", "nfev", "njev", "status", "success", "message"} <= set(found)
    assert (found.status, found.success) == (0, True)
    assert found.message.startswith("Optimization terminated successfully.")
    assert type(found.fun) is float and type(found.nit) is int and found.nfev == found.njev


@pytest.mark.parametrize("method", METHODS)
def test_limits(method):
    found = fo.minimize(both, [-1.2, 1.0], method=method, jac=True, options={"maxiter": 3})
    assert (found.status, found.success, found.nit) == (1, False, 3)
    assert found.message == "Maximum number of iterations has been exceeded."
    found = fo.minimize(both, [-1.2, 1.0], method=method, jac=True, options={"maxfun": 10})
    assert (found.status, found.success) == (1, False) and 10 <= found.nfev < 30
    assert found.message == "Maximum number of function evaluations has been exceeded."
    found = fo.minimize(both, [-1.2, 1.0], method=method, jac=True, options={"maxiter": 0})
    assert (found.status, found.nit, found.x.tolist()) == (1, 0, [-1.2, 1.0])


@pytest.mark.parametrize("method", METHODS)
def test_start_at_the_optimum(method):
    found = fo.minimize(both, [1.0, 1.0], method=method, jac=True)
    assert (found.status, found.nit, found.nfev) == (0, 0, 1)


@pytest.mark.parametrize("method", METHODS)
def test_no_point_is_asked_for_twice(method):
    for fun, x0 in ((both, np.linspace(-1, 1, 10)), (bowl, np.full(3, 5.0))):
        seen = []

        def watched(x):
            seen.append(x.tobytes())
            return fun(x)

        fo.minimize(watched, x0, method=method, jac=True)
        assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("method", METHODS)
def test_a_tolerance_below_rounding_ends(method):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((50, 5)), rng.standard_normal(50)

    def fun(w):
        return 1e3 + np.sum((X @ w - y) ** 2), 2 * X.T @ (X @ w - y)

    found = fo.minimize(fun, np.zeros(5), method=method, jac=True, options={"gtol": 0, "ftol": 0, "maxiter": 20000})
    assert found.status in (0, 2) and found.nfev < 5000
    np.testing.assert_allclose(found.x, np.linalg.lstsq(X, y, rcond=None)[0], atol=1e-6)


def test_tolerances():
    loose, strict = (fo.minimize(both, [-1.2, 1.0], jac=True, method="cg", tol=tol) for tol in (1e-1, 1e-8))
    assert loose.nit < strict.nit and abs(strict.jac).max() <= 1e-8 < abs(loose.jac).max() <= 1e-1
    kept = fo.minimize(both, [-1.2, 1.0], jac=True, method="cg", tol=1e-8, options={"gtol": 1e-1})
    assert kept.nit == loose.nit
    stopped = fo.minimize(both, [-1.2, 1.0], jac=True, method="lbfgs", options={"gtol": 0, "ftol": 1e-3})
    assert stopped.status == 0 and "ftol" in stopped.message
    stopped = fo.minimize(both, [-1.2, 1.0], jac=True, method="gd", options={"gtol": 0, "xtol": 1e-3})
    assert stopped.status == 0 and "xtol" in stopped.message


def test_disp(capsys):
    fo.minimize(both, [-1.2, 1.0], jac=True)
    assert capsys.readouterr().out == ""
    fo.minimize(both, [-1.2, 1.0], jac=True, options={"disp": True})
    assert "Current function value: 0.000000" in capsys.readouterr().out


# ---- callbacks ----
@pytest.mark.parametrize("method", METHODS)
def test_callbacks(method):
    points, results = [], []

    def by_name(intermediate_result):
        results.append(intermediate_result)

    def by_position(xk):
        points.append(xk)
        xk[:] = 99   # its own

    first = fo.minimize(both, [-1.2, 1.0], method=method, jac=True, callback=by_name, options={"maxiter": 7})
    second = fo.minimize(both, [-1.2, 1.0], method=method, jac=True, callback=by_position, options={"maxiter": 7})
    assert len(results) == len(points) == 7 and len({id(p) for p in points}) == 7
    assert all(rosen(r.x) == r.fun for r in results)
    np.testing.assert_array_equal(results[-1].x, first.x)
    np.testing.assert_array_equal(first.x, second.x)
    fo.minimize(both, [-1.2, 1.0], method=method, jac=True, callback=functools.partial(lambda n, x: None, 1))
    fo.minimize(both, [-1.2, 1.0], method=method, jac=True, callback=max)


@pytest.mark.parametrize("method", METHODS)
def test_a_callback_ends_the_run(method):
    calls = []

    def stop(xk):
        calls.append(xk)
        if len(calls) == 3:
            raise StopIteration

    found = fo.minimize(both, [-1.2, 1.0], method=method, jac=True, callback=stop)
    assert (found.status, found.success, found.nit) == (99, False, 3)
    assert found.message == "`callback` raised `StopIteration`."
    np.testing.assert_array_equal(found.x, calls[-1])


# ---- x0 and args ----
def test_x0_is_only_read():
    x0 = np.array([-1.2, 1.0])
    x0.flags.writeable = False

    def greedy(x):
        result = both(x)
        x[:] = np.nan   # a copy
        return result

    for method in METHODS:
        assert fo.minimize(greedy, x0, method=method, jac=True).success
    assert fo.minimize(both, np.linspace(-1, 1, 9)[::2], jac=True).success
    assert fo.minimize(both, [0, 2], jac=True).x.dtype == np.float64
    assert fo.minimize(bowl, 3, jac=True).x.shape == (1,)


def test_a_gradient_that_is_a_reused_buffer():
    buffer = np.empty(10)

    def fun(x):
        buffer[:] = rosen_der(x)
        return rosen(x), buffer

    for method in METHODS:
        reused, fresh = (fo.minimize(f, np.zeros(10), method=method, jac=True) for f in (fun, both))
        np.testing.assert_array_equal(reused.x, fresh.x)


def test_args():
    def fun(x, a, b=2):
        return a * float(x @ x) + b

    assert fo.minimize(fun, [1.0], args=(3.0, 5)).fun == pytest.approx(5, abs=1e-9)
    assert fo.minimize(fun, [1.0], args=4.0).success    # SciPy's kindness


@pytest.mark.parametrize("x0, words", [
    ([], "x0 must be a vector of at least one real number"), (["a"], "x0 must be a vector"), ([[1.0, 2.0]], "x0 must be a vector"),
    ([1j], "x0 must be a vector"), ([1.0, np.nan], "x0 must be finite; got nan at index 1"), ([[1], [2, 3]], "x0 must be"),
    (None, "x0 must be")])
def test_bad_x0(x0, words):
    with pytest.raises(InvalidParameterError, match=words):
        fo.minimize(both, x0, jac=True)


# ---- names and options ----
@pytest.mark.parametrize("given, name", [("L-BFGS-B", "lbfgsb"), ("L-BFGS", "lbfgs"), ("CG", "cg"), ("GD", "gd"), ("FISTA", "proximal"),
                                         ("projected", "proximal"), ("Gradient descent", "gd"), (None, "lbfgs")])
def test_spelling(given, name):
    one, other = (fo.minimize(both, [-1.2, 1.0], method=method, jac=True) for method in (given, name))
    np.testing.assert_array_equal(one.x, other.x)
    assert one.nfev == other.nfev


def test_the_default_with_bounds():
    one, other = (fo.minimize(both, [-1.2, 1.0], method=m, jac=True, bounds=[(None, 0.5)] * 2) for m in (None, "lbfgsb"))
    np.testing.assert_array_equal(one.x, other.x)


@pytest.mark.parametrize("method, words", [
    ("lbgfs", "did you mean 'lbfgs'"), ("bfgs", "did you mean 'lbfgs'"), ("nelder-mead", "method must be one of 'gd', 'cg'"),
    ("", "method must be"), (3, "method must be one of .* got 3")])
def test_unknown_method(method, words):
    for call in (lambda: fo.minimize(both, [1.0], method=method), lambda: fo.scipy_method(method)):
        with pytest.raises(InvalidParameterError, match=words):
            call()


def test_unknown_options_warn():
    with pytest.warns(OptimizeWarning, match="Unknown solver options: gtoll, maxcor; did you mean 'gtol'") as caught:
        assert fo.minimize(both, [-1.2, 1.0], method="cg", jac=True, options={"gtoll": 1, "maxcor": 3}).success
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fo.minimize(both, [-1.2, 1.0], method="lbfgs", jac=True, options={"maxcor": 3, "maxls": 10, "c1": 1e-3, "c2": 0.5})


@pytest.mark.parametrize("method, options, words", [
    ("cg", {"gtol": -1}, r"options\['gtol'\] must be a finite number at least 0, got -1"), ("cg", {"gtol": np.nan}, "gtol"),
    ("cg", {"gtol": "a"}, "gtol"), ("cg", {"maxiter": -1}, "maxiter.* must be an integer at least 0"),
    ("cg", {"maxiter": 1.5}, "maxiter"), ("cg", {"c1": 0.5}, "c1.* must be below c2"), ("cg", {"c2": 1}, "c2"),
    ("cg", {"beta": "hs"}, "one of 'hz', 'pr\\+'"), ("lbfgs", {"maxcor": 0}, "maxcor"), ("gd", {"line_search": "armjo"}, "did you mean"),
    ("proximal", {"restart": 7}, "restart"), ("proximal", {"l1": -1}, "l1"), ("proximal", {"l1": [1, 2, 3]}, "array of shape"),
    ("proximal", {"l1": "a"}, "l1"), ("cg", [1], "options must be a dict"), ("cg", {"eps": [1e-8] * 3}, "eps")])
def test_bad_options(method, options, words):
    with pytest.raises(InvalidParameterError, match=words):
        fo.minimize(both, [1.0, 2.0], method=method, jac=True, options=options)


@pytest.mark.parametrize("bounds, words", [
    ([(0, 1)] * 3, "a pair for each of the 2 parameters; got shape"), ([(1, 0)] * 2, r"got \(1.0, 0.0\) at index 0"), (3, "bounds must be"),
    (["ab", "cd"], "bounds must be"), (scipy.optimize.Bounds([0, 0, 0], 1), "bounds must hold a pair")])
def test_bad_bounds(bounds, words):
    with pytest.raises(InvalidParameterError, match=words):
        fo.minimize(both, [1.0, 2.0], jac=True, bounds=bounds)


def test_bounds_need_a_method_that_keeps_them():
    with pytest.raises(InvalidParameterError, match="'cg' cannot keep bounds; take 'lbfgsb' or 'proximal'"):
        fo.minimize(both, [1.0, 2.0], method="cg", jac=True, bounds=[(0, 1)] * 2)


# ---- inside SciPy ----
@pytest.mark.parametrize("method", METHODS)
def test_as_a_method_of_scipy(method):
    calls = []
    found = scipy.optimize.minimize(both, [-1.2, 1.0], jac=True, method=fo.scipy_method(method), tol=1e-6,
                                    callback=lambda intermediate_result: calls.append(intermediate_result.fun))
    ours = fo.minimize(both, [-1.2, 1.0], jac=True, method=method, tol=1e-6)
    np.testing.assert_array_equal(found.x, ours.x)
    assert found.nfev == ours.nfev and len(calls) == found.nit
    assert scipy.optimize.minimize(rosen, [-1.2, 1.0], method=fo.scipy_method(method)).success
    limited = scipy.optimize.minimize(rosen, [-1.2, 1.0], jac=rosen_der, method=fo.scipy_method(method), options={"maxiter": 2})
    assert limited.nit == 2 and limited.status == 1


def test_scipys_bounds_and_constraints():
    found = scipy.optimize.minimize(both, [-1.2, 1.0], jac=True, method=fo.scipy_method("lbfgsb"), bounds=[(None, 0.5)] * 2)
    np.testing.assert_allclose(found.x, [0.5, 0.25], atol=1e-5)
    with pytest.raises(InvalidParameterError, match="constraints must be empty"):
        scipy.optimize.minimize(both, [1.0, 1.0], method=fo.scipy_method("lbfgsb"), constraints={"type": "eq", "fun": rosen})


def test_basin_hopping_escapes():
    def wavy(x):
        return float(x[0] ** 2 + 10 * np.sin(2 * x[0]) + 10), np.array([2 * x[0] + 20 * np.cos(2 * x[0])])

    local = fo.minimize(wavy, [4.0], method="lbfgs", jac=True)
    rng = np.random.default_rng(0)
    found = scipy.optimize.basinhopping(wavy, [4.0], niter=30, T=0, take_step=lambda x: x + rng.uniform(-4, 4, 1),
                                        minimizer_kwargs={"method": fo.scipy_method("lbfgs"), "jac": True})
    assert local.fun > found.fun + 1 and found.x == pytest.approx([-0.748], abs=1e-3)
