"""Mini-batches written again, plainly: a loop over batches with dense X, one mean gradient and one step of a rule each.  The
oracle of test_batch_kernel.py and test_linear_model_batch*.py; losses are those of reference.py, rules those of
reference_rules.py.  Never imports fastopt."""
from types import SimpleNamespace

import numpy as np
from reference import PLAIN
from reference_optimizers import DEFAULTS, Reference


def softmax(Y, P):
    """(value of each row, gradient) of the cross-entropy; Y is one-hot."""
    top = P.max(axis=1, keepdims=True)
    log_sum = top + np.log(np.exp(P - top).sum(axis=1, keepdims=True))
    return (log_sum[:, 0] - (Y * P).sum(axis=1)), np.exp(P - log_sum) - Y


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


def minibatches(X, Y, loss, *, optimizer="sgd", settings=None, lr=0.1, l2=0.0, l1=0.0, sizes=8, order, weight=None,
                class_weight=None, intercept=True, average=0, clip_norm=None, params=None, start=None):
    """Weights, intercepts, averages, mean losses of the epochs, number of the next step.

    X (n, d) dense; Y (n, k) as the kernels see it; order: the rows of each epoch; lr: a number, or of step 0, 1, …;
    class_weight (k, 2) of y > 0 and y <= 0; params: of the loss; loss "softmax": the outputs are classes.
    """
    k, d = Y.shape[1], X.shape[1]
    X, w, b = np.asarray(X, float), *(start or (np.zeros((k, d)), np.zeros(k)))
    decay = next((name for name in ("weight_decay", "l2") if name in DEFAULTS[optimizer]), None)
    own, none = ({decay: l2}, {decay: 0.0}) if decay else ({}, {})
    rule = Reference(optimizer, [([w], {"l1": l1, **own}), ([b], none)], lr=lr, **(settings or {}))
    w, b = rule.params
    w_avg, b_avg, curve, t = np.zeros((k, d)), np.zeros(k), [], 0
    for rows in order:
        total = 0.0
        for batch in cut(rows, sizes, t):
            x, y = X[batch], Y[batch]
            p = x @ w.T + b
            value, slope = softmax(y, p) if loss == "softmax" else PLAIN[loss](y, p, **(params or {}))
            c = slope * weigh(y, weight, class_weight, batch, loss == "softmax") / len(batch)
            total += value.sum() / (1 if loss == "softmax" else k)
            g, g_b = clip([c.T @ x, c.sum(axis=0) * intercept], clip_norm)
            rule.step([g if decay else g + l2 * w, g_b])
            t += 1
            if 0 < average <= t:
                w_avg += (w - w_avg) / (t - average + 1)
                b_avg += (b - b_avg) / (t - average + 1)
        curve.append(total / len(rows))
    (_, _, of_w), (_, _, of_b) = rule.groups
    return SimpleNamespace(coef=solution(optimizer, of_w, w), intercept=solution(optimizer, of_b, b), coef_avg=w_avg,
                           intercept_avg=b_avg, curve=curve, t=t + 1)
