"""Mini-batches written again, plainly: a loop over batches with dense X, one mean gradient and one step of a rule each.  The
oracle of test_batch_kernel.py and test_linear_model_batch*.py; losses are those of losses.py, rules those of
reference_rules.py.  Never imports fastopt."""
from types import SimpleNamespace

import numpy as np

from reference.losses import PLAIN
from reference.matrix_rules import MATRIX_DEFAULTS
from reference.optimizers import DEFAULTS, Reference
from reference.row_losses import PLAIN_ROWS


def softmax(Y, P):
    """(value of each row, gradient) of the cross-entropy; Y is one-hot."""
    top = P.max(axis=1, keepdims=True)
    log_sum = top + np.log(np.exp(P - top).sum(axis=1, keepdims=True))
    return (log_sum[:, 0] - (Y * P).sum(axis=1)), np.exp(P - log_sum) - Y


def errors_of(loss, Y, P, params):
    """(values, gradient): of each element, or of each row."""
    if loss == "softmax":
        return softmax(Y, P)
    if loss in PLAIN_ROWS:
        return PLAIN_ROWS[loss](Y[:, 0] if loss == "quantile_levels" else Y.argmax(axis=1), P, **(params or {}))
    return PLAIN[loss](Y, P, **(params or {}))


def weigh(Y, weight, class_weight, rows, is_softmax):
    """What each row and output multiplies its gradient with."""
    factors = np.ones(Y.shape) if weight is None else np.tile(np.asarray(weight, float)[rows, None], Y.shape[1])
    if class_weight is None:
        return factors
    if is_softmax:   # the class of the row weighs the row
        return factors * (Y @ class_weight[:, :1])
    return factors * np.where(Y > 0, class_weight[:, 0], class_weight[:, 1])


def solution(name, steps, w):
    """The point that the rule recommends, by what its generator holds."""
    inside = steps.gi_frame.f_locals
    if name.startswith("schedule_free"):
        return inside["x"][0]
    return inside["states"][0]["mean"] if name == "asgd" else w


def cut(rows, sizes, t):
    """Batches of the rows of an epoch: as many as `sizes` says of each step from t on, at last what is left."""
    while len(rows):
        n = sizes(t) if callable(sizes) else sizes
        yield rows[:n]
        rows, t = rows[n:], t + 1


def clip(gradients, limit):
    """All of one norm, scaled down to the limit."""
    size = np.sqrt(sum((g**2).sum() for g in gradients))
    return [g * (limit / size) if limit and size > limit else g for g in gradients]


class Polyak:
    """The rate (value − f_star)/(c·‖g‖²), at most max_lr."""

    def __init__(self, f_star=0.0, max_lr=1.0, c=1.0):
        self.f_star, self.max_lr, self.c, self.rates = f_star, max_lr, c, []

    def __call__(self, t):
        return self.rates[t]

    def learn(self, value, gradients):
        self.rates.append(min((value - self.f_star) / (self.c * sum((g**2).sum() for g in gradients)), self.max_lr))


class Noise:
    """Sizes from the squared mean gradients over the first half of a batch and over all of it (McCandlish et al. 2018)."""

    def __init__(self, size, low=1, high=10**9, decay=0.9):
        self.size, self.low, self.high, self.decay, self.S, self.G = size, low, high, decay, 0.0, 0.0

    def __call__(self, t):
        return max(self.size, 2)   # one row has no halves

    def learn(self, c, x, intercept):
        """From what the rows of a batch add to the gradient, cᵢxᵢ and cᵢ."""
        gradients = np.hstack([(c[:, :, None] * x[:, None]).reshape(len(x), -1), c * intercept])
        N, n = len(gradients), len(gradients) // 2
        if n:
            few, many = ((gradients[:m].mean(axis=0) ** 2).sum() for m in (n, N))
            self.G = self.decay * self.G + (1 - self.decay) * (N * many - n * few) / (N - n)
            self.S = self.decay * self.S + (1 - self.decay) * (few - many) / (1 / n - 1 / N)
            scale = 0 if self.S <= 0 else np.inf if self.G <= 0 else self.S / self.G
            self.size = int(np.clip(round(np.clip(scale, self.size / 2, 2 * self.size)), self.low, self.high))


def minibatches(X, Y, loss, *, optimizer="sgd", settings=None, lr=0.1, l2=0.0, l1=0.0, sizes=8, order, weight=None,
                class_weight=None, intercept=True, average=0, clip_norm=None, params=None, start=None):
    """Weights, intercepts, averages, mean losses of the epochs, number of the next step.

    X (n, d) dense; Y (n, k) as the kernels see it; order: the rows of each epoch; lr: a number, a Polyak, or of step 0, 1, …;
    sizes: a number, a Noise, or of the step; class_weight (k, 2) of y > 0 and y <= 0; params: of the loss; loss "softmax": the
    outputs are classes, as those of the losses of rows.
    """
    k, d, rowwise = Y.shape[1], X.shape[1], loss == "softmax" or loss in PLAIN_ROWS
    X, w, b = np.asarray(X, float), *(start or (np.zeros((k, d)), np.zeros(k)))
    decay = next((name for name in ("weight_decay", "l2") if name in {**DEFAULTS, **MATRIX_DEFAULTS}[optimizer]), None)
    own, none = ({decay: l2}, {decay: 0.0}) if decay else ({}, {})
    rule = Reference(optimizer, [([w], {"l1": l1, **own}), ([b], none)], lr=lr, **(settings or {}))
    w, b = rule.params
    w_avg, b_avg, curve, t = np.zeros((k, d)), np.zeros(k), [], 0
    for rows in order:
        total = 0.0
        for batch in cut(rows, sizes, t):
            x, y = X[batch], Y[batch]
            p = x @ w.T + b
            value, slope = errors_of(loss, y, p, params)
            factors = weigh(y, weight, class_weight, batch, rowwise) / len(batch)
            c = slope * factors
            total += value.sum() / (1 if rowwise else k)
            gradients = [c.T @ x, c.sum(axis=0) * intercept]
            if isinstance(lr, Polyak):
                lr.learn((value * (factors[:, 0] if rowwise else factors)).sum(), gradients)
            if isinstance(sizes, Noise):
                sizes.learn(c * len(batch), x, intercept)
            g, g_b = clip(gradients, clip_norm)
            rule.step([g if decay else g + l2 * w, g_b])
            t += 1
            if 0 < average <= t:
                w_avg += (w - w_avg) / (t - average + 1)
                b_avg += (b - b_avg) / (t - average + 1)
        curve.append(total / len(rows))
    (_, _, of_w), (_, _, of_b) = rule.groups
    return SimpleNamespace(coef=solution(optimizer, of_w, w), intercept=solution(optimizer, of_b, b), coef_avg=w_avg,
                           intercept_avg=b_avg, curve=curve, t=t + 1)
