"""A run of dual coordinate descent with a hinge of several classes, which couples all outputs of a sample.

Used by _solvers/stochastic/sdca.py; what it shares with other losses is dual_run.py beside it, the loop over the samples
_solvers/stochastic/_sdca_classes.pyx.
"""
from __future__ import annotations

import itertools
import math

import numpy as np

from fastopt._samples.order import Samples
from fastopt._solvers.iterate import Steps
from fastopt._solvers.registry import Solution

from ._sdca_classes import SdcaClassChains
from .dual_run import Array, DualRun
from .finite_sum import Fit

#: epochs until the fall of the gap is watched, and for how many; it is slow if as many more would not bring it to its target
_WATCHES, _MANY_EPOCHS = ((4, 12), (56, 8)), 100
#: share of samples with dual variables below which weights are not pulled: most are left out
_SMALL_SHARE = 0.02
#: samples that were left out are looked at again where the gap of the others is below this share of that of all
_SHARE_OF_GAP = 0.3


class ClassDualRun(DualRun):
    """One run with a hinge of several classes: a sample has a dual variable an output, u of the sum 0, and the conjugate of minus that of
    its own class."""

    kernel: SdcaClassChains
    always_shrinks = True

    def chains(self, samples: Samples, threads: int) -> SdcaClassChains:
        problem = self.problem
        return SdcaClassChains(problem.X, samples, self.loss.spec, problem.k, self.squares, l1=problem.l1 / self.l2,
                               positive=problem.positive, column=self.column, shrunk=self.shrunk)

    def first_pull(self) -> float:
        return 0.0

    def epochs(self) -> Steps:
        """Plain ones; pulled ones where those are slow, as long as not few samples count."""
        epochs = Fit.epochs(self)
        for settle, watched in _WATCHES:
            yield from itertools.islice(epochs, settle)
            before = self.gap_seen
            yield from itertools.islice(epochs, watched)
            inside = self.share_inside()
            if self.pull == 0 and self.is_slow(before, watched):
                self.tune(inside)
            elif inside < _SMALL_SHARE:
                self.tune(0.0)
        return (yield from epochs)

    def is_slow(self, before: float, epochs: int) -> bool:
        """Whether the gap, which so many epochs have brought down from what it was before, needs many more to come to its target."""
        gained = math.log(before / self.gap_seen) / epochs if 0 < self.gap_seen < before else 0.0
        return math.log(max(self.gap_seen, 1e-300) / self.target()) > _MANY_EPOCHS * gained

    def share_inside(self) -> float:
        """The share of samples whose dual variables are not 0."""
        return float(np.count_nonzero(self.kernel.u.max(axis=0)) / self.problem.n)

    def tune(self, share: float) -> None:
        """Pull weights by so much of what other losses would, unless they are pulled so already."""
        self.wanted = share * self.most
        if not self.pull / 2 <= self.wanted <= 2 * self.pull:
            self.accelerate()

    def is_near(self) -> bool:
        """As far as all samples tell: the gap of those that are left in is not the gap."""
        return super().is_near() and (self.kernel.whole or not self.unshrink())

    def look_closely(self, n_iter: int, measure: float, stuck: bool) -> Solution:
        """Where the samples that are left in are solved much better than all, all are looked at again."""
        solution = super().look_closely(n_iter, measure, stuck)
        if not solution.message and measure < _SHARE_OF_GAP * solution.gap:
            self.unshrink()
        return solution

    def losses(self, p: Array) -> Array:
        return np.asarray(self.loss.pointwise(self.y[:, 0], p))

    def slopes(self, p: Array) -> Array:
        return np.asarray(self.loss.gradient(self.y[:, 0], p) * len(p))

    def conjugates(self, u: Array) -> float:
        return -float(self.share @ np.take_along_axis(u, self.y.astype(np.intp), axis=1)[:, 0])
