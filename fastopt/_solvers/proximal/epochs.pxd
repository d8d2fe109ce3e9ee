"""Epochs of coordinate descent, for other compiled modules."""
from fastopt._core.tables cimport fo_descent, fo_descent_kernels, fo_matrix, fo_regularizer

cdef enum:
    EXTRAPOLATED = 5    # epochs that are extrapolated, at most
    MAX_SUPPORT = 200   # weights that are not 0 whose minimum is solved for, at most

cdef struct Quadratic:
    const fo_descent_kernels *kernel
    const fo_regularizer *penalty
    int m
    const double *H     # (m, m)
    double value        # of squared errors without the penalty, at the start,
    double goal         # and the duality gap at which to end; negative: it is not looked at
    double *factor      # (MAX_SUPPORT, MAX_SUPPORT), or as many as weights: scratch; wanted where gaps are looked at
    double *first       # (m,) the gradient at
    double *start       # (m,) this point
    double *move        # (m,) scratch


cdef int epochs(const fo_descent_kernels *kernel, const double *H, double *g, const fo_matrix *XT, const fo_regularizer *penalty,
                fo_descent *plan, const void *D, void *s, double tol, int most, double *history) noexcept nogil
cdef double duality_gap(const fo_regularizer *r, Py_ssize_t m, const double *w, const double *g, double smooth,
                        double penalty) noexcept nogil
cdef int batch_of(Py_ssize_t m) noexcept nogil
cdef int minimize(Quadratic *q, double *w, double *g, double tol, double *room) noexcept nogil
