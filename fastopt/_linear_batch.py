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


def make_optimizer(batches: Batches, w: Array, b: Array, lr: float, penalty: tuple[int, float, float]) -> Any:
    """The optimizer of weights, which are penalised, and intercepts, which are not."""
    make = optimizers.get(batches.optimizer)
    made = make([{"params": [w]}, {"params": [b]}], lr=lr, clip_global_norm=batches.clip_norm, **batches.settings)
    _, alpha, share = penalty
    fields, rate = made._rule(made.param_groups[0].settings)
    fields["l2"] += alpha * (1 - share)
    fields["l1"] += alpha * share
    made.set_rule(0, fields, rate)
    return made


def make_run(X: Matrix, samples: Samples, batches: Batches, plan: Any, start: Any, class_weight: Array | None) -> BatchRun:
    """A run by mini-batches of what the plan says, from the start on."""
    k, (_, alpha, share) = len(start.coef), plan.penalty
    layout = (lambda a: a.T) if X.is_sparse else (lambda a: a)   # beside CSR all outputs of a feature side by side
    w, b = np.array(layout(start.coef), dtype=X.dtype, order="C"), np.array(start.intercept, dtype=np.float64)
    optimizer = make_optimizer(batches, w, b, plan.schedule[1], plan.penalty)
    memory = start.memory
    if memory is not None and memory.fits(optimizer):
        state = {**memory.state, "groups": optimizer.state_dict()["groups"]}   # settings are today's
        optimizer.load_state_dict(state)
        rule, rate = optimizer._rule(optimizer.param_groups[0].settings)
        optimizer.set_rule(0, {**rule, "l2": rule["l2"] + alpha * (1 - share), "l1": rule["l1"] + alpha * share}, rate)
        if memory.point is not None:
            w[...], b[...] = memory.point
    averages = None
    if start.coef_avg is not None:
        averages = (np.array(layout(start.coef_avg), dtype=X.dtype, order="C"), np.array(start.intercept_avg, dtype=np.float64))
    return BatchRun(X, samples, plan.loss, optimizer, batches.sizes, batches.schedule or plan.schedule,
                    penalty=(alpha * (1 - share), alpha * share), softmax=batches.softmax, averages=averages,
                    average=start.average, class_weight=class_weight, t=start.t, fit_intercept=plan.fit_intercept,
                    threads=plan.threads)


def memory_of(optimizer: Any) -> Memory:
    """What a run's optimizer leaves behind."""
    w, b = optimizer.params
    solution = optimizer.solution()
    same = all(found is own for found, own in zip(solution, (w, b)))
    return Memory(optimizer.state_dict(), None if same else (w.copy(), b.copy()))
