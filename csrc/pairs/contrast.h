/* contrast.h: telling which row of one kind belongs to each of another, by a square of similarities whose diagonal has those that do.  Rows and,
 * where both ways are wanted, columns are softmaxes; columns are treated side by side, so that the square is never turned.  Knows exponentials.h. */

/* largest[j] and Σ_i exp(s[i, j] − largest[j]) of each column; float sums go no further than FLUSH rows */
FO_INLINE void F(column_sums_of)(ptrdiff_t n, const real *restrict s, real *restrict largest, real *restrict part, double *restrict sums) {
    enum { FLUSH = 256 };
    memcpy(largest, s, (size_t)n * sizeof(real));
    for (ptrdiff_t i = 1; i < n; i++) {
        FO_SIMD
        for (ptrdiff_t j = 0; j < n; j++) largest[j] = F(max_)(largest[j], s[i * n + j]);
    }
    memset(sums, 0, (size_t)n * sizeof(double));
    memset(part, 0, (size_t)n * sizeof(real));
    for (ptrdiff_t i = 0; i < n; i++) {
        FO_SIMD
        for (ptrdiff_t j = 0; j < n; j++) part[j] += F(exp_)(s[i * n + j] - largest[j]);
        if (i % FLUSH == FLUSH - 1 || i == n - 1)
            for (ptrdiff_t j = 0; j < n; j++) {
                sums[j] += (double)part[j];
                part[j] = 0;
            }
    }
}

/* The mean of log Σ_j exp(s_ij) − s_ii over rows and, of `both`, of that and the one over columns; slope (n, n): its derivative in s.  scratch: 3n
 * doubles, of `both`. */
FO_KERNEL double F(pairs_contrast)(ptrdiff_t n, int both, const void *similarities, void *scratch, void *slopes) {
    const real *restrict s = similarities;
    real *restrict slope = slopes;
    double *sums = scratch, value = 0;
    real *largest = (real *)(sums + n), *share = largest + n;
    const real each = (both ? R(0.5) : 1) / (real)n;
    if (both) {
        F(column_sums_of)(n, s, largest, share, sums);
        for (ptrdiff_t j = 0; j < n; j++) {
            value += log(sums[j]) + (double)largest[j] - (double)s[j * n + j];
            share[j] = (real)((double)each / sums[j]);
        }
    }
    for (ptrdiff_t i = 0; i < n; i++) {
        const real *row = s + i * n;
        real *to = slope + i * n, top;
        const double sum = F(exponentials)(n, row, &top, to);
        const real factor = (real)((double)each / sum);
        value += log(sum) + (double)top - (double)row[i];
        if (both) {
            FO_SIMD
            for (ptrdiff_t j = 0; j < n; j++) to[j] = F(fma_)(factor, to[j], share[j] * F(exp_)(row[j] - largest[j]));
        } else {
            FO_SIMD
            for (ptrdiff_t j = 0; j < n; j++) to[j] *= factor;
        }
        to[i] -= 1 / (real)n;
    }
    return value / (double)n / (both ? 2 : 1);
}
