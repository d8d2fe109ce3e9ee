"""Transformers of columns that scikit-learn does not have; all else of preprocessing is scikit-learn's.

Must not know a model.
"""
from .piecewise import PiecewiseLinearEncoder

__all__ = ["PiecewiseLinearEncoder"]

for _name in __all__:
    globals()[_name].__module__ = __name__
del _name
