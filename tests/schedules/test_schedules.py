"""The curves: every schedule against its formula, block against single steps, continuity, Polyak and plateau, the list in C."""
import math

import numpy as np
import pytest

import reference.schedules as reference
from fastopt import schedules
from fastopt._core import tables as _core
from fastopt.schedules import _curves as _schedules

# name, parameters, steps at which something happens
CASES = [
    ("constant", {"lr": 0.3}, []),
    ("constant", {"lr": 0.0}, []),
    ("exponential", {"lr": 1e-2, "decay_rate": 0.96, "decay_steps": 100}, [100, 200]),
    ("exponential", {"lr": 1e-2, "decay_rate": 0.5, "decay_steps": 7, "staircase": True}, [7, 14, 700]),
    ("exponential", {"lr": 1e-3, "decay_rate": 1.0001}, [1000]),
    ("step", {"lr": 0.5, "step_size": 30}, [30, 60, 90]),
    ("step", {"lr": 0.5, "step_size": 3, "gamma": 0.7}, [3, 6]),
    ("multi_step", {"lr": 0.5, "milestones": [30, 80, 81], "gamma": 0.3}, [30, 80, 81]),
    ("multi_step", {"lr": 0.5, "milestones": []}, []),
    ("polynomial", {"lr": 0.4, "decay_steps": 50}, [50]),
    ("polynomial", {"lr": 0.4, "decay_steps": 50, "power": 2, "end_lr": 0.01}, [50]),
    ("polynomial", {"lr": 0.1, "decay_steps": 10, "power": 0.5, "end_lr": 0.7}, [10]),
    ("inverse_time", {"lr": 0.5, "decay_rate": 0.3, "decay_steps": 20}, [20]),
    ("inverse_time", {"lr": 0.5, "decay_rate": 0.3, "decay_steps": 20, "staircase": True}, [20, 40]),
    ("inverse_sqrt", {"lr": 0.5, "decay_steps": 40}, [40]),
    ("inverse_scaling", {"lr": 0.5, "power": 0.25}, []),
    ("inverse_scaling", {"lr": 0.5, "power": -0.25}, []),
    ("cosine", {"lr": 0.1, "decay_steps": 100}, [50, 100]),
    ("cosine", {"lr": 0.1, "decay_steps": 1, "end_lr": 0.02}, [1]),
    ("cosine_restarts", {"lr": 0.1, "T_0": 10}, [10, 20, 500]),
    ("cosine_restarts", {"lr": 0.1, "T_0": 10, "T_mult": 2, "end_lr": 0.01}, [10, 30, 70, 150, 310]),
    ("cosine_restarts", {"lr": 0.1, "T_0": 1, "T_mult": 3}, [1, 4, 13, 40]),
    ("one_cycle", {"max_lr": 0.5, "total_steps": 100}, [29, 99, 100]),
    ("one_cycle", {"max_lr": 0.5, "total_steps": 100, "anneal_strategy": "linear", "pct_start": 0.25}, [24, 99]),
    ("one_cycle", {"max_lr": 0.5, "total_steps": 101, "three_phase": True}, [29, 59, 100]),
    ("one_cycle", {"max_lr": 0.5, "total_steps": 1}, [1]),
    ("one_cycle", {"max_lr": 0.5, "total_steps": 10, "pct_start": 0.0}, [9]),
    ("one_cycle", {"max_lr": 0.5, "total_steps": 10, "pct_start": 1.0}, [9]),
    ("one_cycle", {"max_lr": 0.5, "total_steps": 10, "pct_start": 0.5, "three_phase": True}, [4, 9]),
    ("cyclic", {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 20}, [20, 40, 60]),
    ("cyclic", {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 5, "step_size_down": 11, "mode": "triangular2"}, [5, 16, 32]),
    ("cyclic", {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 8, "mode": "exp_range", "gamma": 0.99}, [8, 16]),
    ("piecewise", {"boundaries": [5, 6, 90], "values": [0.1, 0.4, 0.0, 0.2]}, [5, 6, 90]),
    ("piecewise", {"boundaries": [], "values": [0.1]}, []),
]
IDS = [f"{name}-{i}" for i, (name, _, _) in enumerate(CASES)]
SMOOTH = {"polynomial": 50, "cosine": 100, "one_cycle": 100, "cyclic": 40}   # continuous in t
HUGE = [10 ** 6, 10 ** 9 + 7, 2 ** 53 - 1]


@pytest.mark.parametrize("name, params, turns", CASES, ids=IDS)
def test_curve(isa, name, params, turns):
    """Each at its boundaries, at steps around them, in order and far away."""
    schedule, formula = schedules.get(name, **params), getattr(reference, name)
    steps = sorted({*range(200), *(t + off for t in turns for off in (-1, 0, 1)), *HUGE})
    for t in steps:
        if params.get("decay_rate", 0) > 1 and t > 10 ** 8:   # overflows
            with pytest.raises(ValueError, match=f"lr must be finite and at least 0 at every step, got inf at step {t} from Exp"):
                schedule(t)
        else:
            assert schedule(t) == pytest.approx(formula(t, **params), rel=1e-13, abs=1e-17), t


@pytest.mark.parametrize("name, params, turns", CASES, ids=IDS)
def test_block_equals_single_steps(isa, name, params, turns):
    schedule = schedules.get(name, **params)
    for t in (0, 1, 3, 77, *(turn - 1 for turn in turns)):
        for n in (0, 1, 7, 130):
            block = schedule.block(t, n)
            assert block.dtype == np.float64 and block.shape == (n,)
            assert block.tolist() == [schedule(step) for step in range(t, t + n)]


@pytest.mark.parametrize("name, params, turns", CASES, ids=IDS)
def test_spec_is_the_schedule(name, params, turns):
    """What other compiled modules are given is the schedule itself."""
    schedule = schedules.get(name, **params)
    if schedule.spec is None:
        assert name in ("multi_step", "piecewise")
    else:
        assert len(schedule.spec) == len(_schedules.FIELDS)
        assert _schedules.evaluate(schedule.spec, 5, 20).tolist() == schedule.block(5, 20).tolist()


def test_every_function_in_c_has_its_class_and_the_reverse():
    kernels = {cls._kernel for cls in map(schedules.registry.get, schedules.names()) if cls._kernel}
    assert kernels == {*_core.SCHEDULE_NAMES} - {*_core.SGD_SCHEDULE_NAMES} | {"constant"}
    made_of_others = {"warmup", "join", "piecewise", "multi_step", "reduce_on_plateau", "polyak"}
    assert {name for name in schedules.names() if not schedules.registry[name]._kernel} == made_of_others
    assert {name for name, _, _ in CASES} | made_of_others == set(schedules.names())


def test_learning_rates_of_sgd_are_still_those_of_scikit_learn():
    assert _core.SGD_SCHEDULE_NAMES == ("constant", "optimal", "invscaling", "adaptive", "pa1", "pa2")


@pytest.mark.parametrize("name", SMOOTH)
def test_continuity(isa, name):
    """No jump is larger than the steepest slope of the curve, ends included."""
    lr, steps = 0.5, SMOOTH[name]
    schedule = {"polynomial": lambda: schedules.Polynomial(lr, steps, end_lr=0.1),
                "cosine": lambda: schedules.Cosine(lr, steps, end_lr=0.1), "one_cycle": lambda: schedules.OneCycle(lr, steps),
                "cyclic": lambda: schedules.Cyclic(0.1, lr, step_size_up=steps)}[name]()
    jumps = np.abs(np.diff(schedule.block(0, 3 * steps)))
    assert jumps.max() <= {"one_cycle": 0.48 * math.pi / 2 / 29}.get(name, 0.4 * math.pi / 2 / steps) * (1 + 1e-9)


def test_ends_are_exact(isa):
    for t, lr in {0: 0.1, 100: 0.3, 10 ** 9: 0.3}.items():
        assert schedules.Cosine(0.1, 100, end_lr=0.3)(t) == lr == schedules.Polynomial(0.1, 100, 3.7, end_lr=0.3)(t)
    assert schedules.Cosine(1.0, 100)(50) == pytest.approx(0.5, rel=1e-15)


def test_warmup():
    for after in (schedules.Cosine(0.5, 40), schedules.Constant(0.2), schedules.Warmup(0.3, 4), lambda t: 1 / (1 + t)):
        for steps, start in ((0, 0.0), (1, 0.1), (10, 0.01)):
            s = schedules.Warmup(after, warmup_steps=steps, start_lr=start)
            expected = [reference.warmup(t, after, steps, start) for t in range(60)]
            assert [s(t) for t in range(60)] == pytest.approx(expected, rel=1e-13)
            for t in (0, steps - 1, steps, steps + 1):
                if t >= 0:
                    assert s.block(t, 20).tolist() == [s(step) for step in range(t, t + 20)]


def test_join():
    parts = [0.1, schedules.Polynomial(0.5, 4), lambda t: 0.2 + t, schedules.Warmup(0.7, 5)]
    s = schedules.Join(parts, [3, 10, 20])
    expected = [reference.join(t, [schedules.as_schedule(part) for part in parts], [3, 10, 20]) for t in range(40)]
    assert s.block(0, 40).tolist() == expected == [s(t) for t in range(40)]
    for t in range(40):
        assert s.block(t, 5).tolist() == [s(step) for step in range(t, t + 5)]
    assert schedules.Join([0.5], [])(10 ** 9) == 0.5


@pytest.mark.parametrize("params", [
    {}, {"patience": 0}, {"patience": 2, "cooldown": 3, "factor": 0.5}, {"mode": "max", "patience": 1},
    {"patience": 0, "min_lr": 0.02}, {"patience": 1, "threshold": 0.05, "threshold_mode": "abs", "factor": 0.3},
    {"patience": 1, "threshold": 0.05, "mode": "max", "threshold_mode": "abs"}, {"patience": 0, "eps": 0.01, "factor": 0.9},
    {"patience": 0, "threshold": 1.0}])
def test_plateau(params):
    rng = np.random.default_rng(0)
    for metrics in (rng.normal(size=60), np.exp(-np.arange(60) / 5) + 0.01 * rng.normal(size=60), np.ones(60), -np.arange(60.0)):
        schedule = schedules.ReduceOnPlateau(0.1, **params)
        assert schedule(0) == 0.1
        rates = []
        for metric in metrics:
            rates.append(schedule.update(metric))
            assert schedule(5) == rates[-1] == schedule.current_lr and (schedule.block(3, 4) == rates[-1]).all()
        assert rates == reference.plateau(metrics.tolist(), 0.1, **params)


def test_plateau_takes_infinite_metrics():
    schedule = schedules.ReduceOnPlateau(0.1, patience=1)
    assert [schedule.update(metric) for metric in (math.inf, math.inf, 1.0, math.inf)] == [0.1, pytest.approx(0.01)] + [
        pytest.approx(0.01)] * 2


def test_polyak():
    schedule = schedules.PolyakStep(f_star=1.0, max_lr=3.0, c=0.5)
    assert schedule(0) == 3.0
    for value, square in [(2.0, 8.0), (1.0, 4.0), (5.0, 1e-300), (2.0, 0.0), (1.0, 0.0), (1e308, 1e-300)]:
        assert schedule.update(value, square) == schedule(9) == min((value - 1) / (0.5 * square) if square else 3.0, 3.0)


def test_polyak_minimises_a_quadratic():
    """Known minimum, no rate to choose: f = (x² + 25y²)/2."""
    w, curvature, schedule = np.array([3.0, -2.0]), np.array([1.0, 25.0]), schedules.PolyakStep(max_lr=10)
    for t in range(300):
        gradient = curvature * w
        schedule.update((curvature * w ** 2).sum() / 2, gradient @ gradient)
        w = w - schedule(t) * gradient
    assert np.abs(w).max() < 1e-8
