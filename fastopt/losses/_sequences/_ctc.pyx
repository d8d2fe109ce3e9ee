"""Connectionist temporal classification of a batch: samples shared among threads, each for itself, so that results are the same for any
number of them.

Used by the module ctc beside it, which checks arguments before and adds up the losses.  The mathematics is in csrc/sequences.
"""
cimport cython
from cython.parallel cimport prange, threadid
from libc.stdint cimport int32_t, int64_t

import numpy as np

from fastopt._core.load cimport spare
from fastopt._core.tables cimport fo_kernels, fo_sequence, kernels, real

cdef enum:
    LINE = 64    # bytes: what each thread writes to begins with one

#: scores, and states of alignments, below which one thread does it all
PARALLEL_FROM = 1 << 16

cdef struct batch:
    const fo_kernels *kernels
    Py_ssize_t frames, n, classes, size    # of p; bytes of an element
    const char *p
    const int64_t *counted                 # (n,) frames of each sample that count
    int32_t blank
    char *scratch                          # `room` bytes for each thread
    Py_ssize_t room


cdef fo_sequence _sequence(const batch *b, Py_ssize_t frames, Py_ssize_t length, const int32_t *labels) noexcept nogil:
    cdef fo_sequence s
    s.frames, s.behind, s.classes, s.stride, s.blank = frames, b.frames - frames, b.classes, b.n * b.classes, b.blank
    s.length, s.labels = length, labels
    return s


cdef object _make_room(batch *b, Py_ssize_t bytes, int threads):
    """Scratch of so many bytes for each thread; what is returned holds it."""
    b.room = (bytes + LINE - 1) // LINE * LINE
    memory = np.empty(threads * b.room + LINE, np.int8)
    b.scratch = <char *>((<size_t>memory.ctypes.data + LINE - 1) // LINE * LINE)
    return memory


cdef double _loss(const batch *b, Py_ssize_t i, const int32_t *labels, const int64_t *starts, double factor, char *grads,
                  int thread) noexcept nogil:
    cdef fo_sequence s = _sequence(b, b.counted[i], starts[i + 1] - starts[i], labels + starts[i])
    cdef Py_ssize_t at = i * b.classes * b.size
    return b.kernels.sequences.ctc(&s, factor, b.p + at, b.scratch + thread * b.room, grads + at if grads else NULL)


@cython.cdivision(True)
def evaluate(const real[:, :, ::1] p, const int64_t[::1] frames, const int32_t[::1] labels, const int64_t[::1] starts, int32_t blank,
             const double[::1] factors, double[::1] losses, real[:, :, ::1] grads, int threads):
    """The loss of each sample, nan where a score is not finite, and the gradient of their weighted sum.

    Parameters
    ----------
    p : contiguous array of shape (T, n, C), none of them 0
        Scores.
    frames : array of shape (n,)
        How many of each sample count, at most T: checked, as all that follows.
    labels, starts : arrays of shapes (starts[n],) and (n + 1,)
        Those of sample i are labels[starts[i]:starts[i + 1]], classes other than the blank.
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
    cdef batch b
    cdef fo_sequence largest
    cdef Py_ssize_t i
    cdef int wanted = spare(<int>max(1, min(threads, p.shape[1])))
    cdef char *gradient = NULL
    b.kernels, b.frames, b.n, b.classes, b.size = kernels(real is float), p.shape[0], p.shape[1], p.shape[2], sizeof(real)
    b.p, b.counted, b.blank = <const char *>&p[0, 0, 0], &frames[0], blank
    if grads is not None:
        gradient = <char *>&grads[0, 0, 0]
    largest = _sequence(&b, np.max(frames), np.max(np.diff(starts)), NULL)
    memory = _make_room(&b, b.kernels.sequences.ctc_scratch(&largest) * b.size, wanted)
    with nogil:
        for i in prange(b.n, num_threads=wanted, schedule="dynamic", use_threads_if=wanted > 1):
            losses[i] = _loss(&b, i, &labels[0], &starts[0], factors[i], gradient, threadid())


cdef Py_ssize_t _decoded(const batch *b, Py_ssize_t i, Py_ssize_t beam, int32_t *labels, double *score, int thread) noexcept nogil:
    cdef fo_sequence s = _sequence(b, b.counted[i], beam, NULL)
    cdef const char *p = b.p + i * b.classes * b.size
    if beam == 0:
        return b.kernels.sequences.ctc_greedy(&s, p, labels, score)
    return b.kernels.sequences.ctc_beam(&s, p, b.scratch + thread * b.room, labels, score)


@cython.cdivision(True)
def decode(const real[:, :, ::1] p, const int64_t[::1] frames, int32_t blank, Py_ssize_t beam, int32_t[:, ::1] labels, int64_t[::1] counts,
           double[::1] scores, int threads):
    """The labels that each sample stands for.

    Parameters
    ----------
    p, frames, blank, threads
        See `evaluate`.
    beam : int
        Prefixes that a search keeps; 0: those of the most probable alignment.
    labels : array of shape (n, T)
        Output: those of sample i are labels[i, :counts[i]].
    counts : array of shape (n,)
        Output; -1 where a score is not finite.
    scores : array of shape (n,), or None
        Output: logarithms of probabilities.
    """
    cdef batch b
    cdef fo_sequence largest
    cdef Py_ssize_t i
    cdef int wanted = spare(<int>max(1, min(threads, p.shape[1])))
    cdef double *score = NULL
    b.kernels, b.frames, b.n, b.classes, b.size = kernels(real is float), p.shape[0], p.shape[1], p.shape[2], sizeof(real)
    b.p, b.counted, b.blank = <const char *>&p[0, 0, 0], &frames[0], blank
    largest = _sequence(&b, np.max(frames), beam, NULL)
    memory = _make_room(&b, b.kernels.sequences.ctc_beam_scratch(&largest), wanted)
    if scores is not None:
        score = &scores[0]
    with nogil:
        for i in prange(b.n, num_threads=wanted, schedule="dynamic", use_threads_if=wanted > 1):
            counts[i] = _decoded(&b, i, beam, &labels[i, 0], score + i if score else NULL, threadid())
