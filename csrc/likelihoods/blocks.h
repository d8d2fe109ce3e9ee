/* blocks.h: the loop over the likelihoods of likelihoods.h, and the only switch over their kinds: outside the loop, so that each has its own
 * vectorised one.  Chunks of samples stay in L1, with what is the same for all samples spread over them. */

#ifndef FO_LIKELIHOODS_ONCE
#define FO_LIKELIHOODS_ONCE
#define LIKELIHOOD_TARGET(name, target) FO_TARGET_##target,
static const unsigned char likelihood_target[] = {FO_LIKELIHOODS(LIKELIHOOD_TARGET)};
#undef LIKELIHOOD_TARGET
#endif

/* a chunk: inputs, then outputs */
typedef struct { real scale[LOSS_CHUNK], shape[LOSS_CHUNK], value[LOSS_CHUNK], in_p[LOSS_CHUNK], in_scale[LOSS_CHUNK], in_shape[LOSS_CHUNK]; } F(chunk);

#define LIKELIHOOD_LOOP(name, target) \
    case FO_LIKELIHOOD_##name: \
        FO_SIMD \
        for (ptrdiff_t j = 0; j < n; j++) { \
            const F(evidence) l = F(likelihood_##name)(y[j], p[j], c->scale[j], c->shape[j]); \
            KEEP; \
        } \
        break;

FO_KERNEL void F(likelihood_values)(int kind, ptrdiff_t n, const real *restrict y, const real *restrict p, F(chunk) *restrict c) {
#define KEEP c->value[j] = l.value
    switch (kind) { FO_LIKELIHOODS(LIKELIHOOD_LOOP) }
#undef KEEP
}

FO_KERNEL void F(likelihood_slopes)(int kind, ptrdiff_t n, const real *restrict y, const real *restrict p, F(chunk) *restrict c) {
#define KEEP c->value[j] = l.value, c->in_p[j] = l.in_p, c->in_scale[j] = l.in_scale, c->in_shape[j] = l.in_shape
    switch (kind) { FO_LIKELIHOODS(LIKELIHOOD_LOOP) }
#undef KEEP
}
#undef LIKELIHOOD_LOOP

/* x[first …], or x[0] where there is one for all, or 0 */
FO_INLINE void F(likelihood_spread)(const real *x, int is_one, ptrdiff_t first, ptrdiff_t n, real *restrict out) {
    if (x && !is_one) memcpy(out, x + first, (size_t)n * sizeof(real));
    else for (ptrdiff_t j = 0; j < n; j++) out[j] = x ? x[0] : 0;
}

/* g weighted: to out[first …], or into the sum where there is one for all */
FO_INLINE void F(likelihood_collect)(const real *weight, real factor, int is_one, ptrdiff_t first, ptrdiff_t n, real *g, real *out, double *sum) {
    F(loss_scale)(n, weight, factor, g);
    if (is_one) *sum += (double)F(loss_sum)(n, NULL, g);
    else memcpy(out + first, g, (size_t)n * sizeof(real));
}

FO_KERNEL void F(likelihood_block)(const fo_likelihood *l, ptrdiff_t first, ptrdiff_t n, double *sums) {
    F(chunk) c;
    for (ptrdiff_t i = first; i < first + n; i += LOSS_CHUNK) {
        const ptrdiff_t m = first + n - i < LOSS_CHUNK ? first + n - i : LOSS_CHUNK;
        const real *y = (const real *)l->y + i, *p = (const real *)l->p + i, *w = l->weight ? (const real *)l->weight + i : NULL;
        F(likelihood_spread)(l->scale, l->one_scale, i, m, c.scale);
        F(likelihood_spread)(l->shape, l->one_shape, i, m, c.shape);
        if (l->in_p) {
            F(likelihood_slopes)(l->kind, m, y, p, &c);
            F(likelihood_collect)(w, (real)l->factor, 0, i, m, c.in_p, l->in_p, NULL);
            F(likelihood_collect)(w, (real)l->factor, l->one_scale, i, m, c.in_scale, l->in_scale, sums + 1);
            if (l->shape) F(likelihood_collect)(w, (real)l->factor, l->one_shape, i, m, c.in_shape, l->in_shape, sums + 2);
        } else {
            F(likelihood_values)(l->kind, m, y, p, &c);
        }
        if (l->constant != 0) for (ptrdiff_t j = 0; j < m; j++) c.value[j] += (real)l->constant;
        sums[0] += (double)F(loss_sum)(m, w, c.value);
        if (l->values) F(likelihood_collect)(w, 1, 0, i, m, c.value, l->values, NULL);
    }
}

FO_KERNEL int F(likelihood_accepts)(const fo_likelihood *l, ptrdiff_t first, ptrdiff_t n) {
    const real *scale = l->scale, *shape = l->shape;
    return F(target_accepts)(likelihood_target[l->kind], n, (const real *)l->y + first) && F(all_finite)(n, (const real *)l->p + first) &&
           F(all_finite)(l->one_scale ? 1 : n, l->one_scale ? scale : scale + first) &&
           (!shape || F(all_finite)(l->one_shape ? 1 : n, l->one_shape ? shape : shape + first));
}
