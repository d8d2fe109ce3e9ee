"""A network of fully connected layers: its parameters and workspace, its epochs, its gradient.

Used by the estimators of fastopt.neural_network.  What a thread does with a batch is in batch.pyx, the arithmetic in csrc/network.
"""
cimport numpy as cnp
from cpython.exc cimport PyErr_CheckSignals
from cython.parallel cimport parallel
from libc.math cimport INFINITY, NAN
from libc.stdint cimport int32_t, uint32_t

import numpy as np

from fastopt._core.load cimport spare
from fastopt._core.memory cimport address
from fastopt._core.own_loss cimport set_loss
from fastopt._core.tables cimport FO_SUMS_none, FO_UNPACKED, Matrix, fo_couples, fo_layer, fo_regularizer, fo_step
from fastopt._core.team cimport fo_team_clock, fo_team_rank, fo_team_size
from fastopt.neural_network._engine.batch cimport (BY_ARRAYS, BY_PARTS, SHARED_WORK, PENALTY_BLOCK, WHOLE, Batch, Net, add_block,
                                                   learn, set_keys, sum_losses, sum_penalties, transpose, work_of_row)
from fastopt.neural_network._engine.layers cimport Layers
from fastopt.neural_network._engine.predict cimport predict
from fastopt._sgd.batch.team_timing cimport choose_team, note_time
from fastopt.optimizers._passes cimport StepPlan

from fastopt._core.memory import aligned
from fastopt._core.tables import ACTIVATIONS_OF_INPUT, PENALTY_NAMES, RULE_NAMES
from fastopt._core.threads import resolve_threads
from fastopt.neural_network._engine.data import batch_totals, dense_or_csr, keys_of, rates, remade, targets, weights_of_rows
from fastopt.exceptions import InvalidParameterError
from fastopt.neural_network._engine.layout import pieces

cnp.import_array()

cdef enum:
    WORK_PER_CALL = 500_000_000    # multiplications between two looks at signals: some 5 ms
    GRADIENT_ROWS = 256            # of a block, where the gradient is that of all rows


cdef int PENALTY_L1 = PENALTY_NAMES.index("l1")
cdef int ADAFACTOR = RULE_NAMES.index("adafactor")   # whose state is that of matrices


cdef int _step_whole(void *owner) noexcept nogil:
    with gil:
        return (<Network>owner)._step_whole()


cdef class Network(Layers):
    """Layers of units, each of them connected to all of the layer before.

    Parameters
    ----------
    sizes : sequence of int
        Units of the input and of each layer.
    activations : sequence of str or of (str, float)
        Of each layer, with a parameter where it has one.
    loss : Loss
        Of the last layer's output, as a raw prediction.
    dtype : dtype
        float32 or float64.
    l2 : float or sequence of float, default=0
        Strength of ½·l2·‖W‖²/Σ weight beside the mean loss of a batch, W the weights without biases; of all layers, or of each.
    l1 : float or sequence of float, default=0
        Strength of l1·‖W‖₁/Σ weight, by a proximal step after the rule's, which has to be one of each weight by itself: weights become exactly 0.
    value_scale : float, default=1
        Of the losses that are told, not of their gradients, nor of penalties: 1/k for means over k outputs.
    dropout : sequence of float or None, default=None
        The share of the input, and of the output of each layer but the last, that an epoch leaves out; what is left is larger for it.
    seed : int, default=0
        Of what is left out, together with the number of the step.
    ema : float, default=0
        What a step leaves of the running mean of the weights that `get_solution` gives; 0: there is none.
    n_threads : int or None, default=None
    """

    def __init__(self, sizes, activations, loss, dtype, *, l2=0.0, l1=0.0, double value_scale=1.0, dropout=None, seed=0, double ema=0.0, n_threads=None):
        cdef Net *net = &self.net
        self._init_layers(sizes, activations, dtype)
        self.loss, self.l2, self.l1, self.seed = loss, l2, l1, seed
        self.dropout = tuple(dropout or [0.0] * net.n_layers)
        self.value_scale, self.threads, self.room = value_scale, resolve_threads(n_threads), 0
        self.kept = [None] * net.n_layers
        self.strengths = np.array(np.broadcast_to(np.asarray(l2, dtype=float), net.n_layers))
        self.penalties = np.zeros(net.n_weights // PENALTY_BLOCK + net.n_layers)
        net.l2, net.penalties, net.penalizes = <double *>address(self.strengths), <double *>address(self.penalties), self.strengths.any() or np.any(l1)
        if np.any(l1):
            self._set_l1(np.broadcast_to(np.asarray(l1, dtype=float), net.n_layers))
        net.owner, net.ema = <void *>self, ema
        self.mean = aligned(net.n_weights, self.dtype) if ema > 0 else None
        net.mean = <char *>address(self.mean)
        set_loss(&net.samples.loss, loss.spec)
        net.samples.k = self.sizes[net.n_layers]
        net.samples.factor = 1

    cdef int _set_l1(self, strengths) except -1:
        """A penalty of each layer, and room for the rule with it."""
        cdef Net *net = &self.net
        cdef Py_ssize_t i
        self.folds = np.zeros(net.n_layers * sizeof(fo_step), np.uint8), np.zeros(net.n_layers * sizeof(fo_regularizer), np.uint8)
        net.folded, net.l1 = <fo_step *>address(self.folds[0]), <fo_regularizer *>address(self.folds[1])
        for i in range(net.n_layers):
            net.l1[i].kind, net.l1[i].alpha = PENALTY_L1, strengths[i]
        return 0

    # ---- the optimizer ----

    def start(self, optimizer):
        """Step by an optimizer from now on, from its first step.

        Parameters
        ----------
        optimizer : Optimizer
            Of any parameters: its settings are taken.
        """
        cdef Update made = optimizer
        cdef StepPlan *plan = &made.plan
        cdef Py_ssize_t i
        flat = [self.flat_w], []
        self.net.stepping = BY_PARTS
        if plan.arrays.at[0].packing != FO_UNPACKED or plan.matrix_step or plan.rules[0].kind == ADAFACTOR:
            self.net.stepping, flat = BY_ARRAYS, self.get_weights()
        elif plan.sums_over != FO_SUMS_none or plan.clip_norm < INFINITY or plan.clip_global_norm < INFINITY:
            self.net.stepping, flat = WHOLE, pieces(self.flat_w, self.places)
        if self.net.stepping != BY_PARTS and self.net.l1 != NULL:
            raise InvalidParameterError(f"l1 must be 0 beside {type(optimizer).__name__} with these settings, whose step is not one of each weight "
                                        f"by itself, got {self.l1!r}")
        self.optimizer = remade(optimizer, *flat)
        self.net.plan = plan = &self.optimizer.plan
        for i, piece in enumerate(sum(pieces(self.flat_g, self.places), []) if self.net.stepping == WHOLE else []):
            plan.arrays.at[i].g = <const char *>address(piece)

    @property
    def learning_rate(self):
        """The learning rate, or the schedule."""
        return self.optimizer.param_groups[0]["lr"]

    @learning_rate.setter
    def learning_rate(self, value):
        for group in self.optimizer.param_groups:
            group["lr"] = value

    cdef int _step_whole(self):
        """A step of an optimizer whose parameters are copies; 1 if it cannot be taken."""
        try:
            weights, gradients = ([a for pair in self._views(flat) for a in pair] for flat in (self.flat_w, self.flat_g))
            for own, w in zip(self.optimizer.params, weights):
                own[...] = w
            self.optimizer.step([np.ascontiguousarray(g) for g in gradients])
            for own, w in zip(self.optimizer.params, weights):
                w[...] = own
            return 0
        except BaseException as error:
            self.error = error
            return 1

    def get_solution(self):
        """The weights to predict with: their running mean, the average that the optimizer recommends, or those of `get_weights`."""
        flat = self.mean
        if self.optimizer.t == 0 or flat is None and self.net.stepping == BY_ARRAYS:
            return self.get_weights()
        if flat is None:
            flat = np.zeros_like(self.flat_w)
            for to, a in zip([flat] if self.net.stepping == BY_PARTS else sum(pieces(flat, self.places), []), self.optimizer.solution()):
                to[...] = a
        coefs, intercepts = self._views(flat)
        return [np.array(w, order="C") for w in coefs], [b.copy() for b in intercepts]

    def get_state(self):
        """The optimizer's state, and the running mean of the weights, for `set_state`."""
        return {**self.optimizer.state_dict(), **({} if self.mean is None else {"mean": self.mean.copy()})}

    def set_state(self, state):
        """Go on where `get_state` was called."""
        self.optimizer.load_state_dict({name: value for name, value in state.items() if name != "mean"})
        if self.mean is not None:
            self.mean[...] = state["mean"]

    # ---- the data at work ----

    cdef int _reserve(self, Py_ssize_t rows) except -1:
        """A workspace of so many rows."""
        cdef Net *net = &self.net
        cdef Py_ssize_t i, k = net.samples.k
        cdef fo_layer *layer
        if rows <= self.room:
            return 0
        arrays = [aligned((rows, self.strides[0]), self.dtype)]
        net.x = address(arrays[0])
        for i in range(net.n_layers):
            layer = &net.layers[i]
            layer.x = net.x if i == 0 else net.layers[i - 1].a
            own = [aligned((rows, layer.out_stride), self.dtype) for _ in range(3 if self.activations[i][0] in ACTIVATIONS_OF_INPUT else 2)]
            arrays += own
            layer.a, layer.delta, layer.z = address(own[0]), address(own[1]), address(own[2] if len(own) > 2 else own[0])
            layer.below = net.layers[i - 1].delta if i > 0 else NULL
            self.kept[i] = aligned((rows, layer.in_stride), self.dtype) if i > 0 and self.dropout[i] > 0 else None
        layer = &net.layers[net.n_layers - 1]
        net.copies = layer.out_stride != layer.units
        net.p, net.c = <char *>layer.a, <char *>layer.delta
        y, weight, p, c = (np.empty((rows, k), self.dtype) for _ in range(4))
        losses = np.zeros(rows)
        arrays += [y, weight, p, c, losses]
        if net.copies:
            net.p, net.c = <char *>address(p), <char *>address(c)
        net.batch_y, net.batch_weight, net.losses = address(y), address(weight), <double *>address(losses)
        self.workspace, self.room = arrays, rows
        return 0

    cdef int _bind(self, X, y, sample_weight) except -1:
        """Rows with their targets and weights, for the batches to come."""
        cdef Net *net = &self.net
        cdef Matrix rows, wanted, weights
        X = dense_or_csr(X, self.dtype, self.sizes[0])
        rows, wanted = Matrix(X), Matrix(targets(y, self.loss, X.shape[0], net.samples.k, self.dtype))
        weights = None
        if sample_weight is not None:
            columns = 1 if fo_couples(&net.samples.loss) else net.samples.k
            weights = Matrix(weights_of_rows(sample_weight, X.shape[0], columns, self.dtype))
        self.inputs = [rows, wanted, weights]
        net.X, net.y = &rows.c, wanted.c
        net.samples.y, net.samples.weight = net.batch_y, NULL
        net.has_weights = weights is not None
        if weights is not None:
            net.weight, net.samples.weight = weights.c, net.batch_weight
        return 0

    cdef int _refresh(self) except -1:
        """Transposed copies after weights were set."""
        if not self.ready:
            transpose(&self.net, 0, 1)
            self.ready = True
        return 0

    # ---- learning ----

    def epoch(self, X, y, sample_weight, order, Py_ssize_t batch_size):
        """Step by the gradient of one batch after the other.

        Parameters
        ----------
        X : ndarray of shape (n, d) or CSR matrix
        y : ndarray of shape (n,) or (n, k)
            Class numbers, or numbers.
        sample_weight : ndarray of shape (n,) or None
        order : ndarray of int
            Rows in their order.
        batch_size : int
            Rows of a batch; the last one may have fewer.

        Returns
        -------
        float
            The sum over batches of loss and penalty, each times the rows of its batch; not finite if some prediction was not.
        """
        cdef Net *net = &self.net
        cdef Py_ssize_t n = len(order), n_batches = (n + batch_size - 1) // batch_size, i, done = 0, each
        self._reserve(min(batch_size, n))
        self._bind(X, y, sample_weight)
        self._refresh()
        rows = np.ascontiguousarray(order, dtype=np.int32)
        if n == 0 or rows.min() < 0 or rows.max() >= net.X.n:
            raise ValueError(f"order must hold rows of X, which has {net.X.n}")
        lr, totals = rates(self.learning_rate, self.optimizer.t, n_batches), batch_totals(sample_weight, rows, batch_size)
        table = np.empty(n_batches * sizeof(Batch), dtype=np.uint8)
        cdef Batch *batches = <Batch *>address(table)
        cdef const double[::1] rate = lr, total = totals
        cdef const uint32_t[::1] keys = keys_of(self.seed, self.optimizer.t, n_batches)
        for i in range(n_batches):
            batches[i].n, batches[i].rows = min(batch_size, n - i * batch_size), <const int32_t *>address(rows) + i * batch_size
            batches[i].known = n - i * batch_size
            batches[i].total, batches[i].lr = total[i], rate[i]
            batches[i].key = keys[i]
        self._drop(True)
        before = self._snapshot()
        net.loss, net.penalty, net.failed = 0, 0, False
        each = max(<Py_ssize_t>1, <Py_ssize_t>WORK_PER_CALL // (work_of_row(net) * batch_size + 1))
        try:
            while done < n_batches and not net.failed:
                with nogil:
                    self._learn(batches, done, min(n_batches, done + each))
                done += each
                PyErr_CheckSignals()
        except BaseException:
            self._restore(before)
            raise
        if net.failed:
            error, self.error = self.error, None
            if not isinstance(error, FloatingPointError):
                self._restore(before)
                raise error
            net.loss = NAN
        return self._told()

    cdef int _drop(self, bint drops) except -1:
        """Whether layers leave out some of what comes in."""
        cdef Py_ssize_t i
        cdef fo_layer *layer
        for i in range(self.net.n_layers):
            layer = &self.net.layers[i]
            layer.whole = self.net.x if i == 0 else self.net.layers[i - 1].a
            layer.dropout = self.dropout[i] if drops else 0
            layer.x = layer.whole if self.kept[i] is None or not drops else address(self.kept[i])
        return 0

    cdef void _learn(self, const Batch *batches, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
        """Some batches: by all threads or by one, whichever was faster with the last ones."""
        cdef int threads = 1 if work_of_row(&self.net) * batches[first].n < SHARED_WORK else spare(self.threads)
        cdef double start = fo_team_clock()
        set_keys(&self.net, batches[first].key)
        if threads == 1:   # not a choice: nothing is learnt from it
            learn(&self.net, batches, first, last, _step_whole, 0, 1)
            return
        if choose_team(&self.timing):
            with parallel(num_threads=threads):
                learn(&self.net, batches, first, last, _step_whole, fo_team_rank(), fo_team_size())
        else:
            learn(&self.net, batches, first, last, _step_whole, 0, 1)
        note_time(&self.timing, fo_team_clock() - start, batches[first].n * (last - first))

    cdef double _told(self) except? -1:
        """Loss and penalty as they are told."""
        self.last_loss, self.last_penalty = self.value_scale * self.net.loss, self.net.penalty
        return self.last_loss + self.last_penalty

    def _changed(self):
        """The arrays that an epoch changes."""
        arrays = [self.flat_w, self.mean, *(a for state in self.optimizer.states for a in state)]
        return [a for a in arrays if a is not None]

    def _snapshot(self):
        """What an epoch changes."""
        return [a.copy() for a in self._changed()], self.optimizer.t, self.optimizer.carries

    def _restore(self, before):
        for own, kept in zip(self._changed(), before[0]):
            own[...] = kept
        self.optimizer.set_counters(before[1], self.optimizer.skipped)
        self.optimizer.carries, self.ready = before[2], False

    def value_and_gradient(self, X, y, sample_weight=None):
        """The mean loss of all rows with the penalty, and its gradient.

        Parameters
        ----------
        X, y, sample_weight
            See `epoch`.

        Returns
        -------
        value : float
        coef_grads, intercept_grads : list of ndarray
        """
        cdef Net *net = &self.net
        cdef Batch batch
        cdef Py_ssize_t n = X.shape[0], at = 0, size = min(n, <Py_ssize_t>GRADIENT_ROWS)
        cdef double total, loss = 0
        cdef int threads
        rows = np.arange(n, dtype=np.int32)
        self._reserve(size)
        self._bind(X, y, sample_weight)
        self._refresh()
        self._drop(False)
        total = batch_totals(sample_weight, rows, n)[0]
        while at < n:
            batch.known = n - at
            batch.n, batch.rows, batch.total = min(size, n - at), <const int32_t *>address(rows) + at, total
            with nogil:
                threads = 1 if work_of_row(net) * batch.n < SHARED_WORK else spare(self.threads)
                if threads == 1:
                    add_block(net, &batch, at > 0, 0, 1)
                else:
                    with parallel(num_threads=threads):
                        add_block(net, &batch, at > 0, fo_team_rank(), fo_team_size())
                loss += sum_losses(net, batch.n)
            at += batch.n
            PyErr_CheckSignals()
        sum_penalties(net, 0, 1)
        net.loss, net.penalty = loss / total, sum_penalties(net, 0, 0) / total
        coefs, intercepts = self._views(self.flat_g)
        return self._told(), [np.array(w, order="C") for w in coefs], [b.copy() for b in intercepts]

    def forward(self, X, layers=None):
        """Activations of the last layer, or of the last of so many.

        Parameters
        ----------
        X : ndarray of shape (n, d) or CSR matrix
        layers : int or None, default=None

        Returns
        -------
        ndarray of shape (n, units)
        """
        cdef Py_ssize_t last = self.net.n_layers if layers is None else layers
        cdef Matrix rows = Matrix(dense_or_csr(X, self.dtype, self.sizes[0]))
        out = np.empty((rows.n, self.sizes[last]), self.dtype)
        predict(&self.net, &rows.c, last, address(out), self.threads)
        return out
