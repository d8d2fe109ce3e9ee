"""Solvers of smooth problems: L-BFGS, Newton by a factor, Newton by conjugate gradients, and where they start.

Must not know penalties with corners.

A solver enters the register when its module is imported, which is here.
"""
from fastopt._solvers.smooth import lbfgs, newton, newton_cg  # noqa: F401
