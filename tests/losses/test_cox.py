"""Cox's partial likelihood: values subject by subject, derivatives by differences, a fit beside published ones, what changes nothing, arguments."""
import copy
import pickle

import mpmath as mp
import numpy as np
import pytest
from scipy.optimize import minimize

import fastopt as fo
from fastopt import losses
from fastopt.losses._survival import _concordance
from reference import cox as reference
from reference.differences import central

TIES = ["efron", "breslow"]
TOLERANCE = {np.float64: 1e-12, np.float32: 1e-5}
# weeks in remission of 42 children with leukemia, 21 of them treated with 6-mercaptopurine, and who had no relapse yet; E. J. Freireich et al.
# (1963), The effect of 6-mercaptopurine on the duration of steroid-induced remissions in acute leukemia, Blood 21
WEEKS = np.array([6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35,
                  1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23], float)
RELAPSE = np.array([1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0] + [1] * 21)
TREATED = np.repeat([1.0, 0.0], 21)


def subjects(n=30, seed=0, scale=1.0, times=8):
    """Times with ties, events, scores."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, times, n).astype(float), rng.integers(0, 2, n), rng.normal(0, scale, n)


# ---- values and derivatives ----

@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("ties", TIES)
def test_values_are_those_of_the_formula(isa, ties, dtype):
    for n, times in (1, 2), (2, 1), (7, 3), (40, 100), (60, 5):
        for scale in (0.01, 1.0, 20.0):
            time, event, p = subjects(n, n, scale, times)
            p, weight, strata = p.astype(dtype), np.random.default_rng(n).choice([0.0, 0.5, 1.0, 3.0], n) + (n < 3), np.arange(n) % 3
            for more in ({}, {"sample_weight": weight}, {"strata": strata}, {"sample_weight": weight, "strata": strata}):
                wanted = reference.losses(time, event, p.astype(float), ties, more.get("sample_weight"), more.get("strata"))
                each = losses.Cox(ties, "none").value((time, event), p, **more)
                assert each.dtype == dtype and each.shape == (n,)
                np.testing.assert_allclose(each, wanted, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * scale)
                total = losses.Cox(ties, "sum").value((time, event), p, **more)
                assert total == pytest.approx(wanted.sum(), rel=1e-12, abs=1e-12)
                mean = total / more.get("sample_weight", np.ones(n)).sum()
                assert losses.Cox(ties).value((time, event), p, **more) == pytest.approx(mean, rel=1e-13)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("ties", TIES)
def test_derivatives_are_differences(isa, ties, reduction):
    time, event, p = subjects(25, times=6)
    weight, strata = np.random.default_rng(1).choice([0.0, 0.5, 1.0, 3.0], 25), np.array(["left", "right"])[np.arange(25) % 2]
    loss, more = losses.Cox(ties, reduction), {"sample_weight": weight, "strata": strata}
    total = weight.sum() if reduction == "mean" else 1
    value, gradient = loss.value_and_gradient((time, event), p, **more)
    assert np.array_equal(value, loss.value((time, event), p, **more)) and np.array_equal(gradient, loss.gradient((time, event), p, **more))
    wanted = central(lambda x: reference.losses(time, event, x, ties, weight, strata).sum() / total, p)
    np.testing.assert_allclose(gradient, wanted, rtol=1e-7, atol=2e-9 * np.sum(value))
    v = np.random.default_rng(2).normal(size=25)
    along = (loss.gradient((time, event), p + 1e-6 * v, **more) - loss.gradient((time, event), p - 1e-6 * v, **more)) / 2e-6
    np.testing.assert_allclose(loss.hessp((time, event), p, v, **more), along, rtol=1e-6, atol=1e-9 * np.abs(along).max())
    columns = np.array([loss.hessp((time, event), p, column, **more) for column in np.eye(25)])
    np.testing.assert_allclose(loss.hessian_diagonal((time, event), p, **more), np.diag(columns), rtol=1e-10, atol=1e-15)
    np.testing.assert_allclose(columns, columns.T, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(columns.sum(axis=1), 0, atol=1e-13)   # a constant changes nothing


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("ties", TIES)
def test_extremes_are_finite_and_right(isa, ties, dtype):
    for scale in (1e-30, 1e3, 1e6, 1e30):
        time, event, p = subjects(30, 3, scale)
        p = p.astype(dtype)
        value, gradient = losses.Cox(ties, "none").value_and_gradient((time, event), p)
        wanted = reference.losses(time, event, p.astype(float), ties)
        np.testing.assert_allclose(value, wanted, rtol=1e-5 if dtype == np.float32 else 1e-12, atol=2e-16 * scale)
        assert np.isfinite(gradient).all() and abs(gradient.sum()) < 1e-4
        assert (gradient >= -event - 1e-6).all()
    p = np.array([0.0, 1000.0, 2000.0], dtype)   # the last, at risk alone, would underflow beside the first
    value, gradient = losses.Cox(ties, "none").value_and_gradient(([3, 2, 1], [1, 1, 1]), p)
    assert not value.any() and not gradient.any()


@pytest.mark.parametrize("ties, coefficient, error, at_zero, at_optimum", [
    ("efron", -1.57212515, 0.41239672, -93.18426999684775, -85.00842457737163),
    ("breslow", -1.50919141, 0.40956441, -93.98505047824518, -86.37962207114556)])
def test_a_fit_is_that_of_statsmodels(isa, ties, coefficient, error, at_zero, at_optimum):
    """Numbers of statsmodels 0.15: `model = statsmodels.api.PHReg(WEEKS, TREATED[:, None], status=RELAPSE, ties=ties)`, then
    `model.loglike([0.0])`, and of `model.fit()` params, bse and llf."""
    loss = losses.Cox(ties, "sum")

    def along(w):
        value, gradient = loss.value_and_gradient((WEEKS, RELAPSE), TREATED * w[0])
        return value, np.array([gradient @ TREATED])

    found = minimize(along, [0.0], jac=True, method="BFGS", options={"gtol": 1e-10})
    assert found.x[0] == pytest.approx(coefficient, abs=2e-8)
    assert (TREATED @ loss.hessp((WEEKS, RELAPSE), TREATED * found.x[0], TREATED)) ** -0.5 == pytest.approx(error, abs=2e-8)
    assert -along([0.0])[0] == pytest.approx(at_zero, rel=1e-13) and -found.fun == pytest.approx(at_optimum, rel=1e-12)


@pytest.mark.parametrize("ties", TIES)
def test_weighted_ties_are_those_worked_out_by_hand(isa, ties):
    """Value, derivatives along x and residuals of the example that R's coxph is tested with."""
    time, event, x, weight = (np.array(a, float) for a in reference.WEIGHTED)
    loss, y = losses.Cox(ties, "sum"), (time, event)
    for beta in (-2.0, 0.0, 0.5, 3.0):
        value, gradient = loss.value_and_gradient(y, x * beta, sample_weight=weight)
        wanted, slope, bend = (float(mp.diff(lambda b: reference.by_hand(b, ties), beta, order)) for order in range(3))
        assert value == pytest.approx(wanted, rel=1e-14)
        assert gradient @ x == pytest.approx(slope, rel=1e-12, abs=1e-13)
        assert loss.hessp(y, x * beta, x, sample_weight=weight) @ x == pytest.approx(bend, rel=1e-12)
        np.testing.assert_allclose(-gradient / weight, [float(m) for m in reference.residuals_by_hand(beta, ties)], rtol=1e-13, atol=1e-14)


def test_a_weighted_fit_is_that_of_lifelines(isa):
    """Numbers of lifelines 0.30, whose ties are Efron's: `CoxPHFitter().fit(frame, "weeks", "relapse", weights_col="weight",
    fit_options={"precision": 1e-14})`, then params_ and log_likelihood_; frame has the column TREATED besides."""
    loss, weight = losses.Cox(reduction="sum"), 1 + np.arange(42) % 3 / 2

    def along(w):
        value, gradient = loss.value_and_gradient((WEEKS, RELAPSE), TREATED * w[0], sample_weight=weight)
        return value, np.array([gradient @ TREATED])

    found = minimize(along, [0.0], jac=True, method="BFGS", options={"gtol": 1e-10})
    assert found.x[0] == pytest.approx(-1.61595, abs=1e-6) and -found.fun == pytest.approx(-142.3749035244089, rel=1e-12)


@pytest.mark.parametrize("ties", TIES)
def test_what_changes_nothing(ties):
    time, event, p = subjects(40)
    loss, weight = losses.Cox(ties, "sum"), np.random.default_rng(0).choice([0.5, 1.0, 2.0], 40)
    value, gradient = loss.value_and_gradient((time, event), p, sample_weight=weight)
    order = np.random.default_rng(1).permutation(40)
    again, slope = loss.value_and_gradient((time[order], event[order]), p[order], sample_weight=weight[order])
    assert again == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(slope, gradient[order], rtol=1e-11, atol=1e-13)
    assert loss.value((time, event), p + 100, sample_weight=weight) == pytest.approx(value, rel=1e-12)
    assert loss.value((time ** 3 - 5, event), p, sample_weight=weight) == value   # only their order counts
    without = np.where(np.arange(40) % 5 == 0, 0.0, weight)
    keep = without > 0
    assert loss.value((time, event), p, sample_weight=without) == pytest.approx(
        loss.value((time[keep], event[keep]), p[keep], sample_weight=weight[keep]), rel=1e-13)
    if ties == "breslow":
        twice = np.append(np.arange(40), 7)
        assert loss.value((time, event), p, sample_weight=1.0 + (np.arange(40) == 7)) == pytest.approx(
            loss.value((time[twice], event[twice]), p[twice]), rel=1e-13)
    strata = np.arange(40) % 2
    halves = [loss.value((time[strata == s], event[strata == s]), p[strata == s]) for s in (0, 1)]
    assert loss.value((time, event), p, strata=strata) == pytest.approx(sum(halves), rel=1e-13)


def test_without_events_there_is_no_loss():
    value, gradient = losses.Cox().value_and_gradient(([1.0, 2.0], [0, 0]), [1.0, 2.0])
    assert value == 0 and not gradient.any() and not losses.Cox().hessian_diagonal(([1.0, 2.0], [0, 0]), [1.0, 2.0]).any()


# ---- concordance ----

def test_concordance_is_that_of_all_pairs(isa):
    for seed in range(6):
        time, event, p = subjects(45, seed)
        for scores in (p, np.round(p), p.astype(np.float32)):
            assert losses.concordance((time, event), scores) == reference.concordance(time, event, scores)
    assert losses.concordance(([1, 2, 3], [1, 1, 1]), [3.0, 2.0, 1.0]) == 1 and losses.concordance(([1, 1], [1, 0]), [0.0, 1.0]) == 0
    with pytest.raises(ValueError, match="y must have a subject with an event before the time of another, got none"):
        losses.concordance(([1, 1], [1, 1]), [0.0, 1.0])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("n", [2, 3, 16, 127, 128, 129, 255, 256, 257, 1000])
def test_concordance_counts_every_pair(isa, n, dtype):
    """Around the lengths of the runs that are sorted by themselves; times and scores of their own, few, one."""
    rng = np.random.default_rng(n)
    for times in (rng.normal(size=n), rng.integers(0, 4, n), np.zeros(n)):
        for scores in (rng.normal(size=n), rng.integers(0, 3, n) * 1e30 * rng.choice([-1, 1], n), -np.asarray(times, float), np.zeros(n)):
            for event in (rng.integers(0, 2, n), np.ones(n), (np.arange(n) == int(np.argmin(times))) * 1):
                if not (event[:, None] * ((times[:, None] < times) | (times[:, None] == times) & (event == 0))).any():
                    continue
                p = scores.astype(dtype)
                assert losses.concordance((times, event), p) == reference.concordance(times, event, p)


def test_concordance_of_many_subjects(isa):
    """More pairs than 32 bits count."""
    n = 100_003
    time = np.random.default_rng(0).permutation(n)
    for scores, wanted in ((-time, 1.0), (time, 0.0), (np.zeros(n), 0.5), (time < n // 2, 1 / 2 + (n // 2) * (n - n // 2) / (n * (n - 1)))):
        assert losses.concordance((time, np.ones(n)), scores) == pytest.approx(wanted, rel=1e-15)


@pytest.mark.parametrize("y", [([1.0], [1]), ([1.0], [0]), ([3, 1, 2], [0, 0, 0])])
def test_concordance_needs_a_pair(y):
    with pytest.raises(ValueError, match="y must have a subject with an event before the time of another, got none"):
        losses.concordance(y, np.arange(len(y[0]), dtype=float))


def test_concordance_of_too_many_is_refused(monkeypatch):
    monkeypatch.setattr(_concordance, "_MOST", 2)
    assert losses.concordance(([1, 2], [1, 1]), [1.0, 0.0]) == 1
    with pytest.raises(ValueError, match="p must have 2 scores at most, got 3"):
        losses.concordance(([1, 2, 3], [1, 1, 1]), [2.0, 1.0, 0.0])


# ---- arguments ----

def test_targets_as_scikit_survival_has_them():
    time, event, p = subjects()
    value = losses.Cox().value((time, event), p)
    for names in (("event", "time"), ("time", "event")):
        y = np.zeros(30, dtype=[(name, bool if name == "event" else float) for name in names])
        y["event"], y["time"] = event, time
        assert losses.Cox().value(y, p) == value and losses.concordance(y, p) == losses.concordance([time, event.astype(bool)], p)
    for view in (lambda a: np.repeat(a, 2)[::2], lambda a: a[::-1].copy()[::-1], np.ndarray.tolist):
        assert losses.Cox().value((view(time), view(event)), view(p)) == value
    time.flags.writeable = p.flags.writeable = False
    assert losses.Cox().value((time, event.astype(np.int8)), p) == value


@pytest.mark.parametrize("loss", [losses.Cox(), losses.Cox("breslow", "none")], ids=repr)
def test_they_are_values_with_names(loss):
    assert pickle.loads(pickle.dumps(loss)) == loss == copy.deepcopy(loss) == eval(repr(loss), vars(losses))
    assert loss.name not in losses.names() and type(loss).__module__ == "fastopt.losses"
    with pytest.raises(AttributeError, match="cannot be changed"):
        loss.ties = "efron"


TWO, Y = [1.0, 2.0], ([1.0, 2.0], [1, 0])


@pytest.mark.parametrize("y, p, more, error, text", [
    (Y, [[1.0, 2.0]], {}, ValueError, r"p must have shape \(n,\), a score for each subject, got \(1, 2\)"),
    (Y, [], {}, ValueError, r"p must have shape \(n,\)"),
    (Y, [1.0, np.nan], {}, ValueError, "p must be finite, got nan at index 1"),
    ((TWO, [1]), TWO, {}, ValueError, r"event of y must have the shape of p, \(2,\), got \(1,\)"),
    (([1.0], [1, 0]), TWO, {}, ValueError, r"time of y must have the shape of p, \(2,\), got \(1,\)"),
    ((TWO, [1, 2]), TWO, {}, ValueError, "event of y must be 1 for an event or 0 for none, got 2.0 at index 1"),
    (([1.0, np.inf], [1, 0]), TWO, {}, ValueError, "time of y must be finite, got inf at index 1"),
    ((["a", "b"], [1, 0]), TWO, {}, TypeError, "time of y must hold real numbers"),
    ([1.0, 2.0, 3.0], TWO, {}, TypeError, r"y must be \(time, event\), or an array with two fields, got list of length 3"),
    (np.ones(2), TWO, {}, TypeError, "y must be .* got ndarray"),
    (np.zeros(2, [("a", float), ("b", float)]), TWO, {}, ValueError, "y must have two fields, of which one is boolean"),
    (Y, TWO, {"strata": [1]}, ValueError, r"strata must have shape \(2,\), one for each subject, got \(1,\)"),
    (Y, TWO, {"strata": [1.0, np.nan]}, TypeError, "strata must hold integers or strings, got dtype float64"),
    (Y, TWO, {"sample_weight": [1]}, ValueError, r"sample_weight must have shape \(2,\), one for each subject, got \(1,\)"),
    (Y, TWO, {"sample_weight": [1, -1]}, ValueError, "sample_weight must be finite and at least 0, got -1.0 at index 1"),
    (Y, TWO, {"sample_weight": [1e308, 1e308]}, ValueError, "sample_weight must have a finite sum"),
    (Y, TWO, {"sample_weight": [0, 0]}, ValueError, "sample_weight must not be all 0"),
])
def test_arguments_are_refused_by_name(y, p, more, error, text):
    loss = losses.Cox()
    for call in (loss.value, loss.gradient, loss.value_and_gradient, loss.hessian_diagonal, lambda y, p, **more: loss.hessp(y, p, TWO, **more)):
        with pytest.raises(error, match=text):
            call(y, p, **more)


def test_parameters_are_refused():
    for make, text in ((lambda: losses.Cox("exact"), "ties must be"), (lambda: losses.Cox(reduction="max"), "reduction must be"),
                       (lambda: losses.Cox().hessp(Y, TWO, [1.0]), r"v must have the shape of p, \(2,\), got \(1,\)"),
                       (lambda: losses.Cox().hessp(Y, TWO, [1.0, np.nan]), "v must be finite")):
        with pytest.raises(ValueError, match=text):
            make()


def test_instruction_sets_agree(other_isa):
    time, event, p = subjects()
    found = losses.Cox().value_and_gradient((time, event), p)
    fo.set_isa(other_isa)
    again = losses.Cox().value_and_gradient((time, event), p)
    assert again[0] == pytest.approx(found[0], rel=1e-13)
    np.testing.assert_allclose(again[1], found[1], rtol=1e-11, atol=1e-15)
