/* softmax.h: the softmax of a row of k predictions and its cross-entropy: shares, log Σ exp, and the first two derivatives in the
 * predictions.  Used by losses over arrays, by objectives and their Hessians, and by mini-batches; knows neither weights nor rows.
 * Exponentials are those of distances from the largest prediction, so that none overflows.  Those of shares are summed in their order,
 * so that shares and gradients do not depend on the width of the registers. */

/* the largest prediction, and Σ exp(p − largest) */
typedef struct { real largest, sum; } F(exp_sum);

FO_INLINE real F(largest_of)(ptrdiff_t k, const real *p) {
    real largest = p[0];
    for (ptrdiff_t j = 1; j < k; j++) largest = p[j] > largest ? p[j] : largest;
    return largest;
}

/* π = softmax(p) */
FO_INLINE F(exp_sum) F(softmax_shares)(ptrdiff_t k, const real *restrict p, real *restrict share) {
    const real largest = F(largest_of)(k, p);
    real sum = 0;
    FO_SIMD
    for (ptrdiff_t j = 0; j < k; j++) share[j] = F(exp_)(p[j] - largest);
    for (ptrdiff_t j = 0; j < k; j++) sum += share[j];
    FO_SIMD
    for (ptrdiff_t j = 0; j < k; j++) share[j] /= sum;
    return (F(exp_sum)){largest, sum};
}

/* c = π − t, where t_y = 1 − smoothing, y being the number of the class, and all t_j have smoothing/k beside; returns the loss
 * log Σ exp(p) − t·p */
FO_INLINE real F(softmax_class_error)(ptrdiff_t k, ptrdiff_t y, real smoothing, const real *restrict p, real *restrict c) {
    const F(exp_sum) s = F(softmax_shares)(k, p, c);
    const real own = p[y] - s.largest;
    if (smoothing == 0) {
        c[y] -= 1;
        return F(log_)(s.sum) - own;
    }
    const real each = smoothing / (real)k;
    real sum = 0;
    for (ptrdiff_t j = 0; j < k; j++) sum += p[j] - s.largest;
    for (ptrdiff_t j = 0; j < k; j++) c[j] -= each;
    c[y] -= 1 - smoothing;
    return F(log_)(s.sum) - F(fma_)(each, sum, (1 - smoothing) * own);
}

#ifndef FO_SOFTMAX_ONCE
#define FO_SOFTMAX_ONCE
#define SOFTMAX_PIECE 32   /* rows that are treated side by side */
#define SOFTMAX_NARROW 16  /* classes up to which that is faster: registers are full */
#define SOFTMAX_FEW 4      /* rows up to which it is not */
#endif

/* Of m samples, whose k predictions lie `apart`: the largest, exp(p − largest) in the place of p, and its sum; loops over samples, in place of loops
 * over classes, which are too short where k is small.  The numbers are those of rows, as sums run in the same order. */
FO_INLINE void F(exps_side_by_side)(ptrdiff_t m, ptrdiff_t k, ptrdiff_t apart, real *restrict p, real *restrict largest, real *restrict sum) {
    memcpy(largest, p, (size_t)m * sizeof(real));
    for (ptrdiff_t j = 1; j < k; j++)
        FO_SIMD for (ptrdiff_t i = 0; i < m; i++) largest[i] = p[j * apart + i] > largest[i] ? p[j * apart + i] : largest[i];
    memset(sum, 0, (size_t)m * sizeof(real));
    for (ptrdiff_t j = 0; j < k; j++)
        FO_SIMD for (ptrdiff_t i = 0; i < m; i++) {
            const real e = F(exp_)(p[j * apart + i] - largest[i]);
            p[j * apart + i] = e;
            sum[i] += e;
        }
}

/* softmax_class_error of m rows of a piece, side by side.  Class numbers lie `width` apart. */
FO_INLINE void F(softmax_class_piece)(ptrdiff_t m, ptrdiff_t k, const real *y, ptrdiff_t width, real smoothing, const real *restrict p, real *restrict c,
                                      real *restrict value) {
    real e[SOFTMAX_NARROW * SOFTMAX_PIECE], largest[SOFTMAX_PIECE], sum[SOFTMAX_PIECE], all[SOFTMAX_PIECE] = {0};
    for (ptrdiff_t i = 0; i < m; i++)
        for (ptrdiff_t j = 0; j < k; j++) e[j * SOFTMAX_PIECE + i] = p[i * k + j];
    F(exps_side_by_side)(m, k, SOFTMAX_PIECE, e, largest, sum);
    const real each = smoothing / (real)k;
    for (ptrdiff_t j = 0; j < k; j++)
        FO_SIMD for (ptrdiff_t i = 0; i < m; i++) e[j * SOFTMAX_PIECE + i] = e[j * SOFTMAX_PIECE + i] / sum[i] - each;
    for (ptrdiff_t i = 0; i < m; i++) {
        for (ptrdiff_t j = 0; j < k; j++) c[i * k + j] = e[j * SOFTMAX_PIECE + i];
        const ptrdiff_t own = i * k + (ptrdiff_t)y[i * width];
        c[own] -= 1 - smoothing;
        value[i] = p[own] - largest[i];
        for (ptrdiff_t j = 0; smoothing != 0 && j < k; j++) all[i] += p[i * k + j] - largest[i];
    }
    if (smoothing == 0)
        FO_SIMD for (ptrdiff_t i = 0; i < m; i++) value[i] = F(log_)(sum[i]) - value[i];
    else
        FO_SIMD for (ptrdiff_t i = 0; i < m; i++) value[i] = F(log_)(sum[i]) - F(fma_)(each, all[i], (1 - smoothing) * value[i]);
}

/* the same of up to a piece of rows, of any number of classes */
FO_INLINE void F(softmax_class_errors)(ptrdiff_t m, ptrdiff_t k, const real *y, ptrdiff_t width, real smoothing, const real *p, real *c, real *value) {
    if (k <= SOFTMAX_NARROW && m > SOFTMAX_FEW) {
        F(softmax_class_piece)(m, k, y, width, smoothing, p, c, value);
        return;
    }
    for (ptrdiff_t i = 0; i < m; i++) value[i] = F(softmax_class_error)(k, (ptrdiff_t)y[i * width], smoothing, p + i * k, c + i * k);
}

/* that loss alone; exponentials are nowhere kept, so that they are summed as they come */
FO_INLINE real F(softmax_class_value)(ptrdiff_t k, ptrdiff_t y, real smoothing, const real *p) {
    const real largest = F(largest_of)(k, p), own = p[y] - largest;
    real exps = 0, sum = 0;
    FO_SIMD_SUM(exps)
    for (ptrdiff_t j = 0; j < k; j++) exps += F(exp_)(p[j] - largest);
    if (smoothing == 0) return F(log_)(exps) - own;
    for (ptrdiff_t j = 0; j < k; j++) sum += p[j] - largest;
    return F(log_)(exps) - F(fma_)(smoothing / (real)k, sum, (1 - smoothing) * own);
}

/* c_j = π_j·(q_j − Σ π·q): the product of the second derivatives with a direction q */
FO_INLINE void F(softmax_product)(ptrdiff_t k, const real *restrict p, const real *restrict q, real *restrict c) {
    real mean = 0;
    F(softmax_shares)(k, p, c);
    for (ptrdiff_t j = 0; j < k; j++) mean += c[j] * q[j];
    FO_SIMD
    for (ptrdiff_t j = 0; j < k; j++) c[j] *= q[j] - mean;
}

/* p ← softmax(p) of n samples, whose k predictions lie n apart */
FO_KERNEL void F(softmax_columns)(ptrdiff_t n, ptrdiff_t k, void *predictions) {
    enum { PIECE = 64 };
    real largest[PIECE], sum[PIECE];
    for (ptrdiff_t first = 0; first < n; first += PIECE) {
        real *restrict p = (real *)predictions + first;
        const ptrdiff_t m = n - first < PIECE ? n - first : PIECE;
        F(exps_side_by_side)(m, k, n, p, largest, sum);
        for (ptrdiff_t j = 0; j < k; j++)
            FO_SIMD for (ptrdiff_t i = 0; i < m; i++) p[j * n + i] /= sum[i];
    }
}
