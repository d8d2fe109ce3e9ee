"""Few samples in arrays as they are take a way of their own: it gives the bits of the ordinary one, and refuses what that one refuses."""
import numpy as np
import pytest

from fastopt import losses

N, T, K = 7, 3, 5
_rng = np.random.default_rng(0)
NUMBERS, OTHERS, OLD = _rng.standard_normal((3, N))
ROWS, NEXT, ONLINE = _rng.standard_normal((3, N, K))
TOKENS = _rng.standard_normal((N, T, K))
LABELS, ACTIONS, WORDS = _rng.integers(0, K, N), _rng.integers(0, K, N), _rng.integers(0, K, (N, T))
DONE = np.arange(N) % 3 == 1

#: a loss, and what its methods are given
CASES = {
    "squared error": (losses.get("mse"), {"y": NUMBERS, "p": OTHERS}),
    "Huber": (losses.get("huber"), {"y": NUMBERS, "p": OTHERS}),
    "log loss": (losses.get("bce"), {"y": 1.0 * (NUMBERS > 0), "p": OTHERS}),
    "multinomial": (losses.Multinomial(), {"y": LABELS, "p": ROWS}),
    "tokens": (losses.SequenceCrossEntropy(), {"y": WORDS, "p": TOKENS}),
    "tokens, smooth": (losses.SequenceCrossEntropy(label_smoothing=0.2), {"y": WORDS, "p": TOKENS}),
    "risk": (losses.MinimumRisk(alpha=0.5), {"costs": NEXT, "p": ROWS}),
    "self-critical": (losses.SelfCritical(), {"costs": NEXT, "p": ROWS}),
    "values": (losses.ValueFunction(), {"y": NUMBERS, "p": OTHERS}),
    "values of rows": (losses.ValueFunction("huber", delta=0.3), {"y": NEXT, "p": ROWS}),
    "values, held back": (losses.ValueFunction(clip=0.2), {"y": NUMBERS, "p": OTHERS, "old_values": OLD}),
    "transitions": (losses.DQN(double=False), {"actions": ACTIONS, "p": ROWS, "rewards": NUMBERS, "done": DONE, "next_scores": NEXT}),
    "transitions, double": (losses.DQN("squared"), {"actions": ACTIONS, "p": ROWS, "rewards": NUMBERS, "done": 1.0 * DONE, "next_scores": NEXT,
                                                    "next_online": ONLINE}),
}


def given(name, dtype):
    loss, arrays = CASES[name]
    return loss, {key: a.astype(dtype) if a.dtype == np.float64 else a.copy() for key, a in arrays.items()}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_the_bits_are_those_of_the_ordinary_way(name, dtype):
    loss, arrays = given(name, dtype)
    value, gradient = loss.value_and_gradient(**arrays)
    assert value == loss.value(**arrays)
    assert gradient.dtype == dtype and gradient.shape == arrays["p"].shape
    assert np.array_equal(gradient, loss.gradient(**arrays))


@pytest.mark.parametrize("name", CASES)
def test_arrays_of_every_layout(name):
    loss, arrays = given(name, np.float64)
    value, gradient = loss.value_and_gradient(**arrays)
    strided = {key: np.repeat(a, 2, axis=0)[::2] for key, a in arrays.items()}
    readonly = {key: a.copy() for key, a in arrays.items()}
    for a in readonly.values():
        a.flags.writeable = False
    unaligned = {key: np.frombuffer(b"\0" + a.tobytes(), np.uint8)[1:].view(a.dtype).reshape(a.shape) for key, a in arrays.items()}
    for others in strided, readonly, unaligned, {key: a.tolist() for key, a in arrays.items()}:
        found = loss.value_and_gradient(**others)
        assert found[0] == value and np.array_equal(found[1], gradient)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("name, argument", [(name, key) for name, (_, arrays) in CASES.items() for key, a in arrays.items() if a.dtype == np.float64])
def test_numbers_that_are_not_finite_are_refused(name, argument, bad):
    loss, arrays = given(name, np.float64)
    arrays[argument].flat[-2] = bad
    with pytest.raises(ValueError, match=f"{argument} must be .*, got {bad}"):
        loss.value_and_gradient(**arrays)


@pytest.mark.parametrize("bad", [-1, K])
@pytest.mark.parametrize("name, argument", [(name, key) for name, (_, arrays) in CASES.items() for key, a in arrays.items() if a.dtype == np.int64])
def test_numbers_of_classes_that_there_are_not_are_refused(name, argument, bad):
    loss, arrays = given(name, np.float64)
    arrays[argument].flat[2] = bad
    with pytest.raises(ValueError, match=f"{argument} .*{bad}"):
        loss.value_and_gradient(**arrays)


@pytest.mark.parametrize("name", CASES)
def test_shapes_that_do_not_fit_are_refused(name):
    loss, arrays = given(name, np.float64)
    for argument in arrays:
        fewer = {key: a[:-1] if key == argument else a for key, a in arrays.items()}
        with pytest.raises(ValueError, match="shape|one for each|of p"):
            loss.value_and_gradient(**fewer)


def test_a_done_between_0_and_1_is_refused():
    loss, arrays = given("transitions, double", np.float64)
    arrays["done"][1] = 1.5
    with pytest.raises(ValueError, match="done must be between 0 and 1, got 1.5 at index 1"):
        loss.value_and_gradient(**arrays)
