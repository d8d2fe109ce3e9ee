"""The Hessian of an objective in one pass over X, with value and gradient from the same reading: Xᵀ·diag(h)·X.

Used by objective/__init__.py.  Rows are cut into blocks, blocks into parts; for many columns the columns are cut into ranges instead.
Threads take parts or ranges, whose sums are their own and are added in order, so that bits do not depend on threads.  The
arithmetic is csrc/objective/hessian.h.
"""
cimport numpy as cnp
from cython.parallel cimport prange, threadid
from libc.math cimport sqrt
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memcpy, memmove, memset

import numpy as np

from fastopt._samples.rows import row_squares
from fastopt.objective._hessian_softmax import takes_products, softmax_hessian
from fastopt._core.threads import resolve_threads
from fastopt._core.tables cimport FO_CSR32, FO_REAL, Matrix, fo_matrix, kernels
from fastopt._core.load cimport spare
from fastopt._core.structs cimport fo_couples, FO_LOSS_multinomial, FO_GRAM_BLOCK, FO_GRAM_BYTES, FO_GRAM_ROWS, fo_gram
from fastopt.objective._objective cimport Objective
from fastopt.objective._pass cimport PRODUCTS, VALUE, Job

cnp.import_array()

cdef enum:
    PART_BLOCKS = 4             # blocks of a part, at least
    PARTS = 16                  # parts at most
    PART_SIZE = 1 << 13         # numbers of the sums of a part up to which there are so many, else half of them
    PART_COLUMNS = 1024         # columns up to which rows are shared, not columns
    RANGES = 16                 # ranges of columns beyond that

ctypedef struct Plan:
    Job *job
    Py_ssize_t columns, rows    # of the sums
    Py_ssize_t panels, parts, part_blocks, ranges
    Py_ssize_t size             # numbers of the sums of a part
    Py_ssize_t a, b             # the outputs whose block of the Hessian this is
    Py_ssize_t scratch_size, at_right, at_vectors   # bytes
    bint gradient, outer
    double *sums
    double *values              # (parts, 1 + k): value, sums that nobody wants
    char *scratch

ctypedef struct Live:
    Py_ssize_t n
    int32_t *rows
    void *h                     # as in fo_gram; so is c
    void *c


cdef double _share(double part) noexcept nogil:
    """Where, as a share of the columns, the triangle left of it has this share of its area."""
    return 1 - sqrt(1 - part)


cdef void _factors(Plan *plan, Py_ssize_t i, Py_ssize_t n, fo_gram *g, char *vectors, double *values) noexcept nogil:
    """Of n samples from the i-th on: the weights of their outer products and, if wanted, their factors in the gradient."""
    cdef Job *job = plan.job
    cdef Py_ssize_t k = job.k, item = job.item, r
    cdef char *q = vectors
    cdef char *c = vectors + FO_GRAM_BLOCK * k * item
    cdef char *p = job.p + i * k * item
    if plan.gradient:
        values[0] += job.kernels.objective.errors(&job.samples, i, n, NULL, p, c, values + 1)
        _pick(n, k, plan.a, item, c, vectors + (2 * k + 1) * FO_GRAM_BLOCK * item)
        g.c = vectors + (2 * k + 1) * FO_GRAM_BLOCK * item
    memset(q, 0, n * k * item)
    for r in range(n):
        if item == 4:
            (<float *>q)[r * k + plan.b] = 1
        else:
            (<double *>q)[r * k + plan.b] = 1
    job.kernels.objective.curvature(&job.samples, i, n, NULL, p, q, c, values + 1)
    _pick(n, k, plan.a, item, c, vectors + 2 * k * FO_GRAM_BLOCK * item)
    g.h = vectors + 2 * k * FO_GRAM_BLOCK * item


cdef void _pick(Py_ssize_t n, Py_ssize_t k, Py_ssize_t j, Py_ssize_t item, const char *values, char *out) noexcept nogil:
    """Column j of k."""
    cdef Py_ssize_t i
    for i in range(n):
        if item == 4:
            (<float *>out)[i] = (<const float *>values)[i * k + j]
        else:
            (<double *>out)[i] = (<const double *>values)[i * k + j]


ctypedef fused real:
    float
    double


cdef Py_ssize_t _chosen(Py_ssize_t n, const real *h, const real *c, const int32_t *rows, Py_ssize_t first, real *to_h, real *to_c,
                        int32_t *to_rows) noexcept nogil:
    """Copy the samples that have a part in the sums; how many they are."""
    cdef Py_ssize_t r, m = 0, idle = 0
    for r in range(n):
        idle += h[r] == 0
    if idle == 0:   # as with most losses
        memcpy(to_h, h, n * sizeof(real))
        if c != NULL:
            memcpy(to_c, c, n * sizeof(real))
        for r in range(n):
            to_rows[r] = rows[r] if rows else <int32_t>(first + r)
        return n
    for r in range(n):
        to_h[m], to_rows[m] = h[r], rows[r] if rows else <int32_t>(first + r)
        if c != NULL:
            to_c[m] = c[r]
        m += h[r] != 0 or c != NULL and c[r] != 0
    return m


cdef void _keep(Py_ssize_t n, Py_ssize_t item, const int32_t *rows, Py_ssize_t first, const fo_gram *g, Live *live) noexcept nogil:
    """Append the samples that have a part in the sums to those that wait; a squared hinge leaves many out."""
    cdef Py_ssize_t m = live.n
    if item == 4:
        live.n += _chosen[float](n, <const float *>g.h, <const float *>g.c, rows, first, <float *>live.h + m, <float *>live.c + m,
                                 live.rows + m)
    else:
        live.n += _chosen[double](n, <const double *>g.h, <const double *>g.c, rows, first, <double *>live.h + m,
                                  <double *>live.c + m, live.rows + m)


cdef void _add(const Plan *plan, Matrix X, Live *live, fo_gram *g, char *packed) noexcept nogil:
    """The sums of the first samples that wait, at most a block of them."""
    cdef Job *job = plan.job
    cdef Py_ssize_t n = min(<Py_ssize_t>FO_GRAM_BLOCK, live.n), r
    cdef int32_t numbers[FO_GRAM_BLOCK]
    cdef fo_matrix view = X.c
    cdef fo_gram own = g[0]
    own.n, own.h, own.c, own.rows = n, live.h, live.c if g.c != NULL else NULL, live.rows
    if X.packs:
        view.data, view.stride = packed, job.d
        job.kernels.objective.pack(n, job.d, X.item, X.base, X.row_stride, X.column_stride, live.rows, packed)
        for r in range(n):
            numbers[r] = <int32_t>r
        own.rows = numbers
    job.kernels.hessian_rows(&view, &own)
    live.n -= n
    memmove(live.h, <char *>live.h + n * job.item, live.n * job.item)
    memmove(live.c, <char *>live.c + n * job.item, live.n * job.item)
    memmove(live.rows, live.rows + n, live.n * sizeof(int32_t))


cdef void _part(Plan *plan, Matrix X, Py_ssize_t part, Py_ssize_t range_, char *scratch) noexcept nogil:
    """One part of the rows, one range of the columns."""
    cdef Job *job = plan.job
    cdef Py_ssize_t i = part * plan.part_blocks * FO_GRAM_BLOCK, end = min(job.n, i + plan.part_blocks * FO_GRAM_BLOCK), n
    cdef int32_t rows[2 * FO_GRAM_BLOCK]
    cdef char *waiting = scratch + plan.at_vectors + (2 * job.k + 2) * FO_GRAM_BLOCK * job.item
    cdef Live live
    cdef fo_gram g
    live.n, live.rows, live.h, live.c = 0, rows, waiting, waiting + 2 * FO_GRAM_BLOCK * job.item
    memset(&g, 0, sizeof(g))
    g.intercept, g.outer, g.centre = plan.columns > job.d, plan.outer, job.centre
    g.begin = <Py_ssize_t>(plan.panels * _share(<double>range_ / plan.ranges))
    g.end = <Py_ssize_t>(plan.panels * _share(<double>(range_ + 1) / plan.ranges)) if range_ + 1 < plan.ranges else plan.panels
    g.left, g.right = scratch, scratch + plan.at_right
    g.stride = plan.panels * (FO_GRAM_BYTES // job.item)
    g.sums = plan.sums + part * plan.size
    while i < end and g.begin < g.end:
        n = min(<Py_ssize_t>FO_GRAM_BLOCK, end - i)
        _factors(plan, i, n, &g, scratch + plan.at_vectors, plan.values + (part * plan.ranges + range_) * (1 + job.k))
        _keep(n, job.item, job.rows + i if job.rows else NULL, i, &g, &live)
        i += n
        while live.n >= FO_GRAM_BLOCK or live.n > 0 and i >= end:
            _add(plan, X, &live, &g, waiting + 4 * FO_GRAM_BLOCK * job.item)


cdef bint _in_order(Matrix X) noexcept nogil:
    """Whether the columns of each CSR row ascend, none of them twice."""
    if X.c.layout == FO_CSR32:
        return _ascends[int32_t](X.n, <const int32_t *>X.c.indptr, <const int32_t *>X.c.indices)
    return _ascends[int64_t](X.n, <const int64_t *>X.c.indptr, <const int64_t *>X.c.indices)


ctypedef fused index:
    int32_t
    int64_t


cdef bint _ascends(Py_ssize_t n, const index *indptr, const index *indices) noexcept nogil:
    cdef Py_ssize_t i, j
    for i in range(n):
        for j in range(indptr[i] + 1, indptr[i + 1]):
            if indices[j] <= indices[j - 1]:
                return False
    return True


cdef int _plan(Plan *plan, Objective o, bint gradient) except -1:
    """Sizes, by n, d and the number of stored values alone."""
    cdef Job *job = &o.job
    cdef Matrix X = o.X
    cdef Py_ssize_t width = FO_GRAM_BYTES // job.item, blocks = (job.n + FO_GRAM_BLOCK - 1) // FO_GRAM_BLOCK, padded
    plan.job, plan.gradient = job, gradient
    # columns are centred afterwards, as far as they were not when read, by the sums of an intercept
    plan.columns = job.d + (o.fit_intercept or job.weights.centre != NULL)
    plan.rows = plan.columns + gradient
    plan.panels = (plan.columns + width - 1) // width
    plan.size = (plan.rows + FO_GRAM_ROWS - 1) // FO_GRAM_ROWS * FO_GRAM_ROWS * plan.panels * width
    # by stored values alone a product costs some 3 times what it costs in a vector of 16
    plan.outer = X.is_sparse and 3 * X.row_size * X.row_size < job.d * (job.d / 16.0 + 2) and _in_order(X)
    plan.parts, plan.ranges = 1, 1
    if plan.columns <= PART_COLUMNS or plan.outer:
        plan.parts = max(1, min(blocks // PART_BLOCKS, PARTS if plan.size <= PART_SIZE else PARTS // 2))
    else:
        plan.ranges = min(RANGES, plan.panels)
    plan.part_blocks = (blocks + plan.parts - 1) // plan.parts
    padded = (plan.panels * width + width) * FO_GRAM_BLOCK * job.item
    plan.at_right, plan.at_vectors = padded, 2 * padded
    plan.scratch_size = 2 * padded + (2 * job.k + 6) * FO_GRAM_BLOCK * job.item
    plan.scratch_size += job.d * FO_GRAM_BLOCK * X.item if X.packs else 0
    plan.scratch_size = (plan.scratch_size + 127) // 64 * 64
    return 0


def sums(Objective o, w, Py_ssize_t a=0, Py_ssize_t b=0, bint gradient=False):
    """The sums of [h·x, h, c]·[x, 1]ᵀ over the samples: h the second derivative of the mean loss in the predictions a and b, c the
    first in a.

    Leaves, where the gradient is wanted, the value at w with the objective.

    Parameters
    ----------
    o : Objective
    w : ndarray of shape (n_params,)
    a, b : int
        Outputs.
    gradient : bool
        Whether there is a row of c.

    Returns
    -------
    ndarray of shape (d + intercept + gradient, d + intercept)
        Good on and below the diagonal.
    """
    cdef Plan plan
    cdef Py_ssize_t task, tasks, part
    cdef int threads, t
    o = _by_rows(o)
    cdef Job *job = &o.job
    cdef Matrix X = o.X
    with o.lock:
        o._enter(w)
        o._need(PRODUCTS)
        _plan(&plan, o, gradient)
        plan.a, plan.b = a, b
        tasks = plan.parts * plan.ranges
        threads = spare(max(1, min(<int>resolve_threads(o.n_threads), tasks))) if job.n * X.row_size * X.row_size > 1 << 18 else 1
        all_sums = np.zeros((plan.parts, plan.size))
        values = np.zeros((tasks, 1 + job.k))
        scratch = np.empty(threads * plan.scratch_size + 64, dtype=np.int8)
        plan.sums, plan.values = <double *>cnp.PyArray_DATA(all_sums), <double *>cnp.PyArray_DATA(values)
        plan.scratch = <char *>((<size_t>cnp.PyArray_DATA(scratch) + 63) // 64 * 64)
        job.kernels = kernels(X.is_float)
        with nogil:
            for task in prange(tasks, num_threads=threads, schedule="dynamic", use_threads_if=threads > 1):
                t = threadid()
                _part(&plan, X, task // plan.ranges, task % plan.ranges, plan.scratch + t * plan.scratch_size)
        o.passes += 1
        for part in range(1, plan.parts):
            all_sums[0] += all_sums[part]
        if gradient and a == b:
            o.sum_value = float(values[::plan.ranges, 0].sum())
            o.have |= VALUE
    found = all_sums[0].reshape(-1, plan.panels * (FO_GRAM_BYTES // job.item))[:plan.rows, :plan.columns]
    return found if o.columns is None else _standardized(found, job.d, o.rest, o.scale, o.fit_intercept)


def _standardized(sums, Py_ssize_t d, centre, scale, bint intercept):
    """The sums of standardized columns; `centre` is what was not subtracted as X was read."""
    weight, own = sums[d, d], sums[d, :d].copy()
    if centre.any():
        sums[:d, :d] -= np.outer(centre, own) + np.outer(own, centre) - weight * np.outer(centre, centre)
        sums[d:, :d] -= np.outer(sums[d:, d], centre)
    if (scale != 1).any():
        sums[:, :d] /= scale
        sums[:d] /= scale[:, None]
    if not intercept:
        return np.delete(sums[:, :d], d, axis=0)
    return sums


cdef Objective _by_rows(Objective o):
    """The objective itself; of a CSC matrix, one that has a copy of it in CSR, made once."""
    if not o.transposed:
        return o
    known = o._known
    if known.in_rows is None:
        known.in_rows = o.rows(np.arange(o.n_samples))
    return known.in_rows


def at_once(Objective o):
    """Whether the Hessian is summed as that of a softmax over few columns, all outputs at once: its rows can be bounded then."""
    cdef Matrix X = o.X
    if o.job.samples.loss.kind != FO_LOSS_multinomial or o.n_outputs == 1:
        return False
    filled = X.row_size * X.n / <double>o.n_samples if X.is_sparse else None   # CSC: X is transposed
    return takes_products(o.n_outputs, o.n_features + o.fit_intercept, filled)


def _product_hessian(Objective o, w, bint bound):
    """The Hessian of a softmax without l2, in double."""
    y = o.y.astype(np.intp) if bound else None
    return softmax_hessian(_by_rows(o).problem, o.predictions(w), y)


def hessian(Objective o, w, bint whole=True, bint bound=False):
    """The Hessian of an objective at w: one reading of X for each pair of outputs.

    Parameters
    ----------
    o : Objective
    w : ndarray of shape (n_params,)
    whole : bool
        Otherwise it is good on and below the diagonal alone.
    bound : bool
        Whether rows that a softmax predicts wrongly have the curvature of an upper bound of their loss, as far from the minimum a
        Newton step needs it; only where `objective._hessian_softmax` sums.

    Returns
    -------
    ndarray of shape (n_params, n_params)
    """
    cdef Py_ssize_t k = o.n_outputs, d = o.n_features, a, b
    if k == 1:
        out = np.ascontiguousarray(sums(o, w))
    elif at_once(o):
        out = _product_hessian(o, w, bound)
    else:
        out = np.zeros((o.n_params, o.n_params))
        for a in range(k):
            for b in range(a + 1) if fo_couples(&o.job.samples.loss) else (a,):
                block = sums(o, w, a, b)
                _place(out, block if a == b else _mirrored(block), a, b, k, d)
    _add_l2(out, k * d, o._l2)
    return _mirrored(out) if whole else out


def second_order(Objective o, w, bint bound=False):
    """(value, gradient, Hessian, good on and below the diagonal) at w: from one reading of X, and one for the predictions where they
    are not known; several outputs take more.  `bound` is that of `hessian`."""
    cdef Py_ssize_t d = o.n_features
    if o.n_outputs > 1 or o.transposed:
        return *o.value_and_gradient(w), hessian(o, w, whole=False, bound=bound)
    found = sums(o, w, gradient=True)
    gradient, out = found[o.n_params].copy(), np.ascontiguousarray(found[:o.n_params])
    gradient[:d] += o._l2 * w[:d]
    _add_l2(out, d, o._l2)
    return o.value(w), gradient, out


cdef void _add_l2(double[:, ::1] H, Py_ssize_t count, double l2) noexcept:
    """To the diagonal, of so many coefficients."""
    cdef Py_ssize_t i
    for i in range(count):
        H[i, i] += l2


def row_squares_of(Objective o):
    """Squared norms of the rows of X, ndarray of shape (n,); None where X is not read as it lies, row by row."""
    if o.transposed or o.columns is not None or o.X.c.element != FO_REAL:
        return None
    squares = row_squares(o.X)
    return squares if o.rows_ is None else squares[o.rows_]


def _mirrored(lower):
    below = np.tril(lower, -1)
    return np.tril(lower) + below.T


def _place(out, block, Py_ssize_t a, Py_ssize_t b, Py_ssize_t k, Py_ssize_t d):
    """The block of the outputs a and b: coefficients, then intercepts."""
    out[a * d:(a + 1) * d, b * d:(b + 1) * d] = block[:d, :d]
    if len(block) > d:
        out[k * d + a, b * d:(b + 1) * d] = out[k * d + b, a * d:(a + 1) * d] = block[d, :d]
        out[k * d + a, k * d + b] = block[d, d]
