"""Small neural networks: scikit-learn's perceptrons, on an engine that runs an epoch in one call.

The perceptrons are in neural_network._mlp, the arithmetic in csrc/network, its loops in neural_network._engine.  Knows no files and no
command.
"""
from __future__ import annotations

from fastopt._common.extras import needs

with needs("sklearn", "fastopt.neural_network"):
    import sklearn.base  # noqa: F401  first: far down a chain of imports, its own many take a tenth of a second longer

    from ._mlp.classifier import MLPClassifier
    from ._mlp.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
