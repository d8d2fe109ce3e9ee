"""What a fit by SGD is asked to do, as plain data: what is learnt, where training starts, its parameters, how mini-batches are stepped.

Filled in by the estimators, read by everything in _sgd.  Knows neither loops nor estimators.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from fastopt._core.tables import PENALTY_NAMES
from fastopt.batching import Batching

if TYPE_CHECKING:
    from fastopt._core.own_loss import LossSpec

Array = NDArray[Any]

#: rows of a batch of optimizer="auto", where the user gives none
AUTO_BATCH_ROWS = 32


@dataclass
class Targets:
    """What the outputs are to learn."""
    y: Array                            # class numbers, or targets of shape (n,) or (n, k)
    k: int                              # outputs
    negative: float = 0                 # what an output learns for the rows of other classes
    class_weight: Array | None = None   # (k, 2), of the output's class and of the others
    attributes: dict[str, Any] = field(default_factory=dict)   # what the estimator learns by looking at y


@dataclass
class Start:
    """Where training starts: k rows each, averages None without averaging."""
    coef: Array
    intercept: Array
    coef_avg: Array | None = None
    intercept_avg: Array | None = None
    t: float = 1                        # the first step
    average: float = 0                  # the step from which weights are averaged; 0: never
    memory: object = None               # what an earlier fit left: Memory of mini-batches, State of optimizer="auto"
    owned: bool = False                 # coef and coef_avg may be changed: no one else has them


@dataclass
class Batches:
    """How mini-batches are stepped."""
    optimizer: str                                      # a name of fastopt.optimizers
    settings: Mapping[str, Any] = field(default_factory=dict)   # of it
    sizes: int | Batching = 1                           # rows of a batch
    schedule: Callable[[int], float] | None = None      # None: what learning_rate says
    clip_norm: float | None = None
    hogwild: bool = False                               # threads step the same weights without locks


@dataclass
class Auto:
    """What the estimator asks of optimizer="auto"."""
    sizes: int | Batching = AUTO_BATCH_ROWS             # rows of a batch
    classifies: bool = False


@dataclass
class FitSettings:
    """The parameters of a fit, as the kernels take them, and when it stops."""
    loss: LossSpec                                      # the fields of fo_loss: of each output, or of all together
    penalty: tuple[int, float, float]                   # the fields of fo_penalty
    schedule: tuple[int, float, float, float]           # kind, lr, power_t and t0 of fo_schedule
    fit_intercept: bool = True
    one_class: bool = False
    shuffle: bool = True
    seed: int = 0
    threads: int = 1                                    # at most so many
    max_iter: int = 1
    tol: float | None = None
    n_iter_no_change: int = 5
    batches: Batches | Auto | None = None               # None: per sample

    @property
    def strengths(self) -> tuple[float, float]:
        """l2 and l1 of the penalty."""
        kind, alpha, share = self.penalty
        return (0.0, 0.0) if PENALTY_NAMES[kind] == "none" else (alpha * (1 - share), alpha * share)

    @property
    def compares_epochs(self) -> bool:
        """Whether the objective of an epoch, or a score, decides if there is another."""
        return self.tol is not None and self.max_iter > 1
