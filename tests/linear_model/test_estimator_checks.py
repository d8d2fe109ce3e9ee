"""scikit-learn's own checks of estimators, on every estimator."""
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastopt import linear_model

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
NOT_EQUAL = "a row of weight 2 is one step of twice the size, a row given twice is two steps, elsewhere in the order"


def expected(estimator):
    """What SGD cannot do; scikit-learn's own estimators are excused from the same."""
    if not type(estimator).__name__.startswith("SGD"):
        return {}
    return {f"check_sample_weight_equivalence_on_{kind}_data": NOT_EQUAL for kind in ("dense", "sparse")}


def checks(*estimators, without=()):
    """All checks but one of the array API, which asks for another environment, and those with such names."""
    mark = parametrize_with_checks(list(estimators), expected_failed_checks=expected)
    cases = [case for case in mark.args[1] if not any(name in str(case) for name in ("check_array_api_input", *without))]
    return pytest.mark.parametrize("estimator, check", cases, ids=mark.kwargs["ids"])


@checks(linear_model.SGDClassifier(max_iter=5), linear_model.SGDRegressor(max_iter=5),
        linear_model.SGDOneClassSVM(max_iter=5))
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@checks(linear_model.SGDClassifier(loss="log_loss", penalty="elasticnet", average=True, n_jobs=2),
        linear_model.SGDRegressor(loss="squared_epsilon_insensitive", penalty="l1", average=10, restore_best=True),
        linear_model.SGDOneClassSVM(average=True, learning_rate="constant"))
@pytest.mark.repeats(3)
def test_scikit_learns_checks_with_other_parameters(estimator, check):
    check(estimator.set_params(max_iter=20))


BATCHES = {"optimizer": "adam", "batch_size": 8, "max_iter": 20}


@checks(linear_model.SGDClassifier(**BATCHES), linear_model.SGDRegressor(**BATCHES),
        linear_model.SGDClassifier(**BATCHES, loss="log_loss", multi_class="multinomial", average=True, eta0=0.1),
        linear_model.SGDClassifier(**BATCHES, loss="sparsemax", eta0=0.1), linear_model.SGDClassifier(**BATCHES, loss="weston_watkins", eta0=0.1),
        linear_model.SGDRegressor(**{**BATCHES, "optimizer": "ftrl"}, penalty="l1", clip_norm=1.0, restore_best=True, eta0=1.0))
@pytest.mark.repeats(3)
def test_scikit_learns_checks_of_mini_batches(estimator, check):
    check(estimator)


@checks(linear_model.SGDClassifier(), linear_model.SGDRegressor(), linear_model.SGDOneClassSVM(), linear_model.LogisticRegression(),
        linear_model.LinearSVC(), linear_model.LinearSVR(), linear_model.Lasso(), linear_model.ElasticNet(),
        linear_model.HuberRegressor(), linear_model.QuantileRegressor(), linear_model.PoissonRegressor(),
        linear_model.GammaRegressor(), linear_model.TweedieRegressor(), linear_model.GeneralizedLinearEstimator("squared_error"),
        linear_model.GeneralizedLinearEstimator("log_loss"), linear_model.LassoCV(), linear_model.ElasticNetCV(),
        linear_model.LogisticRegressionCV(cv=3), without=("check_sample_weight_equivalence",))   # to more digits than tol: below
@pytest.mark.repeats(3)
def test_scikit_learns_checks_as_they_come(estimator, check):
    check(estimator)


TIGHT = {"tol": 1e-9, "max_iter": 1000}
TIGHTER = {"tol": 1e-11, "max_iter": 1000}   # where the way to a minimum depends on how rows are given


@checks(linear_model.LogisticRegression(**TIGHTER),
        linear_model.LogisticRegression(C=0.5, class_weight="balanced", tol=1e-12, max_iter=1000),
        linear_model.Ridge(), linear_model.Ridge(positive=True, **TIGHT), linear_model.Lasso(**TIGHT),
        linear_model.ElasticNet(**TIGHT),
        linear_model.LinearSVC(**TIGHTER), linear_model.LinearSVR(loss="squared_epsilon_insensitive", **TIGHT),
        linear_model.HuberRegressor(**TIGHT), linear_model.QuantileRegressor(alpha=0.01), linear_model.PoissonRegressor(**TIGHT),
        linear_model.GammaRegressor(**TIGHT), linear_model.TweedieRegressor(power=1.5, **TIGHT))
@pytest.mark.repeats(4)
def test_scikit_learns_checks_of_solver_based_estimators(estimator, check):
    check(estimator)


@checks(linear_model.GeneralizedLinearEstimator("squared_error", penalty="nonnegative", **TIGHT),
        linear_model.GeneralizedLinearEstimator("multinomial", penalty="l2", **TIGHT),
        linear_model.GeneralizedLinearEstimator("sparsemax", penalty="l2", **TIGHT),
        linear_model.GeneralizedLinearEstimator("softmax_poly", penalty="l2", **TIGHT),
        linear_model.GeneralizedLinearEstimator("squared_hinge", penalty="elasticnet", **TIGHT))
def test_scikit_learns_checks_of_any_loss_with_any_penalty(estimator, check):
    check(estimator)


@checks(linear_model.RidgeCV(), linear_model.LassoCV(alphas=5, cv=3, **TIGHTER),
        linear_model.ElasticNetCV(alphas=5, cv=3, **TIGHTER),
        linear_model.LogisticRegressionCV(Cs=[0.1, 1.0], cv=3, tol=1e-12, max_iter=1000))
@pytest.mark.repeats(3)
def test_scikit_learns_checks_of_cross_validation(estimator, check):
    check(estimator)
