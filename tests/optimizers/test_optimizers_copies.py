"""Optimizers as PyTorch's users handle them: copied, pickled, grown by groups, stepped with None among the gradients, set with
NumPy's numbers; each rule against runs of the same optimizer that never was copied, or the reference of reference_optimizers.py."""
import copy
import pickle
import warnings

import numpy as np
import pytest

from fastopt import optimizers, schedules
from fastopt.exceptions import InvalidParameterError
from optimizer_cases import OPTIONS, compare, everything, gradients, start
from reference.optimizers import Reference

EVERY = sorted(optimizers.names())
MOMENTS = [(name, {"moments": moments}) for name in ("adam", "adamw", "lion") for moments in ("bfloat16", "8bit")]
CASES = [(name, own) for name in EVERY for own in [{}, *OPTIONS.get(name, [])]] + MOMENTS
#: what makes an optimizer and its parameters anew
COPIES = {"deepcopy": copy.deepcopy, "pickle": lambda both: pickle.loads(pickle.dumps(both)),
          "oldest pickle": lambda both: pickle.loads(pickle.dumps(both, protocol=0))}
#: rules whose groups count steps together
ONE_CLOCK = {"schedule_free_sgd", "schedule_free_adamw", "dog", "prodigy"}


def params_of(name, dtypes=(np.float64, np.float32, np.float64)):
    return [w for w in start(dtypes) if name != "muon" or w.ndim == 2]


def grads_of(params, rng):
    return [np.asarray(rng.normal(size=w.shape), dtype=w.dtype, order="F") for w in params]


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize(("name", "own"), CASES, ids=str)
def test_copies_step_their_own_parameters_as_the_original_would(name, own, how):
    params, rng = params_of(name), np.random.default_rng(0)
    groups = [{"params": params[:1]}, {"params": params[1:], "lr": 0.01}] if len(params) > 1 else params
    one = optimizers.get(name)(groups, **own)
    for _ in range(5):
        one.step(grads_of(params, rng))
    one.accumulate(grads_of(params, rng))
    others, two = COPIES[how]((params, one))
    assert type(two) is type(one) and everything(two) == everything(one) and two.count == 1
    assert all(a is b and a is not c for a, b, c in zip(others, two.params, params))
    assert [dict(g.settings) for g in two.param_groups] == [dict(g.settings) for g in one.param_groups]
    before = everything(one)
    later = [grads_of(params, rng) for _ in range(5)]
    for grads in (None, *later):
        two.step(grads)
    assert everything(one) == before
    for grads in (None, *later):
        one.step(grads)
    assert everything(two) == everything(one)
    two.param_groups[0]["lr"] = 0.375
    assert one.param_groups[0]["lr"] != 0.375


def test_a_copy_takes_schedules_and_attributes_along():
    class Mine(optimizers.SGD):
        pass

    mine = Mine(np.ones(3), lr=schedules.Cosine(0.1, 10), maximize=True, nonfinite="skip")
    mine.label = ["a"]
    mine.step(np.ones(3))
    mine.step(np.full(3, np.nan))
    other = copy.deepcopy(mine)
    assert other.label == ["a"] and other.label is not mine.label and other.t == other.skipped == 1
    assert other.param_groups[0]["lr"] == mine.param_groups[0]["lr"] and other.param_groups[0]["lr"] is not mine.param_groups[0]["lr"]
    shallow = copy.copy(mine)
    assert shallow.params[0] is mine.params[0] and shallow.state_dict()["t"] == 1
    shallow.load_state_dict(optimizers.SGD(np.ones(3)).state_dict())
    assert mine.state_dict()["groups"][0]["maximize"] is True


# ---- groups that come later ----
@pytest.mark.parametrize(("name", "own"), CASES, ids=str)
def test_an_added_group_begins_as_a_new_optimizer_does(name, own):
    """And the ones that were there go on as if nothing had been added."""
    rng = np.random.default_rng(0)
    alone, grown, late, second = (params_of(name) for _ in range(4))
    one, two = optimizers.get(name)(alone, **own), optimizers.get(name)(grown, **own)
    for _ in range(7):
        grads = grads_of(alone, rng)
        one.step(grads)
        two.step(grads)
    two.add_param_group({"params": late, "lr": 0.02})
    fresh = optimizers.get(name)(second, **{**own, "lr": 0.02})
    assert len(two.param_groups) == 2 and two.param_groups[1]["params"] == tuple(late) and two.t == 7
    for _ in range(7):
        grads, more = grads_of(alone, rng), grads_of(late, rng)
        one.step(grads)
        fresh.step(more)
        two.step([*grads, *more])
    exact = "moments" not in own   # whose rounding is seeded by the step
    for a, b in zip([*alone, *second], [*grown, *late]):
        np.testing.assert_allclose(a, b, rtol=0 if exact else 0.1, atol=0 if exact else 0.1)
    third = optimizers.get(name)([{"params": params_of(name)}, {"params": params_of(name)}], **own)
    third.load_state_dict(two.state_dict())
    for w, other in zip(third.params, two.params):
        w[...] = other
    for optimizer in (two, third):
        optimizer.step([*grads, *more])
    assert everything(two) == everything(third)


def test_a_group_that_does_not_fit_changes_nothing():
    base = np.ones(10)
    adam = optimizers.Adam(base[:5], lr=0.1)
    adam.step(np.ones(5))
    for group, words in [(base[5:], "must be a dict"), ({"params": base[3:8]}, "must not overlap"), ({"params": base, "lr": 1}, "overlap"),
                         ({"params": []}, "not empty"), ({"lr": 0.1}, "must be an array"), ({"params": np.ones(3, int)}, "float32 or"),
                         ({"params": np.ones(3), "lr": -1}, "lr must be"), ({"params": np.ones(3), "amsgrad": True}, "groups of one rule")]:
        before = everything(adam)
        with pytest.raises(InvalidParameterError, match=words):
            adam.add_param_group(group)
        assert everything(adam) == before and len(adam.param_groups) == 1
    with pytest.raises(TypeError, match="has no setting 'Lr'"):
        adam.add_param_group({"params": np.ones(3), "Lr": 1})
    with pytest.raises(InvalidParameterError, match=r"params\[1\] must be a matrix"):
        optimizers.Muon(np.ones((2, 2))).add_param_group({"params": np.ones(3)})


@pytest.mark.parametrize("change", [lambda adam: adam.param_groups.append({"params": np.ones(2)}),
                                    lambda adam: adam.param_groups[0]["params"].append(np.ones(2)),
                                    lambda adam: adam.param_groups[0].settings.update(lr=5),
                                    lambda adam: setattr(adam, "param_groups", []), lambda adam: setattr(adam, "params", [])])
def test_what_would_be_ignored_is_refused(change):
    adam = optimizers.Adam(np.ones(3))
    with pytest.raises((AttributeError, TypeError)):
        change(adam)
    assert len(adam.param_groups) == 1 and adam.param_groups[0]["lr"] == 1e-3


# ---- None ----
@pytest.mark.parametrize(("name", "own"), [(name, own) for name, own in CASES if name not in ONE_CLOCK | {"muon", "adafactor"}
                                           and "moments" not in own], ids=str)
def test_arrays_without_gradient_wait(name, own):
    """Each array is a run of its own, of the steps that it takes part in, also over a saved state."""
    params, rng = start(), np.random.default_rng(0)
    own = {"lr": 0.01, **own}
    alone = [Reference(name, [([w], {})], **own) for w in params]
    ours = optimizers.get(name)(params, **own)
    for step in range(30):
        grads = gradients(params, [each.params[0] for each in alone], rng)
        grads = [None if rng.random() < 0.4 else g for g in grads]
        ours.step(grads)
        for reference, g in zip(alone, grads):
            if g is not None:
                reference.step([g])
        compare(params, [each.params[0] for each in alone], 1e-11, f"{name} {own} {step}")
        if step == 15:
            before, ours = ours, optimizers.get(name)(params, **own)
            ours.load_state_dict(before.state_dict())
            assert everything(before) == everything(ours)
    assert ours.t == 30


@pytest.mark.parametrize(("name", "own"), CASES, ids=str)
def test_an_array_that_never_has_a_gradient_is_as_if_it_were_not_there(name, own):
    params, alone = params_of(name), params_of(name)
    still = np.ones((3, 4), np.float32)
    if name == "muon":
        own = {**own, "weight_decay": 0.0}
    ours = optimizers.get(name)([still, *params], **own)
    other = optimizers.get(name)(alone, **own)
    state = [a.copy() for a in ours.states[0] if a is not None]
    rng = np.random.default_rng(0)
    for _ in range(10):
        grads = grads_of(params, rng)
        ours.step([None, *grads])
        ours.step([None] * (1 + len(params)))   # nothing at all
        other.step(grads)
        if name in ONE_CLOCK:
            other.step([None] * len(params))
    assert (still == 1).all() and all((a == b).all() for a, b in zip(state, [a for a in ours.states[0] if a is not None]))
    exact = "moments" not in own
    for a, b in zip(params, alone) if name not in ("dog",) else ():
        np.testing.assert_allclose(a, b, rtol=0 if exact else 0.1, atol=0 if exact else 0.1)


def test_none_in_what_is_accumulated():
    w, b, c = np.zeros(2), np.zeros(2), np.ones(2)
    sgd = optimizers.SGD([w, b, c], lr=1.0, weight_decay=0.5)
    for _ in range(2):
        sgd.accumulate([np.ones(2), None, None])
        sgd.accumulate([np.ones(2), np.ones(2), None])
        sgd.step()
        assert (c == 1).all()
    np.testing.assert_allclose([w[0], b[0]], [-1.5, -0.75])
    sgd.accumulate([None, np.ones(2), None])
    sgd.zero_grad()
    with pytest.raises(InvalidParameterError, match="none were accumulated"):
        sgd.step()
    alone = optimizers.SGD(w, lr=1.0)
    alone.step([None])
    assert w[0] == -1.5 and alone.t == 1


# ---- NumPy's numbers ----
NUMBERS = {"python": float, "float64": np.float64, "float32": np.float32, "float16": np.float16, "no dimensions": lambda x: np.array(x),
           "float32 without": lambda x: np.array(x, np.float32)}


@pytest.mark.parametrize("kind", NUMBERS)
def test_settings_of_numpys_types(kind):
    number = NUMBERS[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        adam = optimizers.Adam(np.ones(3), lr=number(0.5), betas=(number(0.5), number(0.25)), weight_decay=number(0.125), l1=number(0),
                               clip_norm=number(2), amsgrad=np.False_, n_threads=np.int64(1), maximize=np.array(False))
        adam.param_groups[0]["lr"] = number(0.25)
        adam.param_groups[0]["betas"] = np.array([0.5, 0.5])
        adam.param_groups[0]["eps"] = number(2.0 ** -10)
    assert dict(adam.param_groups[0].settings) == {
        "lr": 0.25, "betas": (0.5, 0.5), "eps": 2.0 ** -10, "weight_decay": 0.125, "amsgrad": False, "eps_hat": False, "l1": 0.0,
        "clip_value": None}
    assert all(type(value) in (float, tuple, bool, int, type(None)) for value in adam.param_groups[0].settings.values())
    optimizers.Muon(np.ones((2, 2)), ns_steps=np.int32(3))


@pytest.mark.parametrize("as_numpy", [np.asarray, lambda x: np.asarray(x)[()]], ids=["no dimensions", "scalars"])
@pytest.mark.parametrize("name", EVERY)
def test_states_of_numpys_types(name, as_numpy):
    """As np.savez brings them back: numbers without dimensions, lists as arrays."""
    def numpys(value):
        if isinstance(value, dict):
            return {key: numpys(each) for key, each in value.items()}
        if isinstance(value, list):
            return np.array(value) if value and isinstance(value[0], float) else [numpys(each) for each in value]
        return value if value is None or isinstance(value, (np.ndarray, tuple)) else as_numpy(value)

    shape = (2, 3)
    one = optimizers.get(name)([np.ones(shape), np.ones(shape)])
    one.step([np.ones(shape), None])
    two = optimizers.get(name)([np.ones(shape), np.ones(shape)])
    two.load_state_dict(numpys(one.state_dict()))
    assert everything(two)[1:] == everything(one)[1:] and two.behind == one.behind
    assert two.state_dict()["groups"] == one.state_dict()["groups"]


def test_a_state_of_a_number_without_dimensions():
    w = np.array(2.0)
    one, two = optimizers.Adam(w), optimizers.Adam(np.array(2.0))
    one.step(np.array(1.0))
    state = one.state_dict()
    state["state"] = [{name: array[()] for name, array in state["state"][0].items()}]
    two.load_state_dict(state)
    assert everything(two)[1:] == everything(one)[1:]


def test_a_function_is_no_gradient():
    with pytest.raises(InvalidParameterError, match="got function; call it"):
        optimizers.Adam(np.ones(3)).step(lambda: 1.0)
