/* layers.h: what a layer does with rows, forward and backward, and the gradient of its weights: products by tile.h, activations by
 * activations.h.  Used by neural_network/_engine, whose threads share rows, or, of the gradient, inputs. */

#if REAL_IS_FLOAT
enum { BYTES_AHEAD = 8192 }; /* of rows that are on their way from memory */
#endif

/* out = activation(z) of n numbers */
FO_KERNEL void F(activate)(const fo_layer *l, ptrdiff_t n, const real *z, real *out) {
    const real alpha = (real)l->alpha;
    if (l->activation == FO_ACTIVATION_identity) return; /* z is out */
    switch (l->activation) {
#define ACTIVATE(name, from) \
    case FO_ACTIVATION_##name: \
        FO_SIMD \
        for (ptrdiff_t i = 0; i < n; i++) out[i] = F(activation_##name)(alpha, z[i]); \
        break;
        FO_ACTIVATIONS(ACTIVATE)
#undef ACTIVATE
    }
}

FO_KERNEL void F(layer_slope)(const fo_layer *l, ptrdiff_t first, ptrdiff_t last) {
    const ptrdiff_t n = (last - first) * l->out_stride;
    const real alpha = (real)l->alpha, *s = (const real *)l->z + first * l->out_stride;
    real *restrict delta = (real *)l->delta + first * l->out_stride;
    if (l->activation == FO_ACTIVATION_identity) return;
    switch (l->activation) {
#define SLOPE(name, from) \
    case FO_ACTIVATION_##name: \
        FO_SIMD \
        for (ptrdiff_t i = 0; i < n; i++) delta[i] *= F(slope_##name)(alpha, s[i]); \
        break;
        FO_ACTIVATIONS(SLOPE)
#undef SLOPE
    }
}

/* z = x·w + b of one unit: rows that follow each other end together */
FO_INLINE void F(forward_unit)(const fo_layer *l, ptrdiff_t first, ptrdiff_t last) {
    enum { TOGETHER = 8 };
    const real b = ((const real *)l->b)[0], *w = l->w;
    real *z = l->z, sums[TOGETHER];
    for (ptrdiff_t i = first; i < last; i += TOGETHER) {
        const ptrdiff_t rows = last - i < TOGETHER ? last - i : TOGETHER;
        const real *x = (const real *)l->x + i * l->in_stride;
        F(vec) s[TOGETHER];
        for (ptrdiff_t r = 0; r < TOGETHER; r++) s[r] = F(vset)(0);
        for (ptrdiff_t k = 0; k < l->inputs; k += VLEN) /* what is behind the last input is 0 in w, and finite in x */
            for (ptrdiff_t r = 0; r < rows; r++) s[r] = F(vfma)(F(vload)(x + r * l->in_stride + k), F(vload)(w + k), s[r]);
        F(vsum_each)(TOGETHER, s, sums);
        for (ptrdiff_t r = 0; r < rows; r++) z[i + r] = b + sums[r];
    }
}

#if REAL_IS_FLOAT
/* 32 bits that look random, of a number.  The constants are C. Wellons' (hash prospector), of least bias */
FO_INLINE uint32_t scramble(uint32_t x) {
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
}
#endif

/* out = what is left of rows of x: an element stays by the key and its place, whoever asks */
FO_KERNEL void F(drop)(const fo_layer *l, ptrdiff_t first, ptrdiff_t last, const real *x, real *out) {
    const uint32_t key = scramble(l->key), begin = (uint32_t)(first * l->in_stride), limit = (uint32_t)(l->dropout * 0x1p24);
    const ptrdiff_t n = (last - first) * l->in_stride;
    const real scale = (real)(1 / (1 - l->dropout));
    FO_SIMD
    for (ptrdiff_t i = 0; i < n; i++) out[i] = scramble((begin + (uint32_t)i) ^ key) >> 8 >= limit ? scale * x[i] : 0;
}

FO_KERNEL void F(layer_forward)(const fo_layer *l, ptrdiff_t first, ptrdiff_t last) {
    const ptrdiff_t stride = l->out_stride, at = first * stride;
    const int relu = l->activation == FO_ACTIVATION_relu && stride > 1;
    if (l->dropout > 0) F(drop)(l, first, last, (const real *)l->whole + first * l->in_stride, (real *)(uintptr_t)l->x + first * l->in_stride);
    if (stride == 1) F(forward_unit)(l, first, last);
    else
        F(tiled)((F(tile)){.depth = l->inputs, .a = (const real *)l->x + first * l->in_stride, .a_row = l->in_stride, .a_column = 1,
                           .b = l->w, .b_stride = stride, .from = l->b, .scale = 1, .c = (real *)l->z + at, .c_stride = stride,
                           .rectifies = relu},
                 last - first, l->units);
    if (!relu) F(activate)(l, (last - first) * stride, (const real *)l->z + at, (real *)l->a + at);
}

FO_KERNEL void F(layer_backward)(const fo_layer *l, ptrdiff_t first, ptrdiff_t last) {
    F(tiled)((F(tile)){.depth = l->units, .a = (const real *)l->delta + first * l->out_stride, .a_row = l->out_stride, .a_column = 1,
                       .b = l->transposed, .b_stride = l->in_stride, .c = (real *)l->below + first * l->in_stride,
                       .c_stride = l->in_stride, .gate = l->gated ? (const real *)l->x + first * l->in_stride : NULL},
             last - first, l->inputs);
    if (l->dropout > 0) F(drop)(l, first, last, (real *)l->below + first * l->in_stride, (real *)l->below + first * l->in_stride);
}

/* out = scale·from + Σ_i weight_i·x_i of n rows of `width` elements, whole vectors: four sums of every fourth row, which need not wait for
 * each other.  from NULL: 0; weighted 0: all weights are 1 */
FO_INLINE void F(sum_rows)(const int weighted, ptrdiff_t n, const real *weight, const real *x, ptrdiff_t stride, ptrdiff_t width,
                           const real *from, real scale, real *out) {
    for (ptrdiff_t j = 0; j < width; j += VLEN) {
        F(vec) s[4] = {F(vset)(0), F(vset)(0), F(vset)(0), F(vset)(0)};
        const real *row = x + j;
        ptrdiff_t i = 0;
        if (from) s[0] = F(vfma)(F(vset)(scale), F(vload)(from + j), s[0]);
        for (; i + 4 <= n; i += 4)
            FO_UNROLL for (int r = 0; r < 4; r++, row += stride)
                s[r] = weighted ? F(vfma)(F(vset)(weight[i + r]), F(vload)(row), s[r]) : F(vadd)(s[r], F(vload)(row));
        for (; i < n; i++, row += stride) s[0] = F(vfma)(F(vset)(weighted ? weight[i] : 1), F(vload)(row), s[0]);
        F(vstore)(out + j, F(vadd)(F(vadd)(s[0], s[1]), F(vadd)(s[2], s[3])));
    }
}

/* b_gradient = the sums of delta over n rows */
FO_INLINE void F(bias_gradient)(const fo_layer *l, ptrdiff_t n, int adds) {
    real *out = l->b_gradient;
    if (l->out_stride > 1) F(sum_rows)(0, n, NULL, l->delta, l->out_stride, l->out_stride, adds ? out : NULL, 1, out);
    else out[0] = (adds ? out[0] : 0) + F(loss_sum)(n, NULL, l->delta);
}

FO_KERNEL void F(layer_gradient)(const fo_layer *l, ptrdiff_t n, double l2, int adds, ptrdiff_t first, ptrdiff_t last) {
    const ptrdiff_t stride = l->out_stride;
    const real *from = adds ? l->w_gradient : l2 != 0 ? l->w : NULL, *x = l->x, scale = adds ? 1 : (real)l2;
    if (stride > 1)
        F(tiled)((F(tile)){.depth = n, .a = x + first, .a_row = 1, .a_column = l->in_stride, .b = l->delta, .b_stride = stride,
                           .from = from ? from + first * stride : NULL, .from_stride = stride, .scale = scale,
                           .c = (real *)l->w_gradient + first * stride, .c_stride = stride},
                 last - first, l->units);
    else { /* first is a multiple of VLEN */
        F(sum_rows)(1, n, l->delta, x + first, l->in_stride, last - first, from ? from + first : NULL, scale, (real *)l->w_gradient + first);
        for (ptrdiff_t k = last; last == l->inputs && k < l->in_stride; k++) /* behind the last input x is the activation of 0 */
            ((real *)l->w_gradient)[k] = 0;
    }
    if (first == 0) F(bias_gradient)(l, n, adds);
}

FO_KERNEL void F(layer_transpose)(const fo_layer *l, ptrdiff_t first, ptrdiff_t last) {
    const ptrdiff_t stride = l->out_stride, to_stride = l->in_stride, units = l->units;
    const real *w = l->w;
    real *to = l->transposed;
    ptrdiff_t i = first;
    for (; i + RLEN <= last; i += RLEN)
        for (ptrdiff_t j = 0; j < units; j += RLEN)
            F(transpose_block)(w + i * stride + j, stride, to + j * to_stride + i, to_stride, units - j < RLEN ? (int)(units - j) : RLEN);
    for (; i < last; i++)
        for (ptrdiff_t j = 0; j < units; j++) to[j * to_stride + i] = w[i * stride + j];
}

/* m elements of a row to where there is room for whole vectors, zeros behind them */
FO_INLINE void F(copy_row)(const real *x, ptrdiff_t m, real *out) {
    ptrdiff_t j = 0;
    for (; j + VLEN <= m; j += VLEN) F(vstore)(out + j, F(vload_row)(x + j));
    if (j < m) F(vstore)(out + j, F(vload_part)(x + j, (int)(m - j)));
}

/* row i of X into out; whole vectors of it where rows are so far apart */
FO_INLINE void F(gather_loop)(const int layout, const fo_matrix *X, ptrdiff_t n, ptrdiff_t known, const int32_t *rows, ptrdiff_t stride,
                              real *out) {
    const ptrdiff_t ahead = 2 + BYTES_AHEAD / (X->d * (ptrdiff_t)sizeof(real));
    for (ptrdiff_t i = 0; i < n; i++, out += stride) {
        const F(row) x = F(row_of)(layout, X, rows[i]);
        if (layout == FO_DENSE && stride % VLEN == 0) {
            if (i + ahead < known) F(prefetch_row)(layout, F(row_of)(layout, X, rows[i + ahead]));
            F(copy_row)(x.x, x.m, out);
            continue;
        }
        if (layout == FO_DENSE) {
            for (ptrdiff_t j = 0; j < x.m; j++) out[j] = x.x[j];
            continue;
        }
        memset(out, 0, (size_t)X->d * sizeof(real));
        for (ptrdiff_t j = 0; j < x.m; j++) out[column(layout, x.columns, j)] += x.x[j];
    }
}

FO_KERNEL void F(network_gather)(const fo_matrix *X, ptrdiff_t n, ptrdiff_t known, const int32_t *rows, ptrdiff_t stride, void *out) {
    if (X->layout == FO_DENSE) F(gather_loop)(FO_DENSE, X, n, known, rows, stride, out);
    else if (X->layout == FO_CSR32) F(gather_loop)(FO_CSR32, X, n, known, rows, stride, out);
    else F(gather_loop)(FO_CSR64, X, n, known, rows, stride, out);
}
