/* batch.h: mini-batches: predictions of the rows of a chunk, the factors of the rows in the gradient, and the gradient, while
 * the rows stay in the cache.  Used by _batch.pyx, which cuts batches into chunks and shares columns among threads.
 *
 * The columns of dense rows are cut into blocks, by their number alone.  A product is summed within a block, and the sums of
 * the blocks are added in their order; a gradient is summed in the order of the rows.  So neither depends on who computes
 * which block, nor on how a batch is cut into chunks.  Rows of the chunk to come are prefetched on the way, half of them by
 * the products and half by the gradient, so that memory never rests. */

#ifndef FO_BATCH_ONCE
#define FO_BATCH_ONCE
/* rows that share a load of w, or of g */
#define BATCH_ROWS 4
/* columns of a block; of the last one fewer */
FO_INLINE ptrdiff_t batch_columns(const fo_matrix *X, const fo_chunk *chunk, ptrdiff_t block) {
    const ptrdiff_t rest = X->d - block * chunk->width;
    return rest < chunk->width ? rest : chunk->width;
}
/* CSR rows between the one at work and the one that is prefetched */
#define BATCH_AHEAD_CSR 8
#endif

/* rows of a group, and rows to come, from the first column of a block on */
typedef struct {
    const real *x[BATCH_ROWS];
    const real *ahead[BATCH_ROWS / 2];
    int rows;      /* that are to be computed: of the last group of a chunk maybe less than BATCH_ROWS */
    int prefetch;  /* whether there are rows to come */
} F(batch_group);

/* rows i … i + BATCH_ROWS − 1 of a chunk, the last one again past its end; `half` of the rows to come */
FO_INLINE F(batch_group) F(batch_rows)(const fo_matrix *X, const fo_chunk *chunk, ptrdiff_t i, ptrdiff_t first, int half) {
    F(batch_group) r;
    const real *data = (const real *)X->data + first;
    for (int u = 0; u < BATCH_ROWS; u++)
        r.x[u] = data + chunk->rows[i + u < chunk->n ? i + u : chunk->n - 1] * X->stride;
    r.rows = (int)(chunk->n - i < BATCH_ROWS ? chunk->n - i : BATCH_ROWS);
    r.prefetch = i + BATCH_ROWS <= chunk->n_next;
    for (int u = 0; u < BATCH_ROWS / 2; u++)
        r.ahead[u] = r.prefetch ? data + chunk->next[i + half * (BATCH_ROWS / 2) + u] * X->stride : data;
    return r;
}

#define BATCH_AHEAD(i) \
    if (ahead) FO_UNROLL for (int u = 0; u < BATCH_ROWS / 2; u++) FO_PREFETCH(r->ahead[u] + (i))

/* p[u·k + t] = x_u·w_t over d columns, for the rows of a group and `tile` outputs */
FO_INLINE void F(batch_dot_tile)(const int tile, const int ahead, const F(batch_group) *r, ptrdiff_t d, ptrdiff_t k,
                                 const real *w, ptrdiff_t stride, real *p) {
    F(vec) s[BATCH_ROWS][FO_TILE], wv[FO_TILE];
    ptrdiff_t i = 0;
    FO_UNROLL for (int u = 0; u < BATCH_ROWS; u++) FO_UNROLL for (int t = 0; t < tile; t++) s[u][t] = F(vset)(0);
    for (; i + VLEN <= d; i += VLEN) {
        FO_UNROLL for (int t = 0; t < tile; t++) wv[t] = F(vload)(w + t * stride + i);
        BATCH_AHEAD(i);
        FO_UNROLL for (int u = 0; u < BATCH_ROWS; u++) {
            const F(vec) x = F(vload_row)(r->x[u] + i);
            FO_UNROLL for (int t = 0; t < tile; t++) s[u][t] = F(vfma)(x, wv[t], s[u][t]);
        }
    }
    if (i < d) {
        const int m = (int)(d - i);
        FO_UNROLL for (int t = 0; t < tile; t++) wv[t] = F(vload_part)(w + t * stride + i, m);
        BATCH_AHEAD(i);
        FO_UNROLL for (int u = 0; u < BATCH_ROWS; u++) {
            const F(vec) x = F(vload_part)(r->x[u] + i, m);
            FO_UNROLL for (int t = 0; t < tile; t++) s[u][t] = F(vfma)(x, wv[t], s[u][t]);
        }
    }
    FO_UNROLL for (int u = 0; u < BATCH_ROWS; u++)
        if (u < r->rows) FO_UNROLL for (int t = 0; t < tile; t++) p[u * k + t] = F(vsum)(s[u][t]);
}

/* g_t += Σ_u c[u·k + t]·x_u over d columns */
FO_INLINE void F(batch_add_tile)(const int tile, const int ahead, const F(batch_group) *r, ptrdiff_t d, ptrdiff_t k,
                                 const real *c, real *g, ptrdiff_t stride) {
    F(vec) cv[BATCH_ROWS][FO_TILE], gv[FO_TILE];
    ptrdiff_t i = 0;
    FO_UNROLL for (int u = 0; u < BATCH_ROWS; u++)
        FO_UNROLL for (int t = 0; t < tile; t++) cv[u][t] = F(vset)(u < r->rows ? c[u * k + t] : 0);
    for (; i + VLEN <= d; i += VLEN) {
        FO_UNROLL for (int t = 0; t < tile; t++) gv[t] = F(vload)(g + t * stride + i);
        BATCH_AHEAD(i);
        FO_UNROLL for (int u = 0; u < BATCH_ROWS; u++) {
            const F(vec) x = F(vload_row)(r->x[u] + i);
            FO_UNROLL for (int t = 0; t < tile; t++) gv[t] = F(vfma)(cv[u][t], x, gv[t]);
        }
        FO_UNROLL for (int t = 0; t < tile; t++) F(vstore)(g + t * stride + i, gv[t]);
    }
    if (i < d) {
        const int m = (int)(d - i);
        FO_UNROLL for (int t = 0; t < tile; t++) gv[t] = F(vload_part)(g + t * stride + i, m);
        BATCH_AHEAD(i);
        FO_UNROLL for (int u = 0; u < BATCH_ROWS; u++) {
            const F(vec) x = F(vload_part)(r->x[u] + i, m);
            FO_UNROLL for (int t = 0; t < tile; t++) gv[t] = F(vfma)(cv[u][t], x, gv[t]);
        }
        FO_UNROLL for (int t = 0; t < tile; t++) F(vstore_part)(g + t * stride + i, gv[t], m);
    }
}
#undef BATCH_AHEAD

/* one block of columns of a group, a tile of outputs after the other; no line is prefetched twice */
FO_INLINE void F(batch_dot)(const fo_chunk *chunk, const F(batch_group) *r, ptrdiff_t d, const real *w, real *p) {
    const ptrdiff_t k = chunk->k, stride = chunk->output_stride;
    ptrdiff_t t = 0;
    int ahead = r->prefetch;
    for (; t + FO_TILE <= k; t += FO_TILE, ahead = 0) {
        if (ahead) F(batch_dot_tile)(FO_TILE, 1, r, d, k, w + t * stride, stride, p + t);
        else F(batch_dot_tile)(FO_TILE, 0, r, d, k, w + t * stride, stride, p + t);
    }
    for (; t < k; t++, ahead = 0) {
        if (ahead) F(batch_dot_tile)(1, 1, r, d, k, w + t * stride, stride, p + t);
        else F(batch_dot_tile)(1, 0, r, d, k, w + t * stride, stride, p + t);
    }
}

FO_INLINE void F(batch_add)(const fo_chunk *chunk, const F(batch_group) *r, ptrdiff_t d, const real *c, real *g) {
    const ptrdiff_t k = chunk->k, stride = chunk->output_stride;
    ptrdiff_t t = 0;
    int ahead = r->prefetch;
    for (; t + FO_TILE <= k; t += FO_TILE, ahead = 0) {
        if (ahead) F(batch_add_tile)(FO_TILE, 1, r, d, k, c + t, g + t * stride, stride);
        else F(batch_add_tile)(FO_TILE, 0, r, d, k, c + t, g + t * stride, stride);
    }
    for (; t < k; t++, ahead = 0) {
        if (ahead) F(batch_add_tile)(1, 1, r, d, k, c + t, g + t * stride, stride);
        else F(batch_add_tile)(1, 0, r, d, k, c + t, g + t * stride, stride);
    }
}

/* ---- CSR rows: all outputs of a feature side by side, feature_stride apart ---- */

/* p_j = x·w_j, a vector of outputs at a time */
FO_INLINE void F(batch_dot_csr)(const int layout, const fo_chunk *chunk, F(row) x, const real *w, real *p) {
    for (ptrdiff_t j = 0; j < chunk->k; j += VLEN) {
        const int m = (int)(chunk->k - j < VLEN ? chunk->k - j : VLEN);
        F(vec) s = F(vset)(0);
        for (ptrdiff_t i = 0; i < x.m; i++) {
            const real *at = w + column(layout, x.columns, i) * chunk->feature_stride + j;
            s = F(vfma)(F(vset)(x.x[i]), m == VLEN ? F(vload)(at) : F(vload_part)(at, m), s);
        }
        F(vstore_part)(p + j, s, m);
    }
}

/* g_j += c_j·x */
FO_INLINE void F(batch_add_csr)(const int layout, const fo_chunk *chunk, F(row) x, const real *c, real *g) {
    for (ptrdiff_t j = 0; j < chunk->k; j += VLEN) {
        const int m = (int)(chunk->k - j < VLEN ? chunk->k - j : VLEN);
        const F(vec) cv = F(vload_part)(c + j, m);
        for (ptrdiff_t i = 0; i < x.m; i++) {
            real *at = g + column(layout, x.columns, i) * chunk->feature_stride + j;
            F(vstore_part)(at, F(vfma)(cv, F(vset)(x.x[i]), F(vload_part)(at, m)), m);
        }
    }
}

FO_INLINE void F(batch_products_csr)(const int layout, const fo_matrix *X, const fo_chunk *chunk, const real *w, real *p) {
    for (ptrdiff_t i = 0; i < chunk->n; i++) {
        const F(row) x = F(row_of)(layout, X, chunk->rows[i]);
        const F(row) ahead = i < chunk->n_next ? F(row_of)(layout, X, chunk->next[i]) : (F(row)){0};
        if (chunk->k == 1) {
            p[i] = F(dot_csr)(layout, x, w, ahead);
            continue;
        }
        prefetch_bytes(ahead.x, ahead.m * (ptrdiff_t)sizeof(real));
        prefetch_bytes(ahead.columns, ahead.m * (layout == FO_CSR32 ? 4 : 8));
        F(batch_dot_csr)(layout, chunk, x, w, p + i * chunk->k);
    }
}

FO_INLINE void F(batch_gradient_csr)(const int layout, const fo_matrix *X, const fo_chunk *chunk, const real *c, real *g) {
    for (ptrdiff_t i = 0; i < chunk->n; i++) {
        const F(row) x = F(row_of)(layout, X, chunk->rows[i]);
        if (chunk->k == 1) F(add_csr)(layout, 0, x, c[i], g, NULL);
        else F(batch_add_csr)(layout, chunk, x, c + i * chunk->k, g);
    }
}

/* ---- the kernels ---- */

static void F(batch_products)(const fo_matrix *X, const fo_chunk *chunk, const void *w, ptrdiff_t p_stride, void *p) {
    if (X->layout == FO_CSR32) F(batch_products_csr)(FO_CSR32, X, chunk, w, p);
    if (X->layout == FO_CSR64) F(batch_products_csr)(FO_CSR64, X, chunk, w, p);
    if (X->layout != FO_DENSE) return;
    for (ptrdiff_t i = 0; i < chunk->n; i += BATCH_ROWS)
        for (ptrdiff_t block = chunk->begin; block < chunk->end; block++) {
            const ptrdiff_t first = block * chunk->width;
            const F(batch_group) r = F(batch_rows)(X, chunk, i, first, 0);
            F(batch_dot)(chunk, &r, batch_columns(X, chunk, block), (const real *)w + first,
                         (real *)p + block * p_stride + i * chunk->k);
        }
}

static void F(batch_gradient)(const fo_matrix *X, const fo_chunk *chunk, const void *c, void *g) {
    if (X->layout == FO_CSR32) F(batch_gradient_csr)(FO_CSR32, X, chunk, c, g);
    if (X->layout == FO_CSR64) F(batch_gradient_csr)(FO_CSR64, X, chunk, c, g);
    if (X->layout != FO_DENSE) return;
    const ptrdiff_t first = chunk->begin * chunk->width;
    const ptrdiff_t d = (chunk->end - 1) * chunk->width + batch_columns(X, chunk, chunk->end - 1) - first;
    for (ptrdiff_t i = 0; i < chunk->n; i += BATCH_ROWS) {
        const F(batch_group) r = F(batch_rows)(X, chunk, i, first, 1);
        F(batch_add)(chunk, &r, d, (const real *)c + i * chunk->k, (real *)g + first);
    }
}

/* softmax(p) − y of a row of k outputs, y one-hot */
FO_INLINE void F(softmax_error)(ptrdiff_t k, const real *restrict y, const real *restrict p, real *restrict c) {
    real most = p[0], sum = 0;
    for (ptrdiff_t j = 1; j < k; j++) most = p[j] > most ? p[j] : most;
    FO_SIMD
    for (ptrdiff_t j = 0; j < k; j++) c[j] = F(exp_)(p[j] - most);
    for (ptrdiff_t j = 0; j < k; j++) sum += c[j];
    for (ptrdiff_t j = 0; j < k; j++) c[j] = c[j] / sum - y[j];
}

/* what the class of a row of one-hot y, or the output's y, multiplies c with */
FO_INLINE void F(batch_weigh)(const fo_errors *e, ptrdiff_t n, const real *y, const real *weight, double factor, real *c) {
    const ptrdiff_t k = e->k;
    for (ptrdiff_t i = 0; i < n; i++) {
        double row = factor * (weight ? (double)weight[i] : 1);
        if (e->softmax && e->class_weight)
            for (ptrdiff_t j = 0; j < k; j++) row *= y[i * k + j] > 0 ? e->class_weight[2 * j + 1] : 1;
        for (ptrdiff_t j = 0; j < k; j++) {
            const real limit = R(1e12), g = c[i * k + j], cut = g > limit ? limit : g < -limit ? -limit : g;
            const double own = e->softmax || !e->class_weight ? 1 : e->class_weight[2 * j + (y[i * k + j] > 0)];
            c[i * k + j] = cut * (real)(row * own);
        }
    }
}

static void F(batch_errors)(const fo_errors *e, ptrdiff_t n, ptrdiff_t blocks, ptrdiff_t stride, const void *sums,
                            const void *targets, const void *weight, double factor, void *raw, void *factors, double *g_b) {
    const ptrdiff_t k = e->k;
    const real *y = targets, *s = sums;
    real *p = raw, *c = factors;
    for (ptrdiff_t i = 0; i < n * k; i++) {
        real sum = s[i];
        for (ptrdiff_t block = 1; block < blocks; block++) sum += s[block * stride + i];
        p[i] = sum;
    }
    for (ptrdiff_t i = 0; i < n; i++)
        for (ptrdiff_t j = 0; j < k; j++) p[i * k + j] += (real)e->b[j];
    if (e->softmax)
        for (ptrdiff_t i = 0; i < n; i++) F(softmax_error)(k, y + i * k, p + i * k, c + i * k);
    else F(loss_grads_loop)(&e->loss, n * k, y, p, c);
    F(batch_weigh)(e, n, y, weight, factor, c);
    for (ptrdiff_t i = 0; i < n; i++)
        for (ptrdiff_t j = 0; j < k; j++) g_b[j] += (double)c[i * k + j];
}

/* log Σ exp(p) − y·p of a row of one-hot y */
FO_INLINE double F(softmax_value)(ptrdiff_t k, const real *y, const real *p) {
    real most = p[0], sum = 0, own = 0;
    for (ptrdiff_t j = 1; j < k; j++) most = p[j] > most ? p[j] : most;
    FO_SIMD_SUM(sum, own)
    for (ptrdiff_t j = 0; j < k; j++) {
        sum += F(exp_)(p[j] - most);
        own += y[j] * (p[j] - most);
    }
    return (double)(F(log_)(sum) - own);
}

static double F(batch_values)(const fo_errors *e, ptrdiff_t n, const void *y, void *p) {
    double sum = 0;
    if (e->softmax) {
        for (ptrdiff_t i = 0; i < n; i++)
            sum += F(softmax_value)(e->k, (const real *)y + i * e->k, (const real *)p + i * e->k);
        return sum;
    }
    F(loss_values)(&e->loss, n * e->k, y, p);
    for (ptrdiff_t i = 0; i < n * e->k; i++) sum += (double)((const real *)p)[i];
    return sum / (double)e->k;
}

static void F(average)(ptrdiff_t n, double share, const void *weights, void *averages) {
    const real *restrict w = weights;
    real *restrict mean = averages;
    const real factor = (real)share;
    FO_SIMD
    for (ptrdiff_t i = 0; i < n; i++) mean[i] = F(fma_)(factor, w[i] - mean[i], mean[i]);
}
