"""Keras's documented formulas in plain NumPy and float64: activations, losses of predictions, Adam, SGD, and a loop over batches.

The oracle of `Sequential`; losses are of what the last activation gives, as their pages have them.  Never imports fastopt.
"""
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


#: (value, product of its Jacobian at z with a gradient g)
ACTIVATIONS = {
    "linear": (lambda z: z, lambda z, g: g),
    "relu": (lambda z: np.maximum(z, 0), lambda z, g: g * (z > 0)),
    "tanh": (np.tanh, lambda z, g: g * (1 - np.tanh(z) ** 2)),
    "sigmoid": (sigmoid, lambda z, g: g * sigmoid(z) * (1 - sigmoid(z))),
    "exponential": (np.exp, lambda z, g: g * np.exp(z)),
    "leaky_relu": (lambda z: np.where(z > 0, z, 0.2 * z), lambda z, g: g * np.where(z > 0, 1, 0.2)),
    "hard_sigmoid": (lambda z: np.clip(z / 6 + 0.5, 0, 1), lambda z, g: g * (np.abs(z) < 3) / 6),
    "softmax": (softmax, lambda z, g: softmax(z) * (g - (softmax(z) * g).sum(axis=1, keepdims=True))),
}

#: (loss of each row, its gradient in the predictions)
LOSSES = {
    "mse": (lambda y, p: np.mean((y - p) ** 2, axis=1), lambda y, p: 2 * (p - y) / y.shape[1]),
    "mae": (lambda y, p: np.mean(np.abs(y - p), axis=1), lambda y, p: np.sign(p - y) / y.shape[1]),
    "huber": (lambda y, p: np.mean(np.where(np.abs(p - y) <= 1, (p - y) ** 2 / 2, np.abs(p - y) - 0.5), axis=1),
              lambda y, p: np.clip(p - y, -1, 1) / y.shape[1]),
    "poisson": (lambda y, p: np.mean(p - y * np.log(p), axis=1), lambda y, p: (1 - y / p) / y.shape[1]),
    "hinge": (lambda y, p: np.mean(np.maximum(0, 1 - (2 * y - 1) * p), axis=1),
              lambda y, p: -(2 * y - 1) * ((2 * y - 1) * p < 1) / y.shape[1]),
    "binary_crossentropy": (lambda y, p: -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p), axis=1),
                            lambda y, p: (p - y) / (p * (1 - p)) / y.shape[1]),
    "categorical_crossentropy": (lambda y, p: -np.sum(y * np.log(p), axis=1), lambda y, p: -y / p),
}


def forward(weights, activations, X):
    """Sums and outputs of each layer."""
    outputs, sums = [X], []
    for kernel, bias, activation in zip(weights[::2], weights[1::2], activations):
        sums.append(outputs[-1] @ kernel + bias)
        outputs.append(ACTIVATIONS[activation][0](sums[-1]))
    return sums, outputs


def gradients(weights, activations, loss, X, y, weight):
    """The weighted mean loss of rows, and its gradient in all arrays."""
    sums, outputs = forward(weights, activations, X)
    share = (weight / weight.sum())[:, None]
    g, found = LOSSES[loss][1](y, outputs[-1]) * share, []
    for i in reversed(range(len(activations))):
        g = ACTIVATIONS[activations[i]][1](sums[i], g)
        found = [outputs[i].T @ g, g.sum(axis=0), *found]
        g = g @ weights[2 * i].T
    return float((LOSSES[loss][0](y, outputs[-1]) * share[:, 0]).sum()), found


class Adam:
    """Keras's: epsilon 1e-7 beside √v, which is not corrected for its bias."""

    def __init__(self, rate=1e-3):
        self.rate, self.t, self.m, self.v = rate, 0, None, None

    def step(self, weights, grads):
        self.t += 1
        self.m = [0.9 * m + 0.1 * g for m, g in zip(self.m or [0] * len(grads), grads)]
        self.v = [0.999 * v + 0.001 * g * g for v, g in zip(self.v or [0] * len(grads), grads)]
        rate = self.rate * np.sqrt(1 - 0.999 ** self.t) / (1 - 0.9 ** self.t)
        return [w - rate * m / (np.sqrt(v) + 1e-7) for w, m, v in zip(weights, self.m, self.v)]


class SGD:
    def __init__(self, rate=0.01):
        self.rate = rate

    def step(self, weights, grads):
        return [w - self.rate * g for w, g in zip(weights, grads)]


def fit(weights, activations, loss, optimizer, X, y, *, batch_size=32, epochs=1, order=None, weight=None):
    """(weights, losses of the epochs); order: a function that gives the rows of an epoch."""
    losses, weight = [], np.ones(len(X)) if weight is None else weight
    for _ in range(epochs):
        rows, total = np.arange(len(X)) if order is None else order(), 0.0
        for i in range(0, len(rows), batch_size):
            batch = rows[i:i + batch_size]
            value, grads = gradients(weights, activations, loss, X[batch], y[batch], weight[batch])
            weights = optimizer.step(weights, grads)
            total += value * len(batch)
        losses.append(total / len(rows))
    return weights, losses
