"""Losses of sequences that were drawn, and edit distances: beside plain NumPy, masks beside shorter data, extremes, arguments."""
import copy
import pickle

import numpy as np
import pytest

import fastopt as fo
from fastopt import losses
from fastopt.losses._sequences import risks as module
from reference import sequences as reference
from reference.differences import central

LOSSES = [losses.MinimumRisk(), losses.MinimumRisk(0.005), losses.MinimumRisk(3.0), losses.SelfCritical()]


def drawn(n=6, k=5, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return rng.random((n, k)).astype(dtype), (-10 * rng.random((n, k))).astype(dtype)


def expected(loss, costs, p, baseline=None):
    """The loss of each input."""
    if isinstance(loss, losses.MinimumRisk):
        return np.array([reference.expected_cost(c, row, loss.alpha) for c, row in zip(costs, p)])
    return np.array([reference.beside_baseline(c, row, None if baseline is None else baseline[i]) for i, (c, row) in enumerate(zip(costs, p))])


def each(loss):
    return type(loss)(**{**loss.params, "reduction": "none"})


@pytest.mark.parametrize("dtype, close", [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("k", [2, 5, 33])
def test_values(isa, loss, k, dtype, close):
    costs, p = drawn(k=k, dtype=dtype)
    wanted = expected(loss, costs, p)
    value, gradient = each(loss).value_and_gradient(costs, p)
    assert value.dtype == gradient.dtype == dtype
    np.testing.assert_allclose(value, wanted, rtol=close, atol=close)
    assert loss.value(costs, p) == pytest.approx(wanted.mean(), rel=close, abs=close)
    weight = np.arange(6.0)
    assert loss.value(costs, p, sample_weight=weight) == pytest.approx(weight @ wanted / weight.sum(), rel=close, abs=close)
    assert np.sum(each(loss).value(costs, p, sample_weight=weight)) == pytest.approx(weight @ wanted, rel=close, abs=close)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_gradients_are_differences_of_values(loss, reduction):
    costs, p = drawn()
    loss, mask, weight = type(loss)(**{**loss.params, "reduction": reduction}), np.random.default_rng(0).random(p.shape) < 0.8, np.arange(1.0, 7.0)
    for more in ({}, {"mask": mask, "sample_weight": weight}):
        value, found = loss.value_and_gradient(costs, p, **more)
        assert np.array_equal(value, loss.value(costs, p, **more)) and np.array_equal(found, loss.gradient(costs, p, **more))
        np.testing.assert_allclose(found, central(lambda q: np.sum(loss.value(costs, q, **more)), p), rtol=1e-6, atol=2e-9)
    assert not found[~mask].any()


def test_a_baseline_that_is_given():
    costs, p = drawn()
    baseline = np.linspace(0, 1, 6)
    loss = losses.SelfCritical(reduction="none")
    np.testing.assert_allclose(loss.value(costs, p, baseline), expected(loss, costs, p, baseline), rtol=1e-12)
    np.testing.assert_allclose(loss.gradient(costs, p, baseline), (costs - baseline[:, None]) / 5, rtol=1e-12)
    one = losses.SelfCritical().gradient(costs[:, :1], p[:, :1], baseline)   # one sequence each
    np.testing.assert_allclose(one, (costs[:, :1] - baseline[:, None]) / 6, rtol=1e-12)


def test_the_gradient_is_that_of_the_expected_cost():
    """Over all sequences of a small model, drawn by their probabilities, both forms follow the exact gradient in the scores."""
    rng = np.random.default_rng(0)
    scores, price = rng.normal(size=4), rng.random(4)
    share = np.exp(scores) / np.exp(scores).sum()
    exact = share * (price - share @ price)
    np.testing.assert_allclose(losses.MinimumRisk().gradient([price], [np.log(share)])[0], exact, rtol=1e-12)
    draws = rng.choice(4, (200_000, 2), p=share)
    weights = losses.SelfCritical().gradient(price[draws], np.log(share)[draws])
    found = np.array([weights[draws == a].sum() for a in range(4)]) - share * weights.sum()   # d log π in the scores
    np.testing.assert_allclose(found, exact, atol=3e-3)


def test_gradients_go_on_into_the_scores_of_tokens():
    rng = np.random.default_rng(0)
    tokens, scores, costs = rng.integers(0, 4, (3, 5)), rng.normal(size=(3, 5, 4)), rng.random((1, 3))

    def log_p(s):
        return -losses.SequenceCrossEntropy(reduction="none").value(tokens, s).sum(axis=1)[None]
    for loss in LOSSES:
        slopes = loss.gradient(costs, log_p(scores))
        found = losses.PolicyGradient(reduction="sum").gradient(tokens.ravel(), scores.reshape(-1, 4), -np.repeat(slopes, 5))
        wanted = central(lambda s: loss.value(costs, log_p(s)), scores)
        np.testing.assert_allclose(found.reshape(scores.shape), wanted, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_extremes(isa, loss, dtype):
    costs, p = np.array([[0, 1, 0.5]], dtype), np.array([[-1e5, -3e4, -1]], dtype)
    value, gradient = loss.value_and_gradient(costs, p)
    assert np.isfinite(value) and np.isfinite(gradient).all()
    if isinstance(loss, losses.MinimumRisk):
        assert value == pytest.approx(0.5, rel=1e-6)
        shifted, slopes = loss.value_and_gradient(costs + dtype(1024), p / dtype(1e4))   # what all costs have in common changes nothing
        np.testing.assert_allclose(slopes, loss.gradient(costs, p / dtype(1e4)), rtol=1e-3 if dtype == np.float32 else 1e-10)
        assert shifted == pytest.approx(1024 + loss.value(costs, p / dtype(1e4)), rel=1e-6)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_what_does_not_count_is_as_if_it_were_not_there(loss):
    costs, p = drawn()
    mask = np.ones(p.shape, bool)
    mask[:, 3:] = False
    value, gradient = loss.value_and_gradient(costs[:, :3], p[:, :3])
    costs[:, 3:], p[:, 3:] = np.nan, np.inf
    found, slopes = loss.value_and_gradient(costs, p, mask=mask)
    assert found == pytest.approx(value, rel=1e-14) and not slopes[:, 3:].any()
    np.testing.assert_allclose(slopes[:, :3], gradient, rtol=1e-13)
    order = np.random.default_rng(0).permutation(6)
    np.testing.assert_array_equal(loss.gradient(costs[order], p[order], mask=mask[order]), slopes[order])
    weight = np.array([0.0, 1, 2, 1, 1, 1])
    count = weight.astype(int)
    twice = loss.value(*(np.repeat(a, count, axis=0) for a in (costs, p)), mask=np.repeat(mask, count, axis=0))
    assert loss.value(costs, p, mask=mask, sample_weight=weight) == pytest.approx(twice, rel=1e-13)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_they_are_values_and_take_any_arrays(loss):
    assert loss == pickle.loads(pickle.dumps(loss)) == copy.deepcopy(loss) == eval(repr(loss), vars(losses)) and not isinstance(loss, losses.Loss)
    costs, p = drawn()
    wanted = loss.gradient(costs, p)
    p.flags.writeable = costs.flags.writeable = False
    for view in (np.asfortranarray, np.ndarray.tolist, lambda a: np.repeat(a, 2, axis=1)[:, ::2]):
        assert np.array_equal(loss.gradient(view(costs), view(p)), wanted)


BROKEN = np.zeros((2, 3))
BROKEN[1, 2] = np.nan
ONE = np.zeros((2, 3))


@pytest.mark.parametrize("call, error, text", [
    (lambda: losses.MinimumRisk(0), ValueError, "alpha must be a finite number above 0, got 0"),
    (lambda: losses.SelfCritical("all"), ValueError, "reduction must be one of"),
    (lambda: losses.MinimumRisk().value(ONE, ONE[0]), ValueError, r"p must have shape \(N, K\), .* got \(3,\)"),
    (lambda: losses.MinimumRisk().value(ONE[:, :2], ONE), ValueError, r"costs must have the shape of p, \(2, 3\), got \(2, 2\)"),
    (lambda: losses.MinimumRisk().value(ONE, BROKEN), ValueError, "p must be finite, got nan at index 1, 2"),
    (lambda: losses.SelfCritical().value(BROKEN, ONE), ValueError, "costs must be finite, got nan at index 1, 2"),
    (lambda: losses.MinimumRisk().value(ONE, ONE, ONE), TypeError, "mask must hold bools, got dtype float64"),
    (lambda: losses.MinimumRisk().value(ONE, ONE, ONE > 0), ValueError, "mask must leave 1 or more sequences of each row, got 0 in row 0"),
    (lambda: losses.SelfCritical().value(ONE, ONE, mask=[[True] * 3, [True, False, False]]), ValueError,
     "mask must leave 2 or more .* got 1 in row 1"),
    (lambda: losses.SelfCritical().value(ONE[:, :1], ONE[:, :1]), ValueError, r"baseline must be given where .* got p of \(2, 1\)"),
    (lambda: losses.SelfCritical().value(ONE, ONE, [1.0]), ValueError, r"baseline must have shape \(2,\), one for each row of p, got \(1,\)"),
    (lambda: losses.SelfCritical().value(ONE, ONE, [1.0, np.inf]), ValueError, "baseline must be finite, got inf at index 1"),
    (lambda: losses.MinimumRisk().value(ONE, ONE, sample_weight=[1.0]), ValueError, r"sample_weight must have shape \(2,\), one for each row of p"),
    (lambda: losses.MinimumRisk().value(ONE, ONE, sample_weight=[0.0, 0.0]), ValueError, "sample_weight must not be all 0"),
    (lambda: losses.MinimumRisk(reduction="sum").value(ONE, ONE, sample_weight=[-1.0, 0.0]), ValueError,
     "sample_weight must be finite and at least 0"),
    (lambda: losses.edit_distance([1, 2], [[1]]), ValueError, r"y\[0\] must be a sequence of labels, got shape \(\)"),
    (lambda: losses.edit_distance([[1]], np.array([1])), ValueError, r"p must have shape \(N, S\), .* got \(1,\)"),
    (lambda: losses.edit_distance([[1]], [[1], [2]]), ValueError, "p must hold as many sequences as y, 1, got 2"),
    (lambda: losses.edit_distance([[1]], [[1.5]]), TypeError, r"p\[0\] must hold integers, got dtype float64"),
    (lambda: losses.edit_distance([[1]], [[1]], y_lengths=[2]), ValueError, "y_lengths must be between 0 and 1, the columns of y, got 2 at index 0"),
    (lambda: losses.edit_distance([[1]], [[1]], normalize=2), TypeError, "normalize must be"),
])
def test_arguments_are_refused_by_name(call, error, text):
    with pytest.raises(error, match=text):
        call()


# ---- edit distances ----

@pytest.mark.parametrize("labels", [1, 2, 5])
def test_edit_distances(labels, monkeypatch):
    rng = np.random.default_rng(labels)
    y, p = ([rng.integers(-1, labels, rng.integers(0, 12)) for _ in range(60)] for _ in range(2))
    wanted = [reference.edits(a, b) for a, b in zip(y, p)]
    found = losses.edit_distance(y, p)
    assert found.dtype == np.int64 and found.tolist() == wanted == losses.edit_distance(p, y).tolist()
    np.testing.assert_allclose(losses.edit_distance(y, p, normalize=True), np.array(wanted) / [max(len(row), 1) for row in y])
    tables = [np.full((60, 12), 10 ** 6) for _ in range(2)]
    for table, rows in zip(tables, (y, p)):
        for i, row in enumerate(rows):
            table[i, :len(row)] = row
    lengths = [[len(row) for row in rows] for rows in (y, p)]
    assert losses.edit_distance(*tables, *lengths).tolist() == wanted
    assert losses.edit_distance(np.asfortranarray(tables[0].astype(np.int32)), p, lengths[0]).tolist() == wanted
    for threads in (1, 2, 5):
        monkeypatch.setattr(module._rows, "PARALLEL_FROM", 0)
        monkeypatch.setattr(module, "resolve_threads", lambda: threads)
        assert losses.edit_distance(y, p).tolist() == wanted


def test_edit_distances_of_nothing_and_of_what_is_decoded():
    assert losses.edit_distance([], []).shape == (0,) and losses.edit_distance([[]], [[]]).tolist() == [0]
    assert losses.edit_distance([[], [1]], [[2, 3], []]).tolist() == [2, 1]
    assert losses.edit_distance([[]], [[1, 2]], normalize=True).tolist() == [2.0]
    p = np.random.default_rng(0).normal(size=(8, 3, 4))
    assert losses.edit_distance(fo.losses.CTC().decode(p), fo.losses.CTC().decode(p)).tolist() == [0, 0, 0]
