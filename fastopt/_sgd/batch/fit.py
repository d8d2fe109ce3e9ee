"""A fit by mini-batches: the optimizer of weights and intercepts, what drives it, and what it leaves for the next fit.

Used by _sgd.fit.  Knows neither estimators nor labels.
"""
from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastopt import optimizers
from fastopt._core.tables import Matrix
from fastopt._samples.order import Samples
from fastopt._sgd.per_sample.identical_columns import IdenticalColumns
from fastopt._sgd.settings import Batches, FitSettings, Start
from fastopt.exceptions import InvalidParameterError
from fastopt.optimizers import Optimizer

from .muon import MuonAndAdamW
from .plan import rates_of
from .run import BatchRun

Array = NDArray[Any]

#: rows of a block at most, and targets: whatever the number of threads, as losses are summed by blocks
MAX_BLOCK_ROWS, MAX_BLOCK_TARGETS = 4096, 1 << 16
#: optimizers whose steps depend on sums over all weights and their state, to which zeros add nothing
SUMMED = ("lars", "lamb", "dog", "prodigy")


@dataclass
class Memory:
    """What mini-batches leave behind: the optimizer's state, the point that it goes on from where that is not its solution,
    and the schedule and sizes as training left them, beside what the user had given."""
    state: Mapping[str, Any]
    point: tuple[Array, Array] | None
    given: tuple[Any, Any]
    left: tuple[Any, Any]

    def of_weights(self, shape: tuple[int, ...]) -> dict[str, Array]:
        """Arrays, by name, with a number for each of the weights, which have this shape."""
        found = {**self.state["state"][0], **({} if self.point is None else {"": self.point[0]})}
        return {name: a for name, a in found.items() if a.shape == shape}

    def mapped(self, shape: tuple[int, ...], change: Callable[[Array], Array]) -> Memory:
        """The same, with change(array) for each of those."""
        changed = {name: change(a) for name, a in self.of_weights(shape).items()}
        weights, *others = self.state["state"]
        point = None if self.point is None else (changed.pop("", self.point[0]), self.point[1])
        return replace(self, state={**self.state, "state": [{**weights, **changed}, *others]}, point=point)

    def fits(self, optimizer: Optimizer) -> bool:
        """Whether an optimizer can go on from here."""
        shapes = [{name: array.shape for name, array in arrays.items()} for arrays in self.state["state"]]
        own = [{name: array.shape for name, array in optimizer._named(arrays).items()} for arrays in optimizer.states]
        return bool(self.state["rule"] == optimizer.name and shapes == own)

    def recall(self, optimizer: Optimizer) -> None:
        """Go on from here, with the optimizer's own settings."""
        optimizer.load_state_dict({**self.state, "groups": optimizer.state_dict()["groups"]})
        if self.point is not None:
            for array, value in zip(optimizer.params, self.point):
                array[...] = value


def column_arrays(batches: Batches, start: Start) -> tuple[list[Array], list[Array]] | None:
    """What training starts from, as `find_identical_columns` takes it; None: steps depend on how many weights there are, or on where they
    lie, or threads without locks shall step what their batches touch alone, among as many columns as there are."""
    if batches.hogwild or batches.optimizer in ("adafactor", "muon") or batches.settings.get("moments") is not None:
        return None
    weights = [a for a in (start.coef, start.coef_avg) if a is not None]
    if not isinstance(start.memory, Memory):
        return weights, []
    states = {name: a.T for name, a in start.memory.of_weights(start.coef.T.shape).items()}
    if batches.optimizer in SUMMED:
        return [*weights, *states.values()], []
    return [*weights, *([states.pop("")] if "" in states else ())], list(states.values())


def gathered(memory: object, untrained: IdenticalColumns, shape: tuple[int, ...]) -> object:
    """What an earlier fit left of weights of this shape, over the columns that are trained."""
    return memory.mapped(shape, lambda a: untrained.gather(a, axis=0)) if isinstance(memory, Memory) else memory


def copied(batches: Batches, memory: object) -> Batches:
    """With a schedule and sizes that training may change: as the fit before left them, if they are still those."""
    schedule, sizes = batches.schedule, batches.sizes
    if isinstance(memory, Memory):
        schedule = memory.left[0] if schedule is memory.given[0] else schedule
        sizes = memory.left[1] if sizes is memory.given[1] else sizes
    schedule, sizes = copy.deepcopy((schedule, sizes))
    return replace(batches, schedule=schedule, sizes=sizes)


class ToldByMetric(Protocol):
    """A schedule that follows from a score or a loss."""

    def update(self, value: float, /) -> object:
        """An epoch has ended with this value."""


class Metric:
    """What a schedule such as ReduceOnPlateau is told after each epoch: the score on validation data if its mode is 'max';
    with 'min' 1 − score, or the mean training loss where there are no such data."""

    def __init__(self, schedule: ToldByMetric, validated: bool) -> None:
        self.schedule, plateau = schedule, schedule
        while not hasattr(plateau, "mode") and hasattr(plateau, "schedule"):   # a warm-up before it
            plateau = plateau.schedule
        self.rises = getattr(plateau, "mode", "min") == "max"
        if self.rises and not validated:
            raise InvalidParameterError(f"schedule must have mode='min' without early_stopping and eval_set, where it is told "
                                        f"the training loss; got {schedule!r} with mode='max'")

    def tell(self, loss: float, score: float | None) -> None:
        """An epoch is done."""
        self.schedule.update(loss if score is None else score if self.rises else 1 - score)


def make_optimizer(batches: Batches, w: Array, b: Array, lr: float, l2: float, l1: float, memory: object = None) -> Optimizer:
    """The optimizer of weights and intercepts; the penalty, on the weights alone, is what the rule has for it."""
    make = MuonAndAdamW if batches.optimizer == "muon" else optimizers.get(batches.optimizer)
    decay = next((name for name in ("weight_decay", "l2") if name in inspect.signature(make).parameters), None)
    own, none = ({decay: l2}, {decay: 0.0}) if decay else ({}, {})
    optimizer = make([{"params": [w], "l1": l1, **own}, {"params": [b], **none}], lr=lr,
                     clip_global_norm=batches.clip_norm, **batches.settings)
    if isinstance(memory, Memory) and memory.fits(optimizer):
        memory.recall(optimizer)
    if decay is None and l2 > 0:   # no setting of the optimizer's, but its steps have it
        rule, rate = optimizer._rule(optimizer.param_groups[0].settings)
        optimizer.set_rule(0, {**rule, "l2": l2}, rate)
    return optimizer


def make_run(X: Matrix, samples: Samples, settings: FitSettings, batches: Batches, start: Start,
             class_weight: Array | None) -> BatchRun:
    """A run by mini-batches with these settings, from the start on."""
    l2, l1 = settings.strengths

    def laid_out(coef: Array) -> Array:   # beside CSR all outputs of a feature side by side
        return np.array(coef.T if X.is_sparse else coef, dtype=X.dtype, order="C")

    w, b = laid_out(start.coef), np.array(start.intercept, dtype=np.float64)
    first = settings.schedule[1] if batches.schedule is None else float(rates_of(batches.schedule, int(start.t) - 1, 1)[0])
    optimizer = make_optimizer(batches, w, b, first, l2, l1, start.memory)
    averages = None
    if start.coef_avg is not None:
        averages = laid_out(start.coef_avg), np.array(start.intercept_avg, dtype=np.float64)
    return BatchRun(X, samples, settings, start, optimizer, averages, class_weight)


def memory_of(optimizer: Optimizer, given: Batches, left: Batches, untrained: IdenticalColumns | None) -> Memory:
    """What a run leaves behind, of what it was given."""
    w, b = optimizer.params
    same = all(found is own for found, own in zip(optimizer.solution(), (w, b)))
    memory = Memory(optimizer.state_dict(), None if same else (w.copy(), b.copy()), (given.schedule, given.sizes),
                    (left.schedule, left.sizes))
    return memory if untrained is None else memory.mapped(w.shape, lambda a: untrained.spread(a, axis=0))
