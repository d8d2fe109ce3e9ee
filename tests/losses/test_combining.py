"""Several tasks as one: uncertainty weights, gradient surgery and the shortest mean, against plain formulas and SciPy."""
import copy
import pickle

import numpy as np
import pytest
import scipy.optimize

from fastopt import losses


def plain_pcgrad(gradients, random_state):
    """Algorithm 1 of Yu et al. 2020, word for word."""
    rng, left = np.random.default_rng(random_state), []
    for i, gradient in enumerate(gradients):
        g = gradient.copy()
        for j in rng.permutation(len(gradients)):
            if j != i and g @ gradients[j] < 0:
                g = g - g @ gradients[j] / (gradients[j] @ gradients[j]) * gradients[j]
        left.append(g)
    return np.sum(left, axis=0)


@pytest.mark.parametrize("k", [1, 2, 3, 7])
@pytest.mark.parametrize("seed", range(4))
def test_surgery_is_that_of_the_paper(k, seed):
    gradients = np.random.default_rng(seed).normal(size=(k, 40)) - 0.1
    found, weights = losses.pcgrad(list(gradients), random_state=seed)
    np.testing.assert_allclose(found, plain_pcgrad(gradients, seed), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(weights @ gradients, found, rtol=1e-10, atol=1e-12)


def test_surgery_leaves_agreeing_gradients_alone():
    gradients = np.abs(np.random.default_rng(0).normal(size=(3, 4, 5)))
    found, weights = losses.pcgrad(gradients)
    np.testing.assert_array_equal(weights, 1)
    np.testing.assert_allclose(found, gradients.sum(axis=0), rtol=1e-14)


def test_opposite_gradients_and_zeros_give_no_step():
    g = np.arange(1.0, 5.0)
    for combine in (losses.pcgrad, losses.mgda):
        np.testing.assert_allclose(combine([g, -g])[0], 0, atol=1e-14)
        np.testing.assert_array_equal(combine([0 * g, 0 * g])[0], 0)


@pytest.mark.parametrize("k, n", [(1, 5), (2, 5), (3, 50), (8, 200), (5, 2)])
@pytest.mark.parametrize("seed", range(3))
def test_the_shortest_mean_is_scipys(k, n, seed):
    gradients = np.random.default_rng(seed).normal(size=(k, n)) + 0.5
    found, weights = losses.mgda(gradients, max_iter=5000, tol=1e-14)
    assert (weights >= 0).all() and weights.sum() == pytest.approx(1, rel=1e-12)
    np.testing.assert_allclose(found, weights @ gradients, atol=1e-12)
    # nonnegative least squares with a heavy row that makes the weights sum to 1
    heavy = 1e5
    best, _ = scipy.optimize.nnls(np.vstack([gradients.T, np.full(k, heavy)]), np.append(np.zeros(n), heavy))
    best /= best.sum()
    assert found @ found <= (best @ gradients) @ (best @ gradients) * (1 + 1e-5) + 1e-9
    products = gradients @ found
    assert (products >= found @ found - 1e-6 * (1 + found @ found)).all()   # a step along it makes no task worse


@pytest.mark.parametrize("kinds", [["regression"], ["classification", "regression"], ("regression",) * 3])
def test_uncertainty_weights(kinds):
    rng = np.random.default_rng(0)
    values, s = rng.random(len(kinds)) * 5, rng.normal(size=len(kinds))
    both = losses.MultiTask(kinds)
    share = np.array([0.5 if kind == "regression" else 1.0 for kind in kinds])

    def plain(values, s):
        return (share * np.exp(-s) * values + s / 2).sum()
    value, (weights, in_s) = both.value_and_gradient(values, s)
    assert value == pytest.approx(plain(values, s), rel=1e-14) == both.value(values, s)
    step = 1e-6 * np.eye(len(kinds))
    np.testing.assert_allclose(weights, [(plain(values + e, s) - plain(values - e, s)) / 2e-6 for e in step], rtol=1e-6)
    np.testing.assert_allclose(in_s, [(plain(values, s + e) - plain(values, s - e)) / 2e-6 for e in step], rtol=1e-5, atol=1e-8)
    best = np.log(2 * share * values)   # where the derivative in s is 0
    np.testing.assert_allclose(both.gradient(values, best)[1], 0, atol=1e-14)
    assert pickle.loads(pickle.dumps(both)) == both == copy.deepcopy(both) == losses.MultiTask(tuple(kinds))


def test_gradients_keep_their_type_and_are_left_alone():
    gradients = [np.random.default_rng(i).normal(size=(3, 4)).astype(np.float32) for i in range(3)]
    before = copy.deepcopy(gradients)
    for combine in (losses.pcgrad, losses.mgda):
        found, weights = combine(gradients)
        assert found.dtype == np.float32 and found.shape == (3, 4) and weights.shape == (3,)
        np.testing.assert_array_equal(gradients, before)


@pytest.mark.parametrize("call, error, text", [
    (lambda: losses.pcgrad([]), ValueError, "gradients must hold one of each task, got none"),
    (lambda: losses.mgda([np.ones(3), np.ones(4)]), ValueError, r"gradients must have one shape, got \(3,\) and, at 1, \(4,\)"),
    (lambda: losses.mgda([[1.0], [np.nan]]), ValueError, r"gradients\[1\] must be finite, got nan at index 0"),
    (lambda: losses.pcgrad([["a"]]), TypeError, r"gradients\[0\] must hold real numbers"),
    (lambda: losses.pcgrad([[1.0]], random_state="x"), TypeError, "random_state must be"),
    (lambda: losses.MultiTask([]), ValueError, "kinds must be a sequence"),
    (lambda: losses.MultiTask(["regresion"]), ValueError, "kinds must be a sequence"),
    (lambda: losses.MultiTask(["regression"]).value([1.0, 2.0], [0.0]), ValueError, r"values must have shape \(1,\), one for each task, got \(2,\)"),
    (lambda: losses.MultiTask(["regression"]).value([1.0], [np.inf]), ValueError, "log_variances must be finite"),
])
def test_arguments_are_refused_by_name(call, error, text):
    with pytest.raises(error, match=text):
        call()


# ---- weighted sums ----

def test_a_weighted_sum_is_one():
    rng = np.random.default_rng(0)
    y, p, image, other = rng.normal(size=5), rng.normal(size=5), rng.random((12, 12)), rng.random((12, 12))
    terms = [losses.Huber(delta=0.5), losses.SSIM(), losses.GaussianNLL(), losses.TotalVariation()]
    both = losses.WeightedSum(terms, [2.0, 0.5, 0.25, 0.0])
    arguments = (y, p), (image, other), (y, p, 0.3), (other,)
    value, gradients = both.value_and_gradient(*arguments)
    wanted = sum(w * term.value(*each) for w, term, each in zip(both.weights, terms, arguments))
    assert value == both.value(*arguments) == pytest.approx(wanted, rel=1e-14)
    np.testing.assert_allclose(gradients[0], 2 * terms[0].gradient(y, p), rtol=1e-15)
    np.testing.assert_allclose(gradients[1], 0.5 * terms[1].gradient(image, other), rtol=1e-15)
    assert isinstance(gradients[2], tuple) and not gradients[3].any()
    for got, wanted in zip(gradients[2], terms[2].gradient(y, p, 0.3)):
        np.testing.assert_allclose(got, 0.25 * wanted, rtol=1e-15)
    assert both.gradient((np.float32(y), np.float32(p)), *arguments[1:])[0].dtype == np.float32


def test_a_weighted_sum_is_a_value_with_names():
    both = losses.WeightedSum(["mse", losses.Huber()], (1, 0.5))
    assert both == pickle.loads(pickle.dumps(both)) == copy.deepcopy(both) == eval(repr(both), vars(losses))
    assert both.losses == (losses.MeanSquaredError(), losses.Huber()) and both != losses.WeightedSum(["mse", losses.Huber()], [1, 1])


# ---- balanced gradients ----

def plain_grad_norm(values, norms, alpha, lr):
    """Algorithm 1 of Chen et al. 2018, word for word, a step a row."""
    w = np.ones(values.shape[1])
    for loss, g in zip(values, norms):
        G = w * g
        ratio = loss / values[0]
        r = ratio / ratio.mean()
        slope = np.sign(G - G.mean() * r**alpha) * g   # of Σ |G − mean·r^alpha|, the target held
        w = w - lr * slope
        w = np.maximum(w, 1e-3)
        w = w * len(w) / w.sum()
    return w


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.5])
@pytest.mark.parametrize("k", [1, 2, 5])
def test_balance_is_that_of_the_paper(k, alpha):
    rng = np.random.default_rng(k)
    values, norms = rng.random((30, k)) + 0.1, rng.random((30, k)) * 3
    balance = losses.GradNorm(k, alpha=alpha, lr=0.05)
    for row in zip(values, norms):
        found = balance.step(*row)
    np.testing.assert_allclose(found, plain_grad_norm(values, norms, alpha, 0.05), rtol=1e-12)
    np.testing.assert_array_equal(balance.weights, found)
    assert found.sum() == pytest.approx(k, rel=1e-12)


def test_balance_makes_gradients_of_one_size():
    balance, norms = losses.GradNorm(3, alpha=0.0, lr=0.01), np.array([5.0, 1.0, 0.5])
    for _ in range(2000):
        weights = balance.step([1.0, 1.0, 1.0], norms / 5)
    np.testing.assert_allclose(weights * norms, (weights * norms).mean(), rtol=0.2)


def test_balance_goes_on_from_its_state():
    rng = np.random.default_rng(0)
    steps = [(rng.random(2) + 0.1, rng.random(2)) for _ in range(6)]
    whole, first = losses.GradNorm(2), losses.GradNorm(2)
    for each in steps:
        whole.step(*each)
    for each in steps[:3]:
        first.step(*each)
    other = losses.GradNorm(2)
    other.load_state_dict(first.state_dict())
    for again in (other, pickle.loads(pickle.dumps(first)), copy.deepcopy(first)):
        assert again == first or again is other
        for each in steps[3:]:
            again.step(*each)
        np.testing.assert_array_equal(again.weights, whole.weights)


def test_balance_is_as_it_was_after_an_error():
    balance = losses.GradNorm(2)
    balance.step([1.0, 2.0], [3.0, 1.0])
    before = balance.state_dict()
    for values, norms, text in [([1.0], [1.0, 1.0], r"values must have shape \(2,\), one for each task, got \(1,\)"),
                                ([1.0, 0.0], [1.0, 1.0], "values must be finite and above 0, got 0.0 at index 1"),
                                ([1.0, 1.0], [1.0, np.nan], "gradient_norms must be finite and at least 0, got nan at index 1")]:
        with pytest.raises(ValueError, match=text):
            balance.step(values, norms)
    assert balance.state_dict() == before


@pytest.mark.parametrize("call, error, text", [
    (lambda: losses.GradNorm(0), ValueError, "tasks must be an integer"),
    (lambda: losses.GradNorm(2, alpha=-1), ValueError, "alpha must be"),
    (lambda: losses.GradNorm(2, lr=0), ValueError, "lr must be"),
    (lambda: losses.WeightedSum([], []), ValueError, "losses and weights must be as many, one or more, got 0 and 0"),
    (lambda: losses.WeightedSum(["mse"], [1.0, 2.0]), ValueError, "losses and weights must be as many.*, got 1 and 2"),
    (lambda: losses.WeightedSum(["mse"], [-1.0]), ValueError, r"weights\[0\] must be"),
    (lambda: losses.WeightedSum([3], [1.0]), TypeError, r"losses\[0\] must be a name or a loss"),
    (lambda: losses.WeightedSum(["msee"], [1.0]), ValueError, "there is no loss 'msee'"),
    (lambda: losses.WeightedSum(["mse"], [1.0]).value(), ValueError, "arguments must be 1 sequences, one for each loss, got 0"),
    (lambda: losses.WeightedSum([losses.LaplaceNLL("none")], [1.0]).value(([1.0], [2.0], 0.0)), ValueError,
     r"losses\[0\] must have a value that is a number, got \(1,\)"),
])
def test_what_combines_refuses_by_name(call, error, text):
    with pytest.raises(error, match=text):
        call()
