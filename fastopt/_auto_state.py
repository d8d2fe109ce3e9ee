"""The address that pickles of version 0.1 name: fastopt._sgd.auto.state."""
from fastopt._sgd.auto.state import Columns, Goals, State

__all__ = ["Columns", "Goals", "State"]
