"""A pass over X by columns."""
from fastopt._core.tables cimport Matrix
from fastopt.objective._pass cimport Job


cdef void run_columns(Job *job, Matrix X, int threads) noexcept nogil
