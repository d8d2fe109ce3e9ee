"""minimize_stochastic against the closed form of least squares: rules, SVRG, SAGA and SAG, batches, ends of runs, arguments."""
import numpy as np
import pytest
from scipy.optimize import OptimizeResult, OptimizeWarning

import fastopt as fo
from fastopt.exceptions import InvalidParameterError

N, D = 300, 5
RNG = np.random.default_rng(0)
X = RNG.standard_normal((N, D))
Y = X @ RNG.standard_normal(D) + RNG.standard_normal(N)
BEST = np.linalg.lstsq(X, Y, rcond=None)[0]
DECAY = fo.schedules.ExponentialDecay(0.1, decay_rate=0.9, decay_steps=10)


def fun(w, idx):
    error = X[idx] @ w - Y[idx]
    return error @ error / (2 * len(idx)), error @ X[idx] / len(idx)


def run(method="adam", batch_size=32, **settings):
    return fo.minimize_stochastic(fun, np.zeros(D), N, batch_size, method, **{"random_state": 0, **settings})


# ---- where it ends ----
@pytest.mark.parametrize("method", ["sgd", "adam"])
def test_rules_come_near(method):
    found = run(method, options={"lr": DECAY}, tol=None)
    assert isinstance(found, OptimizeResult) and (found.nit, found.n_steps) == (100, 1000)
    np.testing.assert_allclose(found.x, BEST, atol=0.02)


@pytest.mark.parametrize("batch_size", [1, 32, N])
@pytest.mark.parametrize("method", ["svrg", "saga", "sag"])
@pytest.mark.repeats(3)
def test_variance_reduction_converges_linearly(method, batch_size):
    """With one step size, where plain steps stay at a distance."""
    errors = []
    found = run(method, batch_size, tol=None, max_epochs=80 if batch_size < N else 400,
                callback=lambda xk: errors.append(np.linalg.norm(xk - BEST)))
    np.testing.assert_allclose(found.x, BEST, atol=1e-6)
    assert errors[-1] < 1e-3 * errors[len(errors) // 2] or errors[-1] < 1e-12
    assert found.fun == pytest.approx(fun(BEST, np.arange(N))[0], rel=1e-12) and abs(found.jac).max() < 1e-6
    plain = run("sgd", 1, tol=None, max_epochs=80, options={"lr": 0.02})
    assert np.linalg.norm(plain.x - BEST) > 1e-3


def test_svrg_ends_at_gtol():
    found = run("svrg", gtol=1e-9, tol=None)
    assert found.success and "gtol" in found.message and abs(found.jac).max() <= 1e-9 and found.nit < 60


def test_float32():
    found = fo.minimize_stochastic(lambda w, idx: tuple(map(np.float32, fun(w, idx))), np.zeros(D, np.float32), N, method="saga",
                                   random_state=0)
    assert found.x.dtype == found.jac.dtype == np.float32
    np.testing.assert_allclose(found.x, BEST, atol=1e-2)


def test_l1_of_the_rule():
    found = run("saga", tol=None, options={"l1": 0.5})
    expected = fo.minimize(lambda w: fun(w, np.arange(N)), np.zeros(D), method="proximal", jac=True,
                           options={"l1": 0.5, "gtol": 1e-10})
    np.testing.assert_allclose(found.x, expected.x, atol=1e-6)
    assert np.array_equal(found.x == 0, expected.x == 0) and np.any(found.x == 0)


# ---- batches ----
@pytest.mark.parametrize("method", ["adam", "svrg", "saga", "sag"])
def test_same_seed_same_answer(method):
    first, again, other = (run(method, max_epochs=5, random_state=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.x, again.x)
    assert first.nfev == again.nfev and np.any(first.x != other.x)
    for kind in (np.random.default_rng, np.random.RandomState):
        np.testing.assert_array_equal(*(run(method, max_epochs=5, random_state=kind(3)).x for _ in range(2)))


def test_an_epoch_sees_each_sample_once():
    seen = []

    def watched(w, idx):
        assert not idx.flags.writeable
        seen.append(idx.copy())
        w[:] = np.nan        # a copy
        return 0.0, np.ones(D)

    fo.minimize_stochastic(watched, np.zeros(D), 10, 4, "sgd", max_epochs=2, random_state=0)
    assert [len(batch) for batch in seen[:6]] == [4, 4, 2] * 2
    first, second = np.concatenate(seen[:3]), np.concatenate(seen[3:6])
    assert sorted(first) == sorted(second) == list(range(10)) and np.any(first != second)
    seen.clear()
    fo.minimize_stochastic(watched, np.zeros(D), 10, 4, "sgd", max_epochs=2, shuffle=False)
    assert np.concatenate(seen[:3]).tolist() == np.concatenate(seen[3:6]).tolist() == list(range(10))


def test_sizes_by_a_strategy():
    sizes = []

    def watched(w, idx):
        sizes.append(len(idx))
        return fun(w, idx)

    class Twice:
        def size(self, t):
            return 2 * (t + 1)

    fo.minimize_stochastic(watched, np.zeros(D), 12, Twice(), "sgd", max_epochs=1)
    assert sizes[:3] == [2, 4, 6]
    noise = fo.batching.NoiseScale(8)
    found = run("sgd", noise, options={"lr": 0.05}, max_epochs=30, tol=None)
    assert noise.size(0) > 8 and found.fun < 1.1 * fun(BEST, np.arange(N))[0]
    with pytest.raises(InvalidParameterError, match="batch_size must be an integer with method 'saga'"):
        run("saga", noise)


# ---- ends ----
def test_no_progress_ends():
    found = run("saga", max_epochs=1000, n_iter_no_change=3)
    assert found.status == 0 and found.success and found.nit < 100
    assert found.message == "Optimization terminated successfully. No progress by tol in 3 epochs."
    found = run("saga", max_epochs=2)
    assert (found.status, found.success, found.nit) == (1, False, 2)
    assert found.message == "Maximum number of iterations has been exceeded." and len(found.loss_curve) == 2
    assert run("saga", max_epochs=0).x.tolist() == [0] * D


def test_validation_chooses_the_best():
    points, losses = [], []

    def validation(w):
        points.append(w.copy())
        losses.append(float(np.linalg.norm(w - BEST / 2)))    # the way leads past it
        return losses[-1]

    found = run("sgd", validation=validation, n_iter_no_change=4, options={"lr": 0.02})
    assert found.success and found.nit == np.argmin(losses) + 5
    np.testing.assert_array_equal(found.validation_curve, losses)
    np.testing.assert_array_equal(found.x, points[np.argmin(losses)])


def test_callback_ends_the_run():
    def stop(intermediate_result):
        assert intermediate_result.fun > 0
        if intermediate_result.nit == 3:
            raise StopIteration

    found = run(callback=stop)
    assert (found.status, found.nit, found.success) == (99, 3, False)


@pytest.mark.parametrize("method", ["sgd", "svrg", "saga", "sag"])
def test_divergence_goes_back_to_the_last_epoch(method):
    points = []
    with np.errstate(over="ignore", invalid="ignore"):
        found = run(method, 16, options={"lr": 1e3}, callback=lambda xk: points.append(xk), max_epochs=1000, tol=None)
    assert (found.status, found.message) == (3, "NaN result encountered.") and np.isfinite(found.x).all()
    np.testing.assert_array_equal(found.x, points[-1] if points else np.zeros(D))
    found = fo.minimize_stochastic(lambda w, idx: (np.nan, w), np.ones(D), N, method=method, random_state=0)
    assert found.status == 3 and found.x.tolist() == [1] * D


def test_schedules_that_are_driven():
    plateau = fo.schedules.ReduceOnPlateau(0.1, patience=1)
    found = run("sgd", 8, options={"lr": plateau}, tol=None, max_epochs=60)
    assert plateau.current_lr < 0.1
    np.testing.assert_allclose(found.x, BEST, atol=0.05)


def test_averages_are_what_is_returned():
    averaged = run("schedule_free_sgd", 8, options={"lr": 0.1}, tol=None)
    plain = run("sgd", 8, options={"lr": 0.1}, tol=None)
    assert np.linalg.norm(averaged.x - BEST) < 0.5 * np.linalg.norm(plain.x - BEST)


# ---- arguments ----
@pytest.mark.parametrize("settings, words", [
    ({"method": "adaam"}, "did you mean 'adam'"), ({"method": "lbfgs"}, "method must be one of 'svrg', 'saga', 'sag'"),
    ({"method": 3}, "method"), ({"batch_size": 0}, "batch_size"), ({"batch_size": "a"}, "batch_size"), ({"tol": -1}, "tol"),
    ({"max_epochs": -1}, "max_epochs"), ({"n_iter_no_change": 0}, "n_iter_no_change"), ({"gtol": "a"}, "gtol"),
    ({"random_state": "a"}, "random_state"), ({"shuffle": 3}, "shuffle"), ({"validation": 3}, "validation must be callable"),
    ({"callback": 3}, "callback must be callable"), ({"options": 3}, "options must be a dict"), ({"options": {"lr": -1}}, "lr must be")])
def test_bad_arguments(settings, words):
    with pytest.raises(InvalidParameterError, match=words):
        run(**settings)


@pytest.mark.parametrize("bad, words", [
    (lambda w, idx: 1.0, r"fun must return \(value, gradient\), got 1.0"), (lambda w, idx: ("a", w), "fun must return a real number"),
    (lambda w, idx: (1.0, w[1:]), "shape of x"), (3, "fun must be callable")])
def test_bad_functions(bad, words):
    x0 = np.zeros(D)
    x0.flags.writeable = False
    for method in ("sgd", "svrg", "saga"):
        with pytest.raises(InvalidParameterError, match=words):
            fo.minimize_stochastic(bad, x0, N, method=method)
    assert not x0.any()


def test_the_rest_of_the_arguments():
    with pytest.raises(InvalidParameterError, match="n_samples"):
        fo.minimize_stochastic(fun, np.zeros(D), 0)
    with pytest.raises(InvalidParameterError, match="x0 must be"):
        fo.minimize_stochastic(fun, [], N)
    with pytest.raises(ZeroDivisionError):
        fo.minimize_stochastic(lambda w, idx: 1 / 0, np.zeros(D), N)
    with pytest.warns(OptimizeWarning, match="Unknown solver options: learning_rate"):
        run(options={"learning_rate": 1}, max_epochs=1)
    with_args = fo.minimize_stochastic(lambda w, idx, a: (a * fun(w, idx)[0], a * fun(w, idx)[1]), np.zeros(D), N, args=(2.0,),
                                       method="saga", random_state=0)
    np.testing.assert_allclose(with_args.x, run("saga").x, atol=1e-12)
