/* cosine.h: the cosine of two rows, and its derivatives in both.  Knows real.h alone.  Rows are divided by their largest elements and added up in
 * double, so that no square over- or underflows; a row of zeros has no direction: its cosine is 0, and so are its derivatives. */

/* 1 over the largest size in a row, 0 where that is 0 */
FO_INLINE double F(row_inverse)(ptrdiff_t d, const real *x) {
    real largest = 0;
    FO_SIMD_MAX(largest)
    for (ptrdiff_t j = 0; j < d; j++) largest = F(max_)(F(abs_)(x[j]), largest);
    const double inverse = 1 / (double)(largest > 0 ? largest : 1);
    return largest > 0 ? (inverse < 0x1p1023 ? inverse : 0x1p1023) : 0; /* of subnormal ones */
}

/* Σ (a·x)·(b·y), always in the same order */
FO_INLINE double F(row_product)(ptrdiff_t d, double a, const real *x, double b, const real *y) {
    double s[8] = {0};
    ptrdiff_t j = 0;
    for (; j + 8 <= d; j += 8)
        FO_UNROLL for (int lane = 0; lane < 8; lane++) s[lane] += (a * (double)x[j + lane]) * (b * (double)y[j + lane]);
    for (; j < d; j++) s[j % 8] += (a * (double)x[j]) * (b * (double)y[j]);
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

/* g[j] = (a·x)·scale − (b·y)·rest */
FO_INLINE void F(cosine_slopes)(ptrdiff_t d, double a, const real *restrict x, double scale, double b, const real *restrict y, double rest,
                                real *restrict g) {
    FO_SIMD
    for (ptrdiff_t j = 0; j < d; j++) g[j] = (real)((a * (double)x[j]) * scale - (b * (double)y[j]) * rest);
}

FO_KERNEL double F(cosine)(ptrdiff_t n, ptrdiff_t d, const void *targets, const void *predictions, const void *weights, double factor, void *values,
                           void *in_y, void *in_p) {
    double sum = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        const real *y = (const real *)targets + i * d, *p = (const real *)predictions + i * d;
        const double weight = weights ? (double)((const real *)weights)[i] : 1, a = F(row_inverse)(d, y), b = F(row_inverse)(d, p);
        const double some = a > 0 && b > 0, y_size = some > 0 ? sqrt(F(row_product)(d, a, y, a, y)) : 1;
        const double p_size = some > 0 ? sqrt(F(row_product)(d, b, p, b, p)) : 1;
        const double cosine = F(row_product)(d, a, y, b, p) / (y_size * p_size), share = -factor * weight * some;
        sum -= weight * cosine;
        if (values) ((real *)values)[i] = (real)(-weight * cosine);
        if (in_p == NULL) continue;
        F(cosine_slopes)(d, b, p, share * a / (y_size * p_size), a, y, share * a * cosine / (y_size * y_size), (real *)in_y + i * d);
        F(cosine_slopes)(d, a, y, share * b / (y_size * p_size), b, p, share * b * cosine / (p_size * p_size), (real *)in_p + i * d);
    }
    return sum;
}
