"""What a fit by epochs is to its subclasses: per-sample SGD (_sgd/per_sample/run.pyx) and mini-batches (_sgd/batch/loop.pyx)."""
from fastopt._core.tables cimport Matrix, fo_kernels
from fastopt._samples.order cimport Samples


cdef class Epochs:
    cdef Matrix X
    cdef Samples samples
    cdef const fo_kernels *kernels
    cdef Py_ssize_t k                      # outputs
    cdef double[::1] objective, best       # of each part that is judged by itself
    cdef Py_ssize_t[::1] idle              # epochs without improvement of each part
    cdef double[::1] losses                # mean loss of each epoch, with room for more
    cdef double work                       # elements since the last look for Ctrl-C
    cdef readonly double t                 # the next step, from 1
    cdef double epoch_start                # the first step of the last epoch
    cdef readonly Py_ssize_t n_iter        # epochs done
    cdef readonly bint diverged, stopped

    cdef int _init_epochs(self, Matrix X, Samples samples, Py_ssize_t k, Py_ssize_t parts, double t) except -1
    cdef int _look_up(self, double work) except -1 nogil
    cdef bint _is_idle(self, Py_ssize_t part, double tol, Py_ssize_t n_iter_no_change) noexcept nogil
    cdef int _tell(self, on_epoch) except -1
    cdef int _note(self, double loss) except -1 nogil
    # what subclasses do
    cdef int _epoch(self) except -1 nogil
    cdef bint _learning(self) noexcept nogil
    cdef void _keep(self, bint back) noexcept nogil
    cdef bint _finite(self) noexcept nogil
    cdef double _sum_up(self) except? -1 nogil
    cdef int _judge(self, double tol, Py_ssize_t n_iter_no_change) except -1 nogil
