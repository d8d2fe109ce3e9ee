"""Views of an objective: the same samples with another penalty, which nobody who uses the objective notices."""
import threading

import numpy as np
import pytest
import scipy.sparse

from fastopt import LinearObjective, penalties
from fastopt._solvers.auto import solve


def data(loss, layout=np.asarray, offset=0.0, n=400, d=6):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(n, d)) + offset
    p = (X - offset) @ rng.normal(size=(d, 3))
    y = {"multinomial": p.argmax(axis=1), "squared_error": p[:, 0]}.get(loss, p[:, 0] > 0)
    return layout(X), np.where(rng.random(n) < 0.1, y[::-1], y)


@pytest.mark.parametrize("layout", [np.asarray, np.asfortranarray, scipy.sparse.csr_array, scipy.sparse.csc_array])
@pytest.mark.parametrize("loss", ["log_loss", "multinomial", "squared_error"])
def test_a_view_has_the_penalty_it_was_given_and_the_rest_of_its_objective(loss, layout):
    X, y = data(loss, layout)
    weight = np.random.default_rng(0).random(len(y))
    objective = LinearObjective(X, y, loss, l2=0.25, fit_intercept=True, sample_weight=weight)
    other = LinearObjective(X, y, loss, l2=2.0, fit_intercept=True, sample_weight=weight)
    w = np.random.default_rng(1).normal(size=objective.n_params)
    view = objective.with_l2(2.0)
    assert (view.l2, objective.l2) == (2.0, 0.25)
    assert view.X is objective.X and view.y is objective.y and view.weight is objective.weight
    assert view.value(w) == other.value(w) and np.array_equal(view.gradient(w), other.gradient(w))
    assert np.array_equal(view.hessian(w), other.hessian(w)) and np.array_equal(view.hessp(w, w), other.hessp(w, w))
    with pytest.raises(ValueError, match="l2"):
        objective.with_l2(-1.0)


def test_a_view_stands_where_its_objective_does_and_moves_by_itself():
    objective = LinearObjective(*data("log_loss"), "log_loss", l2=0.5)
    w = np.arange(6.0)
    value, gradient = objective.value_and_gradient(w)
    view = objective.with_l2(0.0)
    assert view.value(w) == pytest.approx(value - 0.25 * w @ w, rel=1e-13) and np.allclose(view.gradient(w), gradient - 0.5 * w, rtol=1e-13)
    assert view.passes == 0
    line = objective.line(w, -gradient)
    view.value(w + 1)
    assert line(0.0)[0] == pytest.approx(value, rel=1e-13)   # the objective has not moved
    before = objective.passes
    assert objective.value(w) == value and objective.passes == before


@pytest.mark.parametrize("format", ["csr", "csc"])
def test_what_was_found_out_about_the_samples_is_shared(format, monkeypatch):
    import fastopt.objective._views as views
    X, y = data("log_loss", scipy.sparse.csr_array, offset=50.0)
    objective = LinearObjective(X.asformat(format), y, "log_loss", l2=0.5, fit_intercept=True)
    means = objective.centred().mean_
    monkeypatch.setattr(views, "far_means", None)   # nobody looks again
    view = objective.with_l2(1.0)
    assert view.centred().mean_ is means and view.centred().l2 == 1.0 and objective.centred().l2 == 0.5
    objective.l2 = 0.125
    assert objective.centred().l2 == 0.125 and view.centred().l2 == 1.0
    assert view.parts is objective.parts and view.centred().parts is objective.centred().parts


@pytest.mark.parametrize("offset", [0.0, 100.0])
@pytest.mark.parametrize("loss, solver", [("log_loss", "lbfgs"), ("log_loss", "newton-cholesky"), ("log_loss", "newton-cg"),
                                          ("multinomial", "lbfgs"), ("multinomial", "newton-cholesky"),
                                          ("squared_error", "newton-cholesky"), ("squared_error", "newton-cg"),
                                          ("squared_error", "cd"), ("log_loss", "fista")])
def test_threads_that_solve_with_one_objective_get_what_each_gets_alone(loss, solver, offset):
    X, y = data(loss, offset=offset)
    strengths = [penalties.ElasticNet(alpha, l1_ratio=0.5) if solver in ("cd", "fista") else penalties.L2(alpha)
                 for alpha in (1e-3, 1e-2, 0.1, 1.0)]

    def solved(objective, penalty):
        return solve(objective, penalty, solver, tol=1e-8, max_iter=500).w

    alone = [solved(LinearObjective(X, y, loss, l2=1e-4, fit_intercept=True, n_threads=1), penalty) for penalty in strengths]
    shared = LinearObjective(X, y, loss, l2=1e-4, fit_intercept=True, n_threads=1)
    w = np.ones(shared.n_params)
    before = shared.value_and_gradient(w)
    found, errors, start = {}, [], threading.Barrier(len(strengths))

    def run(i):
        try:
            start.wait()
            for _ in range(5):
                found.setdefault(i, []).append(solved(shared, strengths[i]))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(strengths))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    for i, w_alone in enumerate(alone):
        assert all(np.array_equal(w_found, w_alone) for w_found in found[i])
    after = shared.value_and_gradient(w)
    assert shared.l2 == 1e-4 and after[0] == before[0] and np.array_equal(after[1], before[1])
