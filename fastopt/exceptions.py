"""The errors that callers may want to tell apart from others.

Raised by the estimators and whatever else trains; knows nothing of them.
"""
from __future__ import annotations

__all__ = ["DivergenceError", "InvalidParameterError"]


class InvalidParameterError(ValueError, TypeError):
    """A parameter has a value that it must not have.

    The message names the parameter, what was expected and what came.

    Examples
    --------
    >>> from fastopt.exceptions import InvalidParameterError
    >>> issubclass(InvalidParameterError, ValueError) and issubclass(InvalidParameterError, TypeError)
    True
    """


class DivergenceError(ValueError):
    """Training ended in weights, or in a loss, that are not finite.

    Of solver-based estimators, `epoch` counts iterations and there is no learning rate: it is nan.

    Parameters
    ----------
    epoch : int
        The epoch in which it happened, from 1; an attribute, like the others.
    learning_rate : float
        The learning rate at the start of that epoch.
    feature_scale : float
        The largest magnitude in X.

    Examples
    --------
    >>> from fastopt.exceptions import DivergenceError
    >>> error = DivergenceError(3, 0.1, 1e6)
    >>> error.epoch
    3
    """

    def __init__(self, epoch: int, learning_rate: float, feature_scale: float) -> None:
        super().__init__(epoch, learning_rate, feature_scale)
        self.epoch, self.learning_rate, self.feature_scale = epoch, learning_rate, feature_scale

    def __str__(self) -> str:
        if self.learning_rate != self.learning_rate:
            return (f"the fit diverged: its weights or intercepts are not finite after {self.epoch} iterations, with features up to "
                    f"{self.feature_scale:.3g} in magnitude. Scale X and y, see sklearn.preprocessing, fit in float64, or take a "
                    "penalty that is less extreme")
        return (f"training diverged: Floating-point under-/overflow occurred at epoch #{self.epoch}: weights or losses overflowed "
                f"with learning rate {self.learning_rate:.3g} at its start and features up to {self.feature_scale:.3g} in "
                f"magnitude. {remedy(self.feature_scale)}")


def remedy(feature_scale: float) -> str:
    """What to do against divergence."""
    advice = ("Scaling input data with StandardScaler or MinMaxScaler might help. Or take" if feature_scale > 10 else "Take")
    return (f"{advice} a smaller eta0 with learning_rate='invscaling' or 'adaptive', or a larger alpha with 'optimal'")
