"""parallel="hogwild": threads take batches of a block and step the same weights without locks (Niu et al. 2011).

Used by _sgd/batch/run.pyx.  Gradients, parts of predictions and notes of columns are each thread's own; weights, the rule's state and
intercepts are all threads', read and written as they come: a step of one may be lost between the reading and the writing of
another, which is why results are not reproducible.  (In the words of C11 these are data races; on the processors that there
are loads and stores of aligned numbers are whole, and the kernels keep no number over a call.)
"""
cimport numpy as cnp
from cython.parallel cimport parallel
from libc.stdlib cimport calloc, free

import numpy as np

from fastopt._sgd.batch.cuts cimport Part
from fastopt._sgd.batch.lazy cimport lend, settle_lazily
from fastopt._sgd.batch.work cimport Work, Worker, work_wild
from fastopt._core.team cimport fo_team_rank, fo_team_size

cnp.import_array()


cdef class Wild:
    """The threads' own parts of a run."""

    def __init__(self, int threads):
        self.threads, self.buffers = threads, []
        self.own = <Work *>calloc(threads, sizeof(Work))
        if self.own == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.own)

    cdef int set_up(self, const Work *shared, w, bint lazy) except -1:
        """Copies of what is shared, with arrays of their own; `lazy`: batches step only the columns that they touch."""
        cdef Py_ssize_t k = shared.weights.k
        cdef Work *own
        cdef int rank, turn
        for rank in range(self.threads):
            own = &self.own[rank]
            own[0] = shared[0]
            g, turns = np.zeros_like(w), np.zeros((2, k))
            sums = np.empty(2 * shared.rows.blocks * shared.rows.chunk_rows * k, w.dtype)
            self.buffers += [g, turns, sums]
            own.weights.g, own.rows.sums = <char *>cnp.PyArray_DATA(g), <char *>cnp.PyArray_DATA(sums)
            for turn in range(2):
                own.weights.b_turns[turn] = <double *>cnp.PyArray_DATA(turns) + turn * k
            if lazy:
                self.buffers.append(lend(&own.weights, w))
        return 0

    cdef void block(self, Work *shared, Worker *workers, double t) noexcept nogil:
        """A block of rows, from step `t` on; each part of it is a batch, so that no batch is two threads'."""
        cdef Py_ssize_t i
        cdef Part *part
        for i in range(shared.rows.n_parts):
            part = <Part *>&shared.rows.part[i]
            part.size, part.begins, part.ends = part.n, True, True
        with parallel(num_threads=self.threads):
            work_wild(shared, &self.own[fo_team_rank()], &workers[fo_team_rank()], fo_team_size(), t)
        shared.weights.plan.t += shared.rows.n_parts

    cdef void settle(self) noexcept nogil:
        """At the end of an epoch, what columns missed."""
        cdef int rank
        for rank in range(self.threads):
            if self.own[rank].weights.lazy != NULL:
                settle_lazily(&self.own[rank].weights)
