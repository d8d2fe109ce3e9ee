/* auto.h: the step of optimizer="auto" (docs/auto.md): AdaGrad on standardised columns, the proximal step of the penalty,
 * and averages in which late steps count most.  u is the gradient in standardised units, V the sum of its squares, r the
 * inverse size of a column.  Used by _sgd/auto/run.pyx; gradients come from batch.h. */

#ifndef FO_AUTO_ONCE
#define FO_AUTO_ONCE
/* an average gives step s the weight of about s^AUTO_DECAY (Shamir and Zhang 2013) */
#define AUTO_DECAY 8
/* weights that are stepped side by side */
#define AUTO_GROUP 64
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
    if (l2 && !once) next *= F(exp_)(-m * F(log1p_positive)(h * lambda2));
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

FO_KERNEL void F(auto_dense)(const fo_auto *a, ptrdiff_t j, ptrdiff_t n, const void *r, void *g, void *V, void *w, void *mean) {
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

FO_KERNEL ptrdiff_t F(auto_touch)(const fo_matrix *X, const fo_chunk *chunk, ptrdiff_t n, unsigned char *seen,
                               ptrdiff_t *touched) {
    if (X->layout == FO_CSR32) return F(auto_touch_loop)(FO_CSR32, X, chunk, n, seen, touched);
    return F(auto_touch_loop)(FO_CSR64, X, chunk, n, seen, touched);
}

/* some weights, of several columns or outputs, with what belongs to each: late steps, and what its average keeps of its
 * distance from the weight that stood still meanwhile */
typedef struct {
    real rate[AUTO_GROUP], l2[AUTO_GROUP], r[AUTO_GROUP], late[AUTO_GROUP], kept[AUTO_GROUP];
    real g[AUTO_GROUP], V[AUTO_GROUP], w[AUTO_GROUP], mean[AUTO_GROUP];
} F(auto_group);

/* the averages catch up, then the step, then they follow by a share */
FO_INLINE void F(auto_late)(ptrdiff_t n, real lambda1, real share, const F(auto_group) *x, real *restrict g, real *restrict V,
                            real *restrict w, real *restrict mean) {
    FO_SIMD
    for (ptrdiff_t i = 0; i < n; i++) {
        const real before = F(fma_)(mean[i] - w[i], x->kept[i], w[i]);
        real v = V[i];
        w[i] = F(auto_weight)(1, 1, 0, x->rate[i], lambda1, x->l2[i], x->late[i], x->r[i], x->r[i] * g[i], &v, w[i]);
        V[i] = v;
        mean[i] = F(fma_)(share, w[i] - before, before);
        g[i] = 0;
    }
}

/* late steps and kept shares of n columns, `now` being Q of the last step of the averages */
FO_INLINE void F(auto_lateness)(ptrdiff_t n, double t, double now, const int64_t *since, F(auto_group) *x) {
    FO_SIMD
    for (ptrdiff_t i = 0; i < n; i++) {
        x->late[i] = (real)(t - (double)since[i]);
        x->kept[i] = (real)(auto_kept((double)since[i]) / now);
    }
}

/* columns of one output: fetched, stepped side by side, put back */
FO_INLINE void F(auto_fetched)(const fo_auto *a, double now, real share, ptrdiff_t n, const ptrdiff_t *columns,
                               const real *r, real *g, fo_auto_columns *c, F(auto_group) *x) {
    real *V = c->V, *w = c->w, *mean = c->mean;
    int64_t since[AUTO_GROUP];
    for (ptrdiff_t i = 0; i < n; i++) {
        const ptrdiff_t j = columns[i];
        since[i] = c->since[j], x->r[i] = r[j], x->g[i] = g[j], x->V[i] = V[j], x->w[i] = w[j], x->mean[i] = mean[j];
    }
    F(auto_lateness)(n, a->t, now, since, x);
    F(auto_late)(n, (real)a->l1, share, x, x->g, x->V, x->w, x->mean);
    for (ptrdiff_t i = 0; i < n; i++) {
        const ptrdiff_t j = columns[i];
        c->since[j] = (int64_t)a->t, g[j] = 0, V[j] = x->V[i], w[j] = x->w[i], mean[j] = x->mean[i];
    }
}

/* one column of outputs j … j + n − 1 */
FO_INLINE void F(auto_outputs)(const fo_auto *a, double now, real share, ptrdiff_t n, ptrdiff_t column, ptrdiff_t j,
                               const real *r, real *g, fo_auto_columns *c, F(auto_group) *x) {
    const ptrdiff_t at = column * a->k + j;
    F(auto_lateness)(1, a->t, now, c->since + column, x);
    for (ptrdiff_t i = 0; i < n; i++) {
        x->rate[i] = (real)a->rate[j + i], x->l2[i] = (real)a->l2[j + i];
        x->r[i] = r[column], x->late[i] = x->late[0], x->kept[i] = x->kept[0];
    }
    F(auto_late)(n, (real)a->l1, share, x, g + at, (real *)c->V + at, (real *)c->w + at, (real *)c->mean + at);
}

FO_INLINE void F(auto_step)(const fo_auto *a, double now, real share, ptrdiff_t n, const ptrdiff_t *columns, const real *r,
                            real *g, fo_auto_columns *c) {
    F(auto_group) x;
    if (a->k == 1) {
        for (int i = 0; i < AUTO_GROUP; i++) x.rate[i] = (real)a->rate[0], x.l2[i] = (real)a->l2[0];
        for (ptrdiff_t i = 0; i < n; i += AUTO_GROUP)
            F(auto_fetched)(a, now, share, n - i < AUTO_GROUP ? n - i : AUTO_GROUP, columns + i, r, g, c, &x);
        return;
    }
    for (ptrdiff_t i = 0; i < n; i++) {
        for (ptrdiff_t j = 0; j < a->k; j += AUTO_GROUP)
            F(auto_outputs)(a, now, share, a->k - j < AUTO_GROUP ? a->k - j : AUTO_GROUP, columns[i], j, r, g, c, &x);
        c->since[columns[i]] = (int64_t)a->t;
    }
}

FO_KERNEL void F(auto_columns)(const fo_auto *a, ptrdiff_t n, const ptrdiff_t *touched, unsigned char *seen, const void *r,
                            void *g, fo_auto_columns *c) {
    const double now = auto_kept(a->t - 1);
    F(auto_step)(a, now > 0 ? now : 1, (real)auto_share(a->t), n, touched, r, g, c);
    for (ptrdiff_t i = 0; i < n; i++) seen[touched[i]] = 0;
}

FO_KERNEL void F(auto_settle)(const fo_auto *a, ptrdiff_t d, const void *r, void *g, fo_auto_columns *c) {
    ptrdiff_t columns[AUTO_GROUP];
    for (ptrdiff_t first = 0; first < d; first += AUTO_GROUP) {
        const ptrdiff_t n = d - first < AUTO_GROUP ? d - first : AUTO_GROUP;
        for (ptrdiff_t i = 0; i < n; i++) columns[i] = first + i;
        F(auto_step)(a, auto_kept(a->t), 0, n, columns, r, g, c);
    }
}

/* sums[j] += Σ loss(y_j, p_j); of a loss of all outputs together the same for each.  Uses p up */
FO_KERNEL void F(auto_losses)(const fo_errors *e, ptrdiff_t n, const void *y, void *p, double *sums) {
    const double total = F(batch_values)(e, n, y, p);
    for (ptrdiff_t j = 0; j < e->k; j++) {
        if (fo_couples(&e->loss)) sums[j] += total;
        else
            for (ptrdiff_t i = j; i < n * e->k; i += e->k) sums[j] += (double)((const real *)p)[i];
    }
}

#if !REAL_IS_FLOAT
/* the step of the intercepts with gradients g; V, b and their averages (k,) each */
FO_KERNEL void auto_intercepts(const fo_auto *a, const double *g, double *V, double *b, double *mean) {
    const double share = auto_share(a->t);
    for (ptrdiff_t j = 0; j < a->k; j++) {
        V[j] += g[j] * g[j];
        b[j] -= V[j] > 0 ? a->rate[j] / sqrt(V[j]) * g[j] : V[j]; /* V not a number: neither is b */
        mean[j] += share * (b[j] - mean[j]);
    }
}
#endif
