"""The objective of a linear model over a data set, plainly, in NumPy.

Never imports fastopt: an oracle must not depend on what it tests.
"""
import numpy as np

from reference import losses as reference


def standardized(X, s):
    """X with columns of mean 0 and deviation 1, weighted by s; those that do not vary are only centred."""
    mean = s @ X / s.sum()
    scale = np.sqrt(s @ (X - mean) ** 2 / s.sum())
    return (X - mean) / np.where(scale > 1e-12 * np.abs(mean), scale, 1)


def pointwise(name, params, margin, y, P):
    """Losses (n,) and their derivatives (n, k) at predictions P (n, k); `margin`: y {0, 1} stands for ±1."""
    if name == "multinomial":
        shifted = P - P.max(axis=1, keepdims=True)
        log_sum = np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        one_hot = np.eye(P.shape[1])[y.astype(int)]
        return (log_sum[:, 0] - (one_hot * shifted).sum(axis=1)), np.exp(shifted - log_sum) - one_hot
    y = y.reshape(P.shape)
    values, gradients = reference.PLAIN[name](2 * y - 1 if margin else y, P, **params)
    return values.sum(axis=1), gradients


class Reference:
    """F and its gradient at w; X dense float64, as it counts."""

    def __init__(self, X, y, name, params, k, margin, l2, intercept, s):
        self.X, self.y, self.loss, self.k, self.l2, self.intercept, self.s = X, y, (name, params, margin), k, l2, intercept, s

    def _parts(self, w):
        size = self.k * self.X.shape[1]
        coef = w[:size].reshape(self.k, -1)
        return coef, self.X @ coef.T + (w[size:] if self.intercept else 0)

    def predictions(self, w):
        return self._parts(w)[1]

    def value(self, w):
        coef, P = self._parts(w)
        return self.s @ pointwise(*self.loss, self.y, P)[0] / self.s.sum() + self.l2 / 2 * (coef ** 2).sum()

    def gradient(self, w):
        coef, P = self._parts(w)
        C = pointwise(*self.loss, self.y, P)[1] * (self.s / self.s.sum())[:, None]
        coefficients = (C.T @ self.X + self.l2 * coef).ravel()
        return np.append(coefficients, C.sum(axis=0)) if self.intercept else coefficients

    def hessp(self, w, v, step=1e-6):
        return (self.gradient(w + step * v) - self.gradient(w - step * v)) / (2 * step)
