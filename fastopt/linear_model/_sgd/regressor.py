"""Linear regression by SGD, of one or several columns of y, with the inverse link of the loss.

Used through linear_model.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import DTypeLike

from fastopt._estimators import scores
from fastopt._estimators.data import Takes, check_targets, largest, real_targets
from fastopt._estimators.docs import arguments
from fastopt._estimators.params import loss_name
from fastopt._estimators.types import (
    Array,
    Attributes,
    BatchSize,
    Features,
    RandomState,
    RowWeights,
    Samples,
    SampleWeight,
    StepSchedule,
    TargetValues,
)
from fastopt._sgd.fit import Outcome
from fastopt._sgd.settings import Targets
from fastopt.exceptions import remedy
from fastopt.linear_model._shared.docs import documented, passive_aggressive
from fastopt.linear_model._shared.params import REGRESSOR, loss_functions
from fastopt.linear_model._shared.predict import Regresses
from fastopt.losses import Loss, QuantileLevels

from .seeds import of_regressor, seed_of
from .supervised import LearningRate, Penalty, Supervised

if TYPE_CHECKING:
    from typing import Self


def r2(y: Array, weight: RowWeights, loss: Loss) -> Callable[[Array], float]:
    """The mean R² over outputs of raw predictions (n, k), as a function of them; −inf where predictions overflow."""
    of_means = scores.r2(y, weight)

    def score(p: Any) -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            found = of_means(loss._predict(np.asarray(p, dtype=np.float64)))
        return found if np.isfinite(found) else -np.inf
    return score


@documented(coef="(n_features,), or (n_outputs, n_features) if y has several columns", intercept="(1,) or (n_outputs,)",
            **passive_aggressive('epsilon_insensitive'), stratified="",
            without=("offset_", "classes_"))
class SGDRegressor(Regresses, Supervised):
    """Linear regression trained by stochastic gradient descent, with robust, quantile and count losses.

    With float64 data and the same `random_state` it gives the weights of `sklearn.linear_model.SGDRegressor`.

    Parameters
    ----------
    loss : str or Loss, default='squared_error'
        A loss of `fastopt.losses` or its name: 'squared_error', 'huber', 'epsilon_insensitive',
        'squared_epsilon_insensitive', 'absolute_error', 'quantile', 'log_cosh', 'general_robust', 'mean_squared_error', 'smooth_l1',
        'expectile', 'student_t'; or 'poisson', 'gamma', 'tweedie' and 'negative_binomial', whose prediction is exp of the linear model,
        'mean_squared_log_error', whose prediction is exp of it less 1; or 'quantile_levels', learnt in mini-batches: all levels of one column of y
        at once, which do not cross, a column of predictions each.
    [parameters]

    [attributes]

    Notes
    -----
    y may have several columns, each an output of its own, learnt in one pass over the data; the score is then the mean
    of their R².  Early stopping scores the weights that the user would get, where scikit-learn 1.9 scores weights before
    their lazy scale factor is applied.

    References
    ----------
    .. [1] K. Crammer et al. (2006), Online passive-aggressive algorithms, JMLR 7, 551–585.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt.linear_model import SGDRegressor
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> model = SGDRegressor(loss="huber", random_state=0).fit(X, X @ [1.0, -2.0] + 3)
    >>> model.coef_.shape
    (2,)
    """

    _rules = REGRESSOR
    loss_functions: ClassVar[dict[str, tuple[Any, ...]]] = loss_functions(REGRESSOR)
    _takes = Takes(columns=True)
    _warm_standard = True
    _classifies = False

    def __init__(self, loss: str | Loss = "squared_error", *, penalty: Penalty | None = "l2", alpha: float = 0.0001,
                 l1_ratio: float | None = 0.15, fit_intercept: bool = True, max_iter: int = 1000,
                 tol: float | None = 1e-3, shuffle: bool = True, verbose: int = 0, epsilon: float = 0.1,
                 random_state: RandomState = None, learning_rate: LearningRate = "invscaling", eta0: float = 0.01,
                 power_t: float = 0.25, early_stopping: bool = False, validation_fraction: float = 0.1,
                 n_iter_no_change: int = 5, warm_start: bool = False, average: bool | int = False,
                 restore_best: bool = False, optimizer: str | None = None, batch_size: BatchSize = None, schedule: StepSchedule = None,
                 clip_norm: float | None = None, optimizer_params: dict[str, Any] | None = None,
                 n_jobs: int | None = None, parallel: Literal["hogwild"] | None = None) -> None:
        self._keep(locals())

    @arguments
    def partial_fit(self, X: Features, y: TargetValues, sample_weight: SampleWeight = None) -> Self:
        """Learn from some data for one epoch, going on where the last call ended.

        [arguments]

        [self]
        """
        return self._learn_once(X, y, sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = loss_name(self.loss) == "gamma"
        return tags

    # ---- hooks of the base ----

    def _targets(self, y: Array, weight: RowWeights, X: Samples, classes: TargetValues | None, fresh: bool) -> Targets:
        y = self._columns(check_targets(y, weight, X, self._loss()), "y")
        return Targets(y, 1 if y.ndim == 1 else y.shape[1])

    def _columns(self, y: Array, name: str) -> Array:
        """Targets of all outputs; those of levels of one number are alike."""
        loss = self._loss()
        if not isinstance(loss, QuantileLevels):
            return y
        if y.ndim != 1:
            raise ValueError(f"{name} must have shape (n,) with loss={loss.name!r}, which has a level in each output; got {y.shape}")
        return np.repeat(y[:, None], loss.n_levels, axis=1)

    def _draw(self, targets: Targets, weight: RowWeights, n: int, splits: bool) -> tuple[int, Array | None]:
        rows = self._split("ShuffleSplit", targets.y, weight) if splits else None
        return seed_of(of_regressor, self.random_state), rows

    def _score_of(self, y: Array, weight: RowWeights) -> Callable[[Array], float]:
        loss = self._loss()
        return scores.d2(y[:, 0], weight, loss) if isinstance(loss, QuantileLevels) else r2(y, weight, loss)

    @arguments
    def score(self, X: Features, y: TargetValues, sample_weight: SampleWeight = None) -> float:
        """R² of the predictions; of levels D², one minus the loss over that of the quantiles of y alone.

        [arguments]

        Returns
        -------
        float
        """
        loss = self._loss()
        if not isinstance(loss, QuantileLevels):
            return float(super().score(X, y, sample_weight))
        return scores.d2(np.asarray(y), None if sample_weight is None else np.asarray(sample_weight), loss)(self._raw(X))

    def _eval_targets(self, y: Array, targets: Targets, dtype: DTypeLike) -> Array:
        y = self._columns(real_targets(y, dtype, self._loss(), "y of eval_set"), "y of eval_set")
        if (1 if y.ndim == 1 else y.shape[1]) != targets.k:
            raise ValueError(f"y of eval_set must have {targets.k} columns as y has, got shape {y.shape}")
        return y

    def _divergence_warning(self, done: Outcome, targets: Targets, X: Samples) -> str | None:
        """Gradients are clipped, as in scikit-learn, so that weights may diverge without overflow."""
        loss = done.loss_curve[-1]
        if loss < 1e3:
            return None
        y, of_rows = targets.y[:1024], self._loss().couples_outputs
        nothing = self._loss().value(y[:, 0] if of_rows else y, np.zeros(y.shape))
        if loss <= 1e6 * nothing:
            return None
        scale = largest(X)
        return (f"Training diverged: the mean loss is {loss:.3g}, that of predicting 0 {nothing:.3g}, with features up to "
                f"{scale:.3g} in magnitude. {remedy(scale)}")

    def _named(self, coef: Array, intercept: Array) -> Attributes:
        return {"coef_": coef[0] if len(coef) == 1 else coef, "intercept_": intercept}
