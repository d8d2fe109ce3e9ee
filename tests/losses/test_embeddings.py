"""Losses of embeddings with labels, of pairs and of triplets: values one by one, gradients by differences, what changes nothing, arguments."""
import copy
import itertools
import pickle

import numpy as np
import pytest

import fastopt as fo
from fastopt import losses
from fastopt.losses._pairs import _embeddings, _rows
from reference import embeddings as reference
from reference.differences import central

TRIPLETS = [losses.Triplet(margin, distance, mining) for (margin, distance), mining in itertools.product(
    [(0.7, "euclidean"), (2.0, "squared"), (0.3, "cosine")], ["batch_hard", "batch_all", "semi_hard"])]
CIRCLES = [losses.Circle(), losses.Circle(0.4, 3.0)]
LABELLED = [*TRIPLETS, *CIRCLES]
MATCHED = [losses.ContrastivePair(), losses.ContrastivePair(2.5), losses.CosineEmbedding(), losses.CosineEmbedding(0.4)]
ARCS = [losses.ArcFace(), losses.ArcFace(5.0, 0.3), losses.ArcFace(1.0, 0.0)]
EACH = [*LABELLED, *MATCHED, *ARCS]
TOLERANCE = {np.float64: 1e-12, np.float32: 1e-5}


def settings(loss):
    return {key: value for key, value in loss.params.items() if key != "reduction"}


def rows(n=14, d=5, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, n)
    y[0] = 9   # alone
    return y, (rng.normal(size=(n, d)) + 0.7 * rng.normal(size=(10, d))[y] + 3).astype(dtype)


def plain(loss, y, p, weight, at=None):
    """(losses of anchors, weighted; what their sum is divided by in the mean)."""
    if isinstance(loss, losses.Circle):
        return reference.circle(y, p, weight, **settings(loss), at=at)
    return reference.triplet(y, p, weight, **settings(loss))


def reduced(loss, reduction):
    return type(loss)(**{**loss.params, "reduction": reduction})


# ---- labels ----

@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("loss", LABELLED, ids=repr)
def test_values_are_those_of_the_formula(isa, loss, dtype):
    for n, d in (2, 1), (3, 2), (14, 5), (25, 17):
        y, p = rows(n, d, seed=n, dtype=dtype)
        for weight in (None, np.random.default_rng(n).choice([0.0, 0.5, 2.0], n) + (n < 4)):
            wanted, total = plain(loss, y, p.astype(float), np.ones(n) if weight is None else weight)
            each = reduced(loss, "none").value(y, p, weight)
            assert each.dtype == dtype and each.shape == (n,)
            rounding = TOLERANCE[dtype] * 50
            np.testing.assert_allclose(each, wanted, rtol=rounding, atol=rounding)
            assert loss.value(y, p, weight) == pytest.approx(wanted.sum() / total if total else 0, rel=rounding, abs=rounding)
            assert reduced(loss, "sum").value(y, p, weight) == pytest.approx(wanted.sum(), rel=rounding, abs=rounding)


@pytest.mark.parametrize("loss", CIRCLES, ids=repr)
def test_far_rows_on_the_other_side_weigh_nothing(isa, loss):
    y, p = rows()
    p -= 3
    assert (reference.unit(p) @ reference.unit(p).T < -0.5).any()
    wanted, total = plain(loss, y, p, np.ones(len(y)))
    value, gradient = loss.value_and_gradient(y, p)
    assert value == pytest.approx(wanted.sum() / total, rel=1e-12)
    slope = central(lambda x: plain(loss, y, x, np.ones(len(y)), at=p)[0].sum() / total, p)
    np.testing.assert_allclose(gradient, slope, rtol=1e-6, atol=1e-7 * np.abs(slope).max())


@pytest.mark.parametrize("mining", ["batch_hard", "batch_all", "semi_hard"])
@pytest.mark.parametrize("distance", ["euclidean", "squared"])
def test_equal_distances(isa, distance, mining):
    """Numbers whose mean is 0: a far one as far as a near one is not farther."""
    p, loss = np.array([-3.0, -1, 1, 3, -2, 2, 0, 4, -4])[:, None], losses.Triplet(5.0, distance, mining)
    for seed in range(5):
        y = np.random.default_rng(seed).integers(0, 3, 9)
        wanted, total = plain(loss, y, p, np.ones(9))
        assert loss.value(y, p) == pytest.approx(wanted.sum() / total, rel=1e-14)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("loss", LABELLED, ids=repr)
def test_gradients_are_differences(isa, loss, reduction):
    y, p = rows()
    weight = np.random.default_rng(1).choice([0.0, 0.5, 2.0], len(y))
    loss = reduced(loss, reduction)
    value, gradient = loss.value_and_gradient(y, p, weight)
    total = plain(loss, y, p, weight)[1] if reduction == "mean" else 1
    wanted = central(lambda x: plain(loss, y, x, weight, at=p)[0].sum() / total, p)
    np.testing.assert_allclose(gradient, wanted, rtol=1e-6, atol=1e-8 * max(1, np.abs(wanted).max(), np.sum(value)))
    assert np.array_equal(loss.value(y, p, weight), value) and np.array_equal(loss.gradient(y, p, weight), gradient)


@pytest.mark.parametrize("loss", LABELLED, ids=repr)
def test_what_changes_nothing(loss):
    y, p = rows()
    weight = np.random.default_rng(1).choice([0.5, 2.0], len(y))
    value, gradient = loss.value_and_gradient(y, p, weight)
    order = np.random.default_rng(2).permutation(len(y))
    again, slope = loss.value_and_gradient(y[order], p[order], weight[order])
    assert again == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(slope, gradient[order], rtol=1e-9, atol=1e-12)
    for names in (y * 7 - 3, y.astype(str), y.astype(np.uint8)):
        assert loss.value(names, p, weight) == value
    assert loss.value(y, p, 1e300 * weight) == pytest.approx(value, rel=1e-12)
    moved = p * np.arange(1, 15)[:, None] if loss.params.get("distance", "cosine") == "cosine" else p + 100
    assert loss.value(y, moved, weight) == pytest.approx(value, rel=1e-11)
    with_one_more = np.append(y, 99), np.vstack([p, p[:1] + 1e3]), np.append(weight, 0.0)   # so far that it is in no triplet that costs
    if loss.params.get("mining") == "batch_hard" and loss.distance != "cosine":
        assert loss.value(*with_one_more) == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize("loss", LABELLED, ids=repr)
def test_labels_that_say_nothing(loss):
    for y in (np.zeros(5, int), np.arange(5), [3, 3, 3, 3, 3]):
        value, gradient = loss.value_and_gradient(y, rows(5)[1])
        assert value == 0 and not gradient.any()


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("loss", LABELLED, ids=repr)
def test_extremes_are_finite(isa, loss, dtype):
    y, p = rows(dtype=dtype)
    p[3] = 0
    p[5] = p[6]
    for scale in (1e-30, 1e-3, 1.0, 1e6, 1e15):
        value, gradient = loss.value_and_gradient(y, p * dtype(scale))
        assert np.isfinite(value) and value >= 0 and np.isfinite(gradient).all()
    same = loss.value_and_gradient([0, 0, 1, 1], np.ones((4, 3), dtype))
    assert np.isfinite(same[0]) and np.isfinite(same[1]).all()


def test_squares_that_overflow_are_refused():
    y, p = rows()
    for distance in ("euclidean", "squared"):
        with pytest.raises(ValueError, match="p must have rows so near each other that their squared distances are finite"):
            losses.Triplet(distance=distance).value(y, p * 1e200)
    with pytest.raises(ValueError, match="embeddings must be so near each other that their squared distances are finite"):
        losses.ContrastivePair().value([1], [[1e200]], [[0.0]])
    assert losses.Triplet(distance="cosine").value(y, p * 1e200) == pytest.approx(losses.Triplet(distance="cosine").value(y, p), rel=1e-12)


# ---- pairs, triplets, classes ----

def pairs(loss, n=9, d=4, dtype=np.float64):
    rng = np.random.default_rng(4)
    y = rng.integers(0, 2, n)
    a = rng.normal(size=(n, d)).astype(dtype)
    return y if loss.name == "contrastive_pair" else 2 * y - 1, a, (a + 0.6 * rng.normal(size=(n, d))).astype(dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("loss", MATCHED, ids=repr)
def test_pairs_one_by_one(isa, loss, dtype):
    formula = getattr(reference, loss.name)
    y, a, b = pairs(loss, dtype=dtype)
    weight = np.array([1.0, 0.0, 2.0, 0.5, 1, 1, 3, 1, 1])
    wanted = formula(y, a.astype(float), b.astype(float), loss.margin)
    for reduction, factor in (("mean", weight / weight.sum()), ("sum", weight), ("none", weight)):
        value, (in_a, in_b) = reduced(loss, reduction).value_and_gradient(y, a, b, weight)
        each, rounding = wanted * factor, TOLERANCE[dtype]
        np.testing.assert_allclose(value, each if reduction == "none" else each.sum(), rtol=10 * rounding, atol=rounding)
        assert in_a.dtype == in_b.dtype == dtype
        slopes = [central(lambda x: formula(y, x, b.astype(float), loss.margin) @ factor, a.astype(float)),
                  central(lambda x: formula(y, a.astype(float), x, loss.margin) @ factor, b.astype(float))]
        for found, slope in zip((in_a, in_b), slopes):
            np.testing.assert_allclose(found, slope, rtol=0, atol=1e-8 if dtype == np.float64 else 1e-5)
    assert loss.value(y, a, b) == pytest.approx(wanted.mean(), rel=10 * TOLERANCE[dtype])


@pytest.mark.parametrize("loss", [loss for loss in TRIPLETS if loss.mining == "batch_hard"], ids=repr)
def test_triplets_that_are_given(isa, loss):
    rng = np.random.default_rng(0)
    each, weight = list(rng.normal(size=(3, 8, 5))), rng.choice([0.0, 1.0, 2.5], 8) + 0.5
    for reduction, factor in (("mean", weight / weight.sum()), ("sum", weight), ("none", weight)):
        value, gradients = reduced(loss, reduction).explicit(*each, weight)
        wanted = reference.explicit(*each, loss.margin, loss.distance)
        np.testing.assert_allclose(value, wanted * factor if reduction == "none" else wanted @ factor, rtol=1e-12)
        for i, gradient in enumerate(gradients):
            slope = central(lambda x, i=i: reference.explicit(*each[:i], x, *each[i + 1:], loss.margin, loss.distance) @ factor, each[i])
            np.testing.assert_allclose(gradient, slope, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("loss", ARCS, ids=repr)
def test_arcface_row_by_row(isa, loss, dtype):
    rng, n = np.random.default_rng(3), 9
    y, p, w = rng.integers(0, 4, n), rng.normal(size=(n, 3)).astype(dtype), rng.normal(size=(4, 3)).astype(dtype)
    p[:2] = -w[y[:2]] * 2 + dtype(0.01)   # angles beyond π − m
    weight, exact, fine = rng.choice([0.0, 1.0, 2.5], n), (p.astype(float), w.astype(float)), dtype == np.float64
    wanted = reference.arcface(y, *exact, loss.s, loss.m)
    slopes = (central(lambda x: reference.arcface(y, x, exact[1], loss.s, loss.m) @ weight, exact[0]),
              central(lambda x: reference.arcface(y, exact[0], x, loss.s, loss.m) @ weight, exact[1]))
    for reduction, factor in (("mean", weight / weight.sum()), ("sum", weight), ("none", weight)):
        value, (in_p, in_w) = reduced(loss, reduction).value_and_gradient(y, p, w, weight)
        rounding = loss.s * TOLERANCE[dtype]
        np.testing.assert_allclose(value, wanted * factor if reduction == "none" else wanted @ factor, rtol=rounding, atol=rounding)
        for found, slope in zip((in_p, in_w), slopes):
            assert found.dtype == dtype
            slope = slope / (weight.sum() if reduction == "mean" else 1)
            np.testing.assert_allclose(found, slope, rtol=1e-5 if fine else 1e-3, atol=loss.s * (2e-8 if fine else 1e-4))


def test_arcface_is_finite_where_angles_are_0_and_π():
    for sign in (1.0, -1.0):
        for dtype in TOLERANCE:
            value, gradients = losses.ArcFace().value_and_gradient([0, 1], sign * np.eye(2, dtype=dtype), np.eye(2, dtype=dtype))
            assert np.isfinite(value) and all(np.isfinite(g).all() for g in gradients)
            np.testing.assert_allclose(value, reference.arcface([0, 1], sign * np.eye(2), np.eye(2)).mean(), rtol=1e-4, atol=1e-12)


# ---- all of them ----

def arguments(loss, dtype=np.float64, n=14):
    if isinstance(loss, losses.MatchedLoss):
        return pairs(loss, n, dtype=dtype)
    y, p = rows(n, dtype=dtype)
    return (y, p, rows(10, seed=1, dtype=dtype)[1]) if isinstance(loss, losses.ArcFace) else (y, p)


def flat(gradient):
    return gradient if isinstance(gradient, tuple) else (gradient,)


@pytest.mark.parametrize("loss", EACH, ids=repr)
def test_any_number_of_threads_gives_the_same_bits(isa, loss, monkeypatch):
    given = arguments(loss, np.float32, 200)
    monkeypatch.setattr(_rows, "PARALLEL_FROM", 0)
    asked, found = set(), []
    for threads in (1, 2, 5):
        monkeypatch.setattr(_embeddings, "resolve_threads", lambda: asked.add(threads) or threads)
        found.append(loss.value_and_gradient(*given))
    assert asked == {1, 2, 5}
    for value, gradient in found:
        assert value == found[0][0] and all(map(np.array_equal, flat(gradient), flat(found[0][1])))


@pytest.mark.parametrize("loss", EACH, ids=repr)
def test_instruction_sets_agree(loss, other_isa):
    given = arguments(loss)
    value, gradient = loss.value_and_gradient(*given)
    fo.set_isa(other_isa)
    other, slope = loss.value_and_gradient(*given)
    assert other == pytest.approx(value, rel=1e-11)
    for a, b in zip(flat(gradient), flat(slope)):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-11 * np.abs(a).max())


@pytest.mark.parametrize("view", [np.asfortranarray, lambda a: np.repeat(a, 2, axis=0)[::2], np.ndarray.tolist])
@pytest.mark.parametrize("loss", EACH, ids=repr)
def test_inputs_of_any_order_and_type_are_left_as_they_are(loss, view):
    given = arguments(loss)
    before = [a.copy() for a in given]
    value, gradient = loss.value_and_gradient(*given)
    again, slope = loss.value_and_gradient(*map(view, given))
    assert again == value and all(map(np.array_equal, flat(slope), flat(gradient)))
    for a in given:
        a.flags.writeable = False
    assert loss.value(*given) == value and all(map(np.array_equal, given, before))


@pytest.mark.parametrize("loss", EACH, ids=repr)
def test_they_are_values_with_names(loss):
    assert pickle.loads(pickle.dumps(loss)) == loss == copy.deepcopy(loss) == eval(repr(loss), vars(losses))
    assert loss.name not in losses.names() and type(loss).__module__ == "fastopt.losses"
    with pytest.raises(AttributeError, match="cannot be changed"):
        loss.reduction = "sum"


P = np.ones((2, 2))


@pytest.mark.parametrize("call, error, text", [
    (lambda: losses.Triplet().value([0, 1], [1.0, 2.0]), ValueError, r"p must have shape \(n, d\), got \(2,\)"),
    (lambda: losses.Circle().value([], np.ones((0, 2))), ValueError, r"p must have shape \(n, d\), got \(0, 2\)"),
    (lambda: losses.Triplet().value([0], P), ValueError, r"y must have shape \(2,\), a label for each row of p, got \(1,\)"),
    (lambda: losses.Triplet().value([0.0, 1.0], P), TypeError, "y must hold integers or strings, got dtype float64"),
    (lambda: losses.Triplet().value([0, 1], [[1.0], [np.nan]]), ValueError, "p must be finite, got nan at index 1, 0"),
    (lambda: losses.Triplet().value([0, 1], P, [1.0]), ValueError, r"sample_weight must have shape \(2,\), one for each row of p"),
    (lambda: losses.Circle().value([0, 1], P, [0, 0]), ValueError, "sample_weight must not be all 0"),
    (lambda: losses.Triplet().explicit(P, P[:1], P), ValueError, r"near must have the shape of anchor, \(2, 2\), got \(1, 2\)"),
    (lambda: losses.Triplet().explicit(P, P, P * np.inf), ValueError, "far must be finite"),
    (lambda: losses.ContrastivePair().value([1, -1], P, P), ValueError, "y must be 1 or 0, got -1.0 at index 1"),
    (lambda: losses.CosineEmbedding().value([1, 0], P, P), ValueError, "y must be 1 or -1, got 0.0 at index 1"),
    (lambda: losses.CosineEmbedding().value([1], P, P), ValueError, r"y must have shape \(2,\), one for each row of a, got \(1,\)"),
    (lambda: losses.CosineEmbedding().value([1, 1], P, P.T[:1]), ValueError, r"b must have the shape of a, \(2, 2\), got \(1, 2\)"),
    (lambda: losses.ContrastivePair().value([1, 1], P, P, [-1, 1]), ValueError, "sample_weight must be finite and at least 0"),
    (lambda: losses.ArcFace().value([0, 2], P, P), ValueError, "y must be a class, 0 … 1, got 2 at index 1"),
    (lambda: losses.ArcFace().value([0, -1], P, P), ValueError, "y must be a class, 0 … 1, got -1 at index 1"),
    (lambda: losses.ArcFace().value(["a", "b"], P, P), TypeError, "y must hold integers, got dtype <U1"),
    (lambda: losses.ArcFace().value([0, 1], P, np.ones((2, 3))), ValueError, r"w must have the columns of p, 2, got shape \(2, 3\)"),
    (lambda: losses.ArcFace().value([0, 1], P, [[1.0, np.nan]] * 2), ValueError, "w must be finite, got nan at index 0, 1"),
    (lambda: losses.ArcFace().value([0, 1], P, "w"), TypeError, "w must hold real numbers"),
    (lambda: losses.Triplet(-1), ValueError, "margin must be"), (lambda: losses.Triplet(distance="manhattan"), ValueError, "distance must be"),
    (lambda: losses.Triplet(mining="circle"), ValueError, "mining must be"), (lambda: losses.Circle(2), ValueError, "m must be"),
    (lambda: losses.Circle(gamma=0), ValueError, "gamma must be"), (lambda: losses.ArcFace(0), ValueError, "s must be"),
    (lambda: losses.ArcFace(m=2), ValueError, "m must be"), (lambda: losses.ContrastivePair(-1), ValueError, "margin must be"),
    (lambda: losses.CosineEmbedding(1.5), ValueError, "margin must be"),
    (lambda: losses.CosineEmbedding(reduction="max"), ValueError, "reduction must be"),
])
def test_arguments_are_refused_by_name(call, error, text):
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_nothing_is_read_outside_of_the_arrays(isa, dtype):
    guarded = pytest.importorskip("guarded").guarded
    for loss, n, at_end in itertools.product(EACH, (2, 17, 65), (True, False)):
        y, *others = arguments(loss, dtype, n)
        loss.value_and_gradient(y, *(guarded(a, at_end=at_end, writable=False) for a in others))
