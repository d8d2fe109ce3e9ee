"""The loop over the epochs of a fit, as its subclasses see it: per-sample SGD (_sgd/per_sample/run.pyx), mini-batches and
optimizer="auto" (_sgd/batch/loop.pyx), solvers that take the samples one after the other (_solvers/stochastic/chains.pyx)."""
from fastopt._core.snapshot cimport Snapshot
from fastopt._core.tables cimport Matrix, fo_kernels
from fastopt._samples.order cimport Samples


cdef class EpochLoop:
    cdef Matrix X
    cdef Samples samples
    cdef const fo_kernels *kernels
    cdef Py_ssize_t k                      # outputs
    cdef Snapshot snapshot                 # of the arrays that an epoch changes
    cdef double[::1] objective, best       # of each criterion: one for all outputs, or one for each
    cdef Py_ssize_t[::1] idle              # epochs without improvement by each criterion
    cdef double[::1] losses                # mean loss of each epoch, with room for more
    cdef double work                       # elements since the last check for Ctrl-C
    cdef readonly double t                 # the next step, from 1
    cdef double epoch_start                # the first step of the last epoch
    cdef readonly Py_ssize_t n_iter        # epochs done
    cdef readonly bint diverged, stopped
    cdef public object look                # called after the first epoch if a prediction was not finite; raises an error if X is not

    cdef int _init_epochs(self, Matrix X, Samples samples, Py_ssize_t k, Py_ssize_t criteria, double t) except -1
    cdef int _check_signals(self, double work) except -1 nogil
    cdef bint _is_idle(self, Py_ssize_t criterion, double tol, Py_ssize_t n_iter_no_change) noexcept nogil
    cdef int _call_back(self, on_epoch) except -1
    cdef int _look(self) except -1 nogil
    cdef int _append_loss(self, double loss) except -1 nogil
    # what subclasses do
    cdef int _epoch(self) except -1 nogil
    cdef bint _learning(self) noexcept nogil
    cdef int _take_snapshot(self) except -1 nogil
    cdef bint _finite(self) noexcept nogil
    cdef bint _saw_nonfinite(self) noexcept nogil
    cdef double _compute_objective(self) except? -1 nogil
    cdef int _stop_idle(self, double tol, Py_ssize_t n_iter_no_change) except -1 nogil
