"""Solvers that read samples one by one: variance reduction (SAG, SAGA, SVRG, Katyusha) and dual coordinates (SDCA).

Must not know Hessians.

A solver enters the register when its module is imported, which is here.
"""
from fastopt._solvers.stochastic import saga, sdca  # noqa: F401
