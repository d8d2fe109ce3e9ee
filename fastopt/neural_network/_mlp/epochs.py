"""The epochs of a fit: their order of rows, what is noted after each, and when to stop, as scikit-learn does all that.

Used by the base of this room.  The arithmetic of an epoch is the engine's; knows neither labels nor parameters of estimators.
"""
from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from fastopt._estimators.sklearn import FIT_LEVELS, Events
from fastopt._estimators.types import Array, Attributes, RowWeights, Samples
from fastopt._samples.shuffle import shuffle

from .held_out import Validation, Weights
from .measure import Measure
from .steps import Steps

#: frames between a warning here and who calls fit
LEVEL = 6 + FIT_LEVELS


@dataclass
class Rows:
    """What is learnt from, as the network takes it."""
    X: Samples
    y: Array
    weight: RowWeights
    order: Array            # the numbers of the rows, which each epoch shuffles further
    measure: Measure


class Plan(NamedTuple):
    """How epochs go."""
    batch_size: int
    max_iter: int
    shuffle: bool
    tol: float
    patience: float         # epochs that may bring nothing
    verbose: bool
    incremental: bool       # partial_fit: one epoch
    stops_by_score: bool    # rather than by the training loss
    keeps_best: bool
    keeps_norms: bool       # of gradients
    fresh: bool             # the first weights are as good as none; else, as in scikit-learn, the last ones are kept where no epoch is the best


@dataclass
class Progress:
    """What epochs leave behind, those of earlier calls among them."""
    loss_curve: list[float]
    scores: list[float] | None
    validation_losses: list[float] | None
    best_loss: float | None
    best_score: float | None
    no_improvement: int
    t: int                          # samples seen
    n_iter: int = 0
    best_iter: int | None = None
    norms: list[list[float]] | None = None

    @classmethod
    def start(cls, early_stopping: bool) -> Progress:
        """Before the first epoch."""
        if early_stopping:
            return cls([], [], None, None, -np.inf, 0, 0)
        return cls([], None, None, np.inf, None, 0, 0)

    @classmethod
    def resumed(cls, known: Mapping[str, Any], early_stopping: bool) -> Progress:
        """Where an earlier call ended, by the attributes it left."""
        new = cls.start(early_stopping)
        scores, best = known.get("validation_scores_"), known.get("best_validation_score_")
        losses = known.get("validation_loss_curve_")
        return cls(list(known.get("loss_curve_", [])), list(scores or []) if early_stopping else None,
                   None if losses is None else list(losses), None if early_stopping else _first(known.get("best_loss_"), np.inf),
                   _first(best, -np.inf) if early_stopping else None, known.get("_no_improvement_count", new.no_improvement),
                   known.get("t_", 0), norms=list(known["gradient_norms_"]) if "gradient_norms_" in known else None)

    def attributes(self) -> Attributes:
        """The fitted attributes."""
        found: Attributes = {"loss_curve_": list(self.loss_curve), "loss_": self.loss_curve[-1] if self.loss_curve else np.nan,
                             "validation_scores_": None if self.scores is None else list(self.scores),
                             "best_loss_": self.best_loss, "best_validation_score_": self.best_score,
                             "_no_improvement_count": self.no_improvement, "t_": self.t, "n_iter_": self.n_iter}
        if self.validation_losses is not None:
            found["validation_loss_curve_"] = list(self.validation_losses)
        if self.norms is not None:
            found["gradient_norms_"] = list(self.norms)
        if self.best_iter is not None:
            found["best_iter_"] = self.best_iter
        return found


def _first(value: float | None, other: float) -> float:
    return other if value is None else value


def are_finite(weights: Weights) -> bool:
    """Whether all weights and intercepts are finite."""
    return all(np.isfinite(array).all() for arrays in weights for array in arrays)


@dataclass(eq=False)
class Training:
    """A run of epochs; `weights` are those that it ends with."""
    network: Any
    rows: Rows
    plan: Plan
    steps: Steps
    progress: Progress
    validation: Validation | None
    rng: np.random.RandomState
    callback: Callable[[Any], Any] | None
    events: Events
    attributes: Callable[[Weights], Attributes]
    weights: Weights = field(init=False)
    best: Weights | None = field(init=False)
    diverged: bool = False
    stopped: bool = False
    began: float = field(default_factory=time.perf_counter)

    def run(self) -> None:
        """Run all epochs."""
        self.weights = self.network.get_weights()
        self.best = self.weights if self.plan.keeps_best and self.plan.fresh else None
        self.steps.begin(self.network)
        try:
            while self.progress.n_iter < self.plan.max_iter and self._epoch():
                pass
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=LEVEL)
        except StopIteration:
            self.stopped = True
        self.steps.end(self.network)
        if self.best is not None and (self.plan.stops_by_score or not self.diverged):
            self.weights = self.best

    def _epoch(self) -> bool:
        """One epoch; whether another may follow."""
        rows, plan, progress = self.rows, self.plan, self.progress
        if self.events.wanted:
            self.events.begin_epoch()
        if plan.shuffle:
            shuffle(self.rng, rows.order)
        total = self.network.epoch(rows.X, rows.y, rows.weight, rows.order, plan.batch_size)
        total += rows.measure.offset(rows.order, plan.batch_size, rows.weight)
        progress.n_iter += 1
        progress.t += len(rows.order)
        progress.loss_curve.append(float(total / len(rows.order)))
        if plan.verbose:
            print(f"Iteration {progress.n_iter}, loss = {progress.loss_curve[-1]:.8f}")
        if plan.keeps_norms:
            progress.norms = [*(progress.norms or []), self.network.gradient_norms()]
        now = self.network.get_solution()
        self.diverged = not are_finite(now)
        metric = self._judged_there(now) if self.steps.averages else self._judge(now)
        self.steps.end_epoch(self.network, progress.t, -(-len(rows.order) // plan.batch_size), metric)
        if self.diverged:
            return False
        self.weights = now
        goes_on = not self._gives_up()
        self._tell()
        if plan.incremental or not goes_on:
            return False
        if progress.n_iter == plan.max_iter:
            warnings.warn(f"Stochastic Optimizer: Maximum iterations ({plan.max_iter}) reached and the optimization hasn't converged yet.",
                          ConvergenceWarning, stacklevel=LEVEL)
        return True

    def _judged_there(self, now: Weights) -> float:
        """The same of weights that are not those the network has on."""
        stepped = self.network.get_weights()
        self.network.set_weights(*now)
        metric = self._judge(now)
        self.network.set_weights(*stepped)
        return metric

    def _judge(self, now: Weights) -> float:
        """Note whether the epoch was better than those before; what a schedule is told of it."""
        progress, plan, loss = self.progress, self.plan, self.progress.loss_curve[-1]
        validation_loss, score = (None, None) if self.validation is None else self.validation(self.network, now)
        if validation_loss is not None:
            progress.validation_losses = [*(progress.validation_losses or []), validation_loss]
        if plan.stops_by_score:
            assert score is not None and progress.scores is not None and progress.best_score is not None
            progress.scores.append(score)
            if plan.verbose:
                print(f"Validation score: {score:f}")
            worse, better = score < progress.best_score + plan.tol, score > progress.best_score
            if better:
                progress.best_score = score
        else:
            assert progress.best_loss is not None
            worse, better = loss > progress.best_loss - plan.tol, loss < progress.best_loss
            if better:
                progress.best_loss = loss
        progress.no_improvement = progress.no_improvement + 1 if worse else 0
        if better and self.plan.keeps_best and not self.diverged:
            self.best, progress.best_iter = now, progress.n_iter
        if self.steps.rises and score is not None:
            return score
        return loss if validation_loss is None else validation_loss

    def _gives_up(self) -> bool:
        """Whether so many epochs brought nothing that training ends."""
        progress, plan = self.progress, self.plan
        if not progress.no_improvement > plan.patience:
            return False
        what = "Validation score" if plan.stops_by_score else "Training loss"
        reason = f"{what} did not improve more than tol={plan.tol:f} for {plan.patience:.0f} consecutive epochs."
        if self.steps.stops(self.network, reason, plan.verbose):
            return True
        progress.no_improvement = 0
        return False

    def _tell(self) -> None:
        """Call who listens; any of them may end the fit."""
        stop = self.events.wanted and self.events.end_epoch(lambda: self.attributes(self.weights))
        if self.callback is not None:
            self.callback(self._result())
        if stop:
            raise StopIteration

    def _result(self) -> Any:
        """What callbacks get."""
        from scipy.optimize import OptimizeResult  # slow to import, seldom needed

        progress = self.progress
        return OptimizeResult(nit=progress.n_iter, fun=progress.loss_curve[-1], seconds=time.perf_counter() - self.began,
                              validation_score=progress.scores[-1] if progress.scores else None,
                              validation_loss=progress.validation_losses[-1] if progress.validation_losses else None)
