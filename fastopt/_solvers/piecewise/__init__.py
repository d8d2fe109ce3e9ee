"""Piecewise linear losses, by an interior point method.

Must not know smooth solvers.

A solver enters the register when its module is imported, which is here.
"""
from fastopt._solvers.piecewise import solver  # noqa: F401
