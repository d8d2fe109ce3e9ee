"""A network of dense layers in plain NumPy and float64, as a textbook has it: the oracle of the compiled engine and of the estimators on it.

It has the engine's methods.  The formulas of losses and rules are those of the other references; never imports fastopt: of a loss it reads
`name` and `params`, of an optimizer `name` and the settings of its one group.
"""
import copy

import numpy as np
from scipy.special import erf, expit

from reference.losses import PLAIN
from reference.row_losses import PLAIN_ROWS
from reference.rules import adam, sgd_any


def _gelu_slope(z):
    return (1 + erf(z / np.sqrt(2))) / 2 + z * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)


#: (value, derivative) of z
ACTIVATIONS = {
    "identity": (lambda z: z, np.ones_like),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(float)),
    "logistic": (expit, lambda z: expit(z) * expit(-z)),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "softplus": (lambda z: np.logaddexp(0, z), expit),
    "silu": (lambda z: z * expit(z), lambda z: expit(z) * (1 + z * expit(-z))),
    "gelu": (lambda z: z * (1 + erf(z / np.sqrt(2))) / 2, _gelu_slope),
    "elu": (lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))), lambda z: np.where(z > 0, 1.0, np.exp(np.minimum(z, 0)))),
}


def _log_loss(y, p):
    return np.logaddexp(0, p) - y * p, expit(p) - y


LOSSES = {**PLAIN, "log_loss": _log_loss}


def scikit_learns_adam(s, state, w, g, lr, t):
    """Epsilon beside √v, which is not corrected for its bias."""
    (b1, b2), eps = s["betas"], s["eps"]
    state["m"] = b1 * state.get("m", 0) + (1 - b1) * g
    state["v"] = b2 * state.get("v", 0) + (1 - b2) * g * g
    rate = lr * np.sqrt(1 - b2 ** (t + 1)) / (1 - b1 ** (t + 1))
    return rate * state["m"] / (np.sqrt(state["v"]) + eps), None


def scikit_learns_sgd(s, state, w, g, lr, t):
    """The velocity holds the learning rate, which so acts when a gradient comes in and not later."""
    state["v"] = s["momentum"] * state.get("v", 0) - lr * g
    return -(s["momentum"] * state["v"] - lr * g if s["nesterov"] else state["v"]), None


def corrected_adam(s, state, w, g, lr, t):
    for name in ("m", "v", "v_max"):
        state.setdefault(name, np.zeros_like(w))
    return adam(s, state, w, g, lr, t)


#: by name; decay beside the gradient is AdamW's own
RULES = {"adam": corrected_adam, "adamw": corrected_adam, "sgd": sgd_any, "momentum": sgd_any}
OF_SCIKIT_LEARN = {"adam": scikit_learns_adam, "sgd": scikit_learns_sgd}


class Rule:
    """An optimizer's rule with the state of each of some arrays."""

    def __init__(self, optimizer, count):
        self.name, self.settings = optimizer.name, dict(optimizer.param_groups[0].settings)
        ours = self.settings.get("eps_hat") or self.settings.get("lr_in_velocity") and self.settings["momentum"]
        self.update = (OF_SCIKIT_LEARN if ours else RULES)[self.name]
        self.lr, self.state = self.settings["lr"], {"t": 0, "arrays": [{} for _ in range(count)]}

    def step(self, arrays, gradients):
        t = self.state["t"]
        lr = self.lr(t) if callable(self.lr) else self.lr
        for w, g, state in zip(arrays, gradients, self.state["arrays"]):
            decay = self.settings.get("weight_decay", 0)
            kept, g = (1 - lr * decay, g) if self.name == "adamw" else (1, g + decay * w)
            w[...] = kept * w - self.update(self.settings, state, w, g, lr, t)[0]
        self.state["t"] = t + 1


class Network:
    """Layers a ← activation(a·W + b); the loss is of the last one's output."""

    def __init__(self, sizes, activations, loss, dtype=np.float64, *, l2=0.0, n_threads=None, value_scale=1.0):
        assert len(activations) == len(sizes) - 1
        self.sizes, self.activations, self.loss, self.dtype, self.l2 = tuple(sizes), tuple(activations), loss, np.dtype(dtype), l2
        self.value_scale = value_scale
        self.coefs = [np.zeros(shape) for shape in zip(sizes, sizes[1:])]
        self.intercepts = [np.zeros(size) for size in sizes[1:]]

    def set_weights(self, coefs, intercepts):
        for mine, given in zip(self.coefs + self.intercepts, [*coefs, *intercepts]):
            mine[...] = given

    def get_weights(self):
        return [w.astype(self.dtype) for w in self.coefs], [b.astype(self.dtype) for b in self.intercepts]

    get_solution = get_weights    # its rules do not average

    def start(self, optimizer):
        self.rule = Rule(optimizer, len(self.coefs + self.intercepts))

    @property
    def learning_rate(self):
        return self.rule.lr

    @learning_rate.setter
    def learning_rate(self, value):
        self.rule.lr = value

    def get_state(self):
        return copy.deepcopy(self.rule.state)

    def set_state(self, state):
        self.rule.state = copy.deepcopy(state)

    def _layers(self, X):
        """[(z, a)] of all layers but the input, the last one's a beside it."""
        a, found = np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=float), []
        for W, b, name in zip(self.coefs, self.intercepts, self.activations):
            z = a @ W + b
            found.append((a, z))
            a = ACTIVATIONS[name][0](z)
        return found, a

    def forward(self, X, layers=None):
        return self._layers(X)[1].astype(self.dtype)

    def _losses(self, y, p):
        """(n,) losses of rows, and (n, k) derivatives in p."""
        name, params = self.loss.name, dict(self.loss.params)
        if name in PLAIN_ROWS:
            params = {key: value for key, value in params.items() if key not in ("ignore_index", "class_weight")}
            return PLAIN_ROWS[name](y, p, **params)
        y = y.reshape(p.shape)
        signs = name in ("hinge", "squared_hinge", "smooth_hinge", "modified_huber", "perceptron", "exponential")
        values, slopes = LOSSES[name](2 * y - 1 if signs else y, p, **params)   # {0, 1} as users have it
        return values.sum(axis=1), slopes

    def value_and_gradient(self, X, y, sample_weight=None):
        """The mean loss with the penalty, and its gradient: the penalty counts once for all rows."""
        layers, p = self._layers(X)
        w = np.ones(len(p)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
        losses, delta = self._losses(y, p)
        value = self.value_scale * (w @ losses) / w.sum() + self.l2 / 2 * sum((W * W).sum() for W in self.coefs) / w.sum()
        delta = delta * w[:, None]
        coef_gradients, intercept_gradients = [], []
        for i in reversed(range(len(self.coefs))):
            a, z = layers[i]
            delta = delta * ACTIVATIONS[self.activations[i]][1](z)
            coef_gradients.insert(0, (a.T @ delta + self.l2 * self.coefs[i]) / w.sum())
            intercept_gradients.insert(0, delta.sum(axis=0) / w.sum())
            delta = delta @ self.coefs[i].T
        return value, coef_gradients, intercept_gradients

    def epoch(self, X, y, sample_weight, order, batch_size):
        """One step a batch; the sum of the batches' losses times their rows.  A batch without weight is left out."""
        X, total = np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=float), 0.0
        for start in range(0, len(order), batch_size):
            rows = order[start:start + batch_size]
            weight = None if sample_weight is None else sample_weight[rows]
            if weight is not None and not weight.any():
                continue
            value, coef_gradients, intercept_gradients = self.value_and_gradient(X[rows], y[rows], weight)
            total += value * len(rows)
            self.last = coef_gradients
            self.rule.step(self.coefs + self.intercepts, coef_gradients + intercept_gradients)
        return total

    def gradient_norms(self):
        return [float(np.linalg.norm(g)) for g in self.last]
