/* gamma.h: the logarithm of the gamma function and of its ratios, with derivatives: Stirling's series from 8 on, whose first term that is left
 * out is 2e-16, and the recurrence Γ(x + 1) = x·Γ(x) below.  Branch-free as vmath.h, which it stands on; used by likelihoods.h. */

/* log Γ(x) = (at − ½)·log(at) − at + ½·log(2π) + rest, its derivative is log(at) + slope; at = x + shift, x > 0 */
typedef struct { real at, shift, rest, slope; } F(stirling);

FO_INLINE F(stirling) F(stirling_of)(real x) {
    const int below = x < 8;
    real product = 1, product_slope = 0; /* x·(x + 1)·…·(x + 7) */
    FO_UNROLL for (int i = 0; i < 8; i++) {
        product_slope = F(fma_)(product_slope, x + (real)i, product);
        product *= x + (real)i;
    }
    const real shift = below ? 8 : 0, at = x + shift, inverse = 1 / at, square = inverse * inverse;
    real rest = R(-3617.) / R(122400.), slope = R(-3617.) / R(8160.); /* B_2n/(2n·(2n − 1)) and B_2n/(2n), of Bernoulli's numbers */
#define TERM(of_rest, of_slope) rest = F(fma_)(rest, square, of_rest), slope = F(fma_)(slope, square, of_slope)
    TERM(R(1.) / R(156.), R(1.) / R(12.)), TERM(R(-691.) / R(360360.), R(-691.) / R(32760.)), TERM(R(1.) / R(1188.), R(1.) / R(132.));
    TERM(R(-1.) / R(1680.), R(-1.) / R(240.)), TERM(R(1.) / R(1260.), R(1.) / R(252.)), TERM(R(-1.) / R(360.), R(-1.) / R(120.));
    TERM(R(1.) / R(12.), R(1.) / R(12.));
#undef TERM
    const real low = F(log_)(below ? product : 1), low_slope = below ? product_slope / product : 0;
    return (F(stirling)){at, shift, rest * inverse - low, -R(0.5) * inverse - slope * square - low_slope};
}

/* log Γ(x), x > 0 */
FO_INLINE real F(log_gamma)(real x) {
    const F(stirling) s = F(stirling_of)(x);
    return (s.at - R(0.5)) * F(log_)(s.at) - s.at + (R(0.91893853320467274178) + s.rest);
}

typedef struct { real value, slope; } F(gamma_ratio);

/* log(Γ(k + y)/(Γ(k)·k^y)), k > 0, y >= 0, which is about y·(y − 1)/(2k) for large k, and k times its derivative in k.  No term of the size of
 * k or of y·log(k) is left in either. */
FO_INLINE F(gamma_ratio) F(gamma_ratio_of)(real k, real y) {
    const F(stirling) low = F(stirling_of)(k), high = F(stirling_of)(k + y);
    const real step = y + (high.shift - low.shift), growth = F(log1p_positive)(step / low.at);
    const real moved = step * F(log_)(low.at) - y * F(log_)(k); /* 0 where neither is shifted */
    return (F(gamma_ratio)){((high.at - R(0.5)) * growth - step) + moved + (high.rest - low.rest),
                            k * growth - y + k * (high.slope - low.slope)};
}
