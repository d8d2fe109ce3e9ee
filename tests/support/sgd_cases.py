"""A small problem for the SGD estimators, and what each of them learns of it."""
import numpy as np

from fastopt.linear_model import SGDClassifier, SGDOneClassSVM, SGDRegressor

ESTIMATORS = [SGDClassifier, SGDRegressor, SGDOneClassSVM]
N, D = 200, 4


def problem(seed=0):
    """X, and the numbers that a regressor is to find."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N, D))
    return X, X @ [0.5, -1.0, 0.0, 0.3] + 0.5 * rng.standard_t(5, size=N) + 0.2


def target(cls, score):
    """y of the estimator: three classes, the numbers, or none."""
    return {SGDClassifier: np.digitize(score, [-0.7, 0.7]), SGDRegressor: score, SGDOneClassSVM: None}[cls]
