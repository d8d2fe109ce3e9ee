"""Minus log likelihoods, in SciPy where it has the distribution and in mpmath for extremes and for Barron's density.  Never imports fastopt."""
import functools

import mpmath as mp
import numpy as np
import scipy.stats


def _negative_binomial(y, p, log_alpha):
    k = np.exp(-log_alpha)
    return -scipy.stats.nbinom.logpmf(y, k, k / (k + np.exp(p)))


#: of arrays, by name; s: log of the scale
SCIPY = {
    "gaussian_nll": lambda y, p, s: -scipy.stats.norm.logpdf(y, p, np.exp(s)),
    "laplace_nll": lambda y, p, s: -scipy.stats.laplace.logpdf(y, p, np.exp(s)),
    "student_t_nll": lambda y, p, s, shape: -scipy.stats.t.logpdf(y, np.exp(shape), p, np.exp(s)),
    "negative_binomial_nll": _negative_binomial,
}


def _robust_rho(z, alpha, gap):
    return gap / alpha * mp.expm1(alpha / 2 * mp.log1p(z**2 / gap))


@functools.cache
def log_z(latent):
    """log of the integral of exp(−ρ(x, alpha, 1)), by way of x = exp(s)."""
    alpha, gap = 2 / (1 + mp.exp(-mp.mpf(latent))), 2 / (1 + mp.exp(mp.mpf(latent)))
    pieces = [-60, -30, -12, -6, -3, -1, 0, 1, 2, 3, 5, 8, 12, 20, 40, 80]
    return mp.log(2 * mp.quad(lambda s: mp.exp(s - _robust_rho(mp.exp(s), alpha, gap)), pieces))


def _robust(y, p, s, latent):
    alpha, gap = 2 / (1 + mp.exp(-latent)), 2 / (1 + mp.exp(latent))
    return _robust_rho((p - y) * mp.exp(-s), alpha, gap) + s + log_z(float(latent))


def _student_t(y, p, s, shape):
    df, z = mp.exp(shape), (p - y) * mp.exp(-s)
    return (df + 1) / 2 * mp.log1p(z**2 / df) + s + mp.loggamma(df / 2) - mp.loggamma((df + 1) / 2) + mp.log(mp.pi * df) / 2


def _exact_negative_binomial(y, p, s):
    k, mean = mp.exp(-s), mp.exp(p)
    return (y + k) * mp.log1p(mean / k) + y * mp.log(k) - y * p - mp.loggamma(k + y) + mp.loggamma(k) + mp.loggamma(y + 1)


#: of one sample in mpmath numbers, constants included
EXACT = {
    "gaussian_nll": lambda y, p, s: ((p - y) * mp.exp(-s)) ** 2 / 2 + s + mp.log(2 * mp.pi) / 2,
    "laplace_nll": lambda y, p, s: abs(p - y) * mp.exp(-s) + s + mp.log(2),
    "student_t_nll": _student_t,
    "negative_binomial_nll": _exact_negative_binomial,
    "adaptive_robust": _robust,
}


def exact(name, y, *learnt, digits=60):
    """The value, and its derivatives in all that is learnt, of one sample, by differences of so many digits."""
    with mp.workdps(digits):
        y, at = mp.mpf(float(y)), [mp.mpf(float(x)) for x in learnt]
        function, step = EXACT[name], mp.mpf(10) ** (-digits // 3)
        slopes = []
        for i in range(len(at)):
            if name == "adaptive_robust" and i == 2:   # the integral is not worth so many digits
                step = mp.mpf(10) ** -5
            ends = [function(y, *(x + side * step * (i == j) for j, x in enumerate(at))) for side in (1, -1)]
            slopes.append(float((ends[0] - ends[1]) / (2 * step)))
        return float(function(y, *at)), slopes
