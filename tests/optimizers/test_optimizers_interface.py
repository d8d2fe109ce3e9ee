"""What optimizers do around their rules: groups, schedules, accumulation, gradients that are not finite, row-sparse gradients,
averages, the register; against the reference of reference_optimizers.py."""
import difflib

import numpy as np
import pytest

from fastopt import optimizers
from fastopt.exceptions import InvalidParameterError
from fastopt.optimizers import RowSparse
from optimizer_cases import NAMES, compare, everything, gradients, run_beside, schedule, start
from reference.optimizers import Reference

SPARSE = {"sgd": {"lr": 0.1}, "adagrad": {"lr": 0.1}, "adam": {"lr": 0.1}, "adamw": {"lr": 0.1, "weight_decay": 0.1},
          "ftrl": {"lr": 0.1, "l1": 0.05, "l2": 0.1}}


def test_get_names_and_near_misses():
    assert len(optimizers.names()) >= 25 and optimizers.names() == sorted(optimizers.names())
    for name in optimizers.names():
        wrong = name[:-1] + "?"
        near = difflib.get_close_matches(wrong, optimizers.names(), 1)
        with pytest.raises(InvalidParameterError, match=f"did you mean '{near[0]}'" if near else "must be one of"):
            optimizers.get(wrong)


@pytest.mark.parametrize("name", NAMES)
def test_groups_have_settings_of_their_own(name):
    """Three groups: defaults, another rate and L1, a schedule."""
    params, rng = start(), np.random.default_rng(1)
    own = [{}, {"lr": 0.02, "l1": 0.05, "clip_value": 0.5}, {} if name == "rprop" else {"lr": schedule}]
    reference = Reference(name, [([w], settings) for w, settings in zip(params, own)], clip_global_norm=2.0)
    ours = optimizers.get(name)([{"params": w, **settings} for w, settings in zip(params, own)], clip_global_norm=2.0)
    for _ in range(20):
        grads = gradients(params, reference.params, rng)
        ours.step(grads)
        reference.step(grads)
    compare(params, reference.params, 1e-12, name)


def test_settings_of_groups_can_change():
    w = np.zeros(3)
    sgd = optimizers.SGD([w], lr=1.0)
    sgd.param_groups[0]["lr"] = 0.5
    sgd.step([np.ones(3)])
    assert (w == -0.5).all()
    sgd.param_groups[0]["lr"] = lambda t: 0.25 * t
    sgd.step([np.ones(3)])
    assert (w == -0.75).all()
    group = sgd.param_groups[0]
    assert group["lr"](2) == 0.5 and group["params"][0] is w and set(group) == {"params", *group.settings}
    for name, value in [("momentum", 0.5), ("lr", -1), ("lr", np.nan), ("nesterov", True)]:
        before = dict(group.settings)
        with pytest.raises(InvalidParameterError, match=f"momentum|{name}"):
            group[name] = value
        assert group.settings == before
    with pytest.raises(TypeError, match="did you mean 'weight_decay'"):
        group["weightdecay"] = 0.1


@pytest.mark.parametrize("name", NAMES)
def test_accumulated_gradients_are_averaged(name):
    rng = np.random.default_rng(0)
    together, apart = start(), start()
    one, other = (optimizers.get(name)(params, clip_norm=1.0) for params in (together, apart))
    for _ in range(5):
        grads = [[rng.normal(size=w.shape) for w in together] for _ in range(4)]
        grads = [[np.asarray(g, order="F") for g in each] for each in grads]
        for each in grads:
            one.accumulate(each)
        one.step()
        other.step([np.asarray(sum(each[1:], each[0]) / 4, order="F") for each in zip(*grads)])
        compare(together, apart, 1e-12, name)
    with pytest.raises(InvalidParameterError, match="grads must be given"):
        one.step()


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", NAMES)
def test_gradients_that_are_not_finite(name, wrong):
    params = start()
    good = [np.ones_like(w) for w in params]
    bad = [g.copy(order="K") for g in good]
    bad[2][4, 6] = wrong
    optimizer = optimizers.get(name)(params)
    optimizer.step(good)
    before = everything(optimizer)
    with pytest.raises(FloatingPointError, match=r"grads\[2\] must be finite, got nan or infinity at step 1"):
        optimizer.step(bad)
    assert everything(optimizer) == before

    skipping = optimizers.get(name)(start(), nonfinite="skip")
    for grads in (good, bad, bad, good):
        skipping.step(grads)
    assert skipping.skipped == 2 and skipping.t == 2
    optimizer.step(good)
    assert everything(optimizer)[:3] == everything(skipping)[:3]


@pytest.mark.parametrize("options", [{}, {"clip_value": 1.0}, {"clip_norm": 1.0}])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_late_finds_them_on_the_way(name, dtype, options, isa):
    """Also where the rule looks at signs only, or where clipping makes a number of infinity."""
    for wrong in (np.nan, np.inf):
        optimizer = optimizers.get(name)(np.ones(37, dtype), nonfinite="late", **options)
        grads = np.ones(37, dtype)
        optimizer.step(grads)
        grads[20] = wrong
        with pytest.raises(FloatingPointError, match="finite"):
            optimizer.step(grads)


def test_overflow_is_reported():
    """Of extreme numbers beforehand, of ordinary ones that come to it afterwards."""
    w = np.ones(5, np.float32)
    with pytest.raises(FloatingPointError, match="step 0 would make params overflow: the learning rate 1e.38 is too large"):
        optimizers.SGD(w, lr=1e38).step(np.full(5, 1e5, np.float32))
    assert (w == 1).all()
    adamw = optimizers.AdamW(w, lr=1e14, weight_decay=1.0)
    with pytest.raises(FloatingPointError, match="step 2 made params overflow: the learning rate 1e.14 is too large"):
        for _ in range(5):
            adamw.step(np.ones(5, np.float32))


@pytest.mark.parametrize("name", NAMES)
def test_maximize_is_minus_the_gradient(name):
    up, down = start(), start()
    rng = np.random.default_rng(0)
    one, other = optimizers.get(name)(up, maximize=True), optimizers.get(name)(down)
    for _ in range(10):
        grads = gradients(up, up, rng)
        one.step(grads)
        other.step([-g for g in grads])
    assert everything(one) == everything(other)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(50,), (50, 1), (50, 7), (50, 2, 3)])
@pytest.mark.parametrize("name", SPARSE)
@pytest.mark.repeats(4)
def test_row_sparse_steps_are_those_of_the_rows(name, shape, dtype, isa):
    """The dense reference for each row, from the state that the row had: rows apart, t for all."""
    rng = np.random.default_rng(0)
    w = rng.normal(size=shape).astype(dtype)
    ours = optimizers.get(name)(w, **SPARSE[name])
    rows = [Reference(name, [([row], {})], **SPARSE[name]) for row in w]
    for t in range(30):
        touched = rng.integers(0, 50, size=rng.integers(0, 12))
        values = rng.normal(size=(len(touched), *shape[1:])).astype(dtype)
        ours.step(RowSparse(touched, values))
        for i in set(touched.tolist()):
            rows[i].t = t
            rows[i].step([values[touched == i].astype(np.float64).sum(axis=0)])
    expected = np.array([row.params[0] for row in rows])
    np.testing.assert_allclose(w, expected, rtol=0, atol=1e-12 if dtype == np.float64 else 2e-5)


@pytest.mark.parametrize("name", ["sgd", "adagrad", "ftrl"])
def test_row_sparse_steps_are_dense_ones_where_rows_without_gradient_stay(name):
    """Also mixed with dense gradients of other arrays, a schedule, clipping and threads."""
    rng = np.random.default_rng(0)
    lazy, dense = ([rng.normal(size=(3000, 20)), rng.normal(size=40)] for rng in map(np.random.default_rng, (1, 1)))
    options = {"lr": lambda t: 0.1 / (1 + t), "clip_global_norm": 3.0}
    one, other = optimizers.get(name)(lazy, **options), optimizers.get(name)(dense, **options)
    for _ in range(10):
        rows = rng.permutation(3000)[:100]
        values, rest = rng.normal(size=(100, 20)), rng.normal(size=40)
        full = np.zeros((3000, 20))
        full[rows] = values
        one.step([RowSparse(rows, values), rest])
        other.step([full, rest])
    compare(lazy, dense, 1e-12, name)


@pytest.mark.parametrize(("name", "own"), [(name, {}) for name in sorted(set(NAMES) - set(SPARSE))] + [
    ("sgd", {"momentum": 0.5}), ("adam", {"amsgrad": True}), ("adamw", {"amsgrad": True})])
def test_other_rules_refuse_row_sparse_gradients(name, own):
    w = np.ones((4, 2))
    optimizer = optimizers.get(name)(w, **own)
    before = everything(optimizer)
    with pytest.raises(InvalidParameterError, match="grads is row-sparse"):
        optimizer.step(RowSparse([0], np.ones((1, 2))))
    assert everything(optimizer) == before


def test_solution_is_params_or_their_average():
    w = np.zeros(3)
    assert optimizers.Adam(w).solution() is w
    assert optimizers.Adam([w]).solution()[0] is w
    ours, reference = run_beside("asgd", start(), 30, 1e-12, t0=3.0, lr=0.1)
    mean = [np.mean(path, axis=0) for path in zip(*_path("asgd", 30, t0=3.0, lr=0.1)[4:])]
    compare(ours.solution(), mean, 1e-12, "asgd")


@pytest.mark.parametrize(("name", "beta"), [("schedule_free_sgd", 0.9), ("schedule_free_adamw", 0.9)])
def test_schedule_free_solution_is_the_mean_of_z(name, beta):
    """With a constant rate all z weigh the same; y = (1 − β)·z + β·x."""
    params = start()
    ours = optimizers.get(name)(params, lr=0.1)
    rng, seen = np.random.default_rng(1), []
    for _ in range(20):
        ours.step(gradients(params, params, rng))
        seen.append([state[0].copy() for state in ours.states])
    mean = [np.mean(each, axis=0) for each in zip(*seen)]
    compare(ours.solution(), mean, 1e-12, name)
    assert all(w.dtype == s.dtype and w.shape == s.shape for w, s in zip(params, ours.solution()))


def _path(name, steps, **settings):
    """Parameters of the reference after each step, as run_beside takes them."""
    params, rng = start(), np.random.default_rng(1)
    reference = Reference(name, [(params, {})], **settings)
    path = []
    for _ in range(steps):
        reference.step(gradients(params, reference.params, rng))
        path.append([w.copy() for w in reference.params])
    return path


def test_params_of_any_rank():
    for shape in [(), (3,), (2, 3), (2, 1, 3, 2), (0, 3)]:
        w = np.ones(shape)
        optimizers.SGD(w, lr=0.5).step(np.ones(shape))
        assert (w == 0.5).all()
