"""Small neural networks, on an engine that runs an epoch in one call: scikit-learn's perceptrons, and Keras's `Sequential`.

The perceptrons are in neural_network._mlp, lists of layers in neural_network._sequential, the arithmetic in csrc/network, its loops in
neural_network._engine.  Knows no command.
"""
from __future__ import annotations

from fastopt._common.extras import needs

with needs("sklearn", "fastopt.neural_network"):
    import sklearn.base  # noqa: F401  first: far down a chain of imports, its own many take a tenth of a second longer

    from ._mlp.classifier import MLPClassifier
    from ._mlp.regressor import MLPRegressor

from ._sequential import (
    Activation,
    Callback,
    CSVLogger,
    Dense,
    Dropout,
    EarlyStopping,
    History,
    Input,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    Sequential,
)

__all__ = ["Activation", "CSVLogger", "Callback", "Dense", "Dropout", "EarlyStopping", "History", "Input", "LearningRateScheduler", "MLPClassifier",
           "MLPRegressor", "ModelCheckpoint", "ReduceLROnPlateau", "Sequential"]
