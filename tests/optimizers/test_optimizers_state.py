"""States of optimizers: a run that is saved, pickled and resumed equals the uninterrupted one to the bit, for every rule."""
import copy
import pickle

import numpy as np
import pytest

from fastopt import optimizers
from fastopt.exceptions import InvalidParameterError
from fastopt.optimizers import RowSparse
from optimizer_cases import NAMES, OPTIONS, SHARED, everything, gradients, start


class Halving:
    """A schedule with a state of its own."""

    def __init__(self, lr):
        self.lr, self.calls = lr, 0

    def __call__(self, t):
        self.calls += 1
        return self.lr * 0.5 ** (self.calls // 7)

    def state_dict(self):
        return {"calls": self.calls}

    def load_state_dict(self, state):
        self.calls = state["calls"]


def make(name, params, own, lr=None):
    groups = [{"params": params[:1]}, {"params": params[1:], "l1": 0.01}]
    return optimizers.get(name)(groups, clip_norm=2.0, **({} if lr is None else {"lr": lr}), **own)


@pytest.mark.parametrize(("name", "own"), [(name, own) for name in NAMES for own in [{}, *OPTIONS[name]]])
def test_resumed_runs_are_the_same_to_the_bit(name, own):
    scheduled = name != "rprop"
    rate = (lambda: Halving(0.05)) if scheduled else (lambda: 0.05)
    own = {key: value for key, value in own.items() if key != "lr"}
    params, rng = start([np.float64, np.float32, np.float64]), np.random.default_rng(0)
    through = make(name, params, own, rate())
    for _ in range(20):
        through.step(gradients(params, params, rng))
    saved = pickle.dumps((params, through.state_dict()))
    later = [gradients(params, [0 * w for w in params], rng) for _ in range(100)]

    others, state = pickle.loads(saved)
    others = [np.asarray(w, order="F") for w in others]
    resumed = make(name, others, own, rate())
    resumed.load_state_dict(state)
    for grads in later:
        through.step(grads)
        resumed.step(grads)
    assert everything(through) == everything(resumed)
    assert all(np.array_equal(a, b) for a, b in zip(through.solution(), resumed.solution()))


def test_skips_and_sparse_steps_resume():
    w = np.ones((10, 3))
    through = optimizers.Adam(w, nonfinite="skip")
    through.step(RowSparse([1, 3], np.ones((2, 3))))
    through.step(np.full((10, 3), np.nan))
    other = w.copy()
    resumed = optimizers.Adam(other, nonfinite="skip")
    resumed.load_state_dict(through.state_dict())
    for optimizer in (through, resumed):
        optimizer.step(RowSparse([3, 4], np.ones((2, 3))))
    assert everything(through) == everything(resumed) and resumed.skipped == 1


def test_a_state_is_a_copy():
    w = np.ones(3)
    adam = optimizers.Adam(w)
    adam.step(np.ones(3))
    state = adam.state_dict()
    before = copy.deepcopy(state)
    adam.step(np.ones(3))
    assert repr(state) == repr(before)
    adam.load_state_dict(state)
    adam.step(np.ones(3))
    assert repr(state) == repr(before)


def test_a_state_brings_the_settings():
    first = optimizers.SGD([np.zeros(2)], lr=0.5, maximize=True, clip_norm=1.0, nonfinite="skip", weight_decay=0.25)
    w = np.zeros(2)
    second = optimizers.SGD([w], lr=9.0)
    second.load_state_dict(first.state_dict())
    assert second.param_groups[0].settings == first.param_groups[0].settings
    second.step([np.array([3.0, 4.0])])
    np.testing.assert_allclose(w, [0.3, 0.4], rtol=1e-15)
    second.step([np.full(2, np.nan)])
    assert second.skipped == 1
    assert second.state_dict()["groups"] == first.state_dict()["groups"]


def test_loading_drops_accumulated_gradients():
    w = np.zeros(2)
    sgd = optimizers.SGD(w, lr=1.0)
    sgd.accumulate(np.ones(2))
    sgd.load_state_dict(sgd.state_dict())
    with pytest.raises(InvalidParameterError, match="none were accumulated"):
        sgd.step()


def test_a_plain_function_as_schedule_goes_on_at_its_step():
    rate = SHARED["schedule"]["lr"]
    w, other = np.ones(2), np.ones(2)
    through, resumed = optimizers.SGD(w, lr=rate), optimizers.SGD(other, lr=rate)
    for _ in range(5):
        through.step(np.ones(2))
    other[:] = w
    resumed.load_state_dict(through.state_dict())
    through.step(np.ones(2))
    resumed.step(np.ones(2))
    assert (w == other).all()


def test_schedules_stay_and_are_not_made_from_a_state():
    """Whatever learning rate the state has, as a scheduler of PyTorch stays; the other settings are the state's."""
    rate = Halving(0.25)
    number, scheduled = optimizers.SGD(np.ones(1), lr=0.5, weight_decay=0.125), optimizers.SGD(np.ones(1), lr=rate)
    with pytest.raises(InvalidParameterError, match=r"is a schedule's, but the optimizer has lr=0.5"):
        number.load_state_dict(scheduled.state_dict())
    number.step(np.ones(1))
    scheduled.load_state_dict(number.state_dict())
    assert scheduled.param_groups[0]["lr"] is rate and rate.calls == 0
    assert scheduled.param_groups[0]["weight_decay"] == 0.125 and scheduled.t == 1


def test_schedules_are_put_back_where_one_refuses():
    class Refusing(Halving):
        def load_state_dict(self, state):
            if state["calls"] == 3:
                raise ValueError("calls must not be 3")
            super().load_state_dict(state)

    def build():
        return optimizers.SGD([{"params": np.ones(1), "lr": Halving(0.1)}, {"params": np.ones(1), "lr": Refusing(0.1)}])
    one, other = build(), build()
    for _ in range(3):
        one.step([np.ones(1), np.ones(1)])
    before = everything(other)
    with pytest.raises(ValueError, match="calls must not be 3"):
        other.load_state_dict(one.state_dict())
    assert everything(other) == before and [group["lr"].calls for group in other.param_groups] == [0, 0]
