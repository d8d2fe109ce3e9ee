"""GeneralizedLinearEstimator: any loss with any penalty, as a regressor or a classifier, depending on the loss.

Used through linear_model.
"""
from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin

from fastopt import losses, penalties
from fastopt._estimators.data import check_X_y, unweighted_hidden
from fastopt._estimators.docs import arguments
from fastopt._estimators.params import CLASS_LOSSES, loss_name
from fastopt._estimators.sklearn import available_where
from fastopt._estimators.types import (
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
from fastopt.exceptions import InvalidParameterError
from fastopt.linear_model._shared.predict import Classifies, Probable
from fastopt.losses import Loss, WholeLoss
from fastopt.penalties import Penalty

from .base import FittedWeights, Task
from .docs import solved
from .outputs import COLUMNS, SolvedClassifier, SolvedRegressor
from .params import GENERAL

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
    loss : str or Loss, default='squared_error'
        A loss of `fastopt.losses` or its name, also of those of all classes together, and of all samples together: `losses.Cox`, `losses.CustomLoss`,
        which are learnt by the solvers 'lbfgs' and 'fista' ('auto' takes one of them).
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

    def __init__(self, loss: str | Loss = "squared_error", *, penalty: Penalty | str | None = None, fit_intercept: bool = True,
                 class_weight: ClassWeight = None, solver: str = "auto", tol: float = 1e-4, max_iter: int = 1000,
                 warm_start: bool = False, verbose: int = 0, random_state: RandomState = None, n_jobs: int | None = None,
                 standardize: bool = False) -> None:
        self._keep(locals())

    def _classifies(self) -> bool:
        """Whether the loss is for classes."""
        known = isinstance(self.loss, Loss) or self.loss in losses.names()
        return loss_name(self.loss) in CLASS_LOSSES or known and self._loss().target in ("sign", "unit")

    def _label_smoothing(self) -> float:
        return float(losses.get(self.loss).params["label_smoothing"]) if self._softmax() else 0.0

    def _loss(self) -> Loss:
        return losses.LogLoss() if self._softmax() else losses.get(self.loss)

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
        if isinstance(self.loss, WholeLoss):
            return self.loss.score(self.loss.targets(y), self.predict(X), None if sample_weight is None else np.asarray(sample_weight))
        mixin = ClassifierMixin if self._classifies() else RegressorMixin
        return float(mixin.score(self, X, y, sample_weight))

    def _has_probabilities(self) -> bool:
        row = self._row_loss()   # hinges have kinks, and no probabilities
        if not (self._softmax() or row is not None and row.smooth or self._loss().target == "unit" or loss_name(self.loss) in PROBABLE):
            raise AttributeError(f"probability estimates are not available for loss={self.loss!r}")
        return True

    def _softmax(self) -> bool:
        return loss_name(self.loss) == "multinomial"

    def _row_loss(self) -> Loss | None:
        return losses.get(self.loss) if loss_name(self.loss) in CLASS_LOSSES and not self._softmax() else None

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

    # ---- hooks of the base ----

    def _read(self, X: Features, y: TargetValues | None, reset: bool = True, look: bool = True) -> tuple[Samples, Array]:
        if isinstance(self.loss, WholeLoss) and y is not None:
            y = self.loss.targets(y)
        return check_X_y(self, X, y, SolvedClassifier._takes if self._classifies() else COLUMNS, reset, look)

    def _task(self, X: Samples, y: Array, weight: RowWeights) -> Task:
        if self.class_weight is not None and not self._classifies():
            raise InvalidParameterError(f"class_weight must be None with a loss that is not for classes, got {self.class_weight!r}")
        if isinstance(self.loss, WholeLoss) and y.ndim > 1 and self.loss.n_outputs(y) == 1:   # its y has several columns for one prediction
            return Task([unweighted_hidden(y, weight)], [weight], self.loss)
        return self._base()._task(self, X, y, weight)

    def _attributes(self, found: FittedWeights) -> Attributes:
        if isinstance(self.loss, WholeLoss) and not self.loss.sees_shift:
            found.intercept = np.zeros_like(found.intercept)
        return self._base()._attributes(self, found)

    def _named(self, coef: Array, intercept: Array) -> Attributes:
        return self._base()._named(self, coef, intercept)

    def _first(self, task: Task, i: int, k: int) -> Array:
        return self._base()._first(self, task, i, k)

    def _from_origins(self, task: Task) -> Task:
        return task if self._classifies() else SolvedRegressor._from_origins(self, task)

    def _penalty(self, strength: float) -> PenaltyPair:
        return 0.0, None if self.penalty is None else penalties.get(self.penalty)
