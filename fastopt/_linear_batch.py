"""The address that pickles of version 0.1 name: fastopt._sgd.batch.fit."""
from fastopt._sgd.batch.fit import Memory

__all__ = ["Memory"]
