"""CSR rows over the columns in which they have values alone, and the weights of all the other columns, which training only scales: so that a
fit costs what its values cost, however many columns there are.

Used by per-sample SGD (_sgd/per_sample/run.pyx) and by the estimators, which give the weights and take them.  The mathematics is csrc/sgd/sgd.h.
"""
cimport numpy as cnp
from libc.stdint cimport int32_t, int64_t

import numpy as np

from fastopt._core.tables cimport FO_MARKS, Matrix, fo_marks, fo_output, fo_outputs, kernels, real
from fastopt._core.flush cimport fo_flush, fo_mode, fo_unflush
from fastopt._core.memory cimport address
from fastopt._sgd.per_sample.outputs cimport Outputs

from fastopt._sgd.per_sample.outputs import STATE

cnp.import_array()

ctypedef fused index:
    int32_t
    int64_t

cdef enum:
    COLUMNS_PER_VALUE = 4      # from which on the columns that have values are told apart
    MOST_VALUES = 1 << 30
    CHUNK = 256                # trained columns that stay in the cache while all outputs' weights of theirs are moved

#: for Python
PER_VALUE, BEHIND = COLUMNS_PER_VALUE, WITNESSES


cdef Matrix _over(Matrix X, places, Py_ssize_t d):
    """CSR X, whose arrays have been checked, with other numbers of its columns."""
    cdef Matrix close = Matrix.__new__(Matrix)
    data, _, indptr = X.keep
    close.c, close.is_float, close.n, close.item, close.row_size = X.c, X.is_float, X.n, X.item, max(1.0, len(places) / X.n)
    close.d = close.c.d = d
    close.c.indices, close.keep = address(places), (data, places, indptr)
    return close


def narrow(Matrix X):
    """The columns of CSR X that have values, in their order, and X over them and two columns of no row.

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
    >>> from fastopt._core.tables import Matrix
    >>> from fastopt._sgd.per_sample.touched_columns import narrow
    >>> narrow(Matrix(sp.csr_matrix(([1.0, 2.0], [700, 5], [0, 1, 2]), shape=(2, 1000))))[0]
    array([  5, 700], dtype=int32)
    """
    cdef Py_ssize_t m, values
    if not X.is_sparse:
        return None
    data, indices, indptr = X.keep
    values = indptr[X.n]
    if values > MOST_VALUES or COLUMNS_PER_VALUE * values > X.d:
        return None
    marks = np.empty((X.d // FO_MARKS + 1) * sizeof(fo_marks), np.uint8)
    columns, places = np.empty((2, values), indices.dtype)
    m = kernels(X.is_float).touched_columns(&X.c, <fo_marks *>address(marks), address(columns), address(places))
    return columns[:m], _over(X, places, m + WITNESSES)


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
    >>> from fastopt._core.tables import Matrix
    >>> from fastopt._sgd.per_sample.touched_columns import renumbered
    >>> renumbered(Matrix(sp.csr_matrix(np.eye(2))), np.array([4, 1]), 6).d
    6
    """
    indices = X.keep[1]
    return _over(X, numbers.astype(indices.dtype)[indices], d)


def located(columns, among):
    """Where some columns lie among others, which ascend, and whether they are there.

    Parameters
    ----------
    columns, among : ndarray of int

    Returns
    -------
    tuple (ndarray of int, ndarray of bool)

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt._sgd.per_sample.touched_columns import located
    >>> [found.tolist() for found in located(np.array([5, 700]), np.array([700, 6]))]
    [[1, 1], [True, False]]
    """
    at = np.searchsorted(columns, among)
    return at, np.append(columns, -1)[at] == among


cdef TrainedWeights _trained_weights(Outputs out, Py_ssize_t d):
    return TrainedWeights(out.total, out.c.output_stride, out.c.feature_stride, &out.labels[0], d, out.c.w, out.c.w_avg)


cdef void _gather(const TrainedWeights *p, const index[::1] columns, const real *whole, real *part) noexcept nogil:
    cdef Py_ssize_t first = 0, end, i, j
    while first < columns.shape[0]:
        end = min(first + CHUNK, columns.shape[0])
        for j in range(p.k):
            for i in range(first, end):
                part[j * p.output_stride + i * p.feature_stride] = whole[p.labels[j] * p.d + columns[i]]
        first = end


cdef void _scatter(const TrainedWeights *p, const index *columns, Py_ssize_t first, Py_ssize_t end, Py_ssize_t j, const real *part, real *whole) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(first, end):
        whole[p.labels[j] * p.d + columns[i]] = part[j * p.output_stride + i * p.feature_stride]


cdef int _enter(const TrainedWeights *p, const index[::1] columns, bint is_float, void *whole, void *part) except -1:
    """Weights of the trained columns from the whole."""
    if whole == NULL:
        return 0
    if is_float:
        _gather(p, columns, <const float *>whole, <float *>part)
    else:
        _gather(p, columns, <const double *>whole, <double *>part)
    return 0


cdef double _element(bint is_float, const void *array, Py_ssize_t i) noexcept nogil:
    return (<const float *>array)[i] if is_float else (<const double *>array)[i]


cdef void *_from(void *array, Py_ssize_t i, bint is_float) noexcept nogil:
    """The array from its i-th element on."""
    return NULL if array == NULL else <char *>array + i * <Py_ssize_t>(sizeof(float) if is_float else sizeof(double))


cdef void _settle(bint is_float, Py_ssize_t n, const fo_output *states, Py_ssize_t k, Py_ssize_t label, void *w, void *w_avg) noexcept nogil:
    """What training does to the columns that it does not touch, done to n weights of an output: by its two states, k apart."""
    cdef fo_outputs one
    cdef fo_output state
    cdef int i
    one.k, one.single_output, one.output_stride, one.feature_stride = 1, True, n, 1
    one.w, one.w_avg, one.q, one.o = w, w_avg, NULL, &state
    for i in range(2):
        state = states[i * k + label]
        if state.scale != 1 or w_avg != NULL and (state.avg_a != 0 or state.avg_b != 1):
            kernels(is_float).sgd_settle(n, &one)


cdef void _write(const TrainedWeights *p, const index[::1] columns, bint is_float, const fo_output *states, Py_ssize_t k, void *w, void *w_avg) noexcept nogil:
    """Weights of all columns: those of trained ones from the part, when the others are what training has made of them; a chunk of
    trained columns and what lies between them at a time, in the cache."""
    cdef Py_ssize_t m = columns.shape[0], first = 0, start = 0, end, stop, j, at
    cdef const index *own = &columns[0] if m > 0 else NULL
    while start < p.d:
        end = min(m, first + CHUNK)
        stop = p.d if end == m else own[end]
        for j in range(p.k):
            at = p.labels[j] * p.d + start
            _settle(is_float, stop - start, states, k, p.labels[j], _from(w, at, is_float), _from(w_avg, at, is_float))
            if is_float:
                _scatter(p, own, first, end, j, <const float *>p.w, <float *>w)
            else:
                _scatter(p, own, first, end, j, <const double *>p.w, <double *>w)
            if w_avg != NULL and is_float:
                _scatter(p, own, first, end, j, <const float *>p.w_avg, <float *>w_avg)
            elif w_avg != NULL:
                _scatter(p, own, first, end, j, <const double *>p.w_avg, <double *>w_avg)
        first, start = end, stop


cdef class UntouchedColumns:
    """The weights of all columns, of which only some are trained: what training does to the others, scaling and averaging, is seen on the two
    columns of no row, and done to all of them at the end.

    Parameters
    ----------
    coef, coef_avg : ndarray of shape (k, d)
        Weights and their averages; coef_avg may be None.
    columns : ndarray of shape (m,) of int32 or int64
        Those that are trained, in their order.
    dtype : dtype
        In which they are.
    owned : bool
        The arrays may be changed.
    """

    def __init__(self, coef, coef_avg, columns, dtype, bint owned=False):
        self.columns, self.is_float = columns, dtype == np.float32
        self.coef, self.coef_avg = (None if a is None else np.require(a, dtype, ["C", "A"]) for a in (coef, coef_avg))
        self.owned = owned or (self.coef is not coef and (coef_avg is None or self.coef_avg is not coef_avg))
        self.states = np.zeros((2, len(self.coef)), dtype=STATE)

    def enter(self, Outputs out):
        """Give some outputs their weights and averages, and what is seen of all others: of (w, average) what became of (1, 0), (0, 1)."""
        cdef TrainedWeights part = _trained_weights(out, self.coef.shape[1])
        seen, seen_avg = out.last_columns(WITNESSES)
        for whole, own in ((self.coef, out.w), (self.coef_avg, out.w_avg)):
            if self.columns.dtype == np.int32:
                _enter[int32_t](&part, self.columns, self.is_float, address(whole), address(own))
            else:
                _enter[int64_t](&part, self.columns, self.is_float, address(whole), address(own))
        seen[:, 0] = 1
        if seen_avg is not None:
            seen_avg[:, 1] = 1

    cdef int _factors(self, list outputs) except -1:
        """What training has done to the columns that it does not touch: the first state is what was folded into weights on the way,
        w ← a·w and average ← b·w + c·average, the second what is not yet."""
        cdef fo_output *folded = <fo_output *>address(self.states)
        cdef fo_output *after = folded + len(self.coef)
        cdef Outputs out
        cdef Py_ssize_t j, at
        cdef int32_t label
        cdef double kept
        for out in outputs:
            for j in range(out.total):
                label, at = out.labels[j], (out.d - WITNESSES) * out.c.feature_stride + j * out.c.output_stride
                after[label], folded[label] = out.c.o[j], out.c.o[j]
                folded[label].scale = _element(self.is_float, out.c.w, at)
                folded[label].avg_a, folded[label].avg_b = 0, 1
                if out.c.w_avg != NULL:
                    kept = _element(self.is_float, out.c.w_avg, at + out.c.feature_stride)
                    folded[label].avg_a, folded[label].avg_b = _element(self.is_float, out.c.w_avg, at) / kept, 1 / kept
        return 0

    def places(self, among):
        """Some columns, and where those of them that are trained are among them and among the trained: for `all_weights`."""
        at, trained = located(self.columns, among)
        return among, np.flatnonzero(trained), at[trained]

    def trained_weights(self, list outputs):
        """Weights of the trained columns as they are now, and what has been done to all others: for `all_weights`, at any time."""
        cdef Outputs out
        self._factors(outputs)
        return self.states.copy(), [(np.array(out.labels), *out.true_weights()[::2]) for out in outputs]

    def _copies_of(self, list parts, among, here, there):
        """Of some columns, and of two that are 0."""
        cdef Py_ssize_t k = len(self.coef), n = len(among) + WITNESSES, j
        cdef fo_mode mode
        coef, coef_avg = (None if a is None else np.zeros((k, n), a.dtype) for a in (self.coef, self.coef_avg))
        coef[:, :len(among)] = self.coef[:, among]
        if coef_avg is not None:
            coef_avg[:, :len(among)] = self.coef_avg[:, among]
        mode = fo_flush()
        for j in range(k):
            _settle(self.is_float, n, <const fo_output *>address(self.states), k, j, _from(address(coef), j * n, self.is_float),
                    _from(address(coef_avg), j * n, self.is_float))
        fo_unflush(mode)
        for labels, own, own_avg in parts:
            for whole, part in ((coef, own), (coef_avg, own_avg)):
                if whole is not None:
                    whole[labels[:, None], here] = part[:, there]
        return coef, coef_avg

    cdef int _write(self, const TrainedWeights *part, coef, coef_avg) except -1:
        """Into weights of all columns as they were, those of some outputs."""
        cdef const fo_output *states = <const fo_output *>address(self.states)
        cdef fo_mode mode = fo_flush()
        if self.columns.dtype == np.int32:
            _write[int32_t](part, self.columns, self.is_float, states, len(self.coef), address(coef), address(coef_avg))
        else:
            _write[int64_t](part, self.columns, self.is_float, states, len(self.coef), address(coef), address(coef_avg))
        fo_unflush(mode)
        return 0

    def all_weights(self, trained, places=None):
        """Weights and averages from what `trained_weights` gave: of all columns, or over rows that are narrow, of those that were given to `places`."""
        cdef TrainedWeights part
        cdef int32_t[::1] of
        self.states, parts = trained
        if places is not None:
            return self._copies_of(parts, *places)
        coef, coef_avg = (None if a is None else a.copy() for a in (self.coef, self.coef_avg))
        for labels, own, own_avg in parts:
            own, own_avg, of = np.ascontiguousarray(own), None if own_avg is None else np.ascontiguousarray(own_avg), labels
            part = TrainedWeights(len(labels), own.shape[1], 1, &of[0], self.coef.shape[1], address(own), address(own_avg))
            self._write(&part, coef, coef_avg)
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
        cdef TrainedWeights part
        cdef fo_outputs settled
        if self.outputs is None:
            return 0
        for out in self.outputs:
            part, settled = _trained_weights(out, self.coef.shape[1]), out.c
            settled.k = out.total
            kernels(self.is_float).sgd_settle(len(self.columns), &settled)
            self._write(&part, self.coef, self.coef_avg)
        self.outputs = None
        return 0


def assign(dict attributes, dict found, passing, UntouchedColumns untrained, dict before):
    """What a fit found becomes an estimator's attributes, at once: no signal is handled in between.

    Parameters
    ----------
    attributes, found : dict
    passing : iterable of str
        Attributes that are taken away if nothing was found for them.
    untrained : UntouchedColumns or None
        Whose arrays are changed in place.
    before : dict
        What would be put back if an error came; emptied.
    """
    gone = [name for name in passing if name in attributes and name not in found]
    if untrained is not None:
        untrained.write()
    attributes.update(found)
    for name in gone:
        del attributes[name]
    before.clear()
