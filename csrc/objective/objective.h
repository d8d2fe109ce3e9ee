/* objective.h: an objective over a whole data set: from the predictions of a block of rows to values, to the factors of the rows
 * in the gradient and in products with the Hessian; and the way of weights and gradients between their user, in double, and X.
 * Used by objective/_objective.pyx, which reads X by the loops of batch.h; knows nothing of threads. */

/* sum_j += Σ_i c[i, j] */
FO_INLINE void F(add_outputs)(ptrdiff_t n, ptrdiff_t k, const real *c, double *sum) {
    if (k == 1)
        for (ptrdiff_t i = 0; i < n; i += LOSS_CHUNK)
            sum[0] += (double)F(loss_sum)(n - i < LOSS_CHUNK ? n - i : LOSS_CHUNK, NULL, c + i);
    else
        for (ptrdiff_t i = 0; i < n; i++)
            for (ptrdiff_t j = 0; j < k; j++) sum[j] += (double)c[i * k + j];
}

/* p[i, j] += b[j] */
FO_KERNEL void F(objective_shift)(ptrdiff_t n, ptrdiff_t k, const double *b, void *predictions) {
    real *restrict p = predictions;
    if (k == 1) {
        const real b0 = (real)b[0];
        FO_SIMD
        for (ptrdiff_t i = 0; i < n; i++) p[i] += b0;
    } else {
        for (ptrdiff_t i = 0; i < n; i++)
            for (ptrdiff_t j = 0; j < k; j++) p[i * k + j] += (real)b[j];
    }
}

/* Σ weight·loss of n samples from the i-th on at p (n, k), c = factor·weight·loss'.  The last few are done as a whole vector,
 * since the loops over losses are: the samples that are added have no weight. */
FO_INLINE double F(errors_of)(const fo_samples *s, ptrdiff_t i, ptrdiff_t n, const real *p, real *c) {
    if (fo_couples(&s->loss)) return F(row_errors)(s, i, n, p, c);
    const ptrdiff_t size = n * s->k, rest = size % VLEN, whole = size - rest;
    const real *y = (const real *)s->y + i * s->k, *weight = s->weight ? (const real *)s->weight + i * s->k : NULL;
    double value = F(loss_block)(&s->loss, whole, y, p, weight, s->factor, NULL, c);
    if (rest) {
        real last[4][64 / sizeof(real)] = {{0}}; /* y, p, weight, c */
        for (ptrdiff_t at = 0; at < rest; at++) {
            last[0][at] = y[whole + at];
            last[1][at] = p[whole + at];
            last[2][at] = weight ? weight[whole + at] : 1;
        }
        value += F(loss_block)(&s->loss, VLEN, last[0], last[1], last[2], s->factor, NULL, last[3]);
        memcpy(c + whole, last[3], (size_t)rest * sizeof(real));
    }
    return value;
}

FO_KERNEL double F(objective_errors)(const fo_samples *s, ptrdiff_t i, ptrdiff_t n, const double *b, void *predictions,
                                  void *factors, double *sum) {
    real *p = predictions, *c = factors;
    if (b) F(objective_shift)(n, s->k, b, p);
    const double value = F(errors_of)(s, i, n, p, c);
    if (sum) F(add_outputs)(n, s->k, c, sum);
    return value;
}

/* ---- products with the Hessian ---- */

/* h = factor·weight·loss'' of m <= LOSS_CHUNK numbers; rounded up to whole vectors in h and on the way, since the loops are */
FO_INLINE void F(curvatures_of)(const fo_samples *s, ptrdiff_t m, const real *y, const real *p, const real *weight, real *h) {
    real targets[LOSS_CHUNK], last[LOSS_CHUNK];
    const ptrdiff_t whole = (m + VLEN - 1) / VLEN * VLEN;
    const real *seen = F(loss_targets)(&s->loss, m, y, targets);
    if (whole > m) {
        if (seen != targets) memcpy(targets, seen, (size_t)m * sizeof(real));
        memcpy(last, p, (size_t)m * sizeof(real));
        for (ptrdiff_t i = m; i < whole; i++) targets[i] = last[i] = 0;
        seen = targets;
        p = last;
    }
    F(loss_hessians)(&s->loss, whole, seen, p, h);
    F(loss_scale)(m, weight, (real)s->factor, h);
}

FO_KERNEL void F(objective_curvature)(const fo_samples *s, ptrdiff_t i, ptrdiff_t n, const double *b, const void *predictions,
                                   void *products, void *factors, double *sum) {
    const ptrdiff_t k = s->k, size = n * k;
    const real *p = predictions, *y = s->y, *weight = s->weight;
    real *q = products, *c = factors, h[LOSS_CHUNK];
    if (b) F(objective_shift)(n, k, b, q);
    if (fo_couples(&s->loss)) F(row_products)(s, i, n, p, q, c);
    for (ptrdiff_t at = 0; !fo_couples(&s->loss) && at < size; at += LOSS_CHUNK) {
        const ptrdiff_t m = size - at < LOSS_CHUNK ? size - at : LOSS_CHUNK, own = i * k + at;
        F(curvatures_of)(s, m, y + own, p + at, weight ? weight + own : NULL, h);
        FO_SIMD
        for (ptrdiff_t j = 0; j < m; j++) c[at + j] = F(weighed)(h[j], q[at + j]);
    }
    F(add_outputs)(n, k, c, sum);
}

/* ---- along a line ---- */

FO_KERNEL double F(objective_line)(const fo_samples *s, ptrdiff_t i, ptrdiff_t n, double step, const void *predictions,
                                const void *products, void *scratch, double *slope) {
    const ptrdiff_t k = s->k, size = n * k;
    const real *p = predictions, *q = products, t = (real)step;
    real *z = scratch, *c = z + size;
    double value, sum = 0;
    FO_SIMD
    for (ptrdiff_t j = 0; j < size; j++) z[j] = F(fma_)(t, q[j], p[j]);
    value = F(errors_of)(s, i, n, z, c);
    for (ptrdiff_t at = 0; at < size; at += LOSS_CHUNK)
        sum += (double)F(loss_sum)(size - at < LOSS_CHUNK ? size - at : LOSS_CHUNK, c + at, q + at);
    *slope += sum;
    return value;
}

/* p ← p + step·q */
FO_KERNEL void F(objective_move)(ptrdiff_t n, double step, const void *products, void *predictions) {
    const real *restrict q = products, t = (real)step;
    real *restrict p = predictions;
    FO_SIMD
    for (ptrdiff_t i = 0; i < n; i++) p[i] = F(fma_)(t, q[i], p[i]);
}

/* ---- gradients of CSR rows, summed in double: no block is too long for it, and none has a gradient of its own to add up ---- */

FO_INLINE void F(objective_scatter_row)(const int layout, F(row) x, real c, double *g) {
    ptrdiff_t at = 0;
    for (; at + 4 <= x.m; at += 4) { /* all that is read before what is written: for all the compiler knows it is the same memory */
        double *to[4], value[4];
        FO_UNROLL for (int j = 0; j < 4; j++) {
            to[j] = g + column(layout, x.columns, at + j);
            value[j] = (double)c * (double)x.x[at + j];
        }
        FO_UNROLL for (int j = 0; j < 4; j++) *to[j] += value[j];
    }
    for (; at < x.m; at++) g[column(layout, x.columns, at)] += (double)c * (double)x.x[at];
}

FO_INLINE void F(objective_scatter_loop)(const int layout, const fo_matrix *X, const fo_chunk *chunk, const real *c, double *g) {
    const ptrdiff_t k = chunk->k;
    for (ptrdiff_t i = 0; i < chunk->n; i++) {
        const F(row) x = F(row_of)(layout, X, chunk->rows[i]);
        const real *own = c + i * k;
        if (k == 1) F(objective_scatter_row)(layout, x, own[0], g);
        for (ptrdiff_t at = 0; k > 1 && at < x.m; at++) {
            double *to = g + column(layout, x.columns, at) * chunk->feature_stride;
            const double value = (double)x.x[at];
            for (ptrdiff_t j = 0; j < k; j++) to[j] += value * (double)own[j];
        }
    }
}

FO_KERNEL void F(objective_scatter)(const fo_matrix *X, const fo_chunk *chunk, const void *c, double *g) {
    if (X->layout == FO_CSR32) F(objective_scatter_loop)(FO_CSR32, X, chunk, c, g);
    else F(objective_scatter_loop)(FO_CSR64, X, chunk, c, g);
}

/* ---- products with the Hessian of squared errors: what a CSR row adds depends on no other, so that a row is read once ---- */

FO_INLINE double F(objective_squares_loop)(const int layout, const fo_matrix *X, const fo_chunk *chunk, const fo_samples *s,
                                           ptrdiff_t i, const real *w, real b, double *g) {
    const real *weight = s->weight ? (const real *)s->weight + i : NULL, factor = (real)s->factor;
    double sum = 0;
    for (ptrdiff_t r = 0; r < chunk->n; r++) {
        const F(row) x = F(row_of)(layout, X, chunk->rows[r]);
        const F(row) ahead = r < chunk->n_next ? F(row_of)(layout, X, chunk->next[r]) : (F(row)){0};
        const real c = F(weighed)(weight ? factor * weight[r] : factor, F(dot_csr)(layout, x, w, ahead) + b);
        F(objective_scatter_row)(layout, x, c, g);
        sum += (double)c;
    }
    return sum;
}

FO_KERNEL double F(objective_squares)(const fo_matrix *X, const fo_chunk *chunk, const fo_samples *s, ptrdiff_t i, const void *w,
                                   double b, double *g) {
    if (X->layout == FO_CSR32) return F(objective_squares_loop)(FO_CSR32, X, chunk, s, i, w, (real)b, g);
    return F(objective_squares_loop)(FO_CSR64, X, chunk, s, i, w, (real)b, g);
}

/* ---- X by columns: the rows of the kernels are its columns ---- */

/* g[f, j] = Σ_i c[i, j]·x_i over the values of each column, in double every so many */
FO_INLINE void F(objective_gather_loop)(const int layout, const fo_matrix *X, const fo_chunk *chunk, const real *c, double *g) {
    enum { SEGMENT = 4096 };
    const ptrdiff_t k = chunk->k;
    real part[64 / sizeof(real)];
    for (ptrdiff_t f = 0; f < chunk->n; f++) {
        const F(row) x = F(row_of)(layout, X, f);
        for (ptrdiff_t j = 0; j < k; j++) g[f * k + j] = 0;
        for (ptrdiff_t at = 0; at < x.m; at += SEGMENT) {
            const ptrdiff_t m = x.m - at < SEGMENT ? x.m - at : SEGMENT;
            const F(row) segment = {x.x + at, (const char *)x.columns + at * (layout == FO_CSR32 ? 4 : 8), m};
            if (k == 1) {
                g[f] += (double)F(dot_csr)(layout, segment, c, (F(row)){0});
                continue;
            }
            for (ptrdiff_t j = 0; j < k; j += VLEN) { /* a vector of outputs at a time */
                fo_chunk some = *chunk;
                some.k = k - j < VLEN ? k - j : VLEN;
                F(batch_dot_csr)(layout, &some, segment, c + j, part);
                for (ptrdiff_t t = 0; t < some.k; t++) g[f * k + j + t] += (double)part[t];
            }
        }
    }
}

FO_KERNEL void F(objective_gather)(const fo_matrix *X, const fo_chunk *chunk, const void *c, double *g) {
    if (X->layout == FO_CSR32) F(objective_gather_loop)(FO_CSR32, X, chunk, c, g);
    else F(objective_gather_loop)(FO_CSR64, X, chunk, c, g);
}

/* to (k, n) = from (n, k) */
FO_KERNEL void F(objective_transpose)(ptrdiff_t n, ptrdiff_t k, const void *matrix, void *transposed) {
    const real *from = matrix;
    real *to = transposed;
    for (ptrdiff_t j = 0; j < k; j++)
        for (ptrdiff_t i = 0; i < n; i++) to[j * n + i] = from[i * k + j];
}

/* ---- weights in, gradients out ---- */

/* w = weights·scale where X finds them; shift[j] = −Σ w·centre */
FO_KERNEL void F(objective_enter)(const fo_weights *layout, const double *weights, void *out, double *shift) {
    const double *scale = layout->scale, *centre = layout->centre;
    real *w = out;
    for (ptrdiff_t j = 0; j < layout->k; j++) {
        const double *from = weights + j * layout->d;
        real *to = w + j * layout->output_stride;
        double sum = 0;
        if (layout->feature_stride == 1 && !scale) {
            FO_SIMD
            for (ptrdiff_t f = 0; f < layout->d; f++) to[f] = (real)from[f];
        } else {
            for (ptrdiff_t f = 0; f < layout->d; f++)
                to[f * layout->feature_stride] = (real)(scale ? from[f] / scale[f] : from[f]);
        }
        for (ptrdiff_t f = 0; centre && f < layout->d; f++) sum += (double)to[f * layout->feature_stride] * centre[f];
        shift[j] = -sum;
    }
}

/* total += g, g ← 0 */
FO_KERNEL void F(objective_flush)(ptrdiff_t n, void *gradient, double *restrict total) {
    real *restrict g = gradient;
    FO_SIMD
    for (ptrdiff_t i = 0; i < n; i++) {
        total[i] += (double)g[i];
        g[i] = 0;
    }
}

#if !REAL_IS_FLOAT
/* the first of `parts` arrays of n, `stride` apart, becomes their sum, in their order */
FO_KERNEL void objective_combine(ptrdiff_t parts, ptrdiff_t stride, ptrdiff_t n, double *sums) {
    for (ptrdiff_t part = 1; part < parts; part++) {
        const double *restrict from = sums + part * stride;
        double *restrict to = sums;
        FO_SIMD
        for (ptrdiff_t i = 0; i < n; i++) to[i] += from[i];
    }
}

/* g (k, d) of the user from sums where X left them and sums of factors: (sums − centre·Σ c)/scale + l2·w; returns ‖w‖² */
FO_KERNEL double objective_leave(const fo_weights *layout, const double *sums, const double *c_sum, double l2, const double *w,
                              double *g) {
    const double *scale = layout->scale, *centre = layout->centre;
    const ptrdiff_t d = layout->d;
    for (ptrdiff_t j = 0; j < layout->k; j++) {
        const double *from = sums + j * layout->output_stride;
        if (!scale && layout->feature_stride == 1) {
            FO_SIMD
            for (ptrdiff_t f = 0; f < d; f++) g[j * d + f] = from[f] + l2 * w[j * d + f];
            continue;
        }
        for (ptrdiff_t f = 0; f < d; f++) {
            const double sum = from[f * layout->feature_stride] - (centre ? centre[f] * c_sum[j] : 0);
            g[j * d + f] = (scale ? sum / scale[f] : sum) + l2 * w[j * d + f];
        }
    }
    return fo_square_sum_f64(layout->k * d, w);
}
#endif
