"""minimize: the front door of the methods for functions with a gradient, and the same methods inside SciPy's minimize.

The methods are in the modules of this folder, a generator each; names and defaults of their options are here.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import OptimizeResult

from fastopt import optimizers
from fastopt._common.rules import refuse
from fastopt._methods.fista import proximal_gradient
from fastopt._methods.function import Array, Objective, PassOn
from fastopt._methods.run import Run, Steps, drive, wrap_callback
from fastopt.exceptions import InvalidParameterError

from .gradient import conjugate_gradient, gradient_descent
from .options import COMMON, Ends, Jac, check_bounds, check_jac, check_options, check_unused, start
from .quasi_newton import lbfgs, lbfgsb
from .rules import find_rule, rule_steps, settings_of

__all__ = ["minimize", "scipy_method"]


class Method(NamedTuple):
    """A method: its steps, its options with their defaults, what it does beyond, other names for it."""
    steps: Callable[[Run, Mapping[str, Any]], Steps]
    options: dict[str, Any]
    bounded: bool = False
    ftol_too: bool = False      # `tol` sets ftol as well as gtol, as for SciPy's method of that name
    aliases: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()      # options that a rule of fastopt.optimizers checks itself


_SEARCH = {**COMMON, "c1": 1e-4, "c2": 0.9, "maxls": 20}
_QUASI_NEWTON = {**_SEARCH, "ftol": None, "maxfun": 15000, "maxcor": 15}
METHODS: dict[str, Method] = {
    "gd": Method(gradient_descent, {**_SEARCH, "line_search": "armijo", "maxls": 50},
                 aliases=("gradientdescent", "steepestdescent")),
    "cg": Method(conjugate_gradient, {**_SEARCH, "c2": 0.4, "beta": "hz"}, aliases=("conjugategradient", "nonlinearcg")),
    "lbfgs": Method(lbfgs, _QUASI_NEWTON, ftol_too=True),
    "lbfgsb": Method(lbfgsb, {**_QUASI_NEWTON, "maxcor": 10}, bounded=True, ftol_too=True),
    "proximal": Method(proximal_gradient, {**COMMON, "l1": 0.0, "accelerate": True, "restart": True}, bounded=True,
                       aliases=("projected", "fista", "proximalgradient", "projectedgradient")),
}


def find_method(method: str | None, bounds: Ends | None) -> Method:
    """A method by its name, in whatever spelling."""
    if method is None:
        return METHODS["lbfgs" if bounds is None else "lbfgsb"]
    key = re.sub(r"[^a-z0-9]", "", method.lower()) if isinstance(method, str) else ""
    found = next((other for name, other in METHODS.items() if key in (name, *other.aliases)), None) or _rule_method(key)
    if found is None:
        names = [*METHODS, *optimizers.names()]
        aliases = [alias for other in METHODS.values() for alias in other.aliases]
        refuse("method", "one of " + ", ".join(map(repr, names)), key or method, [*names, *aliases])
    if bounds is not None and not found.bounded:
        able = " or ".join(repr(name) for name, other in METHODS.items() if other.bounded)
        raise InvalidParameterError(f"method {method!r} cannot keep bounds; take {able}")
    return found


def _rule_method(key: str) -> Method | None:
    """The method of an update rule; `eps` is the rule's own."""
    rule = find_rule(key)
    if rule is None:
        return None
    settings = settings_of(rule)
    return Method(rule_steps(rule), {**COMMON, **settings}, settings=tuple(settings))


def minimize(fun: Callable[..., Any], x0: ArrayLike, args: object = (), method: str | None = None, jac: Jac = None,
             bounds: Ends | None = None, tol: float | None = None, callback: Callable[..., Any] | None = None,
             options: Mapping[str, Any] | None = None, *, hess: object = None, hessp: object = None,
             constraints: object = ()) -> OptimizeResult:
    """Minimise a function of several variables, called and answered as ``scipy.optimize.minimize``.

    x* = argmin f(x), where the method's option `l1` adds l1·‖x‖₁ and `bounds` restrict x.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)``: the value, or with ``jac=True`` the value and the gradient.  It gets a copy of x.
    x0 : array_like of shape (d,)
        Where to start; never changed.  float32 is minimised in float32 (SciPy goes over to float64), all else in float64.
    args : tuple, default=()
        Further arguments of fun and jac.
    method : str, optional
        Spelling is free: ``"L-BFGS-B"`` is ``"lbfgsb"``.  By default ``"lbfgs"``, with bounds ``"lbfgsb"``.

        * ``"lbfgs"``: limited-memory BFGS [1]_, line search for Wolfe's conditions;
        * ``"lbfgsb"``: the same within bounds [2]_;
        * ``"cg"``: nonlinear conjugate gradients, option ``beta="hz"`` [3]_ or ``"pr+"``;
        * ``"gd"``: gradient descent, option ``line_search="armijo"`` or ``"wolfe"``;
        * ``"proximal"``: proximal (projected) gradient with acceleration [4]_ and restarts [5]_, within bounds, with l1;
        * every name in ``fastopt.optimizers.names()``: that update rule, a step an evaluation.
    jac : True, callable, ``"2-point"``, ``"3-point"``, ``"cs"`` or None, default=None
        Where the gradient comes from: from fun, from ``jac(x, *args)``, or from SciPy's finite differences (None: 2-point).
    bounds : scipy.optimize.Bounds or sequence of (min, max), optional
        None for no bound; one pair holds for all parameters.  A start outside is moved in.  Lower and upper bounds as two
        sequences are ``Bounds(lower, upper)``.
    tol : float, optional
        Sets `gtol`, and for ``"lbfgs"`` and ``"lbfgsb"`` `ftol`.
    callback : callable, optional
        Called after each iteration, as ``callback(intermediate_result=...)`` with x and fun if its parameter has that name,
        else as ``callback(x)``.  If it raises StopIteration, the run ends with status 99.
    options : dict, optional
        Unknown ones warn.

        gtol : float, 1e-5
            Ends the run when the largest component of the gradient (projected on bounds, proximal with l1) is within it.
        ftol : float
            Ends it when the value's reduction is, relative to the value, at least 1.  By default 2.2e-9 (float32: 1.2e-6) for
            lbfgs and lbfgsb, else 0: never.
        xtol : float, 0
            Ends it when the step is, relative to x.
        maxiter : int, 15000
        maxfun : int or None
            Ends the run after the iteration in which so many calls of fun are reached.
        eps, finite_diff_rel_step : float or ndarray
            Absolute and relative step of finite differences.
        disp : bool, False
            Print how it ended.
        maxcor : int, 15; lbfgsb: 10
            Pairs kept: 2·maxcor·d numbers.
        c1, c2, maxls : float, float, int
            Constants of the conditions of Armijo and of Wolfe, and points that a line search tries.
        l1 : float or ndarray, 0
            Penalty of ``"proximal"``, one or one a parameter; `fun` of the result includes it, `jac` does not.
        accelerate, restart : bool, True
            Of ``"proximal"``.

        Update rules take the settings of their class in `fastopt.optimizers`: ``lr``, a number or a schedule, ``betas`` and so
        on; `eps` is the rule's own.  A run that does not converge returns the lowest point it saw, or the average that the rule
        recommends.
    hess, hessp : callable, optional
        Not used; whoever gives them is warned, as by SciPy's methods that use gradients alone.
    constraints : sequence, default=()
        No method keeps any: refused, unless it is empty.

    Returns
    -------
    scipy.optimize.OptimizeResult
        ``x``, ``fun``, ``jac``, ``nit``, ``nfev``, ``njev``, ``success``, ``message`` and ``status``: 0 converged, 1 a limit was
        reached, 2 no better point could be found, 3 fun or its gradient is not finite (at the start or wherever the line search
        looked), 99 the callback ended the run.  x is the last good point in all cases.

    Raises
    ------
    InvalidParameterError
        For arguments that are none, and for a fun or jac that returns no number or a gradient of another shape.

    Notes
    -----
    Whatever fun raises is passed on.  A value that is infinite or nan ends no run by itself: the line search takes a shorter step.

    References
    ----------
    .. [1] Nocedal, "Updating quasi-Newton matrices with limited storage", Math. Comp. 35, 1980.
    .. [2] Byrd, Lu, Nocedal and Zhu, "A limited memory algorithm for bound constrained optimization", SIAM J. Sci. Comput. 16,
       1995.
    .. [3] Hager and Zhang, "A new conjugate gradient method with guaranteed descent and an efficient line search", SIAM J.
       Optim. 16, 2005.
    .. [4] Beck and Teboulle, "A fast iterative shrinkage-thresholding algorithm", SIAM J. Imaging Sci. 2, 2009.
    .. [5] O'Donoghue and Candès, "Adaptive restart for accelerated gradient schemes", Found. Comput. Math. 15, 2015.

    Examples
    --------
    >>> import fastopt as fo
    >>> from scipy.optimize import rosen, rosen_der
    >>> result = fo.minimize(rosen, [-1.2, 1.0], method="lbfgs", jac=rosen_der, tol=1e-8)
    >>> result.success, result.x.round(3)
    (True, array([1., 1.]))
    >>> fo.minimize(rosen, [-1.2, 1.0], method="L-BFGS-B", jac=rosen_der, bounds=[(None, 0.5), (None, None)]).x.round(4)
    array([0.5 , 0.25])
    """
    if not callable(fun):
        refuse("fun", "callable", fun)
    if callback is not None and not callable(callback):
        refuse("callback", "callable or None", callback)
    check_unused(method, hess, hessp, constraints)
    x = start(x0)
    chosen, limits = find_method(method, bounds), check_bounds(bounds, x)
    values = check_options(_with_defaults(chosen, x), _with_tol(chosen, tol, options), chosen.settings)
    jac, steps = check_jac(jac, {**values, "eps": None} if "eps" in chosen.settings else values, x.dtype)
    if limits is not None:
        np.clip(x, *limits, out=x)
    _check_sizes({name: value for name, value in values.items() if name not in chosen.settings}, x)
    objective = Objective(fun, args if isinstance(args, tuple) else (args,), jac, limits, steps)
    run = Run(objective, x, limits)
    with PassOn():
        result = drive(run, chosen.steps(run, values), values, wrap_callback(callback))
    if values["disp"]:
        print(f"{result.message}\n         Current function value: {result.fun:f}\n         Iterations: {result.nit}\n"
              f"         Function evaluations: {result.nfev}\n         Gradient evaluations: {result.njev}")
    return result


def _with_defaults(method: Method, x: Array) -> dict[str, Any]:
    """The method's options, with what depends on the type of x."""
    defaults = dict(method.options)
    if defaults["ftol"] is None:
        defaults["ftol"] = 1e7 * float(np.finfo(float).eps) if x.dtype == np.float64 else 10 * float(np.finfo(x.dtype).eps)
    return defaults


def _with_tol(method: Method, tol: float | None, options: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if tol is None or options is not None and not isinstance(options, Mapping):
        return options
    return {"gtol": tol, **({"ftol": tol} if method.ftol_too else {}), **(options or {})}


def _check_sizes(options: Mapping[str, Any], x: Array) -> None:
    """Options that may hold a number for each parameter."""
    for name in ("l1", "eps", "finite_diff_rel_step"):
        if np.ndim(options.get(name, 0)) and np.shape(options[name]) != x.shape:
            refuse(f"options[{name!r}]", f"a number or an array of shape {x.shape}", options[name])


def scipy_method(method: str) -> Callable[..., OptimizeResult]:
    """A method of `minimize` as SciPy takes custom ones: ``scipy.optimize.minimize(..., method=scipy_method(name))``.

    The objective, its gradient, bounds, callback, `tol` and options arrive as they were given to SciPy; so the method also works
    in ``basinhopping``, through ``minimizer_kwargs``.

    Parameters
    ----------
    method : str
        A name that `minimize` knows.

    Returns
    -------
    callable

    Raises
    ------
    InvalidParameterError
        For an unknown name; the callable, for constraints.

    Examples
    --------
    >>> import fastopt as fo
    >>> import scipy.optimize
    >>> result = scipy.optimize.minimize(lambda x: (x @ x, 2 * x), [3.0, 4.0], jac=True, method=fo.scipy_method("cg"))
    >>> result.success, round(result.fun, 6)
    (True, 0.0)
    """
    find_method(method, None)
    if method is None:
        refuse("method", "a name", method)

    def solver(fun: Callable[..., Any], x0: ArrayLike, args: object = (), jac: Jac = None, hess: object = None, hessp: object = None,
               bounds: Ends | None = None, constraints: object = (), callback: Callable[..., Any] | None = None, tol: float | None = None,
               **options: Any) -> OptimizeResult:
        if getattr(jac, "__self__", None) is fun and hasattr(fun, "fun"):   # what SciPy makes of jac=True
            fun, jac = fun.fun, True
        return minimize(fun, x0, args, method, jac, bounds, tol, callback, options, constraints=constraints)

    solver.__name__ = solver.__qualname__ = f"fastopt_{method}"
    return solver
