"""The step of Muon: Newton–Schulz iterations that make the momentum of each matrix orthogonal, in memory made once.

Used by fastopt.optimizers._matrix from the first step on: it brings SciPy's BLAS, which large matrices are multiplied by.  Small ones have
a product of their own, csrc/rules/orthogonal.h, where what happens to single elements is too, and are shared among threads.  All next
weights are computed before the first is written.
"""
from cython.parallel cimport prange, threadid
from libc.math cimport sqrt
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy
from scipy.linalg.cython_blas cimport dgemm, sgemm

import numpy as np

cimport numpy as cnp

from fastopt._core.flush cimport fo_flush, fo_mode, fo_unflush
from fastopt._core.load cimport spare
from fastopt._core.tables cimport fo_kernels, fo_product, fo_rule
from fastopt.optimizers._gradients cimport Array
from fastopt.optimizers._passes cimport StepPlan
from fastopt.optimizers._update cimport Update

from fastopt._core.threads import resolve_threads

cnp.import_array()

cdef enum:
    LINE = 64                 # bytes of a vector
    SMALL = 128               # up to this shorter side, and …
    SMALL_SIZE = 65536        # … so many elements, which stay in the cache, matrices have products of their own
    PARALLEL_FROM = 100000    # multiplications of an iteration: less work than this is not worth waking a thread for

# the quintic iteration that brings singular values near 1 (Jordan et al. 2024): x ← a·x + (b·G + c·G²)·x, G = x·xᵀ
cdef double NEWTON_A = 3.4445, NEWTON_B = -4.775, NEWTON_C = 2.0315


ctypedef struct Matrix:       # as it is worked on
    Py_ssize_t array          # its place in the plan
    Py_ssize_t rows, columns  # as they lie in memory
    Py_ssize_t short_side, long_side, stride
    double outputs, inputs
    char *next                # its next weights
    bint small, finite


ctypedef struct Room:         # memory of a thread for the matrix at hand
    char *x
    char *next
    char *gram
    char *polynomial


cdef class MatrixSteps:
    """The steps of the matrices of an update.

    Parameters
    ----------
    update : Update
        Whose matrices are stepped.
    outer : list of tuple of int
        Outputs and inputs of each of its arrays.
    """
    cdef Matrix *matrices
    cdef Room *rooms
    cdef Py_ssize_t count
    cdef int most_threads
    cdef list memory
    cdef double work          # multiplications of an iteration by small matrices

    def __init__(self, Update update, list outer):
        cdef Py_ssize_t i, most = 0, most_square = 0
        cdef int thread
        cdef Matrix *m
        self.memory = []
        self.matrices = <Matrix *>calloc(len(outer) + 1, sizeof(Matrix))
        if not self.matrices:
            raise MemoryError
        for i, w in enumerate(update.params):
            if not update.plan.arrays.at[i].matrices or not w.size:
                continue
            m = &self.matrices[self.count]
            self.count += 1
            m.array = i
            m.rows, m.columns = w.shape if w.flags.c_contiguous else w.shape[::-1]
            m.outputs, m.inputs = outer[i]
            m.short_side, m.long_side = min(m.rows, m.columns), max(m.rows, m.columns)
            m.stride = -(-m.short_side * w.itemsize // LINE) * LINE // w.itemsize
            m.small = m.short_side <= SMALL and m.long_side * m.stride <= SMALL_SIZE
            m.next = self._room(w.nbytes)
            most = max(most, m.long_side * m.stride * w.itemsize)
            most_square = max(most_square, m.short_side * m.stride * w.itemsize)
            if m.small:
                self.work += <double>m.long_side * m.stride * m.short_side
        self.most_threads = max(1, min(resolve_threads(update.requested_threads), self.count))
        self.rooms = <Room *>calloc(self.most_threads, sizeof(Room))
        if not self.rooms:
            raise MemoryError
        for thread in range(self.most_threads):
            self.rooms[thread] = Room(self._room(most), self._room(most), self._room(most_square), self._room(most_square))

    def __dealloc__(self):
        free(self.matrices)
        free(self.rooms)

    cdef char *_room(self, Py_ssize_t size) except NULL:
        """Memory of so many bytes, whole lines."""
        memory = np.empty(size + LINE, np.uint8)
        self.memory.append(memory)
        return <char *>cnp.PyArray_DATA(memory) + (LINE - <size_t>cnp.PyArray_DATA(memory) % LINE)

    def step(self, Update update):
        """Take a step, when its numbers are folded.

        Parameters
        ----------
        update : Update

        Returns
        -------
        int
            The first array that ended up not finite, or −1; those before it and behind it are written too.
        """
        cdef StepPlan *plan = &update.plan
        cdef Py_ssize_t i
        cdef int threads = self.most_threads
        if self.work < PARALLEL_FROM:
            threads = 1
        with nogil:
            threads = spare(threads)
            self._each(plan, threads, False)
            for i in range(self.count):
                if not self.matrices[i].small:
                    compute(plan, &self.matrices[i], &self.rooms[0])
            self._each(plan, threads, True)
        for i in range(self.count):
            if not self.matrices[i].finite:
                return self.matrices[i].array
        return -1

    cdef void _each(self, StepPlan *plan, int threads, bint write) noexcept nogil:
        """Compute the next weights of all small matrices, or write those of all."""
        cdef Py_ssize_t i
        if threads == 1:
            for i in range(self.count):
                one(plan, &self.matrices[i], &self.rooms[0], write)
        else:
            for i in prange(self.count, num_threads=threads, schedule="dynamic", chunksize=4):
                one(plan, &self.matrices[i], &self.rooms[threadid()], write)


cdef void one(StepPlan *plan, Matrix *m, const Room *room, bint write) noexcept nogil:
    cdef fo_mode mode = fo_flush()
    cdef Array *a = &plan.arrays.at[m.array]
    if write:
        if not a.absent:
            a.kernel.muon_move(&a.step, a.n, a.g, m.next, a.w, a.state[0])
    elif m.small:
        compute(plan, m, room)
    fo_unflush(mode)


cdef void compute(const StepPlan *plan, Matrix *m, const Room *room) noexcept nogil:
    """The next weights of a matrix."""
    cdef const Array *a = &plan.arrays.at[m.array]
    cdef const fo_rule *rule = &plan.rules[a.group]
    cdef double size = sqrt(max(1.0, m.outputs / m.inputs)) if rule.b else 0.2 * sqrt(max(m.outputs, m.inputs))
    cdef char *x
    m.finite = True
    if a.absent:
        return
    a.kernel.muon_direction(&a.step, m.rows, m.columns, m.stride, a.g, a.state[0], room.x)
    x = orthogonalised(a, m, room, <int>rule.a)
    m.finite = a.kernel.muon_weights(&a.step, a.step.h.rate * size, m.rows, m.columns, m.stride, x, a.w, m.next)


cdef char *orthogonalised(const Array *a, const Matrix *m, const Room *room, int steps) noexcept nogil:
    """Where x is after so many iterations."""
    cdef int step
    cdef char *x = room.x
    cdef char *next = room.next
    for step in range(steps):
        if m.small:
            multiply_small(a.kernel, m, x, room.gram, room.polynomial, next)
        else:
            multiply_large(a.size, m, x, room.gram, room.polynomial, next)
        x, next = next, x
    return x


cdef void multiply_small(const fo_kernels *kernel, const Matrix *m, char *x, char *gram, char *polynomial, char *next) noexcept nogil:
    cdef Py_ssize_t n = m.short_side, stride = m.stride
    cdef fo_product squared = [n, m.long_side, stride, 1, stride, 1, 0]
    cdef fo_product quartic = [n, n, stride, stride, 1, NEWTON_C, NEWTON_B]
    cdef fo_product moved = [m.long_side, n, stride, stride, 1, 1, NEWTON_A]
    kernel.product(&squared, x, x, NULL, gram)
    kernel.product(&quartic, gram, gram, gram, polynomial)
    kernel.product(&moved, x, polynomial, x, next)


cdef void multiply_large(Py_ssize_t size, const Matrix *m, char *x, char *gram, char *polynomial, char *next) noexcept nogil:
    """The same by BLAS, to which a row is a column."""
    cdef Py_ssize_t n = m.short_side
    gemm(size, b"T", m, n, m.long_side, 1, x, x, 0, gram)
    memcpy(polynomial, gram, n * m.stride * size)
    gemm(size, b"N", m, n, n, NEWTON_C, gram, gram, NEWTON_B, polynomial)
    memcpy(next, x, m.long_side * m.stride * size)
    gemm(size, b"N", m, m.long_side, n, 1, polynomial, x, NEWTON_A, next)


cdef void gemm(Py_ssize_t size, char *how, const Matrix *m, Py_ssize_t count, Py_ssize_t depth, double alpha, char *a, char *b,
               double beta, char *out) noexcept nogil:
    cdef int rows = <int>m.short_side, columns = <int>count, inner = <int>depth, stride = <int>m.stride
    cdef float alpha_float = <float>alpha, beta_float = <float>beta
    if size == 4:
        sgemm(b"N", how, &rows, &columns, &inner, &alpha_float, <float *>a, &stride, <float *>b, &stride, &beta_float, <float *>out,
              &stride)
    else:
        dgemm(b"N", how, &rows, &columns, &inner, &alpha, <double *>a, &stride, <double *>b, &stride, &beta, <double *>out, &stride)
