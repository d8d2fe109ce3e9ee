"""The losses of all predictions of a row, written plainly: values in mpmath, values and gradients in NumPy.  Never imports fastopt."""
import mpmath as mp
import numpy as np

#: digits that survive differences of differences
DIGITS, STEP = 160, mp.mpf(10) ** -30


def _log_share(p, y):
    return p[y] - max(p) - mp.log(sum(mp.exp(a - max(p)) for a in p))


def _focal(y, p, gamma, alpha):
    share = mp.exp(_log_share(p, y))
    return -alpha * (1 - share) ** gamma * _log_share(p, y)


def _threshold(p):
    """Of the projection onto the simplex, by sorting."""
    z, total = sorted(p, reverse=True), mp.mpf(0)
    for count, a in enumerate(z, 1):
        total += a
        if 1 + count * a > total:
            found = (total - 1) / count
    return found


def _sparsemax(y, p):
    tau = _threshold(p)
    return -p[y] + sum(a * a - tau * tau for a in p if a > tau) / 2 + mp.mpf(1) / 2


def _others(y, p):
    return [1 + a - p[y] for j, a in enumerate(p) if j != y]


def _levels(y, p, low, high, n_levels):
    t, total = mp.mpf(0), mp.mpf(0)
    for j, a in enumerate(p):
        t = a if j == 0 else t + (a if a > 200 else mp.log1p(mp.exp(a)))
        level = (low + high) / 2 if n_levels == 1 else low + j * (high - low) / (n_levels - 1)
        total += max(level * (y - t), (level - 1) * (y - t))
    return total / n_levels


def _entropy(y):
    return sum(t * mp.log(t) for t in y if t > 0)


#: (value of a row) from y and p in mpmath
EXACT_ROWS = {
    "multinomial": lambda y, p, label_smoothing=0: -(1 - label_smoothing) * _log_share(p, y)
    - label_smoothing * sum(_log_share(p, j) for j in range(len(p))) / len(p),
    "softmax_focal": _focal,
    "softmax_poly": lambda y, p, epsilon: -_log_share(p, y) + epsilon * (1 - mp.exp(_log_share(p, y))),
    "sparsemax": _sparsemax,
    "crammer_singer": lambda y, p: max([mp.mpf(0), *_others(y, p)]),
    "weston_watkins": lambda y, p: sum((max(mp.mpf(0), a) for a in _others(y, p)), mp.mpf(0)),
    "quantile_levels": _levels,
    "kl_divergence": lambda y, p: _entropy(y) - sum(t * _log_share(p, j) for j, t in enumerate(y) if t > 0),
    "generalized_kl": lambda y, p: _entropy(y) + sum(mp.exp(a) - t - t * a for t, a in zip(y, p)),
}
#: parameters at which each is tested, and the number of outputs where they say it
ROW_CASES = {
    "multinomial": [{}, {"label_smoothing": 0.25}],
    "softmax_focal": [{"gamma": gamma, "alpha": alpha} for gamma, alpha in ((2.0, 1.0), (0.0, 1.0), (0.5, 0.25), (5.0, 2.0))],
    "softmax_poly": [{"epsilon": epsilon} for epsilon in (1.0, 0.0, -1.0, 3.0)],
    "quantile_levels": [{"low": 0.125, "high": 0.875, "n_levels": k} for k in (1, 2, 5)],
}
#: what is no smooth function: its derivatives are compared away from kinks alone
KINKED_ROWS = ("crammer_singer", "weston_watkins", "quantile_levels", "sparsemax")


def _exact_arguments(y, p, params):
    y = [mp.mpf(float(t)) for t in y] if np.ndim(y) else int(y) if float(y).is_integer() else mp.mpf(float(y))
    return y, [mp.mpf(float(a)) for a in p], {key: value if isinstance(value, int) else mp.mpf(value) for key, value in params.items()}


def exact_row(name, y, p, q, params):
    """(value, gradient, product of the second derivatives with q) of a row as float64, the last two by differences of many digits."""
    with mp.workdps(DIGITS):
        y, p, params = _exact_arguments(y, p, params)
        q, h = [mp.mpf(float(a)) for a in q], STEP

        def at(step, j, t):
            return EXACT_ROWS[name](y, [a + (step if i == j else 0) + t * b for i, (a, b) in enumerate(zip(p, q))], **params)

        gradient = [(at(h, j, 0) - at(-h, j, 0)) / (2 * h) for j in range(len(p))]
        product = [(at(h, j, h) - at(h, j, -h) - at(-h, j, h) + at(-h, j, -h)) / (4 * h * h) for j in range(len(p))]
        return float(at(0, 0, 0)), np.array(gradient, float), np.array(product, float)


def _softmax(p):
    e = np.exp(p - p.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _hot(y, p):
    return (y[:, None] == np.arange(p.shape[1])).astype(float)


def _plain_share(loss, slope):
    """A loss of the share of the own class, by its value and its derivative in the log loss."""
    def plain(y, p, **params):
        share = _softmax(p)
        own = share[np.arange(len(p)), y]
        return loss(own, **params), slope(own, **params)[:, None] * (share - _hot(y, p))
    return plain


def _plain_multinomial(y, p, label_smoothing=0.0):
    target = (1 - label_smoothing) * _hot(y, p) + label_smoothing / p.shape[1]
    return -(target * np.log(_softmax(p))).sum(axis=1), _softmax(p) - target


def _plain_sparsemax(y, p):
    z = -np.sort(-p, axis=1)
    sums, count = np.cumsum(z, axis=1), np.arange(1, p.shape[1] + 1)
    size = (1 + count * z > sums).sum(axis=1)
    tau = (sums[np.arange(len(p)), size - 1] - 1) / size
    share = np.maximum(p - tau[:, None], 0)
    value = -p[np.arange(len(p)), y] + ((p**2 - tau[:, None]**2) * (share > 0)).sum(axis=1) / 2 + 0.5
    return value, share - _hot(y, p)


def _excess(y, p):
    return np.where(_hot(y, p) == 1, -np.inf, 1 + p - p[np.arange(len(p)), y][:, None])


def _plain_crammer_singer(y, p):
    excess = _excess(y, p)
    wrong = (excess.max(axis=1) >= 0)[:, None]
    return np.maximum(excess.max(axis=1), 0), wrong * (_hot(excess.argmax(axis=1), p) - _hot(y, p))


def _plain_weston_watkins(y, p):
    excess = _excess(y, p)
    active = (excess >= 0).astype(float)
    return np.maximum(excess, 0).sum(axis=1), active - active.sum(axis=1, keepdims=True) * _hot(y, p)


def _plain_levels(y, p, low, high, n_levels):
    rise = np.log1p(np.exp(p))
    rise[:, 0] = p[:, 0]
    t = np.cumsum(rise, axis=1)
    level = np.linspace(low, high, n_levels) if n_levels > 1 else np.array([(low + high) / 2])
    slope = np.where(t > y[:, None], 1 - level, -level) / n_levels
    inner = np.cumsum(slope[:, ::-1], axis=1)[:, ::-1]
    growth = 1 / (1 + np.exp(-p))
    growth[:, 0] = 1
    return (slope * (t - y[:, None])).sum(axis=1), inner * growth


def _plain_kl(y, p):
    return np.where(y > 0, y * np.log(np.where(y > 0, y, 1)) - y * np.log(_softmax(p)), 0).sum(axis=1), _softmax(p) - y


def _plain_generalized_kl(y, p):
    return (np.where(y > 0, y * np.log(np.where(y > 0, y, 1)), 0) - y * p - y + np.exp(p)).sum(axis=1), np.exp(p) - y


#: (values, gradients) of rows, from y and p (n, k) in NumPy
PLAIN_ROWS = {
    "multinomial": _plain_multinomial,
    "softmax_focal": _plain_share(lambda s, gamma, alpha: -alpha * (1 - s)**gamma * np.log(s),
                                  lambda s, gamma, alpha: alpha * ((1 - s)**gamma - gamma * (1 - s)**(gamma - 1) * s * np.log(s))),
    "softmax_poly": _plain_share(lambda s, epsilon: -np.log(s) + epsilon * (1 - s), lambda s, epsilon: 1 + epsilon * s),
    "sparsemax": _plain_sparsemax,
    "crammer_singer": _plain_crammer_singer,
    "weston_watkins": _plain_weston_watkins,
    "quantile_levels": _plain_levels,
    "kl_divergence": _plain_kl,
    "generalized_kl": _plain_generalized_kl,
}


def row_targets(target, n, k, rng):
    """Targets of n rows, by what y may be."""
    if target == "class":
        return rng.integers(0, k, n)
    if target == "real":
        return rng.normal(0, 2, n)
    y = rng.random((n, k)) * (rng.random((n, k)) < 0.7) + 1e-3
    return y / y.sum(axis=1, keepdims=True) if target == "shares" else 3 * y
