"""LogisticRegression, of two classes or of more by their softmax.

Used through linear_model.
"""
from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy.special import expit

from fastopt import losses
from fastopt._common.rules import refuse
from fastopt._estimators.sklearn import FIT_LEVELS
from fastopt._estimators.types import Array, Attributes, ClassWeight, PenaltyPair, RandomState
from fastopt.exceptions import InvalidParameterError
from fastopt.linear_model._shared.predict import Probable
from fastopt.losses import Loss

from .base import FittedWeights
from .docs import solved
from .outputs import SolvedClassifier
from .params import ALIASES, LOGISTIC, penalty_of, takes_l1

#: shares of l1 of the penalties that scikit-learn had by name
L1_SHARES = {"l2": 0.0, "l1": 1.0}
#: frames between a warning and who calls fit
WARNING_LEVEL = 5 + FIT_LEVELS


@solved(classes=True, C_more="; infinite: no penalty", n_iter_type="ndarray of shape (1,)",
        scaling="Of effect with ``solver='liblinear'`` alone: the intercept is then that of a column of this value, penalised.",
        solver_more="scikit-learn's 'liblinear' means 'auto' with a penalised intercept, for two classes; of more classes 'sag' and "
                    "'saga' mean 'auto'.")
class LogisticRegression(Probable, SolvedClassifier):
    """Logistic regression: minimum of C·Σ sᵢ·loss(yᵢ, xᵢ·w + b) + (1 − ρ)/2·‖w‖² + ρ·‖w‖₁, solved by Newton's and other methods.

    loss is log(1 + exp(−z)) of two classes, and the cross-entropy of the softmax of more.  Parameters, attributes and the optimum
    are those of `sklearn.linear_model.LogisticRegression`.

    Parameters
    ----------
    penalty : {'l1', 'l2', 'elasticnet', 'deprecated'} or None, default='deprecated'
        The older way to say `l1_ratio` and, with None, infinite `C`; 'deprecated' leaves it to those.
    [parameters]

    [attributes]

    Notes
    -----
    The objective has no minimum without penalty where a plane separates the classes: the fit then ends with a ConvergenceWarning
    that says so.

    References
    ----------
    C.-J. Lin, R. C. Weng and S. S. Keerthi (2008), Trust region Newton method for large-scale logistic regression, JMLR 9.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fastopt.linear_model import LogisticRegression
    >>> X, y = load_iris(return_X_y=True)
    >>> model = LogisticRegression().fit(X, y)
    >>> model.predict(X[:2])
    array([0, 0])
    >>> model.predict_proba(X[:1]).round(2)
    array([[0.98, 0.02, 0.  ]])
    """

    _rules = LOGISTIC
    _convention = "C"

    def __init__(self, penalty: str | None = "deprecated", *, C: float = 1.0, l1_ratio: float | None = 0.0, dual: bool = False,
                 tol: float = 1e-4, fit_intercept: bool = True, intercept_scaling: float = 1, class_weight: ClassWeight = None,
                 random_state: RandomState = None, solver: str = "auto", max_iter: int = 100, verbose: int = 0,
                 warm_start: bool = False, n_jobs: int | None = None, standardize: bool = False) -> None:
        self._keep(locals())

    # ---- hooks of the base ----

    def _check(self) -> None:
        super()._check()
        if self.penalty == "elasticnet" and self.l1_ratio is None:
            raise InvalidParameterError("l1_ratio must be specified when penalty is elasticnet.")
        self._check_solver(self._share())
        if self.solver == "liblinear" and self.standardize:
            refuse("standardize", "False with solver='liblinear', whose intercept is that of a column",
                   self.standardize, owner=type(self).__name__)
        self._warn()

    def _check_solver(self, share: float) -> None:
        """Raise scikit-learn's errors if the solver does not take the penalty."""
        solver = str(ALIASES.get(self.solver, self.solver))
        if share > 0 and not takes_l1(solver):
            raise InvalidParameterError(f"Solver {self.solver} supports only 'l2' or None penalties, got "
                                        f"{'l1' if share == 1 else 'elasticnet'} penalty.")
        if self.dual and self.solver not in ("liblinear", "auto", "sdca"):
            raise InvalidParameterError(f"Solver {self.solver} supports only dual=False, got dual={self.dual}")
        if self.dual and share > 0:
            refuse("dual", "False unless the penalty is l2", self.dual, owner=type(self).__name__)

    def _warn(self) -> None:
        """Warn of contradictory parameters, as scikit-learn does."""
        name = None if np.inf == self.C and self.penalty == "deprecated" else self.penalty
        if name not in ("deprecated", "elasticnet") and self.l1_ratio is not None and 0 < self.l1_ratio < 1:
            warnings.warn(f"l1_ratio parameter is only used when penalty is 'elasticnet'. Got (penalty={name})", stacklevel=WARNING_LEVEL)
        if name in L1_SHARES and self.l1_ratio != L1_SHARES[name]:
            warnings.warn(f"Inconsistent values: penalty={name} with l1_ratio={self.l1_ratio}. penalty is deprecated. Please use "
                          "l1_ratio only.", stacklevel=WARNING_LEVEL)
        if self.penalty is None and self.C != 1.0:
            warnings.warn("Setting penalty=None will ignore the C and l1_ratio parameters", stacklevel=WARNING_LEVEL)

    def _share(self) -> float:
        ratio = float(self.l1_ratio or 0.0)
        return ratio if self.penalty in ("deprecated", "elasticnet") else L1_SHARES.get(self.penalty or "l2", 0.0)

    def _penalty(self, strength: float) -> PenaltyPair:
        return penalty_of(0.0 if self.penalty is None else strength, self._share())

    def _column(self) -> float | None:
        return float(self.intercept_scaling) if self.solver == "liblinear" and self.fit_intercept else None

    def _multinomial(self, k: int) -> bool:
        if k > 2 and self.solver == "liblinear":
            raise ValueError("The 'liblinear' solver does not support multiclass classification (n_classes >= 3). Either use "
                             "another solver or wrap the estimator in a OneVsRestClassifier to keep applying a one-versus-rest "
                             "scheme.")
        return super()._multinomial(k)

    def _loss(self) -> Loss:
        return losses.LogLoss()

    def _attributes(self, found: FittedWeights) -> Attributes:
        if len(found.coef) > 1 and self._share() == 0:   # the optimum with l2, and one of many without penalty
            found.coef = found.coef - found.coef.mean(axis=0)
        attributes = {**super()._attributes(found), "n_iter_": np.array([found.n_iter], dtype=np.int32)}
        if self.solver == "liblinear":   # which computes in double
            attributes["coef_"], attributes["intercept_"] = (attributes[name].astype(np.float64) for name in ("coef_", "intercept_"))
        return attributes

    def _softmax(self) -> bool:
        return True

    def _positive(self, p: Array) -> Array:
        positive: Array = expit(p)
        return positive

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = self.solver != "liblinear"
        return tags
