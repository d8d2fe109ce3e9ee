"""The outer loop of all iterative solvers: `tol`, `max_iter`, the callback and the Solution at the end.

Used by the solvers, each of which is a generator of steps and a look at the point; knows none of them.
"""
from __future__ import annotations

from collections.abc import Callable, Generator

from fastopt._methods import iterate as _loop

from .registry import CONVERGED, GAP_CLOSED, LIMIT, NOT_FINITE, STOPPED, Callback, Solution

#: each `next` is an iteration; the message that it returns says why there are no more
Steps = Generator[None, None, str]


def iterate(steps: Steps, look: Callable[[int], Solution | None], max_iter: int, callback: Callback | None) -> Solution:
    """Iterate until the run has converged or cannot go on.

    Parameters
    ----------
    steps : generator
    look : callable
        Of the number of iterations done, before the first one and after each: the Solution at the point, whose message says why the run
        ends there and is empty if it goes on.  None: no reading of X was spent on this point.
    max_iter : int
    callback : callable, optional
        Called with each point that was looked at and is finite.
    """
    found: Solution | None = None
    solution: Solution

    def ended(n_iter: int) -> str | None:
        nonlocal found, solution
        found = look(n_iter)
        solution = solution._replace(n_iter=n_iter) if found is None else found
        return solution.message or (LIMIT if n_iter >= max_iter else None)

    def tell() -> None:
        if found is not None and found.message != NOT_FINITE and callback is not None:
            callback(told(found))

    message = _loop.iterate(steps, ended, None if callback is None else tell, STOPPED)
    return solution._replace(message=message, converged=solution.converged or message in (CONVERGED, GAP_CLOSED))


def told(solution: Solution) -> Solution:
    """The solution as callbacks get it: with a copy of w, and without a message."""
    return solution._replace(w=solution.w.copy(), message="")


def stops(callback: Callback | None, solution: Solution) -> bool:
    """Call the callback; whether it ends the run by StopIteration."""
    if callback is None:
        return False
    try:
        callback(told(solution))
    except StopIteration:
        return True
    return False
