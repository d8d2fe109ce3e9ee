"""The engine of networks: gradients against central differences, forward against NumPy, epochs against steps one by one, whatever the sizes, the
type, the instruction set, the layout of X."""
import functools

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import check_grad

import fastopt as fo
from fastopt import losses, optimizers, schedules
from fastopt._core.tables import ACTIVATION_NAMES
from fastopt.neural_network._engine import Network
from reference.losses import PLAIN
from reference.row_losses import PLAIN_ROWS

KINKED = ["relu", "leaky_relu", "relu6", "hard_tanh", "hard_sigmoid", "hard_swish", "selu"]
SMOOTH = [name for name in ACTIVATION_NAMES if name not in ("exponential", *KINKED)]
#: a loss of each kind with targets made from uniform numbers (n, k)
LOSSES = {
    "squared_error": (losses.SquaredError(), lambda u: 4 * u - 2),
    "poisson": (losses.Poisson(), lambda u: np.floor(4 * u)),
    "log_loss": (losses.LogLoss(), np.round),
    "log_cosh": (losses.LogCosh(), lambda u: u),
    "multinomial": (losses.Multinomial(), lambda u: np.floor(u[:, 0] * u.shape[1])),
    "smoothed": (losses.Multinomial(label_smoothing=0.1), lambda u: np.floor(u[:, 0] * u.shape[1])),
    "softmax_focal": (losses.SoftmaxFocal(), lambda u: np.floor(u[:, 0] * u.shape[1])),
    "kl_divergence": (losses.KLDivergence(), lambda u: u / u.sum(1, keepdims=True)),
}


def problem(sizes, activation, loss="multinomial", n=30, l2=0.5, dtype=np.float64, seed=0, **options):
    """A network of random weights; X, y."""
    rng = np.random.default_rng(seed)
    net = Network(sizes, [activation] * (len(sizes) - 2) + ["identity"], LOSSES[loss][0], dtype, l2=l2, **options)
    net.set_weights([rng.normal(size=shape) / np.sqrt(shape[0]) for shape in zip(sizes, sizes[1:])], [rng.normal(size=k) / 3 for k in sizes[1:]])
    return net, rng.normal(size=(n, sizes[0])).astype(dtype), LOSSES[loss][1](rng.random((n, sizes[-1]))).astype(dtype)


def flat(weights):
    return np.concatenate([np.ravel(a) for part in weights for a in part])


def load(net, w):
    """Set all weights from one array."""
    shapes = [*zip(net.sizes, net.sizes[1:]), *((k,) for k in net.sizes[1:])]
    parts = np.split(w, np.cumsum([np.prod(shape) for shape in shapes])[:-1])
    arrays = [part.reshape(shape) for part, shape in zip(parts, shapes)]
    net.set_weights(arrays[:len(net.sizes) - 1], arrays[len(net.sizes) - 1:])


def error_of_gradient(net, X, y, weight=None):
    """Norm of the difference between gradient and central differences, as check_grad has it."""
    def value(w):
        load(net, w)
        return net.value_and_gradient(X, y, weight)[0]

    def gradient(w):
        load(net, w)
        return flat(net.value_and_gradient(X, y, weight)[1:])
    w = flat(net.get_weights())
    differences = np.array([(value(w + h) - value(w - h)) / 2e-6 for h in 1e-6 * np.eye(len(w))])
    assert check_grad(value, gradient, w) < 1e-5
    return np.abs(gradient(w) - differences).max()


@pytest.mark.repeats(4)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", SMOOTH)
def test_gradients(activation, loss):
    net, X, y = problem((3, 4, 2, 3), activation, loss)
    assert error_of_gradient(net, X, y) < 1e-6
    assert error_of_gradient(net, X, y, np.random.default_rng(1).random(len(X))) < 1e-6


@pytest.mark.parametrize("activation", KINKED)
def test_gradients_beside_kinks(activation):
    net, X, y = problem((3, 4, 3, 3), activation)
    assert error_of_gradient(net, X, y) < 1e-6


@pytest.mark.parametrize("loss", ["squared_error", "log_loss", "poisson"])
@pytest.mark.parametrize("sizes", [(4, 1), (4, 5, 1), (4, 1, 1), (1, 1, 1), (2, 17, 1, 3, 2)], ids=str)
def test_gradients_of_one_unit(sizes, loss):
    net, X, y = problem(sizes, "tanh", loss, n=9)
    assert error_of_gradient(net, X, y) < 1e-6


def by_numpy(net, X, y, weight, l2):
    """Value and gradient as a textbook has them, relu."""
    coefs, intercepts = net.get_weights()
    name = net.loss.name
    a = [X.astype(float)]
    for i, (w, b) in enumerate(zip(coefs, intercepts)):
        z = a[i] @ w.astype(float) + b
        a.append(np.maximum(z, 0) if i + 1 < len(coefs) else z)
    weight = np.ones(len(X)) if weight is None else weight
    if net.loss.couples_outputs:
        rows = [PLAIN_ROWS[name](int(t), p, **net.loss.params) for t, p in zip(y, a[-1])]
        values, delta = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    else:
        values, delta = PLAIN[name](y, a[-1], **net.loss.params)
        values = values.sum(1)
    value = (weight @ values + l2 / 2 * sum((w.astype(float) ** 2).sum() for w in coefs)) / weight.sum()
    delta = delta * weight[:, None] / weight.sum()
    gw, gb = [], []
    for i in reversed(range(len(coefs))):
        gw.insert(0, a[i].T @ delta + l2 * coefs[i] / weight.sum())
        gb.insert(0, delta.sum(0))
        delta = (delta @ coefs[i].T) * (a[i] > 0)
    return value, flat((gw, gb)), a[-1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes, n", [((20, 32, 16, 1), 32), ((5, 100, 10), 7), ((8, 64, 64, 3), 64), ((130, 17, 33, 2), 129), ((3, 5), 1),
                                      ((1, 1, 1), 1), ((40, 300, 7), 300), ((257, 9, 1), 50)], ids=str)
def test_products(isa, sizes, n, dtype):
    """Sizes on both sides of those of vectors, tiles and blocks."""
    net, X, y = problem(sizes, "relu", "squared_error", n, dtype=dtype)
    weight = np.random.default_rng(2).random(n).astype(dtype) + dtype(0.1)
    value, gradient, raw = by_numpy(net, X, y, weight, 0.5)
    rtol = 2e-4 if dtype == np.float32 else 1e-11
    found = net.value_and_gradient(X, y, weight)
    np.testing.assert_allclose(found[0], value, rtol=rtol)
    np.testing.assert_allclose(flat(found[1:]), gradient, rtol=rtol, atol=rtol * np.abs(gradient).max() / 20)
    np.testing.assert_allclose(net.forward(X), raw, rtol=rtol, atol=rtol)


def test_value_scale_counts_for_losses_alone():
    net, X, y = problem((4, 6, 3), "relu", "squared_error")
    half, _, _ = problem((4, 6, 3), "relu", "squared_error", value_scale=0.5)
    whole, penalty = net.value_and_gradient(X, y), net.last_penalty
    np.testing.assert_allclose(half.value_and_gradient(X, y)[0], (whole[0] - penalty) / 2 + penalty)
    np.testing.assert_array_equal(flat(half.value_and_gradient(X, y)[1:]), flat(whole[1:]))


def test_activations_of_hidden_layers():
    net, X, _ = problem((4, 20, 6, 3), "relu")
    coefs, intercepts = net.get_weights()
    hidden = np.maximum(X @ coefs[0] + intercepts[0], 0)
    np.testing.assert_allclose(net.forward(X, layers=1), hidden)
    np.testing.assert_allclose(net.forward(X, layers=2), np.maximum(hidden @ coefs[1] + intercepts[1], 0))


# ---- epochs ----

def learnt(net, X, y, order=None, weight=None, batch=7, epochs=3):
    """(weights, sums of losses) after some epochs."""
    order = np.random.default_rng(5).permutation(X.shape[0]) if order is None else order
    told = [net.epoch(X, y, weight, order, batch) for _ in range(epochs)]
    return flat(net.get_weights()), np.array(told)


CLIPPED = [("adam", {"clip_norm": 0.01}), ("adam", {"clip_global_norm": 0.05}), ("sgd", {"momentum": 0.9, "clip_norm": 0.1, "clip_value": 0.01}),
           ("lamb", {"clip_global_norm": 0.05}), ("adam", {"amsgrad": True, "maximize": True})]


@pytest.mark.parametrize("name, options", [(name, {}) for name in optimizers.names() if name != "muon"] + CLIPPED, ids=str)
def test_epochs_are_steps_of_the_optimizer(name, options):
    """Every optimizer, against its own steps by gradients of the batches; 30 rows make a last batch of 2."""
    make = functools.partial(optimizers.get(name), **options)
    net, X, y = problem((5, 9, 3), "tanh")
    other, _, _ = problem((5, 9, 3), "tanh")
    net.start(make(np.zeros(1), lr=0.01))
    found, told = learnt(net, X, y)
    weights = other.get_weights()
    optimizer, sums = make([a for part in weights for a in part], lr=0.01), []
    order = np.random.default_rng(5).permutation(len(X))
    for _ in range(3):
        sums.append(0)
        for at in range(0, 30, 7):
            rows = order[at:at + 7]
            value, *gradients = other.value_and_gradient(X[rows], y[rows])
            sums[-1] += value * len(rows)
            optimizer.step([a for part in gradients for a in part])
            other.set_weights(*weights)
    np.testing.assert_allclose(found, flat(weights), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(told, sums, rtol=1e-10)


@pytest.mark.parametrize("options", [{"clip_norm": 0.01}, {"clip_global_norm": 0.01}, {"clip_value": 1e-3}, {"weight_decay": 0.1},
                                     {"moments": "bfloat16"}], ids=str)
def test_settings_of_the_optimizer(options):
    net, X, y = problem((5, 9, 3), "tanh")
    net.start(optimizers.AdamW(np.zeros(1), lr=0.01, **options))
    plain, _, _ = problem((5, 9, 3), "tanh")
    plain.start(optimizers.AdamW(np.zeros(1), lr=0.01))
    assert not np.allclose(learnt(net, X, y)[0], learnt(plain, X, y)[0], rtol=1e-6) and net.optimizer.t == 15


def test_schedules_go_by_batches():
    net, X, y = problem((5, 9, 3), "tanh")
    net.start(optimizers.SGD(np.zeros(1), lr=schedules.ExponentialDecay(0.1, decay_rate=0.5, decay_steps=5)))
    other, _, _ = problem((5, 9, 3), "tanh")
    other.start(optimizers.SGD(np.zeros(1), lr=0.1))
    order = np.random.default_rng(5).permutation(len(X))
    for t in range(15):
        other.learning_rate = 0.1 * 0.5 ** (t / 5)
        other.epoch(X, y, None, order[t % 5 * 7:t % 5 * 7 + 7], 7)
    np.testing.assert_allclose(learnt(net, X, y)[0], flat(other.get_weights()), rtol=1e-12)


def unaligned(a):
    raw = np.empty(a.nbytes + 1, np.uint8)[1:]
    raw[:] = np.frombuffer(a.tobytes(), np.uint8)
    return raw.view(a.dtype).reshape(a.shape)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_layouts_of_x_do_not_matter(dtype):
    def run(change):
        net, X, y = problem((19, 9, 3), "relu", dtype=dtype, n=40)
        X *= np.random.default_rng(3).random(X.shape) < 0.5
        net.start(optimizers.Adam(np.zeros(1), lr=0.01))
        X = change(X)
        return *learnt(net, X, y), net.forward(X), flat(net.value_and_gradient(X, y)[1:])

    def frozen(X):
        X = X.copy()
        X.flags.writeable = False
        return X

    def wide(X):
        X = sp.csr_matrix(X)
        return sp.csr_matrix((X.data, X.indices.astype(np.int64), X.indptr.astype(np.int64)), X.shape)
    wanted = run(np.copy)
    for change in (frozen, unaligned, np.asfortranarray, lambda X: np.repeat(X, 2, 1)[:, ::2], sp.csr_matrix, sp.csc_matrix, wide):
        for a, b in zip(wanted, run(change)):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", [(20, 32, 16, 1), (30, 100, 10)], ids=str)
def test_instruction_sets_agree_to_the_bit(fused_isas, sizes, dtype):
    found = []
    for name in fused_isas:
        fo.set_isa(name)
        net, X, y = problem(sizes, "relu", "log_loss" if sizes[-1] == 1 else "multinomial", 100, dtype=dtype)
        net.start(optimizers.Adam(np.zeros(1), lr=0.01))
        found.append(np.concatenate(learnt(net, X, y, batch=33)))
    for other in found[1:]:
        np.testing.assert_array_equal(found[0], other)


def test_states_go_on_to_the_bit():
    for optimizer in (optimizers.Adam(np.zeros(1), lr=0.01), optimizers.LAMB(np.zeros(1), lr=0.01)):
        once, X, y = problem((5, 9, 3), "tanh")
        once.start(optimizer)
        wanted = learnt(once, X, y, epochs=4)[0]
        first, _, _ = problem((5, 9, 3), "tanh")
        first.start(optimizer)
        learnt(first, X, y, epochs=2)
        second, _, _ = problem((5, 9, 3), "tanh", seed=9)
        second.start(optimizer)
        second.set_weights(*first.get_weights())
        second.set_state(first.get_state())
        np.testing.assert_array_equal(learnt(second, X, y, epochs=2)[0], wanted)


@pytest.mark.parametrize("loss", ["squared_error", "multinomial"])
def test_rows_without_weight_do_not_count(loss):
    """Alone in a batch or beside others, even if their targets are none."""
    net, X, y = problem((5, 9, 3), "tanh", loss, n=21, l2=0.0)
    other, _, _ = problem((5, 9, 3), "tanh", loss, n=21, l2=0.0)
    for each in (net, other):
        each.start(optimizers.SGD(np.zeros(1), lr=0.1))
    weight = np.ones(21)
    weight[7:14] = weight[20] = 0
    order = np.arange(21)
    net.epoch(X, y, weight, order, 7)
    other.epoch(X, y, None, order[:7], 7)
    other.epoch(X, y, None, order[14:20], 7)
    np.testing.assert_allclose(flat(net.get_weights()), flat(other.get_weights()), rtol=1e-12)


def test_numbers_that_are_not_finite_are_told():
    for optimizer in (optimizers.SGD(np.zeros(1), lr=1e200), optimizers.LAMB(np.zeros(1), lr=0.1)):
        net, X, y = problem((5, 9, 3), "identity")
        net.start(optimizer)
        X[3] = np.nan if optimizer.name == "lamb" else X[3]
        assert not np.isfinite(learnt(net, X, y)[1][-1])


def test_gradient_norms_are_of_the_last_batch():
    net, X, y = problem((5, 9, 3), "tanh")
    net.start(optimizers.SGD(np.zeros(1), lr=0.0))
    net.epoch(X, y, None, np.arange(30), 30)
    _, coefs, intercepts = net.value_and_gradient(X, y)
    np.testing.assert_allclose(net.gradient_norms(), [np.hypot(np.linalg.norm(w), np.linalg.norm(b)) for w, b in zip(coefs, intercepts)])


@pytest.mark.parametrize("bad", [{"X": np.zeros((30, 4))}, {"y": np.zeros(29)}, {"weight": np.ones(29)}, {"order": np.array([30])},
                                 {"order": np.array([-1])}, {"order": np.array([], int)}], ids=str)
def test_what_does_not_fit_is_refused(bad):
    net, X, y = problem((5, 9, 3), "tanh")
    net.start(optimizers.SGD(np.zeros(1), lr=0.1))
    before = flat(net.get_weights())
    with pytest.raises(ValueError):
        learnt(net, bad.get("X", X), bad.get("y", y), bad.get("order"), bad.get("weight"))
    with pytest.raises(ValueError):
        net.set_weights([np.zeros((2, 2)), np.zeros((9, 3))], [np.zeros(9), np.zeros(3)])
    np.testing.assert_array_equal(flat(net.get_weights()), before)
