/* steps.h: the loops over the update rules of rules*.h, and the only switches over their kind: outside the loop, so that
 * each rule has its own vectorised one.  What all rules share is here, once: the gradient's scale, clipping and l2 before
 * the rule, decoupled decay of w, and the proximal step of l1 behind it. */

#if REAL_IS_FLOAT
#define LEAST_ALIGNED 512 /* weights: from here on lines are respected */
#endif

/* a rule as a constant that loops are specialised by */
typedef F(param) (*F(rule))(const F(coefs) *, real, F(param));
typedef F(summed) (*F(rule_sums))(const F(coefs) *, real, F(param));

FO_INLINE F(coefs) F(coefs_of)(const fo_step *step) {
    return (F(coefs)){
#define FO_COEF(name) (real)step->h.name,
        FO_COEFS(FO_COEF)
#undef FO_COEF
    };
}

/* clip(scale·g) + l2·w */
FO_INLINE real F(gradient)(const F(coefs) *h, real g, real w) {
    return F(fma_)(h->l2, w, F(min_)(h->clip, F(max_)(-h->clip, h->scale * g)));
}

/* One weight and its state a step further.  bare: gradients are taken as they are and there is no l1, which halves the work
 * on an array in the cache; a constant of the caller. */
FO_INLINE F(param) F(one_step)(F(rule) rule, const int bare, const F(coefs) *h, real g, F(param) x) {
    const real slope = bare ? g : F(gradient)(h, g, x.w);
    x.w *= h->decay_factor;
    x = rule(h, slope, x);
    if (!bare) x.w = F(soft)(x.w, x.rate * h->l1);
    return x;
}

/* The bits of 0, or of nan where a number is not finite.  They are gathered by "or": a sum of floats would end each loop with its
 * elements one after the other, which takes as long as some hundred weights. */
FO_INLINE real_bits F(zero_bits)(real w, real g) {
    const real zero = 0 * w * g;
    real_bits bits;
    memcpy(&bits, &zero, sizeof bits);
    return bits;
}
FO_INLINE int F(is_zero)(real_bits gathered) {
    real zero;
    memcpy(&zero, &gathered, sizeof zero);
    return zero == 0;
}

/* One step of n weights: those of `rows`, each there once, or the first n where it is NULL. */
FO_INLINE int F(step_loop)(F(rule) rule, const int states, const int bare, const fo_step *step, ptrdiff_t n,
                           const int64_t *rows, const real *restrict g, real *restrict w, void *const *state) {
    const F(coefs) h = F(coefs_of)(step);
    real *restrict s0 = state[0], *restrict s1 = state[1], *restrict s2 = state[2], *restrict s3 = state[3];
    real_bits zero = 0;
    FO_SIMD_OR(zero)
    for (ptrdiff_t j = 0; j < n; j++) {
        const ptrdiff_t i = rows ? (ptrdiff_t)rows[j] : j;
        F(param) x = {w[i], states > 0 ? s0[i] : 0, states > 1 ? s1[i] : 0, states > 2 ? s2[i] : 0,
                      states > 3 ? s3[i] : 0, 0};
        x = F(one_step)(rule, bare, &h, g[j], x);
        w[i] = x.w;
        zero |= F(zero_bits)(x.w, g[j]);
        if (states > 0) s0[i] = x.s0;
        if (states > 1) s1[i] = x.s1;
        if (states > 2) s2[i] = x.s2;
        if (states > 3) s3[i] = x.s3;
    }
    return F(is_zero)(zero);
}

#if REAL_IS_FLOAT
FO_INLINE int is_bare(const fo_step *step) {
    const fo_coefs *h = &step->h;
    return h->scale == 1 && h->clip == INFINITY && h->l2 == 0 && h->l1 == 0;
}
#endif

static int F(step_from)(const fo_step *step, ptrdiff_t first, ptrdiff_t n, const void *g_, void *w, void *const *all) {
    const real *g = (const real *)g_ + first;
    void *state[FO_STATES];
    for (int k = 0; k < FO_STATES; k++) state[k] = all[k] ? (real *)all[k] + first : NULL;
    w = (real *)w + first;
    const int bare = is_bare(step);
    switch (step->kind) {
#define STEP(name, states, sums) \
    case FO_RULE_##name: \
        return bare ? F(step_loop)(F(rule_##name), states, 1, step, n, NULL, g, w, state) \
                    : F(step_loop)(F(rule_##name), states, 0, step, n, NULL, g, w, state);
        FO_RULES(STEP)
#undef STEP
    }
    return 1;
}

/* the weights before the first whole line of w by themselves: a register that lies in two lines costs up to half of a step that the
 * caches can feed */
FO_KERNEL int F(step)(const fo_step *step, ptrdiff_t n, const void *g, void *w, void *const *state) {
    const ptrdiff_t before = (ptrdiff_t)((64 - (uintptr_t)w % 64) % 64 / sizeof(real));
    if (before == 0 || n < LEAST_ALIGNED) return F(step_from)(step, 0, n, g, w, state);
    return F(step_from)(step, 0, before, g, w, state) & F(step_from)(step, before, n - before, g, w, state);
}

/* rows of one weight each: gathers instead of a call a row */
FO_KERNEL int F(step_weights)(const fo_step *step, ptrdiff_t n, const int64_t *rows, const real *g, real *w,
                           void *const *state) {
    switch (step->kind) {
#define STEP(name, states, sums) \
    case FO_RULE_##name: return F(step_loop)(F(rule_##name), states, 0, step, n, rows, g, w, state);
        FO_RULES(STEP)
#undef STEP
    }
    return 1;
}

FO_KERNEL int F(step_rows)(const fo_step *step, ptrdiff_t n, ptrdiff_t width, const int64_t *rows, const void *g, void *w,
                        void *const *state) {
    int finite = 1;
    if (width == 1) return F(step_weights)(step, n, rows, g, w, state);
    for (ptrdiff_t j = 0; j < n; j++) {
        const ptrdiff_t at = (ptrdiff_t)rows[j] * width;
        void *row_state[FO_STATES];
        for (int k = 0; k < FO_STATES; k++) row_state[k] = state[k] ? (real *)state[k] + at : NULL;
        finite &= F(step)(step, width, (const real *)g + j * width, (real *)w + at, row_state);
    }
    return finite;
}

/* The first pass over one chunk: the terms go through memory, so that their sum is in lanes of 64 bytes everywhere. */
FO_INLINE void F(sums_loop)(F(rule_sums) rule, const int states, const fo_step *step, ptrdiff_t n,
                            const real *restrict g, const real *restrict w, void *const *state, double *sums) {
    const F(coefs) h = F(coefs_of)(step);
    real *restrict s0 = state[0], *restrict s1 = state[1], *restrict s2 = state[2], *restrict s3 = state[3];
    for (ptrdiff_t start = 0; start < n; start += LOSS_CHUNK) {
        const ptrdiff_t m = n - start < LOSS_CHUNK ? n - start : LOSS_CHUNK;
        real first[LOSS_CHUNK], second[LOSS_CHUNK];
        FO_SIMD
        for (ptrdiff_t j = 0; j < m; j++) {
            const ptrdiff_t i = start + j;
            const F(param) x = {w[i], s0[i], states > 1 ? s1[i] : 0, states > 2 ? s2[i] : 0, states > 3 ? s3[i] : 0, 0};
            const F(summed) found = rule(&h, F(gradient)(&h, g[i], x.w), x);
            s0[i] = found.x.s0;
            if (states > 1) s1[i] = found.x.s1;
            if (states > 2) s2[i] = found.x.s2;
            first[j] = found.first;
            second[j] = found.second;
        }
        sums[0] += (double)F(loss_sum)(m, NULL, first);
        sums[1] += (double)F(loss_sum)(m, NULL, second);
    }
}

FO_KERNEL void F(step_sums)(const fo_step *step, ptrdiff_t n, const void *g, const void *w, void *const *state,
                         double *sums) {
    switch (step->kind) {
#define SUMS_none(name, states)
#define SUMS_array(name, states) \
    case FO_RULE_##name: F(sums_loop)(F(sums_##name), states, step, n, g, w, state, sums); break;
#define SUMS_group SUMS_array
#define SUMS(name, states, sums) SUMS_##sums(name, states)
        FO_RULES(SUMS)
#undef SUMS
#undef SUMS_group
#undef SUMS_array
#undef SUMS_none
    }
}

FO_KERNEL double F(square_sum)(ptrdiff_t n, const void *x) {
    const real *v = x;
    double sum = 0;
    for (ptrdiff_t start = 0; start < n; start += 4096) {
        const real *block = v + start;
        const ptrdiff_t m = n - start < 4096 ? n - start : 4096;
        F(vec) s[4] = {F(vset)(0), F(vset)(0), F(vset)(0), F(vset)(0)};
        ptrdiff_t i = 0;
        for (; i + 4 * VLEN <= m; i += 4 * VLEN)
            FO_UNROLL for (int j = 0; j < 4; j++) {
                FO_PREFETCH((const char *)(block + i + j * VLEN) + 8192); /* two pages ahead: 15 % faster from memory */
                const F(vec) a = F(vload)(block + i + j * VLEN);
                s[j] = F(vfma)(a, a, s[j]);
            }
        for (; i < m; i += VLEN) {
            const F(vec) a = F(vload_part)(block + i, (int)(m - i < VLEN ? m - i : VLEN));
            s[0] = F(vfma)(a, a, s[0]);
        }
        sum += (double)F(vsum)(F(vadd)(F(vadd)(s[0], s[1]), F(vadd)(s[2], s[3])));
    }
    if (!(sum < INFINITY)) { /* squares of finite floats are finite doubles */
        sum = 0;
        for (ptrdiff_t i = 0; i < n; i++) sum += (double)v[i] * (double)v[i];
    }
    return sum;
}

#if REAL_IS_FLOAT
FO_KERNEL void rule_fold(const fo_rule *r, double t, double scale, double *carry, fo_step *step) {
    fo_coefs *h = &step->h;
    *h = (fo_coefs){.scale = scale, .clip = r->clip, .l2 = r->l2, .decay_factor = 1 - r->lr * r->decay, .l1 = r->l1,
                    .rate = r->lr, .eps = r->eps};
    step->kind = r->kind;
    switch (r->kind) {
#define FOLD(name, states, sums) \
    case FO_RULE_##name: fold_##name(r, t, carry, h); break;
        FO_RULES(FOLD)
#define FOLD_MATRIX(name) FOLD(name, 1, none)
        FO_MATRIX_RULES(FOLD_MATRIX)
#undef FOLD_MATRIX
#undef FOLD
    }
}

FO_KERNEL void rule_finish(const fo_rule *r, const double *sums, double *carry, fo_step *step) {
    switch (r->kind) {
#define FINISH_none(name)
#define FINISH_array(name) \
    case FO_RULE_##name: finish_##name(r, sums, carry, &step->h); break;
#define FINISH_group FINISH_array
#define FINISH(name, states, sums) FINISH_##sums(name)
        FO_RULES(FINISH)
#undef FINISH
    }
}
#endif
