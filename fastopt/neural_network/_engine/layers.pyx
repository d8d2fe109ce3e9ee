"""The layers of a network and where their parameters lie: one array for all of them, another for their gradient.

Used by neural_network/_engine/network.pyx, which adds data, loss and optimizer.
"""
cimport numpy as cnp
from libc.stdlib cimport calloc, free

import numpy as np

from fastopt._core.memory cimport address
from fastopt._core.tables cimport fo_layer, kernels

from fastopt._core.memory import aligned
from fastopt._core.tables import ACTIVATION_NAMES
from fastopt.neural_network._engine.layout import ALPHAS, placed, views

cnp.import_array()


cdef class Layers:
    """Layers of units, each of them connected to all of the layer before."""

    cdef int _init_layers(self, sizes, activations, dtype) except -1:
        """Units of the input and of each layer, and what these do."""
        cdef Net *net = &self.net
        cdef Py_ssize_t i
        self.sizes, self.dtype, self.transposes = tuple(int(size) for size in sizes), np.dtype(dtype), []
        self.activations = tuple((name, ALPHAS.get(name, 0.0)) if isinstance(name, str) else tuple(name) for name in activations)
        net.kernels, net.itemsize, net.n_layers = kernels(self.dtype == np.float32), self.dtype.itemsize, len(self.sizes) - 1
        self.strides, self.places, total = placed(self.sizes, net.itemsize)
        self.flat_w, self.flat_g = aligned(total, self.dtype), aligned(total, self.dtype)
        net.n_weights, net.w, net.g = total, <char *>address(self.flat_w), <char *>address(self.flat_g)
        net.layers = <fo_layer *>calloc(net.n_layers, sizeof(fo_layer))
        if net.layers == NULL:
            raise MemoryError
        for i in range(net.n_layers):
            self._place(i)
        return 0

    def __dealloc__(self):
        free(self.net.layers)

    cdef int _place(self, Py_ssize_t i) except -1:
        """Where the weights of a layer lie."""
        cdef fo_layer *layer = &self.net.layers[i]
        cdef Py_ssize_t w = self.places[i][0] * self.net.itemsize, b = self.places[i][1] * self.net.itemsize
        layer.activation, layer.alpha = ACTIVATION_NAMES.index(self.activations[i][0]), self.activations[i][1]
        layer.inputs, layer.units = self.sizes[i], self.sizes[i + 1]
        layer.in_stride, layer.out_stride = self.strides[i], self.strides[i + 1]
        layer.w, layer.b, layer.w_gradient, layer.b_gradient = self.net.w + w, self.net.w + b, self.net.g + w, self.net.g + b
        layer.gated = i > 0 and self.activations[i - 1][0] == "relu"
        layer.transposed = <void *>layer.w
        if i > 0 and layer.out_stride > 1:
            copy = aligned(layer.units * layer.in_stride, self.dtype)
            self.transposes.append(copy)
            layer.transposed = address(copy)
        return 0

    # ---- parameters ----

    def _views(self, flat):
        """(coefs, intercepts) in a flat array."""
        return views(flat, self.sizes, self.strides, self.places)

    @property
    def gradient_scale(self):
        """Of the gradients of losses, not of penalties nor of what is told: 1/k for means over k outputs; 1 unless set."""
        return self.net.samples.factor

    @gradient_scale.setter
    def gradient_scale(self, double value):
        self.net.samples.factor = value

    def set_weights(self, coefs, intercepts):
        """Copy weights in.

        Parameters
        ----------
        coefs : list of ndarray of shape (in, out)
        intercepts : list of ndarray of shape (out,)
        """
        for own, given in zip(self._views(self.flat_w), (coefs, intercepts)):
            for to, a in zip(own, given, strict=True):
                if np.shape(a) != to.shape:
                    raise ValueError(f"weights must have shape {to.shape}, got {np.shape(a)}")
                to[...] = a
        self.ready = False

    def get_weights(self):
        """(coefs, intercepts), new arrays."""
        coefs, intercepts = self._views(self.flat_w)
        return [np.array(w, order="C") for w in coefs], [b.copy() for b in intercepts]

    def gradient_norms(self):
        """The norm of the gradient of each layer in the last batch, its penalty's included."""
        coefs, intercepts = self._views(self.flat_g)
        return [float(np.sqrt(np.square(w, dtype=float).sum() + np.square(b, dtype=float).sum())) for w, b in zip(coefs, intercepts)]
