"""References for the tests: each piece of mathematics written again, plainly, in NumPy or mpmath.

Never imports fastopt: what tests must not depend on what it tests.
"""
import mpmath as mp
import numpy as np

# ---- losses: functions of y and p, y of margin losses ±1, in any number type ------------------------------------------
# EXACT[name](y, p, **params) is (value, gradient) of one sample in mpmath; SCIKIT[name] the same over arrays in NumPy, with
# the ties of scikit-learn's sklearn/_loss/_loss.pyx.tp and linear_model/_sgd_fast.pyx.tp.


def _log_loss(y, p):
    return mp.log1p(mp.exp(p)) - y * p, 1 / (1 + mp.exp(-p)) - y


def _general_robust(y, p, alpha, scale):
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
    probability = 1 / (1 + mp.exp(-p))
    log_loss, slope = _log_loss(y, p)
    # |y - probability| for a class, in a form that keeps the small digits: y·(1 − σ) + (1 − y)·σ
    q = y / (1 + mp.exp(p)) + (1 - y) * probability
    q_slope = (1 - 2 * y) * probability / (1 + mp.exp(p))
    weight = 1 if alpha is None else alpha * y + (1 - alpha) * (1 - y)
    return (weight * q**gamma * log_loss,
            weight * (q**gamma * slope + (gamma * q ** (gamma - 1) * q_slope * log_loss if gamma else 0)))


def _huber(y, p, delta):
    r = p - y
    return (r**2 / 2, r) if abs(r) <= delta else (delta * (abs(r) - delta / 2), delta * mp.sign(r))


def _epsilon(y, p, epsilon):
    excess = max(abs(p - y) - epsilon, mp.mpf(0))
    return excess, mp.sign(p - y) if excess else mp.mpf(0)


def _margin(value, slope):
    """A loss of z = y·p from its value and slope in z."""
    return lambda y, p: (value(y * p), y * slope(y * p))


EXACT = {
    "squared_error": lambda y, p: ((p - y) ** 2 / 2, p - y),
    "absolute_error": lambda y, p: (abs(p - y), 1 if p > y else -1),
    "huber": _huber,
    "quantile": lambda y, p, quantile: ((1 - quantile) * (p - y) if p > y else quantile * (y - p),
                                        1 - quantile if p > y else -quantile),
    "epsilon_insensitive": _epsilon,
    "squared_epsilon_insensitive": lambda y, p, epsilon: (_epsilon(y, p, epsilon)[0] ** 2,
                                                          2 * _epsilon(y, p, epsilon)[0] * mp.sign(p - y)),
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
}


def exact_loss(name, y, p, params):
    """(value, gradient) of each sample as float64, computed with so many digits that no difference loses all of them."""
    pairs = []
    for a, b in zip(y, p):
        with mp.workdps(60 + int(abs(b))):
            exact = {key: value if value is None else mp.mpf(value) for key, value in params.items()}
            pairs.append([float(x) for x in EXACT[name](mp.mpf(float(a)), mp.mpf(float(b)), **exact)])
    return tuple(np.array(pairs, dtype=float).reshape(-1, 2).T)
