"""Networks as a list of layers, with Keras's names and meanings: `Sequential`, its layers, its callbacks.

Owns how layers, losses, metrics and callbacks are said, and the loop over epochs; an epoch is a call of neural_network._engine.  Knows neither
scikit-learn nor the perceptrons beside it.
"""
from .callbacks import Callback, EarlyStopping
from .file_callbacks import CSVLogger, ModelCheckpoint
from .history import History
from .layers import Activation, Dense, Dropout, Input
from .model import Sequential
from .rate_callbacks import LearningRateScheduler, ReduceLROnPlateau

__all__ = ["Activation", "CSVLogger", "Callback", "Dense", "Dropout", "EarlyStopping", "History", "Input", "LearningRateScheduler", "ModelCheckpoint",
           "ReduceLROnPlateau", "Sequential"]
