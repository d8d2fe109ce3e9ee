"""SAG, SAGA, SVRG, Katyusha and dual coordinates written again, plainly, and optima by SciPy.  The oracle of test_variance.py and test_dual.py;
never imports fastopt.  X is dense, targets of margin losses are ±1.
"""
import numpy as np
from scipy.optimize import LinearConstraint, minimize

from reference.losses import PLAIN

#: dual variables u = −derivative of the loss: conjugate −u ↦ value, and bounds of u
DUALS = {
    "squared_error": (lambda y, u: u * u / 2 - u * y, lambda y: (-np.inf, np.inf)),
    "absolute_error": (lambda y, u: -u * y, lambda y: (-1, 1)),
    "huber": (lambda y, u, delta: u * u / 2 - u * y, lambda y, delta: (-delta, delta)),
    "quantile": (lambda y, u, quantile: -u * y, lambda y, quantile: (quantile - 1, quantile)),
    "epsilon_insensitive": (lambda y, u, epsilon: epsilon * abs(u) - u * y, lambda y, epsilon: (-1, 1)),
    "squared_epsilon_insensitive": (lambda y, u, epsilon: epsilon * abs(u) + u * u / 4 - u * y,
                                    lambda y, epsilon: (-np.inf, np.inf)),
    "log_loss": (lambda y, u: _entropy(y - u) + _entropy(1 - y + u), lambda y: (y - 1, y)),
    "hinge": (lambda y, u: -y * u, lambda y: tuple(sorted((0, y)))),
    "squared_hinge": (lambda y, u: u * u / 4 - y * u, lambda y: tuple(sorted((0, np.inf * y)))),
    "smooth_hinge": (lambda y, u: u * u / 2 - y * u, lambda y: tuple(sorted((0, y)))),
    "modified_huber": (lambda y, u: u * u / 4 - y * u, lambda y: tuple(sorted((0, 4 * y)))),
    "perceptron": (lambda y, u: 0 * u, lambda y: tuple(sorted((0, y)))),
}


def _entropy(q):
    return q * np.log(q) if q > 0 else 0.0


def objective(X, y, loss, params, w, b=0.0, *, weight=None, l2=0.0, l1=0.0):
    """Mean loss and penalty."""
    value, _ = PLAIN[loss](y, X @ w + b, **params)
    return np.average(value, weights=weight) + l2 / 2 * w @ w + l1 * np.abs(w).sum()


def optimum(X, y, loss, params, *, weight=None, l2=0.0, l1=0.0, positive=False, intercept=False):
    """(least value, w, b) of a smooth loss: L-BFGS-B on w = u − v, u, v >= 0."""
    n, d = X.shape
    weight = np.ones(n) if weight is None else weight

    def fun(x):
        w, b = x[:d] - x[d:2 * d], x[2 * d]
        value, slope = PLAIN[loss](y, X @ w + b, **params)
        slope = weight * slope / weight.sum()
        g = X.T @ slope + l2 * w
        total = weight @ value / weight.sum() + l2 / 2 * w @ w + l1 * x[:2 * d].sum()
        return total, np.concatenate([g + l1, l1 - g, [slope.sum() if intercept else 0]])

    bounds = [(0, None)] * d + [(0, 0 if positive else None)] * d + [(None, None)]
    best = minimize(fun, np.zeros(2 * d + 1), jac=True, bounds=bounds, method="L-BFGS-B",
                    options={"maxiter": 20000, "maxfun": 40000, "maxcor": 40, "ftol": 1e-16, "gtol": 1e-10})
    return best.fun, best.x[:d] - best.x[d:2 * d], best.x[2 * d]


def kinked_optimum(X, y, loss, params, *, weight=None, l2=0.0, intercept=False):
    """The least value of a piecewise linear loss with l2: slacks above its pieces, by SLSQP."""
    n, d = X.shape
    weight = np.ones(n) if weight is None else weight
    pieces = {"hinge": [(-y, 1.0), (0 * y, 0.0)], "perceptron": [(-y, 0.0), (0 * y, 0.0)]}.get(loss)
    if pieces is None:   # of r = p − y: slope·r + constant
        quantile, epsilon = params.get("quantile"), params.get("epsilon", 0.0)
        slopes = (-quantile, 1 - quantile) if loss == "quantile" else (-1.0, 1.0)
        pieces = [(np.full(n, s), -s * y - epsilon) for s in slopes] + [(np.zeros(n), 0.0)]
    rows = [np.hstack([s[:, None] * X, (s * intercept)[:, None], -np.eye(n)]) for s, _ in pieces]
    upper = np.concatenate([np.broadcast_to(-np.asarray(c), n) for _, c in pieces])
    share = weight / weight.sum()

    def fun(x):
        return share @ x[d + 1:] + l2 / 2 * x[:d] @ x[:d], np.concatenate([l2 * x[:d], [0.0], share])

    start = np.concatenate([np.zeros(d + 1), PLAIN[loss](y, np.zeros(n), **params)[0]])
    best = minimize(fun, start, jac=True, method="SLSQP", constraints=LinearConstraint(np.vstack(rows), -np.inf, upper),
                    options={"maxiter": 2000, "ftol": 1e-14})
    return best.fun


def variance(X, y, loss, params, kind, orders, lr, *, w, b=0.0, memory=None, weight=None, l2=0.0, l1=0.0, positive=False,
             intercept=False, start=None, mix=1.0):
    """(w, b) after one pass over each order; memory None: 0, and its mean gradient with it.  start: predictions where the passes
    begin, which gradients are taken between."""
    n, d = X.shape
    w, weight = w.copy(), np.ones(n) if weight is None else weight
    memory = np.zeros(n) if memory is None else memory.copy()
    g, g_b = X.T @ (weight * memory) / n, weight @ memory / n
    for order in orders:
        for i in order:
            p = X[i] @ w + b if start is None else mix * (X[i] @ w + b) + (1 - mix) * start[i]
            slope = float(PLAIN[loss](y[i], p, **params)[1])
            change = weight[i] * (slope - memory[i])
            own = change / n if kind == "sag" else change
            w = (1 - lr * l2) * w - lr * (g + own * X[i])
            w = np.maximum(w - lr * l1, 0) if positive else np.sign(w) * np.maximum(np.abs(w) - lr * l1, 0)
            if intercept:
                b -= lr * (g_b + own)
            if kind not in ("svrg", "katyusha"):
                memory[i] = slope
                g, g_b = g + change * X[i] / n, g_b + change / n
    return w, b


def dual_step(y, u, p, h, loss, params):
    """The u' within its bounds where p + h·(u' − u) meets the derivative of the conjugate: bisection."""
    conjugate, bounds = DUALS[loss]
    low, high = bounds(y, **params)
    low, high = max(low, u - 1e4), min(high, u + 1e4)
    for _ in range(200):
        middle = (low + high) / 2
        # minus the derivative, in u, of the dual objective −conjugate(u) − u·p − h/2·(u − u0)²
        size = 1e-7 * max(1.0, abs(middle))
        ends = (middle - size, middle + size)
        slope = (conjugate(y, ends[1], **params) - conjugate(y, ends[0], **params)) / (ends[1] - ends[0])
        if slope + p + h * (middle - u) > 0:
            high = middle
        else:
            low = middle
    return (low + high) / 2


def sdca(X, y, loss, params, orders, *, weight=None, l2=0.1, l1=0.0, positive=False, step=dual_step):
    """(w, u) after one pass over each order, from u = 0."""
    n, d = X.shape
    share = (np.ones(n) if weight is None else weight) / ((n if weight is None else weight.sum()) * l2)
    u, v = np.zeros(n), np.zeros(d)

    def primal(v):
        return np.maximum(v - l1 / l2, 0) if positive else np.sign(v) * np.maximum(np.abs(v) - l1 / l2, 0)

    for order in orders:
        for i in order:
            new = step(y[i], u[i], X[i] @ primal(v), share[i] * X[i] @ X[i], loss, params)
            v = v + share[i] * (new - u[i]) * X[i]
            u[i] = new
    return primal(v), u


# ---- hinges of several classes: y numbers of classes, W (k, d) ----

#: what the dual variables of the other classes of a sample sum up to at most
CLASS_DUALS = {"crammer_singer": 1.0, "weston_watkins": np.inf}


def class_losses(P, y, loss):
    """(n,) losses of predictions (n, k)."""
    n = len(y)
    excess = np.maximum(1 + P - P[np.arange(n), y][:, None], 0)
    excess[np.arange(n), y] = 0
    return excess.max(axis=1) if loss == "crammer_singer" else excess.sum(axis=1)


def class_objective(X, y, loss, W, b=0.0, *, weight=None, l2=0.0, l1=0.0):
    """Mean loss and penalty."""
    return (np.average(class_losses(X @ W.T + b, y, loss), weights=weight) + l2 / 2 * (W * W).sum() + l1 * np.abs(W).sum())


def class_step(y, u, p, h, loss):
    """The u' that maximises u'_y − u'·p − h/2·‖u' − u‖², u'_j = −π_j, u'_y = Σ π: bisection for π = clip(a − θ, 0, 1), Σ π = min(θ, most)."""
    q = p - h * u
    a = np.delete((1 + q - q[y]) / h, y)
    low, high = 0.0, max(a.max(), 0.0) + 1
    for _ in range(64):
        middle = (low + high) / 2
        if np.clip(a - middle, 0, 1).sum() > min(middle, CLASS_DUALS[loss]):
            low = middle
        else:
            high = middle
    pi = np.clip(a - (low + high) / 2, 0, 1)
    return np.insert(-pi, y, pi.sum())


def sdca_classes(X, y, k, loss, orders, *, weight=None, l2=0.1, l1=0.0, positive=False):
    """(W, U) after one pass over each order, from U = 0."""
    n, d = X.shape
    share = (np.ones(n) if weight is None else weight) / ((n if weight is None else weight.sum()) * l2)
    U, V = np.zeros((n, k)), np.zeros((k, d))

    def primal(V):
        return np.maximum(V - l1 / l2, 0) if positive else np.sign(V) * np.maximum(np.abs(V) - l1 / l2, 0)

    for order in orders:
        for i in order:
            if share[i] and X[i].any():   # a row of zeros moves nothing
                new = class_step(y[i], U[i], primal(V) @ X[i], share[i] * X[i] @ X[i], loss)
                V = V + share[i] * np.outer(new - U[i], X[i])
                U[i] = new
    return primal(V), U


def class_optimum(X, y, k, loss, *, weight=None, l2=0.0, intercept=False):
    """The least value: slacks above the pieces, one a sample or, of Weston and Watkins, one a sample and class, by SLSQP."""
    n, d = X.shape
    share = (np.ones(n) if weight is None else weight) / (n if weight is None else weight.sum())
    others = [(i, j) for i in range(n) for j in range(k) if j != y[i]]
    slack = {pair: pair[0] if loss == "crammer_singer" else at for at, pair in enumerate(others)}
    size, m = k * (d + 1), max(slack.values()) + 1
    rows = np.zeros((len(others), size + m))
    cost = np.zeros(m)
    for at, (i, j) in enumerate(others):
        x = np.append(X[i], float(intercept))
        rows[at, j * (d + 1):(j + 1) * (d + 1)] += x
        rows[at, y[i] * (d + 1):(y[i] + 1) * (d + 1)] -= x
        rows[at, size + slack[i, j]] = -1
        cost[slack[i, j]] = share[i]
    kept = np.tile(np.append(np.ones(d), 0.0), k)

    def fun(x):
        w = x[:size] * kept
        return cost @ x[size:] + l2 / 2 * w @ w, np.concatenate([l2 * w, cost])

    start = np.append(np.zeros(size), np.ones(m))
    bounds = [(None, None)] * size + [(0, None)] * m
    return minimize(fun, start, jac=True, method="SLSQP", bounds=bounds, constraints=LinearConstraint(rows, -np.inf, -np.ones(len(others))),
                    options={"maxiter": 1000, "ftol": 1e-15}).fun


def class_box_optimum(X, y, k, l2):
    """The least value with Weston and Watkins' loss, without an intercept: its dual in a box, by L-BFGS-B."""
    n, _ = X.shape
    own = np.arange(k) == y[:, None]

    def fun(x):
        pi = x.reshape(n, k)
        U = np.where(own, pi.sum(axis=1, where=~own)[:, None], -pi)
        W = U.T @ X / (n * l2)
        P = X @ W.T
        slope = np.where(own, 0, (1 + P - P[own][:, None]) / n)
        return l2 / 2 * (W * W).sum() - pi.sum(where=~own) / n, -slope.ravel()

    bounds = [(0, 0 if same else 1) for same in own.ravel()]
    return -minimize(fun, np.zeros(n * k), jac=True, method="L-BFGS-B", bounds=bounds,
                     options={"maxiter": 50000, "maxfun": 100000, "maxcor": 50, "ftol": 1e-16, "gtol": 1e-12}).fun
