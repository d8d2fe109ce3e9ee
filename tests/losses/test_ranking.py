"""Losses of rankings: values pair by pair, gradients by differences, NDCG beside scikit-learn's, what changes nothing, arguments."""
import copy
import pickle

import numpy as np
import pytest

import fastopt as fo
from fastopt import losses
from fastopt.losses._ranking import _queries_of
from reference import ranking as reference
from reference.differences import central

CASES = [(losses.PairwiseLogistic(), reference.pairwise_logistic), (losses.PairwiseLogistic(2.5), reference.pairwise_logistic),
         (losses.MarginRanking(), reference.margin_ranking), (losses.MarginRanking(0.3), reference.margin_ranking),
         (losses.ListNet(), reference.listnet)]
LAMBDAS = [losses.LambdaRank(), losses.LambdaRank(2.0, k=3), losses.LambdaRank(k=1, gains="linear"), losses.LambdaRank(0.5, normalize=True),
           losses.LambdaRank(k=5, gains=(0, 1, 1, 7, 9), normalize=True)]
EACH = [*(case[0] for case in CASES), *LAMBDAS]
TOLERANCE = {np.float64: 1e-12, np.float32: 1e-5}


def query(m, seed=0, scale=1.0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 5, m), rng.normal(0, scale, m).astype(dtype)


def settings(loss):
    return {key: value for key, value in loss.params.items() if key != "reduction"}


def expected(loss, y, p):
    """The loss of a query and its gradient; weights of lambdas are those at p."""
    plain = dict(CASES).get(loss)
    if plain is None:
        weights = reference.lambda_weights(y, p, **settings(loss))
        def plain(y, p, sigma, **_):
            return reference.lambdarank(y, p, weights, sigma)
    return plain(y, p, **settings(loss)), central(lambda x: plain(y, x, **settings(loss)), p.astype(float))


# ---- values and gradients ----

@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("loss", EACH, ids=repr)
def test_values_and_gradients_are_those_of_the_formula(isa, loss, dtype):
    for m in (2, 3, 7, 16, 33):
        for scale in (0.1, 1.0, 30.0):
            y, p = query(m, seed=m, scale=scale, dtype=dtype)
            wanted, slope = expected(loss, y, p.astype(float))
            value, gradient = loss.value_and_gradient(y, p)
            assert gradient.dtype == dtype and isinstance(value, float)
            assert value == pytest.approx(wanted, rel=TOLERANCE[dtype], abs=TOLERANCE[dtype])
            np.testing.assert_allclose(gradient, slope, rtol=0, atol=(2e-9 if dtype == np.float64 else 1e-5) * max(5, wanted))
            assert loss.value(y, p) == value and np.array_equal(loss.gradient(y, p), gradient)


@pytest.mark.parametrize("k, normalize, wanted", [
    (30, True, {0: -0.46892, 1: 0.34902, 2: -0.13269, 4: 0.25163}), (3, True, {0: -0.4733, 1: 0.35229, 4: 0.25399}),
    (30, False, {0: -0.35945, 1: 0.48881, 2: -0.21362, 4: 0.12633}), (3, False, {0: -0.35945, 1: 0.48881, 2: -0.20838, 4: 0.12633})])
def test_lambdas_are_those_of_lightgbm(isa, k, normalize, wanted):
    """From the leaves of LightGBM 4.7: `lgb.train({"objective": "lambdarank", "lambdarank_truncation_level": k, "lambdarank_norm": normalize,
    "num_leaves": 2, "min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 0, "lambda_l2": l2, "learning_rate": 1}, data, 1)` splits one document i
    off, `data` having the column arange(5) == i and init_score p; its leaf is -g/(h + l2), for l2 of 1 and 2, which gives g."""
    y, p = np.array([3, 0, 2, 1, 0]), np.array([0.5, 1.5, -0.25, 0.0, 0.75])
    found = losses.LambdaRank(k=k, normalize=normalize, reduction="sum").gradient(y, p)
    np.testing.assert_allclose(found[list(wanted)], list(wanted.values()), atol=1e-5)


@pytest.mark.parametrize("loss", EACH, ids=repr)
def test_what_says_nothing_of_an_order_costs_nothing(isa, loss):
    for y in ([2], [1, 1, 1], [0, 0]):
        value, gradient = loss.value_and_gradient(y, np.arange(len(y)) * 3.0)
        assert value == 0 and not gradient.any()


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("loss", EACH, ids=repr)
def test_extremes_are_finite(isa, loss, dtype):
    y = np.array([0, 4, 1, 3, 1])
    for p in ([0.0] * 5, [1e6, -1e6, 0, 5, 1e6], [1e-30, -1e-30, 0, 0, 0], [1e30, 1e30, -1e30, 1e30, 0]):
        p = np.array(p, dtype)
        value, gradient = loss.value_and_gradient(y, p)
        assert np.isfinite(value) and value >= 0 and np.isfinite(gradient).all()
        assert abs(gradient.sum()) <= 1e-5 * np.abs(gradient).sum()
    assert losses.LambdaRank().value([0, 5000], [1.0, 1.0]) == pytest.approx((1 - 1 / np.log2(3)) * np.log(2))   # 2^5000 is no float


@pytest.mark.parametrize("m", [3, 150, 300])
def test_equal_scores_rank_as_they_come(isa, m):
    y, scores = query(m)
    for p in (np.zeros(m), np.round(scores)):
        weights = reference.lambda_weights(y, p, k=20)
        assert losses.LambdaRank(k=20).value(y, p) == pytest.approx(reference.lambdarank(y, p, weights), rel=1e-13)


@pytest.mark.parametrize("positive, negative", [([0.5, -2.0, 1e4], [0.25, 1.0, 0.0]), ([-1e4, 0.0, 1.0], [1e4, 0.0, 1.0])])
def test_bpr_is_the_logistic_loss_of_differences(isa, positive, negative):
    positive, negative, weight = np.array(positive), np.array(negative), np.array([1.0, 2.0, 0.5])
    each = np.logaddexp(0, negative - positive)
    np.testing.assert_allclose(losses.BPR("none").value(positive, negative, weight), each * weight, rtol=1e-12)
    for reduction, factor in (("mean", weight / 3.5), ("sum", weight)):
        value, (up, down) = losses.BPR(reduction).value_and_gradient(positive, negative, weight)
        assert value == pytest.approx(factor @ each, rel=1e-12)
        np.testing.assert_allclose(up, -factor / (1 + np.exp(np.clip(positive - negative, -700, 700))), rtol=1e-12, atol=1e-300)
        assert np.array_equal(down, -up)


# ---- NDCG ----

@pytest.mark.parametrize("k", [None, 1, 3, 50])
def test_ndcg_is_that_of_scikit_learn(isa, k):
    ndcg_score = pytest.importorskip("sklearn.metrics").ndcg_score
    for m in (2, 5, 20, 41, 300, 513):   # runs of 128 are merged
        for ties in (False, True):
            y, p = query(m, seed=m + 7)
            p = np.round(p) if ties else p
            for gains in ("exponential", "linear", (0.0, 0.5, 2.0, 2.0, 8.0)):
                wanted = ndcg_score([reference.gains_of(y, gains)], [p], k=k)
                assert losses.ndcg(y, p, k=k, gains=gains) == pytest.approx(wanted, rel=1e-12)
                assert losses.ndcg(y, p.astype(np.float32), k=k, gains=gains) == pytest.approx(wanted, rel=1e-5)
    assert losses.ndcg([0, 0], [1.0, 2.0]) == ndcg_score([[0, 0]], [[1.0, 2.0]]) == 0


def test_lambdas_lift_ndcg():
    y, p = query(30)
    loss = losses.LambdaRank()
    before = losses.ndcg(y, p)
    for _ in range(50):
        p = p - 5 * loss.gradient(y, p)
    assert losses.ndcg(y, p) > 0.999 > before


# ---- queries ----

SIZES = np.array([3, 1, 8, 5, 20])


def several(dtype=np.float64):
    y, p = query(SIZES.sum(), seed=5, dtype=dtype)
    return y, p, np.repeat(np.arange(5), SIZES)


@pytest.mark.parametrize("loss", EACH, ids=repr)
def test_a_batch_is_its_queries(isa, loss):
    y, p, qid = several()
    weight = np.array([1.0, 3.0, 0.0, 2.0, 0.25])
    each = [loss.value_and_gradient(y[qid == i], p[qid == i]) for i in range(5)]
    values, slopes = np.array([value for value, _ in each]), [slope for _, slope in each]
    for w, given in (np.ones(5), None), (weight, weight):
        for reduction, factor in (("mean", w / w.sum()), ("sum", w), ("none", w)):
            value, gradient = type(loss)(**{**loss.params, "reduction": reduction}).value_and_gradient(y, p, SIZES, sample_weight=given)
            np.testing.assert_allclose(value, values * w if reduction == "none" else values @ factor, rtol=1e-13)
            np.testing.assert_allclose(gradient, np.concatenate([f * s for f, s in zip(factor, slopes)]), rtol=1e-12, atol=1e-16)
    scores = [losses.ndcg(y[qid == i], p[qid == i]) for i in range(5)]
    assert losses.ndcg(y, p, SIZES, sample_weight=weight) == pytest.approx(np.average(scores, weights=weight), rel=1e-13)


@pytest.mark.parametrize("loss", EACH, ids=repr)
def test_what_changes_nothing(loss):
    y, p, qid = several()
    value, gradient = loss.value_and_gradient(y, p, SIZES)
    order = np.random.default_rng(3).permutation(len(y))   # documents, and with them queries
    again, slopes = loss.value_and_gradient(y[order], p[order], qid=qid[order] * 10 - 7)
    assert again == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(slopes, gradient[order], rtol=1e-10, atol=1e-14)
    assert loss.value(y, p, qid=qid) == value and np.array_equal(loss.gradient(y, p, qid=qid), gradient)
    keep = qid != 2   # a weight of 0 is a query less, one of 2 a query twice
    assert loss.value(y, p, SIZES, sample_weight=[1, 1, 0, 1, 1]) == pytest.approx(loss.value(y[keep], p[keep], SIZES[[0, 1, 3, 4]]), rel=1e-13)
    twice = np.concatenate([y, y[qid == 2]]), np.concatenate([p, p[qid == 2]]), [*SIZES, SIZES[2]]
    assert loss.value(y, p, SIZES, sample_weight=[1, 1, 2, 1, 1]) == pytest.approx(loss.value(*twice), rel=1e-13)
    assert loss.value(y, p, SIZES, sample_weight=np.full(5, 1e308)) == pytest.approx(value, rel=1e-13)


@pytest.mark.parametrize("loss", EACH, ids=repr)
def test_any_number_of_threads_gives_the_same_bits(isa, loss, monkeypatch):
    y, p = query(4000, dtype=np.float32)
    asked, found = [], []
    for threads in (1, 2, 5):
        monkeypatch.setattr(_queries_of, "resolve_threads", lambda: asked.append(threads) or threads)
        found.append((*loss.value_and_gradient(y, p, [1000, 100, 900, 2000]), losses.ndcg(y, p, [4000])))
    assert asked == [1, 1, 2, 2, 5, 5]
    assert all(value == found[0][0] and np.array_equal(slope, found[0][1]) and gain == found[0][2] for value, slope, gain in found)


@pytest.mark.parametrize("loss", EACH, ids=repr)
def test_instruction_sets_agree(loss, other_isa):
    y, p, _ = several()
    value, gradient = loss.value_and_gradient(y, p, SIZES)
    fo.set_isa(other_isa)
    other, slope = loss.value_and_gradient(y, p, SIZES)
    assert other == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(slope, gradient, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("view", [lambda a: np.repeat(a, 2)[::2], lambda a: a[::-1].copy()[::-1], np.ndarray.tolist])
@pytest.mark.parametrize("loss", EACH, ids=repr)
def test_any_order_and_type(loss, view):
    y, p, _ = several()
    value, gradient = loss.value_and_gradient(y, p, SIZES)
    again, slope = loss.value_and_gradient(view(y), view(p), view(SIZES))
    assert again == value and np.array_equal(slope, gradient)
    y.flags.writeable = p.flags.writeable = False
    assert loss.value(y.astype(np.int8), p, tuple(SIZES)) == value


@pytest.mark.parametrize("loss", [*EACH, losses.BPR("sum")], ids=repr)
def test_they_are_values_with_names(loss):
    assert pickle.loads(pickle.dumps(loss)) == loss == copy.deepcopy(loss) == eval(repr(loss), vars(losses))
    assert loss.name not in losses.names() and len({loss, copy.deepcopy(loss)}) == 1 and type(loss).__module__ == "fastopt.losses"
    with pytest.raises(AttributeError, match="cannot be changed"):
        loss.reduction = "sum"


TWO = [1.0, 2.0]
BAD = [
    ((TWO, [[1.0, 2.0]]), {}, ValueError, r"p must have shape \(n,\), a score for each document, got \(1, 2\)"),
    (([], []), {}, ValueError, r"p must have shape \(n,\)"),
    (([1.0], TWO), {}, ValueError, r"y must have the shape of p, \(2,\), got \(1,\)"),
    ((TWO, ["a", "b"]), {}, TypeError, "p must hold real numbers"),
    ((TWO, [1.0, np.nan]), {}, ValueError, "p must be finite, got nan at index 1"),
    (([1.0, np.inf], TWO), {}, ValueError, "y must be finite, got inf at index 1"),
    ((TWO, TWO, [1, 2]), {}, ValueError, "group must add up to 2, the number of documents, got 3"),
    ((TWO, TWO, [2, 0]), {}, ValueError, "group must be sizes of queries, 1 … 2, got 0 at index 1"),
    ((TWO, TWO, [3, -1]), {}, ValueError, "group must be sizes of queries, 1 … 2, got 3 at index 0"),
    ((TWO, TWO, 2), {}, ValueError, r"group must have one dimension, the size of each query, got shape \(\)"),
    ((TWO, TWO, [1.0, 1.0]), {}, TypeError, "group must hold integers, got dtype float64"),
    ((TWO, TWO), {"qid": [1]}, ValueError, r"qid must have shape \(2,\), the query of each document, got \(1,\)"),
    ((TWO, TWO), {"qid": ["a", "b"]}, TypeError, "qid must hold integers"),
    ((TWO, TWO, [2]), {"qid": [1, 1]}, ValueError, "qid must be left out where group is given, got both"),
    ((TWO, TWO, [2]), {"sample_weight": TWO}, ValueError, r"sample_weight must have shape \(1,\), one for each query, got \(2,\)"),
    ((TWO, TWO, [2]), {"sample_weight": [-1]}, ValueError, "sample_weight must be finite and at least 0, got -1.0 at index 0"),
    ((TWO, TWO, [2]), {"sample_weight": [0]}, ValueError, "sample_weight must not be all 0"),
]


@pytest.mark.parametrize("arguments, more, error, text", BAD)
@pytest.mark.parametrize("loss", EACH, ids=repr)
def test_arguments_are_refused_by_name(loss, arguments, more, error, text):
    for call in (loss.value, loss.gradient, loss.value_and_gradient, losses.ndcg):
        with pytest.raises(error, match=text):
            call(*arguments, **more)


@pytest.mark.parametrize("call, text", [
    (lambda: losses.PairwiseLogistic(0), "sigma must be"), (lambda: losses.MarginRanking(-1), "margin must be"),
    (lambda: losses.ListNet("max"), "reduction must be"), (lambda: losses.LambdaRank(k=0), "k must be"),
    (lambda: losses.LambdaRank(gains="cubic"), "gains must be"), (lambda: losses.LambdaRank(gains=[1, 0]), "gains must not fall"),
    (lambda: losses.LambdaRank(gains=[]), "gains must be"), (lambda: losses.LambdaRank(gains=[-1, 0]), "gains must be finite and at least 0"),
    (lambda: losses.LambdaRank(normalize=2), "normalize must be"), (lambda: losses.ndcg(TWO, TWO, k=0), "k must be"),
    (lambda: losses.LambdaRank().value([-1, 2], TWO), "y must be finite and at least 0, got -1.0 at index 0"),
    (lambda: losses.LambdaRank(gains=(0, 1)).value([1, 2], TWO), "y must be a place in gains, 0 … 1, got 2.0 at index 1"),
    (lambda: losses.ndcg([0.5, 1], TWO, gains=(0, 1)), "y must be a place in gains, 0 … 1, got 0.5 at index 0"),
    (lambda: losses.BPR().value(TWO, [1.0]), r"negative must have the shape of positive, \(2,\), got \(1,\)"),
    (lambda: losses.BPR().value([[1.0]], [[1.0]]), r"positive must have shape \(n,\), got \(1, 1\)"),
    (lambda: losses.BPR().value(TWO, [1.0, np.nan]), "negative must be finite, got nan at index 1"),
    (lambda: losses.BPR("no"), "reduction must be"), (lambda: losses.BPR().value(TWO, TWO, [0, 0]), "sample_weight must not be all 0"),
])
def test_parameters_are_refused(call, text):
    with pytest.raises(ValueError, match=text):
        call()


def test_nothing_is_read_outside_of_the_arrays():
    guarded = pytest.importorskip("guarded").guarded
    for m in (1, 2, 15, 16, 17, 129):
        for dtype in TOLERANCE:
            for at_end in (True, False):
                y, p = query(m, dtype=dtype)
                y, p = (guarded(a.astype(dtype), at_end=at_end, writable=False) for a in (y, p))
                for loss in EACH:
                    loss.value_and_gradient(y, p)
                losses.ndcg(y, p, k=3)
