"""The estimator for the options and the data, and the defaults that depend on the data.

Used by _cli.train and _cli.compare.  The defaults were chosen on some fifteen public data sets: the adaptive schedule,
with a first step that the size of the rows allows, came within a few thousandths of the optimum on all of them without a
parameter set by hand; with the estimators' own defaults some diverged.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from fastopt._common.rules import did_you_mean
from fastopt._data.errors import USAGE, CliError, one_of
from fastopt._data.types import Matrix
from fastopt._models.load import Estimator

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

    from fastopt._data.preparer import Preparer
    from fastopt.losses import Loss

    from .options import TrainOptions

#: of fastopt, or of scikit-learn, to compare with
AnyEstimator: TypeAlias = "Estimator | BaseEstimator"

PENALTIES = ("l2", "l1", "elasticnet", "none")
SCHEDULES = ("adaptive", "optimal", "constant", "invscaling", "pa1", "pa2")
#: their targets are not shifted or scaled: y must stay positive
LOG_LINK = ("poisson", "gamma", "tweedie", "negative_binomial", "mean_squared_log_error")
CURVATURE = {"log_loss": 0.25, "squared_hinge": 2.0, "modified_huber": 2.0,          # largest second derivative; else 1
             "mean_squared_error": 2.0, "mean_squared_log_error": 2.0, "expectile": 2.0, "binary_cross_entropy": 0.25,
             "multinomial": 0.5}


def make_estimator(options: TrainOptions, task: str, X: Matrix, y: np.ndarray) -> Estimator:
    """An unfitted SGDClassifier or SGDRegressor.

    Parameters
    ----------
    options : TrainOptions
    task : {"classification", "regression"}
    X, y : the rows to learn from, prepared

    Raises
    ------
    CliError
        If an option names what there is not.
    """
    from fastopt.linear_model import SGDClassifier, SGDRegressor

    kind = SGDClassifier if task == "classification" else SGDRegressor
    name, loss = chosen_loss(options.loss, task)
    schedule = one_of("learning rate", options.learning_rate, SCHEDULES)
    penalty = one_of("penalty", options.penalty, PENALTIES)
    params: dict[str, Any] = dict(
        loss=loss, penalty=None if penalty == "none" else penalty, alpha=options.alpha, l1_ratio=options.l1_ratio,
        learning_rate=schedule, eta0=options.eta0 or step_size(X, y, name, schedule), power_t=options.power_t,
        max_iter=options.max_iter, tol=None if options.tol == -np.inf else options.tol, n_iter_no_change=options.patience,
        early_stopping=options.early_stopping, restore_best=options.early_stopping, average=options.average,
        random_state=options.seed)
    if options.epsilon is not None:
        params["epsilon"] = options.epsilon
    if task == "classification":
        params["n_jobs"] = options.threads
    if options.class_weight is not None:
        params["class_weight"] = class_weights(options.class_weight, y, task)
    return kind(**params)


def step_size(X: Matrix, y: np.ndarray, loss: str, schedule: str) -> float:
    """The first step: a quarter of what the mean row allows, and no more than the largest row allows.

    A step of 2 / (L ‖x‖²), L the largest second derivative of the loss, is where one sample starts to overshoot.
    """
    if schedule in ("pa1", "pa2"):
        return 1.0                                   # there eta0 bounds the step rather than being it
    squares = np.einsum("ij,ij->i", X, X) if isinstance(X, np.ndarray) else np.ravel(X.multiply(X).sum(axis=1))
    curvature = CURVATURE.get(loss, 1.0)
    if loss in LOG_LINK:
        curvature = max(1.0, float(np.mean(np.abs(y))))
    mean, largest = float(squares.mean(dtype=np.float64)) + 1, float(squares.max()) + 1
    return float(f"{max(min(0.25 / mean, 1.0 / largest) / curvature, 1e-9):.3g}")


def chosen_loss(text: str | None, task: str) -> tuple[str, str | Loss]:
    """The name of a loss, and what the estimator is given: the name, or a Loss for ``quantile:quantile=0.9``."""
    from fastopt import losses

    text = text or ("log_loss" if task == "classification" else "squared_error")
    name, colon, settings = text.partition(":")
    _check_loss(name, task)
    if not colon:
        return name, name
    try:
        params = {key.strip(): float(value) for key, value in (part.split("=") for part in settings.split(","))}
        return name, losses.get(name, **params)
    except (TypeError, ValueError) as error:
        raise CliError(f"--loss {text}: {error}; write its parameters as in quantile:quantile=0.9", USAGE) from error


def known_losses(task: str) -> list[str]:
    """The names that the estimator of the task takes, but for losses of one number with several outputs: a prediction is one column."""
    from fastopt._estimators.params import LEVEL_LOSSES
    from fastopt.linear_model._shared.params import CLASSIFIER, REGRESSOR

    rules = CLASSIFIER if task == "classification" else REGRESSOR
    return [name for name in rules["loss"].options if name not in LEVEL_LOSSES]


def _check_loss(loss: str, task: str) -> None:
    """CliError, with the near match, for a loss that there is not or that is for the other task."""
    from fastopt._estimators.params import LEVEL_LOSSES

    known = {t: known_losses(t) for t in ("classification", "regression")}
    other = "regression" if task == "classification" else "classification"
    if loss in known[task]:
        return
    if loss in known[other]:
        raise CliError(f"loss {loss!r} is for {other}; for {task} there are: {', '.join(known[task])}", USAGE)
    if loss in LEVEL_LOSSES:
        raise CliError(f"loss {loss!r} predicts several numbers for a row, and a model here one; train one for each level, as in "
                       f"quantile:quantile=0.9", USAGE)
    near = did_you_mean(loss, known[task])
    raise CliError(f"unknown loss {loss!r}{near or '; known: ' + ', '.join(known[task])}", USAGE)


def class_weights(text: str, y: np.ndarray, task: str) -> str | dict[Any, float]:
    """'balanced', or the weights in ``no=1,yes=5`` by class."""
    if task != "classification":
        raise CliError("--class-weight is for classes; this is a regression", USAGE)
    if text == "balanced":
        return text
    classes, weights = {str(c): c for c in np.unique(y).tolist()}, {}
    for part in text.split(","):
        name, _, weight = part.strip().rpartition("=")
        if name not in classes:
            near = did_you_mean(name or part, ["balanced", *classes])
            raise CliError(f"--class-weight: no class {name or part!r}{near}; write balanced, or a weight for each class, "
                           f"such as {','.join(f'{c}=1' for c in list(classes)[:3])}", USAGE)
        try:
            weights[classes[name]] = float(weight)
        except ValueError:
            raise CliError(f"--class-weight: {weight!r} is not a number", USAGE) from None
        if not 0 <= weights[classes[name]] < np.inf:
            raise CliError(f"--class-weight: the weight of {name!r} is {weight}; expected a number ≥ 0", USAGE)
    return weights


class TargetScale:
    """The target of a regression in standard deviations from its mean, and the model brought back to its own units.

    A step size then means the same whatever the target's unit.  The identity for classes, for losses with a log link and
    for --no-scale.
    """

    def __init__(self, y: np.ndarray, task: str, loss: str, scale: bool) -> None:
        wanted = scale and task == "regression" and loss not in LOG_LINK
        self.center, self.scale = (float(np.mean(y)), float(np.std(y))) if wanted else (0.0, 1.0)
        self.active = wanted

    def apply(self, y: np.ndarray) -> np.ndarray:
        """y in the units that the estimator learns."""
        return (y - self.center) / self.scale if self.active else y

    def undo(self, estimator: Estimator, preparer: Preparer) -> None:
        """Weights for the target's own units, in place, and in float64: 1e8 + 2 x has no digits left for 2 x in float32."""
        if self.active:
            estimator.coef_ = np.asarray(estimator.coef_, dtype=np.float64) * self.scale
            estimator.intercept_ = np.asarray(estimator.intercept_, dtype=np.float64) * self.scale + self.center
            preparer.dtype = "float64"

    def back(self, predicted: np.ndarray) -> np.ndarray:
        """Predictions in the target's own units."""
        return np.asarray(predicted, dtype=np.float64) * self.scale + self.center if self.active else predicted


def loss_text(loss: str | Loss) -> str:
    """The name of a loss, with its parameters if it has some of its own."""
    return loss if isinstance(loss, str) else \
        f"{loss.name}({', '.join(f'{k}={v:g}' for k, v in loss.params.items() if v is not None)})"


def describe(estimator: Estimator) -> str:
    """``SGDClassifier: log_loss, l2 (alpha 1e-05), adaptive steps from 0.0159``."""
    penalty = f"{estimator.penalty} (alpha {estimator.alpha:g})" if estimator.penalty else "no penalty"
    step = "" if estimator.learning_rate == "optimal" else f" from {estimator.eta0:g}"
    extra = ", averaged" if estimator.average else ""
    name, loss = type(estimator).__name__, loss_text(estimator.loss)
    return f"{name}: {loss}, {penalty}, {estimator.learning_rate} steps{step}{extra}"
