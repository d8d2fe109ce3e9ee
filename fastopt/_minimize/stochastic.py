"""minimize_stochastic: the front door for functions that are means over samples, and the loop over their epochs.

Estimates of the gradient are _minimize.estimates', steps are fastopt.optimizers'; a run ends as those of _methods.run do.
"""
from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import OptimizeResult

from fastopt import batching, optimizers
from fastopt._common.checks import flag, integer, number
from fastopt._common.random import RandomState, generator
from fastopt._common.rules import refuse
from fastopt._methods.function import Array, PassOn, called, scalar
from fastopt._methods.run import CONVERGED, LIMIT, MAX_ITERATIONS, MESSAGES, NAN, STOPPED, SUCCESS, wrap_callback
from fastopt.schedules._base import LearningRate

from .estimates import SAG, SAGA, SVRG, BatchFunction, Estimate, Noisy, Orders, Plain, consecutive, curvature
from .options import check_options, start
from .rules import find_rule, inform, settings_of

__all__ = ["minimize_stochastic"]

ESTIMATES: dict[str, type[Estimate[Any]]] = {"svrg": SVRG, "saga": SAGA, "sag": SAG}
BLOCKS_LOOKED_AT = 16   # for the curvature that steps without a given lr are taken from



class Sizes(Protocol):
    """A batch-size strategy."""

    def size(self, t: int) -> int:
        """Samples of step t.

        Parameters
        ----------
        t : int
        """


class Epochs:
    """A run over epochs: where it is, what it has seen."""

    def __init__(self, fun: BatchFunction, w: Array, estimate: Estimate[Any], optimizer: optimizers.Optimizer, lr: LearningRate | None) -> None:
        self.fun, self.w, self.estimate, self.optimizer, self.lr = fun, w, estimate, optimizer, lr
        self.curve: list[float] = []
        self.validation_curve: list[float] = []
        self.good = w.copy()                # where the last complete epoch ended
        self.best, self.best_x, self.idle = math.inf, w.copy(), 0

    def epoch(self) -> bool:
        """One pass over the samples; False if something was not finite, and the run is where it was before."""
        np.copyto(self.good, self.w)
        total = 0.0
        for batch in self.estimate.batches():
            value, size = self.estimate.estimate(self.w, batch)
            if not math.isfinite(value):
                return False
            total += value * size
            if getattr(self.lr, "driven_by", None) == "value":
                inform(self.lr, value, self.estimate.g)
            try:
                self.optimizer.step(self.estimate.g)
            except FloatingPointError:
                return False
        if not np.isfinite(self.w).all():
            return False
        self.curve.append(total / self.fun.n_samples)
        return True

    def judge(self, validation: Callable[[Array], Any] | None, tol: float | None) -> float:
        """Note the loss of the epoch, that of `validation` if there is one, and whether it got better by `tol`."""
        loss = self.curve[-1]
        if validation is not None:
            loss = scalar(validation(np.array(self.optimizer.solution())))
            self.validation_curve.append(loss)
        if getattr(self.lr, "driven_by", None) == "metric":
            inform(self.lr, loss)
        self.idle = 0 if tol is None or loss < self.best - tol * max(1.0, abs(self.best)) or math.isinf(self.best) else self.idle + 1
        if loss < self.best:
            self.best = loss
            if validation is not None:
                np.copyto(self.best_x, self.optimizer.solution())
        return loss


def minimize_stochastic(fun: Callable[..., Any], x0: ArrayLike, n_samples: int, batch_size: int | Sizes = 32, method: str = "adam",
                        args: object = (), *, max_epochs: int = 100, tol: float | None = 1e-4, n_iter_no_change: int = 5,
                        gtol: float = 0.0, shuffle: bool = True, random_state: RandomState = None,
                        validation: Callable[[Array], Any] | None = None, callback: Callable[..., Any] | None = None,
                        options: Mapping[str, Any] | None = None) -> OptimizeResult:
    """Minimise a mean over samples from batches of them: f(x) = 1/n · Σᵢ fᵢ(x).

    Parameters
    ----------
    fun : callable
        ``fun(x, idx, *args) -> (value, gradient)``: means over the samples `idx`, an array of integers below `n_samples`.  It
        gets a copy of x; idx is read-only.
    x0 : array_like of shape (d,)
        Where to start; never changed.  float32 stays float32, all else becomes float64.
    n_samples : int
    batch_size : int or batch-size strategy, default=32
        Samples a step; or whatever has ``size(t)``, such as the strategies of `fastopt.batching`.  The last batch of an epoch may
        be smaller.  `NoiseScale` learns from the two halves of each batch.
    method : str, default='adam'
        A name in ``fastopt.optimizers.names()``, or a method whose estimates of the gradient become exact, so that steps of one
        size converge: ``"svrg"`` [1]_, which asks for three values a step, ``"saga"`` [2]_ and ``"sag"`` [3]_, which keep
        a table of d numbers for each batch and take a fixed `batch_size`.
    args : tuple, default=()
        Further arguments of fun.
    max_epochs : int, default=100
        Passes over the samples, at most.
    tol : float or None, default=0.0001
        An epoch is no progress if its loss is not below the best one by tol, relative to a loss above 1; None: the run is not
        ended for that.
    n_iter_no_change : int, default=5
        Epochs without progress in a row that end the run, with status 0.
    gtol : float, default=0.0
        For ``"svrg"``, which knows it: ends the run when the largest component of the gradient over all samples is within it.
    shuffle : bool, default=True
        A new order of the samples, for saga and sag of their batches, in each epoch.
    random_state : int, Generator, RandomState or None, default=None
        Behind the orders: the same number gives the same result.
    validation : callable, optional
        ``validation(x)``: a loss, after each epoch; progress is measured by it, and the best x is returned.
    callback : callable, optional
        As for `minimize`, after each epoch; `fun` is the epoch's loss.
    options : dict, optional
        Settings of the method's class in `fastopt.optimizers`: ``lr``, a number or a schedule of the step, ``betas`` and so on;
        for svrg, saga and sag those of `SGD`.  Their lr is by default 1/(3·L), with L the largest curvature of some batches at
        x0.  Unknown options warn.

    Returns
    -------
    scipy.optimize.OptimizeResult
        ``x``; ``fun`` and ``jac`` over all samples at x; ``nit``, the epochs; ``n_steps``; ``nfev`` and ``njev``, calls of fun;
        ``loss_curve``, the mean of the batches' values in each epoch; ``validation_curve`` where there is a validation;
        ``status``: 0 converged, 1 `max_epochs` reached, 3 something was not finite, and x is where the last complete epoch ended,
        99 the callback ended the run; ``success``, ``message``.

    Raises
    ------
    InvalidParameterError
        For arguments that are none, and for a fun that returns something else.

    References
    ----------
    .. [1] Johnson and Zhang, "Accelerating stochastic gradient descent using predictive variance reduction", NeurIPS 2013.
    .. [2] Defazio, Bach and Lacoste-Julien, "SAGA: a fast incremental gradient method", NeurIPS 2014.
    .. [3] Schmidt, Le Roux and Bach, "Minimizing finite sums with the stochastic average gradient", Math. Program. 162, 2017.

    Examples
    --------
    >>> import numpy as np
    >>> import fastopt as fo
    >>> X = np.random.default_rng(0).standard_normal((500, 3))
    >>> y = X @ [1.0, 2.0, 3.0]
    >>> def fun(w, idx):
    ...     error = X[idx] @ w - y[idx]
    ...     return error @ error / (2 * len(idx)), error @ X[idx] / len(idx)
    >>> result = fo.minimize_stochastic(fun, np.zeros(3), 500, method="saga", tol=1e-12, random_state=0)
    >>> result.success, result.x.round(4)
    (True, array([1., 2., 3.]))
    """
    if not callable(fun):
        refuse("fun", "callable", fun)
    for name, value in (("callback", callback), ("validation", validation)):
        if value is not None and not callable(value):
            refuse(name, "callable or None", value)
    w, n_samples = start(x0), integer("n_samples", n_samples, 1)
    limits = (integer("max_epochs", max_epochs, 0), None if tol is None else number("tol", tol, at_least=0, below=math.inf),
              integer("n_iter_no_change", n_iter_no_change, 1), number("gtol", gtol, at_least=0))
    with PassOn():
        run = _prepare(BatchFunction(fun, args if isinstance(args, tuple) else (args,), n_samples), w, batch_size, method,
                       Orders(generator(random_state) if flag("shuffle", shuffle) else None), options)
        status, message = _loop(run, *limits, validation, wrap_callback(callback))
        return _result(run, status, message, validation is not None)


def _prepare(fun: BatchFunction, w: Array, batch_size: int | Sizes, method: str, order: Orders,
             options: Mapping[str, Any] | None) -> Epochs:
    key = re.sub(r"[^a-z0-9]", "", method.lower()) if isinstance(method, str) else ""
    rule = "sgd" if key in ESTIMATES else find_rule(key)
    if rule is None:
        names = [*ESTIMATES, *optimizers.names()]
        refuse("method", "one of " + ", ".join(map(repr, names)), key or method, names)
    defaults = settings_of(rule)
    if key in ESTIMATES and "lr" not in (options or {}):
        defaults["lr"] = 1.0   # until the curvature is known
    settings = check_options(defaults, options, defaults)
    optimizer = optimizers.get(rule)(w, **settings)
    is_strategy = callable(getattr(batch_size, "size", None))
    sizes = (cast(Sizes, batch_size) if is_strategy else batching.as_batching(cast(int, batch_size))).size
    fewest = 2 if getattr(batch_size, "driven_by", None) == "noise" else 1    # a batch of one has no halves to learn from

    def whole(t: int) -> int:
        return min(max(integer(f"batch_size.size({t})", called(sizes, t), 1), fewest), fun.n_samples)

    whole(0)
    if key in ("saga", "sag") and is_strategy:
        refuse("batch_size", f"an integer with method {method!r}, which keeps a gradient for each batch", batch_size)
    if key in ESTIMATES:
        estimate: Estimate[Any] = ESTIMATES[key](fun, w, whole, order)
        if "lr" not in (options or {}):
            blocks = [block for block, _ in zip(consecutive(order(fun.n_samples), whole(0)), range(BLOCKS_LOOKED_AT))]
            largest = curvature(fun, w, blocks)
            optimizer.param_groups[0]["lr"] = settings["lr"] = 1 / (3 * largest) if largest else 1.0
    elif fewest == 2:
        estimate = Noisy(fun, w, whole, order, cast(batching.Batching, batch_size).update)
    else:
        estimate = Plain(fun, w, whole, order)
    return Epochs(fun, w, estimate, optimizer, settings.get("lr"))


def _loop(run: Epochs, max_epochs: int, tol: float | None, patience: int, gtol: float,
          validation: Callable[[Array], Any] | None, callback: Callable[[OptimizeResult], None] | None) -> tuple[int, str]:
    """Epochs until one of the ends; its status and message."""
    for _ in range(max_epochs):
        exact = run.estimate.start(run.w)
        if isinstance(run.estimate, SVRG):
            if not math.isfinite(exact):
                return NAN, MESSAGES[NAN]
            if gtol and float(np.abs(run.estimate.mean).max()) <= gtol:
                return SUCCESS, CONVERGED + " The gradient is within gtol."
        if not run.epoch():
            np.copyto(run.w, run.good)
            return NAN, MESSAGES[NAN]
        loss = run.judge(validation, tol)
        if callback is not None:
            try:
                callback(OptimizeResult(x=np.array(run.optimizer.solution()), fun=loss, nit=len(run.curve)))
            except StopIteration:
                return STOPPED, MESSAGES[STOPPED]
        if run.idle >= patience:
            return SUCCESS, f"{CONVERGED} No progress by tol in {patience} epochs."
    return LIMIT, MAX_ITERATIONS


def _result(run: Epochs, status: int, message: str, validated: bool) -> OptimizeResult:
    x = run.w if status == NAN else np.array(run.optimizer.solution())
    if validated and run.validation_curve:
        x = run.best_x
    extra = {"validation_curve": np.array(run.validation_curve)} if validated else {}
    g = np.zeros_like(x)
    value = run.fun.over_all(x, run.estimate.sizes(run.estimate.t), g)
    return OptimizeResult(x=x, fun=value, jac=g, nit=len(run.curve), n_steps=run.optimizer.t, nfev=run.fun.nfev,
                          njev=run.fun.nfev, status=status, success=status == SUCCESS, message=message,
                          loss_curve=np.array(run.curve), **extra)
