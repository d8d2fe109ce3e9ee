"""Penalised problems in plain NumPy, solved by SciPy: smooth convex losses, w = u − v where there is an l1 norm.  Never imports fastopt."""
import numpy as np
from scipy.optimize import minimize
from scipy.special import expit


def _margin(value, slope):
    return lambda y, p: (value((2 * y - 1) * p), (2 * y - 1) * slope((2 * y - 1) * p))


#: value and derivative in the prediction p of each sample, y as the public losses take it; defaults of their parameters
SMOOTH = {
    "squared_error": lambda y, p: ((p - y) ** 2 / 2, p - y),
    "huber": lambda y, p: (np.where(np.abs(p - y) <= 1.35, (p - y) ** 2 / 2, 1.35 * (np.abs(p - y) - 0.675)), np.clip(p - y, -1.35, 1.35)),
    "log_cosh": lambda y, p: (np.logaddexp(p - y, y - p) - np.log(2), np.tanh(p - y)),
    "squared_epsilon_insensitive": lambda y, p: (np.maximum(np.abs(p - y) - 0.1, 0) ** 2,
                                                 2 * np.sign(p - y) * np.maximum(np.abs(p - y) - 0.1, 0)),
    "poisson": lambda y, p: (np.exp(p) - y * p, np.exp(p) - y),
    "gamma": lambda y, p: (p + y * np.exp(-p), 1 - y * np.exp(-p)),
    "tweedie": lambda y, p: (np.exp(0.5 * p) / 0.5 + y * np.exp(-0.5 * p) / 0.5, np.exp(0.5 * p) - y * np.exp(-0.5 * p)),
    "log_loss": lambda y, p: (np.logaddexp(0, p) - y * p, expit(p) - y),
    "squared_hinge": _margin(lambda z: np.maximum(1 - z, 0) ** 2, lambda z: -2 * np.maximum(1 - z, 0)),
    "smooth_hinge": _margin(lambda z: np.where(z >= 1, 0, np.where(z <= 0, 0.5 - z, (1 - z) ** 2 / 2)),
                            lambda z: np.where(z >= 1, 0, np.where(z <= 0, -1, z - 1))),
    "modified_huber": _margin(lambda z: np.where(z >= -1, np.maximum(1 - z, 0) ** 2, -4 * z),
                              lambda z: np.where(z >= -1, -2 * np.maximum(1 - z, 0), -4)),
    "exponential": _margin(lambda z: np.exp(-z), lambda z: -np.exp(-z)),
    "mean_squared_error": lambda y, p: ((p - y) ** 2, 2 * (p - y)),
    "smooth_l1": lambda y, p: (np.where(np.abs(p - y) <= 1, (p - y) ** 2 / 2, np.abs(p - y) - 0.5), np.clip(p - y, -1, 1)),
    "expectile": lambda y, p: ((p - y) ** 2 / 2, p - y),
    "negative_binomial": lambda y, p: ((y + 1) * np.logaddexp(0, p) - y * p, expit(p) - y * expit(-p)),
    "binary_cross_entropy": lambda y, p: (np.logaddexp(0, p) - y * p, expit(p) - y),
    "mean_squared_log_error": lambda y, p: ((p - np.log1p(y)) ** 2, 2 * (p - np.log1p(y))),
    "poly": lambda y, p: (np.logaddexp(0, p) - y * p + y * expit(-p) + (1 - y) * expit(p), expit(p) - y + (1 - 2 * y) * expit(p) * expit(-p)),
}


def targets(loss, p, rng):
    """Some that the loss takes, which have to do with p."""
    if loss in ("poisson", "gamma", "tweedie", "negative_binomial", "mean_squared_log_error"):
        return rng.poisson(np.exp(0.3 * p)).astype(float) + (loss == "gamma")
    if loss in ("squared_error", "huber", "log_cosh", "squared_epsilon_insensitive", "mean_squared_error", "smooth_l1", "expectile"):
        return p + rng.standard_normal(len(p)) + 3 * (rng.random(len(p)) < 0.1)
    return (p + rng.standard_normal(len(p)) > 0).astype(float)


class Problem:
    """The mean of the losses, weighted, plus l1·‖w‖₁ + l2/2·‖w‖² over w in [low, high], and an intercept."""

    def __init__(self, X, y, loss, l1=0.0, l2=0.0, low=-np.inf, high=np.inf, intercept=False, weight=None):
        self.X = np.asarray(X.todense() if hasattr(X, "todense") else X, dtype=float)
        self.y, self.loss, self.l1, self.l2, self.intercept = y, SMOOTH[loss], l1, l2, intercept
        self.d = self.X.shape[1]
        self.low, self.high = np.broadcast_to(low, self.d).astype(float), np.broadcast_to(high, self.d).astype(float)
        self.weight = np.full(len(y), 1 / len(y)) if weight is None else weight / weight.sum()

    def smooth(self, w):
        values, slopes = self.loss(self.y, self.X @ w[:self.d] + (w[self.d] if self.intercept else 0))
        slopes = self.weight * slopes
        g = np.concatenate([self.X.T @ slopes + self.l2 * w[:self.d], [slopes.sum()] * self.intercept])
        return self.weight @ values + self.l2 / 2 * (w[:self.d] @ w[:self.d]), g

    def value(self, w):
        return self.smooth(w)[0] + self.l1 * np.abs(w[:self.d]).sum()

    def kkt(self, w):
        """The largest violation of the optimality conditions."""
        g, c = self.smooth(w)[1], w[:self.d]
        up = np.where(c >= self.high, 0, np.maximum(0, -(g[:self.d] + np.where(c >= 0, self.l1, -self.l1))))
        down = np.where(c <= self.low, 0, np.maximum(0, g[:self.d] + np.where(c > 0, self.l1, -self.l1)))
        return max(np.abs(np.concatenate([up, down])).max(), np.abs(g[self.d:]).max(initial=0))

    def solve(self):
        """The least value, by L-BFGS-B on u, v >= 0."""
        def split(z):
            w = np.concatenate([z[:self.d] - z[self.d:2 * self.d], z[2 * self.d:]])
            value, g = self.smooth(w)
            return value + self.l1 * z[:2 * self.d].sum(), np.concatenate([g[:self.d] + self.l1, self.l1 - g[:self.d], g[self.d:]])

        def whole(w):
            return self.smooth(w)
        options = {"maxiter": 100_000, "maxfun": 100_000, "ftol": 1e-15, "gtol": 1e-9, "maxcor": 50}
        if self.l1 == 0:
            bounds = list(zip(self.low, self.high)) + [(None, None)] * self.intercept
            return minimize(whole, np.zeros(self.d + self.intercept), jac=True, method="L-BFGS-B", bounds=bounds, options=options).fun
        positive = [(0, None)] * self.d + [(0, None if np.isinf(self.low).all() else 0)] * self.d + [(None, None)] * self.intercept
        return minimize(split, np.zeros(2 * self.d + self.intercept), jac=True, method="L-BFGS-B", bounds=positive, options=options).fun
