/* overlap.h: how far rows of shares overlap with rows of targets: the losses of Tversky and of Dice, with their gradients in the raw
 * predictions.  Used by losses/_arrays.pyx; knows neither weights nor threads.
 * With σ = 1/(1 + exp(−p)) the loss of a row is 1 − (N + s)/(D + s) = (D − N)/(D + s), N = Σ σ·y.  D − N is summed as it is, of numbers
 * of at least 0, so that a loss near 0 is no difference; long rows are summed in double, piece by piece. */

/* σ(p), 1 − σ(p) */
typedef struct { real share, others; } F(two_shares);
FO_INLINE F(two_shares) F(two_shares_of)(real p) {
    const F(logistic) l = F(logistic_of)(p);
    return (F(two_shares)){l.high * l.inverse, l.low * l.inverse};
}

/* what an element adds to D − N and to N, and the derivatives of the first and of D in its σ */
typedef struct { real apart, shared, slope, growth; } F(overlap);
FO_INLINE F(overlap) F(overlap_of)(const fo_overlap *o, real y, F(two_shares) s) {
    const real alpha = (real)o->alpha, beta = (real)o->beta;
    if (o->squared) return (F(overlap)){R(0.5) * (s.share - y) * (s.share - y), s.share * y, s.share - y, s.share};
    const real slope = alpha * (1 - y) - beta * y;
    return (F(overlap)){alpha * s.share * (1 - y) + beta * s.others * y, s.share * y, slope, slope + y};
}

/* the sums of D − N and of N over n elements */
FO_INLINE void F(overlap_sums)(const fo_overlap *o, ptrdiff_t n, const real *y, const real *p, double *sums) {
    real apart = 0, shared = 0;
    FO_SIMD_SUM(apart, shared)
    for (ptrdiff_t j = 0; j < n; j++) {
        const F(overlap) one = F(overlap_of)(o, y[j], F(two_shares_of)(p[j]));
        apart += one.apart;
        shared += one.shared;
    }
    sums[0] += (double)apart;
    sums[1] += (double)shared;
}

/* The losses of n rows of k; grads = factor·weight·loss' where they are given.  Without an overlap to be, of 0/0, the loss is 0. */
FO_KERNEL void F(overlap_rows)(const fo_overlap *o, ptrdiff_t n, ptrdiff_t k, const void *targets, const void *predictions, const void *weight,
                               double factor, void *values, void *grads) {
    for (ptrdiff_t i = 0; i < n; i++) {
        const real *y = (const real *)targets + i * k, *p = (const real *)predictions + i * k;
        real *restrict g = grads ? (real *)grads + i * k : NULL;
        double sums[2] = {0, 0};
        for (ptrdiff_t at = 0; at < k; at += LOSS_CHUNK) F(overlap_sums)(o, k - at < LOSS_CHUNK ? k - at : LOSS_CHUNK, y + at, p + at, sums);
        const double whole = sums[0] + sums[1] + o->smooth, value = whole > 0 || whole != whole ? sums[0] / whole : 0;
        const double own = factor * (weight ? (double)((const real *)weight)[i] : 1), scale = whole > 0 && own != 0 ? own / whole : 0;
        ((real *)values)[i] = (real)value;
        const real loss = (real)value, unit = (real)scale;
        if (g)
            FO_SIMD for (ptrdiff_t j = 0; j < k; j++) {
                const F(two_shares) s = F(two_shares_of)(p[j]);
                const F(overlap) one = F(overlap_of)(o, y[j], s);
                g[j] = unit * (one.slope - loss * one.growth) * (s.share * s.others);
            }
    }
}
