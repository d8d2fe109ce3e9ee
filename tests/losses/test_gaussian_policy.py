"""Policies over numbers, and weights and reductions of all policies: beside plain loops, central differences, extremes, arguments."""
import copy
import pickle

import numpy as np
import pytest

import fastopt as fo
from fastopt import losses
from reference import policies as reference
from reference.differences import central

N, D = 9, 3


def problem(n=N, d=D, shared=True, seed=0, dtype=np.float64):
    """Actions, (mean, log_std), advantages, old log-densities."""
    rng = np.random.default_rng(seed)
    mean, log_std = rng.normal(size=(n, d)), 0.5 * rng.normal(size=d if shared else (n, d))
    actions, better = mean + np.exp(log_std) * rng.normal(size=(n, d)), rng.normal(size=n)
    old = np.array([reference.log_density(a, m + 0.1, s) for a, m, s in zip(actions, mean, np.broadcast_to(log_std, (n, d)))])
    return tuple(a.astype(dtype) for a in (actions, mean, log_std, better, old))


def cases(entropy=0.0, reduction="mean"):
    """Each loss, its clip, and whether it knows the policy that acted."""
    return [(losses.PolicyGradient(entropy, policy="gaussian", reduction=reduction), 0.0, False),
            (losses.PPOClip(0.2, entropy, policy="gaussian", reduction=reduction), 0.2, True),
            (losses.PPOClip(10.0, entropy, policy="gaussian", reduction=reduction), 10.0, True)]


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("entropy", [0.0, 0.3])
@pytest.mark.parametrize("which", range(3))
@pytest.mark.parametrize("n, d", [(1, 1), (N, D), (40, 17)])
def test_values_and_gradients(isa, n, d, which, entropy, shared):
    actions, mean, log_std, better, old = problem(n, d, shared)
    loss, clip, has_old = cases(entropy)[which]
    more = (better, old) if has_old else (better,)
    wanted = reference.gaussian(actions, mean, log_std, better, old if has_old else None, clip, entropy).mean()
    value, (in_mean, in_log_std) = loss.value_and_gradient(actions, (mean, log_std), *more)
    assert value == pytest.approx(wanted, rel=1e-12, abs=1e-13) and value == loss.value(actions, (mean, log_std), *more)
    assert in_mean.shape == mean.shape and in_log_std.shape == log_std.shape
    assert all(map(np.array_equal, (in_mean, in_log_std), loss.gradient(actions, (mean, log_std), *more)))
    if n <= N:
        def at(m, s):
            return reference.gaussian(actions, m, s, better, old if has_old else None, clip, entropy).mean()
        np.testing.assert_allclose(in_mean, central(lambda m: at(m, log_std), mean), rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(in_log_std, central(lambda s: at(mean, s), log_std), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("dtype, close", [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_log_probabilities(dtype, close):
    actions, mean, log_std, _, _ = problem(shared=False, dtype=dtype)
    found = losses.PPOClip(policy="gaussian").log_probabilities(actions, (mean, log_std))
    assert found.dtype == dtype
    np.testing.assert_allclose(found, [reference.log_density(*rows) for rows in zip(actions, mean, log_std)], rtol=close, atol=close)


def test_ppo_of_the_policy_that_acted_is_the_policy_gradient():
    actions, mean, log_std, better, _ = problem()
    ppo = losses.PPOClip(policy="gaussian")
    found = ppo.gradient(actions, (mean, log_std), better, ppo.log_probabilities(actions, (mean, log_std)))
    for one, other in zip(found, losses.PolicyGradient(policy="gaussian").gradient(actions, (mean, log_std), better)):
        np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("log_std", [-1000.0, -50.0, 50.0, 300.0])
def test_extremes(isa, log_std, dtype):
    for loss, _, has_old in cases(0.1):
        more = ([1.0, -1.0], [0.0, 0.0]) if has_old else ([1.0, -1.0],)
        p = np.zeros((2, 1), dtype), np.array([log_std], dtype)
        _, gradient = loss.value_and_gradient(np.zeros((2, 1), dtype), p, *more)   # what is on its mean has no slope there
        assert not gradient[0].any() and np.isfinite(gradient[1]).all()
        if abs(log_std) <= 50 and dtype == np.float64:
            value, gradient = loss.value_and_gradient(np.full((2, 1), 1e-3), p, *more)
            assert not np.isnan(value) and not any(np.isnan(g).any() for g in gradient)


# ---- weights, reductions, threads: all policies ----

def every_policy(reduction="mean"):
    """Losses with arguments of 7 steps."""
    rng = np.random.default_rng(3)
    actions, mean, log_std, better, old = problem(7)
    each = problem(7, shared=False)[2]
    choices, scores, chosen = rng.integers(0, 4, 7), rng.normal(size=(7, 4)), np.log(rng.uniform(0.2, 0.3, 7))
    return [(losses.PolicyGradient(0.1, reduction=reduction), (choices, scores, better)),
            (losses.PPOClip(0.2, 0.1, reduction=reduction), (choices, scores, better, chosen)),
            (losses.PolicyGradient(0.1, policy="gaussian", reduction=reduction), (actions, (mean, each), better)),
            (losses.PPOClip(0.2, 0.1, policy="gaussian", reduction=reduction), (actions, (mean, each), better, old))]


def taken(arguments, rows):
    return tuple(tuple(part[rows] for part in a) if isinstance(a, tuple) else a[rows] for a in arguments)


def parts(gradient):
    return gradient if isinstance(gradient, tuple) else (gradient,)


@pytest.mark.parametrize("which", range(4))
def test_reductions_and_weights(which):
    weight, rows = np.array([1.0, 0, 2, 3, 1, 1, 0]), np.repeat(np.arange(7), [1, 0, 2, 3, 1, 1, 0])
    (mean, arguments), (total, _), (each, _) = (every_policy(reduction)[which] for reduction in ("mean", "sum", "none"))
    values = each.value(*arguments)
    assert values.shape == (7,) and total.value(*arguments) == pytest.approx(values.sum(), rel=1e-13)
    assert mean.value(*arguments) == pytest.approx(values.mean(), rel=1e-13)
    np.testing.assert_allclose(each.value(*arguments, sample_weight=weight), weight * values, rtol=1e-13)
    assert mean.value(*arguments, sample_weight=weight) == pytest.approx(mean.value(*taken(arguments, rows)), rel=1e-13)
    for name in ("sum", "none"):
        loss = every_policy(name)[which][0]
        for found, wanted in zip(parts(loss.gradient(*arguments, sample_weight=weight)), parts(mean.gradient(*arguments, sample_weight=weight))):
            np.testing.assert_allclose(found, weight.sum() * wanted, rtol=1e-12, atol=1e-15)
            assert not found[[1, 6]].any()
    order = np.random.default_rng(0).permutation(7)
    for found, wanted in zip(parts(mean.gradient(*taken(arguments, order))), parts(mean.gradient(*arguments))):
        np.testing.assert_array_equal(found, wanted[order])


@pytest.mark.parametrize("shared", [True, False])
def test_float32_and_any_number_of_threads(shared, many_threads):
    actions, mean, log_std, better, old = problem(30_000, 3, shared)
    loss, found = losses.PPOClip(0.2, 0.01, policy="gaussian"), []
    wide = loss.gradient(actions, (mean, log_std), better, old)
    single = loss.gradient(actions, (mean.astype(np.float32), log_std), better, old)
    for a, b in zip(single, wide):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, atol=2e-4 * np.abs(b).max())
    for threads in (1, 2, 4):
        fo.set_num_threads(threads)
        found.append(loss.value_and_gradient(actions, (mean, log_std), better, old))
    assert all(value == found[0][0] and all(map(np.array_equal, gradient, found[0][1])) for value, gradient in found)


def test_any_order_and_type():
    actions, mean, log_std, better, old = problem(shared=False)
    loss = losses.PPOClip(0.2, 0.1, policy="gaussian")
    wanted = loss.gradient(actions, (mean, log_std), better, old)
    for a in (actions, mean, log_std, better, old):
        a.flags.writeable = False
    for view in (np.asfortranarray, np.ndarray.tolist, lambda a: a[::-1].copy()[::-1]):
        found = loss.gradient(view(actions), (view(mean), view(log_std)), view(better), view(old), view(np.ones(N)))
        assert all(map(np.array_equal, found, wanted))
    assert all(map(np.array_equal, loss.gradient(actions, [mean, log_std], better, old), wanted))


@pytest.mark.parametrize("loss", [case[0] for case in cases(0.1, "sum")], ids=repr)
def test_they_are_values(loss):
    assert pickle.loads(pickle.dumps(loss)) == loss == copy.deepcopy(loss) == eval(repr(loss), vars(losses))


ONE = np.zeros((2, 3))


@pytest.mark.parametrize("call, error, text", [
    (lambda: losses.PolicyGradient(policy="normal"), ValueError, "policy must be one of 'categorical', 'gaussian', got 'normal'"),
    (lambda: losses.PPOClip(reduction="all"), ValueError, "reduction must be one of"),
    (lambda g: g.value(ONE, ONE, [1, 1]), TypeError, r"p must be a tuple \(mean, log_std\) for a Gaussian policy, got ndarray"),
    (lambda g: g.value(ONE, (ONE[0], ONE), [1, 1]), ValueError, r"mean must have shape \(n, d\), a row for each action, got \(3,\)"),
    (lambda g: g.value(ONE[:1], (ONE, ONE), [1, 1]), ValueError, r"actions must have the shape of mean, \(2, 3\), got \(1, 3\)"),
    (lambda g: g.value(ONE, (ONE, ONE[:, :2]), [1, 1]), ValueError, r"log_std must have shape \(3,\) or \(2, 3\), got \(2, 2\)"),
    (lambda g: g.value(ONE, (ONE, 0.0), [1, 1]), ValueError, r"log_std must have shape \(3,\) or \(2, 3\), got \(\)"),
    (lambda g: g.value(ONE, (ONE, ONE), [1]), ValueError, r"advantages must have shape \(2,\), one for each row of p, got \(1,\)"),
    (lambda g: g.value(ONE, (ONE + np.nan, ONE), [1, 1]), ValueError, "mean must be finite, got nan at index 0, 0"),
    (lambda g: g.value(ONE, (ONE, [0, np.inf, 0]), [1, 1]), ValueError, "log_std must be finite, got inf at index 1"),
    (lambda g: g.log_probabilities(ONE + np.inf, (ONE, ONE)), ValueError, "actions must be finite, got inf at index 0, 0"),
    (lambda g: g.value(ONE, (ONE, ONE), [1, np.nan]), ValueError, "advantages must be finite, got nan at index 1"),
    (lambda g: g.value(ONE, (ONE, ONE), [1, 1], [1]), ValueError, r"sample_weight must have shape \(2,\)"),
    (lambda g: g.value(ONE, (ONE, ONE), [1, 1], [-1, 2]), ValueError, "sample_weight must be finite and at least 0, got -1.0 at index 0"),
])
def test_arguments_are_refused_by_name(call, error, text):
    with pytest.raises(error, match=text):
        call(losses.PolicyGradient(policy="gaussian")) if call.__code__.co_argcount else call()


def test_fused_instruction_sets_agree_to_the_bit(fused_isas):
    arguments = problem(50, 7, shared=False, dtype=np.float32)
    scores, choices, found = arguments[0], np.arange(50) % 7, []
    for name in fused_isas:
        fo.set_isa(name)
        value, gradient = losses.PPOClip(0.2, 0.1, policy="gaussian").value_and_gradient(arguments[0], arguments[1:3], *arguments[3:])
        found.append((value, *gradient, *losses.PPOClip(0.2, 0.1).value_and_gradient(choices, scores, arguments[3], arguments[4])))
    assert all(all(map(np.array_equal, each, found[0])) for each in found)
