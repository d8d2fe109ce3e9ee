"""minimize with functions that return what they should not, raise, or are not finite: a clear error, or a status and the last good
point."""
import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der

import fastopt as fo
from fastopt.exceptions import InvalidParameterError

METHODS = ["lbfgs", "lbfgsb", "cg", "gd", "proximal"]


def both(x):
    return rosen(x), rosen_der(x)


def bowl(x):
    return x @ x, 2 * x


@pytest.mark.parametrize("fun, jac, words", [
    (lambda x: None, None, "fun must return a real number, got None"), (lambda x: x, None, "got an array of shape"),
    (lambda x: 1j, None, "fun must return a real number"), (both, None, "pass jac=True"), (rosen, True, r"\(value, gradient\)"),
    (lambda x: (1.0, np.zeros(3)), True, r"shape of x, \(2,\), got \(3,\)"), (lambda x: (1.0, None), True, "gradient"),
    (lambda x: (1.0, x * 1j), True, "real numbers, got dtype complex128"), (rosen, lambda x: 1.0, r"shape of x, \(2,\), got \(\)"),
    (rosen, "4-point", "jac must be True, a callable"), (rosen, 3, "jac must be"), (3, None, "fun must be callable")])
def test_bad_functions(fun, jac, words):
    with pytest.raises(InvalidParameterError, match=words):
        fo.minimize(fun, [1.0, 2.0], jac=jac)


@pytest.mark.parametrize("method", METHODS)
def test_what_fun_raises_is_passed_on(method):
    def fun(x):
        if x[0] < 4:
            raise KeyError("mine")
        return bowl(x)

    x0 = np.array([5.0])
    with pytest.raises(KeyError, match="mine"):
        fo.minimize(fun, x0, method=method, jac=True)
    assert x0.tolist() == [5.0]
    with pytest.raises(InvalidParameterError, match="callback must be callable"):
        fo.minimize(bowl, x0, method=method, jac=True, callback=3)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_not_finite(method, bad):
    """At the start: status 3.  Beyond a point: the search keeps away from it.  Everywhere but at the start: it stays there."""
    found = fo.minimize(lambda x: (bad, x), [1.0, 2.0], method=method, jac=True)
    assert (found.status, found.success, found.x.tolist()) == (3, False, [1.0, 2.0])
    assert found.message == "NaN result encountered."
    found = fo.minimize(lambda x: (1.0, x * bad), [1.0, 2.0], method=method, jac=True)
    assert found.status == 3

    def wall(x):
        return (x[0] - np.log(x[0]), 1 - 1 / x) if x[0] > 0 else (bad, x)

    found = fo.minimize(wall, [9.0], method=method, jac=True)
    assert found.success and found.x == pytest.approx([1], abs=1e-4)
    found = fo.minimize(lambda x: bowl(x) if x[0] == 3 else (bad, x), [3.0], method=method, jac=True)
    assert (found.status, found.x.tolist(), found.fun) == (3, [3.0], 9.0)
