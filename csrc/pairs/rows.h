/* rows.h: rows on the unit sphere and the way back of derivatives; distances of rows one by one. */

FO_INLINE real F(row_product)(ptrdiff_t d, const real *restrict a, const real *restrict b) {
    real sum = 0;
    FO_SIMD_SUM(sum)
    for (ptrdiff_t j = 0; j < d; j++) sum += a[j] * b[j];
    return sum;
}

/* squares are taken over the largest element: none overflows */
FO_INLINE void F(normalize_row)(ptrdiff_t d, const real *restrict x, real *restrict out, real *inverse) {
    real top = 0, sum = 0;
    FO_SIMD_MAX(top)
    for (ptrdiff_t j = 0; j < d; j++) top = F(max_)(top, F(abs_)(x[j]));
    const real divisor = top > 0 ? top : 1;
    FO_SIMD_SUM(sum)
    for (ptrdiff_t j = 0; j < d; j++) {
        out[j] = x[j] / divisor;
        sum += out[j] * out[j];
    }
    const real size = sum > 0 ? 1 / F(sqrt_)(sum) : 0;
    for (ptrdiff_t j = 0; j < d; j++) out[j] *= size;
    *inverse = F(min_)(size / divisor, FO_LARGEST_POWER);
}

FO_KERNEL void F(rows_normalize)(ptrdiff_t n, ptrdiff_t d, const void *x, void *out, void *inverse) {
    for (ptrdiff_t i = 0; i < n; i++) F(normalize_row)(d, (const real *)x + i * d, (real *)out + i * d, (real *)inverse + i);
}

FO_KERNEL void F(rows_back)(ptrdiff_t n, ptrdiff_t d, const void *unit, const void *inverse, void *gradient) {
    for (ptrdiff_t i = 0; i < n; i++) {
        const real *restrict u = (const real *)unit + i * d, size = ((const real *)inverse)[i];
        real *restrict g = (real *)gradient + i * d;
        const real along = F(row_product)(d, g, u);
        FO_SIMD
        for (ptrdiff_t j = 0; j < d; j++) g[j] = (g[j] - u[j] * along) * size;
    }
}

FO_INLINE real F(row_square)(ptrdiff_t d, const real *restrict a, const real *restrict b) {
    real sum = 0;
    FO_SIMD_SUM(sum)
    for (ptrdiff_t j = 0; j < d; j++) sum += (a[j] - b[j]) * (a[j] - b[j]);
    return sum;
}

FO_KERNEL void F(rows_distances)(int distance, ptrdiff_t n, ptrdiff_t d, const void *a, const void *b, void *out) {
    for (ptrdiff_t i = 0; i < n; i++) {
        const real *left = (const real *)a + i * d, *right = (const real *)b + i * d;
        const real found = distance < FO_DISTANCE_COSINE ? F(row_square)(d, left, right)
                                                         : (distance == FO_DISTANCE_COSINE) - F(row_product)(d, left, right);
        ((real *)out)[i] = distance == FO_DISTANCE_EUCLIDEAN ? F(sqrt_)(found) : found;
    }
}

/* of two equal rows, the Euclidean distance has the derivative 0 */
FO_KERNEL void F(rows_distances_back)(int distance, ptrdiff_t n, ptrdiff_t d, const void *a, const void *b, const void *distances,
                                      const void *slopes, void *in_a, void *in_b) {
    for (ptrdiff_t i = 0; i < n; i++) {
        const real *restrict left = (const real *)a + i * d, *restrict right = (const real *)b + i * d;
        real *restrict in_left = (real *)in_a + i * d, *restrict in_right = (real *)in_b + i * d;
        const real slope = ((const real *)slopes)[i], apart = ((const real *)distances)[i];
        if (distance >= FO_DISTANCE_COSINE) {
            FO_SIMD
            for (ptrdiff_t j = 0; j < d; j++) {
                in_left[j] -= slope * right[j];
                in_right[j] -= slope * left[j];
            }
            continue;
        }
        const real factor = distance == FO_DISTANCE_SQUARED ? 2 * slope : apart > 0 ? slope / apart : 0;
        FO_SIMD
        for (ptrdiff_t j = 0; j < d; j++) {
            const real pull = factor * (left[j] - right[j]);
            in_left[j] += pull;
            in_right[j] -= pull;
        }
    }
}
