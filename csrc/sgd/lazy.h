/* lazy.h: steps of mini-batches of CSR rows that touch only the columns in which the batch has values.  What a column misses
 * meanwhile, the steps without a gradient, it gets at once when it is touched next, before it is read: decay and l2 as one
 * factor, l1 as one threshold, exactly but for rounding; so a batch costs what its values cost.  Used by _sgd/batch/steps.pyx.
 *
 * It goes with rules that a gradient of 0 leaves as they are, apart from that: sgd, adagrad without l2 (which would enter its
 * sums of squares), and ftrl, whose weight follows from its state and the last rate.  fastopt.h says what fo_lazy holds. */

#if REAL_IS_FLOAT
/* A factor near 0, or a negative one, is left to a full step. */
FO_KERNEL int lazy_accepts(const fo_rule *r) {
    switch (r->kind) {
        case FO_RULE_sgd: return r->lr * (r->decay + r->l2) < 0.9;
        case FO_RULE_adagrad: return r->l2 == 0 && r->lr * r->decay < 0.9;
        case FO_RULE_ftrl: return 1;
        default: return 0;
    }
}

FO_KERNEL void lazy_note(const fo_step *step, fo_lazy *lazy) {
    const fo_coefs *h = &step->h;
    const double a = h->decay_factor - h->rate * h->l2, b = h->rate * h->l1;
    const int32_t now = lazy->now++;
    lazy->decay_factors[now + 1] = lazy->decay_factors[now] * a;
    lazy->shrinkages[now + 1] = lazy->shrinkages[now] + b / lazy->decay_factors[now + 1];
    lazy->moves |= step->kind == FO_RULE_ftrl || a != 1 || b != 0;
    lazy->last = *step;
    lazy->n = 0;
}
#endif

/* One column from step `since` to `now`. */
FO_INLINE void F(lazy_catch_up)(const int kind, const F(coefs) *h, const fo_lazy *lazy, int32_t since, ptrdiff_t column,
                                real *w, void *const *state) {
    const double all = lazy->decay_factors[lazy->now];
    const real decay_factor = (real)(all / lazy->decay_factors[since]), shrink = (real)(all * (lazy->shrinkages[lazy->now] - lazy->shrinkages[since]));
    real *s0 = state[0], *s1 = state[1];
    for (ptrdiff_t at = column * lazy->k; at < (column + 1) * lazy->k; at++) {
        if (kind == FO_RULE_sgd) w[at] = F(soft)(decay_factor * w[at], shrink);
        if (kind == FO_RULE_adagrad) w[at] = F(soft)(decay_factor * w[at], shrink / (F(sqrt_)(s0[at]) + h->eps));
        if (kind == FO_RULE_ftrl) w[at] = F(rule_ftrl)(h, 0, (F(param)){w[at], s0[at], s1[at], 0, 0, 0}).w;
    }
}

/* The columns `columns`, or the first n where it is NULL, each from its step on. */
FO_INLINE void F(lazy_catch_up_loop)(const int kind, const fo_lazy *lazy, ptrdiff_t n, const int64_t *columns,
                                     const int32_t *since, real *w, void *const *state) {
    const F(coefs) h = F(coefs_of)(&lazy->last);
    for (ptrdiff_t i = 0; i < n; i++)
        if (since[i] < lazy->now)
            F(lazy_catch_up)(kind, &h, lazy, since[i], columns ? (ptrdiff_t)columns[i] : i, w, state);
}

FO_INLINE void F(lazy_catch_up_all)(const fo_lazy *lazy, ptrdiff_t n, const int64_t *columns, const int32_t *since,
                                    real *w, void *const *state) {
    if (!lazy->moves) return;
    switch (lazy->last.kind) {
        case FO_RULE_sgd: F(lazy_catch_up_loop)(FO_RULE_sgd, lazy, n, columns, since, w, state); break;
        case FO_RULE_adagrad: F(lazy_catch_up_loop)(FO_RULE_adagrad, lazy, n, columns, since, w, state); break;
        case FO_RULE_ftrl: F(lazy_catch_up_loop)(FO_RULE_ftrl, lazy, n, columns, since, w, state); break;
        default: break;
    }
}

/* Adds a row's columns, without a branch, which could not be predicted: there is room for one more. */
FO_INLINE ptrdiff_t F(lazy_add)(const int layout, F(row) x, const fo_lazy *lazy, ptrdiff_t n) {
    const int32_t next = lazy->now + 1;
    for (ptrdiff_t i = 0; i < x.m; i++) {
        const ptrdiff_t j = column(layout, x.columns, i);
        const int32_t at = lazy->seen[j];
        lazy->columns[n] = j;
        lazy->since[n] = at;
        n += at != next;
        lazy->seen[j] = next;
    }
    return n;
}

FO_KERNEL void F(lazy_touch)(const fo_matrix *X, const fo_chunk *chunk, fo_lazy *lazy, void *w, void *const *state) {
    ptrdiff_t n = lazy->n;
    for (ptrdiff_t i = 0; i < chunk->n; i++) {
        if (X->layout == FO_CSR32) n = F(lazy_add)(FO_CSR32, F(row_of)(FO_CSR32, X, chunk->rows[i]), lazy, n);
        else n = F(lazy_add)(FO_CSR64, F(row_of)(FO_CSR64, X, chunk->rows[i]), lazy, n);
    }
    F(lazy_catch_up_all)(lazy, n - lazy->n, lazy->columns + lazy->n, lazy->since + lazy->n, w, state);
    lazy->n = n;
}

FO_KERNEL void F(lazy_take)(const fo_lazy *lazy, void *gradient, void *taken) {
    const ptrdiff_t k = lazy->k;
    real *restrict g = gradient, *restrict out = taken;
    for (ptrdiff_t i = 0; i < lazy->n; i++)
        for (ptrdiff_t j = 0; j < k; j++) {
            out[i * k + j] = g[lazy->columns[i] * k + j];
            g[lazy->columns[i] * k + j] = 0;
        }
}

FO_KERNEL void F(lazy_settle)(ptrdiff_t d, fo_lazy *lazy, void *w, void *const *state) {
    F(lazy_catch_up_all)(lazy, d, NULL, lazy->seen, w, state);
    memset(lazy->seen, 0, (size_t)d * sizeof(int32_t));
    lazy->n = lazy->now = lazy->moves = 0;
    lazy->decay_factors[0] = 1;
    lazy->shrinkages[0] = 0;
}
