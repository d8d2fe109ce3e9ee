/* layers.h: what a layer does with rows, forward and backward, and the gradient of its weights: products by tile.h, activations by
 * activations.h.  Used by neural_network/_engine, whose threads share rows, or, of the gradient, inputs. */

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

/* z = x·w + b of one unit */
FO_INLINE void F(forward_unit)(const fo_layer *l, ptrdiff_t first, ptrdiff_t last) {
    const real b = ((const real *)l->b)[0];
    real *z = l->z;
    for (ptrdiff_t i = first; i < last; i++)
        z[i] = b + F(row_dot)(FO_DENSE, (F(row)){(const real *)l->x + i * l->in_stride, NULL, l->inputs}, l->w);
}

FO_KERNEL void F(layer_forward)(const fo_layer *l, ptrdiff_t first, ptrdiff_t last) {
    const ptrdiff_t stride = l->out_stride, at = first * stride;
    if (stride == 1) F(forward_unit)(l, first, last);
    else
        F(tiled)((F(tile)){.depth = l->inputs, .a = (const real *)l->x + first * l->in_stride, .a_row = l->in_stride, .a_column = 1,
                           .b = l->w, .b_stride = stride, .from = l->b, .scale = 1, .c = (real *)l->z + at, .c_stride = stride},
                 last - first, l->units);
    F(activate)(l, (last - first) * stride, (const real *)l->z + at, (real *)l->a + at);
}

FO_KERNEL void F(layer_backward)(const fo_layer *l, ptrdiff_t first, ptrdiff_t last) {
    F(tiled)((F(tile)){.depth = l->units, .a = (const real *)l->delta + first * l->out_stride, .a_row = l->out_stride, .a_column = 1,
                       .b = l->transposed, .b_stride = l->in_stride, .c = (real *)l->below + first * l->in_stride,
                       .c_stride = l->in_stride},
             last - first, l->inputs);
}

/* b_gradient = the sums of delta over n rows */
FO_INLINE void F(bias_gradient)(const fo_layer *l, ptrdiff_t n, int adds) {
    static const real one[1] = {1};
    real *out = l->b_gradient;
    const real *delta = l->delta;
    if (l->out_stride > 1)
        F(tiled)((F(tile)){.depth = n, .a = one, .b = delta, .b_stride = l->out_stride, .from = adds ? out : NULL, .scale = 1, .c = out,
                           .c_stride = l->out_stride},
                 1, l->units);
    else {
        real sum = adds ? out[0] : 0;
        for (ptrdiff_t i = 0; i < n; i++) sum += delta[i];
        out[0] = sum;
    }
}

FO_KERNEL void F(layer_gradient)(const fo_layer *l, ptrdiff_t n, double l2, int adds, ptrdiff_t first, ptrdiff_t last) {
    const ptrdiff_t stride = l->out_stride;
    const real *from = adds ? l->w_gradient : l2 != 0 ? l->w : NULL, *x = l->x, scale = adds ? 1 : (real)l2;
    if (stride > 1)
        F(tiled)((F(tile)){.depth = n, .a = x + first, .a_row = 1, .a_column = l->in_stride, .b = l->delta, .b_stride = stride,
                           .from = from ? from + first * stride : NULL, .from_stride = stride, .scale = scale,
                           .c = (real *)l->w_gradient + first * stride, .c_stride = stride},
                 last - first, l->units);
    else /* of one unit: one row, which all of x's vectors make; first is a multiple of VLEN */
        F(tiled)((F(tile)){.depth = n, .a = l->delta, .a_column = 1, .b = x + first, .b_stride = l->in_stride,
                           .from = from ? from + first : NULL, .scale = scale, .c = (real *)l->w_gradient + first},
                 1, last - first);
    if (first == 0) F(bias_gradient)(l, n, adds);
}

FO_KERNEL void F(layer_transpose)(const fo_layer *l, ptrdiff_t first, ptrdiff_t last) {
    const real *w = l->w;
    real *to = l->transposed;
    for (ptrdiff_t j = 0; j < l->units; j++)
        for (ptrdiff_t i = first; i < last; i++) to[j * l->in_stride + i] = w[i * l->out_stride + j];
}

/* row i of X into out, whose elements behind the last column stay */
FO_INLINE void F(gather_loop)(const int layout, const fo_matrix *X, ptrdiff_t n, const int32_t *rows, ptrdiff_t stride, real *out) {
    for (ptrdiff_t i = 0; i < n; i++, out += stride) {
        const F(row) x = F(row_of)(layout, X, rows[i]);
        if (layout == FO_DENSE) {
            memcpy(out, x.x, (size_t)x.m * sizeof(real));
            continue;
        }
        memset(out, 0, (size_t)X->d * sizeof(real));
        for (ptrdiff_t j = 0; j < x.m; j++) out[column(layout, x.columns, j)] += x.x[j];
    }
}

FO_KERNEL void F(network_gather)(const fo_matrix *X, ptrdiff_t n, const int32_t *rows, ptrdiff_t stride, void *out) {
    if (X->layout == FO_DENSE) F(gather_loop)(FO_DENSE, X, n, rows, stride, out);
    else if (X->layout == FO_CSR32) F(gather_loop)(FO_CSR32, X, n, rows, stride, out);
    else F(gather_loop)(FO_CSR64, X, n, rows, stride, out);
}
