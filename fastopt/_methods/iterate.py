"""The outer loop of all iterative methods: look where the run is, tell the user's callback, take a step; and when a run comes no further.

Used by minimize's methods and by the solvers of linear models, each with ends and results of their own.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Generator
from typing import TypeVar

End = TypeVar("End")


def iterate(steps: Generator[None, None, End], look: Callable[[int], End | None], tell: Callable[[], object] | None, stopped: End) -> End:
    """Iterate until there is a reason to end, which is returned.

    Parameters
    ----------
    steps : generator
        Each `next` is an iteration; it returns why the method cannot go on.
    look : callable
        Of the number of iterations done, before the first one and after each: why the run ends here; None: it goes on.
    tell : callable, optional
        The user's callback, after each iteration; it ends the run by StopIteration,
    stopped
        for this reason.
    """
    n_iter = 0
    while True:
        end = look(n_iter)
        if n_iter and tell is not None:
            try:
                tell()
            except StopIteration:
                return stopped
        if end is not None:
            return end
        try:
            next(steps)
        except StopIteration as returned:
            reason: End = returned.value
            return reason
        n_iter += 1


class Patience:
    """Counts the iterations in a row that lower neither the value nor the violation: tol is below what rounding lets a run reach.

    Parameters
    ----------
    most : float
        So many iterations are too many.
    share, noise : float
        The violation counts as lower below this share of the least one, a value if it is lower by more than this share of itself.
    """

    def __init__(self, most: float, share: float = 1.0, noise: float = 0.0) -> None:
        self.most, self.share, self.noise = most, share, noise
        self.start_anew()

    def start_anew(self) -> None:
        """Forget the values and the violations that were seen."""
        self.lowest, self.least, self.idle = math.inf, math.inf, 0

    def ends(self, value: float, violation: float) -> bool:
        """Whether this iteration was one too many."""
        if value < self.lowest - self.noise * abs(value) or violation < self.share * self.least:
            self.lowest, self.least, self.idle = min(self.lowest, value), min(self.least, violation), 0
        else:
            self.idle += 1
        return self.idle >= self.most
