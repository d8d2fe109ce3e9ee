"""A fit by mini-batches, as its subclasses see it: BatchRun (_sgd/batch/run.pyx) and AutoRun (_sgd/auto/run.pyx)."""
from libc.stdint cimport int32_t

from fastopt._samples.epochs cimport EpochLoop
from fastopt._sgd.batch.plan cimport BatchPlan, Segment
from fastopt._sgd.batch.rows cimport RowBlock, ThreadState
from fastopt._sgd.batch.team_timing cimport TeamTiming


cdef class BatchLoop(EpochLoop):
    cdef object buffers            # arrays that structs point into
    cdef RowBlock block
    cdef ThreadState *thread       # of each thread
    cdef BatchPlan plan
    cdef TeamTiming timing
    cdef int threads
    cdef bint is_hogwild           # threads have batches of their own instead of columns, and share the weights without locks
    cdef bint notes_columns        # CSR: `_note_columns` is called for each chunk
    cdef bint flushes              # numbers too small for full precision count as 0
    cdef bint finished             # no output learns any more
    cdef double[::1] loss_sums     # of the epoch, of each output or of all together
    cdef int32_t[::1] labels
    cdef public object untrained   # the columns that X lacks: makes weights of all columns from those of X; None: X has all

    cdef int _init_block(self, BatchPlan plan, int threads, bint losses_by_output) except -1
    cdef int _init_threads(self, loss, class_weight) except -1
    cdef void _share(self, Py_ssize_t n) noexcept nogil
    cdef void _work(self, int index, int size) noexcept nogil
    cdef void _learn_segment(self, ThreadState *thread, const Segment *segment) noexcept nogil
    cdef int _add_losses(self) except -1 nogil
    # what subclasses do
    cdef int _count_threads(self, int threads, Py_ssize_t batch) except -1
    cdef void _begin_block(self, ThreadState *thread) noexcept nogil
    cdef void _begin_batch(self, ThreadState *thread) noexcept nogil
    cdef void _note_columns(self, ThreadState *thread) noexcept nogil
    cdef void _end_segment(self, ThreadState *thread, const Segment *segment) noexcept nogil
    cdef int _end_block(self) except -1 nogil
    cdef int _end_epoch(self) except -1 nogil
