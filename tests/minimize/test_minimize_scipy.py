"""minimize called as scipy.optimize.minimize is: a table of bounds, starting points, gradients, callbacks and options, each with
SciPy's own outcome beside it; and what the user's functions raise, which comes out as it was."""
import warnings

import numpy as np
import pytest
import scipy.optimize
from scipy.optimize import Bounds, OptimizeWarning

import fastopt as fo
from fastopt.exceptions import InvalidParameterError


def fun(x, shift=0.0):
    return float(((x - 0.3 - shift) ** 2).sum() + 0.5 * (x[1:] * x[:-1]).sum())


def grad(x, shift=0.0):
    g = 2 * (x - 0.3 - shift)
    g[1:] += 0.5 * x[:-1]
    g[:-1] += 0.5 * x[1:]
    return g


def both(x, shift=0.0):
    return fun(x, shift), grad(x, shift)


# ---- bounds ----
#: number of parameters, and what makes the bounds (zip can be read once)
BOUNDS = {
    "pairs": (3, lambda: [(0, 0.1), (0.2, 1), (-1, 0)]), "tuple of lists": (3, lambda: ([0, 0.1], [0.2, 1], [-1, 0])),
    "None": (3, lambda: [(None, 0.1), (0.2, None), (None, None)]), "infinities": (2, lambda: [(-np.inf, 0.1), (0.2, np.inf)]),
    "nan": (2, lambda: [(np.nan, 0.1), (0.2, np.nan)]), "zip": (3, lambda: zip([0, 0.2, -1], [0.1, 1, 0])),
    "array": (3, lambda: np.array([[0, 0.1], [0.2, 1], [-1, 0]])), "Fortran": (3, lambda: np.array([[0, 0.2, -1], [0.1, 1, 0]]).T),
    "objects": (2, lambda: np.array([[0, 0.1], [None, 0.05]], dtype=object)), "integers": (2, lambda: np.array([[0, 1], [1, 2]])),
    "arrays of one": (2, lambda: [(np.array([0.0]), np.array(0.1)), (np.float32(0.25), np.int64(1))]),
    "one pair for all": (3, lambda: [(0, 0.1)]), "one row for all": (3, lambda: np.array([[0, 0.1]])),
    "two and two": (2, lambda: ([0, 0.25], [0.1, 1])), "two and two, array": (2, lambda: np.array([[0, 0.25], [0.1, 1]])),
    "Bounds": (3, lambda: Bounds([0, 0.2, -1], [0.1, 1, 0])), "Bounds of numbers": (3, lambda: Bounds(0, 0.1)),
    "Bounds below": (3, lambda: Bounds(ub=0.1)), "Bounds above": (3, lambda: Bounds([0.4, 0.5, 0.6])),
    "Bounds mixed": (3, lambda: Bounds([0, 0.2, -1], 0.25)), "Bounds of one": (3, lambda: Bounds([0], [0.1])),
    "feasible": (3, lambda: Bounds(0, 0.1, keep_feasible=True)),
    "some feasible": (2, lambda: Bounds(0, [0.1, 0.2], keep_feasible=[True, False])),
    "fixed": (3, lambda: [(0.5, 0.5), (0, 1), (-0.25, -0.25)]), "all fixed": (2, lambda: Bounds(0.5, 0.5)),
    "one parameter": (1, lambda: [(0, 0.1)]), "one parameter, array": (1, lambda: np.array([[0.4, 0.5]])),
    "wide": (2, lambda: [(-1e300, 1e300), (0, 1e-300)]), "reversed order of memory": (2, lambda: np.array([[0.25, 1], [0, 0.1]])[::-1]),
}


@pytest.mark.parametrize("jac", [True, None], ids=["gradient", "differences"])
@pytest.mark.parametrize("method", ["lbfgsb", "proximal", "scipy_method"])
@pytest.mark.parametrize("key", BOUNDS)
def test_bounds_mean_what_they_mean_to_scipy(key, method, jac):
    n, make = BOUNDS[key]
    x0, f = np.linspace(-1, 2, n), both if jac else fun
    expected = scipy.optimize.minimize(f, x0, jac=jac, bounds=make(), method="L-BFGS-B", tol=1e-10)
    if method == "scipy_method":
        found = scipy.optimize.minimize(f, x0, jac=jac, bounds=make(), method=fo.scipy_method("lbfgsb"), tol=1e-10)
    else:
        found = fo.minimize(f, x0, jac=jac, bounds=make(), method=method, tol=1e-10)
    np.testing.assert_allclose(found.x, expected.x, rtol=0, atol=2e-6)
    assert found.fun == pytest.approx(expected.fun, abs=1e-7)


NO_BOUNDS = {
    "lower and upper": (3, lambda: ([0, 0, 0], [1, 1, 1]), r"Bounds\(lower, upper\)"),
    "lower and upper arrays": (4, lambda: (np.zeros(4), np.ones(4)), r"Bounds\(lower, upper\)"),
    "a stack of them": (3, lambda: np.array([[0.0] * 3, [1.0] * 3]), r"Bounds\(lower, upper\)"),
    "one lower, one upper": (1, lambda: ([0], [1]), r"Bounds\(lower, upper\)"),
    "two pairs for three": (3, lambda: [(0, 1), (0, 1)], "a pair for each of the 3"), "four for two": (2, lambda: [(0, 1)] * 4, "each of the 2"),
    "a pair": (2, lambda: (0, 1), "be a scipy"), "triples": (2, lambda: [(0, 1, 2)] * 2, "be a scipy"),
    "numbers": (2, lambda: [0, 1], "be a scipy"), "nothing": (2, list, "be a scipy"), "text": (2, lambda: "ab", "be a scipy"),
    "a dict": (2, lambda: {0: (0, 1), 1: (0, 1)}, "be a scipy"), "crossed": (2, lambda: [(0, 1), (1, 0)], r"\(1.0, 0.0\) at index 1"),
    "beyond": (2, lambda: [(0, 1), (np.inf, np.inf)], r"\(inf, inf\) at index 1"),
    "Bounds of three": (2, lambda: Bounds([0] * 3, 1), "each of the 2"),
    "columns": (2, lambda: Bounds([[0], [0]], 1), "each of the 2"),
}


@pytest.mark.parametrize("key", NO_BOUNDS)
def test_bounds_that_are_none(key):
    n, make, words = NO_BOUNDS[key]
    with pytest.raises(InvalidParameterError, match="^bounds must .*" + words):
        fo.minimize(both, np.ones(n), jac=True, bounds=make())


# ---- the other arguments ----
STARTS = {"list": [1, 2], "tuple": (1.5, 2), "integers": np.array([1, 2]), "int8": np.array([1, 2], np.int8), "booleans": [True, False],
          "half": np.array([1, 2], np.float16), "longdouble": np.array([1, 2], np.longdouble), "big-endian": np.array([1.0, 2.0], ">f8"),
          "strided": np.arange(4.0)[::2], "backwards": np.arange(2.0)[::-1], "number": 3.0, "no dimensions": np.array(3.0)}
CALLS = {
    "jac": dict(jac=grad), "args": dict(args=(0.5,), jac=grad), "no tuple": dict(args=0.5, jac=grad), "2-point": dict(jac="2-point"),
    "3-point": dict(jac="3-point"), "None": dict(jac=None), "False": dict(jac=False), "L-BFGS-B": dict(jac=grad, method="L-BFGS-B"),
    "CG": dict(jac=grad, method="CG"), "tol": dict(jac=grad, tol=1e-3), "tol 0": dict(jac=grad, tol=0.0),
    "maxiter": dict(jac=grad, options={"maxiter": 1}), "maxiter 0": dict(jac=grad, options={"maxiter": 0}),
    "float maxiter": dict(jac=grad, options={"maxiter": 100.0}), "gtol": dict(jac=grad, options={"gtol": 1e-9}),
    "gtol wins": dict(jac=grad, tol=1e-1, options={"gtol": 1e-9}), "eps": dict(options={"eps": 1e-6}),
    "all": dict(jac=grad, method="L-BFGS-B", tol=1e-8, bounds=[(0, 1)] * 2, options={"maxcor": 5, "maxls": 10, "maxfun": 100}),
}


@pytest.mark.parametrize("key", STARTS)
def test_starts(key):
    before = np.array(STARTS[key], copy=True)
    expected, found = (minimize(both, x0, jac=True, method="L-BFGS-B", tol=1e-9) for minimize, x0 in (
        (scipy.optimize.minimize, np.asarray(STARTS[key], dtype=float)), (fo.minimize, STARTS[key])))
    assert found.x.shape == expected.x.shape and found.x.dtype == np.float64
    np.testing.assert_allclose(found.x, expected.x, atol=1e-6)
    assert (np.asarray(STARTS[key]) == before).all()


@pytest.mark.parametrize("key", CALLS)
def test_calls(key):
    expected = scipy.optimize.minimize(fun, [1.0, -2.0], **{"method": "L-BFGS-B", **CALLS[key]})
    found = fo.minimize(fun, [1.0, -2.0], **{"method": "L-BFGS-B", **CALLS[key]})
    assert (found.success, found.status) == (expected.success, expected.status)
    if expected.success:
        np.testing.assert_allclose(found.x, expected.x, atol=1e-3 if key == "tol" else 1e-5)
    assert type(found.x) is type(expected.x) and isinstance(found.fun, float) and found.jac.shape == found.x.shape


@pytest.mark.parametrize("x0", [[[1.0, 2.0]], np.ones((2, 1)), []])
def test_starts_of_more_dimensions(x0):
    with pytest.raises(ValueError, match="x0"):
        fo.minimize(both, x0, jac=True)


@pytest.mark.parametrize("minimize", [scipy.optimize.minimize, fo.minimize])
def test_callbacks(minimize):
    class Seen:
        def __init__(self):
            self.points = []

        def by_name(self, intermediate_result):
            self.points.append((intermediate_result.x.copy(), intermediate_result.fun))

        def by_place(self, xk):
            self.points.append(xk)
            xk[:] = np.nan   # a copy

        def __call__(self, xk, *rest):
            self.points.append((xk, len(rest)))

        def stop(self, intermediate_result):
            self.points.append(intermediate_result.x)
            if len(self.points) == 2:
                raise StopIteration

    for name in ("by_name", "by_place", "__call__"):
        seen = Seen()
        result = minimize(both, [1.0, -2.0], jac=True, method="L-BFGS-B", callback=getattr(seen, name))
        assert result.success and len(seen.points) == result.nit
    seen = Seen()
    result = minimize(scipy.optimize.rosen, [-1.2, 1.0], jac=scipy.optimize.rosen_der, method="L-BFGS-B", callback=seen.stop)
    assert (result.nit, result.status, result.success) == (2, 99, False) and (result.x == seen.points[-1]).all()


def test_unknown_options_warn_as_scipys_do():
    for minimize in (scipy.optimize.minimize, fo.minimize):
        with pytest.warns(OptimizeWarning, match="Unknown solver options: maxitre"):
            minimize(both, [1.0, -2.0], jac=True, method="L-BFGS-B", options={"maxitre": 3})


@pytest.mark.parametrize("minimize", [scipy.optimize.minimize, fo.minimize])
def test_derivatives_that_no_method_uses_warn(minimize):
    with pytest.warns(RuntimeWarning, match=r"does not use Hessian information \(hess\)"):
        found = minimize(both, [1.0, -2.0], jac=True, method="L-BFGS-B", hess=lambda x: np.eye(2))
    assert found.success
    with pytest.warns(RuntimeWarning, match=r"does not use Hessian-vector product information \(hessp\)"):
        minimize(both, [1.0, -2.0], jac=True, method="L-BFGS-B", hessp=lambda x, p: p)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        minimize(both, [1.0, -2.0], jac=True, method="L-BFGS-B", hess=None, hessp=None, constraints=())


# ---- what the user's functions raise ----
class Own(Exception):
    pass


ERRORS = [StopIteration(3), GeneratorExit("g"), KeyboardInterrupt("k"), SystemExit(2), Own(1), RuntimeError("generator raised StopIteration"),
          FloatingPointError("f"), StopAsyncIteration(1), MemoryError()]
RULES = ["adam", "muon", "schedule_free_sgd"]


def late(error, calls, after):
    """A function that raises the error at one of its calls."""
    count = iter(range(1, 10 ** 6))

    def wrapped(x, *args):
        if next(count) > after:
            raise error
        return calls(x, *args)
    return wrapped


@pytest.mark.parametrize("after", [0, 1, 4])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("method", ["gd", "cg", "lbfgs", "lbfgsb", "bounded", "proximal", "adam", "schedule_free_sgd"])
def test_what_fun_raises_comes_out_unchanged(method, error, after):
    kwargs = {"method": "lbfgsb", "bounds": [(-1, 1)] * 3} if method == "bounded" else {"method": method}
    x0 = np.array([1.0, -2.0, 3.0])
    for call in (lambda: fo.minimize(late(error, both, after), x0, jac=True, **kwargs),
                 lambda: fo.minimize(late(error, fun, after), x0, jac=grad, **kwargs),
                 lambda: fo.minimize(fun, x0, jac=late(error, grad, min(after, 1)), **kwargs),
                 *(lambda scheme=scheme: fo.minimize(late(error, fun, after), x0, jac=scheme, **kwargs) for scheme in (None, "3-point"))):
        with pytest.raises(type(error)) as caught:
            call()
        assert caught.value is error


@pytest.mark.parametrize("error", [error for error in ERRORS if not isinstance(error, (StopIteration, FloatingPointError))],
                         ids=lambda error: type(error).__name__)
def test_what_callbacks_raise_comes_out_unchanged(error):
    def callback(xk):
        raise error
    for call in (lambda: fo.minimize(both, [1.0, -2.0], jac=True, callback=callback),
                 lambda: fo.minimize_stochastic(lambda x, idx: both(x), [1.0, -2.0], 10, callback=callback)):
        with pytest.raises(type(error)) as caught:
            call()
        assert caught.value is error


@pytest.mark.parametrize("after", [0, 3])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("method", ["sgd", "adam", "svrg", "saga", "sag"])
def test_what_functions_of_samples_raise_comes_out_unchanged(method, error, after):
    def samples(x, idx):
        return both(x)
    options = {"lr": 0.01}

    class Sizes:
        def size(self, t):
            if t >= after:
                raise error
            return 2
    calls = [lambda: fo.minimize_stochastic(late(error, samples, after), np.ones(2), 10, 2, method, options=options),
             lambda: fo.minimize_stochastic(samples, np.ones(2), 10, 2, method, options=options, validation=late(error, fun, after))]
    if method not in ("saga", "sag"):
        calls.append(lambda: fo.minimize_stochastic(samples, np.ones(2), 10, Sizes(), method, options=options))
    for call in calls:
        with pytest.raises(type(error)) as caught:
            call()
        assert caught.value is error


@pytest.mark.parametrize("error", [error for error in ERRORS if not isinstance(error, FloatingPointError)], ids=lambda error: type(error).__name__)
def test_what_schedules_raise_comes_out_unchanged(error):
    def rate(t):
        if t == 3:
            raise error
        return 0.01
    for call in (lambda: fo.minimize(both, np.ones(2), jac=True, method="sgd", options={"lr": rate}),
                 lambda: fo.minimize_stochastic(lambda x, idx: both(x), np.ones(2), 10, 2, "sgd", options={"lr": rate})):
        with pytest.raises(type(error)) as caught:
            call()
        assert caught.value is error
