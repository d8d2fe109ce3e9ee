"""The solvers of linear models: `solve`, its choice "auto", and the register that solvers enter when they are imported.

Owns the choice of a solver and what "converged" means.  Must not know estimators, classes or columns of y.
A new solver is a module of one of the folders below, and an import in that folder's face.
"""
from fastopt._solvers.auto import solve
from fastopt._solvers.registry import Solution

__all__ = ["Solution", "solve"]
