"""Linear models in scikit-learn's place: the public names.

Those that learn by stochastic gradient descent are in _linear_classifier, _linear_regressor and _linear_one_class, on _linear_base;
those that a solver finishes are in the other modules _linear_*, on _linear_solved.
"""
from __future__ import annotations

from fastopt._extras import needs

with needs("sklearn", "fastopt.linear_model"):
    from fastopt._linear_classifier import SGDClassifier
    from fastopt._linear_cv import ElasticNetCV, LassoCV
    from fastopt._linear_general import GeneralizedLinearEstimator
    from fastopt._linear_glm import GammaRegressor, PoissonRegressor, TweedieRegressor
    from fastopt._linear_lasso import ElasticNet, Lasso
    from fastopt._linear_logistic import LogisticRegression
    from fastopt._linear_logistic_cv import LogisticRegressionCV
    from fastopt._linear_one_class import SGDOneClassSVM
    from fastopt._linear_paths import enet_path, lasso_path
    from fastopt._linear_regressor import SGDRegressor
    from fastopt._linear_ridge import Ridge
    from fastopt._linear_ridge_cv import RidgeCV
    from fastopt._linear_robust import HuberRegressor, QuantileRegressor
    from fastopt._linear_svm import LinearSVC, LinearSVR

__all__ = ["ElasticNet", "ElasticNetCV", "GammaRegressor", "GeneralizedLinearEstimator", "HuberRegressor", "Lasso", "LassoCV",
           "LinearSVC", "LinearSVR", "LogisticRegression", "LogisticRegressionCV", "PoissonRegressor", "QuantileRegressor", "Ridge",
           "RidgeCV", "SGDClassifier", "SGDOneClassSVM", "SGDRegressor", "TweedieRegressor",
           "enet_path", "lasso_path"]
