"""What scikit-learn's estimators minimise with default parameters, in plain NumPy: {name: function of (model, X, y, w, b)}.

Used by everyday.py, which compares the minima that two fits have found: the faster one must not be the worse.
"""
from __future__ import annotations

import numpy as np
from scipy.special import logsumexp


def _squares(X, y, w, b):
    return np.square(X @ w + b - y).mean() / 2


def _penalised(alpha, l1, w):
    return alpha * (l1 * np.abs(w).sum() + (1 - l1) / 2 * (w @ w))


def _logistic(model, X, y, w, b):
    codes = np.searchsorted(model.classes_, y)
    p = X @ w.T + b
    p = np.hstack([0 * p, p]) if len(w) == 1 else p
    return model.C * (logsumexp(p, axis=1) - p[np.arange(len(y)), codes]).sum() + np.square(w).sum() / 2


def _svc(model, X, y, w, b):
    """liblinear's intercept is the weight of a column, penalised."""
    signs = np.where(y[:, None] == model.classes_[-len(w):], 1, -1)
    margin = np.maximum(1 - signs * (X @ w.T + b), 0)
    loss = np.square(margin) if model.loss == "squared_hinge" else margin
    return model.C * loss.sum() + (np.square(w).sum() + np.square(b).sum()) / 2


def _huber(model, X, y, w, b):
    z, epsilon = np.abs(X @ w + b - y) / model.scale_, model.epsilon
    loss = np.where(z <= epsilon, z * z, 2 * epsilon * z - epsilon ** 2)
    return model.scale_ * (1 + loss).sum() + model.alpha * (w @ w)


def _quantile(model, X, y, w, b):
    r, q = y - X @ w - b, model.quantile
    return np.maximum(q * r, (q - 1) * r).mean() + model.alpha * np.abs(w).sum()


def _poisson(model, X, y, w, b):
    p = X @ w + b
    return (np.exp(p) - y * p).mean() + model.alpha / 2 * (w @ w)


def _gamma(model, X, y, w, b):
    p = X @ w + b
    return (p + y * np.exp(-p)).mean() + model.alpha / 2 * (w @ w)


MINIMA = {
    "Lasso": lambda model, X, y, w, b: _squares(X, y, w, b) + _penalised(model.alpha, 1.0, w),
    "ElasticNet": lambda model, X, y, w, b: _squares(X, y, w, b) + _penalised(model.alpha, model.l1_ratio, w),
    "LassoCV": lambda model, X, y, w, b: _squares(X, y, w, b) + _penalised(model.alpha_, 1.0, w),
    "ElasticNetCV": lambda model, X, y, w, b: _squares(X, y, w, b) + _penalised(model.alpha_, model.l1_ratio_, w),
    "Ridge": lambda model, X, y, w, b: 2 * len(y) * _squares(X, y, w, b) + model.alpha * (w @ w),
    "RidgeCV": lambda model, X, y, w, b: 2 * len(y) * _squares(X, y, w, b) + model.alpha_ * (w @ w),
    "TweedieRegressor": lambda model, X, y, w, b: _squares(X, y, w, b) + model.alpha / 2 * (w @ w),
    "LogisticRegression": _logistic, "LinearSVC": _svc, "HuberRegressor": _huber, "QuantileRegressor": _quantile,
    "PoissonRegressor": _poisson, "GammaRegressor": _gamma,
    "LinearSVR": lambda model, X, y, w, b: model.C * np.maximum(np.abs(X @ w + b - y) - model.epsilon, 0).sum() + (w @ w + (b * b).sum()) / 2,
}


def excess(name, X, y, ours, theirs):
    """By how much the minimum of ours is above theirs, as a share, at most; nan where it is not known, or the strengths are not the same.
    Of a path it is a share of the value at w = 0, as its tol is: 1e-4."""
    if name.endswith("_path"):
        ends = [np.square(X @ coefs - y[:, None]).mean(axis=0) / 2 + alphas * np.abs(coefs).sum(axis=0)
                for alphas, coefs, _ in (ours, theirs)]
        return float((ends[0] - ends[1]).max() / (y @ y / len(y) / 2))
    chosen = [[vars(model).get(key, 0.0) for key in ("alpha_", "l1_ratio_")] for model in (ours, theirs)]
    if name not in MINIMA or np.ndim(y) > 1 or not np.allclose(*chosen, rtol=1e-10):
        return float("nan")
    found = [MINIMA[name](model, X, y, model.coef_, model.intercept_) for model in (ours, theirs)]
    return found[0] / found[1] - 1
