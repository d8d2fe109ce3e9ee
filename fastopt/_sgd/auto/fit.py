"""A fit by optimizer="auto": from what the estimator asks and what is known of the data to a run, and back (docs/auto.md).

Used by _sgd.fit.  Knows neither estimators nor labels.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt._core.tables import LOSS_NAMES, LOSS_TARGETS, Matrix
from fastopt._samples.order import Samples
from fastopt._sgd.per_sample.alike import Alike
from fastopt.losses._arrays import evaluate

from .run import AutoRun
from .state import TRUST_ROWS, State

Array = NDArray[Any]

BATCH_ROWS = 32


@dataclass
class Auto:
    """What the estimator asks of optimizer="auto"."""
    sizes: Any = BATCH_ROWS             # rows of a batch, or a strategy of fastopt.batching
    softmax: bool = False
    classifies: bool = False

    def known(self, start: Any) -> tuple[list[Array], list[Array]]:
        """What training starts from, as `alike` takes it."""
        return [start.coef, *(start.memory.of_columns.values() if isinstance(start.memory, State) else ())], []

    def over(self, rest: Alike, memory: Any, shape: tuple[int, int]) -> Any:
        """What an earlier fit left, over the columns that are trained."""
        return memory.mapped(rest.gather) if isinstance(memory, State) else memory


class Units:
    """In what a loss is measured, with k outputs of the deviations that a state has seen.

    Parameters
    ----------
    loss : tuple
        The fields of fo_loss.
    state : State
    fit_intercept : bool
    """

    def __init__(self, loss: tuple[int, float, float], state: State, fit_intercept: bool) -> None:
        name = LOSS_NAMES[loss[0]]
        self.is_log = LOSS_TARGETS[name] in ("nonnegative", "positive")   # the losses with a log link
        self.is_exponential = name == "exponential"
        self.prediction = self.slope = np.ones(len(state.w))
        if state.goals is not None and not self.is_log:
            self.prediction = state.goals.deviation(fit_intercept)
        if LOSS_TARGETS[name] == "real":
            slope = np.empty_like(self.prediction)
            evaluate(loss, np.zeros_like(slope), self.prediction, None, 1.0, False, None, slope, 1)
            self.slope = np.where(slope == 0, 1, np.abs(slope))

    def start(self, state: State) -> Array:
        """The intercepts to start from: the mean of the targets behind the link."""
        if state.goals is None:
            return np.zeros(len(state.w))
        mean = state.goals.mean
        return np.log(np.where(mean > 0, mean, 1)) if self.is_log else mean

    def limits(self, state: State) -> Array | None:
        """(k, 2): how far predictions count, where gradients grow exponentially: no further than anything that was seen."""
        if self.is_exponential:
            most = 1 + 0.5 * np.log(max(state.columns.rows, 1))
            return np.tile([-most, most], (len(state.w), 1))
        if not self.is_log or state.goals is None:
            return None
        low = np.where(np.isfinite(state.goals.low), state.goals.low, 1)
        return np.stack([np.log(low) - 1, np.log(np.maximum(state.goals.high, low)) + 1], axis=1)


class AutoFit(AutoRun):
    """A run that knows its state.

    Parameters
    ----------
    X, samples : Matrix, Samples
    state : State
        That has seen the rows to learn from.
    auto : Auto
    plan : Plan
        Of _sgd.fit.
    class_weight : ndarray of shape (k, 2) or None
    """

    def __init__(self, X: Matrix, samples: Samples, state: State, auto: Auto, plan: Any, class_weight: Array | None) -> None:
        units, rows = Units(plan.loss, state, plan.fit_intercept), state.columns.rows
        if state.steps == 0 and plan.fit_intercept and not state.intercepts.any() and not state.w.any():
            state = replace(state, intercepts=state.intercepts + [[1], [0], [1]] * units.start(state))
        self.state, self._turned = state, X.is_sparse
        self._weights = [np.array(self._turn(a), order="C") for a in (state.V, state.w, state.w_avg)]
        rate = units.prediction * rows / (rows + TRUST_ROWS) / (1 + state.columns.uncentred)
        strength, l1 = plan.strengths
        l2 = np.divide(strength, units.prediction, out=np.zeros_like(rate), where=units.prediction > 0)
        self.learning_rate = float(rate.max())
        super().__init__(
            X, samples, plan.loss, self._weights, state.intercepts, state.steps, auto.sizes,
            state.columns.inverse_scale(X.dtype), state.columns.centre(X.dtype).astype(X.dtype) if state.columns.centred else None,
            rate, l2, units.slope, np.where(units.prediction > 0, units.prediction * units.slope, 1), l1=l1,
            limits=units.limits(state), softmax=auto.softmax and len(rate) > 1, class_weight=class_weight,
            fit_intercept=plan.fit_intercept, threads=plan.threads)

    def _turn(self, weights: Array) -> Array:
        """(k, d), or beside CSR (d, k): the one from the other."""
        return weights.T if self._turned else weights

    def memory(self) -> State:
        """What is known now."""
        V, w, w_avg = (np.array(self._turn(a), order="C") for a in self._weights)
        state = replace(self.state, V=V, w=w, w_avg=w_avg, intercepts=self.intercepts, steps=self.steps)
        return state if self.rest is None else state.mapped(self.rest.spread)

    def snapshot(self) -> list[Any]:
        """(coef, intercept, None, None), of the columns that are trained: the averages are the result."""
        w = np.array(self._turn(self._weights[2]), order="C")
        return [w, self.state.columns.raw(w, self.intercepts[2]), None, None]


def make_auto(X: Matrix, samples: Samples, auto: Auto, plan: Any, start: Any, targets: Any, weight: Array | None,
              held_out: Array | None, rest: Alike | None) -> AutoFit:
    """A run from the start on, or from where the last one ended; `rest`: of the columns that X lacks."""
    centred, memory = bool(plan.fit_intercept) and not X.is_sparse, start.memory
    goes_on = isinstance(memory, State) and all(map(np.array_equal, memory.result(), (start.coef, start.intercept)))
    if goes_on and (memory.goals is None) == auto.classifies:
        state = memory.typed(X.dtype, centred)
    else:
        state = State.begin(start.coef, start.intercept, X.dtype, centred, auto.classifies)
    run = AutoFit(X, samples, state.observe(X, targets.y, weight, held_out), auto, plan, targets.class_weight)
    run.rest = rest
    return run
