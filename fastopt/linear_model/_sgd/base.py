"""The base of the SGD estimators: from the arguments of fit to a run, and from its outcome to fitted attributes.

Used by the modules of the estimators, which define targets, weights and scores.  An outcome is computed first and assigned at
once, so that an error leaves the estimator unchanged.
"""
from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning

from fastopt._core.tables import Matrix
from fastopt._core.threads import resolve_threads
from fastopt._estimators.data import check_weight, check_X, largest, naming, refuse_unreal
from fastopt._estimators.params import check_parameters
from fastopt._estimators.sklearn import FIT_LEVELS, Events
from fastopt._estimators.types import (
    Array,
    Attributes,
    EpochCallback,
    EvalSet,
    Features,
    InitialValues,
    RowWeights,
    Samples,
    SampleWeight,
    TargetValues,
)
from fastopt._estimators.unchanged import unchanged_on_error
from fastopt._sgd.fit import EpochMonitor, Outcome, Validation, train
from fastopt._sgd.per_sample.ownership import is_unshared
from fastopt._sgd.per_sample.predict import predict
from fastopt._sgd.per_sample.touched_columns import assign
from fastopt._sgd.settings import Auto, Batches, FitSettings, Start, Targets
from fastopt.linear_model._shared.base import LinearEstimator
from fastopt.linear_model._shared.params import check_all, penalty_spec, resolve_loss, schedule_spec
from fastopt.losses import Loss

if TYPE_CHECKING:
    from typing import Self

#: attributes that hold weights
WEIGHT_ATTRIBUTES = ("coef_", "_standard_coef", "_average_coef")
#: attributes that a fit leaves behind only under some parameters
OPTIONAL_ATTRIBUTES = ("_standard_coef", "_standard_intercept", "_average_coef", "_average_intercept", "_average_start",
           "validation_curve_", "best_iter_", "_memory")


class Call(NamedTuple):
    """The arguments of `fit` or `partial_fit` beside X, y and sample weights."""

    events: Events
    fresh: bool                            # fit, rather than partial_fit
    max_iter: int
    coef_init: InitialValues = None
    intercept_init: InitialValues = None
    eval_set: EvalSet = None
    callback: EpochCallback = None
    classes: TargetValues | None = None    # of partial_fit


def shaped(name: str, value: ArrayLike, shape: tuple[int, ...]) -> Array:
    """Initial weights or intercepts that the user passed; for one output that dimension may be missing."""
    refuse_unreal(name, value)
    with naming(name):
        if np.iscomplexobj(value):
            raise TypeError("complex numbers are not supported")
        array = np.array(value, dtype=np.float64)
    if array.shape != shape and not (shape[0] == 1 and array.size == np.prod(shape)):
        raise ValueError(f"Provided {name} does not match dataset: it must have shape {shape}, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite")
    return array.reshape(shape)


class SGDBase(LinearEstimator):
    """Base of the estimators trained by SGD, per sample or in mini-batches."""

    _one_class = False
    n_iter_: int
    t_: float
    n_features_in_: int
    loss_curve_: list[float]

    def _check(self) -> None:
        check_parameters(type(self).__name__, self._rules, vars(self), check_all)

    def _check_partial(self) -> None:
        self._check()
        if vars(self).get("early_stopping", False) and not hasattr(self, "coef_"):
            raise ValueError("early_stopping should be False with partial_fit")

    # ---- what the estimators define ----

    _warm_standard: ClassVar[bool]     # whether a warm start continues from the weights behind the averages
    _intercept_init: ClassVar[str]     # the argument of fit that starts the intercept

    def _targets(self, y: Any, weight: RowWeights, X: Samples, classes: TargetValues | None, fresh: bool) -> Targets:
        raise NotImplementedError

    def _draw(self, targets: Targets, weight: RowWeights, n: int, splits: bool) -> tuple[int, Array | None]:
        """The seed of the order of samples, and the rows that are held out."""
        raise NotImplementedError

    def _validation(self, X: Matrix, targets: Targets, weight: RowWeights, rows: Array | None, eval_set: EvalSet) -> Validation | None:
        return None

    def _no_intercepts(self, k: int) -> Array:
        return np.zeros(k)

    def _from_init(self, intercept_init: Array) -> Array:
        return intercept_init

    def _loss(self) -> Loss:
        return resolve_loss(type(self).__name__, self.loss, self.epsilon)

    def _learnt_loss(self, k: int) -> Loss:
        """The loss of k outputs: of each, or of all together."""
        return self._loss()

    def _alpha(self) -> float:
        return float(self.alpha)

    def _averages_itself(self) -> bool:
        """Whether the optimizer averages the weights, so that `average` is not used."""
        return False

    def _batches(self) -> Batches | Auto | None:
        """The settings of mini-batches; None: SGD per sample."""
        return None

    def _budget(self, n: int) -> float:
        """The number of epochs over n rows after which the fit may end without having converged."""
        return np.inf

    def _n_threads(self) -> int:
        jobs = vars(self).get("n_jobs")
        return 1 if jobs is None else resolve_threads(int(jobs), "n_jobs")

    def _products(self, X: Samples) -> Array:
        return predict(Matrix(X, checked=True), self._coef_rows(), self._prediction_intercepts(), threads=self._n_threads())

    # ---- from arguments to a run ----

    def _settings(self, seed: int, max_iter: int, k: int) -> FitSettings:
        get = vars(self).get
        alpha, batches = self._alpha(), self._batches()
        return FitSettings(loss=self._learnt_loss(k).spec, penalty=penalty_spec(get("penalty", "l2"), alpha, get("l1_ratio", 0.0)),
                    schedule=schedule_spec("constant" if batches and self.learning_rate == "optimal" else self.learning_rate,
                                           self.eta0, self.power_t, alpha),
                    fit_intercept=bool(self.fit_intercept), one_class=self._one_class, shuffle=bool(self.shuffle),
                    seed=seed, threads=self._n_threads(), max_iter=max_iter, tol=self.tol,
                    n_iter_no_change=get("n_iter_no_change", 5), batches=batches)

    def _earlier(self, standard: bool) -> tuple[Array, Array]:
        """The current (k, d) weights and (k,) intercepts; with `standard` and averaging, those behind the averages."""
        if standard and self.average and "_standard_coef" in vars(self):
            return np.atleast_2d(self._standard_coef), self._standard_intercept
        return self._coef_rows(), self._intercepts()

    def _replaced(self) -> bool:
        """Whether the user has replaced `coef_` since averaging stored it."""
        coef = self._coef_rows()
        left = [np.atleast_2d(vars(self)[name]) for name in ("_average_coef", "_standard_coef")]
        return not (any(np.may_share_memory(coef, array) for array in left)
                    or any(np.array_equal(coef, array) for array in left))

    def _start(self, call: Call, k: int, d: int, owned: bool) -> Start:
        """The initial weights: the arguments, those learnt before, or 0."""
        fresh, coef_init, intercept_init = call.fresh, call.coef_init, call.intercept_init
        warm = self._warm() if fresh else "coef_" in vars(self)
        goes_on = warm and (self._warm_standard or not fresh) and "_average_coef" in vars(self) and not self._replaced()
        intercept = self._no_intercepts(k)
        if warm:
            coef, intercept = self._earlier(standard=goes_on)
            self._refuse_other_shape(coef, k, d, "; fit without warm_start" if fresh else "")
        elif coef_init is None:
            coef, owned = np.zeros((k, d)), True
        if coef_init is not None:
            coef, owned = shaped("coef_init", coef_init, (k, d)), True
        if intercept_init is not None:
            intercept = self._from_init(shaped(self._intercept_init, intercept_init, (k,)))
        t, average = (1.0 if fresh else getattr(self, "t_", 1.0)), 0.0 if self._averages_itself() else float(self.average)
        memory = None if fresh or not warm else vars(self).get("_memory")
        if not average:
            return Start(coef, intercept, None, None, t, 0, memory, owned)
        if goes_on and coef_init is None:
            average = average if fresh else self._average_start
            return Start(coef, intercept, np.atleast_2d(self._average_coef), self._average_intercept, t, average,
                         memory, owned)
        return Start(coef, intercept, np.zeros((k, d)), np.zeros(k), t, max(average, t), memory, owned)

    def _learn_once(self, X: Features, y: TargetValues | None, weight: SampleWeight, classes: TargetValues | None = None) -> Self:
        """partial_fit: one epoch, from where the last call ended."""
        self._check_partial()
        self._learn(X, y, weight, Call(Events.silent(), fresh=False, max_iter=1, classes=classes))
        return self

    def _learn(self, X: Features, y: TargetValues | None, weight: SampleWeight, call: Call) -> None:
        """Run `fit` or `partial_fit`: compute, assign the attributes, then warn."""
        fresh, callback, events = call.fresh, call.callback, call.events
        owned = all(is_unshared(self.__dict__, name) for name in WEIGHT_ATTRIBUTES if name in self.__dict__)
        with unchanged_on_error(self) as before:
            if callback is not None and not callable(callback):
                raise TypeError(f"callback must be callable or None, got {callback!r}")
            stops = fresh and bool(vars(self).get("early_stopping", False))
            late = not stops and vars(self).get("optimizer") != "auto"   # the first epoch sees all numbers of X before anything else does
            X, y = self._read(X, y, reset=fresh or not hasattr(self, "coef_"), look=not late)
            splits = stops and call.eval_set is None
            weight = check_weight(weight, X, none_at_all=splits)   # the held-out rows are looked at for that
            targets = self._targets(y, weight, X, call.classes, fresh)
            matrix = Matrix(X, checked=True)
            start = self._start(call, targets.k, matrix.d, owned)
            seed, rows = self._draw(targets, weight, matrix.n, splits)

            def attributes(outcome: Outcome) -> Attributes:
                return {**targets.attributes, **self._fitted(outcome, start, matrix.n, fresh)}

            monitor = EpochMonitor(start, self._validation(matrix, targets, weight, rows, call.eval_set), stops=stops,
                                   keeps_best=fresh and bool(vars(self).get("restore_best", False)), callback=callback,
                                   events=events, attributes=attributes, verbose=self.verbose > 0)
            settings = self._settings(seed, int(min(call.max_iter, self._budget(matrix.n))), targets.k)
            done = train(matrix, targets, weight, rows, start, settings, monitor, lambda: largest(X), lambda: check_X(self, X))
            if done.error is not None and not fresh:
                raise done.error
            found = attributes(done)
            assign(self.__dict__, found, OPTIONAL_ATTRIBUTES, done.untrained, before)
        if done.error is not None:
            raise done.error
        if fresh:
            self._warn(done, targets, X)
        events.end(found)

    def _divergence_warning(self, done: Outcome, targets: Targets, X: Samples) -> str | None:
        """The warning to issue if training has diverged without overflow, or None."""
        return None

    def _warn(self, done: Outcome, targets: Targets, X: Samples) -> None:
        diverged = self._divergence_warning(done, targets, X)
        if diverged:
            warnings.warn(diverged, ConvergenceWarning, stacklevel=4 + FIT_LEVELS)
        if self.tol is not None and done.n_iter == self.max_iter < self._budget(X.shape[0]) and not done.stopped:
            warnings.warn("Maximum number of iteration reached before convergence. Consider increasing max_iter to "
                          "improve the fit.", ConvergenceWarning, stacklevel=4 + FIT_LEVELS)
        if self.power_t < 0:
            warnings.warn("Negative values for `power_t` are deprecated: the learning rate grows, and scikit-learn 1.10 raises an "
                          "error. Use values of at least 0.", FutureWarning, stacklevel=4 + FIT_LEVELS)

    def _fitted(self, outcome: Outcome, start: Start, n: int, fresh: bool) -> Attributes:
        """The fitted attributes of an outcome."""
        coef, intercept = outcome.result
        found = {**self._named(coef, intercept), "n_iter_": outcome.n_iter,
                 "t_": start.t + outcome.n_iter * n if outcome.t is None else outcome.t,
                 "loss_curve_": ([] if fresh else getattr(self, "loss_curve_", [])) + outcome.loss_curve}
        if outcome.coef_avg is not None:
            shape = found["coef_"].shape
            found.update(_standard_coef=outcome.coef.reshape(shape), _standard_intercept=outcome.intercept,
                         _average_coef=outcome.coef_avg.reshape(shape), _average_intercept=outcome.intercept_avg,
                         _average_start=start.average)
        if outcome.validation_curve is not None:
            found["validation_curve_"] = outcome.validation_curve
        if outcome.memory is not None:
            found["_memory"] = outcome.memory
        if outcome.best_iter is not None:
            found["best_iter_"] = outcome.best_iter
        return found
