"""Linear models of any loss with any penalty, finished by a solver: regression or classification, as the loss has it.

Used through linear_model.
"""
from __future__ import annotations

from typing import Any

from scipy.special import softmax
from sklearn.base import ClassifierMixin, RegressorMixin

from fastopt import losses, penalties
from fastopt.linear_model._shared.classes import Classifies, Probable, one_against_rest
from fastopt.linear_model._shared.docs import arguments
from fastopt.linear_model._shared.params import loss_name
from fastopt.linear_model._shared.sklearn import available_where
from fastopt.losses import Loss
from fastopt.penalties import Penalty

from .base import Found, Task
from .docs import solved
from .outputs import SolvedClassifier, SolvedRegressor
from .params import GENERAL

#: losses that give probabilities beside those of a target between 0 and 1
PROBABLE = ("modified_huber", "exponential")


@solved(classes=True, solver_more="A solver that does not take this loss with this penalty is refused.",
        coef="(n_features,) or (n_outputs, n_features); of classes as in `LogisticRegression`",
        intercept="(), (n_outputs,) or (1,)")
class GeneralizedLinearEstimator(Probable, SolvedClassifier, SolvedRegressor):
    """A linear model of any loss with any penalty: minimum of Σ sᵢ·loss(yᵢ, xᵢ·w + b)/Σ sᵢ + penalty(w).

    It is a classifier with losses of classes, which are learnt one against the rest or, with 'multinomial', as one softmax; and a
    regressor with all others, of one or several columns of y.

    Parameters
    ----------
    loss : str or Loss, default='squared_error'
        A loss of `fastopt.losses` or its name, also 'multinomial'.
    penalty : Penalty, str or None, default=None
        A penalty of `fastopt.penalties` or its name: 'l1', 'l2', 'elasticnet', 'box', 'nonnegative', 'mcp', 'scad', or
        ``GroupLasso(alpha, groups)``.  Its alpha stands beside the mean loss; the intercept is not penalised.
    [parameters]

    Attributes
    ----------
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
    """

    _rules = GENERAL
    _convention = "given"
    _columns = True

    def __init__(self, loss: str | Loss = "squared_error", *, penalty: Penalty | str | None = None, fit_intercept: bool = True,
                 class_weight: Any = None, solver: str = "auto", tol: float = 1e-4, max_iter: int = 1000,
                 warm_start: bool = False, verbose: int = 0, random_state: Any = None, n_jobs: int | None = None,
                 standardize: bool = False) -> None:
        self._keep(locals())

    def _classifies(self) -> bool:
        """Whether the loss is one of classes."""
        known = loss_name(self.loss) in losses.names()
        return self._softmax() or known and self._any_loss().target in ("sign", "unit")

    def _any_loss(self) -> Loss:
        return losses.get(self.loss)

    def _base(self) -> type[SolvedClassifier] | type[SolvedRegressor]:
        return SolvedClassifier if self._classifies() else SolvedRegressor

    @available_where(_classifies)
    @arguments
    def decision_function(self, X: Any) -> Any:
        """Raw predictions.

        Parameters
        ----------
        [arguments]

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Positive: the second of two classes, or this class rather than another.
        """
        return Classifies.decision_function(self, X)

    @arguments
    def predict(self, X: Any) -> Any:
        """Classes, or means, quantiles or whatever the loss estimates.

        Parameters
        ----------
        [arguments]

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        return self._base().predict(self, X)

    @arguments
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of right classes, or R² of the predictions.

        Parameters
        ----------
        [arguments]

        Returns
        -------
        float
        """
        mixin = ClassifierMixin if self._classifies() else RegressorMixin
        return float(mixin.score(self, X, y, sample_weight))

    def _has_probabilities(self) -> bool:
        if not (self._softmax() or self._any_loss().target == "unit" or loss_name(self.loss) in PROBABLE):
            raise AttributeError(f"probability estimates are not available for loss={self.loss!r}")
        return True

    def _softmax(self) -> bool:
        return loss_name(self.loss) in losses.names(couples_outputs=True)

    def _probabilities(self, p: Any) -> Any:
        if p.shape[1] > 1 and self._softmax():
            return softmax(p, axis=1)
        return one_against_rest((losses.LogLoss() if self._softmax() else self._any_loss())._predict(p))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        classifies = self._classifies()
        tags.estimator_type = "classifier" if classifies else "regressor"
        if classifies:
            tags.regressor_tags, tags.target_tags.multi_output = None, False
        else:
            tags.classifier_tags, tags.target_tags.required = None, True
            tags.target_tags.positive_only = self._any_loss().target != "real"
        return tags

    # ---- what the base asks ----

    def _read(self, X: Any, y: Any) -> tuple[Any, Any]:
        return self._base()._read(self, X, y)

    def _task(self, X: Any, y: Any, weight: Any) -> Task:
        return self._base()._task(self, X, y, weight)

    def _attributes(self, found: Found) -> dict[str, Any]:
        return self._base()._attributes(self, found)

    def _named(self, coef: Any, intercept: Any) -> dict[str, Any]:
        return self._base()._named(self, coef, intercept)

    def _first(self, task: Task, i: int, k: int) -> Any:
        return self._base()._first(self, task, i, k)

    def _from_origins(self, task: Task) -> Task:
        return task if self._classifies() else SolvedRegressor._from_origins(self, task)

    def _multinomial(self, k: int) -> bool:
        return self._softmax() and k > 2

    def _classification_loss(self) -> Loss:
        return losses.LogLoss() if self._softmax() else self._any_loss()

    def _regression_loss(self) -> Loss:
        return self._any_loss()

    def _penalty(self, strength: float) -> tuple[float, Any]:
        return 0.0, None if self.penalty is None else penalties.get(self.penalty)
