"""What losses are called elsewhere, and what there is.

Used through fastopt.losses.
"""
from __future__ import annotations

from dataclasses import dataclass

from fastopt._common.registry import parameters_of

from ._base import Loss, registry

#: names of PyTorch, Keras, scikit-learn and books, by ours
_OTHERS = {
    "mean_squared_error": ["mse", "mse_loss"],
    "mean_squared_log_error": ["msle", "mean_squared_logarithmic_error"],
    "absolute_error": ["mae", "l1_loss", "mean_absolute_error"],
    "huber": ["huber_loss"],
    "smooth_l1": ["smooth_l1_loss"],
    "log_cosh": ["logcosh"],
    "quantile": ["pinball"],
    "poisson": ["poisson_nll", "poisson_nll_loss"],
    "log_loss": ["logistic"],
    "binary_cross_entropy": ["bce", "bce_with_logits", "binary_crossentropy", "binary_cross_entropy_with_logits"],
    "focal": ["binary_focal_crossentropy", "sigmoid_focal", "sigmoid_focal_loss"],
    "multinomial": ["cross_entropy", "softmax_cross_entropy", "sparse_categorical_crossentropy", "nll", "nll_loss"],
}
registry.aliases.update({other: name for name, others in _OTHERS.items() for other in others})

_TASKS = {"real": "regression", "nonnegative": "counts and amounts", "positive": "positive amounts", "sign": "two classes",
          "unit": "two classes, or shares", "class": "several classes", "shares": "rows of shares or amounts", "amounts": "rows of shares or amounts"}


@dataclass(frozen=True)
class LossInfo:
    """What is known of a loss.

    Parameters
    ----------
    name : str
        For ``losses.get``.
    task : str
        What it is for.
    target : str
        What `y` may be, as `Loss.target` says it.
    parameters : dict
        Parameters with their defaults.
    convex, smooth : bool
        As of the loss with its defaults.
    other_names : tuple of str
        What else ``losses.get`` knows it by.
    """

    name: str
    task: str
    target: str
    parameters: dict[str, float | None]
    convex: bool
    smooth: bool
    other_names: tuple[str, ...]


def _info(name: str, kind: type[Loss]) -> LossInfo:
    loss = kind()
    defaults = {key: parameter.default for key, parameter in parameters_of(kind).items()}
    return LossInfo(name, _TASKS[loss.target], loss.target, defaults, loss.convex, loss.smooth, tuple(_OTHERS.get(name, ())))


def available() -> list[LossInfo]:
    """All losses, each with what it is for, what its targets are, and its parameters.

    Returns
    -------
    list of LossInfo

    Examples
    --------
    >>> from fastopt import losses
    >>> [loss.name for loss in losses.available() if loss.task == "counts and amounts"]
    ['poisson', 'tweedie', 'negative_binomial', 'mean_squared_log_error']
    >>> next(loss.parameters for loss in losses.available() if loss.name == "huber")
    {'delta': 1.35}
    """
    return [_info(name, kind) for name, kind in registry.items()]
