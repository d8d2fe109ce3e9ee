"""A pass over X by columns."""
from fastopt._core cimport Matrix
from fastopt._objective_pass cimport Job


cdef void run_columns(Job *job, Matrix X, int threads) noexcept nogil
