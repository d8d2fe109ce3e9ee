"""optimizer="auto" keeps what docs/auto.md promises: no scale of X or y matters, statistics change no prediction, and few passes
come near the optimum that SciPy finds.  Said of the reference, which is the specification; the engine is compared with it."""
import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp

from reference.auto import Auto, Columns, fit


def table(n=600, d=6, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) + rng.uniform(-3, 3, d)
    return X, (X @ rng.standard_normal(d) + rng.standard_normal(n))[:, None]


def predictions(auto, X):
    w, b = auto.result()
    return X @ w.T + b


def share_explained(auto, X, Y):
    return 1 - ((Y - predictions(auto, X)) ** 2).sum() / ((Y - Y.mean()) ** 2).sum()


@pytest.mark.parametrize("loss", ["squared_error", "hinge", "log_loss", "poisson"])
def test_scale_and_origin_of_columns_do_not_matter(loss):
    X, Y = table()
    Y = {"hinge": np.sign(Y), "log_loss": (Y > 0) * 1.0, "poisson": np.exp(Y / 10)}.get(loss, Y)
    scale, origin = 10.0 ** np.array([-8, -3, 0, 2, 5, 8]), np.array([0, 1, -2, 3, 0, 5])
    here, there = (fit(Z, Y, loss, max_iter=2) for Z in (X, (X + origin) * scale))
    np.testing.assert_allclose(predictions(here, X), predictions(there, (X + origin) * scale), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error"])
@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
def test_scale_and_origin_of_targets_do_not_matter(loss, l1_ratio):
    X, Y = table()
    here, there = (fit(X, Z, loss, max_iter=2, alpha=0.05, l1_ratio=l1_ratio) for Z in (Y, 1e6 * Y + 3e6))
    np.testing.assert_allclose(1e6 * predictions(here, X) + 3e6, predictions(there, X), rtol=1e-8)


def test_statistics_are_those_of_the_formulas():
    X, _ = table(n=300)
    weight = np.random.default_rng(1).integers(0, 4, 300).astype(float)
    columns, repeated = Columns(6, True), Columns(6, True)
    columns.add(X, weight)
    repeated.add(np.repeat(X, weight.astype(int), axis=0), np.ones(int(weight.sum())))
    mean = np.average(X, axis=0, weights=weight)
    away = np.abs(X - mean)
    np.testing.assert_allclose(columns.mean, mean, rtol=1e-12)
    np.testing.assert_allclose(columns.inverse_scale, weight @ away / (weight @ away**2), rtol=1e-12)
    np.testing.assert_allclose(columns.inverse_scale, repeated.inverse_scale, rtol=1e-12)
    assert columns.uncentred < 1e-12


def test_statistics_of_a_stream_come_near_those_of_all_rows():
    X, _ = table(n=3000)
    whole, stream = Columns(6, True), Columns(6, True)
    whole.add(X, np.ones(3000))
    for row in X:
        stream.add(row[None], np.ones(1))
    np.testing.assert_allclose(stream.mean, whole.mean, rtol=1e-12)
    np.testing.assert_allclose(stream.inverse_scale, whole.inverse_scale, rtol=0.03)


def test_a_rare_column_of_ones_has_a_scale_like_a_frequent_one():
    """The standard deviation of the rare one is 30 times smaller."""
    X = np.zeros((4000, 2))
    X[::1000, 0] = X[::2, 1] = 1
    for centred in (True, False):
        columns = Columns(2, centred)
        columns.add(X, np.ones(4000))
        np.testing.assert_allclose(columns.inverse_scale, [2, 2] if centred else [1, 1], rtol=0.3)


@pytest.mark.parametrize("value", [0.1, -1e8, 1e-300, 0.0])
def test_a_constant_column_is_left_alone(value):
    X, Y = table()
    X[:, 2] = value
    w, _ = fit(X, Y, "squared_error", max_iter=2).result()
    assert w[0, 2] == 0 and np.isfinite(w).all()


def test_new_statistics_change_no_prediction():
    X, Y = table()
    auto = fit(X, Y, "squared_error", max_iter=1)
    before = predictions(auto, X)
    auto.observe(3 * X + 100, Y)
    np.testing.assert_allclose(predictions(auto, X), before, rtol=1e-10)


def test_csr_is_dense_without_an_intercept_or_penalty():
    """What differs is centring, and when a column that no row of a batch touches gets its penalty."""
    X, Y = table()
    X[np.random.default_rng(0).random(X.shape) < 0.7] = 0
    dense, csr = (fit(Z, Y, "squared_error", max_iter=2, alpha=0, fit_intercept=False) for Z in (X, sp.csr_matrix(X)))
    np.testing.assert_allclose(dense.result()[0], csr.result()[0], rtol=1e-10)


@pytest.mark.parametrize("dense", [True, False])
def test_an_untouched_column_gets_its_penalty_late_but_whole(dense):
    auto = Auto("squared_error", 1, 1, alpha=0.3, l1_ratio=0.5, batch=1, dense=dense)
    rows = np.array([[1.0], [0.0], [0.0], [2.0]])
    X = rows if dense else sp.csr_matrix(rows)
    auto.observe(X, rows).epoch(X, rows, np.arange(4))
    assert auto.pending[0] == 0 and 0 < auto.w[0, 0] < 1


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e6])
def test_least_squares_in_two_passes(size):
    X, Y = table(n=4000)
    Y = size * Y
    best = scipy.optimize.lsq_linear(np.c_[X, np.ones(4000)], Y[:, 0]).cost * 2
    auto = fit(X * 10.0 ** np.arange(-6, 6, 2), Y, "squared_error", max_iter=2)
    reached = share_explained(auto, X * 10.0 ** np.arange(-6, 6, 2), Y)
    assert reached > 0.99 * (1 - best / ((Y - Y.mean()) ** 2).sum())


def test_logistic_regression_in_ten_passes():
    X, Y = table(n=4000)
    y = (Y[:, 0] + 3 * np.random.default_rng(1).standard_normal(4000) > 1) * 1.0

    def loss(w):
        p = X @ w[:-1] + w[-1]
        return np.mean(np.logaddexp(0, p) - y * p)

    p = predictions(fit(X, y[:, None], "log_loss", max_iter=10), X)[:, 0]
    assert np.mean(np.logaddexp(0, p) - y * p) < 1.02 * scipy.optimize.minimize(loss, np.zeros(7)).fun


@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_a_stream_learns_without_ever_seeing_all_rows(chunk):
    X, Y = table(n=3000)
    auto = Auto("squared_error", 6, 1)
    for start in range(0, 3000, chunk):
        x, y = X[start:start + chunk], Y[start:start + chunk]
        auto.observe(x, y).epoch(x, y, np.arange(len(x)))
    assert share_explained(auto, X, Y) > 0.98 * share_explained(fit(X, Y, "squared_error"), X, Y)


@pytest.mark.parametrize("loss", ["squared_error", "poisson", "gamma", "huber", "absolute_error"])
def test_rows_far_out_do_no_lasting_harm(loss):
    """Plain SGD on standardised columns overflows here; links that are exponential do with any rate that learns."""
    X, Y = table(n=2000)
    Y, params = np.exp(Y / 4), {"delta": 1.35} if loss == "huber" else {}
    X[::500, 0] *= 1e3
    auto = fit(X, Y, loss, max_iter=5, params=params)
    assert np.isfinite(auto.w).all()
    p = predictions(auto, X)
    known = np.delete(np.arange(2000), np.arange(0, 2000, 500))
    p = np.exp(p) if loss in ("poisson", "gamma") else p
    assert np.median(np.abs(p - Y)[known]) < np.median(np.abs(Y.mean() - Y)[known])
