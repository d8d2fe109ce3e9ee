/* auto.h: the step of optimizer="auto" (docs/auto.md): AdaGrad on standardised columns, the proximal step of the penalty,
 * and averages in which late steps count most.  u is the gradient in standardised units, V the sum of its squares, r the
 * inverse size of a column.  Used by _auto.pyx; gradients come from batch.h. */

#ifndef FO_AUTO_ONCE
#define FO_AUTO_ONCE
/* an average gives step s the weight of about s^AUTO_DECAY (Shamir and Zhang 2013) */
#define AUTO_DECAY 8
/* the share of step t in the averages */
FO_INLINE double auto_share(double t) { return (AUTO_DECAY + 1) / (t + AUTO_DECAY); }
/* Q(t) = Π_{i <= AUTO_DECAY} (t + i): an average keeps Q(a)/Q(t) of what it was after step a */
FO_INLINE double auto_kept(double t) {
    double product = t;
    for (int i = 1; i <= AUTO_DECAY; i++) product *= t + i;
    return product;
}
#endif

/* one weight after a gradient u in standardised units: V += u², h = η/√V, w − h·r·u, then the penalty of m steps: l1, whose
 * zeros are exact, and l2 */
FO_INLINE real F(auto_weight)(const int l1, const int l2, const int once, real rate, real lambda1, real lambda2, real m,
                              real r, real u, real *V, real w) {
    const real v = F(fma_)(u, u, *V), h = v > 0 ? rate / F(sqrt_)(v) : v, size = h * r;
    real next = F(fma_)(-size, u, w);
    if (l1) {
        const real left = F(fma_)(-(once ? size : m * size), lambda1, F(abs_)(next));
        next = left > 0 ? F(copysign_)(left, next) : 0;
    }
    if (l2 && once) next /= F(fma_)(h, lambda2, 1);
    if (l2 && !once) next = (real)((double)next * pow(1 + (double)h * (double)lambda2, -(double)m));
    *V = v;
    return next;
}

FO_INLINE void F(auto_dense_loop)(const int l1, const int l2, const fo_auto *a, ptrdiff_t j, ptrdiff_t n,
                                  const real *restrict r, real *restrict g, real *restrict V, real *restrict w,
                                  real *restrict mean) {
    const real rate = (real)a->rate[j], lambda1 = (real)a->l1, lambda2 = (real)a->l2[j], share = (real)auto_share(a->t);
    FO_SIMD
    for (ptrdiff_t i = 0; i < n; i++) {
        real v = V[i];
        w[i] = F(auto_weight)(l1, l2, 1, rate, lambda1, lambda2, 1, r[i], r[i] * g[i], &v, w[i]);
        V[i] = v;
        mean[i] = F(fma_)(share, w[i] - mean[i], mean[i]);
        g[i] = 0;
    }
}

static void F(auto_dense)(const fo_auto *a, ptrdiff_t j, ptrdiff_t n, const void *r, void *g, void *V, void *w, void *mean) {
    if (a->l1 > 0 && a->l2[j] > 0) F(auto_dense_loop)(1, 1, a, j, n, r, g, V, w, mean);
    else if (a->l1 > 0) F(auto_dense_loop)(1, 0, a, j, n, r, g, V, w, mean);
    else if (a->l2[j] > 0) F(auto_dense_loop)(0, 1, a, j, n, r, g, V, w, mean);
    else F(auto_dense_loop)(0, 0, a, j, n, r, g, V, w, mean);
}

/* ---- CSR: all outputs of a column side by side; what a column misses while no batch touches it is made up for later ---- */

/* the columns of some rows that are not yet among the n in `touched`; seen (d,) marks those */
FO_INLINE ptrdiff_t F(auto_touch_loop)(const int layout, const fo_matrix *X, const fo_chunk *chunk, ptrdiff_t n,
                                       unsigned char *seen, ptrdiff_t *touched) {
    for (ptrdiff_t i = 0; i < chunk->n; i++) {
        const F(row) x = F(row_of)(layout, X, chunk->rows[i]);
        for (ptrdiff_t at = 0; at < x.m; at++) {
            const ptrdiff_t j = column(layout, x.columns, at);
            touched[n] = j; /* without a branch, which could not be predicted: there is room for one more */
            n += !seen[j];
            seen[j] = 1;
        }
    }
    return n;
}

static ptrdiff_t F(auto_touch)(const fo_matrix *X, const fo_chunk *chunk, ptrdiff_t n, unsigned char *seen,
                               ptrdiff_t *touched) {
    if (X->layout == FO_CSR32) return F(auto_touch_loop)(FO_CSR32, X, chunk, n, seen, touched);
    return F(auto_touch_loop)(FO_CSR64, X, chunk, n, seen, touched);
}

/* the averages of a column in which w stood still keep this share of their distance from it */
FO_INLINE void F(auto_catch_up)(ptrdiff_t k, real kept, const real *w, real *mean) {
    for (ptrdiff_t j = 0; j < k; j++) mean[j] = F(fma_)(mean[j] - w[j], kept, w[j]);
}

static void F(auto_columns)(const fo_auto *a, ptrdiff_t n, const ptrdiff_t *touched, unsigned char *seen, const void *sizes,
                            void *gradient, fo_auto_columns *c) {
    const double before = auto_kept(a->t - 1);
    const real share = (real)auto_share(a->t), lambda1 = (real)a->l1, *r = sizes;
    for (ptrdiff_t i = 0; i < n; i++) {
        const ptrdiff_t column = touched[i], at = column * a->k;
        const int64_t m = (int64_t)a->t - c->since[column];
        real *g = (real *)gradient + at, *V = (real *)c->V + at, *w = (real *)c->w + at, *mean = (real *)c->mean + at;
        if (m > 1) F(auto_catch_up)(a->k, (real)(auto_kept(a->t - (double)m) / before), w, mean);
        for (ptrdiff_t j = 0; j < a->k; j++) {
            const real rate = (real)a->rate[j], lambda2 = (real)a->l2[j], u = r[column] * g[j];
            if (m == 1) w[j] = F(auto_weight)(1, 1, 1, rate, lambda1, lambda2, 1, r[column], u, V + j, w[j]);
            else w[j] = F(auto_weight)(1, 1, 0, rate, lambda1, lambda2, (real)m, r[column], u, V + j, w[j]);
            mean[j] = F(fma_)(share, w[j] - mean[j], mean[j]);
            g[j] = 0;
        }
        c->since[column] = (int64_t)a->t;
        seen[column] = 0;
    }
}

static void F(auto_settle)(const fo_auto *a, ptrdiff_t d, const void *sizes, fo_auto_columns *c) {
    const double now = auto_kept(a->t);
    const real lambda1 = (real)a->l1, *r = sizes;
    for (ptrdiff_t column = 0; column < d; column++) {
        const int64_t m = (int64_t)a->t - c->since[column];
        const ptrdiff_t at = column * a->k;
        real *V = (real *)c->V + at, *w = (real *)c->w + at;
        if (m == 0) continue;
        F(auto_catch_up)(a->k, (real)(auto_kept(a->t - (double)m) / now), w, (real *)c->mean + at);
        for (ptrdiff_t j = 0; j < a->k; j++)
            w[j] = F(auto_weight)(1, 1, 0, (real)a->rate[j], lambda1, (real)a->l2[j], (real)m, r[column], 0, V + j, w[j]);
        c->since[column] = (int64_t)a->t;
    }
}

/* sums[j] += Σ loss(y_j, p_j); of a softmax the same for all outputs.  Uses p up */
static void F(auto_losses)(const fo_errors *e, ptrdiff_t n, const void *y, void *p, double *sums) {
    const double total = F(batch_values)(e, n, y, p);
    for (ptrdiff_t j = 0; j < e->k; j++) {
        if (e->softmax) sums[j] += total;
        else
            for (ptrdiff_t i = j; i < n * e->k; i += e->k) sums[j] += (double)((const real *)p)[i];
    }
}

#if !REAL_IS_FLOAT
/* the step of the intercepts with gradients g; V, b and their averages (k,) each */
static void auto_intercepts(const fo_auto *a, const double *g, double *V, double *b, double *mean) {
    const double share = auto_share(a->t);
    for (ptrdiff_t j = 0; j < a->k; j++) {
        V[j] += g[j] * g[j];
        b[j] -= V[j] > 0 ? a->rate[j] / sqrt(V[j]) * g[j] : V[j]; /* V not a number: neither is b */
        mean[j] += share * (b[j] - mean[j]);
    }
}
#endif
