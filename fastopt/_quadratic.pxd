"""Epochs of coordinate descent, for other compiled modules."""
from fastopt._core cimport fo_descent, fo_descent_kernels, fo_matrix, fo_regularizer


cdef int epochs(const fo_descent_kernels *kernel, const double *H, double *g, const fo_matrix *XT, const fo_regularizer *penalty,
                fo_descent *plan, const void *D, void *s, double tol, int most, double *history) noexcept nogil
