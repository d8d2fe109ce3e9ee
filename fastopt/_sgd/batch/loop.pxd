"""What a fit by mini-batches is to its subclasses: BatchRun (_sgd/batch/run.pyx) and AutoRun (_sgd/auto/run.pyx)."""
from libc.stdint cimport int32_t

from fastopt._sgd.batch.cuts cimport Cuts
from fastopt._sgd.batch.pace cimport Pace
from fastopt._sgd.batch.rows cimport Rows, Seat
from fastopt._samples.epochs cimport Epochs


cdef class BatchEpochs(Epochs):
    cdef object buffers            # arrays that structs point into
    cdef Rows *rows                # of the subclass
    cdef Cuts cuts
    cdef Pace pace
    cdef int threads
    cdef bint apart                # threads have batches of their own
    cdef int32_t[::1] labels
    cdef public object rest        # where X has some columns of the whole: what makes weights of all of them; or None

    cdef int _init_rows(self, Rows *rows, Cuts cuts, int threads, Py_ssize_t kinds) except -1
    cdef int _init_seat(self, Seat *seat, int rank, loss, bint softmax, double *class_weight) except -1
    # what subclasses do
    cdef int _team(self, int threads, Py_ssize_t batch) except -1
    cdef void _work(self, int rank, int size) noexcept nogil
    cdef void _share(self, Py_ssize_t n) noexcept nogil
    cdef int _settle_block(self, Py_ssize_t chunks) except -1 nogil
    cdef int _settle_epoch(self) except -1 nogil


cdef object ordered_weights(class_weight)
