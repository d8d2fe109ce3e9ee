/* batch_errors.h: mini-batches: from the predictions of the rows of a chunk to their factors in the gradient, the values of
 * their losses, and averages of weights.  Used by _sgd/batch/rows.pyx; knows nothing of columns. */

/* what row i counts, its class included where y is the number of one */
FO_INLINE double F(batch_row_weight)(const fo_errors *e, ptrdiff_t i, const real *y, const real *weight, double factor) {
    const double row = factor * (weight ? (double)weight[i] : 1);
    return fo_couples(&e->loss) && e->class_weight ? row * e->class_weight[2 * (ptrdiff_t)y[i * e->k] + 1] : row;
}

/* what y counts in output j, whose classes are apart from those of the others */
FO_INLINE double F(batch_own_weight)(const fo_errors *e, ptrdiff_t j, real y) {
    return fo_couples(&e->loss) || !e->class_weight ? 1 : e->class_weight[2 * j + (y > 0)];
}

/* what the class of a row, or the output's y, multiplies c with */
FO_INLINE void F(batch_weigh)(const fo_errors *e, const ptrdiff_t k, ptrdiff_t n, const real *y, const real *weight,
                              double factor, real *c) {
    for (ptrdiff_t i = 0; i < n; i++) {
        const double row = F(batch_row_weight)(e, i, y, weight, factor);
        for (ptrdiff_t j = 0; j < k; j++) {
            const real limit = R(1e12), g = e->unit ? c[i * k + j] / (real)e->unit[j] : c[i * k + j];
            const real cut = g > limit ? limit : g < -limit ? -limit : g;
            c[i * k + j] = F(weighed)((real)(row * F(batch_own_weight)(e, j, y[i * k + j])), cut);
        }
    }
}

/* predictions within their range; nan stays nan */
FO_INLINE void F(batch_cut)(const fo_errors *e, ptrdiff_t n, real *p) {
    for (ptrdiff_t j = 0; j < e->k; j++) {
        const real low = (real)e->range[2 * j], high = (real)e->range[2 * j + 1];
        for (ptrdiff_t i = j; i < n * e->k; i += e->k) p[i] = p[i] < low ? low : p[i] > high ? high : p[i];
    }
}

/* k outputs: a constant where there is one, as a loop of one round a row costs more than the row */
FO_INLINE void F(batch_errors_loop)(const ptrdiff_t k, const fo_errors *e, ptrdiff_t n, ptrdiff_t blocks, ptrdiff_t stride,
                                    const void *sums, const void *targets, const void *weight, double factor, void *raw,
                                    void *factors, double *restrict g_b) {
    const real *y = targets, *s = sums;
    real *p = raw, *c = factors;
    for (ptrdiff_t i = 0; i < n * k; i++) {
        real sum = s[i];
        for (ptrdiff_t block = 1; block < blocks; block++) sum += s[block * stride + i];
        p[i] = sum;
    }
    for (ptrdiff_t i = 0; i < n; i++)
        for (ptrdiff_t j = 0; j < k; j++) p[i * k + j] += (real)e->b[j];
    if (e->range) F(batch_cut)(e, n, p);
    if (fo_couples(&e->loss)) F(row_grads)(&e->loss, n, k, y, p, c);
    else F(loss_grads_loop)(&e->loss, n * k, y, p, c);
    F(batch_weigh)(e, k, n, y, weight, factor, c);
    for (ptrdiff_t i = 0; i < n; i++)
        for (ptrdiff_t j = 0; j < k; j++) g_b[j] += (double)c[i * k + j];
}

FO_KERNEL void F(batch_errors)(const fo_errors *e, ptrdiff_t n, ptrdiff_t blocks, ptrdiff_t stride, const void *sums,
                            const void *targets, const void *weight, double factor, void *raw, void *factors, double *g_b) {
    if (e->k == 1) F(batch_errors_loop)(1, e, n, blocks, stride, sums, targets, weight, factor, raw, factors, g_b);
    else F(batch_errors_loop)(e->k, e, n, blocks, stride, sums, targets, weight, factor, raw, factors, g_b);
}

FO_KERNEL double F(batch_values)(const fo_errors *e, ptrdiff_t n, const void *y, void *p) {
    double sum = 0;
    if (fo_couples(&e->loss)) {
        real value[LOSS_CHUNK];
        for (ptrdiff_t first = 0; first < n; first += LOSS_CHUNK) {
            const ptrdiff_t m = n - first < LOSS_CHUNK ? n - first : LOSS_CHUNK, at = first * e->k;
            F(row_values)(&e->loss, m, e->k, (const real *)y + at, (const real *)p + at, value);
            for (ptrdiff_t i = 0; i < m; i++) sum += (double)value[i];
        }
        return sum;
    }
    F(loss_values)(&e->loss, n * e->k, y, p);
    for (ptrdiff_t i = 0; i < n * e->k; i++) sum += (double)((const real *)p)[i];
    return sum / (double)e->k;
}

/* row after row, so that the sum does not depend on where chunks end */
FO_KERNEL void F(batch_objective)(const fo_errors *e, ptrdiff_t n, const void *targets, const void *weight, const void *raw,
                               void *scratch, double *sum) {
    const ptrdiff_t k = e->k;
    const real *y = targets;
    real *value = scratch;
    const int coupled = fo_couples(&e->loss);
    if (coupled) F(row_values)(&e->loss, n, k, y, raw, value);
    else {
        memcpy(value, raw, (size_t)(n * k) * sizeof(real));
        F(loss_values)(&e->loss, n * k, y, value);
    }
    for (ptrdiff_t i = 0; i < n; i++) {
        double row = 0;
        if (coupled) row = (double)value[i];
        else
            for (ptrdiff_t j = 0; j < k; j++) row += F(batch_own_weight)(e, j, y[i * k + j]) * (double)value[i * k + j];
        const double own = F(batch_row_weight)(e, i, y, weight, 1);
        *sum += own != 0 ? own * row : 0;
    }
}

FO_KERNEL void F(average)(ptrdiff_t n, double share, const void *weights, void *averages) {
    const real *restrict w = weights;
    real *restrict mean = averages;
    const real factor = (real)share;
    FO_SIMD
    for (ptrdiff_t i = 0; i < n; i++) mean[i] = F(fma_)(factor, w[i] - mean[i], mean[i]);
}
