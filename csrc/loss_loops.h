/* loss_loops.h: the loops over the losses of losses.h: the only switches over the kind of loss. */

/* value and gradient of one sample; the switch is inlined, so a predicted branch */
FO_INLINE F(fo_pair) F(loss_at)(const fo_loss *loss, real y, real p) {
    const real a = (real)loss->a, b = (real)loss->b;
    switch (loss->kind) {
#define ONE(name, target) \
    case FO_LOSS_##name: return F(loss_##name)(a, b, y, p);
        FO_LOSSES(ONE)
#undef ONE
    }
    return (F(fo_pair)){0, 0};
}

/* g[j] = gradient of loss(y[j], p[j]), y of margin losses ±1 */
FO_INLINE void F(loss_grads)(const fo_loss *loss, ptrdiff_t n, const real *restrict y, const real *restrict p,
                             real *restrict g) {
    const real a = (real)loss->a, b = (real)loss->b;
    switch (loss->kind) {
#define GRADS(name, target) \
    case FO_LOSS_##name: \
        FO_SIMD \
        for (ptrdiff_t j = 0; j < n; j++) g[j] = F(loss_##name)(a, b, y[j], p[j]).grad; \
        break;
        FO_LOSSES(GRADS)
#undef GRADS
    }
}

/* p[j] <- loss(y[j], p[j]), y of margin losses ±1 */
static void F(loss_values)(const fo_loss *loss, ptrdiff_t n, const real *restrict y, real *restrict p) {
    const real a = (real)loss->a, b = (real)loss->b;
    switch (loss->kind) {
#define VALUES(name, target) \
    case FO_LOSS_##name: \
        FO_SIMD \
        for (ptrdiff_t j = 0; j < n; j++) p[j] = F(loss_##name)(a, b, y[j], p[j]).value; \
        break;
        FO_LOSSES(VALUES)
#undef VALUES
    }
}

/* stands for target domains in the body below: margin losses are given y in {0, 1} and see ±1 */
#ifndef FO_TARGETS
#define FO_TARGETS
#define FO_SEES_real(y) (y)
#define FO_SEES_nonnegative(y) (y)
#define FO_SEES_positive(y) (y)
#define FO_SEES_unit(y) (y)
#define FO_SEES_sign(y) (2 * (y) - 1)
#endif

/* see fo_kernels; outputs and weights that are NULL are left out by the compiler, one variant a combination */
FO_INLINE double F(loss_body)(const fo_loss *loss, ptrdiff_t n, const real *restrict y, const real *restrict p,
                              const real *restrict weight, real factor, real *restrict values, real *restrict grads) {
    const real a = (real)loss->a, b = (real)loss->b;
    real sum = 0;
    switch (loss->kind) {
#define BODY(name, target) \
    case FO_LOSS_##name: \
        _Pragma("omp simd reduction(+ : sum)") \
        for (ptrdiff_t i = 0; i < n; i++) { \
            const F(fo_pair) l = F(loss_##name)(a, b, FO_SEES_##target(y[i]), p[i]); \
            const real s = weight ? weight[i] : 1; \
            sum += s * l.value; \
            if (values) values[i] = l.value; \
            if (grads) grads[i] = factor * s * l.grad; \
        } \
        break;
        FO_LOSSES(BODY)
#undef BODY
    }
    return (double)sum;
}

static double F(loss_block)(const fo_loss *loss, ptrdiff_t n, const void *y, const void *p, const void *weight,
                            double factor, void *values, void *grads) {
    const real f = (real)factor;
    if (weight && values) return F(loss_body)(loss, n, y, p, weight, f, values, grads);
    if (weight && grads) return F(loss_body)(loss, n, y, p, weight, f, NULL, grads);
    if (weight) return F(loss_body)(loss, n, y, p, weight, f, NULL, NULL);
    if (values) return F(loss_body)(loss, n, y, p, NULL, f, values, NULL);
    if (grads) return F(loss_body)(loss, n, y, p, NULL, f, NULL, grads);
    return F(loss_body)(loss, n, y, p, NULL, f, NULL, NULL);
}
