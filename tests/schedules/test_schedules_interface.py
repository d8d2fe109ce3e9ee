"""What schedules do with arguments, names and states: values, refusals, resuming, pictures."""
import copy
import json
import pickle

import numpy as np
import pytest

from fastopt import optimizers, schedules
from fastopt.exceptions import InvalidParameterError

ALL = [
    schedules.Constant(0.1), schedules.ExponentialDecay(0.1, 0.9, 10, staircase=True), schedules.StepDecay(0.1, 5),
    schedules.MultiStep(0.1, [3, 9]), schedules.Polynomial(0.1, 20, 2, 0.01), schedules.InverseTime(0.1, 0.5, 10),
    schedules.InverseSqrt(0.1, 10), schedules.InverseScaling(0.1, 0.25), schedules.Cosine(0.1, 20),
    schedules.CosineRestarts(0.1, 5, 2), schedules.OneCycle(0.1, 20), schedules.Cyclic(0.1, 0.2, 5, mode="exp_range", gamma=0.9),
    schedules.Warmup(schedules.Cosine(0.1, 20), 5, 0.01), schedules.Piecewise([3], [0.1, 0.2]),
    schedules.Join([0.1, schedules.Warmup(0.2, 3), schedules.StepDecay(0.4, 2)], [4, 8]),
    schedules.ReduceOnPlateau(0.1, patience=1), schedules.PolyakStep(max_lr=2.0),
]
PLAIN = [s for s in ALL if s.driven_by is None]


def drive(schedule, steps):
    """The rates while something happens."""
    rng, rates = np.random.default_rng(steps), []
    for t in range(steps):
        if schedule.driven_by == "metric":
            schedule.update(rng.uniform())
        elif schedule.driven_by == "value":
            schedule.update(rng.uniform(), rng.uniform())
        rates.append(schedule(t))
    return rates


def test_each_schedule_is_here():
    assert {s.name for s in ALL} == set(schedules.names())
    assert {type(s).__name__ for s in ALL} <= set(schedules.__all__)


@pytest.mark.parametrize("schedule", ALL, ids=lambda s: s.name)
def test_schedules_are_values(schedule):
    schedule = copy.deepcopy(schedule)
    assert eval(repr(schedule), vars(schedules)) == schedule == schedules.get(schedule.name, **schedule.params)
    assert schedules.get(schedule) is schedule is schedules.as_schedule(schedule)
    drive(schedule, 7)
    for same in (pickle.loads(pickle.dumps(schedule)), copy.deepcopy(schedule), copy.copy(schedule)):
        assert same == schedule and same is not schedule and drive(same, 5) == drive(copy.deepcopy(schedule), 5)
    for change in (lambda: setattr(schedule, "lr", 3), lambda: delattr(schedule, "spec")):
        with pytest.raises(AttributeError, match="cannot be changed"):
            change()
    schedule.params.clear()
    assert schedule.params
    assert schedule not in [other for other in ALL if other.name != schedule.name]


def test_schedules_differ_by_type_parameters_and_state():
    assert schedules.Cosine(0.1, 5) != schedules.Cosine(0.1, 6) != schedules.Polynomial(0.1, 6)
    plateau, other = schedules.ReduceOnPlateau(0.1), schedules.ReduceOnPlateau(0.1)
    plateau.update(1.0)
    assert plateau != other
    other.update(1.0)
    assert plateau == other


def test_in_a_scikit_learn_estimator():
    base = pytest.importorskip("sklearn.base")

    class Estimator(base.BaseEstimator):
        def __init__(self, lr=0.1):
            self.lr = lr

    for schedule in ALL:
        clone = base.clone(Estimator(lr=schedule))
        assert clone.get_params()["lr"] == schedule and repr(clone)


@pytest.mark.parametrize("schedule", [*ALL, schedules.Warmup(schedules.ReduceOnPlateau(0.3, patience=0), 3)], ids=repr)
def test_resume_equals_the_uninterrupted_run(schedule):
    """Through JSON, into a schedule with other parameters, into a new one."""
    schedule = copy.deepcopy(schedule)
    drive(schedule, 11)
    state = json.loads(json.dumps(schedule.state_dict()))
    wanted = drive(schedule, 13)
    restored = schedules.from_state_dict(state)
    other = copy.deepcopy(schedule)
    drive(other, 3)
    other.load_state_dict(state)
    assert restored == other and restored.state_dict() == state == other.state_dict()
    assert drive(restored, 13) == wanted == drive(other, 13)
    assert type(restored.params[next(iter(restored.params))]) is type(schedule.params[next(iter(schedule.params))])


def test_loading_replaces_the_parameters_and_keeps_the_objects():
    cosine = schedules.Cosine(0.5, 7)
    cosine.load_state_dict(schedules.Cosine(0.1, 20).state_dict())
    assert cosine == schedules.Cosine(0.1, 20) and cosine.lr == 0.1 and cosine(20) == 0
    plateau = schedules.ReduceOnPlateau(0.3, patience=0)
    warm = schedules.Warmup(plateau, 3)
    state = warm.state_dict()
    assert [warm.update(1.0), warm.update(1.0)] == pytest.approx([0.3, 0.03])
    assert plateau(0) == warm(3) == pytest.approx(0.03) and warm(1) == pytest.approx(0.01)
    warm.load_state_dict(state)
    assert warm.schedule is plateau and plateau(0) == 0.3
    functions = schedules.Join([np.cos, 0.1], [1])
    functions.load_state_dict(functions.state_dict())
    assert functions(0) == 1.0 and functions(1) == 0.1


@pytest.mark.parametrize("state, text", [
    (None, "state must be what state_dict returned"),
    ({"name": "cosine"}, "state must be what state_dict returned"),
    ({"name": "sine", "params": {}, "state": {}}, "state must have one of the names .*, got 'sine'"),
    ({"name": [], "params": {}, "state": {}}, "state must have one of the names"),
    (schedules.Constant(0.1).state_dict(), "state must be that of a ReduceOnPlateau, got that of Constant"),
    ({"name": "reduce_on_plateau", "params": {"lr": -1.0}, "state": {}}, "lr must be a finite number at least 0, got -1"),
    ({"name": "reduce_on_plateau", "params": {"rate": 1.0}, "state": {}}, "state of reduce_on_plateau: .*'rate'"),
    ({"name": "reduce_on_plateau", "params": {"lr": 1.0}, "state": {"lr": 0.5}}, "must hold lr, best, num_bad, cooldown_left"),
    ({"name": "reduce_on_plateau", "params": {"lr": 1.0}, "state": {
        "lr": float("nan"), "best": 0, "num_bad": 0, "cooldown_left": 0}}, r"state\['lr'\] must be a number, finite or infinite, got nan"),
    (schedules.as_schedule(abs).state_dict(), "state has a function, which cannot be saved"),
])
def test_bad_states_change_nothing(state, text):
    schedule = schedules.ReduceOnPlateau(0.1)
    schedule.update(3.0)
    before = schedule.state_dict()
    with pytest.raises(InvalidParameterError, match=text):
        schedule.load_state_dict(state)
    assert schedule.state_dict() == before


@pytest.mark.parametrize("call, text", [
    (lambda: schedules.get("cosin"), "no schedule 'cosin': did you mean 'cosine'"),
    (lambda: schedules.get(3), "name must be a string"),
    (lambda: schedules.get("step", lr=1, steps=3), "step takes lr, step_size, gamma, got steps"),
    (lambda: schedules.Constant(-1), "lr must be a finite number at least 0, got -1"),
    (lambda: schedules.Constant(np.nan), "lr must be a finite number at least 0, got nan"),
    (lambda: schedules.Constant(np.inf), "lr must be a finite number at least 0, got inf"),
    (lambda: schedules.Constant(10 ** 400), "lr must be a finite number at least 0, got an integer of about 1e400"),
    (lambda: schedules.Constant("a"), "lr must be a finite number.*, got 'a'"),
    (lambda: schedules.Constant(True), "lr must be a finite number.*, got True"),
    (lambda: schedules.ExponentialDecay(1, decay_rate=0), "decay_rate must be a finite number above 0"),
    (lambda: schedules.ExponentialDecay(1, decay_steps=0), "decay_steps must be an integer at least 1, got 0"),
    (lambda: schedules.ExponentialDecay(1, decay_steps=1.5), "decay_steps must be an integer at least 1, got 1.5"),
    (lambda: schedules.ExponentialDecay(1, decay_steps=10 ** 400), "decay_steps must be an integer from 1 to 9007199254740992"),
    (lambda: schedules.ExponentialDecay(1, staircase=1), "staircase must be True or False, got 1"),
    (lambda: schedules.Polynomial(1, 5, power=-1), "power must be a finite number above 0"),
    (lambda: schedules.InverseTime(1, decay_rate=-1), "decay_rate must be a finite number at least 0"),
    (lambda: schedules.CosineRestarts(1, 5, T_mult=1.5), "T_mult must be an integer at least 1, got 1.5"),
    (lambda: schedules.OneCycle(1, 5, pct_start=1.5), "pct_start must be a finite number at least 0 and at most 1, got 1.5"),
    (lambda: schedules.OneCycle(1, 5, pct_start=0.6, three_phase=True), "pct_start must be at most 0.5 with three_phase, got 0.6"),
    (lambda: schedules.OneCycle(1, 5, anneal_strategy="sin"), "anneal_strategy must be one of 'cos', 'linear', got 'sin'"),
    (lambda: schedules.Cyclic(1, 2, mode=None), "mode must be one of 'triangular', "),
    (lambda: schedules.Cyclic(1, 2, step_size_down=0), "step_size_down must be an integer at least 1"),
    (lambda: schedules.MultiStep(1, [5, 5]), r"milestones must rise, got \[5, 5\]"),
    (lambda: schedules.MultiStep(1, 5), "milestones must be a sequence, got 5"),
    (lambda: schedules.Piecewise([1, 0], [1, 2, 3]), r"boundaries\[1\] must be an integer at least 1, got 0"),
    (lambda: schedules.Piecewise([1], [1, 2, 3]), "values must be one more than boundaries, got 3 and 1"),
    (lambda: schedules.Piecewise([1], [1, -2]), r"values\[1\] must be a finite number at least 0"),
    (lambda: schedules.Join([1], [5]), "schedules must be one more than boundaries, got 1 and 1"),
    (lambda: schedules.Join([1, "a"], [5]), r"schedules\[1\] must be a number, a schedule or a function of the step, got 'a'"),
    (lambda: schedules.Join([1, schedules.PolyakStep()], [5]), r"schedules\[1\] must be a function of the step, got PolyakStep"),
    (lambda: schedules.Warmup(None, 5), "schedule must be a number, a schedule or a function of the step, got None"),
    (lambda: schedules.Warmup(0.1, -1), "warmup_steps must be an integer at least 0, got -1"),
    (lambda: schedules.Warmup(0.1, 5).update(1.0), "schedule must be driven by a metric or a loss"),
    (lambda: schedules.ReduceOnPlateau(1, factor=1), "factor must be a finite number above 0 and below 1, got 1"),
    (lambda: schedules.ReduceOnPlateau(1).update(np.nan), "metric must be a number, finite or infinite, got nan"),
    (lambda: schedules.ReduceOnPlateau(1).update("a"), "metric must be a number, finite or infinite, got 'a'"),
    (lambda: schedules.PolyakStep(f_star=1).update(0.5, 1.0), "value must be a finite number at least 1, got 0.5"),
    (lambda: schedules.PolyakStep().update(np.inf, 1.0), "value must be a finite number at least 0, got inf"),
    (lambda: schedules.PolyakStep().update(1.0, -1.0), "gradient_norm_squared must be a finite number at least 0, got -1"),
    (lambda: schedules.PolyakStep().update(1.0, np.nan), "gradient_norm_squared must be a finite number at least 0, got nan"),
    (lambda: schedules.Constant(1)(-1), "t must be an integer from 0 to 9007199254740991, got -1"),
    (lambda: schedules.Constant(1)(1.5), "t must be an integer from 0 .*, got 1.5"),
    (lambda: schedules.Constant(1)(True), "t must be an integer from 0 .*, got True"),
    (lambda: schedules.Constant(1)(2 ** 53), "t must be an integer from 0"),
    (lambda: schedules.Constant(1).block(0, -1), "n must be an integer from 0"),
    (lambda: schedules.Constant(1).plot(0), "steps must be an integer at least 1, got 0"),
    (lambda: schedules.as_schedule("cosine"), r"lr must be a number, .*, got 'cosine'; schedules.get\('cosine', …\)"),
    (lambda: schedules.as_schedule(-0.1), "lr must be a finite number at least 0, got -0.1"),
    (lambda: schedules.as_schedule(None, "eta"), "eta must be a number, a schedule or a function"),
    (lambda: schedules.as_schedule(schedules.Cosine), "lr must be a number, a schedule or a function of the step, got <class"),
    (lambda: schedules.as_schedule(np.ones(3)), "lr must be a number, a schedule or a function of the step"),
    (lambda: schedules.as_schedule(lambda t: None)(0), "lr must return a number, got None at step 0"),
    (lambda: schedules.as_schedule(lambda t: -t)(3), "lr must be finite and at least 0 at every step, got -3.0 at step 3"),
    (lambda: schedules.as_schedule(lambda t: 1 - t).block(0, 9), "got -1.0 at step 2 from Function"),
    (lambda: schedules.Join([1, lambda t: np.nan], [5]).block(0, 9), "got nan at step 5 from Join"),
    (lambda: schedules.ExponentialDecay(1, 10.0)(400), "got inf at step 400 from ExponentialDecay"),
    (lambda: schedules.from_state_dict(schedules.as_schedule(abs).state_dict()), "state has a function, which cannot be saved"),
])
def test_refusals_name_the_argument(call, text):
    with pytest.raises(InvalidParameterError, match=text):
        call()


def test_refused_updates_change_nothing():
    for schedule, bad in ((schedules.ReduceOnPlateau(1, patience=0), (np.nan,)), (schedules.PolyakStep(), (1.0, -1.0))):
        before = schedule.state_dict()
        with pytest.raises(ValueError):
            schedule.update(*bad)
        assert schedule.state_dict() == before


def test_as_schedule():
    assert schedules.as_schedule(np.float32(0.5)) == schedules.Constant(0.5) == schedules.as_schedule(schedules.Constant(0.5))
    assert schedules.as_schedule(1) == schedules.Constant(1.0)
    assert schedules.as_schedule(lambda t: 1 / (t + 1)).block(1, 3).tolist() == [1 / 2, 1 / 3, 1 / 4]


@pytest.mark.parametrize("schedule", PLAIN, ids=lambda s: s.name)
def test_plot(schedule):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    from matplotlib import pyplot
    ax = schedule.plot(30)
    x, y = ax.lines[0].get_data()
    assert list(x) == list(range(30)) and list(y) == schedule.block(0, 30).tolist() and ax.get_title() == repr(schedule)
    assert schedule.plot(20, ax=ax) is ax and len(ax.lines) == 2
    pyplot.close(ax.figure)


@pytest.mark.parametrize("schedule", ALL, ids=lambda s: s.name)
def test_an_optimizer_resumes_with_its_schedule(schedule):
    """Save, load into another optimizer with a fresh schedule, and the next steps are those of the first, to the bit."""
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(30, 5))

    def step(opt, lr, w, t):
        if lr.driven_by == "metric":
            lr.update(float(w @ w))
        elif lr.driven_by == "value":
            lr.update(float(w @ w), float(gradients[t] @ gradients[t]))
        opt.step([gradients[t]])

    w, lr = np.ones(5), copy.deepcopy(schedule)
    opt = optimizers.Adam([w], lr=lr)
    for t in range(12):
        step(opt, lr, w, t)
    state, start, fresh = copy.deepcopy(opt.state_dict()), w.copy(), copy.deepcopy(schedule)
    again = optimizers.Adam([start], lr=fresh)
    again.load_state_dict(state)
    for t in range(12, 30):
        step(opt, lr, w, t)
        step(again, fresh, start, t)
    assert w.tolist() == start.tolist() and np.abs(w - 1).max() > 1e-3
