"""Bad input of optimizers: refused by name, nothing changed."""
import copy
import re

import numpy as np
import pytest
from hypothesis import given, settings as examples, strategies as st

from fastopt import optimizers
from fastopt.exceptions import InvalidParameterError
from fastopt.optimizers import SGD, Adam, RowSparse
from optimizer_cases import NAMES, everything
from reference.optimizers import DEFAULTS

NO_NUMBERS = [None, "a", b"a", [], {}, object(), 1j, np.nan, np.inf, -np.inf, 10 ** 400, -1, np.ones(2), True, len]


def read_only():
    w = np.ones(3)
    w.flags.writeable = False
    return w


def misaligned(n=3):
    return np.zeros(8 * n + 1, np.uint8)[1:].view(np.float64)


BAD_PARAMS = {
    "no array": (None, "array"), "a number": (1.0, "array"), "empty": ([], "not empty"), "a list of numbers": ([1.0], "float32 or"),
    "integers": (np.ones(3, int), "float32 or float64"), "half": (np.ones(3, np.float16), "float16"),
    "complex": (np.ones(3, complex), "complex128"), "objects": (np.array([1.0, None]), "object"),
    "longdouble": (np.ones(3, np.longdouble), "longdouble|float128|float64"), "big-endian": (np.ones(3, ">f8"), ">f8|byte order"),
    "read-only": (read_only(), "read-only"), "strided": (np.ones(6)[::2], "not contiguous"),
    "a part of columns": (np.ones((4, 4))[:, :2], "not contiguous"), "misaligned": (misaligned(), "not aligned"),
    "nan": (np.array([1.0, np.nan]), "finite"), "infinity": (np.array([1.0, np.inf]), "finite"),
    "mixed": ([np.ones(2), {"params": np.ones(2)}], "not both"), "no params": ([{"lr": 0.1}], r"params\[0\]\['params'\]"),
    "a number as params": ([{"params": 5}], r"params\[0\]\['params'\]"), "no arrays": ([{"params": []}], "not empty"),
}


@pytest.mark.parametrize("key", BAD_PARAMS)
def test_params(key):
    params, words = BAD_PARAMS[key]
    if key == "longdouble" and np.longdouble == np.float64:
        words = ""
    with pytest.raises(InvalidParameterError, match=words):
        Adam(params)


@pytest.mark.parametrize("apart", [0, 1, 4, 9])
def test_params_must_not_overlap(apart):
    base = np.zeros(20)
    with pytest.raises(InvalidParameterError, match=r"params\[0\] and params\[2\] must not overlap"):
        Adam([base[:10], np.zeros(3), base[apart:apart + 10]])
    with pytest.raises(InvalidParameterError, match="must not overlap"):
        Adam([{"params": base[:10]}, {"params": base[apart:apart + 10]}])
    Adam([base[:10], base[10:]])


BAD_GRADS = {
    "none": (None, "grads must be given"), "a number": (1.0, "a list of arrays"), "an array": (np.ones(3), "a list of arrays"),
    "too few": ([np.ones(3)], "for each of the 2"), "too many": ([np.ones(3)] * 3, "for each of the 2"),
    "lists": ([[1, 2, 3], np.ones((2, 2), "f4")], r"grads\[0\] must be an ndarray, got list"),
    "shape": ([np.ones(4), np.ones((2, 2), "f4")], r"grads\[0\].*float64 of shape \(3,\)"),
    "rank": ([np.ones((3, 1)), np.ones((2, 2), "f4")], r"got float64 of shape \(3, 1\)"),
    "dtype": ([np.ones(3), np.ones((2, 2))], r"grads\[1\].*float32 of shape \(2, 2\).*got float64"),
    "order": ([np.ones(3), np.ones((2, 2), "f4", order="F")], r"grads\[1\].*C-contiguous"),
    "strided": ([np.ones(6)[::2], np.ones((2, 2), "f4")], "not contiguous"),
    "misaligned": ([misaligned(), np.ones((2, 2), "f4")], "not aligned"),
    "big-endian": ([np.ones(3, ">f8"), np.ones((2, 2), "f4")], ">f8"),
    "rows": ([np.ones(3), RowSparse([0, 2], np.ones((2, 2), "f4"))], r"grads\[1\].rows must lie in 0 … 1, got 2"),
    "negative rows": ([np.ones(3), RowSparse([-1], np.ones((1, 2), "f4"))], "got -1"),
    "width of rows": ([np.ones(3), RowSparse([0], np.ones((1, 3), "f4"))], r"grads\[1\].values must be float32"),
    "dtype of rows": ([np.ones(3), RowSparse([0], np.ones((1, 2)))], r"grads\[1\].values must be float32"),
}


@pytest.mark.parametrize("key", BAD_GRADS)
def test_grads(key):
    grads, words = BAD_GRADS[key]
    optimizer = Adam([np.ones(3), np.ones((2, 2), np.float32)])
    optimizer.step([np.ones(3), np.ones((2, 2), np.float32)])
    before = everything(optimizer)
    for take in (optimizer.step, optimizer.accumulate):
        if take == optimizer.accumulate:   # which takes no rows
            words = "grads must be" if grads is None else r"grads\[1\]" if "rows" in key else words
        with pytest.raises(InvalidParameterError, match=words):
            take(grads)
        assert everything(optimizer) == before and optimizer.count == 0


@pytest.mark.parametrize(("rows", "values"), [([[0]], np.ones((1, 2))), ([0.5], np.ones((1, 2))), (["a"], np.ones((1, 2))),
                                              ([0, 1], np.ones((1, 2))), (0, np.ones((1, 2))), ([True], np.ones((1, 2)))])
def test_row_sparse(rows, values):
    with pytest.raises(InvalidParameterError, match="^(rows|values) must"):
        RowSparse(rows, values)


def test_read_only_gradients_are_fine():
    w = np.zeros(3)
    SGD(w, lr=1.0).step(read_only())
    assert (w == -1).all()


def test_gradients_must_not_lie_in_parameters():
    base = np.arange(20.0)
    optimizer = SGD([base[:5], base[10:15]])
    before = everything(optimizer)
    for wrong in (base[:5], base[2:7], base[8:13], base[14:19]):
        with pytest.raises(InvalidParameterError, match=r"grads\[0\] must not share memory with params\[[01]\]"):
            optimizer.step([wrong, np.ones(5)])
        assert everything(optimizer) == before
    optimizer.step([base[5:10], base[15:20]])


def test_params_that_changed_are_noticed():
    w, v = np.ones(3), np.ones(4)
    optimizer = SGD([w, v])
    v.flags.writeable = False
    with pytest.raises(InvalidParameterError, match=r"params\[1\] must be writeable and the memory that it was"):
        optimizer.step([np.ones(3), np.ones(4)])
    v.flags.writeable = True
    v.resize(40000, refcheck=False)
    with pytest.raises(InvalidParameterError, match=r"params\[1\].*got shape \(40000,\)"):
        optimizer.step([np.ones(3), np.ones(40000)])
    assert (w == 1).all()


@pytest.mark.parametrize("name", NAMES)
def test_settings(name):
    cls = optimizers.get(name)
    for setting, default in {**DEFAULTS[name], "l1": 0.0, "clip_value": 1.0, "clip_norm": 1.0, "clip_global_norm": 1.0,
                             "maximize": False, "nonfinite": "raise", "n_threads": 1}.items():
        for value in NO_NUMBERS:
            if _may_be(setting, default, value):
                continue
            for args, options in [((np.ones(2),), {setting: value}), (([{"params": np.ones(2), setting: value}],), {})]:
                with pytest.raises((InvalidParameterError, TypeError), match=re.escape(setting)):
                    cls(*args, **options)


def _may_be(setting, default, value):
    if isinstance(value, np.ndarray):
        return setting == "step_sizes"   # two numbers
    if isinstance(default, bool):
        return value is True
    if value is None:
        return setting in ("clip_value", "clip_norm", "clip_global_norm", "beta3", "n_threads")
    return (setting, value) in [("lr", len), ("growth_rate", np.inf), ("n_threads", -1), ("n_threads", 10 ** 400)]


@pytest.mark.parametrize("name", NAMES)
def test_unknown_settings_with_what_may_have_been_meant(name):
    cls = optimizers.get(name)
    with pytest.raises(TypeError, match="has no setting 'clip_norn': did you mean 'clip_norm'"):
        cls(np.ones(2), clip_norn=1.0)
    with pytest.raises(TypeError, match="has no setting 'zzz'; it has lr"):
        cls([{"params": np.ones(2), "zzz": 1}])
    with pytest.raises(TypeError, match="has no setting 'maximize'"):
        cls([{"params": np.ones(2), "maximize": True}])


def test_settings_that_do_not_go_together():
    for options in ({"nesterov": True}, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}):
        with pytest.raises(InvalidParameterError, match="nesterov must be False"):
            SGD(np.ones(2), **options)
    with pytest.raises(InvalidParameterError, match="groups of one rule, got settings for sgd, momentum"):
        SGD([{"params": np.ones(2)}, {"params": np.ones(2), "momentum": 0.9}])
    with pytest.raises(InvalidParameterError, match="momentum must be above 0"):
        optimizers.ScheduleFreeSGD(np.ones(2), momentum=0)
    with pytest.raises(InvalidParameterError, match="betas must begin above 0"):
        optimizers.ScheduleFreeAdamW(np.ones(2), betas=(0.0, 0.9))
    with pytest.raises(InvalidParameterError, match="lr must be a number for Rprop"):
        optimizers.Rprop(np.ones(2), lr=lambda t: 0.1)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0, None, "a", 1j, [1]])
def test_schedules_must_give_numbers(value):
    optimizer = Adam(np.ones(2), lr=lambda t: value if t else 0.1)
    optimizer.step(np.ones(2))
    before = everything(optimizer)
    with pytest.raises((ValueError, TypeError)):
        optimizer.step(np.ones(2))
    assert everything(optimizer) == before
    with pytest.raises((ValueError, TypeError)):
        optimizers.FTRL(np.ones(2), lr=lambda t: value)


GARBAGE = st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just(np.ones(3)),
                                 st.just(np.full(5, np.nan)), st.just(10 ** 400), st.just(object())),
                       lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
                       max_leaves=6)
PLACES = [("rule",), ("t",), ("skipped",), ("carry",), ("carry", 0), ("carry", 0, 1), ("groups",), ("groups", 0), ("state",),
          ("state", 0), ("state", 0, "m"), ("groups", 0, "lr"), ("groups", 0, "betas"), ("groups", 0, "clip_norm"),
          ("groups", 0, "nonfinite"), ("groups", 0, "amsgrad"), ("groups", 0, "new"), ("began",), ("began", 0), ("behind",), ("behind", 0)]


@examples(max_examples=300)
@given(st.sampled_from(PLACES), GARBAGE, st.booleans())
def test_garbage_in_states(place, garbage, gone):
    """Loaded if it may be, else refused and nothing changed; a step works either way."""
    optimizer = Adam(np.ones(5), nonfinite="skip")
    optimizer.step(np.ones(5))
    before, state = everything(optimizer), optimizer.state_dict()
    saved = repr(state)
    inside = state
    for key in place[:-1]:
        inside = inside[key]
    if gone and isinstance(inside, dict):
        inside.pop(place[-1], None)
    else:
        inside[place[-1]] = copy.deepcopy(garbage)
    try:
        optimizer.load_state_dict(state)
    except (InvalidParameterError, TypeError):
        assert everything(optimizer) == before and repr(optimizer.state_dict()) == saved
    optimizer.step(np.ones(5))
    assert np.isfinite(optimizer.params[0]).all()


@given(GARBAGE)
def test_garbage_as_states(garbage):
    optimizer = Adam(np.ones(5))
    with pytest.raises(InvalidParameterError, match="^state must be a dict with rule"):
        optimizer.load_state_dict(garbage)


@pytest.mark.parametrize("place, value", [("began", 2), ("behind", [2, 0.0, 0.0])])
def test_states_count_no_steps_after_the_last(place, value):
    """Such counters made the next step overflow."""
    optimizer = optimizers.NAdam(np.ones(5))
    optimizer.step(np.ones(5))
    state = optimizer.state_dict()
    state[place][0] = value[:1 + len(state["carry"][0])] if place == "behind" else value
    before = everything(optimizer)
    with pytest.raises(InvalidParameterError, match=rf"state\['{place}'\]\[0\] must be an integer from 0 to 1, got 2"):
        optimizer.load_state_dict(state)
    assert everything(optimizer) == before


def test_states_of_others():
    optimizer = Adam([np.ones(3), np.ones((2, 2))])
    before = everything(optimizer)
    for other, words in [
            (SGD([np.ones(3), np.ones((2, 2))]), "state must be that of 'adam', got that of 'sgd'"),
            (optimizers.AdamW([np.ones(3), np.ones((2, 2))]), "got that of 'adamw'"),
            (Adam([np.ones(3), np.ones((2, 2))], amsgrad=True), "need other arrays of state"),
            (Adam([np.ones(3)]), "must have 2 entries"), (Adam([np.ones(3), np.ones(4)]), r"\[1\]\['m'\] must be float64 of shape \(2, 2\)"),
            (Adam([np.ones(3), np.ones((2, 2), "f4")]), "got float32"),
            (Adam([{"params": np.ones(3)}, {"params": np.ones((2, 2))}]), r"\['groups'\] must have 1 entries")]:
        with pytest.raises(InvalidParameterError, match=words):
            optimizer.load_state_dict(other.state_dict())
        assert everything(optimizer) == before
