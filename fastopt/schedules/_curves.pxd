"""Schedules for other compiled modules: from the `spec` of a schedule of fastopt.schedules to the kernels' struct."""
from fastopt._core.tables cimport fo_schedule

cdef fo_schedule read_schedule(tuple spec) except *
