"""What a network says that diverged.

Used by the perceptrons and by Sequential.
"""
from __future__ import annotations

from collections.abc import Sequence

from fastopt.exceptions import DivergenceError


class NetworkDivergenceError(DivergenceError):
    """Training ended in a loss or in weights that are not finite; those of the epoch before are kept.

    Parameters
    ----------
    epoch : int
        From 1; of lbfgs the iteration.
    learning_rate : float
        nan of a schedule.
    gradient_norms : sequence of float
        Of the layers, over all rows, at the weights that are kept.
    words : str, optional
        What the message begins with, a sentence and a space behind it.
    rate_name : str, default='learning_rate'
        What the learning rate is called.
    """

    def __init__(self, epoch: int, learning_rate: float, gradient_norms: Sequence[float], words: str = "",
                 rate_name: str = "learning_rate") -> None:
        super().__init__(epoch, learning_rate, float("nan"))
        self.args = epoch, learning_rate, tuple(gradient_norms), words, rate_name
        self.gradient_norms = tuple(gradient_norms)

    def __str__(self) -> str:
        at = "" if self.learning_rate != self.learning_rate else f" with learning rate {self.learning_rate:.3g}"
        return (f"{self.args[3]}Training diverged in epoch {self.epoch}{at}: the loss or weights are not finite. The weights of the epoch before are "
                f"kept, at which the gradients of the layers have norms {', '.join(f'{norm:.3g}' for norm in self.gradient_norms)}. Scale X and y, "
                f"take a smaller {self.args[4]}, or clip gradients")
