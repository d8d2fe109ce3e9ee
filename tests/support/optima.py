"""What each estimator minimises, in long double from X alone, and a catalogue of problems that people have; for test_optimum_at_defaults.py.

An objective is a function of (model's parameters, X, y, coef, intercept).  Oracles are scikit-learn's estimators to a tight tolerance on
columns whose means are gone, which changes no minimum where the intercept is free.  Never takes a number from fastopt.
"""
import warnings

import numpy as np
import scipy.sparse
from sklearn import linear_model as theirs, svm

WIDE = np.longdouble


def raw(X, coef, intercept):
    """Predictions (n, k) in long double, whose sums over columns far from 0 lose no digits that matter."""
    X = X.toarray() if scipy.sparse.issparse(X) else np.asarray(X)
    return X.astype(WIDE) @ np.atleast_2d(coef).astype(WIDE).T + np.atleast_1d(intercept).astype(WIDE)


def l1(coef):
    return np.abs(coef.astype(WIDE)).sum()


def l2(coef):
    return (coef.astype(WIDE) ** 2).sum() / 2


def signs(y):
    """(n, k) ±1: one column for two classes, else one a class."""
    labels = np.unique(y)
    one_hot = y[:, None] == labels[None, 1:] if len(labels) == 2 else y[:, None] == labels
    return np.where(one_hot, 1.0, -1.0)


def log_loss(y, p):
    if p.shape[1] > 1:
        shifted = p - p.max(axis=1, keepdims=True)
        return (np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(y)), np.searchsorted(np.unique(y), y)]).sum()
    return np.logaddexp(WIDE(0), -signs(y).astype(WIDE) * p).sum()


def squares(y, p):
    return ((y[:, None] - p) ** 2).sum() / 2


def huber(y, p, epsilon, alpha, w):
    """The minimum over the scale, which is convex, by a search over it."""
    size = np.abs(y - p[:, 0])

    def at(sigma):
        z = size / sigma
        return len(y) * sigma + sigma * np.where(z < epsilon, z ** 2, 2 * epsilon * z - epsilon ** 2).sum()
    low, high = WIDE(1e-30) * (1 + size.max()), 2 * size.max() + WIDE(1e-300)
    for _ in range(400):
        a, b = low + (high - low) * WIDE(0.382), low + (high - low) * WIDE(0.618)
        low, high = (low, b) if at(a) < at(b) else (a, high)
    return at((low + high) / 2) + 2 * alpha * l2(w)


def poisson(y, p):
    return (np.exp(p) - y[:, None] * p).sum()


def gamma(y, p):
    return (p + y[:, None] * np.exp(-p)).sum()


OBJECTIVES = {
    "Ridge": lambda m, X, y, w, b: 2 * squares(y, raw(X, w, b)) + 2 * m.alpha * l2(w),
    "Lasso": lambda m, X, y, w, b: squares(y, raw(X, w, b)) / len(y) + m.alpha * l1(w),
    "ElasticNet": lambda m, X, y, w, b: (squares(y, raw(X, w, b)) / len(y)
                                         + m.alpha * (m.l1_ratio * l1(w) + (1 - m.l1_ratio) * l2(w))),
    "LogisticRegression": lambda m, X, y, w, b: m.C * log_loss(y, raw(X, w, b)) + l2(w),
    "LinearSVC": lambda m, X, y, w, b: (m.C * (np.maximum(0, 1 - signs(y) * raw(X, w, b)) ** 2).sum()
                                        + l2(w) + l2(np.atleast_1d(b))),
    "LinearSVR": lambda m, X, y, w, b: m.C * np.abs(y[:, None] - raw(X, w, b)).sum() + l2(w) + l2(np.atleast_1d(b)),
    "HuberRegressor": lambda m, X, y, w, b: huber(y, raw(X, w, b), m.epsilon, m.alpha, w),
    "QuantileRegressor": lambda m, X, y, w, b: np.abs(y[:, None] - raw(X, w, b)).sum() / 2 / len(y) + m.alpha * l1(w),
    "PoissonRegressor": lambda m, X, y, w, b: poisson(y, raw(X, w, b)) / len(y) + m.alpha * l2(w),
    "GammaRegressor": lambda m, X, y, w, b: gamma(y, raw(X, w, b)) / len(y) + m.alpha * l2(w),
    "TweedieRegressor": lambda m, X, y, w, b: squares(y, raw(X, w, b)) / len(y) + m.alpha * l2(w),
}

#: where the default leaves nothing to learn
PARAMS = {"QuantileRegressor": {"alpha": 0.01}}

TIGHT = {
    "Ridge": [theirs.Ridge(solver="svd"), theirs.Ridge(solver="cholesky")],
    "Lasso": [theirs.Lasso(tol=1e-12, max_iter=200_000)],
    "ElasticNet": [theirs.ElasticNet(tol=1e-12, max_iter=200_000)],
    "LogisticRegression": [theirs.LogisticRegression(solver="newton-cholesky", tol=1e-10, max_iter=1000),
                           theirs.LogisticRegression(tol=1e-10, max_iter=20_000)],
    "LinearSVC": [svm.LinearSVC(dual=False, tol=1e-10, max_iter=10_000)],
    "LinearSVR": [svm.LinearSVR(tol=1e-6, max_iter=200_000)],
    "HuberRegressor": [theirs.HuberRegressor(tol=1e-10, max_iter=10_000)],
    "QuantileRegressor": [theirs.QuantileRegressor(**PARAMS["QuantileRegressor"])],
    "PoissonRegressor": [theirs.PoissonRegressor(solver="newton-cholesky", tol=1e-10, max_iter=1000)],
    "GammaRegressor": [theirs.GammaRegressor(solver="newton-cholesky", tol=1e-10, max_iter=1000)],
    "TweedieRegressor": [theirs.TweedieRegressor(solver="newton-cholesky", tol=1e-10, max_iter=1000)],
}
CLASSIFIERS = ("LogisticRegression", "LinearSVC")
FREE = tuple(name for name in TIGHT if not name.startswith("LinearSV"))   # whose intercept is not penalised
LOG_LINK = ("PoissonRegressor", "GammaRegressor")


def best(name, X, y):
    """The lowest objective that scikit-learn's estimators reach."""
    X = np.asarray(X.toarray() if scipy.sparse.issparse(X) else X, dtype=np.float64)
    mean = X.mean(axis=0) if name in FREE else np.zeros(X.shape[1])
    centre = y.mean() if name in FREE and name not in (*CLASSIFIERS, *LOG_LINK) else 0.0
    values = []
    for model in TIGHT[name]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = model.fit(X - mean, y - centre if name not in CLASSIFIERS else y)
        values.append(OBJECTIVES[name](model, X - mean, y - centre if name not in CLASSIFIERS else y, model.coef_, model.intercept_))
    return min(values)


def nothing(name, y):
    """The objective of the best constant prediction, from which progress is measured; y as `best` has it."""
    labels = np.unique(y)
    n = len(y)
    X = np.zeros((n, 1))
    if name in CLASSIFIERS:
        k = 1 if len(labels) == 2 else len(labels)
        share = np.array([(y == label).mean() for label in labels])
        b = np.log(share) if k > 1 else [np.log(share[1] / share[0])]
        b = b if name == "LogisticRegression" else np.zeros(k)
        return OBJECTIVES[name](TIGHT[name][0], X, y, np.zeros((k, 1)), b)
    constant = np.log(y.mean()) if name in LOG_LINK else np.median(y) if name in ("HuberRegressor", "QuantileRegressor") else y.mean()
    return OBJECTIVES[name](TIGHT[name][0], X, y, np.zeros((1, 1)), constant if name in FREE else 0.0)


# ---- the catalogue: name → (X, raw response), what people have ----

def _plain(n=80, d=4, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return X, X @ rng.normal(size=d) + 0.5 * rng.normal(size=n)


def _with(change, **shape):
    X, z = _plain(**shape)
    return change(X), z


def _one(values):
    """One column that is all there is to know."""
    values = np.asarray(values, dtype=np.float64)
    z = (values - values.mean()) / (values.std() or 1)
    return values[:, None], z + 0.3 * np.random.default_rng(1).normal(size=len(values))


RNG = np.random.default_rng(3)
CATALOGUE = {
    "plain": _plain(),
    **{f"offset 1e{e}": _with(lambda X, e=e: X + 10.0 ** e) for e in (0, 2, 4, 6, 9)},
    "offsets of all sizes": _with(lambda X: X + [1.0, 1e3, -1e6, 2007.0]),
    "scale 1e8": _with(lambda X: X * 1e8), "scale 1e-8": _with(lambda X: X * 1e-8),
    "scales 1e-8 to 1e8": _with(lambda X: X * [1e-8, 1e-3, 1e3, 1e8]),
    "years": _one(RNG.integers(1990, 2025, 120)), "kelvin": _one(273.15 + RNG.normal(20, 8, 120)),
    "time stamps": _one(1.7e9 + RNG.uniform(0, 3e7, 120)), "milliseconds": _one(1.7e12 + 1e3 * np.arange(120)),
    "collinear": _with(lambda X: np.c_[X, X[:, 0] + X[:, 1], X[:, 0] - 1e-7 * X[:, 2]]),
    "a column twice": _with(lambda X: np.c_[X, X[:, :1]]), "a constant column": _with(lambda X: np.c_[X, np.full(len(X), 7.0)]),
    "constants far from 0": _with(lambda X: np.c_[X, np.full(len(X), 1e6)]), "dummy trap": _with(
        lambda X: np.c_[X, np.eye(3)[np.arange(len(X)) % 3]]),
    "a column of zeros": _with(lambda X: np.c_[X, np.zeros(len(X))]),
    "fewer rows than columns": _plain(n=12, d=30), "one column": _plain(d=1), "three rows": _plain(n=3, d=2), "two rows": _plain(n=2, d=2),
    "an outlier": _with(lambda X: np.r_[X[:-1], X[-1:] * 1e4]), "hashed": (scipy.sparse.random_array(
        (120, 600), density=0.01, format="csr", rng=np.random.default_rng(5)), _plain(n=120)[1]),
    "sparse counts": (scipy.sparse.csr_array(RNG.poisson(0.3, (100, 40)).astype(float)), _plain(n=100)[1]),
}
#: what regressions have to bear beside: the response moved and stretched
RESPONSES = {"": (0.0, 10.0), "y + 1e6": (1e6, 10.0), "y × 1e6": (0.0, 1e6), "y × 1e-6": (0.0, 1e-6)}


def target(name, z, response=""):
    """y of the sort that an estimator learns, from a response."""
    z = (z - z.mean()) / (z.std() or 1)
    if name in CLASSIFIERS:
        return (z > np.median(z)).astype(int) if len(z) > 2 else np.array([0, 1])
    if name == "PoissonRegressor":
        return np.maximum(0, np.round(3 * np.exp(np.clip(z, -2, 2))))
    if name == "GammaRegressor":
        return np.exp(np.clip(z, -2, 2)) * RESPONSES[response][1]
    shift, scale = RESPONSES[response]
    return shift + scale * z


def cases():
    """(estimator, problem, response) of the catalogue."""
    for name in OBJECTIVES:
        plain = name in CLASSIFIERS or name == "PoissonRegressor"
        for problem in CATALOGUE:
            for response in RESPONSES:
                if response and (plain or problem not in ("plain", "years", "offset 1e4") or name == "GammaRegressor" and "+" in response):
                    continue
                yield name, problem, response
