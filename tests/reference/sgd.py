"""Per-sample SGD written again, plainly: one loop over samples with true weights, no lazy factors, no fused passes, no
look-ahead.  The oracle of the kernels' tests; never imports fastopt.
"""
import numpy as np


def log_loss(y, p):
    return np.logaddexp(0, p) - y * p, 1 / (1 + np.exp(-p)) - y


def hinge(y, p):
    return max(0.0, 1 - y * p), -y if y * p <= 1 else 0.0


def squared_error(y, p):
    return 0.5 * (p - y) ** 2, p - y


def epsilon_insensitive(y, p, epsilon=0.1):
    return max(0.0, abs(y - p) - epsilon), 0.0 if abs(y - p) <= epsilon else np.sign(p - y)


LOSSES = {"log_loss": log_loss, "hinge": hinge, "squared_error": squared_error, "epsilon_insensitive": epsilon_insensitive}


def learning_rate(kind, t, eta0, power_t, alpha, t0):
    if kind == "optimal":
        return 1 / (alpha * (t0 + t - 1))
    return eta0 / t**power_t if kind == "invscaling" else eta0


def sgd(X, Y, loss, *, penalty="none", alpha=0.0, l1_ratio=0.0, schedule="constant", eta0=0.01, power_t=0.5, t0=1.0,
        epochs=2, order=None, weight=None, class_weight=None, intercept=True, share=1.0, average=0, one_class=False):
    """Weights (k, d), intercepts (k,), their averages, and the mean loss of each epoch.

    X (n, d) dense, Y (n, k); order: rows of each epoch; class_weight (k, 2) of y > 0 and y <= 0.
    """
    n, d = X.shape
    k = Y.shape[1]
    w, b, w_avg, b_avg, curve = np.zeros((k, d)), np.zeros(k), np.zeros((k, d)), np.zeros(k), []
    received, possible = np.zeros((k, d)), 0.0
    t = 1.0
    for epoch in range(epochs):
        total = np.zeros(k)
        for i in (range(n) if order is None else order[epoch]):
            x, lr = X[i].astype(float), learning_rate(schedule, t, eta0, power_t, alpha, t0)
            touched = x != 0 if share != 1.0 else np.ones(d, bool)   # CSR rows touch what they store
            if schedule == "pa1" and not x @ x:
                total += [LOSSES[loss](Y[i, j], b[j])[0] for j in range(k)]
                continue
            possible += l1_ratio * alpha * lr
            for j in range(k):
                value, gradient = LOSSES[loss](Y[i, j], w[j] @ x + b[j])
                total[j] += value
                step = lr
                if schedule == "pa1":
                    step = min(eta0, value / (x @ x))
                elif schedule == "pa2":
                    step = value / (x @ x + 0.5 / eta0)
                u = -step * gradient * (1 if weight is None else weight[i])
                if class_weight is not None:
                    u *= class_weight[j, 0 if Y[i, j] > 0 else 1]
                shrinks = 0.0 if penalty == "none" else (1 - l1_ratio) * alpha
                w[j] = max(0.0, 1 - shrinks * lr) * w[j] + u * x
                b[j] += intercept * share * (u - one_class * lr * alpha)
                if 0 < average <= t:
                    w_avg[j] += (w[j] - w_avg[j]) / (t - average + 1)
                    b_avg[j] += (b[j] - b_avg[j]) / (t - average + 1)
                if l1_ratio > 0:
                    before = w[j].copy()
                    up, down = np.maximum(0, before - possible - received[j]), np.minimum(0, before + possible - received[j])
                    now = np.where(before > 0, up, np.where(before < 0, down, before))
                    w[j] = np.where(touched, now, before)
                    received[j] += w[j] - before
            t += 1
        curve.append(total.mean() / n)
    return w, b, w_avg, b_avg, curve
