/* loss_loops.h: the loops over the losses of losses.h, and the only switches over the kind of loss: always outside the
 * loop, so that each loss has its own vectorised one.  loss_at, loss_grads and loss_values serve the other kernels and
 * take y of margin losses as ±1; loss_block and loss_grad_block are in the table and take it as {0, 1}. */

/* a loss that a user wrote, at one sample; the function is the user's, who is told numbers in double */
FO_INLINE F(derivatives) F(loss_own)(const fo_own_loss *own, real y, real p) {
    double slopes[2] = {0, 0};
    const double value = own->plain ? own->plain((double)y, (double)p, slopes) : own->with_data((double)y, (double)p, slopes, own->data);
    return (F(derivatives)){(real)value, (real)slopes[0], (real)slopes[1]};
}

/* its first derivative, where nothing else is wanted; not inlined, so that loops over the other losses keep their registers */
FO_COLD real F(loss_own_slope)(const fo_own_loss *own, real y, real p) {
    if (own->slope) return (real)own->slope((double)y, (double)p);
    if (own->slope_with_data) return (real)own->slope_with_data((double)y, (double)p, own->slope_data);
    return F(loss_own)(own, y, p).grad;
}

/* value and derivatives of one sample, and the gradient alone; the switch is inlined, so a predicted branch */
#define ONE(name, target) \
    case FO_LOSS_##name: return F(loss_##name)(a, b, y, p)KEEP;
FO_INLINE F(derivatives) F(loss_at)(const fo_loss *loss, real y, real p) {
    const real a = (real)loss->a, b = (real)loss->b;
#define KEEP
    switch (loss->kind) { FO_LOSSES(ONE) }
#undef KEEP
    return F(loss_own)(loss->own, y, p);
}

FO_INLINE real F(loss_grad)(const fo_loss *loss, real y, real p) {
    const real a = (real)loss->a, b = (real)loss->b;
#define KEEP .grad
    switch (loss->kind) { FO_LOSSES(ONE) }
#undef KEEP
    return F(loss_own_slope)(loss->own, y, p);
}
#undef ONE

/* The loop over samples of one loss, a case of a switch: KEEP says what is kept of the value and derivatives l of sample j. */
#define FO_LOSS_LOOP(name, target) \
    case FO_LOSS_##name: \
        FO_SIMD \
        for (ptrdiff_t j = 0; j < n; j++) { \
            const F(derivatives) l = F(loss_##name)(a, b, y[j], p[j]); \
            KEEP; \
        } \
        break;
#define FO_LOSS_LOOPS(loss) \
    const real a = (real)(loss)->a, b = (real)(loss)->b; \
    switch ((loss)->kind) { \
        FO_LOSSES(FO_LOSS_LOOP) \
    default: \
        for (ptrdiff_t j = 0; j < n; j++) { \
            const F(derivatives) l = F(loss_own)((loss)->own, y[j], p[j]); \
            KEEP; \
        } \
    }

FO_KERNEL void F(loss_grads_loop)(const fo_loss *loss, ptrdiff_t n, const real *restrict y, const real *restrict p,
                                  real *restrict g) {
    if (loss->own) {
        for (ptrdiff_t j = 0; j < n; j++) g[j] = F(loss_own_slope)(loss->own, y[j], p[j]);
        return;
    }
#define KEEP g[j] = l.grad
    FO_LOSS_LOOPS(loss)
#undef KEEP
}

/* g[j] = gradient of loss(y[j], p[j]).  Inlined for a single sample; the loops of every loss are compiled once only. */
FO_INLINE void F(loss_grads)(const fo_loss *loss, ptrdiff_t n, const real *y, const real *p, real *g) {
    if (n == 1) g[0] = F(loss_grad)(loss, y[0], p[0]);
    else F(loss_grads_loop)(loss, n, y, p, g);
}

/* p[j] <- loss(y[j], p[j]) */
FO_KERNEL void F(loss_values)(const fo_loss *loss, ptrdiff_t n, const real *restrict y, real *restrict p) {
#define KEEP p[j] = l.value
    FO_LOSS_LOOPS(loss)
#undef KEEP
}

/* p[j] <- loss(y[j], p[j]) and g[j] = its gradient */
FO_KERNEL void F(loss_pairs)(const fo_loss *loss, ptrdiff_t n, const real *restrict y, real *restrict p,
                             real *restrict g) {
#define KEEP p[j] = l.value, g[j] = l.grad
    FO_LOSS_LOOPS(loss)
#undef KEEP
}

/* h[j] = second derivative of loss(y[j], p[j]) */
FO_KERNEL void F(loss_hessians)(const fo_loss *loss, ptrdiff_t n, const real *restrict y, const real *restrict p,
                                real *restrict h) {
#define KEEP h[j] = l.hess
    FO_LOSS_LOOPS(loss)
#undef KEEP
}
#undef FO_LOSS_LOOPS
#undef FO_LOSS_LOOP

#ifndef FO_LOSS_LOOPS_ONCE
#define FO_LOSS_LOOPS_ONCE
/* samples that a block treats at a time: its scratch stays in L1 */
#define LOSS_CHUNK 256
/* the domains of targets: which y each admits, in public form (x − x is nan for x infinite or nan) */
#define FO_DOMAINS(X) \
    X(real, y - y == 0) \
    X(nonnegative, y - y == 0 && y >= 0) \
    X(positive, y - y == 0 && y > 0) \
    X(unit, y >= 0 && y <= 1) \
    X(sign, y * (1 - y) == 0)
#define DOMAIN(name, admits) FO_TARGET_##name,
enum { FO_DOMAINS(DOMAIN) FO_N_TARGETS };
#undef DOMAIN
#define TARGET(name, target) [FO_LOSS_##name] = FO_TARGET_##target,
static const unsigned char loss_target[] = {FO_LOSSES(TARGET) FO_OWN_LOSSES(TARGET)};
#undef TARGET
#endif

/* y as the losses see it: y itself, or 2y − 1 in `scratch` */
FO_INLINE const real *F(loss_targets)(const fo_loss *loss, ptrdiff_t n, const real *y, real *restrict scratch) {
    if (loss_target[loss->kind] != FO_TARGET_sign) return y;
    FO_SIMD
    for (ptrdiff_t i = 0; i < n; i++) scratch[i] = 2 * y[i] - 1;
    return scratch;
}

/* weight·v, and 0 where the weight is 0, whatever v is: what weighs nothing may be infinite or nan */
FO_INLINE real F(weighed)(real weight, real v) { return weight != 0 ? weight * v : 0; }

/* g[i] <- factor·weight[i]·g[i] */
FO_INLINE void F(loss_scale)(ptrdiff_t n, const real *restrict weight, real factor, real *restrict g) {
    if (weight) {
        FO_SIMD
        for (ptrdiff_t i = 0; i < n; i++) g[i] = F(weighed)(factor * weight[i], g[i]);
    } else if (factor != 1) {
        FO_SIMD
        for (ptrdiff_t i = 0; i < n; i++) g[i] *= factor;
    }
}

/* Σ weight[i]·v[i], in lanes of 64 bytes whatever the instruction set; what weighs nothing does not count */
FO_INLINE real F(loss_sum)(ptrdiff_t n, const real *weight, const real *v) {
    F(vec) sum = F(vset)(0);
    for (ptrdiff_t i = 0; i < n; i += VLEN) {
        const int m = (int)(n - i < VLEN ? n - i : VLEN);
        const F(vec) x = m == VLEN ? F(vload)(v + i) : F(vload_part)(v + i, m);
        if (weight) sum = F(vfma)(m == VLEN ? F(vload)(weight + i) : F(vload_part)(weight + i, m), x, sum);
        else sum = F(vadd)(sum, x);
    }
    const real total = F(vsum)(sum);
    if (!weight || !FO_UNLIKELY(total - total != 0)) return total;
    real rest = 0; /* is it finite without those? */
    for (ptrdiff_t i = 0; i < n; i++) rest += F(weighed)(weight[i], v[i]);
    return rest;
}

FO_KERNEL double F(loss_block)(const fo_loss *loss, ptrdiff_t n, const void *y, const void *p, const void *weight,
                            double factor, void *values, void *grads) {
    const real *y_ = y, *p_ = p, *w_ = weight;
    real *g_ = grads, targets[LOSS_CHUNK], scratch[LOSS_CHUNK];
    double sum = 0;
    for (ptrdiff_t i = 0; i < n; i += LOSS_CHUNK) {
        const ptrdiff_t m = n - i < LOSS_CHUNK ? n - i : LOSS_CHUNK;
        const real *t = F(loss_targets)(loss, m, y_ + i, targets);
        real *v = values ? (real *)values + i : scratch;
        memcpy(v, p_ + i, (size_t)m * sizeof(real));
        if (grads) {
            F(loss_pairs)(loss, m, t, v, g_ + i);
            F(loss_scale)(m, w_ ? w_ + i : NULL, (real)factor, g_ + i);
        } else {
            F(loss_values)(loss, m, t, v);
        }
        sum += (double)F(loss_sum)(m, w_ ? w_ + i : NULL, v);
    }
    return sum;
}

FO_KERNEL void F(loss_grad_block)(const fo_loss *loss, ptrdiff_t n, const void *y, const void *p, const void *weight,
                               double factor, void *grads) {
    const real *y_ = y, *p_ = p, *w_ = weight;
    real *g_ = grads, targets[LOSS_CHUNK];
    for (ptrdiff_t i = 0; i < n; i += LOSS_CHUNK) {
        const ptrdiff_t m = n - i < LOSS_CHUNK ? n - i : LOSS_CHUNK;
        F(loss_grads)(loss, m, F(loss_targets)(loss, m, y_ + i, targets), p_ + i, g_ + i);
        F(loss_scale)(m, w_ ? w_ + i : NULL, (real)factor, g_ + i);
    }
}

/* 1 if all of t is in a domain */
FO_KERNEL int F(target_accepts)(int domain, ptrdiff_t n, const real *t) {
    int accepts = 1;
    switch (domain) {
#define ADMITS(name, admits) \
    case FO_TARGET_##name: \
        FO_SIMD \
        for (ptrdiff_t i = 0; i < n; i++) { \
            const real y = t[i]; \
            accepts &= admits; \
        } \
        break;
        FO_DOMAINS(ADMITS)
#undef ADMITS
    }
    return accepts;
}

FO_KERNEL int F(loss_accepts)(const fo_loss *loss, ptrdiff_t n, const void *targets, const void *p) {
    return F(all_finite)(n, p) & F(target_accepts)(loss_target[loss->kind], n, targets);
}
