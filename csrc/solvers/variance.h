/* variance.h: SAG, SAGA, SVRG and Katyusha over one block of samples: gradients whose variance falls to 0, so that the step need
 * not.  A linear model remembers one number a sample, the derivative of its loss, since the rest of its gradient is its row.  The
 * four are one loop: they differ in three shares (fo_variance, fastopt_chains.h).  Katyusha's gradients are those of a point between
 * the weights and the start of the pass; a row's prediction there is as far between two predictions.  Used by _solvers/stochastic/_saga.pyx.
 *
 * Beside CSR rows a column is stepped when it is touched next: without a value in between, its gradient stays the same, so
 * that the steps that it missed compose in closed form, l1 with its exact zeros included. */

/* how weights are pulled to 0: not at all, to both sides of it, to what is above it */
#ifndef FO_VARIANCE_ONCE
#define FO_VARIANCE_ONCE
enum { PROX_NONE, PROX_SOFT, PROX_POSITIVE };
#endif

/* a column of CSR rows */
typedef struct {
    real w, g;
    int32_t since;
} F(variance_column);

FO_INLINE real F(variance_prox)(const int prox, real w, real threshold) {
    if (prox == PROX_SOFT) return F(soft)(w, threshold);
    if (prox == PROX_POSITIVE) return F(max_)(0, w - threshold);
    return w;
}

/* m steps w ← keep·w − lr·g */
FO_INLINE real F(variance_steps)(const fo_variance *v, ptrdiff_t m, real w, real g) {
    if (m < v->powers) {
        const real *e = (const real *)v->table + 2 * m;
        return F(fma_)(e[0], w, -e[1] * g);
    }
    const double share = v->lr * v->l2, keep = pow(1 - share, (double)m);
    return (real)(keep * w - (share > 0 ? (1 - keep) / v->l2 : v->lr * (double)m) * g);
}

/* m steps w ← soft(keep·w − lr·g, lr·l1).  Above 0 they are linear, and monotonous, so that the last one tells whether all were
 * above 0; if not, the first that was not is looked for.  From 0 a weight starts to one side or stays; having crossed 0, it does
 * not come back.  Below 0 all is mirrored. */
FO_KERNEL real F(variance_soft_steps)(const fo_variance *v, ptrdiff_t m, real w, real g) {
    const real l1 = (real)v->l1, side = w < 0 || (w == 0 && g > 0) ? -1 : 1;
    w *= side, g *= side;
    if (w == 0 && g >= -l1) return 0;
    const real after = F(variance_steps)(v, m, w, g + l1);
    if (after > 0) return side * after;
    ptrdiff_t above = 0, below = m; /* steps after which w is above 0, or not */
    while (below - above > 1) {
        const ptrdiff_t middle = above + (below - above) / 2;
        if (F(variance_steps)(v, middle, w, g + l1) > 0) above = middle;
        else below = middle;
    }
    w = F(variance_steps)(v, 1, above > 0 ? F(variance_steps)(v, above, w, g + l1) : w, g);
    w = F(soft)(w, (real)(v->lr * v->l1));
    return g > l1 ? side * F(variance_steps)(v, m - below, w < 0 ? w : 0, g - l1) : 0;
}

/* the m steps that a column missed */
FO_INLINE real F(variance_missed)(const int prox, const fo_variance *v, ptrdiff_t m, real w, real g) {
    if (prox == PROX_SOFT) return F(variance_soft_steps)(v, m, w, g);
    if (prox == PROX_POSITIVE) return F(max_)(0, F(variance_steps)(v, m, w, g + (real)v->l1));
    return F(variance_steps)(v, m, w, g);
}

/* x·w for a CSR row, whose columns are brought up to date */
FO_INLINE real F(variance_dot)(const int layout, const int prox, const fo_variance *v, F(row) x, ptrdiff_t now,
                               F(variance_column) *w) {
    real s[4] = {0};
    for (ptrdiff_t i = 0; i < x.m; i++) {
        F(variance_column) *at = w + column(layout, x.columns, i);
        const ptrdiff_t missed = now - at->since;
        if (prox == PROX_NONE || missed > 0) { /* no steps are a step of the table too: a branch could not be predicted */
            at->w = F(variance_missed)(prox, v, missed, at->w, at->g);
            at->since = (int32_t)now;
        }
        s[i & 3] = F(fma_)(x.x[i], at->w, s[i & 3]);
    }
    return (s[0] + s[2]) + (s[1] + s[3]);
}

/* the step of a sample for the columns of its CSR row: the change of its gradient is change·x */
FO_INLINE void F(variance_step_csr)(const int layout, const int prox, const fo_variance *v, F(row) x, real change,
                                    ptrdiff_t now, F(variance_column) *w) {
    const real keep = (real)(1 - v->lr * v->l2), lr = (real)v->lr, threshold = (real)(v->lr * v->l1);
    const real c = (real)(-v->lr * v->own) * change, share = (real)v->share * change;
    for (ptrdiff_t i = 0; i < x.m; i++) {
        F(variance_column) *at = w + column(layout, x.columns, i);
        const real moved = F(fma_)(c, x.x[i], F(fma_)(keep, at->w, -lr * at->g));
        at->w = F(variance_prox)(prox, moved, threshold);
        if (share != 0) at->g = F(fma_)(share, x.x[i], at->g);
        at->since = (int32_t)(now + 1);
    }
}

/* the same for all weights beside a dense row */
FO_INLINE void F(variance_step_dense)(const int prox, const fo_variance *v, F(row) x, real change, real *restrict w,
                                      real *restrict g) {
    const real keep = (real)(1 - v->lr * v->l2), lr = (real)v->lr, threshold = (real)(v->lr * v->l1);
    const real c = (real)(-v->lr * v->own) * change, share = (real)v->share * change;
    const real *restrict row = x.x;
    FO_SIMD
    for (ptrdiff_t i = 0; i < x.m; i++) {
        const real moved = F(fma_)(c, row[i], F(fma_)(keep, w[i], -lr * g[i]));
        w[i] = F(variance_prox)(prox, moved, threshold);
        g[i] = F(fma_)(share, row[i], g[i]);
    }
}

/* the samples of a block, one after the other */
FO_INLINE void F(variance_samples)(const int layout, const int prox, const fo_variance *v, const fo_matrix *X,
                                   const fo_visits *block, fo_variance_output *out) {
    const real *y = block->y, *weight = block->weight;
    real *memory = out->memory, *kept = block->p;
    const real *start = out->start, mix = (real)v->mix;
    for (ptrdiff_t i = 0; i < block->n; i++) {
        const ptrdiff_t sample = block->samples[i], last = block->n - 1, ahead = i + 2 < last ? i + 2 : last;
        const F(row) x = F(row_of)(layout, X, block->rows[i]), next = F(row_of)(layout, X, block->rows[ahead]);
        F(prefetch_row)(layout, next);
        FO_PREFETCH(memory + block->samples[ahead]);
        if (start) FO_PREFETCH(start + block->samples[ahead]);
        const real z = layout == FO_DENSE ? F(row_dot)(FO_DENSE, x, out->w)
                                          : F(variance_dot)(layout, prox, v, x, out->now, out->w);
        kept[i] = z + (real)out->b;
        if (start) kept[i] = F(fma_)(mix, kept[i] - start[sample], start[sample]);
        const real grad = F(loss_grad)(&v->loss, y[i], kept[i]);
        const real change = F(weighed)(weight ? weight[i] : 1, grad - memory[sample]);
        if (v->share != 0) memory[sample] = grad;
        if (layout == FO_DENSE) F(variance_step_dense)(prox, v, x, change, out->w, out->g);
        else if (change != 0) F(variance_step_csr)(layout, prox, v, x, change, out->now, out->w);
        if (v->intercept) out->b -= v->lr * (out->g_b + v->own * (double)change);
        out->g_b += v->share * (double)change;
        out->now++;
    }
    F(loss_values)(&v->loss, block->n, y, kept);
    out->loss_sum += (double)F(loss_sum)(block->n, weight, kept);
}

FO_INLINE void F(variance_layouts)(const int prox, const fo_variance *v, const fo_matrix *X, const fo_visits *block,
                                   fo_variance_output *out) {
    if (X->layout == FO_DENSE) F(variance_samples)(FO_DENSE, prox, v, X, block, out);
    else if (X->layout == FO_CSR32) F(variance_samples)(FO_CSR32, prox, v, X, block, out);
    else F(variance_samples)(FO_CSR64, prox, v, X, block, out);
}

FO_KERNEL void F(variance_rows)(const fo_variance *v, const fo_matrix *X, const fo_visits *block, fo_variance_output *out) {
    if (v->positive) F(variance_layouts)(PROX_POSITIVE, v, X, block, out);
    else if (v->l1 > 0) F(variance_layouts)(PROX_SOFT, v, X, block, out);
    else F(variance_layouts)(PROX_NONE, v, X, block, out);
}

/* bring all d columns of CSR rows up to date */
FO_KERNEL void F(variance_settle)(const fo_variance *v, ptrdiff_t d, fo_variance_output *out) {
    const int prox = v->positive ? PROX_POSITIVE : v->l1 > 0 ? PROX_SOFT : PROX_NONE;
    F(variance_column) *w = out->w;
    for (ptrdiff_t j = 0; j < d; j++) {
        if (w[j].since < out->now) w[j].w = F(variance_missed)(prox, v, out->now - w[j].since, w[j].w, w[j].g);
        w[j].since = 0;
    }
    out->now = 0;
}
