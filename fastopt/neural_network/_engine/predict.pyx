"""Activations of a layer for all rows: blocks of them, each through all layers, shared among threads.

Used by neural_network/_engine/network.pyx.  Each thread has the activations of one block: memory does not grow with the number of rows.
"""
from cython.parallel cimport parallel
from libc.stdint cimport int32_t
from libc.string cimport memcpy

import numpy as np

from fastopt._core.flush cimport fo_flush, fo_mode, fo_unflush
from fastopt._core.load cimport spare
from fastopt._core.memory cimport address
from fastopt._core.tables cimport fo_layer, fo_matrix
from fastopt._core.team cimport fo_team_rank, fo_team_size

from fastopt._core.memory import aligned

cdef enum:
    ROWS = 128                     # of a block
    MIN_WORK_PER_THREAD = 1 << 22  # multiplications

ctypedef struct Block:             # of one thread
    fo_layer *layers
    void *x
    int32_t *rows


cdef void _block(const Net *net, const fo_matrix *X, const Block *own, Py_ssize_t n_layers, Py_ssize_t first, Py_ssize_t n, char *out) noexcept nogil:
    """Rows first … first + n − 1."""
    cdef const fo_layer *last = &own.layers[n_layers - 1]
    cdef Py_ssize_t i, size = last.units * net.itemsize
    for i in range(n):
        own.rows[i] = <int32_t>(first + i)
    net.kernels.network.gather(X, n, n, own.rows, own.layers[0].in_stride, own.x)
    for i in range(n_layers):
        net.kernels.network.forward(&own.layers[i], 0, n)
    for i in range(n):
        memcpy(out + (first + i) * size, <const char *>last.a + i * last.out_stride * net.itemsize, size)


cdef void _blocks(const Net *net, const fo_matrix *X, const Block *blocks, Py_ssize_t n_layers, char *out, int rank, int size) noexcept nogil:
    """The blocks of a thread."""
    cdef fo_mode mode = fo_flush()
    cdef Py_ssize_t n_blocks = (X.n + ROWS - 1) // ROWS, i
    for i in range(n_blocks * rank // size, n_blocks * (rank + 1) // size):
        _block(net, X, &blocks[rank], n_layers, i * ROWS, min(<Py_ssize_t>ROWS, X.n - i * ROWS), out)
    fo_unflush(mode)


cdef int predict(const Net *net, const fo_matrix *X, Py_ssize_t n_layers, void *out, int threads) except -1:
    """The activations of the layer number n_layers into out (n, units)."""
    cdef Py_ssize_t i, work = 0
    cdef int j, used
    cdef Block *blocks
    cdef fo_layer *layer
    for i in range(n_layers):
        work += net.layers[i].inputs * net.layers[i].units
    used = spare(<int>max(1, min(threads, work * X.n // MIN_WORK_PER_THREAD)))
    dtype, table, arrays = np.float32 if net.itemsize == 4 else np.float64, np.empty(used * sizeof(Block), np.uint8), []
    blocks = <Block *>address(table)
    for j in range(used):
        layers, rows = np.empty(n_layers * sizeof(fo_layer), np.uint8), np.empty(ROWS, np.int32)
        x = aligned((ROWS, net.layers[0].in_stride), dtype)
        arrays += [layers, rows, x]
        blocks[j].layers, blocks[j].rows, blocks[j].x = <fo_layer *>address(layers), <int32_t *>address(rows), address(x)
        for i in range(n_layers):
            layer = &blocks[j].layers[i]
            layer[0] = net.layers[i]
            layer.dropout, layer.x = 0, address(arrays[len(arrays) - 1])
            arrays.append(aligned((ROWS, layer.out_stride), dtype))
            layer.a = layer.z = address(arrays[len(arrays) - 1])
    if used == 1:
        with nogil:
            _blocks(net, X, blocks, n_layers, <char *>out, 0, 1)
    else:
        with nogil, parallel(num_threads=used):
            _blocks(net, X, blocks, n_layers, <char *>out, fo_team_rank(), fo_team_size())
    return 0
