"""Linear models trained by stochastic gradient descent, in scikit-learn's place.

Public names; how they train is in _linear_base, what they train in _linear_tasks, and the text of parameters that they share
in _linear_docs.
"""
from __future__ import annotations

from typing import Any, Literal

import numpy as np
from scipy.special import expit
from sklearn.base import ClassifierMixin, OutlierMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if

from fastopt._linear_compat import Events, with_callbacks
from fastopt._linear_docs import arguments, documented
from fastopt._linear_params import loss_name
from fastopt._linear_tasks import Classification, OneClass, Regression
from fastopt.losses import Loss

__all__ = ["SGDClassifier", "SGDOneClassSVM", "SGDRegressor"]

Penalty = Literal["l2", "l1", "elasticnet"]
LearningRate = Literal["constant", "optimal", "invscaling", "adaptive", "pa1", "pa2"]


class _Fit:
    """fit of those that learn y."""

    @with_callbacks
    @arguments
    def fit(self: Any, X: Any, y: Any, coef_init: Any = None, intercept_init: Any = None, sample_weight: Any = None, *,
            eval_set: Any = None, callback: Any = None) -> Any:
        """Learn from data, for up to `max_iter` epochs.

        Parameters
        ----------
        [arguments]

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If a parameter or an argument is not as described; the message names it.
        DivergenceError
            If weights overflow; the estimator then holds those of the last finished epoch, if there is one.
        """
        self._check()
        events = Events(self, X, y, sample_weight, self.max_iter)
        self._learn(X, y, sample_weight, events, fresh=True, max_iter=self.max_iter, inits=(coef_init, intercept_init),
                    eval_set=eval_set, callback=callback)
        return self


@documented(coef="(1, n_features) for two classes, else (n_classes, n_features)", intercept="(1,) or (n_classes,)",
            learning_rate="optimal", power_t="0.5", passive="loss='hinge'", stratified=", alike in its classes",
            without=("offset_",))
class SGDClassifier(_Fit, ClassifierMixin, Classification):   # type: ignore[misc]
    """Linear classifier trained by stochastic gradient descent: support vector machine, logistic regression and others.

    With float64 data and the same `random_state` it gives the weights of `sklearn.linear_model.SGDClassifier`; see Notes.

    Parameters
    ----------
    loss : str or Loss, default='hinge'
        A loss of `fastopt.losses` or its name: 'hinge' (support vector machine), 'log_loss' (logistic regression),
        'modified_huber', 'squared_hinge', 'perceptron', 'smooth_hinge', 'exponential', 'focal'; or of a real target,
        which is then ±1: 'squared_error', 'huber', 'epsilon_insensitive' and so on.
    [parameters]

    Attributes
    ----------
    [attributes]

    Notes
    -----
    What differs from scikit-learn 1.9:

    * More than two classes are learnt in one pass over the data, one against the rest, all in the same order of samples;
      with ``shuffle=False`` the weights are scikit-learn's.
    * Early stopping scores the weights that the user would get, averaged if `average`, by the accuracy over all
      classes, and all classes stop together.  scikit-learn scores weights before their lazy scale factor is applied,
      and compares labels {0, 1} with predictions ±1 for 'log_loss'.
    * `partial_fit` with `average` goes on with the intercept behind the average, which scikit-learn loses.
    * float32 data give predictions in float32.

    References
    ----------
    .. [1] K. Crammer et al. (2006), Online passive-aggressive algorithms, JMLR 7, 551–585.
    .. [2] L. Bottou (2012), Stochastic gradient descent tricks.
    .. [3] Y. Tsuruoka et al. (2009), Stochastic gradient descent training for l1-regularized log-linear models, ACL.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from fastopt.linear_model import SGDClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss", random_state=0)).fit(X, y)
    >>> model.score(X, y) > 0.9
    True
    """

    def __init__(self, loss: str | Loss = "hinge", *, penalty: Penalty | None = "l2", alpha: float = 0.0001,
                 l1_ratio: float | None = 0.15, fit_intercept: bool = True, max_iter: int = 1000,
                 tol: float | None = 1e-3, shuffle: bool = True, verbose: int = 0, epsilon: float = 0.1,
                 n_jobs: int | None = None, random_state: Any = None, learning_rate: LearningRate = "optimal",
                 eta0: float = 0.01, power_t: float = 0.5, early_stopping: bool = False,
                 validation_fraction: float = 0.1, n_iter_no_change: int = 5, class_weight: Any = None,
                 warm_start: bool = False, average: bool | int = False, restore_best: bool = False) -> None:
        self._keep(locals())

    @arguments
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Any:
        """Learn from some data for one epoch, going on where the last call ended.

        Parameters
        ----------
        [arguments]

        Returns
        -------
        self
        """
        self._check_partial()
        if isinstance(self.class_weight, str):
            raise ValueError("class_weight 'balanced' is not supported for partial_fit. In order to use 'balanced' "
                             "weights, use compute_class_weight('balanced', classes=classes, y=y) on a large enough "
                             "sample and pass the resulting weights as the class_weight parameter.")
        self._learn(X, y, sample_weight, Events(None, None, None, None, 0), fresh=False, max_iter=1, classes=classes)
        return self

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
        p = self._raw(X)
        return p.ravel() if p.shape[1] == 1 else p

    @arguments
    def predict(self, X: Any) -> Any:
        """Classes.

        Parameters
        ----------
        [arguments]

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        p = self._raw(X)
        return self.classes_[(p[:, 0] > 0).astype(np.intp) if p.shape[1] == 1 else p.argmax(axis=1)]

    def _has_probabilities(self) -> bool:
        if loss_name(self.loss) not in ("log_loss", "modified_huber"):
            raise AttributeError(f"probability estimates are not available for loss={self.loss!r}")
        return True

    @available_if(_has_probabilities)
    @arguments
    def predict_proba(self, X: Any) -> Any:
        """Probabilities, for the losses 'log_loss' and 'modified_huber' only.

        Those of more than two classes are one against the rest, normalised to a sum of 1.

        Parameters
        ----------
        [arguments]

        Returns
        -------
        ndarray of shape (n_samples, n_classes)

        References
        ----------
        B. Zadrozny and C. Elkan (2002), Transforming classifier scores into multiclass probability estimates, KDD.
        T. Zhang (2004), Solving large scale linear prediction problems using stochastic gradient descent, ICML.
        """
        p = self._raw(X)
        positive = expit(p) if loss_name(self.loss) == "log_loss" else (np.clip(p, -1, 1) + 1) / 2
        if p.shape[1] == 1:
            return np.hstack([1 - positive, positive])
        total = positive.sum(axis=1, keepdims=True)
        positive[total[:, 0] == 0] = 1   # all classes ruled out: all alike
        total[total == 0] = p.shape[1]
        return positive / total

    @available_if(_has_probabilities)
    @arguments
    def predict_log_proba(self, X: Any) -> Any:
        """Logarithm of `predict_proba`.

        Parameters
        ----------
        [arguments]

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return np.log(self.predict_proba(X))


@documented(coef="(n_features,), or (n_outputs, n_features) if y has several columns", intercept="(1,) or (n_outputs,)",
            learning_rate="invscaling", power_t="0.25", passive="loss='epsilon_insensitive'", stratified="",
            without=("offset_", "classes_"))
class SGDRegressor(_Fit, RegressorMixin, Regression):   # type: ignore[misc]
    """Linear regression trained by stochastic gradient descent, with robust, quantile and count losses.

    With float64 data and the same `random_state` it gives the weights of `sklearn.linear_model.SGDRegressor`.

    Parameters
    ----------
    loss : str or Loss, default='squared_error'
        A loss of `fastopt.losses` or its name: 'squared_error', 'huber', 'epsilon_insensitive',
        'squared_epsilon_insensitive', 'absolute_error', 'quantile', 'log_cosh', 'general_robust'; or 'poisson', 'gamma'
        and 'tweedie', whose prediction is exp of the linear model.
    [parameters]

    Attributes
    ----------
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

    def __init__(self, loss: str | Loss = "squared_error", *, penalty: Penalty | None = "l2", alpha: float = 0.0001,
                 l1_ratio: float | None = 0.15, fit_intercept: bool = True, max_iter: int = 1000,
                 tol: float | None = 1e-3, shuffle: bool = True, verbose: int = 0, epsilon: float = 0.1,
                 random_state: Any = None, learning_rate: LearningRate = "invscaling", eta0: float = 0.01,
                 power_t: float = 0.25, early_stopping: bool = False, validation_fraction: float = 0.1,
                 n_iter_no_change: int = 5, warm_start: bool = False, average: bool | int = False,
                 restore_best: bool = False) -> None:
        self._keep(locals())

    @arguments
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Learn from some data for one epoch, going on where the last call ended.

        Parameters
        ----------
        [arguments]

        Returns
        -------
        self
        """
        self._check_partial()
        self._learn(X, y, sample_weight, Events(None, None, None, None, 0), fresh=False, max_iter=1)
        return self

    @arguments
    def predict(self, X: Any) -> Any:
        """Means, quantiles or whatever the loss estimates.

        Parameters
        ----------
        [arguments]

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        p = self._raw(X)
        loss = self._loss()
        if loss.target != "real":
            with np.errstate(over="ignore"):
                p = loss._predict(p)
        return p.ravel() if p.shape[1] == 1 else p

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.positive_only = loss_name(self.loss) == "gamma"
        return tags


@documented(coef="(n_features,)", intercept="", learning_rate="optimal", power_t="0.5", passive="this estimator's hinge loss",
            without=("intercept_", "classes_", "validation_curve_", "best_iter_"))
class SGDOneClassSVM(OutlierMixin, OneClass):   # type: ignore[misc]
    """Linear one-class support vector machine trained by stochastic gradient descent, to tell outliers.

    With float64 data and the same `random_state` it gives the weights of `sklearn.linear_model.SGDOneClassSVM`.

    Parameters
    ----------
    [parameters]

    Attributes
    ----------
    [attributes]

    References
    ----------
    .. [1] K. Crammer et al. (2006), Online passive-aggressive algorithms, JMLR 7, 551–585.
    .. [2] B. Schölkopf et al. (2001), Estimating the support of a high-dimensional distribution, Neural Computation 13.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt.linear_model import SGDOneClassSVM
    >>> X = np.array([[-1, -1], [-2, -1], [1, 1], [2, 1]])
    >>> model = SGDOneClassSVM(random_state=42, tol=None).fit(X)
    >>> model.predict([[4, 4]])
    array([1], dtype=int32)
    """

    def __init__(self, nu: float = 0.5, fit_intercept: bool = True, max_iter: int = 1000, tol: float | None = 1e-3,
                 shuffle: bool = True, verbose: int = 0, random_state: Any = None,
                 learning_rate: LearningRate = "optimal", eta0: float = 0.01, power_t: float = 0.5,
                 warm_start: bool = False, average: bool | int = False) -> None:
        self._keep(locals())

    @with_callbacks
    @arguments
    def fit(self, X: Any, y: Any = None, coef_init: Any = None, offset_init: Any = None, sample_weight: Any = None, *,
            callback: Any = None) -> Any:
        """Learn from data, for up to `max_iter` epochs.

        Parameters
        ----------
        [arguments]

        Returns
        -------
        self
        """
        self._check()
        events = Events(self, X, None, sample_weight, self.max_iter)
        self._learn(X, None, sample_weight, events, fresh=True, max_iter=self.max_iter, inits=(coef_init, offset_init),
                    callback=callback)
        return self

    @arguments
    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """Learn from some data for one epoch, going on where the last call ended.

        Parameters
        ----------
        [arguments]

        Returns
        -------
        self
        """
        self._check()
        self._learn(X, None, sample_weight, Events(None, None, None, None, 0), fresh=False, max_iter=1)
        return self

    @arguments
    def score_samples(self, X: Any) -> Any:
        """Products of rows and weights: the higher, the more like the training data.

        Parameters
        ----------
        [arguments]

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self.decision_function(X) + self.offset_

    @arguments
    def decision_function(self, X: Any) -> Any:
        """Signed distance to the separating plane, positive for inliers.

        Parameters
        ----------
        [arguments]

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self._raw(X)[:, 0]

    @arguments
    def predict(self, X: Any) -> Any:
        """1 for inliers, −1 for outliers.

        Parameters
        ----------
        [arguments]

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return np.where(self.decision_function(X) >= 0, 1, -1).astype(np.int32)
