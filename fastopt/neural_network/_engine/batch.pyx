"""A thread's share of a batch: its rows forward and backward, then its inputs of all layers, whose gradient it takes and whose weights it
steps.

Used by neural_network/_engine/network.pyx.  Threads meet twice a batch: when all rows are through, and when all weights are stepped.  Each
element of a gradient is summed by one thread over all rows in their order, and losses are summed by chunks of rows whose size depends on
the batch alone: results do not depend on the number of threads.
"""
from libc.stdint cimport uint32_t
from libc.string cimport memcpy

from fastopt._core.flush cimport fo_flush, fo_mode, fo_unflush
from fastopt._core.tables cimport fo_rule, fo_step, kernels
from fastopt._core.team cimport fo_team_wait
from fastopt.optimizers._passes cimport LOOK, states_at, take_step

cdef enum:
    LONG_CHUNK = 64                # rows, of batches that are not worth threads
    CHUNK = 8                      # … and that are: so are those that threads share evenly
    STEP_BYTES = 1 << 17           # of weights whose gradient is stepped while it is in the cache
    LANES = 64                     # bytes of a vector


cdef inline Py_ssize_t _share(Py_ssize_t n, Py_ssize_t each, int rank, int size) noexcept nogil:
    """Where the share of a thread begins among n things, cut at multiples of `each`."""
    return min(n, (n + each - 1) // each * rank // size * each)


cdef Py_ssize_t work_of_row(const Net *net) noexcept nogil:
    """Multiplications of a row: forward, backward and in the gradient."""
    cdef Py_ssize_t i, work = 0
    for i in range(net.n_layers):
        work += 3 * net.layers[i].inputs * net.layers[i].units
    return work


cdef Py_ssize_t chunk_rows(const Net *net, Py_ssize_t n) noexcept nogil:
    """Rows whose losses are summed at once."""
    return CHUNK if work_of_row(net) * n > SHARED_WORK else LONG_CHUNK


cdef void forward_rows(const Net *net, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """All layers of some rows."""
    cdef Py_ssize_t i
    for i in range(net.n_layers):
        net.kernels.network.forward(&net.layers[i], first, last)


cdef void _copy_rows(const Net *net, Py_ssize_t first, Py_ssize_t last, char *tight, char *wide, bint widens) noexcept nogil:
    """Rows of k elements and rows of the last layer, one into the other."""
    cdef const fo_layer *layer = &net.layers[net.n_layers - 1]
    cdef Py_ssize_t i, size = layer.units * net.itemsize, stride = layer.out_stride * net.itemsize
    for i in range(first, last):
        if widens:
            memcpy(wide + i * stride, tight + i * size, size)
        else:
            memcpy(tight + i * size, wide + i * stride, size)


cdef void _errors(Net *net, Py_ssize_t n, double total, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """The losses of some rows, and the delta of the last layer."""
    cdef fo_layer *layer = &net.layers[net.n_layers - 1]
    cdef fo_samples samples = net.samples
    cdef Py_ssize_t each = chunk_rows(net, n), row = samples.k * net.itemsize, i = first, end
    samples.factor = net.samples.factor / total
    if net.copies:
        _copy_rows(net, first, last, net.p, <char *>layer.a, False)
    while i < last:
        end = min(i + each, last)
        net.losses[i // each] = net.kernels.objective.errors(&samples, i, end - i, NULL, net.p + i * row, net.c + i * row, NULL)
        i = end
    if net.copies:
        _copy_rows(net, first, last, net.c, <char *>layer.delta, True)
    net.kernels.network.slope(layer, first, last)


cdef void differentiate(Net *net, const Batch *batch, double total, int rank, int size) noexcept nogil:
    """A thread's rows: forward, losses, backward.  total: what the derivatives are divided by."""
    cdef Py_ssize_t each = chunk_rows(net, batch.n), i, last = _share(batch.n, each, rank + 1, size)
    cdef Py_ssize_t first = _share(batch.n, each, rank, size), n = last - first
    cdef Py_ssize_t known = batch.known if size == 1 else n
    cdef const int32_t *rows = batch.rows + first
    if n <= 0:
        return
    net.kernels.network.gather(net.X, n, known, rows, net.layers[0].in_stride, <char *>net.x + first * net.layers[0].in_stride * net.itemsize)
    net.kernels.network.gather(&net.y, n, n, rows, net.y.d, <char *>net.batch_y + first * net.y.d * net.itemsize)
    if net.has_weights:
        net.kernels.network.gather(&net.weight, n, n, rows, net.weight.d, <char *>net.batch_weight + first * net.weight.d * net.itemsize)
    forward_rows(net, first, last)
    _errors(net, batch.n, total, first, last)
    for i in range(net.n_layers - 1, 0, -1):
        net.kernels.network.backward(&net.layers[i], first, last)
        if not net.layers[i].gated:
            net.kernels.network.slope(&net.layers[i - 1], first, last)


cdef double sum_losses(const Net *net, Py_ssize_t n) noexcept nogil:
    """The losses of n rows."""
    cdef Py_ssize_t i, each = chunk_rows(net, n)
    cdef double total = 0
    for i in range((n + each - 1) // each):
        total += net.losses[i]
    return total


cdef inline Py_ssize_t _weights_of(const fo_layer *layer) noexcept nogil:
    """Elements of its matrix as it lies in memory."""
    return layer.in_stride if layer.out_stride == 1 else layer.inputs * layer.out_stride


cdef double _penalty(const Net *net, Py_ssize_t i, const char *w, Py_ssize_t n) noexcept nogil:
    """The penalty of n weights of a layer."""
    cdef double sum = 0
    if net.l2[i] > 0:
        sum = 0.5 * net.l2[i] * net.kernels.square_sum(n, w)
    if net.l1 != NULL:
        sum += net.kernels.descent.value(&net.l1[i], n, w)
    return sum


cdef double sum_penalties(Net *net, int rank, int size) noexcept nogil:
    """A thread's blocks of the penalties of all weights but the biases; with size 0 their sum."""
    cdef Py_ssize_t i, n, at, block = 0
    cdef double total = 0
    for i in range(net.n_layers):
        n, at = _weights_of(&net.layers[i]), 0
        while at < n:
            if size == 0:
                total += net.penalties[block]
            elif block % size == rank:
                net.penalties[block] = _penalty(net, i, <const char *>net.layers[i].w + at * net.itemsize, min(<Py_ssize_t>PENALTY_BLOCK, n - at))
            at += PENALTY_BLOCK
            block += 1
    return total


cdef inline Py_ssize_t _first_input(const Net *net, const fo_layer *layer, int rank, int size) noexcept nogil:
    """Where the inputs of a layer begin that are a thread's: at whole vectors of a layer of one unit."""
    return _share(layer.inputs, LANES // net.itemsize if layer.out_stride == 1 else 1, rank, size)


cdef void add_gradients(const Net *net, Py_ssize_t n, double total, bint adds, int rank, int size) noexcept nogil:
    """The gradient of a thread's inputs over n rows, or what they add to it."""
    cdef Py_ssize_t i, first, last
    cdef const fo_layer *layer
    for i in range(net.n_layers):
        layer = &net.layers[i]
        first, last = _first_input(net, layer, rank, size), _first_input(net, layer, rank + 1, size)
        if first < last:
            net.kernels.network.gradient(layer, n, net.l2[i] / total, adds, first, last)


cdef void transpose(const Net *net, int rank, int size) noexcept nogil:
    """What `backward` reads of a thread's inputs."""
    cdef Py_ssize_t i, first, last
    cdef const fo_layer *layer
    for i in range(1, net.n_layers):
        layer = &net.layers[i]
        first, last = _first_input(net, layer, rank, size), _first_input(net, layer, rank + 1, size)
        if layer.out_stride > 1 and first < last:
            net.kernels.network.transpose(layer, first, last)


cdef void _step_part(const Net *net, const fo_step *step, const char *w, Py_ssize_t n) noexcept nogil:
    """Step n weights from w on."""
    cdef Py_ssize_t start = (w - net.w) // net.itemsize
    cdef void *state[4]
    states_at(&net.plan.arrays.at[0], start, state)
    net.kernels.step(step, n, net.g + start * net.itemsize, <void *>w, state)
    if net.mean != NULL:
        net.kernels.average(n, net.share, w, net.mean + start * net.itemsize)


cdef void _step_inputs(const Net *net, Py_ssize_t n, double total, int rank, int size) noexcept nogil:
    """Gradients of a thread's inputs over n rows, and their step: some inputs at a time, whose weights then are in the cache, or all."""
    cdef Py_ssize_t i, at, end, last, each, row
    cdef const fo_layer *layer
    if size == 1 and net.l1 == NULL and net.n_weights * net.itemsize <= STEP_BYTES:
        add_gradients(net, n, total, False, 0, 1)
        _step_part(net, &net.plan.folded[0], net.w, net.n_weights)
        transpose(net, 0, 1)
        return
    for i in range(net.n_layers - 1, -1, -1):
        layer = &net.layers[i]
        row = layer.out_stride * net.itemsize
        each = max(<Py_ssize_t>1, STEP_BYTES // row)
        at, last = _first_input(net, layer, rank, size), _first_input(net, layer, rank + 1, size)
        while at < last:
            end = min(at + each, last)
            net.kernels.network.gradient(layer, n, net.l2[i] / total, False, at, end)
            _step_part(net, &net.plan.folded[0] if net.l1 == NULL else &net.folded[i], <const char *>layer.w + at * row, (end - at) * layer.out_stride)
            if at == 0:
                _step_part(net, &net.plan.folded[0], <const char *>layer.b, layer.out_stride)
            if i > 0 and layer.out_stride > 1:
                net.kernels.network.transpose(layer, at, end)
            at = end


cdef void _fold(Net *net, const Batch *batch) noexcept nogil:
    """What a step needs that no element changes: with the optimizer's own l1, and with each layer's beside it."""
    cdef fo_rule *rule = &net.plan.rules[0]
    cdef fo_rule own = rule[0]
    cdef double carry[4]           # FO_CARRIES
    cdef Py_ssize_t i
    rule.lr = own.lr = batch.lr
    net.share = max(1 - net.ema, 1.0 / (net.plan.t + 1))   # the mean of all, as long as they are few
    for i in range(net.n_layers if net.l1 != NULL else 0):
        memcpy(carry, net.plan.carry, sizeof(carry))
        own.l1 = rule.l1 + net.l1[i].alpha / batch.total
        kernels(False).rule_fold(&own, <double>net.plan.t, net.plan.sign, carry, &net.folded[i])
    kernels(False).rule_fold(rule, <double>net.plan.t, net.plan.sign, net.plan.carry, &net.plan.folded[0])
    net.plan.t += 1


cdef void _note(Net *net, const Batch *batch) noexcept nogil:
    """The losses of a batch into those of the epoch."""
    net.loss += sum_losses(net, batch.n) / batch.total * batch.n
    if net.penalizes:
        net.penalty += sum_penalties(net, 0, 0) / batch.total * batch.n


cdef void set_keys(Net *net, uint32_t key) noexcept nogil:
    """What the layers leave out in the next batch."""
    cdef Py_ssize_t i
    for i in range(net.n_layers):
        net.layers[i].key = key + <uint32_t>i * <uint32_t>0x85ebca6b


cdef void add_block(Net *net, const Batch *batch, bint adds, int rank, int size) noexcept nogil:
    """A thread's share of the gradient over a block of rows, or of what they add to it."""
    cdef fo_mode mode = fo_flush()
    differentiate(net, batch, batch.total, rank, size)
    fo_team_wait(&net.team, size)
    add_gradients(net, batch.n, batch.total, adds, rank, size)
    fo_team_wait(&net.team, size)
    fo_unflush(mode)


cdef void learn(Net *net, const Batch *batches, Py_ssize_t first, Py_ssize_t last, whole_step step, int rank, int size) noexcept nogil:
    """A thread's share of the batches first … last − 1."""
    cdef fo_mode mode = fo_flush()
    cdef const Batch *batch
    cdef Py_ssize_t i
    for i in range(first, last):
        batch = &batches[i]
        if batch.total == 0:   # nothing to learn from
            fo_team_wait(&net.team, size)
            if rank == 0:
                set_keys(net, batches[i + 1].key if i + 1 < last else 0)
            fo_team_wait(&net.team, size)
            continue
        differentiate(net, batch, batch.total, rank, size)
        if net.penalizes:
            sum_penalties(net, rank, size)
        if rank == 0 and net.stepping == BY_PARTS:
            _fold(net, batch)
        fo_team_wait(&net.team, size)
        if rank == 0:
            _note(net, batch)
            set_keys(net, batches[i + 1].key if i + 1 < last else 0)   # nobody reads them before the next meeting
        if net.stepping == BY_PARTS:
            _step_inputs(net, batch.n, batch.total, rank, size)
        else:
            add_gradients(net, batch.n, batch.total, False, rank, size)
            fo_team_wait(&net.team, size)
            if rank == 0 and net.stepping == WHOLE:
                net.plan.rules[0].lr = batch.lr
                take_step(net.plan, 1, LOOK)
                net.plan.t += 1
            elif rank == 0:
                net.failed = step(net.owner) != 0
            if rank == 0 and net.mean != NULL:
                net.kernels.average(net.n_weights, max(1 - net.ema, 1.0 / net.plan.t), net.w, net.mean)
            fo_team_wait(&net.team, size)
            if net.failed:
                break
            transpose(net, rank, size)
        fo_team_wait(&net.team, size)
    fo_unflush(mode)
