/* losses.h: each loss once: its value and its first two derivatives in the raw prediction p.  Used by every loop over samples.
 * A loss is a pure function of its parameters a and b, the target y and p, without branches, so that loops over it
 * vectorise; the results are separable: who needs one does not pay for the others.  The first two are accurate relative to
 * themselves wherever they can be represented: no difference of nearly equal terms, no exp of a large positive number
 * where the result is small.  Ties at kinks fall as in scikit-learn.  A prediction nan gives a value nan.
 * The second derivative is 0 on the pieces of piecewise linear losses, and one-sided at kinks of the first.
 * Margin losses see y = ±1; parameters that a loss does not name it does not have. */
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* every loss takes a and b, few use them */
#endif

/* a function and its derivatives at one point */
typedef struct { real value, grad, hess; } F(derivatives);

/* ---- real targets: r = p − y ---- */

/* r²/2 */
FO_INLINE F(derivatives) F(loss_squared_error)(real a, real b, real y, real p) {
    const real r = p - y;
    return (F(derivatives)){R(0.5) * r * r, r, 1};
}

/* |r| */
FO_INLINE F(derivatives) F(loss_absolute_error)(real a, real b, real y, real p) {
    return (F(derivatives)){F(abs_)(p - y), p > y ? 1 : -1, 0};
}

/* r²/2 where |r| <= delta = a, else a·(|r| − a/2) */
FO_INLINE F(derivatives) F(loss_huber)(real a, real b, real y, real p) {
    const real r = p - y, size = F(abs_)(r);
    return (F(derivatives)){size <= a ? R(0.5) * r * r : a * (size - R(0.5) * a), r > a ? a : r < -a ? -a : r,
                        size <= a ? 1 : 0};
}

/* max(−a·r, (1 − a)·r), quantile = a */
FO_INLINE F(derivatives) F(loss_quantile)(real a, real b, real y, real p) {
    return (F(derivatives)){p > y ? (1 - a) * (p - y) : a * (y - p), p > y ? 1 - a : -a, 0};
}

/* max(0, |r| − a), epsilon = a */
FO_INLINE F(derivatives) F(loss_epsilon_insensitive)(real a, real b, real y, real p) {
    const real r = p - y, excess = F(abs_)(r) - a;
    return (F(derivatives)){excess <= 0 ? 0 : excess, r > a ? 1 : r < -a ? -1 : 0, 0};
}

/* max(0, |r| − a)², epsilon = a */
FO_INLINE F(derivatives) F(loss_squared_epsilon_insensitive)(real a, real b, real y, real p) {
    const real r = p - y, excess = F(abs_)(r) - a;
    return (F(derivatives)){excess <= 0 ? 0 : excess * excess, r > a ? 2 * (r - a) : r < -a ? 2 * (r + a) : 0,
                        excess <= 0 ? 0 : 2};
}

/* log(cosh(r)) = log(1 + (e − 1)²/(2e)) near 0, |r| − log(2) + log(1 + e²) elsewhere, e = exp(−|r|) */
FO_INLINE F(derivatives) F(loss_log_cosh)(real a, real b, real y, real p) {
    const real r = p - y, size = F(abs_)(r), u = F(expm1_)(-size), e = 1 + u;
    const int small = size < 1;
    const real above = small ? u * u / (2 * e) : e * e, large = size - R(0.69314718055994530942);
    const real sech = 2 * e / (1 + e * e);
    return (F(derivatives)){F(log1p_positive)(above) + (small ? 0 : large), F(copysign_)(-u * (1 + e) / (1 + e * e), r),
                        sech * sech};
}

/* log(1 + z²/gap), where z² may be past the largest number; t: z²/gap, cut where it would be */
typedef struct { real t, log; } F(robust_parts);
FO_INLINE F(robust_parts) F(robust_log)(real z, real inverse_gap) {
    const real size = F(abs_)(z), most = (real)(REAL_IS_FLOAT ? 0x1p40 : 0x1p400);
    const real near = size < most ? size : most, beyond = F(log_)(size < most ? 1 : size / most);
    return (F(robust_parts)){near * near * inverse_gap, F(log1p_positive)(near * near * inverse_gap) + 2 * beyond};
}

#undef ROBUST_LEAST_GAP
#define ROBUST_LEAST_GAP (REAL_IS_FLOAT ? R(0x1p-40) : R(0x1p-100))

/* (|α − 2|/α)·((z²/|α − 2| + 1)^(α/2) − 1), z = r/scale, α = a, scale = b: Barron 2019, equation 8.  With
 * gap = |α − 2| and k = gap·log(1 + z²/gap) its derivative is r/scale²·exp(∓k/2) and its value
 *     for α < 1   k/2·(exp(v) − 1)/v, v = (α/gap)·k/2, which is k/2 at α = 0
 *     else        (z²·exp(v) + gap·(exp(v) − 1))/α, v = ∓k/2, which is z²/2 at α = 2;
 * infinite α arrive here as ±2^64, which rounding cannot tell apart.  The cases are chosen by factors 0 and 1: gcc 12
 * does not vectorise a choice between values by a condition on parameters. */
FO_INLINE F(derivatives) F(loss_general_robust)(real a, real b, real y, real p) {
    const real low = R(0.5) + F(copysign_)(R(0.5), 1 - a), high = 1 - low;
    const real gap = F(abs_)(a - 2) + ROBUST_LEAST_GAP, inverse_gap = 1 / gap; /* never 0, and the same otherwise */
    const real inverse_scale = 1 / b, side = F(copysign_)(R(0.5), a - 2);
    const real z = (p - y) * inverse_scale;
    const F(robust_parts) parts = F(robust_log)(z, inverse_gap);
    const real k = gap * parts.log, t = parts.t; /* ρ'' = e/scale²·(1 + (α − 1)·t)/(1 + t) */
    const real e = F(exp_)(side * k), v = (low * (R(0.5) * a * inverse_gap) + high * side) * k;
    const real growth = v == 0 ? low : F(expm1_)(v) / (low * v + high * a), inverse_a = 1 / (low + high * a);
    return (F(derivatives)){growth * (low * R(0.5) * k + high * gap) + high * inverse_a * (z * e) * z, z * inverse_scale * e,
                        inverse_scale * inverse_scale * e * ((1 + (a - 1) * t) / (1 + t))};
}

/* r² */
FO_INLINE F(derivatives) F(loss_mean_squared_error)(real a, real b, real y, real p) {
    const real r = p - y;
    return (F(derivatives)){r * r, 2 * r, 2};
}

/* r²/(2·beta) where |r| <= beta = a, else |r| − beta/2 */
FO_INLINE F(derivatives) F(loss_smooth_l1)(real a, real b, real y, real p) {
    const real r = p - y, size = F(abs_)(r), inverse = 1 / a;
    return (F(derivatives)){size <= a ? R(0.5) * r * inverse * r : size - R(0.5) * a, r > a ? 1 : r < -a ? -1 : r * inverse,
                        size <= a ? inverse : 0};
}

/* a·r² where p <= y, else (1 − a)·r², expectile = a */
FO_INLINE F(derivatives) F(loss_expectile)(real a, real b, real y, real p) {
    const real r = p - y, weight = p > y ? 1 - a : a;
    return (F(derivatives)){weight * r * r, 2 * weight * r, 2 * weight};
}

/* (df + 1)/2·log(1 + z²/df), z = r/scale, df = a, scale = b; its derivative (df + 1)/scale·z/(df + z²) by way of 1/(z + df/z), in
 * which no square overflows */
FO_INLINE F(derivatives) F(loss_student_t)(real a, real b, real y, real p) {
    const real inverse = 1 / b, z = (p - y) * inverse;
    const F(robust_parts) parts = F(robust_log)(z, 1 / a);
    const real t = parts.t, bend = (1 - t) / (1 + t) / (1 + t); /* the second derivative is (df + 1)/(df·scale²)·bend */
    return (F(derivatives)){(a + 1) * R(0.5) * parts.log, (a + 1) * inverse / (z + a / z), (a + 1) / a * inverse * inverse * bend};
}

/* ---- targets of a generalised linear model with log link ---- */

/* exp(p) − y·p */
FO_INLINE F(derivatives) F(loss_poisson)(real a, real b, real y, real p) {
    const real e = F(exp_)(p);
    return (F(derivatives)){e - y * p, e - y, e};
}

/* p + y·exp(−p) */
FO_INLINE F(derivatives) F(loss_gamma)(real a, real b, real y, real p) {
    const real e = y * F(exp_)(-p);
    return (F(derivatives)){p + e, 1 - e, e};
}

/* exp((2 − a)·p)/(2 − a) − y·exp((1 − a)·p)/(1 − a), power = a, above 1 and not 2 */
FO_INLINE F(derivatives) F(loss_tweedie)(real a, real b, real y, real p) {
    const real e = F(exp_)((1 - a) * p), pull = y > 0 ? y * e : 0; /* not 0·inf */
    const real most = (real)(REAL_IS_FLOAT ? 0x1.fffffep127 : 0x1.fffffffffffffp1023);
    const real mean = pull <= most ? F(exp_)((2 - a) * p) : 0; /* not inf − inf */
    return (F(derivatives)){mean / (2 - a) - pull / (1 - a), mean - pull, (2 - a) * mean - (1 - a) * pull};
}

/* (y + 1/alpha)·log(1 + alpha·exp(p)) − y·p, alpha = a, log(alpha) = b.  With q = p + log(alpha) and e = exp(−|q|) the logarithm is
 * max(q, 0) + log(1 + e), and the derivative σ(q)/alpha − y·σ(−q) */
FO_INLINE F(derivatives) F(loss_negative_binomial)(real a, real b, real y, real p) {
    const real q = p + b, count = 1 / a;
    const F(logistic) l = F(logistic_of)(q);
    return (F(derivatives)){(y + count) * F(log1p_positive)(l.e) + (q > 0 ? count * q + y * b : -y * p),
                        (count * l.high - y * l.low) * l.inverse, (y + count) * l.e * l.inverse * l.inverse};
}

/* (p − log(1 + y))² */
FO_INLINE F(derivatives) F(loss_mean_squared_log_error)(real a, real b, real y, real p) {
    return F(loss_mean_squared_error)(a, b, F(log1p_positive)(y), p);
}

/* ---- probabilities: 0 <= y <= 1 ---- */

/* log(1 + exp(p)) − y·p = log(1 + e) + v·p, its derivative (v + u·e)/(1 + e), e = exp(−|p|), v = [p >= 0] − y,
 * u = [p < 0] − y.  The steps come from the sign bit: a branch on the sign of p would be mispredicted half of the time.
 * e stays in two pieces since this derivative is what per-sample SGD waits for. */
FO_INLINE F(derivatives) F(loss_log_loss)(real a, real b, real y, real p) {
    const F(exp_pair) e = F(exp_scaled)(-F(abs_)(p), 0);
    const real step = F(copysign_)(R(0.5), p), v = (R(0.5) + step) - y, u = ((R(0.5) - step) - y) * e.scale;
    const real size = F(fma_)(e.scale, e.s, e.scale), inverse = 1 / (1 + size);
    return (F(derivatives)){F(log1p_positive)(size) + v * p, F(fma_)(u, e.s, v + u) / F(fma_)(e.scale, e.s, 1 + e.scale),
                        size * inverse * inverse};
}

/* weight·q^γ·(log loss), q = |y − σ(p)| for a class y: Lin et al. 2017, γ = a; weight = b·y + (1 − b)·(1 − y), 1 if
 * b < 0.  With e, v, u as in log loss q = (|v| + |u|·e)/(1 + e); q'/q = (1 − 2y)·e/((1 + e)·(|v| + |u|·e)), in which e
 * must not underflow to 0/0. */
FO_INLINE F(derivatives) F(loss_focal)(real a, real b, real y, real p) {
    const real step = F(copysign_)(R(0.5), p), v = (R(0.5) + step) - y, u = (R(0.5) - step) - y;
    const real raw = F(exp_)(-F(abs_)(p)), e = raw < FO_LEAST_NORMAL ? FO_LEAST_NORMAL : raw;
    const real numerator = F(abs_)(v) + F(abs_)(u) * e, inverse = 1 / (1 + e);
    const real log_loss = F(log1p_positive)(raw) + v * p, q_grad = (1 - 2 * y) * e * inverse / numerator;
    const real grad = (v + u * raw) * inverse, lean = F(copysign_)((1 - raw) * inverse, p); /* 2σ(p) − 1 */
    const real weight = (b < 0 ? 1 : b * y + (1 - b) * (1 - y)) * F(exp_)(a * F(log_)(numerator * inverse));
    return (F(derivatives)){weight * log_loss, weight * (grad + a * log_loss * q_grad),
                        weight * (raw * inverse * inverse + a * q_grad * (2 * grad + log_loss * ((a - 1) * q_grad - lean)))};
}

/* a·y·log(1 + exp(−p)) + (1 − y)·log(1 + exp(p)), pos_weight = a; e as above */
FO_INLINE F(derivatives) F(loss_binary_cross_entropy)(real a, real b, real y, real p) {
    const real positive = a * y, negative = 1 - y;
    const F(logistic) l = F(logistic_of)(p);
    return (F(derivatives)){(positive + negative) * F(log1p_positive)(l.e) + (p > 0 ? negative * p : -positive * p),
                        (negative * l.high - positive * l.low) * l.inverse, (positive + negative) * l.e * l.inverse * l.inverse};
}

/* the log loss plus a·q, q = y·σ(−p) + (1 − y)·σ(p), epsilon = a: Leng et al. 2022, Poly-1 */
FO_INLINE F(derivatives) F(loss_poly)(real a, real b, real y, real p) {
    const F(logistic) l = F(logistic_of)(p);
    const real spread = l.e * l.inverse * l.inverse, negative = 1 - y, turn = a * (1 - 2 * y); /* σ·(1 − σ) */
    return (F(derivatives)){F(log1p_positive)(l.e) + (p > 0 ? negative * p : -y * p) + a * (y * l.low + negative * l.high) * l.inverse,
                        (negative * l.high - y * l.low) * l.inverse + turn * spread,
                        spread * (1 - turn * F(copysign_)((1 - l.e) * l.inverse, p))};
}

/* ---- margins: y = ±1, z = y·p ---- */

/* max(0, 1 − z) */
FO_INLINE F(derivatives) F(loss_hinge)(real a, real b, real y, real p) {
    const real z = y * p;
    return (F(derivatives)){z > 1 ? 0 : 1 - z, z > 1 ? 0 : -y, 0};
}

/* max(0, 1 − z)² */
FO_INLINE F(derivatives) F(loss_squared_hinge)(real a, real b, real y, real p) {
    const real gap = 1 - y * p, t = gap < 0 ? 0 : gap;
    return (F(derivatives)){t * t, -2 * y * t, gap > 0 ? 2 : 0};
}

/* t·(m − t/2), m = max(0, 1 − z), t = min(m, 1): Rennie 2005 */
FO_INLINE F(derivatives) F(loss_smooth_hinge)(real a, real b, real y, real p) {
    const real gap = 1 - y * p, m = gap < 0 ? 0 : gap, t = m > 1 ? 1 : m;
    return (F(derivatives)){t * (m - R(0.5) * t), -y * t, gap > 0 && gap <= 1 ? 1 : 0};
}

/* max(0, 1 − z)² where z >= −1, else −4z */
FO_INLINE F(derivatives) F(loss_modified_huber)(real a, real b, real y, real p) {
    const real z = y * p, t = 1 - z;
    return (F(derivatives)){z >= 1 ? 0 : z >= -1 ? t * t : -4 * z, z >= 1 ? 0 : z >= -1 ? -2 * y * t : -4 * y,
                        z >= 1 || z < -1 ? 0 : 2};
}

/* max(0, −z) */
FO_INLINE F(derivatives) F(loss_perceptron)(real a, real b, real y, real p) {
    const real z = y * p;
    return (F(derivatives)){z > 0 ? 0 : 0 - z, z > 0 ? 0 : -y, 0};
}

/* exp(−z) */
FO_INLINE F(derivatives) F(loss_exponential)(real a, real b, real y, real p) {
    const real e = F(exp_)(-y * p);
    return (F(derivatives)){e, -y * e, e};
}

#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
