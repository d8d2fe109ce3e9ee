"""GeneralizedLinearEstimator with the loss Cox: optima beside SciPy's of the plain partial likelihood, weights, types of X, refusals."""
import pickle

import numpy as np
import pytest
import scipy.sparse
from scipy.optimize import minimize
from sklearn.base import clone, is_classifier, is_regressor

import fastopt as fo
from fastopt import losses, penalties
from fastopt.linear_model import GeneralizedLinearEstimator
from reference import cox as reference

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
TIME = np.ceil(5 * RNG.exponential(np.exp(-X @ [1.0, -0.5, 0.0])))
EVENT = RNG.integers(0, 4, 40) > 0
Y = (TIME, EVENT)
#: a penalty, its value for w = u − v with u, v >= 0, and the bounds of w
CASES = [(None, lambda u, v: 0.0, (-9, 9)), (penalties.L2(0.3), lambda u, v: 0.15 * ((u - v) ** 2).sum(), (-9, 9)),
         (penalties.L1(0.05), lambda u, v: 0.05 * (u + v).sum(), (-9, 9)),
         (penalties.L1(0.05, positive=True, weights=[1, 2, 3]), lambda u, v: 0.05 * (u + v) @ [1, 2, 3], (0, 9)),
         (penalties.ElasticNet(0.2, 0.25), lambda u, v: 0.05 * (u + v).sum() + 0.075 * ((u - v) ** 2).sum(), (-9, 9)),
         (penalties.NonNegative(), lambda u, v: 0.0, (0, 9)), (penalties.Box(-0.1, 0.5), lambda u, v: 0.0, (-0.1, 0.5))]


def optimum(ties, value, bounds, weight):
    """By SciPy, from the plain formula."""
    def objective(uv):
        u, v = uv[:3], uv[3:]
        return reference.losses(*Y, X @ (u - v), ties, weight).sum() / weight.sum() + value(u, v)
    low, high = bounds
    return minimize(objective, np.zeros(6), bounds=[(0, high)] * 3 + [(0, -low)] * 3, method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-8})


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("penalty, value, bounds", CASES, ids=[repr(case[0]) for case in CASES])
def test_fits_are_optima(penalty, value, bounds, ties):
    weight = RNG.choice([0.5, 1.0, 2.0], 40)
    model = GeneralizedLinearEstimator(losses.Cox(ties, "sum"), penalty=penalty, tol=1e-7).fit(X, Y, sample_weight=weight)
    found = optimum(ties, value, bounds, weight)
    np.testing.assert_allclose(model.coef_, found.x[:3] - found.x[3:], atol=2e-4)
    u, v = np.maximum(model.coef_, 0), np.maximum(-model.coef_, 0)
    mine = reference.losses(*Y, X @ model.coef_, ties, weight).sum() / weight.sum() + value(u, v)
    assert mine <= found.fun + 1e-9 and bounds[0] <= model.coef_.min() and model.coef_.max() <= bounds[1]
    assert model.intercept_ == 0 and model.n_iter_ > 0


def test_predictions_are_risks():
    model = GeneralizedLinearEstimator(losses.Cox()).fit(X, Y)
    np.testing.assert_allclose(model.predict(X), X @ model.coef_, rtol=1e-12)
    assert model.score(X, Y) == pytest.approx(reference.concordance(*Y, X @ model.coef_), rel=1e-12)
    assert is_regressor(model) and not is_classifier(model) and not hasattr(model, "predict_proba") and not hasattr(model, "decision_function")
    assert pickle.loads(pickle.dumps(model)).score(X, Y) == clone(model).fit(X, Y).score(X, Y)
    assert model.set_params(warm_start=True).fit(X, Y).n_iter_ <= 1


def test_x_of_any_kind():
    wanted = GeneralizedLinearEstimator(losses.Cox(), tol=1e-8).fit(X, Y).coef_
    y = np.zeros(40, [("event", bool), ("time", float)])
    y["event"], y["time"] = Y[1], Y[0]
    for given, tolerance in ((np.asfortranarray(X), 1e-8), (scipy.sparse.csr_array(X), 1e-8), (scipy.sparse.csc_array(X), 1e-8),
                             (X.astype(np.float32), 1e-4)):
        model = GeneralizedLinearEstimator(losses.Cox(), tol=1e-8 if tolerance < 1e-5 else 1e-5).fit(given, y)
        np.testing.assert_allclose(model.coef_, wanted, atol=tolerance)
        assert model.coef_.dtype == given.dtype
    keep = np.arange(40) % 5 > 0
    without = GeneralizedLinearEstimator(losses.Cox(), tol=1e-8).fit(X, Y, sample_weight=keep.astype(float)).coef_
    alone = GeneralizedLinearEstimator(losses.Cox(), tol=1e-8).fit(X[keep], (TIME[keep], EVENT[keep])).coef_
    np.testing.assert_allclose(without, alone, atol=1e-8)


@pytest.mark.parametrize("settings, text", [
    ({"solver": "newton-cg"}, r"solver 'newton-cg' reads more than values and gradients, which are all that Cox\(.*\) has"),
    ({"class_weight": "balanced"}, "class_weight must be None with a loss that is not for classes"),
])
def test_what_cox_does_not_go_with(settings, text):
    model = GeneralizedLinearEstimator(losses.Cox(), **settings)
    before = vars(model).copy()
    with pytest.raises(ValueError, match=text):
        model.fit(X, Y)
    assert vars(model) == before


def test_bad_targets_leave_the_model_as_it_was():
    model = GeneralizedLinearEstimator(losses.Cox()).fit(X, Y)
    before = vars(model).copy()
    for y, text in ((TIME[1:], EVENT), "event of y must have the shape of time"), ((TIME, EVENT + 1), "event of y must be 1 for an event"):
        with pytest.raises(ValueError, match=text):
            model.fit(X, y)
        assert vars(model) == before
    with pytest.raises(ValueError, match="sample_weight must be None: the concordance has none"):
        model.score(X, Y, np.ones(40))


def test_too_few_iterations_warn():
    from sklearn.exceptions import ConvergenceWarning
    with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge after 1 iteration"):
        GeneralizedLinearEstimator(losses.Cox(), max_iter=1, tol=1e-9).fit(X, Y)


def test_columns_may_be_standardized_and_objectives_take_it():
    X = RNG.normal(size=(40, 3)) * [1, 1e3, 1e-3] + [5, -1e4, 0]
    plain, scaled = (GeneralizedLinearEstimator(losses.Cox(), tol=1e-8, standardize=flag).fit(X / [1, 1e3, 1e-3] if not flag else X, Y)
                     for flag in (False, True))
    np.testing.assert_allclose(scaled.coef_ * [1, 1e3, 1e-3], plain.coef_, rtol=1e-4, atol=1e-5)
    objective = fo.LinearObjective(X, Y, losses.Cox("breslow"))
    w = np.array([0.1, 1e-4, 10.0])
    np.testing.assert_allclose(objective.value(w), reference.losses(*Y, X @ w, "breslow", np.ones(40)).mean(), rtol=1e-12)


def test_time_stamps_keep_their_digits_beside_float32():
    stamps = TIME + 1.7e9   # float32 has none of their differences
    wanted = GeneralizedLinearEstimator(losses.Cox(), tol=1e-5).fit(X.astype(np.float32), Y).coef_
    np.testing.assert_allclose(GeneralizedLinearEstimator(losses.Cox(), tol=1e-5).fit(X.astype(np.float32), (stamps, EVENT)).coef_, wanted, rtol=1e-4)
