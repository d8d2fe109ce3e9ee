"""The way into the C core: which table of kernels is in use, the registries of lists.h, and X as the kernels see it.

Used by every other compiled module and by the thin Python modules on top.  Knows nothing of estimators.
"""
cimport cython
cimport numpy as cnp
import numpy as np

from fastopt._core.compressed import check_compressed

cnp.import_array()

cdef extern from "fastopt.h" nogil:
    const fo_table *fo_active()
    const fo_table *fo_available(int i)
    int fo_use_isa(const char *name)
    const char *const fo_loss_names[]
    const char *const fo_loss_targets[]
    const char *const fo_coupled_loss_names[]
    const char *const fo_coupled_loss_targets[]
    const char *const fo_own_loss_targets[]
    const char *const fo_likelihood_names[]
    const char *const fo_activation_names[]
    const int fo_activation_sources[]
    const char *const fo_penalty_names[]
    const char *const fo_penalty_places[]
    const char *const fo_schedule_names[]
    const char *const fo_rule_names[]
    const char *const fo_matrix_rule_names[]
    const int fo_rule_states[]
    const int fo_rule_sums[]
    const int fo_schedule_firsts[]

#: how the elements of a dense X may be stored besides
SMALL = {np.dtype(np.float16): FO_FLOAT16, np.dtype(np.int8): FO_INT8, np.dtype(np.uint8): FO_UINT8}

cdef const fo_table *active() noexcept nogil:
    return fo_active()


cdef const fo_kernels *kernels(bint is_float) noexcept nogil:
    return &fo_active().f32 if is_float else &fo_active().f64


cdef int rule_sums(int kind) noexcept nogil:
    """Over what the first pass of a rule sums: enum fo_rule_sums."""
    return fo_rule_sums[kind] if kind < N_ELEMENTWISE else FO_SUMS_none


def isa():
    """Name of the instruction set in use."""
    return fo_active().name.decode()


def available_isas():
    """Names of the instruction sets that this processor can run, best first."""
    names = []
    while fo_available(len(names)) != NULL:
        names.append(fo_available(len(names)).name.decode())
    return names


def set_isa(name):
    """Use the kernels of one instruction set from now on.

    Parameters
    ----------
    name : str
        One of ``fastopt.available_isas()``; ``'base'`` runs on every processor of its kind.

    Raises
    ------
    ValueError
        If that name is unknown, not built in, or not supported by this processor.

    Examples
    --------
    >>> import fastopt as fo
    >>> fo.set_isa(fo.available_isas()[0])
    """
    if name not in available_isas() or not fo_use_isa(name.encode()):
        raise ValueError(f"name must be one of {available_isas()} on this processor, got {name!r}")


def all_finite(cnp.ndarray array):
    """Whether all numbers of an array of float32 or float64, aligned and in one piece, are finite.

    Parameters
    ----------
    array : ndarray

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt._core.tables import all_finite
    >>> all_finite(np.array([1e308, 1e308])), all_finite(np.array([1.0, np.nan]))
    (True, False)
    """
    return kernels(array.dtype.itemsize == 4).all_finite(array.size, cnp.PyArray_DATA(array)) != 0


cdef list _names(const char *const *names):
    cdef list found = []
    while names[len(found)] != NULL:
        found.append(names[len(found)].decode())
    return found


#: names in the order of the C enums, so that an index is the kind in a kernel's struct
LOSS_NAMES = tuple(_names(fo_loss_names))
#: losses of all predictions of a sample together, whose kinds follow
COUPLED_LOSS_NAMES = tuple(_names(fo_coupled_loss_names))
LIKELIHOOD_NAMES = tuple(_names(fo_likelihood_names))
ACTIVATION_NAMES = tuple(_names(fo_activation_names))
#: those whose slope is a function of what comes in, not of what goes out
ACTIVATIONS_OF_INPUT = tuple(name for i, name in enumerate(ACTIVATION_NAMES) if fo_activation_sources[i] == FO_SLOPE_OF_input)
#: the domains of y that a user's own loss may have, whose kinds come last
OWN_LOSS_TARGETS = tuple(_names(fo_own_loss_targets))
#: the domain of y by kind, and by name
KIND_TARGETS = (*_names(fo_loss_targets), *_names(fo_coupled_loss_targets), *OWN_LOSS_TARGETS)
LOSS_TARGETS = dict(zip(LOSS_NAMES + COUPLED_LOSS_NAMES, KIND_TARGETS))
PENALTY_NAMES = tuple(_names(fo_penalty_names))
#: where a penalty goes: lists.h
PENALTY_PLACES = dict(zip(PENALTY_NAMES, _names(fo_penalty_places)))
SCHEDULE_NAMES = tuple(_names(fo_schedule_names))
RULE_NAMES = tuple(_names(fo_rule_names) + _names(fo_matrix_rule_names))
cdef int N_ELEMENTWISE = len(_names(fo_rule_names))
#: arrays of state of the rules that are not for matrices
RULE_STATES = {name: fo_rule_states[kind] for kind, name in enumerate(_names(fo_rule_names))}
#: those of per-sample SGD, which count steps from 1
SGD_SCHEDULE_NAMES = tuple(name for i, name in enumerate(SCHEDULE_NAMES) if fo_schedule_firsts[i] == 1)


cdef class Matrix:
    """X for the kernels: a float32 or float64 array of any strides, or a CSR matrix, used where it lies.

    Parameters
    ----------
    X : ndarray of shape (n, d) or CSR matrix or array
        float32 or float64.  CSR indices may be int32 or int64.
    small : bool
        Whether a dense X may also hold float16, int8 or uint8, which the kernels of objectives take for float32.
    checked : bool
        Whether the arrays of a CSR matrix are known to agree: they are not read for that again.

    Raises
    ------
    TypeError, ValueError
        If X is of another type or dtype, or if its CSR arrays contradict each other.
    """

    def __init__(self, X, bint small=False, *, bint checked=False):
        dtype = getattr(X, "dtype", None)
        if dtype != np.float32 and dtype != np.float64 and not (small and dtype in SMALL and isinstance(X, np.ndarray)):
            others = "float16, int8, uint8, " if small and isinstance(X, np.ndarray) else ""
            raise TypeError(f"X must hold {others}float32 or float64 numbers, got {dtype if dtype is not None else type(X).__name__}")
        if getattr(X, "ndim", 2) != 2:
            raise ValueError(f"X must have 2 dimensions (n, d), got shape {X.shape}")
        self.is_float = dtype != np.float64
        self.c.element = SMALL.get(dtype, FO_REAL)
        self.n, self.d = X.shape
        self.c.n, self.c.d = self.n, self.d
        if self.n < 1 or self.d < 1:
            raise ValueError(f"X must have at least one row and one column, got shape {X.shape}")
        if self.n > 0x7fffffff:
            raise ValueError(f"X may have at most 2147483647 rows, got {self.n}")
        if isinstance(X, np.ndarray):
            self._init_dense(X)
        elif getattr(X, "format", None) == "csr":
            self._init_csr(X)
            data, indices, indptr = self.keep
            if not checked:
                check_compressed(indptr, indices, self.n, self.d, data.shape[0], looks=False)
        else:
            raise TypeError(f"X must be an ndarray or a CSR matrix, got {type(X).__name__}")

    cdef int _init_dense(self, X) except -1:
        cdef Py_ssize_t size = X.itemsize
        self.keep, self.item = X, size
        self.base = <const char *>cnp.PyArray_DATA(<cnp.ndarray>X)
        self.row_stride = X.strides[0]
        self.column_stride = X.strides[1]
        self.row_size = self.d
        self.packs = ((self.d > 1 and self.column_stride != size) or <size_t>self.base % size != 0
                      or (self.n > 1 and self.row_stride % size != 0))
        self.by_columns = (self.packs and self.row_stride == size and <size_t>self.base % size == 0
                           and self.column_stride % size == 0)
        self.c.layout = FO_DENSE
        self.c.data = self.base
        self.c.stride = self.row_stride // size
        return 0

    cdef int _init_csr(self, X) except -1:
        cdef cnp.ndarray data = np.asarray(X.data), indices = np.asarray(X.indices), indptr = np.asarray(X.indptr)
        if indices.dtype != np.int64 or indptr.dtype != np.int64:   # scipy keeps both alike; one odd array is widened
            if indices.dtype != np.int32 or indptr.dtype != np.int32:
                if not (np.issubdtype(indices.dtype, np.integer) and np.issubdtype(indptr.dtype, np.integer)):
                    raise TypeError(f"X.indices and X.indptr must be integers, got {indices.dtype} and {indptr.dtype}")
                indices, indptr = indices.astype(np.int64), indptr.astype(np.int64)
        data, indices, indptr = (np.require(a, None, ["C", "A"]) for a in (data, indices, indptr))
        if data.ndim != 1:
            raise ValueError(f"X.data must have 1 dimension, got {data.ndim}")
        self.keep = (data, indices, indptr)
        self.row_size, self.item = max(1.0, data.shape[0] / self.n), data.itemsize
        self.c.layout = FO_CSR32 if indices.dtype == np.int32 else FO_CSR64
        self.c.data = cnp.PyArray_DATA(data)
        self.c.indices = cnp.PyArray_DATA(indices)
        self.c.indptr = cnp.PyArray_DATA(indptr)
        return 0

    cdef fo_matrix from_row(self, Py_ssize_t i) noexcept nogil:
        """X without its first i rows."""
        cdef fo_matrix part = self.c
        if part.layout == FO_DENSE:
            part.data = <const char *>part.data + i * self.row_stride
        elif part.layout == FO_CSR32:
            part.indptr = <const int32_t *>part.indptr + i
        else:
            part.indptr = <const int64_t *>part.indptr + i
        part.n -= i
        return part

    @property
    def dtype(self):
        return np.dtype(np.float32 if self.is_float else np.float64)

    @property
    def is_sparse(self):
        return self.c.layout != FO_DENSE

    @property
    def arrays(self):
        """What it was made of: the ndarray, or (data, indices, indptr) of CSR."""
        return self.keep
