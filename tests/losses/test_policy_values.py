"""Losses of values of states and of actions: beside plain loops, central differences, a chain that is solved, arguments."""
import copy
import pickle

import numpy as np
import pytest

from fastopt import losses
from reference import policies as reference
from reference.differences import central


def states(n=12, seed=0, scale=1.0):
    """What they are worth, what is expected, what was expected."""
    y, p, old = scale * np.random.default_rng(seed).normal(size=(3, n))
    return y, p, old


def steps(n=10, k=4, seed=0):
    """Arguments of DQN.value, double."""
    rng = np.random.default_rng(seed)
    return (rng.integers(0, k, n), rng.normal(size=(n, k)), rng.normal(size=n), rng.random(n) < 0.3, rng.normal(size=(n, k)),
            rng.normal(size=(n, k)))


# ---- values of states ----

@pytest.mark.parametrize("dtype, close", [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize("kind, delta", [("squared", 1.0), ("huber", 1.0), ("huber", 0.3)])
@pytest.mark.parametrize("clip", [None, 0.2, 5.0])
def test_values_and_gradients(isa, clip, kind, delta, dtype, close):
    y, p, old = (a.astype(dtype) for a in states(40))
    loss = losses.ValueFunction(kind, clip, delta, "none")
    wanted = reference.values(*(a.astype(float) for a in (y, p)), kind, delta, None if clip is None else old.astype(float), clip or 0)
    value, gradient = loss.value_and_gradient(y, p, old)
    assert value.dtype == gradient.dtype == dtype
    np.testing.assert_allclose(value, wanted, rtol=close, atol=close)
    assert losses.ValueFunction(kind, clip, delta).value(y, p, old) == pytest.approx(wanted.mean(), rel=close)
    if dtype == np.float64:
        np.testing.assert_allclose(gradient, central(lambda q: loss.value(y, q, old).sum(), p), rtol=1e-6, atol=1e-8)
        assert np.array_equal(gradient, loss.gradient(y, p, old))


def test_values_that_went_too_far_are_held():
    y, old = np.array([1.0, 1.0, 1.0, -1.0]), np.zeros(4)
    p = np.array([0.5, -0.5, 0.1, 0.5])   # too far towards y; away from it; not far; away from it
    assert np.array_equal(losses.ValueFunction(clip=0.2, reduction="sum").gradient(y, p, old), [0, -1.5, -0.9, 1.5])


def test_shapes_weights_and_reductions_of_values():
    y, p, old = (a.reshape(3, 4) for a in states())
    weight = np.arange(12.0).reshape(3, 4)
    each, mean = losses.ValueFunction(clip=0.1, reduction="none"), losses.ValueFunction(clip=0.1)
    values = each.value(y, p, old)
    assert values.shape == (3, 4) and mean.gradient(y, p, old).shape == (3, 4)
    assert mean.value(y, p, old, weight) == pytest.approx((weight * values).sum() / weight.sum(), rel=1e-14)
    np.testing.assert_allclose(mean.gradient(y, p, old, weight), weight * each.gradient(y, p, old) / weight.sum(), rtol=1e-13)
    assert losses.ValueFunction(clip=0.1, reduction="sum").value(y, p, old) == pytest.approx(values.sum(), rel=1e-14)
    twice = [np.repeat(a.ravel(), weight.ravel().astype(int)) for a in (y, p, old)]
    assert mean.value(*twice) == pytest.approx(mean.value(y, p, old, weight), rel=1e-13)
    for a in (y, p, old):
        a.flags.writeable = False
    assert mean.value(np.asfortranarray(y), p.tolist(), old[::-1].copy()[::-1]) == mean.value(y, p, old)
    assert losses.ValueFunction().value(y, p) == losses.ValueFunction().value(y, p, old)
    large = losses.ValueFunction("huber").value_and_gradient([0.0], [1e300])
    assert large[0] == 1e300 and large[1] == [1.0]


# ---- values of actions ----

@pytest.mark.parametrize("dtype, close", [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize("double", [True, False])
@pytest.mark.parametrize("kind, delta", [("huber", 1.0), ("huber", 0.2), ("squared", 1.0)])
def test_dqn(isa, kind, delta, double, dtype, close):
    actions, p, rewards, done, after, online = steps()
    p, rewards, after, online = (a.astype(dtype) for a in (p, rewards, after, online))
    more = (online,) if double else ()
    loss = losses.DQN(kind, delta, 0.9, double, "none")
    wanted = reference.td_errors(actions, p.astype(float), rewards.astype(float), done, after, online if double else None, 0.9)
    errors = loss.td_errors(actions, p, rewards, done, after, *more)
    np.testing.assert_allclose(errors, wanted, rtol=close, atol=close)
    value, gradient = loss.value_and_gradient(actions, p, rewards, done, after, *more)
    assert value.dtype == gradient.dtype == errors.dtype == dtype and gradient.shape == p.shape
    np.testing.assert_allclose(value, [reference.difference(kind, delta, e) for e in wanted], rtol=10 * close, atol=close)
    assert np.array_equal(value, loss.value(actions, p, rewards, done, after, *more))
    assert np.array_equal(gradient, loss.gradient(actions, p, rewards, done, after, *more))
    assert np.count_nonzero(gradient) == 10 and gradient[np.arange(10), actions].all()
    if dtype == np.float64:
        found = central(lambda q: loss.value(actions, q, rewards, done, after, *more).sum(), p)
        np.testing.assert_allclose(gradient, found, rtol=1e-6, atol=1e-8)


def test_weights_and_reductions_of_dqn():
    arguments, weight = steps(), np.array([1.0, 0, 2, 3, 1, 1, 0, 1, 1, 2])
    each, mean, total = (losses.DQN(reduction=reduction) for reduction in ("none", "mean", "sum"))
    values = each.value(*arguments)
    assert total.value(*arguments) == pytest.approx(values.sum(), rel=1e-14) and mean.value(*arguments) == pytest.approx(values.mean(), rel=1e-14)
    assert mean.value(*arguments, sample_weight=weight) == pytest.approx(weight @ values / weight.sum(), rel=1e-14)
    np.testing.assert_allclose(each.value(*arguments, sample_weight=weight), weight * values, rtol=1e-14)
    twice = [np.repeat(a, weight.astype(int), axis=0) for a in arguments]
    assert mean.value(*twice) == pytest.approx(mean.value(*arguments, sample_weight=weight), rel=1e-13)
    gradient = mean.gradient(*arguments, sample_weight=weight)
    np.testing.assert_allclose(gradient, weight[:, None] * total.gradient(*arguments) / weight.sum(), rtol=1e-13)
    order = np.random.default_rng(0).permutation(10)
    assert np.array_equal(mean.gradient(*(a[order] for a in arguments), sample_weight=weight[order]), gradient[order])


def test_what_follows_the_end_is_not_looked_at():
    actions, p, rewards, done, after, online = steps()
    wanted = losses.DQN().value_and_gradient(actions, p, rewards, done, after, online)
    after[done], online[done] = np.nan, np.inf
    value, gradient = losses.DQN().value_and_gradient(actions.astype(np.uint8), p.tolist(), rewards, done * 1.0, np.asfortranarray(after), online)
    assert value == wanted[0] and np.array_equal(gradient, wanted[1])


def test_a_chain_is_solved():
    """Six states in a row, left or right, 1 at the right end: values are powers of gamma."""
    rng, q, target = np.random.default_rng(0), np.zeros((6, 2)), np.zeros((6, 2))
    dqn = losses.DQN("squared", gamma=0.8, reduction="sum")
    for step in range(300):
        state, action = rng.integers(0, 5, 64), rng.integers(0, 2, 64)
        following = np.maximum(state + 2 * action - 1, 0)
        gradient = dqn.gradient(action, q[state], following == 5, following == 5, target[following], q[following])
        np.add.at(q, state, -0.05 * gradient)
        if step % 5 == 0:
            target = q.copy()
    np.testing.assert_allclose(q[:5, 1], 0.8 ** np.arange(4, -1, -1), atol=1e-2)


@pytest.mark.parametrize("loss", [losses.DQN("squared", 2.0, 0.5, False, "sum"), losses.ValueFunction("huber", 0.2, 3.0, "none")], ids=repr)
def test_they_are_values(loss):
    assert pickle.loads(pickle.dumps(loss)) == loss == copy.deepcopy(loss) == eval(repr(loss), vars(losses)) and not isinstance(loss, losses.Loss)


ACTIONS, P, REWARDS, DONE, AFTER, ONLINE = steps(2, 3)


@pytest.mark.parametrize("call, error, text", [
    (lambda: losses.ValueFunction("log"), ValueError, "kind must be one of 'squared', 'huber', got 'log'"),
    (lambda: losses.ValueFunction(clip=0), ValueError, "clip must be a finite number above 0, got 0"),
    (lambda: losses.ValueFunction(delta=0), ValueError, "delta must be a finite number above 0, got 0"),
    (lambda: losses.ValueFunction(clip=0.1).value([1.0], [1.0]), ValueError, "old_values must be given, as clip is"),
    (lambda: losses.ValueFunction().value([1.0], [1.0, 2.0]), ValueError, r"y must have the shape of p, \(2,\), got \(1,\)"),
    (lambda: losses.ValueFunction(clip=0.1).value([1.0], [1.0], [1.0, 2.0]), ValueError, r"old_values must have the shape of p, \(1,\), got \(2,\)"),
    (lambda: losses.ValueFunction().value([], []), ValueError, r"p must hold at least one value, got shape \(0,\)"),
    (lambda: losses.ValueFunction().value([np.nan], [1.0]), ValueError, "y must be finite, got nan at index 0"),
    (lambda: losses.ValueFunction().value([1.0], [np.inf]), ValueError, "p must be finite, got inf at index 0"),
    (lambda: losses.ValueFunction().value([1.0], [1.0], sample_weight=[0.0]), ValueError, "sample_weight must not be all 0"),
    (lambda: losses.DQN("mse"), ValueError, "loss must be one of 'huber', 'squared', got 'mse'"),
    (lambda: losses.DQN(gamma=1.5), ValueError, "gamma must be .*, got 1.5"),
    (lambda: losses.DQN(double="yes"), TypeError, "double must be .*, got 'yes'"),
    (lambda: losses.DQN().value(ACTIONS, P, REWARDS, DONE, AFTER), ValueError, "next_online must be given with double=True"),
    (lambda: losses.DQN(double=False).value(ACTIONS, P, REWARDS, DONE, AFTER, ONLINE), ValueError,
     "next_online must not be given with double=False"),
    (lambda: losses.DQN().value([0, 3], P, REWARDS, DONE, AFTER, ONLINE), ValueError,
     "actions must be the number of an action, 0 … 2, got 3.0 at index 1"),
    (lambda: losses.DQN().value([0, -1], P, REWARDS, DONE, AFTER, ONLINE), ValueError,
     "actions must be the number of an action, .* got -1.0 at index 1"),
    (lambda: losses.DQN().value([0, 0.5], P, REWARDS, DONE, AFTER, ONLINE), ValueError,
     "actions must be the number of an action, .* got 0.5 at index 1"),
    (lambda: losses.DQN().td_errors([0, np.nan], P, REWARDS, DONE, AFTER, ONLINE), ValueError,
     "actions must be the number of an action, .* got nan"),
    (lambda: losses.DQN().value([0], P, REWARDS, DONE, AFTER, ONLINE), ValueError,
     r"actions must have shape \(2,\), one for each row of p, got \(1,\)"),
    (lambda: losses.DQN().value([0, 1], P[0], REWARDS, DONE, AFTER, ONLINE), ValueError, r"p must have shape \(n, k\), .* got \(3,\)"),
    (lambda: losses.DQN().value([0, 1], P, REWARDS, [0, 2], AFTER, ONLINE), ValueError, "done must be between 0 and 1, got 2.0 at index 1"),
    (lambda: losses.DQN().value([0, 1], P, [0, np.inf], DONE, AFTER, ONLINE), ValueError, "rewards must be finite, got inf at index 1"),
    (lambda: losses.DQN().value([0, 1], P * np.nan, REWARDS, DONE, AFTER, ONLINE), ValueError, "p must be finite, got nan at index 0, 0"),
    (lambda: losses.DQN().value([0, 1], P, REWARDS, [0, 0], AFTER[:, :2], ONLINE), ValueError, r"next_scores must have the shape of p, \(2, 3\)"),
    (lambda: losses.DQN().value([0, 1], P, REWARDS, [1, 0], AFTER * np.nan, ONLINE), ValueError,
     "next_scores must be finite where something follows, got nan at index 1, 0"),
    (lambda: losses.DQN().value([0, 1], P, REWARDS, [1, 0], AFTER, ONLINE + np.inf), ValueError,
     "next_online must be finite where something follows"),
])
def test_arguments_are_refused_by_name(call, error, text):
    with pytest.raises(error, match=text):
        call()
