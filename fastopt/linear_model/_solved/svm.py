"""Linear support vector machines: LinearSVC and LinearSVR.

Used through linear_model.
"""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from fastopt import losses
from fastopt._common.rules import refuse
from fastopt._estimators.types import Array, Attributes, ClassWeight, Dual, PenaltyPair, RandomState, RowWeights, Samples
from fastopt.losses import Loss

from .base import Task
from .docs import solved
from .outputs import SolvedClassifier, SolvedRegressor
from .params import LINEAR_SVC, LINEAR_SVR, penalty_of

#: weights of all classes that are learnt as one objective, and rows
JOINT_WEIGHTS, JOINT_ROWS = 64, 2000

WORDS: dict[str, Any] = {"dual_auto": " or 'auto'", "n_iter_more": ", the most of any objective",
         "intercept_more": ", as the weight of a column of value\n    `intercept_scaling`: it is penalised; X is copied for\n    "
                           "it unless the solver is 'augmented-lagrangian', 'interior-point' or 'sdca'",
         "scaling": "Value of the column whose weight makes the intercept: the larger, the less the penalty weighs on it."}


@solved(classes=True, **WORDS)
class LinearSVC(SolvedClassifier):
    """Linear support vector classification: minimum of C·Σ sᵢ·loss(yᵢ, xᵢ·w) + ‖w‖²/2, or ‖w‖₁; x has a column for b.

    Parameters, attributes and the optimum are those of `sklearn.svm.LinearSVC`.  More than two classes are learnt one against the
    rest.

    Parameters
    ----------
    penalty : {'l1', 'l2'}, default='l2'
        The penalty: ‖w‖₁, or ‖w‖²/2.
    loss : {'hinge', 'squared_hinge'}, default='squared_hinge'
        max(0, 1 − z), or its square.
    multi_class : {'ovr'}, default='ovr'
        One class against the rest; scikit-learn's 'crammer_singer' is refused.
    [parameters]

    [attributes]

    References
    ----------
    C.-J. Hsieh et al. (2008), A dual coordinate descent method for large-scale linear SVM, ICML.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fastopt.linear_model import LinearSVC
    >>> X, y = load_iris(return_X_y=True)
    >>> LinearSVC().fit(X, y).score(X, y) > 0.9
    True
    """

    _rules = LINEAR_SVC
    _convention = "C"
    _solver_in_warnings = "liblinear"

    def __init__(self, penalty: str = "l2", loss: str = "squared_hinge", *, dual: Dual = "auto", tol: float = 1e-4, C: float = 1.0,
                 multi_class: str = "ovr", fit_intercept: bool = True, intercept_scaling: float = 1, class_weight: ClassWeight = None,
                 verbose: int = 0, random_state: RandomState = None, max_iter: int = 1000, solver: str = "auto",
                 n_jobs: int | None = None) -> None:
        self._keep(locals())

    # ---- hooks of the base ----

    def _task(self, X: Samples, y: Array, weight: RowWeights) -> Task:
        """Several classes with few weights are outputs of one objective: a Newton step for all costs hardly more than for one."""
        task = super()._task(X, y, weight)
        smooth = self.penalty == "l2" and self.loss == "squared_hinge" and self.solver == "auto"
        if (len(task.targets) > 1 and smooth and len(task.targets) * (X.shape[1] + 1) <= JOINT_WEIGHTS and X.shape[0] <= JOINT_ROWS
                and all(own is task.weights[0] for own in task.weights)):
            return replace(task, targets=[np.stack(task.targets, axis=1)], weights=task.weights[:1])
        return task

    def _check(self) -> None:
        super()._check()
        if self.multi_class == "crammer_singer":
            refuse("multi_class", "'ovr': the loss of Crammer and Singer is none of ours, but of "
                   "sklearn.svm.LinearSVC", self.multi_class, owner=type(self).__name__)

    def _penalty(self, strength: float) -> PenaltyPair:
        return penalty_of(strength, 1.0 if self.penalty == "l1" else 0.0)

    def _column(self) -> float | None:
        return float(self.intercept_scaling) if self.fit_intercept else None

    def _loss(self) -> Loss:
        return losses.get(self.loss)


@solved(**WORDS)
class LinearSVR(SolvedRegressor):
    """Linear support vector regression: minimum of C·Σ sᵢ·loss(yᵢ − xᵢ·w) + ‖w‖²/2; x has a column for b.

    Parameters, attributes and the optimum are those of `sklearn.svm.LinearSVR`.

    Parameters
    ----------
    epsilon : float, default=0.0
        Errors up to this size cost nothing.
    loss : {'epsilon_insensitive', 'squared_epsilon_insensitive'}, default='epsilon_insensitive'
        max(0, abs(r) − epsilon), or its square.
    [parameters]

    [attributes]

    References
    ----------
    C.-H. Ho and C.-J. Lin (2012), Large-scale linear support vector regression, JMLR 13.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt.linear_model import LinearSVR
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> LinearSVR(C=10.0).fit(X, X @ [2.0, -1.0]).coef_.round(1)
    array([ 2., -1.])
    """

    _rules = LINEAR_SVR
    _convention = "C"
    _solver_in_warnings = "liblinear"

    def __init__(self, *, epsilon: float = 0.0, tol: float = 1e-4, C: float = 1.0, loss: str = "epsilon_insensitive",
                 fit_intercept: bool = True, intercept_scaling: float = 1.0, dual: Dual = "auto", verbose: int = 0,
                 random_state: RandomState = None, max_iter: int = 1000, solver: str = "auto", n_jobs: int | None = None) -> None:
        self._keep(locals())

    # ---- hooks of the base ----

    def _column(self) -> float | None:
        return float(self.intercept_scaling) if self.fit_intercept else None

    def _named(self, coef: Array, intercept: Array) -> Attributes:
        return {"coef_": coef[0], "intercept_": intercept}

    def _loss(self) -> Loss:
        return losses.get(self.loss, epsilon=float(self.epsilon))
