"""The linear models, with scikit-learn's interface: the public names.

The estimators trained by stochastic gradient descent are in linear_model._sgd, the solver-based ones in linear_model._solved.
"""
from __future__ import annotations

from fastopt._common.extras import needs

with needs("sklearn", "fastopt.linear_model"):
    import sklearn.base  # noqa: F401  first: far down a chain of imports, its own many take a tenth of a second longer

    from ._sgd.classifier import SGDClassifier
    from ._sgd.one_class import SGDOneClassSVM
    from ._sgd.regressor import SGDRegressor
    from ._solved.cv import ElasticNetCV, LassoCV
    from ._solved.general import GeneralizedLinearEstimator
    from ._solved.glm import GammaRegressor, PoissonRegressor, TweedieRegressor
    from ._solved.lasso import ElasticNet, Lasso
    from ._solved.logistic import LogisticRegression
    from ._solved.logistic_cv import LogisticRegressionCV
    from ._solved.paths import enet_path, lasso_path
    from ._solved.ridge import Ridge
    from ._solved.ridge_cv import RidgeCV
    from ._solved.robust import HuberRegressor, QuantileRegressor
    from ._solved.svm import LinearSVC, LinearSVR

__all__ = ["ElasticNet", "ElasticNetCV", "GammaRegressor", "GeneralizedLinearEstimator", "HuberRegressor", "Lasso", "LassoCV",
           "LinearSVC", "LinearSVR", "LogisticRegression", "LogisticRegressionCV", "PoissonRegressor", "QuantileRegressor", "Ridge",
           "RidgeCV", "SGDClassifier", "SGDOneClassSVM", "SGDRegressor", "TweedieRegressor",
           "enet_path", "lasso_path"]
