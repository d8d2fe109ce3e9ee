"""Losses of images: planes, a channel of an image each, shared among threads, each for itself, so that results are the same for any number of
them.

Used by the modules beside it, which check shapes and dtypes before and add up the losses.  The mathematics is in csrc/images.
"""
cimport cython
from cython.parallel cimport prange, threadid
from libc.math cimport NAN

import numpy as np

from fastopt._core.load cimport spare
from fastopt._core.tables cimport fo_kernels, fo_plane, kernels, real

#: pixels below which one thread does it all
PARALLEL_FROM = 1 << 14

cdef struct planes:
    const fo_kernels *kernels
    Py_ssize_t n, size           # planes; bytes of one
    fo_plane plane
    const char *y                # NULL: total variation
    const char *x
    char *scratch                # `room` bytes for each thread
    Py_ssize_t room
    char *grads                  # or NULL


cdef double _value(const planes *b, Py_ssize_t i, double factor, int thread) noexcept nogil:
    """The sum over a plane; nan if a pixel is not finite."""
    cdef Py_ssize_t at = i * b.size
    cdef char *scratch = b.scratch + thread * b.room
    cdef char *grads = b.grads + at if b.grads else NULL
    cdef Py_ssize_t pixels = b.plane.height * b.plane.width
    if not b.kernels.all_finite(pixels, b.x + at) or (b.y and not b.kernels.all_finite(pixels, b.y + at)):
        return NAN
    if b.y:
        return b.kernels.images.similarity(&b.plane, factor, b.y + at, b.x + at, scratch, grads)
    return b.kernels.images.variation(&b.plane, factor, b.x + at, scratch, grads)


@cython.cdivision(True)
def evaluate(const real[:, :, ::1] x, const real[:, :, ::1] y, settings, const real[::1] window, const double[::1] factors, double[::1] values,
             real[:, :, ::1] grads, int threads):
    """The sum over the pixels, or windows, of each plane, nan where a pixel is not finite, and the gradient of their weighted sum.

    Parameters
    ----------
    x : contiguous array of shape (n, height, width), none of them 0
        Images.
    y : contiguous array of shape (n, height, width), or None
        Targets; None: total variation.
    settings : tuple
        Of total variation whether it is isotropic, and eps; of similarity c1 and c2.
    window : array of shape (taps,), taps at most height and width, or None
        Of similarity.
    factors : array of shape (n,)
        What gradients are multiplied by.
    values : array of shape (n,)
        Output.
    grads : array of the shape of x, or None
        Output.
    threads : int
        At most so many.
    """
    cdef planes b
    cdef Py_ssize_t i, elements
    cdef int wanted = spare(<int>max(1, min(threads, x.shape[0])))
    b.kernels, b.n, b.plane.height, b.plane.width = kernels(real is float), x.shape[0], x.shape[1], x.shape[2]
    b.size, b.x, b.y, b.grads, b.plane.window = x.shape[1] * x.shape[2] * sizeof(real), <const char *>&x[0, 0, 0], NULL, NULL, NULL
    if grads is not None:
        b.grads = <char *>&grads[0, 0, 0]
    if y is None:
        b.plane.isotropic, b.plane.eps = settings
        elements = b.kernels.images.variation_scratch(&b.plane)
    else:
        b.y, b.plane.window, b.plane.taps = <const char *>&y[0, 0, 0], &window[0], window.shape[0]
        b.plane.c1, b.plane.c2 = settings
        elements = b.kernels.images.similarity_scratch(&b.plane)
    b.room = (elements * sizeof(real) + 63) // 64 * 64
    memory = np.empty(wanted * b.room + 64, np.int8)
    b.scratch = <char *>((<size_t>memory.ctypes.data + 63) // 64 * 64)
    with nogil:
        for i in prange(b.n, num_threads=wanted, schedule="dynamic", use_threads_if=wanted > 1):
            values[i] = _value(&b, i, factors[i], threadid())
