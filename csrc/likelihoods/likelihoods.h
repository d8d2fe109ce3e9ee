/* likelihoods.h: minus the log likelihood of one target y, each once, and its derivatives in all that is learnt: the prediction p, the log of
 * a scale and, where there is one, a shape.  What depends on the prediction is that of losses.h; what these add is what a loss may leave out
 * while its scale and shape stay as they are.  Pure functions of reals without branches, so that loops over them vectorise.  All that is
 * learnt may be any real number: exponentials are cut where they or their squares would overflow.  Used by blocks.h. */
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* every likelihood takes a shape, few use it */
#endif

/* minus the log likelihood, and its derivatives in the prediction, the log of the scale and the shape */
typedef struct { real value, in_p, in_scale, in_shape; } F(evidence);

/* exp(x), x cut so that no square of it, or of what it scales, overflows */
FO_INLINE real F(exp_within)(real x) {
    const real most = REAL_IS_FLOAT ? R(30.0) : R(150.0);
    return F(exp_)(F(max_)(-most, F(min_)(most, x)));
}

/* r²/(2·scale²) + log(scale), without ½·log(2π) */
FO_INLINE F(evidence) F(likelihood_gaussian)(real y, real p, real s, real shape) {
    const real inverse = F(exp_within)(-s), z = (p - y) * inverse;
    const F(derivatives) l = F(loss_squared_error)(0, 0, 0, z);
    return (F(evidence)){l.value + s, l.grad * inverse, 1 - l.grad * z, 0};
}

/* |r|/scale + log(2·scale) */
FO_INLINE F(evidence) F(likelihood_laplace)(real y, real p, real s, real shape) {
    const real inverse = F(exp_within)(-s), z = (p - y) * inverse;
    const F(derivatives) l = F(loss_absolute_error)(0, 0, 0, z);
    return (F(evidence)){l.value + s + R(0.69314718055994530942), l.grad * inverse, 1 - l.grad * z, 0};
}

/* (df + 1)/2·log(1 + z²/df) + log(scale) − log(Γ((df + 1)/2)/Γ(df/2)) + ½·log(π·df), shape = log(df); the last two are
 * ½·log(2π) − log(Γ(k + ½)/(Γ(k)·√k)), k = df/2 */
FO_INLINE F(evidence) F(likelihood_student_t)(real y, real p, real s, real shape) {
    const real inverse = F(exp_within)(-s), z = (p - y) * inverse, df = F(exp_within)(shape);
    const F(derivatives) l = F(loss_student_t)(df, 1, 0, z);
    const F(gamma_ratio) ratio = F(gamma_ratio_of)(R(0.5) * df, R(0.5));
    const real pull = l.grad * z;
    return (F(evidence)){l.value + s + (R(0.91893853320467274178) - ratio.value), l.grad * inverse, 1 - pull,
                         df / (df + 1) * l.value - R(0.5) * pull - ratio.slope};
}

/* (y + k)·log(1 + mean/k) − y·log(mean/k) − log(Γ(k + y)/(Γ(k)·Γ(y + 1))), mean = exp(p), k = 1/alpha, s = log(alpha) */
FO_INLINE F(evidence) F(likelihood_negative_binomial)(real y, real p, real s, real shape) {
    const real alpha = F(exp_within)(s), k = 1 / alpha, q = p + s;
    const F(derivatives) l = F(loss_negative_binomial)(alpha, s, y, p);
    const F(gamma_ratio) ratio = F(gamma_ratio_of)(k, y);
    return (F(evidence)){l.value - ratio.value + F(log_gamma)(y + 1), l.grad, ratio.slope - k * F(softplus)(q) + l.grad + y, 0};
}

/* −weight·y·log(q) − (1 − y)·log(1 − q) of a probability p, q = p cut to shape … 1 − shape, weight = s: nothing is learnt but p.  Beyond the cut
 * the derivative is that at it. */
FO_INLINE F(evidence) F(likelihood_probability)(real y, real p, real s, real shape) {
    const real q = F(max_)(shape, F(min_)(1 - shape, p)), positive = s * y, negative = 1 - y;
    return (F(evidence)){-(positive * F(log_)(q) + negative * F(log1p_)(-q)), negative / (1 - q) - positive / q, 0, 0};
}

/* log Z and its derivative in the latent of alpha */
FO_INLINE F(gamma_ratio) F(robust_normalizer)(real latent) {
    const real first = (real)ROBUST_FIRST, at = F(max_)(first, F(min_)((real)(ROBUST_FIRST + ROBUST_ROWS), latent)) - first;
    const int row = at < (real)(ROBUST_ROWS - 1) ? (int)at : ROBUST_ROWS - 1;
    const real x = 2 * (at - (real)row) - 1;
    real value = (real)robust_log_z[row][ROBUST_COEFFICIENTS - 1], slope = 0;
    FO_UNROLL for (int j = ROBUST_COEFFICIENTS - 2; j >= 0; j--) {
        slope = F(fma_)(slope, x, value);
        value = F(fma_)(value, x, (real)robust_log_z[row][j]);
    }
    return (F(gamma_ratio)){value, 2 * slope};
}

/* gap·(v·exp(v) − exp(v) + 1)/v², given growth = gap·(exp(v) − 1), v >= 0 */
FO_INLINE real F(robust_bend)(real v, real gap, real growth) {
    real series = 0; /* Σ v^n/(n!·(n + 2)) */
    static const real terms[] = {R(0.5), R(1.) / 3, R(1.) / 8, R(1.) / 30, R(1.) / 144, R(1.) / 840, R(1.) / 5760, R(1.) / 45360, R(1.) / 403200,
                                 R(1.) / 3991680, R(1.) / 43545600, R(1.) / 518918400, R(1.) / R(6706022400.), R(1.) / R(93405312000.)};
    FO_UNROLL for (int n = 13; n >= 0; n--) series = F(fma_)(series, v, terms[n]);
    const real far = v > R(0.5) ? v : 1;
    return v > R(0.5) ? (gap + growth - growth / far) / far : gap * series;
}

/* ρ(z, alpha) + log(scale) + log Z(alpha), alpha = 2/(1 + exp(−latent)), shape = latent: Barron 2019, equations 8 and 16.  With gap = 2 − alpha,
 * t = z²/gap, u = log(1 + t) and e = exp(alpha·u/2) = 1 + alpha·ρ/gap the derivative of ρ in alpha is
 * u²/2·(v·exp(v) − exp(v) + 1)/v² − u·e/2 + e/2·t/(1 + t), v = alpha·u/2; that of alpha in the latent is alpha·gap/2, which takes the edges off:
 * all is multiplied by gap from the start. */
FO_INLINE F(evidence) F(likelihood_adaptive_robust)(real y, real p, real s, real shape) {
    const real inverse = F(exp_within)(-s), z = (p - y) * inverse, small = F(exp_)(-F(abs_)(shape)), large = 2 / (1 + small);
    const real alpha = shape > 0 ? large : small * large, gap = F(max_)(ROBUST_LEAST_GAP, shape > 0 ? small * large : large);
    const F(derivatives) l = F(loss_general_robust)(alpha, 1, 0, z);
    const F(robust_parts) parts = F(robust_log)(z, 1 / gap);
    const F(gamma_ratio) normalizer = F(robust_normalizer)(shape);
    const real u = parts.log, growth = alpha * l.value, e = gap + growth, bend = F(robust_bend)(R(0.5) * alpha * u, gap, growth);
    const real in_alpha = R(0.5) * (u * (u * bend - e) + e * (parts.t / (1 + parts.t)));
    return (F(evidence)){l.value + s + normalizer.value, l.grad * inverse, 1 - l.grad * z,
                         R(0.5) * alpha * in_alpha + normalizer.slope};
}

#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
