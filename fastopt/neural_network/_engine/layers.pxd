"""The layers of a network, as what is built on them sees them."""
from fastopt.neural_network._engine.batch cimport Net


cdef class Layers:
    cdef Net net
    cdef readonly tuple sizes, activations
    cdef readonly object dtype
    cdef list strides              # of rows of the input and of each layer
    cdef list places               # of each layer: where its weights and its biases begin in the flat arrays
    cdef object flat_w, flat_g     # all parameters, and their gradient
    cdef list transposes           # the copies that `backward` reads
    cdef bint ready                # … are those of the weights

    cdef int _init_layers(self, sizes, activations, dtype) except -1
    cdef int _place(self, Py_ssize_t i) except -1
