"""The transducer over a batch: samples shared among threads, each for itself, so that results are the same for any number of them.

Used by the module transducer beside it, which checks arguments before and adds up the losses.  The mathematics is in csrc/sequences.
"""
cimport cython
from cython.parallel cimport prange, threadid
from libc.stdint cimport int32_t, int64_t

import numpy as np

from fastopt._core.load cimport spare
from fastopt._core.tables cimport fo_kernels, fo_transduction, kernels, real

cdef enum:
    LINE = 64    # bytes: what each thread writes to begins with one

#: scores below which one thread does it all
PARALLEL_FROM = 1 << 16


cdef double _loss(const fo_kernels *kernel, fo_transduction s, Py_ssize_t frames, Py_ssize_t length, const int32_t *labels, double factor,
                  const void *p, void *scratch, void *grads) noexcept nogil:
    s.frames, s.length, s.labels = frames, length, labels
    return kernel.sequences.transducer(&s, factor, p, scratch, grads)


@cython.cdivision(True)
def evaluate(const real[:, :, :, ::1] p, const int64_t[::1] frames, const int32_t[::1] labels, const int64_t[::1] starts, int32_t blank,
             const double[::1] factors, double[::1] losses, real[:, :, :, ::1] grads, int threads):
    """The loss of each sample, nan where a score is not finite, and the gradient of their weighted sum.

    Parameters
    ----------
    p : contiguous array of shape (n, T, U + 1, C), none of them 0
        Scores.
    frames : array of shape (n,)
        How many of each sample count, 1 … T: checked, as all that follows.
    labels, starts : arrays of shapes (starts[n],) and (n + 1,)
        Those of sample i are labels[starts[i]:starts[i + 1]], U at most, classes other than the blank.
    blank : int
        A class.
    factors : array of shape (n,)
        What gradients are multiplied by.
    losses : array of shape (n,)
        Output.
    grads : array of the shape of p, or None
        Output.
    threads : int
        At most so many.
    """
    cdef const fo_kernels *kernel = kernels(real is float)
    cdef fo_transduction s
    cdef Py_ssize_t n = p.shape[0], size = p.shape[1] * p.shape[2] * p.shape[3], room, i
    cdef int wanted = spare(<int>max(1, min(threads, n)))
    cdef real *gradient = NULL
    cdef char *scratch
    if grads is not None:
        gradient = &grads[0, 0, 0, 0]
    s.all_frames, s.places, s.classes, s.blank, s.labels = p.shape[1], p.shape[2], p.shape[3], blank, NULL
    s.frames, s.length = np.max(frames), np.max(np.diff(starts))
    room = (kernel.sequences.transducer_scratch(&s) * sizeof(real) + LINE - 1) // LINE * LINE
    memory = np.empty(wanted * room + LINE, np.int8)
    scratch = <char *>((<size_t>memory.ctypes.data + LINE - 1) // LINE * LINE)
    with nogil:
        for i in prange(n, num_threads=wanted, schedule="dynamic", use_threads_if=wanted > 1):
            losses[i] = _loss(kernel, s, frames[i], starts[i + 1] - starts[i], &labels[0] + starts[i], factors[i], &p[0, 0, 0, 0] + i * size,
                              scratch + threadid() * room, gradient + i * size if gradient else NULL)
