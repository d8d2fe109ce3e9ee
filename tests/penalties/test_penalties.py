"""Penalties against plain NumPy: values, proximal operators by search over a grid, violations by difference quotients."""
import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fastopt import penalties
from fastopt._core import tables as _core
from fastopt.exceptions import InvalidParameterError
from fastopt.penalties._regularizer import Regularizer
from reference.penalties import VALUES, group_lasso

CASES = [("l1", {}), ("l2", {}), ("elasticnet", {"l1_ratio": 0.3}), ("mcp", {"gamma": 3.0}), ("mcp", {"gamma": 0.7}),
         ("scad", {"gamma": 3.7}), ("scad", {"gamma": 2.2})]
IDS = [f"{name}-{'-'.join(map(str, settings.values()))}" for name, settings in CASES]
SIZES = [1, 2, 7, 16, 17, 255, 256, 257, 1000]


def weights(n, dtype=np.float64):
    w = np.random.default_rng(n).standard_normal(n) * 2
    w[::3] = 0
    return w.astype(dtype)


def test_the_registry_is_that_of_the_kernels():
    assert set(_core.PENALTY_NAMES) - {"none"} <= set(penalties.names())
    assert {name for name, _ in CASES} | {"group_lasso", "box", "nonnegative"} == set(penalties.names())


@pytest.mark.parametrize(("name", "settings"), CASES, ids=IDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values(isa, name, settings, dtype):
    for n in SIZES:
        w, factors = weights(n, dtype), np.random.default_rng(1).random(n)
        want = sum(VALUES[name](float(x), 0.4 * factor, **settings) for x, factor in zip(w, factors))
        assert_allclose(penalties.get(name, alpha=0.4, weights=factors, **settings).value(w), want,
                        rtol=1e-5 if dtype == np.float32 else 1e-12)


@pytest.mark.parametrize(("name", "settings"), CASES, ids=IDS)
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("step", [0.1, 1.0, 5.0])
@pytest.mark.repeats(4)
def test_prox_is_the_lowest_point_of_a_grid(isa, name, settings, positive, step):
    grid = np.linspace(0 if positive else -8, 8, 160_001 if not positive else 80_001)
    w = np.linspace(-6, 6, 41)
    got = penalties.get(name, alpha=0.8, positive=positive, **settings).prox(w, step)
    for x, z in zip(w, got):
        objective = VALUES[name](grid, 0.8, **settings) + (grid - x) ** 2 / (2 * step)
        assert VALUES[name](z, 0.8, **settings) + (z - x) ** 2 / (2 * step) <= objective.min() + 1e-12
    assert not np.signbit(got[got == 0]).any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_at_a_bound_a_gradient_violates_on_the_inner_side_only(isa, dtype):
    """At −1 and at 2 only what points inside counts; between them, either sign; beyond them nothing is allowed."""
    w, g = np.array([-1, -1, 2, 2, 0.5, 0.5], dtype), np.array([3, -3, 3, -3, 3, -3], dtype)
    box, violations = penalties.Box(-1.0, 2.0).bind(6), np.empty_like(w)
    assert box.violation(w, g, violations) == 3 and violations.tolist() == [0, 3, 3, 0, 3, 3]
    for beyond in (-1.5, 2.5):
        assert box.violation(np.array([beyond, 0, 0, 0, 0, 0], dtype), g) == np.inf
    positive = penalties.L1(0.5, positive=True).bind(6)
    assert positive.violation(np.where(w == 2, w, 0), g, violations) == 3.5 and violations.tolist() == [0, 2.5, 3.5, 2.5, 0, 2.5]


@pytest.mark.parametrize(("name", "settings"), CASES, ids=IDS)
@pytest.mark.parametrize("positive", [False, True])
def test_violation_is_the_steepest_slope(isa, name, settings, positive):
    """Of the penalty plus a linear function, a step to either side."""
    h, w = 1e-7, np.abs(weights(60)) if positive else weights(60)
    g = np.random.default_rng(5).standard_normal(60)
    penalty = penalties.get(name, alpha=0.8, positive=positive, **settings)

    def slope(side):
        ahead = w + side * h
        rise = VALUES[name](ahead, 0.8, **settings) - VALUES[name](w, 0.8, **settings) + side * h * g
        return np.where(positive & (ahead < 0), 0, np.maximum(-rise / h, 0))
    assert_allclose(penalty.violation(w, g), np.maximum(slope(1), slope(-1)).max(), rtol=1e-5, atol=1e-6)
    each = np.empty(60)
    penalty.bind(60).violation(w, g, each)
    assert_allclose(each, np.maximum(slope(1), slope(-1)), atol=1e-6)


@pytest.mark.parametrize("name", ["l1", "elasticnet", "mcp", "scad", "l2"])
def test_a_proximal_step_from_an_optimum_stays_there(isa, name):
    """prox(w − g) = w where −g is in the subdifferential, and there the violation is 0."""
    penalty = penalties.get(name, alpha=0.5)
    v = weights(200) * 2
    w = penalty.prox(v, 0.3)
    assert penalty.violation(w, (w - v) / 0.3) < 1e-12


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_groups(isa, positive, dtype):
    groups, factors = [[0, 3], [1], [2, 5, 6, 4], [7, 8]], np.array([1.0, 0.5, 2.0, 0.1])
    penalty = penalties.GroupLasso(0.7, groups, positive=positive, weights=factors)
    rng = np.random.default_rng(0)
    for step in (0.1, 1.0, 3.0):
        v = rng.standard_normal(9).astype(dtype)
        w = penalty.prox(v, step)
        value = group_lasso(w.astype(float), 0.7, groups, factors)
        assert_allclose(penalty.value(w), value, rtol=1e-5)
        for _ in range(200):
            other = w + rng.standard_normal(9) * rng.choice([1e-3, 1e-1, 1.0]) * (rng.random(9) < 0.5)
            other = np.maximum(other, 0) if positive else other
            lower = group_lasso(other, 0.7, groups, factors) + np.sum((other - v) ** 2) / (2 * step)
            assert value + np.sum((w - v.astype(float)) ** 2) / (2 * step) <= lower + 1e-5 * (dtype == np.float32)
        assert penalty.violation(w, (w - v) / dtype(step)) < (1e-5 if dtype == np.float32 else 1e-12)
    assert_allclose(penalty.violation(np.zeros(9), np.where(np.arange(9) == 1, -2.0, 0.0)), 2.0 - 0.35)
    assert penalties.GroupLasso(1.0, 3).members(6) == [(0, 1, 2), (3, 4, 5)]
    assert penalties.GroupLasso(1.0, [1, 2]).members(3) == [(0,), (1, 2)]


def test_boxes_and_several_outputs():
    box = penalties.Box([-1.0, 0.0], 2.0)
    assert_allclose(box.prox([[3.0, -1.0], [-2.0, 1.0]]), [[2.0, 0.0], [-1.0, 1.0]])
    assert box.value([0.0, 0.0]) == 0 and box.value([0.0, -1e-9]) == np.inf
    assert box.violation([2.0, 0.0], [-5.0, 5.0]) == 0 and box.violation([2.0, 0.0], [5.0, -3.0]) == 5
    assert box.violation([2.0, -1.0], [0.0, 0.0]) == np.inf
    assert_allclose(penalties.L1(1.0, weights=[1.0, 0.0]).prox([[3.0, 3.0], [0.5, 0.5]]), [[2.0, 3.0], [0.0, 0.5]])
    assert_allclose(penalties.GroupLasso(1.0, 2).prox([[3.0, 4.0], [0.5, 0.5]]), [[2.4, 3.2], [0.0, 0.0]])
    assert penalties.NonNegative().prox(np.array([-1.0, 1.0])).tolist() == [0, 1]


def test_penalties_are_values():
    for penalty in (penalties.L1(0.1, weights=[1, 2]), penalties.GroupLasso(1.0, [[0, 1], [2]]), penalties.Box(0, [1.0, 2.0]),
                    penalties.MCP(), penalties.SCAD(), penalties.NonNegative(), penalties.ElasticNet(1.0), penalties.L2(3)):
        for other in (copy.deepcopy(penalty), pickle.loads(pickle.dumps(penalty)), eval(repr(penalty), {"inf": np.inf, **vars(penalties)})):
            assert other == penalty and repr(other) == repr(penalty)
        with pytest.raises(AttributeError):
            penalty.alpha = 3
    assert penalties.L1(0.5, positive=True).with_alpha(1.0) == penalties.L1(1.0, positive=True)
    assert penalties.get(penalties.MCP(2.0)) == penalties.MCP(2.0) != penalties.MCP(1.0)


@pytest.mark.parametrize(("make", "named"), [
    (lambda: penalties.L1(-1), "alpha"), (lambda: penalties.L1(np.nan), "alpha"), (lambda: penalties.L1("a"), "alpha"),
    (lambda: penalties.L1(1, positive=1), "positive"), (lambda: penalties.L1(1, weights=[-1.0]), "weights"),
    (lambda: penalties.L1(1, weights="x"), "weights"), (lambda: penalties.ElasticNet(1, 2), "l1_ratio"),
    (lambda: penalties.MCP(1, 0), "gamma"), (lambda: penalties.SCAD(1, 2), "gamma"), (lambda: penalties.Box(1, 0), "low"),
    (lambda: penalties.Box([0.0, 1.0], [1.0, 2.0, 3.0]), "low and high"), (lambda: penalties.Box(np.nan), "low"),
    (lambda: penalties.GroupLasso(1, 0), "groups"), (lambda: penalties.GroupLasso(1, [[0], []]), "groups"),
    (lambda: penalties.GroupLasso(1, [1, [2]]), "groups"), (lambda: penalties.GroupLasso(1, "ab"), "groups"),
    (lambda: penalties.GroupLasso(1, []), "groups"), (lambda: penalties.GroupLasso(1, 2).prox([1.0]), "groups"),
    (lambda: penalties.GroupLasso(1, [[0, 0], [1]]).value([1.0, 1.0, 1.0]), "groups"),
    (lambda: penalties.GroupLasso(1, 1, weights=[1.0]).value([1.0, 1.0]), "weights"),
    (lambda: penalties.L1(1, weights=[1.0]).value([1.0, 2.0]), "weights"), (lambda: penalties.L1(1).value([]), "w"),
    (lambda: penalties.L1(1).prox([1.0], -1), "step"), (lambda: penalties.L1(1).violation([1.0], [1.0, 2.0]), "g"),
    (lambda: penalties.get("l3"), "l3"), (lambda: penalties.get("l1", beta=1), "beta")])
def test_bad_input_is_named(make, named):
    with pytest.raises(InvalidParameterError, match=named):
        make()


def test_bad_arrays_do_not_reach_the_kernels():
    with pytest.raises(TypeError, match="w must hold real numbers"):
        penalties.L1(1).value(["a"])
    for arguments in ({"weight": np.ones(2)}, {"low": np.ones(3)}, {"low": np.ones(2), "high": np.ones(3)},
                      {"start": [0, 2, 3], "member": [0, 1, 1]}, {"start": [0, 4], "member": [0, 1, 2]}):
        with pytest.raises(ValueError):
            Regularizer(3, 0, 1.0, **arguments)
    with pytest.raises(ValueError, match="expected 3 weights"):
        Regularizer(3, 0, 1.0).value(np.ones(2))
    assert np.isnan(penalties.L1(1).violation([1.0, 2.0], [np.nan, 0.0]))
    frozen = np.array([1.0, -2.0, 3.0, 0.0])
    frozen.flags.writeable = False
    assert penalties.L1(1).value(frozen) == 6 and penalties.L1(1).value(frozen[::2]) == 4
