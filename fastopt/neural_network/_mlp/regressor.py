"""Regression by a perceptron, of one or several columns of y, with the inverse link of the loss.

Used through neural_network.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.base import RegressorMixin

from fastopt._estimators import scores
from fastopt._estimators.data import Takes, check_targets, real_targets
from fastopt._estimators.docs import arguments
from fastopt._estimators.predictions import flat
from fastopt._estimators.sklearn import Events, available_where
from fastopt._estimators.types import Array, Features, RandomState, RowWeights, Samples, SampleWeight, Scoring, StepSchedule, TargetValues
from fastopt.losses import Loss, QuantileLevels
from fastopt.optimizers import Optimizer

from .base import Call, Perceptron, Targets, has_partial_fit
from .docs import documented
from .params import REGRESSOR

if TYPE_CHECKING:
    from typing import Self


@documented(stratified="", score="R²", without=("classes_",))
class MLPRegressor(RegressorMixin, Perceptron):
    """Multi-layer perceptron regressor.

    With float64 data and the same `random_state` it gives the weights of `sklearn.neural_network.MLPRegressor`.

    Parameters
    ----------
    loss : str or Loss, default='squared_error'
        A loss of `fastopt.losses` or its name: 'squared_error', half the squared error; 'poisson', half the Poisson deviance of exp of the
        output; 'huber', 'absolute_error', 'quantile', 'expectile', 'log_cosh' and others; 'gamma', 'tweedie', 'negative_binomial', also of
        exp of it; or 'quantile_levels', all levels of one column of y at once, a column of predictions each.
    [parameters]

    [attributes]

    Notes
    -----
    y may have several columns.  The loss that is told of 'squared_error' is then the mean over columns, though it is their sum whose
    gradient is followed, as in scikit-learn.

    References
    ----------
    X. Glorot and Y. Bengio (2010), Understanding the difficulty of training deep feedforward neural networks, AISTATS.
    D. P. Kingma and J. Ba (2015), Adam: a method for stochastic optimization, ICLR, arXiv:1412.6980.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt.neural_network import MLPRegressor
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> model = MLPRegressor(hidden_layer_sizes=16, solver="lbfgs", max_iter=1000, random_state=0).fit(X, np.sin(X[:, 0]) + X[:, 1])
    >>> model.score(X, np.sin(X[:, 0]) + X[:, 1]) > 0.95
    True
    """

    _rules = REGRESSOR
    _takes = Takes(columns=True)

    def __init__(self, loss: str | Loss = "squared_error", hidden_layer_sizes: int | Sequence[int] = (100,),
                 activation: str | Sequence[str] = "relu", *, solver: Literal["lbfgs", "sgd", "adam"] = "adam", alpha: float = 0.0001,
                 batch_size: int | Literal["auto"] = "auto", learning_rate: Literal["constant", "invscaling", "adaptive"] = "constant",
                 learning_rate_init: float = 0.001, power_t: float = 0.5, max_iter: int = 200, shuffle: bool = True,
                 random_state: RandomState = None, tol: float = 1e-4, verbose: bool | int = False, warm_start: bool = False,
                 momentum: float = 0.9, nesterovs_momentum: bool = True, early_stopping: bool = False, validation_fraction: float = 0.1,
                 beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8, n_iter_no_change: float = 10, max_fun: int = 15000,
                 dropout: float | Sequence[float] = 0.0, init: str = "scikit-learn",
                 optimizer: str | Optimizer | None = None, optimizer_params: dict[str, Any] | None = None,
                 schedule: StepSchedule = None, scoring: Scoring = None, restore_best: bool = False,
                 keep_gradient_norms: bool = False, n_jobs: int | None = None) -> None:
        self._keep(locals())

    @available_where(has_partial_fit)
    @arguments
    def partial_fit(self, X: Features, y: TargetValues, sample_weight: SampleWeight = None) -> Self:
        """Learn from some data for one epoch, going on where the last call ended.

        [arguments]

        [self]
        """
        self._check()
        return self._learn(X, y, sample_weight, Call(Events.silent(), incremental=True))

    @arguments
    def predict(self, X: Features) -> Array:
        """Predictions: means, quantiles or whatever the loss estimates.

        [arguments]

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        return flat(self._means(self._raw(X)))

    @arguments
    def score(self, X: Features, y: TargetValues, sample_weight: SampleWeight = None) -> float:
        """R² of the predictions; of levels D², one minus the loss over that of the quantiles of y alone.

        [arguments]

        Returns
        -------
        float
        """
        loss = self._learnt_loss({})
        if not isinstance(loss, QuantileLevels):
            return float(super().score(X, y, sample_weight))
        return scores.d2(np.asarray(y), None if sample_weight is None else np.asarray(sample_weight), loss)(self._raw(X))

    # ---- hooks of the base ----

    def _means(self, raw: Array) -> Array:
        """What raw predictions stand for."""
        loss = self._learnt_loss({})
        if loss.target == "real" and not loss.couples_outputs:
            return raw
        with np.errstate(over="ignore"):
            return loss._predict(raw)

    def _targets(self, y: Array, X: Samples, weight: RowWeights, call: Call, fresh: bool, dtype: Any) -> Targets:
        y = self._columns(check_targets(y, weight, X, self._learnt_loss({})), "y")
        return Targets(self._learnt(y, dtype), y.shape[1], y, None if weight is None else weight.astype(dtype, copy=False), {})

    def _learnt(self, y: Array, dtype: Any) -> Array:
        """Targets as the network takes them: the number of a row once, where a loss of all outputs has one."""
        return np.ascontiguousarray(y[:, 0] if self._learnt_loss({}).couples_outputs else y, dtype=dtype)

    def _columns(self, y: Array, name: str) -> Array:
        """(n, k) targets of all outputs; those of levels of one number are alike."""
        loss = self._learnt_loss({})
        if not isinstance(loss, QuantileLevels):
            return y.reshape(len(y), -1)
        if y.ndim != 1:
            raise ValueError(f"{name} must have shape (n,) with loss={loss.name!r}, which has a level in each output; got {y.shape}")
        return np.repeat(y[:, None], loss.n_levels, axis=1)

    def _out_activation(self, loss: Loss) -> str:
        if loss.target == "real":
            return "identity"
        return "expm1" if loss.name == "mean_squared_log_error" else "exp"

    def _score_of(self, truth: Array, weight: RowWeights) -> Callable[[Array], float]:
        loss = self._learnt_loss({})
        if isinstance(loss, QuantileLevels):
            return scores.d2(truth[:, 0], weight, loss)
        score = scores.r2(truth, weight)
        return lambda raw: score(self._means(np.asarray(raw, dtype=np.float64)))

    def _eval_targets(self, y: Array, targets: Targets, dtype: Any) -> tuple[Array, Array]:
        y = self._columns(real_targets(y, dtype, self._learnt_loss({}), "y of eval_set"), "y of eval_set")
        if y.shape[1] != targets.k:
            raise ValueError(f"y of eval_set must have {targets.k} columns as y has, got shape {y.shape}")
        return self._learnt(y, dtype), y

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
