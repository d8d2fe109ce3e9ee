"""Solvers "newton-cg" and "preconditioned-cg": Newton's method whose steps are found by conjugate gradients.

Each product with the Hessian reads X once; predictions are those that the objective keeps.  What preconditions the conjugate
gradients makes the difference: nothing, or the Hessian of a part of the rows, whose Cholesky factor leaves them few iterations
where there are many more rows than columns.  Used by _solvers/auto.py, through the register.
"""
from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from fastopt._linalg.factor import Factor
from fastopt._linalg.lbfgs import dot
from fastopt._methods.conjugate_gradients import ConjugateGradients
from fastopt._solvers.iterate import Steps, stops
from fastopt._solvers.registry import CONVERGED, Callback, Needs, RandomState, Solution, Vector, solver
from fastopt._solvers.squares.conjugate import conjugate
from fastopt.objective import LinearObjective
from fastopt.objective._hessian import hessian
from fastopt.objective._hessian_softmax import anchored

from .base import Descent, descend
from .newton import MAX_PARAMS, begin, newton_cholesky
from .subsample import part_of

Preconditioner = Callable[[Vector], Vector]

#: the residual of a step at most, relative to the gradient, in the norm of the preconditioner
FORCING = 0.1
#: products with the Hessian that a step takes at most; and above which the next one has a preconditioner of its own
MAX_PRODUCTS, REFRESH_ABOVE = 250, 12


def _truncated(descent: Descent, precondition: Preconditioner) -> tuple[Vector, int]:
    """The solution of H·s = −g, until the residual is small or the curvature negative; and how many products it took."""
    system = ConjugateGradients(functools.partial(descent.objective.hessp, descent.w), -descent.g, precondition, dot)
    small, products = FORCING ** 2 * system.square, 0
    while products < MAX_PRODUCTS:
        products += 1
        if not system.step():
            return system.x if system.x.any() else system.direction, products
        if system.square <= small:
            break
    return system.x, products


def _newton(descent: Descent, preconditioner: Callable[[Descent], Preconditioner]) -> Steps:
    precondition, products = preconditioner(descent), 0
    while True:
        if products > REFRESH_ABOVE:
            precondition = preconditioner(descent)
        direction, products = _truncated(descent, precondition)
        if not descent.step(direction) and (descent.spent or not descent.step(-descent.g)):
            return descent.standstill
        yield


@solver("newton-cg", Needs(smooth=True, centred=True, relative=True))
def newton_cg(objective: LinearObjective, penalty: None, w0: Vector, *, tol: float, max_iter: int, callback: Callback | None,
              random_state: RandomState, relative: bool = False) -> Solution:
    """Newton's method by conjugate gradients, and a line search.

    References
    ----------
    L. Galli and C.-J. Lin (2021), A study on truncated Newton methods for linear classification, IEEE Trans. Neural Networks and
    Learning Systems 33.
    """
    if objective.loss.name == "squared_error" and max_iter > 0:
        return _squares(objective, w0, tol, max_iter, callback, relative)
    return descend("newton-cg", lambda descent: _newton(descent, lambda _: np.copy), objective, w0, tol, max_iter, callback)


def _squares(objective: LinearObjective, w0: Vector, tol: float, max_iter: int, callback: Callback | None, relative: bool) -> Solution:
    """Least squares: one step is all there is, by as many iterations as it takes."""
    def tell(w: Vector, n_iter: int) -> bool:
        return stops(callback, Solution(w, math.nan, n_iter, math.nan, math.nan, False, "", "newton-cg"))

    strengths = np.full(objective.n_outputs, objective.l2)
    own = objective.with_l2(0.0)
    found = conjugate(own, strengths, w0, tol, max_iter, relative, None if callback is None else tell)
    w = np.concatenate([found.W[:objective.n_features].T.ravel(), found.W[objective.n_features:].ravel()])
    own.l2 = objective.l2
    return Solution(w, own.value(w), found.n_iter, float(found.violation.max()), math.nan, found.message == CONVERGED,
                    found.message, "newton-cg")


@solver("preconditioned-cg", Needs(smooth=True, max_params=MAX_PARAMS, centred=True))
def preconditioned_cg(objective: LinearObjective, penalty: None, w0: Vector, *, tol: float, max_iter: int, callback: Callback | None,
                      random_state: RandomState) -> Solution:
    """Newton's method by conjugate gradients, preconditioned by the Hessian of a random part of the rows.

    It starts from the minimum on that part, where all rows agree that it is better than w0.

    References
    ----------
    R. H. Byrd, G. M. Chin, W. Neveitt and J. Nocedal (2011), On the use of stochastic Hessian information in optimization methods
    for machine learning, SIAM J. Optim. 21.
    """
    part = part_of(objective, random_state)
    if part is None:
        return newton_cholesky(objective, penalty, w0, tol=tol, max_iter=max_iter, callback=callback, random_state=random_state)

    def factor(descent: Descent) -> Preconditioner:
        return Factor(anchored(hessian(part, descent.w, whole=False), part)).solve

    near = begin(objective, part, w0, tol, max_iter)
    return descend("preconditioned-cg", lambda descent: _newton(descent, factor), objective, near, tol, max_iter, callback,
                   quick=True)
