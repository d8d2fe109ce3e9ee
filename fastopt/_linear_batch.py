"""A fit by mini-batches: the optimizer of weights and intercepts, and what it leaves for the next fit.

Used by _linear_fit.  Knows neither estimators nor labels.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt import optimizers
from fastopt._batch import BatchRun
from fastopt._core import Matrix
from fastopt._samples import Samples

Array = NDArray[Any]

#: rows that are made ready at a time, and their targets: whatever the number of threads, as losses are summed by blocks
READY_ROWS, READY_TARGETS = 4096, 1 << 16


@dataclass
class Batches:
    """How mini-batches are stepped."""
    optimizer: str                                      # a name of fastopt.optimizers
    settings: Mapping[str, Any] = field(default_factory=dict)   # of it
    sizes: Any = 1                                      # rows of a batch, or a strategy of fastopt.batching
    schedule: Callable[[int], float] | None = None      # None: what learning_rate says
    clip_norm: float | None = None
    softmax: bool = False


@dataclass
class Memory:
    """What an optimizer leaves behind: its state, and the point that it goes on from where that is not its solution."""
    state: Mapping[str, Any]
    point: tuple[Array, Array] | None

    def fits(self, optimizer: Any) -> bool:
        """Whether an optimizer can go on from here."""
        shapes = [{name: array.shape for name, array in arrays.items()} for arrays in self.state["state"]]
        own = [{name: array.shape for name, array in zip(optimizer.state_names, arrays)} for arrays in optimizer.states]
        return bool(self.state["rule"] == optimizer.name and shapes == own)

    def recall(self, optimizer: Any) -> None:
        """Go on from here, with the optimizer's own settings."""
        optimizer.load_state_dict({**self.state, "groups": optimizer.state_dict()["groups"]})
        if self.point is not None:
            for array, value in zip(optimizer.params, self.point):
                array[...] = value


def make_optimizer(batches: Batches, w: Array, b: Array, lr: float) -> Any:
    """The optimizer of weights and intercepts."""
    return optimizers.get(batches.optimizer)([{"params": [w]}, {"params": [b]}], lr=lr,
                                             clip_global_norm=batches.clip_norm, **batches.settings)


def penalise(optimizer: Any, l2: float, l1: float) -> None:
    """A penalty on the weights, not on the intercepts, beside what the optimizer has by its settings."""
    rule, rate = optimizer._rule(optimizer.param_groups[0].settings)
    optimizer.set_rule(0, {**rule, "l2": rule["l2"] + l2, "l1": rule["l1"] + l1}, rate)


def make_run(X: Matrix, samples: Samples, batches: Batches, plan: Any, start: Any, class_weight: Array | None) -> BatchRun:
    """A run by mini-batches of what the plan says, from the start on."""
    _, alpha, share = plan.penalty

    def laid_out(coef: Array) -> Array:   # beside CSR all outputs of a feature side by side
        return np.array(coef.T if X.is_sparse else coef, dtype=X.dtype, order="C")

    w, b = laid_out(start.coef), np.array(start.intercept, dtype=np.float64)
    optimizer = make_optimizer(batches, w, b, plan.schedule[1])
    if isinstance(start.memory, Memory) and start.memory.fits(optimizer):
        start.memory.recall(optimizer)
    penalise(optimizer, alpha * (1 - share), alpha * share)
    averages = None
    if start.coef_avg is not None:
        averages = laid_out(start.coef_avg), np.array(start.intercept_avg, dtype=np.float64)
    return BatchRun(X, samples, plan.loss, optimizer, batches.sizes, batches.schedule or plan.schedule,
                    penalty=(alpha * (1 - share), alpha * share), softmax=batches.softmax and len(b) > 1, averages=averages,
                    average=start.average, class_weight=class_weight, t=start.t, fit_intercept=plan.fit_intercept,
                    threads=plan.threads)


def memory_of(optimizer: Any) -> Memory:
    """What a run's optimizer leaves behind."""
    w, b = optimizer.params
    same = all(found is own for found, own in zip(optimizer.solution(), (w, b)))
    return Memory(optimizer.state_dict(), None if same else (w.copy(), b.copy()))
