"""The address that pickles of version 0.1 name: fastopt._sgd.auto.state."""
from fastopt._sgd.auto.state import ColumnStatistics as Columns, State, TargetStatistics as Goals

__all__ = ["Columns", "Goals", "State"]
