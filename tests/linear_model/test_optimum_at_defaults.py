"""At its defaults every estimator comes to the minimum that it promises, on the data that people have, or says that it did not."""
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from fastopt import linear_model as ours
from optima import CATALOGUE, OBJECTIVES, PARAMS, best, cases, nothing, target

pytestmark = pytest.mark.slow   # many whole fits, which say nothing of single kernels

#: how far above the minimum, as a share of what the minimum is below the best constant; what the default tolerances mean
BARS = {"Ridge": 1e-7, "QuantileRegressor": 1e-6, "LogisticRegression": 1e-3, "Lasso": 2e-4, "ElasticNet": 2e-4}
BAR = 1e-3
#: problems of which no solver in double precision is asked to see the end in silence
MAY_WARN = ("scales 1e-8 to 1e8", "scale 1e8", "an outlier", "collinear")
#: and of which estimators: a penalised intercept cannot make up for such an origin; nothing is left of a scale where all errors vanish
AND_THESE = {("LinearSVC", "offset 1e9"), ("LinearSVR", "offset 1e9"), ("LinearSVR", "offset 1e4"), ("HuberRegressor", "hashed")}


def fitted(name, X, y):
    """(model, whether it warned that it did not converge); no other warning is allowed."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = getattr(ours, name)(**PARAMS.get(name, {})).fit(X, y)
    assert all(issubclass(each.category, ConvergenceWarning) for each in caught), [str(each.message) for each in caught]
    return model, bool(caught)


@pytest.mark.parametrize("name, problem, response", list(cases()), ids=lambda value: str(value).replace(" ", "_") or "y")
def test_the_minimum_is_reached(name, problem, response):
    X, z = CATALOGUE[problem]
    y = target(name, z, response)
    model, warned = fitted(name, X, y)
    value, lowest = OBJECTIVES[name](model, X, y, model.coef_, model.intercept_), best(name, X, y)
    start = max(nothing(name, y), lowest)
    above = float((value - lowest) / max(start - lowest, 1e-6 * abs(start), 1e-300))
    may_warn = problem in MAY_WARN or (name, problem) in AND_THESE
    assert np.isfinite(model.coef_).all()
    assert above <= BARS.get(name, BAR) or warned and may_warn, f"{above:.2g} above the minimum, {warned=}"
    assert not warned or may_warn or above > 1e-12, "a warning where nothing is wrong"
