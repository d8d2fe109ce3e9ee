"""Activations of the last layer for all rows."""
from fastopt._core.tables cimport fo_matrix
from fastopt.neural_network._engine.batch cimport Net

cdef int predict(const Net *net, const fo_matrix *X, Py_ssize_t n_layers, void *out, int threads) except -1
