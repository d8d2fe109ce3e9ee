"""References for the tests: each piece of mathematics written again, plainly, in NumPy or mpmath.

Never imports fastopt: an oracle must not depend on what it tests.
"""
import mpmath as mp
import numpy as np

# ---- losses: y of margin losses is ±1, as the kernels see it ----


def _log_loss(y, p):
    return mp.log1p(mp.exp(p)) - y * p, 1 / (1 + mp.exp(-p)) - y


def _general_robust(y, p, alpha, scale):
    """Barron 2019, equation 8: the formula, and its limits each by itself."""
    z = (p - y) / scale
    if alpha == 2:
        return z**2 / 2, z / scale
    if alpha == 0:
        return mp.log1p(z**2 / 2), 2 * z / (z**2 + 2) / scale
    if mp.isinf(alpha):
        sign = mp.sign(alpha)
        return sign * mp.expm1(sign * z**2 / 2), z / scale * mp.exp(sign * z**2 / 2)
    gap = abs(alpha - 2)
    return gap / alpha * ((z**2 / gap + 1) ** (alpha / 2) - 1), z / scale * (z**2 / gap + 1) ** (alpha / 2 - 1)


def _tweedie(y, p, power):
    mean, pull = mp.exp((2 - power) * p), y * mp.exp((1 - power) * p)
    return mean / (2 - power) - pull / (1 - power), mean - pull


def _focal(y, p, gamma, alpha):
    """Lin et al. 2017, equations 3 and 5, with q = 1 − p_t, p_t = y·σ + (1 − y)·(1 − σ)."""
    sigma, complement = 1 / (1 + mp.exp(-p)), 1 / (1 + mp.exp(p))
    log_loss, slope = _log_loss(y, p)
    q, q_slope = y * complement + (1 - y) * sigma, (1 - 2 * y) * sigma * complement
    weight = 1 if alpha is None else alpha * y + (1 - alpha) * (1 - y)
    steep = gamma * q ** (gamma - 1) * q_slope * log_loss if gamma else 0
    return weight * q**gamma * log_loss, weight * (q**gamma * slope + steep)


def _negative_binomial(y, p, alpha):
    mean = mp.exp(p)
    return (y + 1 / alpha) * mp.log1p(alpha * mean) - y * p, (mean - y) / (1 + alpha * mean)


def _binary_cross_entropy(y, p, pos_weight, from_probabilities=False):   # of raw scores
    return (pos_weight * y * mp.log1p(mp.exp(-p)) + (1 - y) * mp.log1p(mp.exp(p)),
            (1 - y) / (1 + mp.exp(-p)) - pos_weight * y / (1 + mp.exp(p)))


def _poly(y, p, epsilon):
    sigma, complement = 1 / (1 + mp.exp(-p)), 1 / (1 + mp.exp(p))
    log_loss, slope = _log_loss(y, p)
    return (log_loss + epsilon * (y * complement + (1 - y) * sigma), slope + epsilon * (1 - 2 * y) * sigma * complement)


def _margin(value, slope):
    return lambda y, p: (value(y * p), y * slope(y * p))


#: (value, gradient) of one sample in mpmath numbers
EXACT = {
    "squared_error": lambda y, p: ((p - y) ** 2 / 2, p - y),
    "absolute_error": lambda y, p: (abs(p - y), 1 if p > y else -1),
    "huber": lambda y, p, delta: (((p - y) ** 2 / 2, p - y) if abs(p - y) <= delta else
                                  (delta * (abs(p - y) - delta / 2), delta * mp.sign(p - y))),
    "quantile": lambda y, p, quantile: (((1 - quantile) * (p - y), 1 - quantile) if p > y else
                                        (quantile * (y - p), -quantile)),
    "epsilon_insensitive": lambda y, p, epsilon: (max(abs(p - y) - epsilon, 0),
                                                  mp.sign(p - y) if abs(p - y) > epsilon else 0),
    "squared_epsilon_insensitive": lambda y, p, epsilon: (max(abs(p - y) - epsilon, 0) ** 2,
                                                          2 * mp.sign(p - y) * max(abs(p - y) - epsilon, 0)),
    "log_cosh": lambda y, p: (mp.log(mp.cosh(p - y)), mp.tanh(p - y)),
    "general_robust": _general_robust,
    "poisson": lambda y, p: (mp.exp(p) - y * p, mp.exp(p) - y),
    "gamma": lambda y, p: (p + y * mp.exp(-p), 1 - y * mp.exp(-p)),
    "tweedie": _tweedie,
    "log_loss": _log_loss,
    "hinge": _margin(lambda z: max(1 - z, 0), lambda z: -1 if z <= 1 else 0),
    "squared_hinge": _margin(lambda z: max(1 - z, 0) ** 2, lambda z: -2 * max(1 - z, 0)),
    "smooth_hinge": _margin(lambda z: mp.mpf(1) / 2 - z if z <= 0 else max(1 - z, 0) ** 2 / 2,
                            lambda z: -min(max(1 - z, 0), 1)),
    "modified_huber": _margin(lambda z: -4 * z if z < -1 else max(1 - z, 0) ** 2,
                              lambda z: -4 if z < -1 else -2 * max(1 - z, 0)),
    "perceptron": _margin(lambda z: max(-z, 0), lambda z: -1 if z <= 0 else 0),
    "exponential": _margin(lambda z: mp.exp(-z), lambda z: -mp.exp(-z)),
    "focal": _focal,
    "mean_squared_error": lambda y, p: ((p - y) ** 2, 2 * (p - y)),
    "smooth_l1": lambda y, p, beta: (((p - y) ** 2 / (2 * beta), (p - y) / beta) if abs(p - y) <= beta else
                                     (abs(p - y) - beta / 2, mp.sign(p - y))),
    "expectile": lambda y, p, expectile: (((1 - expectile) * (p - y) ** 2, 2 * (1 - expectile) * (p - y)) if p > y else
                                          (expectile * (p - y) ** 2, 2 * expectile * (p - y))),
    "student_t": lambda y, p, df, scale: ((df + 1) / 2 * mp.log1p(((p - y) / scale) ** 2 / df),
                                          (df + 1) * (p - y) / (df * scale**2 + (p - y) ** 2)),
    "negative_binomial": _negative_binomial,
    "binary_cross_entropy": _binary_cross_entropy,
    "poly": _poly,
    "mean_squared_log_error": lambda y, p: ((p - mp.log1p(y)) ** 2, 2 * (p - mp.log1p(y))),
}


def exact_loss(name, y, p, params):
    """(values, gradients) as float64, computed with so many digits that no difference loses all of them."""
    pairs = []
    for a, b in zip(y, p):
        with mp.workdps(60 + (int(abs(b)) if name in ("log_loss", "focal", "binary_cross_entropy", "poly", "negative_binomial") else 0)):
            exact = {key: value if value is None else mp.mpf(value) for key, value in params.items()}
            pairs.append([float(x) for x in EXACT[name](mp.mpf(float(a)), mp.mpf(float(b)), **exact)])
    return tuple(np.array(pairs, dtype=float).reshape(-1, 2).T)


def _by_residual(value, gradient):
    return lambda y, p, **params: (value(p - y, **params), gradient(p - y, **params))


def _by_margin(value, gradient):
    return lambda y, p: (value(p * y), y * gradient(p * y))


def _plain_tweedie(y, p, power):
    mean, pull = np.exp((2 - power) * p), y * np.exp((1 - power) * p)
    return mean / (2 - power) - pull / (1 - power), mean - pull


def _plain_robust(y, p, alpha, scale):
    z, gap = (p - y) / scale, abs(alpha - 2)
    return gap / alpha * ((z**2 / gap + 1) ** (alpha / 2) - 1), z / scale * (z**2 / gap + 1) ** (alpha / 2 - 1)


def _plain_focal(y, p, gamma, alpha):
    sigma = 1 / (1 + np.exp(-p))
    q, log_loss = y * (1 - sigma) + (1 - y) * sigma, np.log1p(np.exp(p)) - y * p
    weight = 1 if alpha is None else alpha * y + (1 - alpha) * (1 - y)
    return (weight * q**gamma * log_loss,
            weight * q**gamma * (sigma - y + gamma * (1 - 2 * y) * sigma * (1 - sigma) * log_loss / q))


def _plain_poly(y, p, epsilon):
    sigma = 1 / (1 + np.exp(-p))
    return (np.log1p(np.exp(p)) - y * p + epsilon * (y * (1 - sigma) + (1 - y) * sigma),
            sigma - y + epsilon * (1 - 2 * y) * sigma * (1 - sigma))


def exact_multinomial(y, p):
    """(loss, gradient, probabilities) of one sample of class y, by mpmath: log Σ exp(p_j) − p_y, and exp(p_j)/Σ exp(p) − [j = y]."""
    with mp.workdps(400):
        exps = [mp.exp(mp.mpf(float(value))) for value in p]
        total = mp.fsum(exps)
        shares = [value / total for value in exps]
        value = mp.log(total) - mp.mpf(float(p[y]))
        return float(value), [float(share - (j == y)) for j, share in enumerate(shares)], [float(share) for share in shares]


#: (values, gradients) over float64 arrays of moderate size: the textbook formulas.  Ties fall as in scikit-learn 1.9's
#: sklearn/_loss/_loss.pyx.tp and linear_model/_sgd_fast.pyx.tp.
PLAIN = {
    "squared_error": _by_residual(lambda r: 0.5 * r * r, lambda r: r),
    "absolute_error": _by_residual(np.abs, lambda r: np.where(r > 0, 1.0, -1.0)),
    "huber": _by_residual(lambda r, delta: np.where(np.abs(r) <= delta, 0.5 * r**2, delta * (np.abs(r) - 0.5 * delta)),
                          lambda r, delta: np.where(np.abs(r) <= delta, r, np.where(r >= 0, delta, -delta))),
    "quantile": _by_residual(lambda r, quantile: np.where(r <= 0, quantile * -r, (1 - quantile) * r),
                             lambda r, quantile: np.where(r <= 0, -quantile, 1 - quantile)),
    "epsilon_insensitive": _by_residual(lambda r, epsilon: np.maximum(np.abs(r) - epsilon, 0),
                                        lambda r, epsilon: np.where(-r > epsilon, -1, np.where(r > epsilon, 1, 0))),
    "squared_epsilon_insensitive": _by_residual(
        lambda r, epsilon: np.maximum(np.abs(r) - epsilon, 0) ** 2,
        lambda r, epsilon: np.where(-r > epsilon, -2 * (-r - epsilon), np.where(-r < -epsilon, 2 * (r - epsilon), 0))),
    "log_cosh": _by_residual(lambda r: np.log(np.cosh(r)), np.tanh),
    "general_robust": _plain_robust,
    "poisson": lambda y, p: (np.exp(p) - y * p, np.exp(p) - y),
    "gamma": lambda y, p: (p + y * np.exp(-p), 1 - y * np.exp(-p)),
    "tweedie": _plain_tweedie,
    "log_loss": lambda y, p: (np.log1p(np.exp(p)) - y * p, 1 / (1 + np.exp(-p)) - y),
    "hinge": _by_margin(lambda z: np.where(z <= 1, 1 - z, 0), lambda z: np.where(z <= 1, -1, 0)),
    "squared_hinge": _by_margin(lambda z: np.where(1 - z > 0, (1 - z) ** 2, 0),
                                lambda z: np.where(1 - z > 0, -2 * (1 - z), 0)),
    "smooth_hinge": _by_margin(lambda z: np.where(z <= 0, 0.5 - z, 0.5 * np.maximum(1 - z, 0) ** 2),
                               lambda z: -np.clip(1 - z, 0, 1)),
    "modified_huber": _by_margin(lambda z: np.where(z >= 1, 0, np.where(z >= -1, (1 - z) ** 2, -4 * z)),
                                 lambda z: np.where(z >= 1, 0, np.where(z >= -1, -2 * (1 - z), -4))),
    "perceptron": _by_margin(lambda z: np.where(z <= 0, -z, 0), lambda z: np.where(z <= 0, -1, 0)),
    "exponential": _by_margin(lambda z: np.exp(-z), lambda z: -np.exp(-z)),
    "focal": _plain_focal,
    "mean_squared_error": _by_residual(lambda r: r * r, lambda r: 2 * r),
    "smooth_l1": _by_residual(lambda r, beta: np.where(np.abs(r) <= beta, r**2 / (2 * beta), np.abs(r) - beta / 2),
                              lambda r, beta: np.where(np.abs(r) <= beta, r / beta, np.sign(r))),
    "expectile": _by_residual(lambda r, expectile: np.where(r > 0, 1 - expectile, expectile) * r**2,
                              lambda r, expectile: 2 * np.where(r > 0, 1 - expectile, expectile) * r),
    "student_t": _by_residual(lambda r, df, scale: (df + 1) / 2 * np.log1p(r**2 / (df * scale**2)),
                              lambda r, df, scale: (df + 1) * r / (df * scale**2 + r**2)),
    "negative_binomial": lambda y, p, alpha: ((y + 1 / alpha) * np.log1p(alpha * np.exp(p)) - y * p,
                                              (np.exp(p) - y) / (1 + alpha * np.exp(p))),
    "binary_cross_entropy": lambda y, p, pos_weight, from_probabilities=False: (   # of raw scores
        pos_weight * y * np.log1p(np.exp(-p)) + (1 - y) * np.log1p(np.exp(p)),
        (1 - y) / (1 + np.exp(-p)) - pos_weight * y / (1 + np.exp(p))),
    "poly": _plain_poly,
    "mean_squared_log_error": lambda y, p: ((p - np.log1p(y)) ** 2, 2 * (p - np.log1p(y))),
}

#: parameters at which each loss is tested; those without any have one case
LOSS_CASES = {
    "huber": [{"delta": 1.35}, {"delta": 0.25}],
    "quantile": [{"quantile": 0.5}, {"quantile": 0.875}],
    "epsilon_insensitive": [{"epsilon": 0.125}, {"epsilon": 0.0}],
    "squared_epsilon_insensitive": [{"epsilon": 0.125}, {"epsilon": 0.0}],
    "general_robust": [{"alpha": alpha, "scale": scale} for scale in (1.0, 0.3) for alpha in
                       (1.0, 0.5, -2.0, 4.0, 0.0, 2.0, -np.inf, np.inf, 1e-9, -1e-9, 2 - 2**-52, 2 + 1e-9, -1e6)],
    "tweedie": [{"power": power} for power in (1.5, 1.01, 1.99, 3.0, 2.5)],
    "focal": [{"gamma": gamma, "alpha": alpha} for gamma in (2.0, 0.0, 0.5, 5.0) for alpha in (None, 0.25)],
    "smooth_l1": [{"beta": 1.0}, {"beta": 0.25}],
    "expectile": [{"expectile": 0.5}, {"expectile": 0.875}],
    "student_t": [{"df": df, "scale": scale} for df in (4.0, 1.0, 0.5, 100.0) for scale in (1.0, 0.25)],
    "negative_binomial": [{"alpha": 1.0}, {"alpha": 0.125}, {"alpha": 4.0}],
    "binary_cross_entropy": [{"pos_weight": 1.0}, {"pos_weight": 4.0}, {"pos_weight": 0.125}],
    "poly": [{"epsilon": 1.0}, {"epsilon": 0.0}, {"epsilon": -0.5}],
}
#: targets that exercise each domain, in public form
LOSS_TARGETS = {"real": [0.0, 1.0, -3.5], "nonnegative": [0.0, 1.0, 7.0], "positive": [1e-3, 1.0, 7.0],
                "sign": [0.0, 1.0], "unit": [0.0, 1.0, 0.3]}
