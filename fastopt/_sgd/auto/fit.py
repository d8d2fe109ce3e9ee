"""A fit by optimizer="auto": from what the estimator asks and what is known of the data to a run, and back (docs/auto.md).

Used by _sgd.fit.  Knows neither estimators nor labels.
"""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt._core.tables import Matrix
from fastopt._samples.order import Samples
from fastopt._sgd.per_sample.identical_columns import IdenticalColumns
from fastopt._sgd.settings import FitSettings, Start, Targets

from .run import AutoRun
from .state import State
from .units import Units

Array = NDArray[Any]


def column_arrays(start: Start) -> tuple[list[Array], list[Array]]:
    """What training starts from, as `find_identical_columns` takes it."""
    return [start.coef, *(start.memory.of_columns.values() if isinstance(start.memory, State) else ())], []


def gathered(memory: object, untrained: IdenticalColumns) -> object:
    """What an earlier fit left, over the columns that are trained."""
    return memory.mapped(untrained.gather) if isinstance(memory, State) else memory


class AutoFit(AutoRun):
    """A run that knows its state.

    Parameters
    ----------
    X, samples : Matrix, Samples
    state : State
        That has seen the rows to learn from.
    settings : FitSettings
        With Auto.
    class_weight : ndarray of shape (k, 2) or None
    """

    def __init__(self, X: Matrix, samples: Samples, state: State, settings: FitSettings, class_weight: Array | None) -> None:
        units = Units(state, settings, X.dtype)
        if state.steps == 0 and settings.fit_intercept and not state.intercepts.any() and not state.w.any():
            state = replace(state, intercepts=state.intercepts + [[1], [0], [1]] * units.start(state))
        self.state, self._transposed = state, X.is_sparse
        self._weights = [np.array(self._transpose(a), order="C") for a in (state.V, state.w, state.w_avg)]
        self.learning_rate = float(units.rate.max())
        super().__init__(X, samples, settings, self._weights, state.intercepts, state.steps, units, class_weight)

    def _transpose(self, weights: Array) -> Array:
        """(k, d), or beside CSR (d, k): the one from the other."""
        return weights.T if self._transposed else weights

    def memory(self) -> State:
        """What is known now."""
        V, w, w_avg = (np.array(self._transpose(a), order="C") for a in self._weights)
        state = replace(self.state, V=V, w=w, w_avg=w_avg, intercepts=self.intercepts, steps=self.steps)
        return state if self.untrained is None else state.mapped(self.untrained.spread)

    def trained_weights(self) -> list[Any]:
        """(coef, intercept, None, None), of the columns that are trained: the averages are the result."""
        w = np.array(self._transpose(self._weights[2]), order="C")
        return [w, self.state.columns.raw(w, self.intercepts[2]), None, None]


def make_auto(X: Matrix, samples: Samples, settings: FitSettings, start: Start, targets: Targets, weight: Array | None,
              held_out: Array | None, *, classifies: bool) -> AutoFit:
    """A run from the start on, or from where the last one ended."""
    centred, memory = bool(settings.fit_intercept) and not X.is_sparse, start.memory
    if isinstance(memory, State) and (memory.goals is None) == classifies and all(
            map(np.array_equal, memory.result(), (start.coef, start.intercept))):
        state = memory.typed(X.dtype, centred)
    else:
        state = State.begin(start.coef, start.intercept, X.dtype, centred, classifies)
    return AutoFit(X, samples, state.observe(X, targets.y, weight, held_out), settings, targets.class_weight)
