"""A fit by SGD, per sample, by mini-batches or by optimizer="auto": its run, what is done after each epoch, and its outcome.

Used by the estimators' base, which checks everything before and stores the outcome.  Knows neither estimators nor labels.
"""
from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from fastopt._core.tables import Matrix
from fastopt._samples.order import Samples
from fastopt.exceptions import DivergenceError
from fastopt.optimizers import Optimizer

from .auto import fit as _auto
from .auto.fit import AutoFit
from .batch import fit as _batch
from .batch.run import BatchRun
from .per_sample.identical_columns import IdenticalColumns, find_identical_columns
from .per_sample.predict import predict
from .per_sample.run import PerSampleRun
from .per_sample.touched_columns import UntouchedColumns, narrow
from .settings import Auto, Batches, FitSettings, Start, Targets

Array = NDArray[Any]
AnyRun: TypeAlias = "PerSampleRun | BatchRun | AutoFit"
#: some columns among those that are trained, as `places` of a run's `untrained` gives them; None: all columns
Places: TypeAlias = "Array | tuple[Array, Array, Array] | None"


class Events(Protocol):
    """Callbacks at the beginning and the end of an epoch."""
    wanted: bool

    def begin_epoch(self) -> None:
        """To be called before an epoch, if wanted."""

    def end_epoch(self, attributes: Callable[[], dict[str, Any]]) -> bool:
        """To be called after it, with a function that returns the fitted attributes; whether to stop."""


@dataclass
class Outcome:
    """The weights at the end of a run, or at its best epoch, and its history."""
    coef: Array
    intercept: Array
    coef_avg: Array | None
    intercept_avg: Array | None
    averaged: bool                      # whether the averages are the result
    n_iter: int
    loss_curve: list[float]
    validation_curve: list[float] | None = None
    best_iter: int | None = None
    stopped: bool = False               # by a callback
    error: DivergenceError | None = None
    t: float | None = None              # the next step of mini-batches
    memory: Any = None                  # what their optimizer leaves behind: Memory, or State of optimizer="auto"
    untrained: UntouchedColumns | None = None            # what is to be written into coef and coef_avg when all is done

    @property
    def result(self) -> tuple[Array, Array]:
        """Weights and intercepts that the user gets."""
        if self.averaged:
            return cast(Array, self.coef_avg), cast(Array, self.intercept_avg)
        return self.coef, self.intercept


@dataclass
class Validation:
    """Rows that are not learnt from, and how well they are predicted."""
    X: Matrix
    rows: Array | None                  # None: all of X
    score: Callable[[Array], float]     # of raw predictions (n, k)
    threads: int = 1
    places: Places = None               # of the columns that X has, where it was made narrow as the run's X is

    def follow(self, run: AnyRun) -> None:
        """Make X narrow where that of the run is: an epoch costs what values cost."""
        untrained = run.untrained
        narrowed = None if untrained is None else narrow(self.X)
        if untrained is not None and narrowed is not None:
            self.places, self.X = untrained.places(narrowed[0]), narrowed[1]

    def __call__(self, coef: Array, intercept: Array) -> float:
        return self.score(predict(self.X, coef, intercept, self.rows, self.threads))


def outcome(run: AnyRun, start: Start, last: bool = False, places: Places = None) -> Outcome:
    """What a run has reached so far, or at last; of all columns or those at some places."""
    averaged = 0 < start.average <= run.t - 1
    coef, intercept, coef_avg, intercept_avg = run.weights(last, places)
    return Outcome(coef, intercept, coef_avg, intercept_avg, averaged=averaged, n_iter=run.n_iter,
                   loss_curve=run.loss_curve, stopped=run.stopped, t=None if isinstance(run, PerSampleRun) else run.t,
                   untrained=run.untrained if isinstance(run, PerSampleRun) and last else None)


@dataclass
class Best:
    """What a run had reached after its best epoch; of the columns that are trained, so that it costs what values cost."""
    trained: Any                        # weights, as the run's `trained_weights` gave them
    averaged: bool
    n_iter: int

    def become(self, run: AnyRun, done: Outcome) -> None:
        """The outcome of the run."""
        done.coef, done.intercept, done.coef_avg, done.intercept_avg = run.all_weights(self.trained)
        done.averaged, done.best_iter, done.untrained = self.averaged, self.n_iter, None


@dataclass(eq=False)
class EpochMonitor:
    """What is done after each epoch of a run: scores, callbacks, the best weights so far."""
    start: Start
    validation: Validation | None
    stops: bool                         # the score decides when to stop, not the training loss
    keeps_best: bool                    # the weights of the best epoch are the outcome
    callback: Callable[[Any], None] | None     # called with an OptimizeResult
    events: Events                      # scikit-learn's callbacks
    attributes: Callable[[Outcome], dict[str, Any]]   # the fitted attributes that an outcome makes
    verbose: bool
    metric: _batch.Metric | None = None        # that drives the learning rate
    best: Best | None = None
    best_score: float = -np.inf
    scores: list[float] = field(default_factory=list)
    began: float = field(default_factory=time.perf_counter)

    @property
    def wanted(self) -> bool:
        """Whether there is anything to do between epochs."""
        return (self.validation is not None or self.keeps_best or self.callback is not None or self.events.wanted
                or self.verbose or self.metric is not None)

    def follow(self, run: AnyRun, settings: FitSettings) -> None:
        """Run all epochs."""
        while run.n_iter < settings.max_iter and run.learning and not (run.stopped or run.diverged):
            if self.events.wanted:
                self.events.begin_epoch()
            run.run(run.n_iter + 1, settings.tol, settings.n_iter_no_change, self)

    def __call__(self, run: AnyRun) -> float | None:
        now = functools.cache(lambda: outcome(run, self.start))   # only where it is needed, as it reads all weights
        score = None
        if self.validation is not None:
            places = self.validation.places
            score = self.validation(*(now() if places is None else outcome(run, self.start, places=places)).result)
            self.scores.append(score)
        if self.metric is not None:
            self.metric.tell(run.loss, score)
        if self.keeps_best:
            self._note_best(run, -run.loss if score is None else score)
        if self.verbose:
            self._print(now(), score)
        stop = self.events.wanted and self.events.end_epoch(lambda: self.attributes(now()))
        if self.callback is not None:
            self.callback(self._result(run, score))
        if stop:
            raise StopIteration
        return score if self.stops else None

    def _note_best(self, run: AnyRun, score: float) -> None:
        if self.best is None or score > self.best_score:
            averaged = 0 < self.start.average <= run.t - 1
            self.best, self.best_score = Best(run.trained_weights(), averaged, run.n_iter), score

    def _result(self, run: AnyRun, score: float | None) -> Any:
        """What callbacks get."""
        from scipy.optimize import OptimizeResult  # slow to import, seldom needed

        return OptimizeResult(nit=run.n_iter, fun=run.loss, validation_score=score, seconds=time.perf_counter() - self.began)

    def _print(self, now: Outcome, score: float | None) -> None:
        coef, intercept = now.result
        print(f"-- Epoch {now.n_iter}")
        print(f"Norm: {np.linalg.norm(coef):.2f}, NNZs: {np.count_nonzero(coef)}, "
              f"Bias: {', '.join(f'{b:.6f}' for b in intercept[:10])}, Avg. loss: {now.loss_curve[-1]:.6f}"
              + ("" if score is None else f", Validation score: {score:.6f}"))
        print(f"Total training time: {time.perf_counter() - self.began:.2f} seconds.")


def merge_identical_columns(X: Matrix, start: Start, batches: Batches | Auto) -> tuple[Matrix, Start, IdenticalColumns | None]:
    """X and the start over the columns that can be told apart, and what makes them all again; None: over all."""
    auto = isinstance(batches, Auto)
    known = _auto.column_arrays(start) if isinstance(batches, Auto) else _batch.column_arrays(batches, start)
    found = None if known is None else find_identical_columns(X, *known)
    if found is None:
        return X, start, None
    untrained, narrowed = found
    averages = None if start.coef_avg is None else untrained.gather(start.coef_avg)
    memory = _auto.gathered(start.memory, untrained) if auto else _batch.gathered(start.memory, untrained, start.coef.T.shape)
    return narrowed, replace(start, coef=untrained.gather(start.coef), coef_avg=averages, memory=memory), untrained


def start_run(X: Matrix, targets: Targets, weight: Array | None, held_out: Array | None, start: Start,
              settings: FitSettings) -> AnyRun:
    """A run with these settings, before its first epoch."""
    columns, untrained, batches, threads, block_rows = None, None, settings.batches, settings.threads, 0
    if batches is None:
        columns, X = narrow(X) or (None, X)
        threads = min(threads, targets.k)   # the blocks of one output, on which its bits depend, must not depend on the threads
    else:
        X, start, untrained = merge_identical_columns(X, start, batches)
        block_rows = min(_batch.MAX_BLOCK_ROWS, max(1, _batch.MAX_BLOCK_TARGETS // targets.k))
    samples = Samples(X, targets.y, targets.k, negative=targets.negative, weight=weight, held_out=held_out,
                      shuffle=settings.shuffle, seed=settings.seed, threads=threads, block_rows=block_rows)
    with np.errstate(over="ignore"):   # of weights to start from: then it diverges, or their norm is infinite
        if batches is None:
            return PerSampleRun(X, samples, settings, start, targets.class_weight, columns)
        run = (_auto.make_auto(X, samples, settings, start, targets, weight, held_out, classifies=batches.classifies)
               if isinstance(batches, Auto) else _batch.make_run(X, samples, settings, batches, start, targets.class_weight))
        run.untrained = untrained
        return run


def train(X: Matrix, targets: Targets, weight: Array | None, rows: Array | None, start: Start, settings: FitSettings,
          monitor: EpochMonitor, scale: Callable[[], float], look: Callable[[], object]) -> Outcome:
    """Run SGD on all but some rows.

    An outcome with an error holds the last finite weights; `scale` is asked for the largest feature then.  `look` raises an error if X
    is not finite.  It is called if something went wrong, or a prediction of the first epoch is not finite: so X is not read for it.
    """
    held_out = None
    if rows is not None:
        held_out = np.zeros(X.n, dtype=np.uint8)
        held_out[rows] = 1
    given = batches = settings.batches
    if isinstance(given, Batches):
        batches = _batch.copied(given, start.memory)
        settings = replace(settings, batches=batches)
        if getattr(given.schedule, "driven_by", None) == "metric":
            monitor.metric = _batch.Metric(cast(_batch.ToldByMetric, batches.schedule), monitor.validation is not None)
    run = start_run(X, targets, weight, held_out, start, settings)
    if monitor.validation is not None:
        monitor.validation.follow(run)
    run.look = look
    try:
        if monitor.wanted:
            monitor.follow(run, settings)
        else:
            run.run(settings.max_iter, settings.tol, settings.n_iter_no_change)
    except Exception:   # the user's own, of a schedule or a callback: it may have met what is not finite in X
        if run.n_iter == 0:
            look()
        raise
    if run.diverged and run.n_iter == 0:
        raise DivergenceError(1, run.learning_rate, scale())
    done = outcome(run, start, last=True)
    if monitor.best is not None:
        monitor.best.become(run, done)
    elif isinstance(run, AutoFit) and not run.diverged:
        done.memory = run.memory()
    elif isinstance(run, BatchRun) and not run.diverged:
        done.memory = _batch.memory_of(cast(Optimizer, run.optimizer), cast(Batches, given), cast(Batches, batches), run.untrained)
    if monitor.validation is not None:
        done.validation_curve = monitor.scores
    if run.diverged:
        done.error = DivergenceError(run.n_iter + 1, run.learning_rate, scale())
    return done
