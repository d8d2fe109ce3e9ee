"""What a network says that diverged.

Used by the base of this room.
"""
from __future__ import annotations

from collections.abc import Sequence

from fastopt.exceptions import DivergenceError


class NetworkDivergenceError(DivergenceError):
    """Training ended in weights that are not finite; scikit-learn's words, and where it happened.

    Parameters
    ----------
    epoch : int
        From 1; of lbfgs the iteration.
    learning_rate : float
    gradient_norms : sequence of float
        Of the layers, over all rows, at the last finite weights.
    """

    def __init__(self, epoch: int, learning_rate: float, gradient_norms: Sequence[float]) -> None:
        super().__init__(epoch, learning_rate, float("nan"))
        self.args = epoch, learning_rate, tuple(gradient_norms)
        self.gradient_norms = tuple(gradient_norms)

    def __str__(self) -> str:
        at = "" if self.learning_rate != self.learning_rate else f" with learning rate {self.learning_rate:.3g}"
        return ("Solver produced non-finite parameter weights. The input data may contain large values and need to be preprocessed. "
                f"Training diverged in epoch {self.epoch}{at}; at the weights before, which are kept, the gradients of the layers have norms "
                f"{', '.join(f'{norm:.3g}' for norm in self.gradient_norms)}. Scale X and y, or take a smaller learning_rate_init")
