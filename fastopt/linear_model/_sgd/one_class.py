"""The linear one-class support vector machine by SGD: no targets, an offset in place of the intercept.

Used through linear_model.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.base import OutlierMixin

from fastopt._estimators.data import check_X
from fastopt._estimators.docs import arguments
from fastopt._estimators.sklearn import Events, with_callbacks
from fastopt._estimators.types import (
    Array,
    Attributes,
    EpochCallback,
    Features,
    InitialValues,
    RandomState,
    RowWeights,
    Samples,
    SampleWeight,
    TargetValues,
)
from fastopt._sgd.settings import Targets
from fastopt.linear_model._shared.docs import documented
from fastopt.linear_model._shared.params import ONE_CLASS
from fastopt.losses import Hinge, Loss

from .base import Call, SGDBase
from .seeds import of_one_class, seed_of

if TYPE_CHECKING:
    from typing import Self


@documented(coef="(n_features,)", passive_names="", passive="",
            without=("intercept_", "classes_", "validation_curve_", "best_iter_"))
class SGDOneClassSVM(OutlierMixin, SGDBase):
    """Linear one-class support vector machine trained by stochastic gradient descent, to tell outliers.

    With float64 data and the same `random_state` it gives the weights of `sklearn.linear_model.SGDOneClassSVM`.

    [parameters]

    [attributes]

    References
    ----------
    B. Schölkopf et al. (2001), Estimating the support of a high-dimensional distribution, Neural Computation 13.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt.linear_model import SGDOneClassSVM
    >>> X = np.array([[-1, -1], [-2, -1], [1, 1], [2, 1]])
    >>> model = SGDOneClassSVM(random_state=42, tol=None).fit(X)
    >>> model.predict([[4, 4]])
    array([1], dtype=int32)
    """

    _rules = ONE_CLASS
    _warm_standard = False
    _one_class = True
    _intercept_init = "offset_init"
    offset_: Array

    def __init__(self, nu: float = 0.5, fit_intercept: bool = True, max_iter: int = 1000, tol: float | None = 1e-3,
                 shuffle: bool = True, verbose: int = 0, random_state: RandomState = None,
                 learning_rate: Literal["constant", "optimal", "invscaling", "adaptive"] = "optimal",
                 eta0: float = 0.01, power_t: float = 0.5, warm_start: bool = False,
                 average: bool | int = False) -> None:
        self._keep(locals())

    @with_callbacks
    @arguments
    def fit(self, X: Features, y: TargetValues | None = None, coef_init: InitialValues = None, offset_init: InitialValues = None,
            sample_weight: SampleWeight = None, *, callback: EpochCallback = None) -> Self:
        """Learn from data, for up to `max_iter` epochs.

        [arguments]

        [self]
        """
        self._check()
        events = Events(self, X, None, sample_weight, self.max_iter)
        self._learn(X, None, sample_weight, Call(events, True, self.max_iter, coef_init, offset_init, callback=callback))
        return self

    @arguments
    def partial_fit(self, X: Features, y: TargetValues | None = None, sample_weight: SampleWeight = None) -> Self:
        """Learn from some data for one epoch, going on where the last call ended.

        [arguments]

        [self]
        """
        return self._learn_once(X, None, sample_weight)

    @arguments
    def score_samples(self, X: Features) -> Array:
        """Products of rows and weights: the higher, the more like the training data.

        [arguments]

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self.decision_function(X) + self.offset_

    @arguments
    def decision_function(self, X: Features) -> Array:
        """Signed distance to the separating plane, positive for inliers.

        [arguments]

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self._raw(X)[:, 0]

    @arguments
    def predict(self, X: Features) -> Array:
        """1 for inliers, −1 for outliers.

        [arguments]

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return np.where(self.decision_function(X) >= 0, 1, -1).astype(np.int32)

    # ---- hooks of the base ----

    def _loss(self) -> Loss:
        return Hinge()

    def _alpha(self) -> float:
        return float(self.nu)

    def _read(self, X: Features, y: TargetValues | None, reset: bool = True, look: bool = True) -> tuple[Samples, Any]:
        return check_X(self, X, reset, look=look), y

    def _targets(self, y: None, weight: RowWeights, X: Samples, classes: TargetValues | None, fresh: bool) -> Targets:
        return Targets(np.zeros(X.shape[0], dtype=np.uint8), 1, negative=-1)

    def _draw(self, targets: Targets, weight: RowWeights, n: int, splits: bool) -> tuple[int, Array | None]:
        return seed_of(of_one_class, self.random_state), None

    def _named(self, coef: Array, intercept: Array) -> Attributes:
        return {"coef_": coef[0], "offset_": 1 - intercept}

    def _intercepts(self) -> Array:
        return 1 - self.offset_

    def _prediction_intercepts(self) -> Array:
        return -self.offset_

    def _no_intercepts(self, k: int) -> Array:
        return np.ones(k)

    def _from_init(self, intercept_init: Array) -> Array:
        return 1 - intercept_init
