"""Solver-based estimators, in scikit-learn's place: the same optimum, and models that scikit-learn has not."""
import time

import numpy as np
from sklearn import linear_model
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.preprocessing import StandardScaler

from fastopt import penalties
from fastopt.linear_model import GeneralizedLinearEstimator, Lasso, LogisticRegression, QuantileRegressor

X, y = load_breast_cancer(return_X_y=True)
X = StandardScaler().fit_transform(X)
for model in (LogisticRegression(tol=1e-8), linear_model.LogisticRegression(tol=1e-8, max_iter=1000)):
    began = time.perf_counter()
    model.fit(X, y)
    print(f"{type(model).__module__.split('.')[0]:8} LogisticRegression  {1e3 * (time.perf_counter() - began):7.2f} ms  "
          f"accuracy {model.score(X, y):.4f}  |w| {np.linalg.norm(model.coef_):.6f}")

X, y = load_diabetes(return_X_y=True)
print("Lasso keeps columns", np.flatnonzero(Lasso(alpha=1.0).fit(X, y).coef_).tolist())

low, high = (QuantileRegressor(quantile=q, alpha=0.0).fit(X, y) for q in (0.1, 0.9))
inside = (low.predict(X) <= y) & (y <= high.predict(X))
print(f"{100 * inside.mean():.0f} % of y lie between the quantiles 0.1 and 0.9")

model = GeneralizedLinearEstimator("huber", penalty=penalties.NonNegative()).fit(X, y)
print(f"huber with weights of at least 0: {model.coef_.round(1).tolist()}")
