"""`cimport fastopt._core` of other packages: tables of kernels, and the structs that they take."""
from fastopt._core.loss_structs cimport *
from fastopt._core.structs cimport *
from fastopt._core.tables cimport *
