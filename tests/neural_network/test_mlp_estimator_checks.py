"""scikit-learn's own checks of estimators, on the perceptrons."""
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastopt import neural_network

pytestmark = [pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
              pytest.mark.filterwarnings("ignore:Got `batch_size`:UserWarning")]
NOT_EQUAL = "a row of weight 2 is one step of twice the size, a row given twice is two steps, elsewhere in the order"


def expected(estimator):
    """What batches cannot do; scikit-learn's own perceptrons are excused from the same."""
    return {f"check_sample_weight_equivalence_on_{kind}_data": NOT_EQUAL for kind in ("dense", "sparse")} if estimator.batch_size != "auto" else {}


def applies(case):
    """Not the check of the array API, which asks for another environment, nor those of methods that an estimator has not."""
    estimator, check = getattr(case, "values", case)
    missing = [method for method in ("decision_function", "predict_proba") if not hasattr(estimator, method)]
    return "check_array_api_input" not in str(check) and not any(f"multilabel_output_format_{method}" in str(check) for method in missing)


def checks(*estimators):
    mark = parametrize_with_checks(list(estimators), expected_failed_checks=expected)
    cases = [case for case in mark.args[1] if applies(case)]
    return pytest.mark.parametrize("estimator, check", cases, ids=mark.kwargs["ids"])


@checks(neural_network.MLPClassifier(hidden_layer_sizes=16, max_iter=100, learning_rate_init=0.01),
        neural_network.MLPRegressor(hidden_layer_sizes=16, max_iter=100, learning_rate_init=0.01))
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@checks(neural_network.MLPClassifier(hidden_layer_sizes=(8, 4), activation=["tanh", "relu"], solver="sgd", batch_size=20, max_iter=30,
                                     learning_rate_init=0.1, momentum=0.8, restore_best=True, init="he_normal"),
        neural_network.MLPClassifier(hidden_layer_sizes=8, loss="squared_hinge", max_iter=30, learning_rate_init=0.05),
        neural_network.MLPRegressor(loss="huber", hidden_layer_sizes=8, max_iter=100, learning_rate_init=0.05, optimizer="adamw"),
        neural_network.MLPRegressor(hidden_layer_sizes=8, solver="lbfgs", max_iter=50))
@pytest.mark.repeats(4)
def test_scikit_learns_checks_with_other_parameters(estimator, check):
    check(estimator)
