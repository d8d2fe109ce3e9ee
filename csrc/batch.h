/* batch.h: mini-batches: predictions of the rows of a chunk, and the gradient, while the rows stay in the cache; what lies
 * between the two is batch_errors.h.  Used by _batch.pyx, which cuts batches into chunks and shares columns among threads.
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
    const real *centre; /* of the block's columns, or NULL */
} F(batch_group);

/* rows i … i + BATCH_ROWS − 1 of a chunk, the last one again past its end; `half` of the rows to come */
FO_INLINE F(batch_group) F(batch_rows)(const fo_matrix *X, const fo_chunk *chunk, ptrdiff_t i, ptrdiff_t first, int half) {
    F(batch_group) r;
    const real *data = (const real *)X->data + first;
    for (int u = 0; u < BATCH_ROWS; u++)
        r.x[u] = data + chunk->rows[i + u < chunk->n ? i + u : chunk->n - 1] * X->stride;
    r.rows = (int)(chunk->n - i < BATCH_ROWS ? chunk->n - i : BATCH_ROWS);
    r.prefetch = i + BATCH_ROWS <= chunk->n_next;
    r.centre = chunk->centre ? (const real *)chunk->centre + first : NULL;
    for (int u = 0; u < BATCH_ROWS / 2; u++)
        r.ahead[u] = r.prefetch ? data + chunk->next[i + half * (BATCH_ROWS / 2) + u] * X->stride : data;
    return r;
}

#define BATCH_AHEAD(i) \
    if (ahead) FO_UNROLL for (int u = 0; u < BATCH_ROWS / 2; u++) FO_PREFETCH(r->ahead[u] + (i))

/* a vector of a row, or its first m elements: minus the centre of the columns, where they have one, before anything is
 * multiplied with it, so that no product is a difference of large sums */
FO_INLINE F(vec) F(batch_load)(const int centred, const F(batch_group) *r, int u, ptrdiff_t i) {
    const F(vec) x = F(vload_row)(r->x[u] + i);
    return centred ? F(vsub)(x, F(vload)(r->centre + i)) : x;
}
FO_INLINE F(vec) F(batch_load_part)(const int centred, const F(batch_group) *r, int u, ptrdiff_t i, int m) {
    const F(vec) x = F(vload_part)(r->x[u] + i, m);
    return centred ? F(vsub)(x, F(vload_part)(r->centre + i, m)) : x;
}

/* p[u·k + t] = x_u·w_t over d columns, for the rows of a group and `tile` outputs */
FO_INLINE void F(batch_dot_tile)(const int tile, const int ahead, const int centred, const F(batch_group) *r, ptrdiff_t d,
                                 ptrdiff_t k, const real *w, ptrdiff_t stride, real *p) {
    F(vec) s[BATCH_ROWS][FO_TILE], wv[FO_TILE];
    ptrdiff_t i = 0;
    FO_UNROLL for (int u = 0; u < BATCH_ROWS; u++) FO_UNROLL for (int t = 0; t < tile; t++) s[u][t] = F(vset)(0);
    for (; i + VLEN <= d; i += VLEN) {
        FO_UNROLL for (int t = 0; t < tile; t++) wv[t] = F(vload)(w + t * stride + i);
        BATCH_AHEAD(i);
        FO_UNROLL for (int u = 0; u < BATCH_ROWS; u++) {
            const F(vec) x = F(batch_load)(centred, r, u, i);
            FO_UNROLL for (int t = 0; t < tile; t++) s[u][t] = F(vfma)(x, wv[t], s[u][t]);
        }
    }
    if (i < d) {
        const int m = (int)(d - i);
        FO_UNROLL for (int t = 0; t < tile; t++) wv[t] = F(vload_part)(w + t * stride + i, m);
        BATCH_AHEAD(i);
        FO_UNROLL for (int u = 0; u < BATCH_ROWS; u++) {
            const F(vec) x = F(batch_load_part)(centred, r, u, i, m);
            FO_UNROLL for (int t = 0; t < tile; t++) s[u][t] = F(vfma)(x, wv[t], s[u][t]);
        }
    }
    FO_UNROLL for (int u = 0; u < BATCH_ROWS; u++)
        if (u < r->rows) FO_UNROLL for (int t = 0; t < tile; t++) p[u * k + t] = F(vsum)(s[u][t]);
}

/* g_t += Σ_u c[u·k + t]·x_u over d columns */
FO_INLINE void F(batch_add_tile)(const int tile, const int ahead, const int centred, const F(batch_group) *r, ptrdiff_t d,
                                 ptrdiff_t k, const real *c, real *g, ptrdiff_t stride) {
    F(vec) cv[BATCH_ROWS][FO_TILE], gv[FO_TILE];
    ptrdiff_t i = 0;
    FO_UNROLL for (int u = 0; u < BATCH_ROWS; u++)
        FO_UNROLL for (int t = 0; t < tile; t++) cv[u][t] = F(vset)(u < r->rows ? c[u * k + t] : 0);
    for (; i + VLEN <= d; i += VLEN) {
        FO_UNROLL for (int t = 0; t < tile; t++) gv[t] = F(vload)(g + t * stride + i);
        BATCH_AHEAD(i);
        FO_UNROLL for (int u = 0; u < BATCH_ROWS; u++) {
            const F(vec) x = F(batch_load)(centred, r, u, i);
            FO_UNROLL for (int t = 0; t < tile; t++) gv[t] = F(vfma)(cv[u][t], x, gv[t]);
        }
        FO_UNROLL for (int t = 0; t < tile; t++) F(vstore)(g + t * stride + i, gv[t]);
    }
    if (i < d) {
        const int m = (int)(d - i);
        FO_UNROLL for (int t = 0; t < tile; t++) gv[t] = F(vload_part)(g + t * stride + i, m);
        BATCH_AHEAD(i);
        FO_UNROLL for (int u = 0; u < BATCH_ROWS; u++) {
            const F(vec) x = F(batch_load_part)(centred, r, u, i, m);
            FO_UNROLL for (int t = 0; t < tile; t++) gv[t] = F(vfma)(cv[u][t], x, gv[t]);
        }
        FO_UNROLL for (int t = 0; t < tile; t++) F(vstore_part)(g + t * stride + i, gv[t], m);
    }
}
#undef BATCH_AHEAD

/* one block of columns of a group, a tile of outputs after the other; no line is prefetched twice */
FO_INLINE void F(batch_dot)(const int centred, const fo_chunk *chunk, const F(batch_group) *r, ptrdiff_t d, const real *w,
                            real *p) {
    const ptrdiff_t k = chunk->k, stride = chunk->output_stride;
    ptrdiff_t t = 0;
    int ahead = r->prefetch;
    for (; t + FO_TILE <= k; t += FO_TILE, ahead = 0) {
        if (ahead) F(batch_dot_tile)(FO_TILE, 1, centred, r, d, k, w + t * stride, stride, p + t);
        else F(batch_dot_tile)(FO_TILE, 0, centred, r, d, k, w + t * stride, stride, p + t);
    }
    for (; t < k; t++, ahead = 0) {
        if (ahead) F(batch_dot_tile)(1, 1, centred, r, d, k, w + t * stride, stride, p + t);
        else F(batch_dot_tile)(1, 0, centred, r, d, k, w + t * stride, stride, p + t);
    }
}

FO_INLINE void F(batch_add)(const int centred, const fo_chunk *chunk, const F(batch_group) *r, ptrdiff_t d, const real *c,
                            real *g) {
    const ptrdiff_t k = chunk->k, stride = chunk->output_stride;
    ptrdiff_t t = 0;
    int ahead = r->prefetch;
    for (; t + FO_TILE <= k; t += FO_TILE, ahead = 0) {
        if (ahead) F(batch_add_tile)(FO_TILE, 1, centred, r, d, k, c + t, g + t * stride, stride);
        else F(batch_add_tile)(FO_TILE, 0, centred, r, d, k, c + t, g + t * stride, stride);
    }
    for (; t < k; t++, ahead = 0) {
        if (ahead) F(batch_add_tile)(1, 1, centred, r, d, k, c + t, g + t * stride, stride);
        else F(batch_add_tile)(1, 0, centred, r, d, k, c + t, g + t * stride, stride);
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

/* the first of a row's values in a column from `bound` on; they ascend.  Without a branch, which could not be predicted */
FO_INLINE ptrdiff_t F(batch_bound)(const int layout, F(row) x, ptrdiff_t bound) {
    ptrdiff_t first = 0;
    for (ptrdiff_t m = x.m, half = m / 2; half > 0; m -= half, half = m / 2)
        first += column(layout, x.columns, first + half - 1) < bound ? half : 0;
    return first + (x.m > 0 && column(layout, x.columns, first) < bound);
}

/* the values of a row in columns first … last − 1 */
FO_INLINE F(row) F(batch_between)(const int layout, F(row) x, ptrdiff_t first, ptrdiff_t last) {
    const ptrdiff_t from = F(batch_bound)(layout, x, first), to = F(batch_bound)(layout, x, last);
    return (F(row)){x.x + from, (const char *)x.columns + from * (layout == FO_CSR32 ? 4 : 8), to - from};
}

/* `all`: of all columns; else of the chunk's, whose rows other threads may have brought into their caches */
FO_INLINE void F(batch_gradient_csr)(const int layout, const int all, const fo_matrix *X, const fo_chunk *chunk,
                                     const real *c, real *g) {
    const ptrdiff_t first = chunk->begin * chunk->width, last = chunk->end * chunk->width;
    for (ptrdiff_t i = 0; i < chunk->n; i++) {
        F(row) x = F(row_of)(layout, X, chunk->rows[i]);
        if (!all && i + BATCH_AHEAD_CSR < chunk->n) {
            const F(row) ahead = F(row_of)(layout, X, chunk->rows[i + BATCH_AHEAD_CSR]);
            prefetch_bytes(ahead.x, ahead.m * (ptrdiff_t)sizeof(real));
            prefetch_bytes(ahead.columns, ahead.m * (layout == FO_CSR32 ? 4 : 8));
        }
        if (!all) x = F(batch_between)(layout, x, first, last);
        if (chunk->k == 1) F(add_csr)(layout, 0, x, c[i], g, NULL);
        else F(batch_add_csr)(layout, chunk, x, c + i * chunk->k, g);
    }
}

/* ---- the kernels ---- */

FO_INLINE void F(batch_products_dense)(const int centred, const fo_matrix *X, const fo_chunk *chunk, const real *w,
                                       ptrdiff_t p_stride, real *p) {
    for (ptrdiff_t i = 0; i < chunk->n; i += BATCH_ROWS)
        for (ptrdiff_t block = chunk->begin; block < chunk->end; block++) {
            const ptrdiff_t first = block * chunk->width;
            const F(batch_group) r = F(batch_rows)(X, chunk, i, first, 0);
            F(batch_dot)(centred, chunk, &r, batch_columns(X, chunk, block), w + first, p + block * p_stride + i * chunk->k);
        }
}

FO_INLINE void F(batch_gradient_dense)(const int centred, const fo_matrix *X, const fo_chunk *chunk, const real *c, real *g) {
    const ptrdiff_t first = chunk->begin * chunk->width;
    const ptrdiff_t d = (chunk->end - 1) * chunk->width + batch_columns(X, chunk, chunk->end - 1) - first;
    for (ptrdiff_t i = 0; i < chunk->n; i += BATCH_ROWS) {
        const F(batch_group) r = F(batch_rows)(X, chunk, i, first, 1);
        F(batch_add)(centred, chunk, &r, d, c + i * chunk->k, g + first);
    }
}

static void F(batch_products)(const fo_matrix *X, const fo_chunk *chunk, const void *w, ptrdiff_t p_stride, void *p) {
    if (X->layout == FO_CSR32) F(batch_products_csr)(FO_CSR32, X, chunk, w, p);
    else if (X->layout == FO_CSR64) F(batch_products_csr)(FO_CSR64, X, chunk, w, p);
    else if (chunk->centre) F(batch_products_dense)(1, X, chunk, w, p_stride, p);
    else F(batch_products_dense)(0, X, chunk, w, p_stride, p);
}

static void F(batch_gradient)(const fo_matrix *X, const fo_chunk *chunk, const void *c, void *g) {
    const int all = chunk->begin == 0 && chunk->end * chunk->width >= X->d;
    if (X->layout == FO_CSR32 && all) F(batch_gradient_csr)(FO_CSR32, 1, X, chunk, c, g);
    else if (X->layout == FO_CSR32) F(batch_gradient_csr)(FO_CSR32, 0, X, chunk, c, g);
    else if (X->layout == FO_CSR64 && all) F(batch_gradient_csr)(FO_CSR64, 1, X, chunk, c, g);
    else if (X->layout == FO_CSR64) F(batch_gradient_csr)(FO_CSR64, 0, X, chunk, c, g);
    else if (chunk->centre) F(batch_gradient_dense)(1, X, chunk, c, g);
    else F(batch_gradient_dense)(0, X, chunk, c, g);
}
