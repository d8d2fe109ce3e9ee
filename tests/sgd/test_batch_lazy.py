"""Mini-batches of wide CSR data, whose steps touch only the columns of the batch, against the plain reference, which steps all.

Rows take their values from a few hundred columns of several thousand, so that a column comes back after many steps or few;
what it missed is in its weight then.  That steps were put off is seen by what the run holds.
"""
import gc
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from test_batch_kernel import compare, fit, same

from fastopt import batching
from fastopt._sgd.batch import fit as _linear_batch, lazy as _batch_lazy, run as _batch
from fastopt.exceptions import DivergenceError
from fastopt.linear_model import SGDClassifier, SGDRegressor
from reference.batch import minibatches

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
N, D = 70, 3000
PENALTIES = {"none": {}, "l2": {"l2": 1e-2}, "l1": {"l1": 2e-3}, "elasticnet": {"l2": 7e-3, "l1": 3e-3}}
LR = {"sgd": 0.5, "adagrad": 0.1, "ftrl": 0.2}
#: with l2 the sums of squares of adagrad grow in all columns
LAZY = [(rule, penalty) for rule in LR for penalty in PENALTIES if rule != "adagrad" or penalty in ("none", "l1")]


def wide(k=1, dtype=np.float64, index=np.int32, n=N, d=D, values=4, active=150, seed=0):
    """CSR X of n rows with some `values` each, in columns all over 0 … d − 1; classes."""
    rng = np.random.default_rng(seed)
    columns = np.sort(np.append(rng.choice(d - 2, active - 2, replace=False) + 1, (0, d - 1)))
    own = [np.sort(rng.choice(columns, rng.integers(0, 2 * values), replace=False)) for _ in range(n)]
    indptr = np.append(0, np.cumsum([len(row) for row in own]))
    X = sp.csr_matrix((rng.standard_normal(indptr[-1]).astype(dtype), np.concatenate(own), indptr), shape=(n, d))
    X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
    return X, rng.integers(0, max(k, 2), n)


@pytest.fixture
def puts_off(monkeypatch):
    """Whether the last run put steps off."""
    runs = []

    def run(*args, **options):
        runs.append(_batch_run(*args, **options))
        return runs[-1]

    _batch_run = _batch.BatchRun
    monkeypatch.setattr(_batch, "BatchRun", run)
    monkeypatch.setattr(_linear_batch, "BatchRun", run)
    return lambda: any(isinstance(held, _batch_lazy.LazyColumns) for held in gc.get_referents(runs[-1]))


def agrees(X, y, k, loss="log_loss", *, optimizer="sgd", **options):
    compare(X, y, k, loss, dense=X.toarray(), optimizer=optimizer, **{"lr": LR[optimizer], "sizes": 7, **options})


# ---- what is put off ----

@pytest.mark.parametrize("rule, penalty", LAZY)
def test_steps_are_put_off(puts_off, rule, penalty):
    X, y = wide()
    fit(X, y, 1, "log_loss", optimizer=rule, **PENALTIES[penalty])
    assert puts_off()


@pytest.mark.parametrize("options", [{"optimizer": "adam"}, {"optimizer": "sgd", "settings": {"momentum": 0.9}}, {"average": 3},
                                     {"optimizer": "adagrad", "l2": 1e-3}, {"sizes": 70}], ids=str)
def test_steps_are_not_put_off(puts_off, options):
    """Where a gradient of 0 moves the rule, averages are of all weights, or batches touch much; the results are right too."""
    X, y = wide()
    compare(X, y, 1, "log_loss", dense=X.toarray(), **{"sizes": 7, "lr": 0.05, **options})
    assert not puts_off()


def test_where_steps_begin_to_be_put_off(puts_off):
    """From 48 columns to a value of a batch on."""
    values = sp.csr_matrix((np.ones(40), np.arange(40) % 2, np.arange(0, 41, 2)))
    for d, lazy in ((48 * 5 * 2, False), (48 * 5 * 2 + 1, True)):
        X = sp.csr_matrix((values.data, values.indices, values.indptr), shape=(20, d))
        agrees(X, np.arange(20) % 2, 1, sizes=5, l2=1e-2)
        assert puts_off() == lazy


# ---- against full steps ----

@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1, 7])
@pytest.mark.parametrize("k, loss", [(1, "log_loss"), (3, "log_loss"), (3, "softmax")])
@pytest.mark.parametrize("rule, penalty", LAZY)
@pytest.mark.repeats(5)
def test_every_rule(rule, penalty, k, loss, size, dtype, index):
    X, y = wide(k, dtype, index)
    agrees(X, y, k, loss, optimizer=rule, sizes=size, **PENALTIES[penalty])


@pytest.mark.parametrize("k, loss", [(1, "log_loss"), (3, "softmax")])
@pytest.mark.parametrize("rule, penalty", LAZY)
def test_schedules_clipping_and_both(rule, penalty, k, loss):
    """A rate of 0 is among those of the schedule."""
    X, y = wide(k)

    def falling(t):
        return LR[rule] * (t % 5 > 0) / (1 + t) ** 0.5

    for options in ({"lr": falling}, {"clip_norm": 0.05}, {"clip_norm": 0.3, "lr": falling, "sizes": 1}):
        agrees(X, y, k, loss, optimizer=rule, **{**options, **PENALTIES[penalty]})


@pytest.mark.parametrize("rule, penalty", LAZY)
def test_every_instruction_set(isa, rule, penalty):
    for dtype in (np.float32, np.float64):
        X, y = wide(5, dtype)
        agrees(X, y, 5, optimizer=rule, **PENALTIES[penalty])


@pytest.mark.parametrize("size", [1, 7])
@pytest.mark.parametrize("rule, l1, l2", [("sgd", 0.01, 0.0), ("sgd", 0.01, 0.01), ("adagrad", 0.01, 0.0), ("ftrl", 0.2, 0.01)])
@pytest.mark.parametrize("k, loss", [(1, "log_loss"), (3, "log_loss"), (3, "softmax")])
def test_the_same_zeros(k, loss, rule, l1, l2, size):
    """Exactly those of the reference, some in columns that have values."""
    X, y = wide(k)
    options = {"optimizer": rule, "l1": l1, "l2": l2, "lr": LR[rule], "sizes": size}
    want = minibatches(X.toarray(), (y[:, None] == np.arange(k)) * 1.0, loss, order=[np.arange(N)] * 3, **options)
    assert 0 < np.count_nonzero(want.coef) < np.count_nonzero(X.getnnz(axis=0)) * k
    np.testing.assert_array_equal(fit(X, y, k, loss, shuffle=False, **options)[0] == 0, want.coef == 0)


@pytest.mark.parametrize("rule, penalty", LAZY)
def test_weights_targets_sizes_and_blocks(rule, penalty):
    """Sample and class weights, no intercept, batches of changing sizes, some of all columns, that end in other blocks."""
    X, y = wide(3)
    rng = np.random.default_rng(3)
    for options in ({"weight": rng.random(N), "class_weight": rng.random((3, 2))}, {"intercept": False}, {"block_rows": 16},
                    {"shuffle": False, "sizes": batching.Growing(1, 3, every=2, max_size=N)}):
        agrees(X, y, 3, optimizer=rule, **{**options, **PENALTIES[penalty]})


@pytest.mark.parametrize("rule", LR)
def test_more_steps_than_are_noted(puts_off, rule):
    """An epoch of more than 4,096 steps, and as many between the two rows that have column 7."""
    X, y = wide(n=4400, d=200, values=1, active=100)
    X = X.tolil()
    X[:, 7] = 0
    X[[10, 4399], 7] = 1.0
    agrees(X.tocsr(), y, 1, optimizer=rule, sizes=1, epochs=1, shuffle=False, l1=1e-5,
           **({} if rule == "adagrad" else {"l2": 1e-4}))
    assert puts_off()


@pytest.mark.parametrize("l2", [0.2, 0.5, 1.0])
@pytest.mark.parametrize("clip_norm", [None, 0.5])
def test_strong_decay(puts_off, clip_norm, l2):
    """Steps that leave little of a weight, nothing, or turn it are full ones, among others that are put off."""
    X, y = wide()
    agrees(X, y, 1, l2=l2, l1=1e-3, sizes=1, clip_norm=clip_norm, lr=lambda t: (0.1, 0.5, 0.89, 0.95, 1.0, 1.3)[t % 6])
    assert puts_off()


def test_rows_without_values_zeros_and_repeated_columns():
    X = sp.csr_matrix((np.array([1.0, 0.0, 2.0, -1.0, 0.5, 3.0]), np.array([0, 2999, 5, 5, 2999, 0]),
                       np.array([0, 0, 2, 4, 4, 5, 6])), shape=(6, D))   # column 5 twice in a row
    for rule in LR:
        for size in (1, 2, 4):
            agrees(X, np.arange(6) % 2, 1, optimizer=rule, sizes=size, l1=1e-3)
    empty = sp.csr_matrix((6, D))
    coef, intercept = fit(empty, np.arange(6) % 2, 1, "log_loss", l1=1e-3)[:2]
    assert not coef.any() and np.isfinite(intercept).all()


# ---- in the estimators ----

@pytest.mark.parametrize("rule, penalty", LAZY)
def test_a_start_that_no_row_touches(puts_off, rule, penalty):
    """Weights of columns without values are decayed as all others, from where coef_init has them."""
    X, y = wide()
    start, options = np.linspace(-1, 1, D)[None], PENALTIES[penalty]
    l2, l1 = options.get("l2", 0.0), options.get("l1", 0.0)
    model = SGDClassifier(loss="log_loss", optimizer=rule, batch_size=7, eta0=LR[rule], learning_rate="constant", tol=None,
                          max_iter=3, shuffle=False, penalty=None if penalty == "none" else "elasticnet", alpha=l2 + l1,
                          l1_ratio=l1 / (l1 + l2) if l1 + l2 else 0.5)
    model.fit(X, y, coef_init=start, intercept_init=np.array([0.25]))
    assert puts_off()
    want = minibatches(X.toarray(), y[:, None], "log_loss", optimizer=rule, lr=LR[rule], sizes=7, order=[np.arange(N)] * 3,
                       start=(start.copy(), np.array([0.25])), **options)
    np.testing.assert_allclose(model.coef_, want.coef, rtol=0, atol=1e-9)
    np.testing.assert_allclose(model.intercept_, want.intercept, rtol=0, atol=1e-9)
    np.testing.assert_allclose(model.loss_curve_, want.curve, rtol=1e-9)


@pytest.mark.parametrize("rule", LR)
@pytest.mark.parametrize("multi_class", ["ovr", "multinomial"])
def test_partial_fit_goes_on_exactly(puts_off, multi_class, rule):
    """To the bit, also after pickling in between: nothing is put off over the end of an epoch."""
    X, y = wide(3, np.float32, n=300)   # whose values are too many for columns to be left out
    params = {"loss": "log_loss", "multi_class": multi_class, "optimizer": rule, "batch_size": 7, "alpha": 1e-3, "tol": None,
              "max_iter": 4, "eta0": LR[rule], "learning_rate": "constant", "shuffle": False,
              "penalty": "l1" if rule == "adagrad" else "elasticnet"}
    once, parts = SGDClassifier(**params).fit(X, y), SGDClassifier(**params)
    for _ in range(4):
        parts = pickle.loads(pickle.dumps(parts.partial_fit(X, y, classes=[0, 1, 2])))
        assert puts_off()
    for _ in range(2):
        np.testing.assert_array_equal(once.coef_, parts.coef_)
        np.testing.assert_array_equal(once.intercept_, parts.intercept_)
        assert (once.t_, once.loss_curve_) == (parts.t_, parts.loss_curve_)
        once.partial_fit(X, y), parts.partial_fit(X, y)


def test_same_bits_for_any_number_of_threads():
    X, y = wide(3, np.float32, n=500)
    for rule, penalty in LAZY:
        one, two = (fit(X, y, 3, "log_loss", optimizer=rule, threads=threads, **PENALTIES[penalty]) for threads in (1, 2))
        same(one, two)


def test_divergence(puts_off):
    """What is kept is the last good epoch."""
    X, _ = wide(n=300)
    y = X @ np.linspace(-1, 1, D)
    params = {"optimizer": "sgd", "batch_size": 7, "penalty": "l1", "alpha": 1e-3, "tol": None, "shuffle": False}
    model = SGDRegressor(**params, schedule=lambda t: 0.01 if t < 100 else 1e300, max_iter=5)   # 43 steps an epoch
    with pytest.raises(DivergenceError) as raised:
        model.fit(X, y)
    assert puts_off() and raised.value.epoch == 3
    good = SGDRegressor(**params, learning_rate="constant", eta0=0.01, max_iter=2).fit(X, y)
    np.testing.assert_array_equal(model.coef_, good.coef_)
    assert model.loss_curve_ == good.loss_curve_
