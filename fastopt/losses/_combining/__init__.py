"""Several losses, or tasks, as one: weighted values, weights that are learnt or balanced, gradients that do not work against each other.

Used through fastopt.losses.  It knows the register of losses below, and no family of them: what it combines are numbers and gradients.
"""
from ._balance import GradNorm
from ._gradients import mgda, pcgrad
from ._values import MultiTask, WeightedSum

__all__ = ["GradNorm", "MultiTask", "WeightedSum", "mgda", "pcgrad"]
