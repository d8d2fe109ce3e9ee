"""Solvers of problems with a penalty that has corners: coordinate descent, working sets, FISTA, duality gaps.

Must not know samples one by one.

A solver enters the register when its module is imported, which is here.
"""
from fastopt._solvers.proximal import cd, fista  # noqa: F401
