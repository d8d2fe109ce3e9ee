"""The base of the perceptrons: from the arguments of fit to a network that is trained, and from it to fitted attributes.

Used by the classifier and the regressor, which define targets, scores and predictions.  What is found is assigned at once, so that an
error leaves the estimator unchanged.
"""
from __future__ import annotations

import copy
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from fastopt._common.rules import Rule
from fastopt._core.threads import resolve_threads
from fastopt._estimators.data import check_eval_set, check_weight, check_X, naming
from fastopt._estimators.docs import arguments
from fastopt._estimators.params import check_parameters
from fastopt._estimators.sklearn import CallbackSupport, Events, available_where, with_callbacks
from fastopt._estimators.types import (
    Array,
    Attributes,
    EpochCallback,
    EvalSet,
    Features,
    RowWeights,
    Samples,
    SampleWeight,
    TargetValues,
)
from fastopt._estimators.unchanged import unchanged_on_error
from fastopt.losses import Loss
from fastopt.neural_network._divergence import NetworkDivergenceError
from fastopt.neural_network._initialisers import initial_weights

from . import engine
from .data import read, rows_for
from .epochs import LEVEL, Plan, Progress, Rows, Training, are_finite
from .held_out import Score, Validation, Weights, split
from .lbfgs import minimize
from .measure import Measure
from .params import check_all, dropout_shares, hidden_activations, hidden_sizes, is_stochastic, loss_itself
from .steps import Steps

if TYPE_CHECKING:
    from typing import Self

MAX_SEED = 2 ** 31 - 1
#: attributes that a fit leaves behind only under some parameters
OPTIONAL_ATTRIBUTES = ("loss_curve_", "validation_scores_", "best_loss_", "best_validation_score_", "validation_loss_curve_", "best_iter_",
                       "gradient_norms_", "_optimizer")


#: scikit-learn's words
NOT_FINITE = "Solver produced non-finite parameter weights. The input data may contain large values and need to be preprocessed. "


class Targets(NamedTuple):
    """What y is to a network, and to those who score it."""
    y: Array                  # (n,) int32 numbers of classes, or (n, k) numbers
    k: int                    # outputs
    truth: Array              # what predictions are compared with: numbers of classes, (n, k) of 0 and 1, or numbers
    weight: RowWeights        # of samples and classes
    attributes: Attributes
    positive: Array | None = None    # of two classes: where the second one is


class Call(NamedTuple):
    """The arguments of `fit` or `partial_fit` beside X, y and sample weights."""
    events: Events
    incremental: bool = False
    eval_set: EvalSet = None
    callback: EpochCallback = None
    classes: TargetValues | None = None    # of partial_fit


def has_partial_fit(estimator: Any) -> bool:
    """Whether there is partial_fit: not with lbfgs."""
    if not is_stochastic(vars(estimator)):
        raise AttributeError(f"partial_fit is only available for stochastic optimizers. {estimator.solver} is not stochastic.")
    return True


class Perceptron(CallbackSupport, BaseEstimator, ABC):
    """Base of the multi-layer perceptrons."""

    _rules: ClassVar[Mapping[str, Rule]]
    _takes: ClassVar[Any]
    coefs_: list[Array]
    intercepts_: list[Array]
    n_outputs_: int
    n_layers_: int
    _optimizer: Steps
    n_features_in_: int
    _random_state: np.random.RandomState

    def _keep(self, arguments: Mapping[str, Any]) -> None:
        """Store the constructor's arguments as attributes."""
        for name, value in arguments.items():
            if name not in ("self", "__class__"):
                setattr(self, name, value)

    # ---- what the estimators define ----

    @abstractmethod
    def _targets(self, y: Array, X: Samples, weight: RowWeights, call: Call, fresh: bool, dtype: Any) -> Targets:
        """What y is to the network, checked."""

    @abstractmethod
    def _eval_targets(self, y: Array, targets: Targets, dtype: Any) -> tuple[Array, Array]:
        """y of an eval_set as the network takes it, and as scores do."""

    @abstractmethod
    def _score_of(self, truth: Array, weight: RowWeights) -> Callable[[Array], float]:
        """The score that stops training, a function of raw predictions."""

    def _labels_of(self, truth: Array) -> Array:
        """What a scorer of scikit-learn compares with."""
        return truth

    def _learnt_loss(self, attributes: Mapping[str, Any]) -> Loss:
        """The loss of all outputs."""
        return loss_itself(vars(self))

    @abstractmethod
    def _out_activation(self, loss: Loss) -> str:
        """What scikit-learn calls the last activation with its loss."""

    # ---- fit ----

    @with_callbacks
    @arguments
    def fit(self, X: Features, y: TargetValues, sample_weight: SampleWeight = None, *, eval_set: EvalSet = None,
            callback: EpochCallback = None) -> Self:
        """Learn from data, for up to `max_iter` epochs.

        [arguments]

        [self]

        [raises]
        DivergenceError
            If weights overflow without early stopping; the estimator then holds those of the last finished epoch, if there is one.
        """
        self._check()
        events = Events(self, X, y, sample_weight, self.max_iter)
        return self._learn(X, y, sample_weight, Call(events, eval_set=eval_set, callback=callback))

    def _check(self) -> None:
        check_parameters(type(self).__name__, self._rules, vars(self), check_all)

    def _learn(self, X: Features, y: TargetValues, sample_weight: SampleWeight, call: Call) -> Self:
        """Run `fit` or `partial_fit`: compute, then assign the attributes."""
        with unchanged_on_error(self) as before:
            if call.callback is not None and not callable(call.callback):
                raise TypeError(f"callback must be callable or None, got {call.callback!r}")
            fresh = not hasattr(self, "coefs_") or not (self.warm_start or call.incremental)
            X, y = read(self, X, y, self._takes, reset=fresh)
            dtype = X.dtype if fresh else self._weight_type(X.dtype)
            weight = check_weight(sample_weight, X)
            targets = self._targets(y, X, weight, call, fresh, dtype)
            self.__dict__.update(targets.attributes)
            loss = self._learnt_loss(targets.attributes)
            rng = self._random_state = check_random_state(self.random_state)
            sizes = [X.shape[1], *hidden_sizes(self.hidden_layer_sizes), targets.k]
            found: Attributes = {"n_outputs_": targets.k, "n_layers_": len(sizes), "out_activation_": self._out_activation(loss)}
            self.__dict__.update(found)
            network = self._network(sizes, loss, dtype, targets)
            network.set_weights(*(self._first_weights(sizes, rng, dtype) if fresh else self._earlier(sizes)))
            rows = Rows(rows_for(X, dtype), targets.y, targets.weight, np.arange(X.shape[0]), Measure(loss, targets.y))
            if is_stochastic(vars(self)):
                found, diverged = self._by_epochs(network, rows, targets, call, fresh, rng, dtype)
            else:
                found, diverged = self._by_lbfgs(network, rows, fresh)
            self._assign(found, fresh)
            if diverged:
                before.clear()
                raise NetworkDivergenceError(found["n_iter_"], self._rate(), self._gradient_norms(network, rows), NOT_FINITE, "learning_rate_init")
        call.events.end(found)
        return self

    def _assign(self, found: Attributes, fresh: bool) -> None:
        """The fitted attributes, in the place of those of earlier fits."""
        for name in OPTIONAL_ATTRIBUTES if fresh else ():
            self.__dict__.pop(name, None)
        self.__dict__.update(found)

    # ---- where a fit starts ----

    def _weight_type(self, dtype: Any) -> Any:
        """The type of a computation on X of this type with the weights that there are."""
        kinds = [np.asarray(array).dtype for array in (*self.coefs_, *self.intercepts_)]
        return np.result_type(*(kind for kind in kinds if kind in (np.float32, np.float64)), *([] if kinds else [dtype])) \
            if any(kind in (np.float32, np.float64) for kind in kinds) else dtype

    def _first_weights(self, sizes: list[int], rng: np.random.RandomState, dtype: Any) -> Weights:
        hidden = hidden_activations(vars(self))
        last = hidden[-1] if hidden else self.activation if isinstance(self.activation, str) else "identity"
        return initial_weights(self.init, sizes, [*hidden, last], rng, dtype)

    def _earlier(self, sizes: list[int]) -> Weights:
        """The weights that there are, which users may have put in the place of others."""
        shapes = [np.shape(coef) for coef in self.coefs_], [np.shape(intercept) for intercept in self.intercepts_]
        wanted = list(zip(sizes, sizes[1:])), [(size,) for size in sizes[1:]]
        if shapes != wanted:
            raise ValueError(f"the weights learnt before have shapes {shapes[0]} and {shapes[1]}, which does not match dataset: X, y and "
                             f"hidden_layer_sizes need {wanted[0]} and {wanted[1]}; fit without warm_start")
        return list(self.coefs_), list(self.intercepts_)

    def _network(self, sizes: list[int], loss: Loss, dtype: Any, targets: Targets | None = None) -> Any:
        """A network of these layers, without weights."""
        more: dict[str, Any] = {} if targets is None else {"l2": float(self.alpha)}
        if targets is not None and is_stochastic(vars(self)):   # a value for line searches is that whose gradient there is
            more["value_scale"] = Measure(loss, targets.y).scale
            if any(dropout_shares(vars(self))):
                more |= {"dropout": [0.0, *dropout_shares(vars(self))], "seed": int(self._random_state.randint(MAX_SEED))}
        threads = None if self.n_jobs is None else resolve_threads(int(self.n_jobs), "n_jobs")
        return engine.Network(sizes, [*hidden_activations(vars(self)), "identity"], loss, dtype, n_threads=threads, **more)

    # ---- the two ways to learn ----

    def _by_lbfgs(self, network: Any, rows: Rows, fresh: bool) -> tuple[Attributes, bool]:
        solution = minimize(network, rows, tol=float(self.tol), max_iter=int(self.max_iter), max_fun=int(self.max_fun))
        coefs, intercepts = solution.weights
        loss = solution.loss
        if rows.measure.scale != 1 or rows.measure.constants is not None:   # told as scikit-learn tells it
            loss = self._told(network, rows, solution.weights)
        found = {"coefs_": coefs, "intercepts_": intercepts, "loss_": loss, "n_iter_": solution.n_iter,
                 "t_": 0 if fresh else vars(self).get("t_", 0)}
        return found, not are_finite(solution.weights)

    def _told(self, network: Any, rows: Rows, weights: Weights) -> float:
        """Mean loss and penalty at these weights."""
        network.set_weights(*weights)
        total = float(len(rows.order) if rows.weight is None else rows.weight.sum(dtype=np.float64))
        squares = sum(float(np.vdot(coef, coef)) for coef in weights[0])
        return rows.measure.mean(rows.y, network.forward(rows.X), rows.weight) + float(self.alpha) / 2 * squares / total

    def _by_epochs(self, network: Any, rows: Rows, targets: Targets, call: Call, fresh: bool, rng: np.random.RandomState,
                   dtype: Any) -> tuple[Attributes, bool]:
        stops = bool(self.early_stopping)
        if stops and call.incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        kept = vars(self).get("_optimizer") if call.incremental else None
        steps = kept.copied() if isinstance(kept, Steps) else Steps(vars(self), dtype)
        validation = self._validation(rows, targets, call.eval_set, rng, dtype)
        progress = Progress.start(stops) if fresh else Progress.resumed(vars(self), stops)
        if steps.rises and not (stops and validation):
            raise ValueError(f"schedule of {type(self).__name__} must have mode='min' without early_stopping, where it is told the loss; got "
                             f"{self.schedule!r}")
        training = Training(network, rows, self._plan(len(rows.order), call, fresh), steps, progress, validation, rng, call.callback, call.events,
                            lambda weights: self._found(weights, progress, steps))
        training.run()
        if training.diverged and stops:
            warnings.warn(f"training diverged in epoch {progress.n_iter}: the weights are those of the best epoch before", RuntimeWarning,
                          stacklevel=LEVEL)
        return self._found(training.weights, progress, steps), training.diverged and not stops

    def _found(self, weights: Weights, progress: Progress, steps: Steps) -> Attributes:
        """The fitted attributes, so far or at last."""
        return {"coefs_": weights[0], "intercepts_": weights[1], **progress.attributes(), "_optimizer": steps}

    def _plan(self, n: int, call: Call, fresh: bool) -> Plan:
        size = min(200, n) if self.batch_size == "auto" else int(self.batch_size)
        if size > n:
            warnings.warn("Got `batch_size` less than 1 or larger than sample size. It is going to be clipped", stacklevel=LEVEL - 1)
        return Plan(batch_size=min(size, n), max_iter=1 if call.incremental else int(self.max_iter), shuffle=bool(self.shuffle),
                    tol=float(self.tol), patience=float(self.n_iter_no_change), verbose=bool(self.verbose), incremental=call.incremental,
                    stops_by_score=bool(self.early_stopping),
                    keeps_best=not call.incremental and bool(self.early_stopping or self.restore_best),
                    fresh=fresh, keeps_norms=bool(self.keep_gradient_norms))

    def _rate(self) -> float:
        """The learning rate, where there is one."""
        return float(self._optimizer.rate) if is_stochastic(vars(self)) else np.nan

    def _gradient_norms(self, network: Any, rows: Rows) -> list[float]:
        """Of the layers, over all rows at the last finite weights."""
        network.set_weights(self.coefs_, self.intercepts_)
        with np.errstate(all="ignore"):
            network.value_and_gradient(rows.X, rows.y, rows.weight)
        found: list[float] = network.gradient_norms()
        return found

    # ---- held-out rows ----

    def _validation(self, rows: Rows, targets: Targets, eval_set: EvalSet, rng: np.random.RandomState, dtype: Any) -> Validation | None:
        """The rows that are not learnt from, if there are any; they are taken out of the order."""
        if eval_set is not None:
            with naming("eval_set"):
                X_eval, given = check_eval_set(self, eval_set)
                y, truth = self._eval_targets(given, targets, dtype)
            X_eval = rows_for(X_eval, dtype)
            return Validation(X_eval, y, None, rows.measure.of(y), self._stopping_score(X_eval, truth, None))
        if not self.early_stopping:
            return None
        rows.order, held = split(len(rows.order), float(self.validation_fraction), rng, targets.positive)
        X_held, weight = rows.X[held], None if rows.weight is None else rows.weight[held]
        return Validation(X_held, rows.y[held], weight, rows.measure.of(rows.y[held]),
                          self._stopping_score(X_held, targets.truth[held], weight))

    def _stopping_score(self, X: Samples, truth: Array, weight: RowWeights) -> Score | None:
        if self.scoring == "loss":
            return None
        if self.scoring is None:
            own = self._score_of(truth, weight)
            return lambda raw, weights: own(raw)
        return self._scorer(X, self._labels_of(truth), weight)

    def _scorer(self, X: Samples, y: Array, weight: RowWeights) -> Score:
        """A scorer of scikit-learn on a copy with the weights of the moment."""
        from sklearn.metrics import check_scoring  # slow to import, seldom needed

        now = copy.copy(self)
        now.__dict__.pop("feature_names_in_", None)   # X has been read
        scorer, more = check_scoring(now, scoring=self.scoring), {} if weight is None else {"sample_weight": weight}

        def score(raw: Array, weights: Weights) -> float:
            now.coefs_, now.intercepts_ = weights
            return float(scorer(now, X, y, **more))
        return score

    # ---- the fitted estimator ----

    def _raw(self, X: Features) -> Array:
        """(n, k) raw predictions."""
        check_is_fitted(self, "coefs_")
        X = check_X(self, X)
        dtype = np.result_type(X.dtype, self._weight_type(X.dtype))
        sizes = [X.shape[1], *(np.shape(coef)[1] for coef in self.coefs_)]
        network = self._network(sizes, self._learnt_loss(vars(self)), dtype)
        network.set_weights(*self._earlier(sizes))
        raw: Array = network.forward(rows_for(X, dtype))
        return raw

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


__all__ = ["Call", "Perceptron", "Targets", "available_where", "has_partial_fit"]
