"""Losses of policies, returns and advantages: against plain loops, central differences, and a problem that is solved."""
import copy
import pickle

import numpy as np
import pytest
import scipy.special

import fastopt as fo
from fastopt import losses
from reference.differences import central

N, K = 9, 4


def problem(n=N, k=K, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.normal(size=(n, k))
    return rng.integers(0, k, n), p, rng.normal(size=n), np.log(scipy.special.softmax(p + 0.3 * rng.normal(size=(n, k)), axis=1))


def entropy_of(p):
    return -(scipy.special.softmax(p, axis=1) * scipy.special.log_softmax(p, axis=1)).sum(axis=1).mean()


def plain_gradient(actions, p, advantages, entropy):
    return -(advantages * scipy.special.log_softmax(p, axis=1)[np.arange(len(p)), actions]).mean() - entropy * entropy_of(p)


def plain_ppo(actions, p, advantages, old, clip, entropy):
    total = 0.0
    for i, a in enumerate(actions):
        ratio = np.exp(scipy.special.log_softmax(p[i])[a] - old[i])
        total -= min(ratio * advantages[i], min(max(ratio, 1 - clip), 1 + clip) * advantages[i])
    return total / len(p) - entropy * entropy_of(p)


@pytest.mark.parametrize("entropy", [0.0, 0.05, 2.0])
@pytest.mark.parametrize("n, k", [(1, 1), (1, 3), (N, K), (200, 17)])
def test_policy_gradient(n, k, entropy, isa):
    actions, p, weight, _ = problem(n, k)
    value, gradient = losses.PolicyGradient(entropy).value_and_gradient(actions, p, weight)
    assert value == pytest.approx(plain_gradient(actions, p, weight, entropy), rel=1e-11, abs=1e-13)
    if n <= N:
        np.testing.assert_allclose(gradient, central(lambda q: plain_gradient(actions, q, weight, entropy), p), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=1e-14)
    assert value == losses.PolicyGradient(entropy).value(actions, p, weight)
    np.testing.assert_array_equal(gradient, losses.PolicyGradient(entropy).gradient(actions, p, advantages=weight))


@pytest.mark.parametrize("entropy", [0.0, 0.1])
@pytest.mark.parametrize("clip", [0.05, 0.2, 10.0])
@pytest.mark.parametrize("seed", range(3))
def test_ppo(clip, entropy, seed):
    actions, p, weight, old = problem(seed=seed)
    old = old[np.arange(N), actions]
    ppo = losses.PPOClip(clip, entropy)
    value, gradient = ppo.value_and_gradient(actions, p, weight, old)
    assert value == pytest.approx(plain_ppo(actions, p, weight, old, clip, entropy), rel=1e-12)
    np.testing.assert_allclose(gradient, central(lambda q: plain_ppo(actions, q, weight, old, clip, entropy), p), rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(ppo.log_probabilities(actions, p), scipy.special.log_softmax(p, axis=1)[np.arange(N), actions], rtol=1e-12)


def test_ppo_of_the_policy_that_acted_is_the_policy_gradient():
    actions, p, weight, _ = problem(50)
    ppo = losses.PPOClip()
    found = ppo.gradient(actions, p, weight, ppo.log_probabilities(actions, p))
    np.testing.assert_allclose(found, losses.PolicyGradient().gradient(actions, p, weight), rtol=1e-12, atol=1e-16)


def test_ppo_clips_what_went_too_far():
    old = np.log([0.5, 0.5, 0.5, 0.5])
    p = np.log([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.1, 0.9]])
    gradient = losses.PPOClip(0.2).gradient([0, 0, 0, 0], p, [1.0, -1.0, 1.0, -1.0], old)
    assert not gradient[0].any() and gradient[1].any() and gradient[2].any() and not gradient[3].any()


@pytest.mark.parametrize("loss", [losses.PolicyGradient(0.01), losses.PPOClip(0.2, 0.01)], ids=repr)
def test_float32_and_any_number_of_threads(loss):
    actions, p, weight, old = problem(60_000, 5)
    more = [weight, old[np.arange(60_000), actions]][:2 if isinstance(loss, losses.PPOClip) else 1]
    wide = loss.gradient(actions, p, *more)
    single = loss.gradient(actions, p.astype(np.float32), *more)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, wide, atol=1e-5 * np.abs(wide).max(), rtol=1e-3)
    found = []
    try:
        for threads in (1, 2, 4):
            fo.set_num_threads(threads)
            found.append(loss.value_and_gradient(actions, p, *more))
    finally:
        fo.set_num_threads(None)
    assert all(value == found[0][0] and np.array_equal(gradient, found[0][1]) for value, gradient in found)


@pytest.mark.parametrize("scores", [[[1e4, 0.0]], [[-1e4, 0.0]], [[1e300, -1e300]]])
def test_extremes_are_finite(scores):
    for loss, more in ((losses.PolicyGradient(0.1), ()), (losses.PPOClip(0.2, 0.1), ([-1.0],))):
        for action in (0, 1):
            gradient = loss.gradient([action], scores, [-1.0], *more)
            assert np.isfinite(gradient).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_ratios_of_actions_that_were_all_but_impossible_are_finite(dtype):
    for advantage in (-1.0, 1.0):
        value, gradient = losses.PPOClip().value_and_gradient([0], np.zeros((1, 2), dtype), [advantage], [-1e4])
        assert np.isfinite(value) and np.isfinite(gradient).all() and gradient.any() == (advantage < 0)


# ---- steps ----

def plain_returns(rewards, discount, ends, last):
    out, behind = np.empty_like(rewards), last
    for t in range(len(rewards) - 1, -1, -1):
        behind = out[t] = rewards[t] + discount * (1 - ends[t]) * behind
    return out


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(1,), (7,), (6, 1), (11, 5)])
@pytest.mark.parametrize("discount, trace", [(0.9, 0.8), (1.0, 1.0), (0.0, 0.5), (0.99, 0.0)])
def test_returns_and_advantages(shape, discount, trace, dtype):
    rng = np.random.default_rng(0)
    rewards, values = rng.normal(size=(2, *shape)).astype(dtype)
    ends = (rng.random(shape) < 0.3).astype(dtype)
    last = rng.normal(size=shape[1:]).astype(dtype)
    close = {"rtol": 1e-12, "atol": 1e-13} if dtype == np.float64 else {"rtol": 1e-4, "atol": 1e-5}
    found = losses.returns(rewards, discount, ends, last)
    assert found.dtype == dtype and found.shape == shape
    np.testing.assert_allclose(found, plain_returns(rewards.astype(float), discount, ends, last.astype(float)), **close)
    surprise = rewards + discount * (1 - ends) * np.concatenate([values[1:], last[None]]) - values
    better = losses.advantages(rewards, values, discount, trace, ends, last)
    np.testing.assert_allclose(better, plain_returns(surprise.astype(float), discount * trace, ends, np.zeros(shape[1:])), **close)
    if trace == 1.0:
        np.testing.assert_allclose(better, found - values, **close)


def test_steps_of_any_order_and_type():
    rewards = np.asfortranarray(np.random.default_rng(0).integers(0, 3, (6, 4)))
    np.testing.assert_array_equal(losses.returns(rewards), losses.returns(rewards.tolist()))
    np.testing.assert_array_equal(losses.returns(rewards, ends=rewards > 1), losses.returns(rewards.astype(float), ends=(rewards > 1).astype(float)))
    np.testing.assert_array_equal(losses.returns(rewards[:, 0]), losses.returns(rewards)[:, 0])


@pytest.mark.parametrize("loss", [losses.PolicyGradient(), losses.PolicyGradient(0.5), losses.PPOClip(), losses.PPOClip(0.1, 0.2)], ids=repr)
def test_they_are_values(loss):
    assert pickle.loads(pickle.dumps(loss)) == loss == copy.deepcopy(loss) == eval(repr(loss), vars(losses))
    with pytest.raises(AttributeError, match="cannot be changed"):
        loss.entropy = 1.0


@pytest.mark.parametrize("call, error, text", [
    (lambda: losses.PolicyGradient(-1), ValueError, "entropy must be a finite number at least 0, got -1"),
    (lambda: losses.PPOClip(0), ValueError, "clip must be a finite number above 0, got 0"),
    (lambda: losses.PolicyGradient().value([2], [[0.0, 1.0]], [1.0]), ValueError, "actions must be the number of an action, .* got 2.0 at index 0"),
    (lambda: losses.PPOClip().log_probabilities([-1], [[0.0, 1.0]]), ValueError, "actions must be the number of an action, 0 … 1, got -1.0"),
    (lambda: losses.PolicyGradient().value([0, 1], [[0.0, 1.0]], [1.0]), ValueError, r"actions must have shape \(1,\), .* got \(2,\)"),
    (lambda: losses.PolicyGradient().value([0], [0.0, 1.0], [1.0]), ValueError, r"p must have shape \(n, k\), .* got \(2,\)"),
    (lambda: losses.PolicyGradient().value([0], [[0.0, np.nan]], [1.0]), ValueError, "p must be finite, got nan at index 0, 1"),
    (lambda: losses.PolicyGradient().value([0], [[0.0, 1.0]], [1.0, 2.0]), ValueError, r"advantages must have shape \(1,\), .* got \(2,\)"),
    (lambda: losses.PPOClip().value([0], [[0.0, 1.0]], [1.0], [np.inf]), ValueError, "old_log_probabilities must be finite, got inf at index 0"),
    (lambda: losses.returns([]), ValueError, r"rewards must have shape \(T,\) or \(T, n\), one step or more, got \(0,\)"),
    (lambda: losses.returns([1.0], discount=1.5), ValueError, "discount must be"),
    (lambda: losses.returns([1.0, np.nan]), ValueError, "rewards must be finite, got nan at index 1"),
    (lambda: losses.returns([1.0], ends=[2]), ValueError, "ends must be between 0 and 1, got 2.0"),
    (lambda: losses.returns([1.0], ends=[0, 1]), ValueError, r"ends must have the shape of rewards, \(1,\), got \(2,\)"),
    (lambda: losses.advantages([1.0], [1.0, 2.0]), ValueError, "values must have the shape of rewards"),
    (lambda: losses.advantages([1.0], [1.0], trace=-1), ValueError, "trace must be"),
])
def test_arguments_are_refused_by_name(call, error, text):
    with pytest.raises(error, match=text):
        call()
