"""Networks of dense layers, with scikit-learn's interface: the public names.

The perceptrons are in neural_network._mlp, what runs an epoch in neural_network._engine.
"""
from __future__ import annotations

from fastopt._common.extras import needs

with needs("sklearn", "fastopt.neural_network"):
    import sklearn.base  # noqa: F401  first: far down a chain of imports, its own many take a tenth of a second longer

    from ._mlp.classifier import MLPClassifier
    from ._mlp.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
