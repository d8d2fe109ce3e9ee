"""Write robust_table.h: log Z of Barron's robust density as polynomials in the latent of alpha = 2/(1 + exp(−latent)).

    python csrc/likelihoods/make_robust_table.py

Z(α) = ∫ exp(−ρ(x, α, 1)) dx.  With x = exp(s) the singularities of the integrand lie at least π/4 from the real axis, wherever they
are on it: sums of equal steps converge like exp(−π²/(2·step)).  On each interval of the latent of length 1 log Z is interpolated at Chebyshev
points; the nearest singularity in the latent is π away, so that 12 coefficients leave about 1e-14.  A test compares the result with mpmath.
"""
from pathlib import Path

import numpy as np
from numpy.polynomial import chebyshev

FIRST, LAST = -32, 38   # beyond, log Z is its limit, log(π·√2) or log(√(2π)), to 1e-12
COEFFICIENTS = 12
HEAD = """/* robust_table.h: written by make_robust_table.py beside it, which says how.  log Z of Barron's density at latent
 * ROBUST_FIRST + i + (x + 1)/2, -1 <= x <= 1, is the sum of robust_log_z[i][j]*x^j. */
#ifndef FO_ROBUST_TABLE_H
#define FO_ROBUST_TABLE_H
enum { ROBUST_FIRST = %d, ROBUST_ROWS = %d, ROBUST_COEFFICIENTS = %d };
static const double robust_log_z[ROBUST_ROWS][ROBUST_COEFFICIENTS] = {
"""


def log_z(latent: np.ndarray) -> np.ndarray:
    """log Z of each latent."""
    e = np.exp(-np.abs(latent))
    high, low = 2 / (1 + e), 2 * e / (1 + e)
    alpha, gap = (np.where(latent > 0, *pair)[:, None] for pair in ((high, low), (low, high)))
    step = 1 / 16
    s = np.arange(-45, 60, step)
    u = np.logaddexp(0, 2 * s - np.log(gap))   # log(1 + x²/gap), which may be past the range of doubles
    with np.errstate(over="ignore"):
        rho = gap / alpha * np.expm1(alpha / 2 * u)
        return np.log(2 * step * np.exp(s - rho).sum(axis=1))


def rows() -> np.ndarray:
    """Coefficients of each interval, of powers of x."""
    x = chebyshev.chebpts1(COEFFICIENTS)
    return np.array([chebyshev.cheb2poly(chebyshev.chebfit(x, log_z(start + (x + 1) / 2), COEFFICIENTS - 1)) for start in range(FIRST, LAST)])


def text() -> str:
    """All of the header."""
    def line(numbers: np.ndarray) -> str:
        return ", ".join(f"{number:.17g}" for number in numbers)
    half = COEFFICIENTS // 2
    body = "".join(f"    {{{line(row[:half])},\n     {line(row[half:])}}},\n" for row in rows())
    return HEAD % (FIRST, LAST - FIRST, COEFFICIENTS) + body + "};\n#endif\n"


if __name__ == "__main__":
    Path(__file__).with_name("robust_table.h").write_text(text(), encoding="utf-8")
