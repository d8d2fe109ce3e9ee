"""CSR rows over the columns in which they have values alone, and the weights of all the other columns, which training only scales: so that a
fit costs what its values cost, however many columns there are.

Used by per-sample SGD (_sgd.pyx) and by the estimators, which give the weights and take them.  The mathematics is csrc/sgd.h.
"""
cimport numpy as cnp
from libc.stdint cimport int32_t, int64_t, uint64_t

import numpy as np

from fastopt._core cimport Matrix, fo_output, fo_outputs, kernels, real
from fastopt._flush cimport fo_flush, fo_mode, fo_unflush
from fastopt._kept cimport address
from fastopt._outputs cimport Outputs

from fastopt._outputs import STATE

cnp.import_array()

ctypedef fused index:
    int32_t
    int64_t

cdef enum:
    COLUMNS_PER_VALUE = 4      # from which on the columns that have values are told apart
    MOST_VALUES = 1 << 30

#: for Python
PER_VALUE, BEHIND = COLUMNS_PER_VALUE, WITNESSES


cdef Py_ssize_t _tell_apart(const index[::1] indices, int32_t[::1] table, int shift, index[::1] columns, index[::1] places) noexcept nogil:
    """Number the columns in the order in which they come, by a table of numbers + 1 whose size is 2^(64 − shift); how many."""
    cdef Py_ssize_t i, m = 0
    cdef uint64_t at, mask = <uint64_t>table.shape[0] - 1
    cdef int32_t number
    for i in range(indices.shape[0]):
        at = (<uint64_t>indices[i] * <uint64_t>0x9E3779B97F4A7C15) >> shift
        number = table[at]
        while number != 0 and columns[number - 1] != indices[i]:
            at = (at + 1) & mask
            number = table[at]
        if number == 0:
            columns[m] = indices[i]
            m += 1
            number = table[at] = <int32_t>m
        places[i] = <index>(number - 1)
    return m


class _Rows:
    """What Matrix asks of a CSR matrix."""

    format, ndim = "csr", 2

    def __init__(self, shape, data, indices, indptr):
        self.shape, self.dtype, self.data, self.indices, self.indptr = shape, data.dtype, data, indices, indptr


def narrow(Matrix X):
    """The columns of CSR X that have values, and X over them and two columns of no row.

    Parameters
    ----------
    X : Matrix

    Returns
    -------
    tuple (ndarray of shape (m,), Matrix), or None
        None: X is dense, or has too many values for its columns to be told apart.

    Examples
    --------
    >>> import numpy as np
    >>> import scipy.sparse as sp
    >>> from fastopt._core import Matrix
    >>> from fastopt._touched import narrow
    >>> narrow(Matrix(sp.csr_matrix(([1.0, 2.0], [700, 5], [0, 1, 2]), shape=(2, 1000))))[0]
    array([700,   5], dtype=int32)
    """
    cdef Py_ssize_t m, values
    cdef int bits = 4
    if not X.is_sparse:
        return None
    data, indices, indptr = X.keep
    values = indptr[X.n]
    if values > MOST_VALUES or COLUMNS_PER_VALUE * values > X.d:
        return None
    while (<Py_ssize_t>1 << bits) < 2 * values:
        bits += 1
    indices = indices[:values]
    table, columns, places = np.zeros(1 << bits, np.int32), np.empty_like(indices), np.empty_like(indices)
    if indices.dtype == np.int32:
        m = _tell_apart[int32_t](indices, table, 64 - bits, columns, places)
    else:
        m = _tell_apart[int64_t](indices, table, 64 - bits, columns, places)
    return columns[:m], Matrix(_Rows((X.n, m + WITNESSES), data[:values], places, indptr))


def renumbered(Matrix X, numbers, Py_ssize_t d):
    """CSR X with other numbers of its columns, numbers[j] for column j, among d columns.

    Parameters
    ----------
    X : Matrix
    numbers : ndarray of int
    d : int

    Returns
    -------
    Matrix

    Examples
    --------
    >>> import numpy as np
    >>> import scipy.sparse as sp
    >>> from fastopt._core import Matrix
    >>> from fastopt._touched import renumbered
    >>> renumbered(Matrix(sp.csr_matrix(np.eye(2))), np.array([4, 1]), 6).d
    6
    """
    data, indices, indptr = X.keep
    return Matrix(_Rows((X.n, d), data, numbers.astype(indices.dtype)[indices], indptr))


ctypedef struct Part:
    Py_ssize_t k, output_stride, feature_stride   # of some outputs' weights over the trained columns
    const int32_t *labels                         # which outputs
    Py_ssize_t d                                  # columns of the whole


cdef Part _part_of(Outputs out, Py_ssize_t d):
    return Part(out.total, out.c.output_stride, out.c.feature_stride, &out.labels[0], d)


cdef void _gather(const Part *p, const index[::1] columns, const real *whole, real *part) noexcept nogil:
    cdef Py_ssize_t i, j
    for j in range(p.k):
        for i in range(columns.shape[0]):
            part[j * p.output_stride + i * p.feature_stride] = whole[p.labels[j] * p.d + columns[i]]


cdef void _scatter(const Part *p, const index[::1] columns, const real *part, real *whole) noexcept nogil:
    cdef Py_ssize_t i, j
    for j in range(p.k):
        for i in range(columns.shape[0]):
            whole[p.labels[j] * p.d + columns[i]] = part[j * p.output_stride + i * p.feature_stride]


cdef int _move(const Part *p, columns, void *whole, void *part, bint is_float, bint into) except -1:
    """Weights of the trained columns from the whole, or back `into` it."""
    if whole == NULL:
        return 0
    if columns.dtype == np.int32:
        _move_of[int32_t](p, columns, whole, part, is_float, into)
    else:
        _move_of[int64_t](p, columns, whole, part, is_float, into)
    return 0


cdef int _move_of(const Part *p, const index[::1] columns, void *whole, void *part, bint is_float, bint into) except -1:
    if is_float and into:
        _scatter(p, columns, <const float *>part, <float *>whole)
    elif is_float:
        _gather(p, columns, <const float *>whole, <float *>part)
    elif into:
        _scatter(p, columns, <const double *>part, <double *>whole)
    else:
        _gather(p, columns, <const double *>whole, <double *>part)
    return 0


cdef class Rest:
    """The weights of all columns, of which only some are trained: what training does to the others, scaling and averaging, is seen on the two
    columns of no row, and done to all of them at the end.

    Parameters
    ----------
    coef, coef_avg : ndarray of shape (k, d)
        Weights and their averages; coef_avg may be None.
    columns : ndarray of shape (m,) of int32 or int64
        Those that are trained.
    dtype : dtype
        In which they are.
    owned : bool
        The arrays may be changed.
    """

    def __init__(self, coef, coef_avg, columns, dtype, bint owned=False):
        self.columns, self.is_float = columns, dtype == np.float32
        self.coef, self.coef_avg = (None if a is None else np.require(a, dtype, ["C", "A"]) for a in (coef, coef_avg))
        self.owned = owned or (self.coef is not coef and (coef_avg is None or self.coef_avg is not coef_avg))

    def enter(self, Outputs out):
        """Give some outputs their weights and averages, and what is seen of all others: of (w, average) what became of (1, 0), (0, 1)."""
        cdef Part part = _part_of(out, self.coef.shape[1])
        seen, seen_avg = out.last_columns(WITNESSES)
        _move(&part, self.columns, address(self.coef), out.c.w, self.is_float, False)
        _move(&part, self.columns, address(self.coef_avg), out.c.w_avg, self.is_float, False)
        seen[:, 0] = 1
        if seen_avg is not None:
            seen_avg[:, 1] = 1

    cdef int _factors(self, list outputs) except -1:
        """What training has done to the columns that it does not touch: `before` is what was folded into weights on the way, w ← a·w and
        average ← b·w + c·average, `after` what is not yet."""
        cdef Outputs out
        self.before = np.zeros(len(self.coef), dtype=STATE)
        self.after = self.before.copy()
        for out in outputs:
            labels = np.asarray(out.labels)
            seen, seen_avg = out.last_columns(WITNESSES)
            self.after[labels] = out.state
            self.before["scale"][labels], self.before["avg_b"][labels] = seen[:, 0], 1
            if seen_avg is not None:
                self.before["avg_a"][labels], self.before["avg_b"][labels] = seen_avg[:, 0] / seen_avg[:, 1], 1 / seen_avg[:, 1]
        return 0

    cdef int _scale(self, coef, coef_avg) except -1:
        """Do it to all columns."""
        cdef fo_outputs all_of
        cdef fo_mode mode
        all_of.k, all_of.lone, all_of.output_stride, all_of.feature_stride = len(coef), False, coef.shape[1], 1
        all_of.w, all_of.w_avg, all_of.q = address(coef), address(coef_avg), NULL
        for state in (self.before, self.after):
            if (state["scale"] != 1).any() or coef_avg is not None and ((state["avg_a"] != 0).any() or (state["avg_b"] != 1).any()):
                all_of.o = <fo_output *>address(state)
                mode = fo_flush()
                kernels(self.is_float).sgd_settle(coef.shape[1], &all_of)
                fo_unflush(mode)
        return 0

    def places(self, among):
        """Some columns, and where those of them that are trained are among them and among the trained: for `copies`."""
        order = np.argsort(self.columns)
        at = np.searchsorted(self.columns, among, sorter=order)
        at = order[np.minimum(at, len(order) - 1)] if len(order) else at
        trained = self.columns[at] == among if len(order) else np.zeros(len(among), dtype=bool)
        return among, np.flatnonzero(trained), at[trained]

    def snapshot(self, list outputs):
        """Weights of the trained columns as they are now, and what has been done to all others: for `copies`, at any time."""
        cdef Outputs out
        self._factors(outputs)
        return self.before, self.after, [(np.array(out.labels), *out.true_weights()[::2]) for out in outputs]

    def _copies_of(self, list parts, among, here, there):
        """Of some columns, and of two that are 0."""
        coef, coef_avg = (None if a is None else np.zeros((len(a), len(among) + WITNESSES), a.dtype) for a in (self.coef, self.coef_avg))
        coef[:, :len(among)] = self.coef[:, among]
        if coef_avg is not None:
            coef_avg[:, :len(among)] = self.coef_avg[:, among]
        self._scale(coef, coef_avg)
        for labels, own, own_avg in parts:
            for whole, part in ((coef, own), (coef_avg, own_avg)):
                if whole is not None:
                    whole[labels[:, None], here] = part[:, there]
        return coef, coef_avg

    def copies(self, snapshot, places=None):
        """Weights and averages of a snapshot: of all columns, or over rows that are narrow, of those that were given to `places`."""
        self.before, self.after, parts = snapshot
        if places is not None:
            return self._copies_of(parts, *places)
        coef, coef_avg = (None if a is None else a.copy() for a in (self.coef, self.coef_avg))
        self._scale(coef, coef_avg)
        m = len(self.columns)
        for labels, own, own_avg in parts:
            for whole, part in ((coef, own), (coef_avg, own_avg)):
                if whole is not None:
                    whole[labels[:, None], self.columns] = part[:, :m]
        return coef, coef_avg

    def promise(self, list outputs):
        """Weights and averages of all columns as `write` will leave them, once the outputs learn no more."""
        self._factors(outputs)
        if not self.owned:
            self.coef, self.coef_avg = (None if a is None else a.copy() for a in (self.coef, self.coef_avg))
            self.owned = True
        self.outputs = outputs
        return self.coef, self.coef_avg

    cdef int write(self) except -1:
        """Keep a promise, if one was given."""
        cdef Outputs out
        cdef Part part
        cdef fo_outputs settled
        if self.outputs is None:
            return 0
        self._scale(self.coef, self.coef_avg)
        for out in self.outputs:
            part, settled = _part_of(out, self.coef.shape[1]), out.c
            settled.k = out.total
            kernels(self.is_float).sgd_settle(len(self.columns), &settled)
            _move(&part, self.columns, address(self.coef), out.c.w, self.is_float, True)
            _move(&part, self.columns, address(self.coef_avg), out.c.w_avg, self.is_float, True)
        self.outputs = None
        return 0


def assign(dict attributes, dict found, passing, Rest rest, dict before):
    """What a fit found becomes an estimator's attributes, at once: no signal is handled in between.

    Parameters
    ----------
    attributes, found : dict
    passing : iterable of str
        Attributes that are taken away if nothing was found for them.
    rest : Rest or None
        Whose arrays are changed in place.
    before : dict
        What would be put back if an error came; emptied.
    """
    gone = [name for name in passing if name in attributes and name not in found]
    if rest is not None:
        rest.write()
    attributes.update(found)
    for name in gone:
        del attributes[name]
    before.clear()
