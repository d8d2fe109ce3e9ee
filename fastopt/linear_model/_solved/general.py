"""GeneralizedLinearEstimator: any loss with any penalty, as a regressor or a classifier, depending on the loss.

Used through linear_model.
"""
from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin

from fastopt import losses, penalties
from fastopt._solvers.registry import Solution
from fastopt.exceptions import InvalidParameterError
from fastopt.linear_model._shared.base import unchanged_on_error
from fastopt.linear_model._shared.data import check_targets, check_weight, check_X, check_X_y, float_type
from fastopt.linear_model._shared.docs import arguments
from fastopt.linear_model._shared.params import CLASS_LOSSES, loss_name
from fastopt.linear_model._shared.predict import Classifies, Probable
from fastopt.linear_model._shared.sklearn import Events, available_where
from fastopt.linear_model._shared.types import (
    Array,
    Attributes,
    ClassWeight,
    Features,
    PenaltyPair,
    RandomState,
    RowWeights,
    Samples,
    SampleWeight,
    TargetValues,
)
from fastopt.losses import Cox, Loss
from fastopt.penalties import Penalty

from .base import FittedWeights, Task
from .docs import solved
from .outputs import COLUMNS, SolvedClassifier, SolvedRegressor
from .params import GENERAL
from .survival import fit_hazards

#: losses that give probabilities beside those of a target between 0 and 1
PROBABLE = ("modified_huber", "exponential")


@solved(classes=True, solver_more="A solver that does not take this loss with this penalty is refused.",
        coef="(n_features,) or (n_outputs, n_features); of classes as in `LogisticRegression`",
        intercept="(), (n_outputs,) or (1,)")
class GeneralizedLinearEstimator(Probable, SolvedClassifier, SolvedRegressor):
    """A linear model of any loss with any penalty: minimum of Σ sᵢ·loss(yᵢ, xᵢ·w + b)/Σ sᵢ + penalty(w).

    It is a classifier with losses of classes, which are learnt one against the rest or, with 'multinomial', 'softmax_focal', 'softmax_poly'
    and 'sparsemax', all together; and a regressor with all others, of one or several columns of y.  With `losses.Cox` it is Cox's proportional
    hazards: y is (time, event) or an array with two fields, predictions are logarithms of risks, there is no intercept, and `score` is the
    concordance.

    Parameters
    ----------
    loss : str, Loss or Cox, default='squared_error'
        A loss of `fastopt.losses` or its name, also of those of all classes together.  `losses.Cox` is learnt with solver='auto', without
        `standardize` and `class_weight`.
    penalty : Penalty, str or None, default=None
        A penalty of `fastopt.penalties` or its name: 'l1', 'l2', 'elasticnet', 'box', 'nonnegative', 'mcp', 'scad', or
        ``GroupLasso(alpha, groups)``.  Its alpha stands beside the mean loss; the intercept is not penalised.
    [parameters]

    [attributes]

    Notes
    -----
    MCP and SCAD are not convex: the solution is a local minimum, the one that the solver comes to from w = 0 or, with
    `warm_start`, from the earlier weights.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import penalties
    >>> from fastopt.linear_model import GeneralizedLinearEstimator
    >>> X = np.random.default_rng(0).normal(size=(100, 3))
    >>> y = X @ [1.0, -1.0, 0.0]
    >>> GeneralizedLinearEstimator("huber", penalty=penalties.NonNegative()).fit(X, y).coef_.round(1) >= 0
    array([ True,  True,  True])
    >>> from fastopt import losses
    >>> time, event = np.exp(-y), np.arange(100) % 4 > 0
    >>> model = GeneralizedLinearEstimator(losses.Cox(), penalty=penalties.L2(0.1)).fit(X, (time, event))
    >>> model.score(X, (time, event)) > 0.95
    True
    """

    _rules = GENERAL
    _convention = "given"
    _takes = COLUMNS

    def __init__(self, loss: str | Loss | Cox = "squared_error", *, penalty: Penalty | str | None = None, fit_intercept: bool = True,
                 class_weight: ClassWeight = None, solver: str = "auto", tol: float = 1e-4, max_iter: int = 1000,
                 warm_start: bool = False, verbose: int = 0, random_state: RandomState = None, n_jobs: int | None = None,
                 standardize: bool = False) -> None:
        self._keep(locals())

    def _classifies(self) -> bool:
        """Whether the loss is for classes."""
        if isinstance(self.loss, Cox):
            return False
        known = isinstance(self.loss, Loss) or self.loss in losses.names()
        return loss_name(self.loss) in CLASS_LOSSES or known and self._loss().target in ("sign", "unit")

    def _label_smoothing(self) -> float:
        return float(self._loss_given().params["label_smoothing"]) if self._softmax() else 0.0

    def _loss_given(self) -> Loss:
        """Predictions by Cox are what they are: those of a loss of real numbers."""
        return losses.SquaredError() if isinstance(self.loss, Cox) else losses.get(self.loss)

    def _loss(self) -> Loss:
        return losses.LogLoss() if self._softmax() else self._loss_given()

    def _base(self) -> type[SolvedClassifier] | type[SolvedRegressor]:
        return SolvedClassifier if self._classifies() else SolvedRegressor

    decision_function = available_where(_classifies)(Classifies.decision_function)

    @arguments
    def predict(self, X: Features) -> Array:
        """Classes, or means, quantiles or whatever the loss estimates.

        [arguments]

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        return self._base().predict(self, X)

    @arguments
    def score(self, X: Features, y: TargetValues, sample_weight: SampleWeight = None) -> float:
        """The share of right classes, or R² of the predictions; of a `losses.CustomLoss` its own measure; the concordance with `losses.Cox`, which
        takes no weights.

        [arguments]

        Returns
        -------
        float
        """
        if isinstance(self.loss, losses.CustomLoss):
            return self.loss.score(np.asarray(y), self.predict(X), None if sample_weight is None else np.asarray(sample_weight))
        if isinstance(self.loss, Cox):
            if sample_weight is not None:
                raise ValueError("sample_weight must be None: the concordance has none")
            target: Any = y
            return losses.concordance(target, self.predict(X))
        mixin = ClassifierMixin if self._classifies() else RegressorMixin
        return float(mixin.score(self, X, y, sample_weight))

    def _has_probabilities(self) -> bool:
        row = self._row_loss()   # hinges have kinks, and no probabilities
        if isinstance(self.loss, Cox) or not (
                self._softmax() or row is not None and row.smooth or self._loss().target == "unit" or loss_name(self.loss) in PROBABLE):
            raise AttributeError(f"probability estimates are not available for loss={self.loss!r}")
        return True

    def _softmax(self) -> bool:
        return not isinstance(self.loss, Cox) and loss_name(self.loss) == "multinomial"

    def _row_loss(self) -> Loss | None:
        row = not isinstance(self.loss, Cox) and loss_name(self.loss) in CLASS_LOSSES and not self._softmax()
        return self._loss_given() if row else None

    def _positive(self, p: Array) -> Array:
        return self._loss()._predict(p)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        classifies = self._classifies()
        tags.estimator_type = "classifier" if classifies else "regressor"
        if classifies:
            tags.regressor_tags, tags.target_tags.multi_output = None, False
        else:
            tags.classifier_tags, tags.target_tags.required = None, True
            tags.target_tags.positive_only = self._loss().target != "real"
        return tags

    # ---- survival ----

    def _learn(self, X: Features, y: TargetValues, weight: SampleWeight, events: Events) -> None:
        if not isinstance(self.loss, Cox):
            return super()._learn(X, y, weight, events)
        for name, value in (("solver", "auto"), ("standardize", False), ("class_weight", None)):
            if vars(self)[name] != value:
                raise InvalidParameterError(f"{name} must be {value!r} with the loss Cox, got {vars(self)[name]!r}")
        with unchanged_on_error(self), np.errstate(over="ignore", invalid="ignore"):
            found = self._hazards(check_X(self, X, reset=True, wide=True), y, weight, events)
        self._report(found)
        events.end({})

    def _hazards(self, X: Samples, y: TargetValues, weight: SampleWeight, events: Events) -> FittedWeights:
        """The solution, in the attributes."""
        start, dtype = np.zeros(X.shape[1]), float_type(X)
        if self._warm():
            self._refuse_other_shape(self._coef_rows(), 1, X.shape[1])
            start = self._coef_rows()[0].astype(np.float64)

        def learnt(solution: Solution) -> Attributes:
            return {"coef_": solution.w.astype(dtype), "intercept_": 0.0, "n_iter_": solution.n_iter}

        assert isinstance(self.loss, Cox)
        solution = fit_hazards(X, y, check_weight(weight, X), self.loss, self._penalty(1.0)[1], start, float(self.tol), self._max_iter(),
                               self._callback(events, learnt))
        self.__dict__.update(learnt(solution))
        self._refuse_infinite(X)
        self._close(events, solution)
        return FittedWeights(solution.w[None], np.zeros(1), [solution])

    # ---- hooks of the base ----

    def _read(self, X: Features, y: TargetValues | None, reset: bool = True, look: bool = True) -> tuple[Samples, Array]:
        return check_X_y(self, X, y, SolvedClassifier._takes if self._classifies() else COLUMNS, reset, look)

    def _task(self, X: Samples, y: Array, weight: RowWeights) -> Task:
        if isinstance(self.loss, losses.CustomLoss) and y.ndim > 1 and self.loss.n_outputs(y) == 1:   # its y has several columns for one prediction
            return Task([check_targets(y, weight, X, self.loss)], [weight], self.loss)
        return self._base()._task(self, X, y, weight)

    def _attributes(self, found: FittedWeights) -> Attributes:
        return self._base()._attributes(self, found)

    def _named(self, coef: Array, intercept: Array) -> Attributes:
        return self._base()._named(self, coef, intercept)

    def _first(self, task: Task, i: int, k: int) -> Array:
        return self._base()._first(self, task, i, k)

    def _from_origins(self, task: Task) -> Task:
        return task if self._classifies() else SolvedRegressor._from_origins(self, task)

    def _penalty(self, strength: float) -> PenaltyPair:
        return 0.0, None if self.penalty is None else penalties.get(self.penalty)
