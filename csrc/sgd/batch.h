/* batch.h: predictions of the rows of a chunk, and the gradient, while the rows stay in the cache; what lies between the two is
 * batch_errors.h or objective.h.  Used by _sgd/batch/rows.pyx, where threads share the columns of a chunk, and by
 * objective_rows.h.
 *
 * The columns of dense rows are cut into blocks, by their number alone.  A product is summed within a block, and the sums of
 * the blocks are added in their order; a gradient is summed in the order of the rows.  So neither depends on which thread computes
 * which block, nor on how a batch is cut into chunks.  Rows of the chunk to come are prefetched on the way, half of them by
 * the products and half by the gradient, so that memory never rests. */

#ifndef FO_BATCH_ONCE
#define FO_BATCH_ONCE
/* rows of a mini-batch that share a load of w, or of g; the most that any loop takes at a time */
#define BATCH_ROWS 4
#define BATCH_MOST 16
/* what is taken from an element of X before anything is multiplied with it: nothing, the centre of its column or of its row */
enum { CENTRED_NOT, CENTRED_COLUMN, CENTRED_ROW };
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
    const char *x[BATCH_MOST];
    const char *ahead[BATCH_MOST / 2];
    int rows;      /* that are to be computed: of the last group of a chunk maybe fewer */
    int prefetch;  /* whether there are rows to come */
    ptrdiff_t step; /* bytes of `ahead` by element */
    const real *centre; /* of the block's columns, or of the rows; or NULL */
} F(batch_group);

/* `rows` rows of a chunk from the i-th on, the last one again past its end; `half` of the rows to come: of each the vector that
 * is under way in others; or, where they lie one after the other, as many lines as those come to */
FO_INLINE F(batch_group) F(batch_rows)(const int rows, const int element, const int centred, const fo_matrix *X,
                                       const fo_chunk *chunk, ptrdiff_t i, ptrdiff_t first, int half) {
    const ptrdiff_t size = element_size(element, sizeof(real)), stride = X->stride * size;
    const char *data = (const char *)X->data + first * size;
    F(batch_group) r;
    r.rows = (int)(chunk->n - i < rows ? chunk->n - i : rows);
    r.prefetch = i + rows <= chunk->n_next;
    r.centre = chunk->centre ? (const real *)chunk->centre + (centred == CENTRED_ROW ? i : first) : NULL;
    if (chunk->rows == NULL) {
        const char *ahead = data + (chunk->n + half * (chunk->n_next / 2)) * stride + i * (stride / 2);
        FO_UNROLL for (int u = 0; u < rows; u++) r.x[u] = data + (i + (u < r.rows ? u : r.rows - 1)) * stride;
        FO_UNROLL for (int u = 0; u < rows / 2; u++) r.ahead[u] = ahead + 64 * u;
        r.step = size * (rows / 2);
        return r;
    }
    FO_UNROLL for (int u = 0; u < rows; u++) r.x[u] = data + chunk->rows[i + (u < r.rows ? u : r.rows - 1)] * stride;
    FO_UNROLL for (int u = 0; u < rows / 2; u++)
        r.ahead[u] = r.prefetch ? data + chunk->next[i + half * (rows / 2) + u] * stride : data;
    r.step = size;
    return r;
}

/* lines of the rows to come beside a vector of each of `rows` rows */
#define BATCH_LINES(rows, element) ((rows) / 2 * (int)element_size(element, sizeof(real)) / (int)sizeof(real))
#define BATCH_AHEAD(i) \
    if (ahead) FO_UNROLL for (int u = 0; u < BATCH_LINES(rows, element); u++) FO_PREFETCH(r->ahead[u] + (i) * r->step)

/* a vector of a row, or its first m elements: minus the centre, where there is one, before anything is multiplied with it, so
 * that no product is a difference of large sums; `once`: no other output reads it after this one */
FO_INLINE F(vec) F(batch_load)(const int once, const int element, const int centred, const F(batch_group) *r, int u, ptrdiff_t i) {
    const int under_way = once && element == FO_REAL;
    const F(vec) x = under_way ? F(vload_row)((const real *)(const void *)r->x[u] + i) : F(vload_element)(element, r->x[u], i);
    if (centred == CENTRED_ROW) return F(vsub)(x, F(vset)(r->centre[u < r->rows ? u : 0]));
    return centred ? F(vsub)(x, F(vload)(r->centre + i)) : x;
}
FO_INLINE F(vec) F(batch_load_part)(const int element, const int centred, const F(batch_group) *r, int u, ptrdiff_t i, int m) {
    const F(vec) x = F(vload_element_part)(element, r->x[u], i, m);
    if (centred == CENTRED_ROW) return F(vsub)(x, F(vset)(r->centre[u < r->rows ? u : 0]));
    return centred ? F(vsub)(x, F(vload_part)(r->centre + i, m)) : x;
}

/* p[u·k + t] = x_u·w_t over d columns, for the rows of a group and `tile` outputs */
FO_INLINE void F(batch_dot_tile)(const int rows, const int tile, const int ahead, const int element, const int centred,
                                 const F(batch_group) *r, ptrdiff_t d, ptrdiff_t k, const real *w, ptrdiff_t stride, real *p) {
    F(vec) s[BATCH_MOST][FO_TILE], wv[FO_TILE];
    ptrdiff_t i = 0;
    FO_UNROLL for (int u = 0; u < rows; u++) FO_UNROLL for (int t = 0; t < tile; t++) s[u][t] = F(vset)(0);
    for (; i + VLEN <= d; i += VLEN) {
        FO_UNROLL for (int t = 0; t < tile; t++) wv[t] = F(vload)(w + t * stride + i);
        BATCH_AHEAD(i);
        FO_UNROLL for (int u = 0; u < rows; u++) {
            const F(vec) x = F(batch_load)(tile == 1, element, centred, r, u, i);
            FO_UNROLL for (int t = 0; t < tile; t++) s[u][t] = F(vfma)(x, wv[t], s[u][t]);
        }
    }
    if (i < d) {
        const int m = (int)(d - i);
        FO_UNROLL for (int t = 0; t < tile; t++) wv[t] = F(vload_part)(w + t * stride + i, m);
        BATCH_AHEAD(i);
        FO_UNROLL for (int u = 0; u < rows; u++) {
            const F(vec) x = F(batch_load_part)(element, centred, r, u, i, m);
            FO_UNROLL for (int t = 0; t < tile; t++) s[u][t] = F(vfma)(x, wv[t], s[u][t]);
        }
    }
    if (rows >= 8 && tile == 1) { /* a product each row: together */
        F(vec) sums[BATCH_MOST];
        real out[BATCH_MOST];
        FO_UNROLL for (int u = 0; u < rows; u++) sums[u] = s[u][0];
        F(vsum_each)(rows, sums, r->rows == rows && k == 1 ? p : out);
        if (r->rows < rows || k > 1)
            for (int u = 0; u < r->rows; u++) p[u * k] = out[u];
        return;
    }
    FO_UNROLL for (int u = 0; u < rows; u++)
        if (u < r->rows) FO_UNROLL for (int t = 0; t < tile; t++) p[u * k + t] = F(vsum)(s[u][t]);
}

/* g_t += Σ_u c[u·k + t]·x_u over d columns */
FO_INLINE void F(batch_add_tile)(const int rows, const int tile, const int ahead, const int element, const int centred,
                                 const F(batch_group) *r, ptrdiff_t d, ptrdiff_t k, const real *c, real *g, ptrdiff_t stride) {
    F(vec) cv[BATCH_MOST][FO_TILE], gv[FO_TILE];
    ptrdiff_t i = 0;
    FO_UNROLL for (int u = 0; u < rows; u++)
        FO_UNROLL for (int t = 0; t < tile; t++) cv[u][t] = F(vset)(u < r->rows ? c[u * k + t] : 0);
    for (; i + VLEN <= d; i += VLEN) {
        FO_UNROLL for (int t = 0; t < tile; t++) gv[t] = F(vload)(g + t * stride + i);
        BATCH_AHEAD(i);
        FO_UNROLL for (int u = 0; u < rows; u++) {
            const F(vec) x = F(batch_load)(tile == 1, element, centred, r, u, i);
            FO_UNROLL for (int t = 0; t < tile; t++) gv[t] = F(vfma)(cv[u][t], x, gv[t]);
        }
        FO_UNROLL for (int t = 0; t < tile; t++) F(vstore)(g + t * stride + i, gv[t]);
    }
    if (i < d) {
        const int m = (int)(d - i);
        FO_UNROLL for (int t = 0; t < tile; t++) gv[t] = F(vload_part)(g + t * stride + i, m);
        BATCH_AHEAD(i);
        FO_UNROLL for (int u = 0; u < rows; u++) {
            const F(vec) x = F(batch_load_part)(element, centred, r, u, i, m);
            FO_UNROLL for (int t = 0; t < tile; t++) gv[t] = F(vfma)(cv[u][t], x, gv[t]);
        }
        FO_UNROLL for (int t = 0; t < tile; t++) F(vstore_part)(g + t * stride + i, gv[t], m);
    }
}
#undef BATCH_AHEAD

/* one block of columns of a group, a tile of outputs after the other; no line is prefetched twice; `apart`: loops
 * with and without prefetching are compiled apart */
FO_INLINE void F(batch_dot)(const int rows, const int apart, const int element, const int centred, const fo_chunk *chunk,
                            const F(batch_group) *r, ptrdiff_t d, const real *w, real *p) {
    const ptrdiff_t k = chunk->k, stride = chunk->output_stride;
    ptrdiff_t t = 0;
    int ahead = r->prefetch;
    for (; t + FO_TILE <= k; t += FO_TILE, ahead = 0) {
        if (!apart) F(batch_dot_tile)(rows, FO_TILE, ahead, element, centred, r, d, k, w + t * stride, stride, p + t);
        else if (ahead) F(batch_dot_tile)(rows, FO_TILE, 1, element, centred, r, d, k, w + t * stride, stride, p + t);
        else F(batch_dot_tile)(rows, FO_TILE, 0, element, centred, r, d, k, w + t * stride, stride, p + t);
    }
    for (; t < k; t++, ahead = 0) {
        if (!apart) F(batch_dot_tile)(rows, 1, ahead, element, centred, r, d, k, w + t * stride, stride, p + t);
        else if (ahead) F(batch_dot_tile)(rows, 1, 1, element, centred, r, d, k, w + t * stride, stride, p + t);
        else F(batch_dot_tile)(rows, 1, 0, element, centred, r, d, k, w + t * stride, stride, p + t);
    }
}

FO_INLINE void F(batch_add)(const int rows, const int apart, const int element, const int centred, const fo_chunk *chunk,
                            const F(batch_group) *r, ptrdiff_t d, const real *c, real *g) {
    const ptrdiff_t k = chunk->k, stride = chunk->output_stride;
    ptrdiff_t t = 0;
    int ahead = r->prefetch;
    for (; t + FO_TILE <= k; t += FO_TILE, ahead = 0) {
        if (!apart) F(batch_add_tile)(rows, FO_TILE, ahead, element, centred, r, d, k, c + t, g + t * stride, stride);
        else if (ahead) F(batch_add_tile)(rows, FO_TILE, 1, element, centred, r, d, k, c + t, g + t * stride, stride);
        else F(batch_add_tile)(rows, FO_TILE, 0, element, centred, r, d, k, c + t, g + t * stride, stride);
    }
    for (; t < k; t++, ahead = 0) {
        if (!apart) F(batch_add_tile)(rows, 1, ahead, element, centred, r, d, k, c + t, g + t * stride, stride);
        else if (ahead) F(batch_add_tile)(rows, 1, 1, element, centred, r, d, k, c + t, g + t * stride, stride);
        else F(batch_add_tile)(rows, 1, 0, element, centred, r, d, k, c + t, g + t * stride, stride);
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
        F(prefetch_row)(layout, ahead);
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

/* the values of a row in columns first … last − 1 of d: one search for the first thread and the last */
FO_INLINE F(row) F(batch_between)(const int layout, F(row) x, ptrdiff_t first, ptrdiff_t last, ptrdiff_t d) {
    const ptrdiff_t from = first > 0 ? F(batch_bound)(layout, x, first) : 0;
    const ptrdiff_t to = last < d ? F(batch_bound)(layout, x, last) : x.m;
    return (F(row)){x.x + from, (const char *)x.columns + from * (layout == FO_CSR32 ? 4 : 8), to - from};
}

/* `all`: of all columns; else of the chunk's, whose rows other threads may have brought into their caches */
FO_INLINE void F(batch_gradient_csr)(const int layout, const int all, const fo_matrix *X, const fo_chunk *chunk,
                                     const real *c, real *g) {
    const ptrdiff_t first = chunk->begin * chunk->width, last = chunk->end * chunk->width;
    for (ptrdiff_t i = 0; i < chunk->n; i++) {
        F(row) x = F(row_of)(layout, X, chunk->rows[i]);
        if (!all && i + BATCH_AHEAD_CSR < chunk->n) F(prefetch_row)(layout, F(row_of)(layout, X, chunk->rows[i + BATCH_AHEAD_CSR]));
        if (!all) x = F(batch_between)(layout, x, first, last, X->d);
        if (chunk->k == 1) F(add_csr)(layout, 0, x, c[i], g, NULL);
        else F(batch_add_csr)(layout, chunk, x, c + i * chunk->k, g);
    }
}

/* ---- the kernels ---- */

/* ask for the last lines of the rows to come: those that begin with a vector are asked for on the way */
FO_INLINE void F(batch_end)(const F(batch_group) *r, ptrdiff_t d) {
    if (r->prefetch) FO_UNROLL for (int u = 0; u < BATCH_ROWS / 2; u++) FO_PREFETCH(FO_LAST_BYTE((const real *)(const void *)r->ahead[u], d));
}

FO_INLINE void F(batch_products_dense)(const int centred, const fo_matrix *X, const fo_chunk *chunk, const real *w,
                                       ptrdiff_t p_stride, real *p) {
    for (ptrdiff_t i = 0; i < chunk->n; i += BATCH_ROWS)
        for (ptrdiff_t block = chunk->begin; block < chunk->end; block++) {
            const ptrdiff_t first = block * chunk->width;
            const ptrdiff_t d = batch_columns(X, chunk, block);
            const F(batch_group) r = F(batch_rows)(BATCH_ROWS, FO_REAL, centred, X, chunk, i, first, 0);
            F(batch_end)(&r, d);
            F(batch_dot)(BATCH_ROWS, 1, FO_REAL, centred, chunk, &r, d, w + first, p + block * p_stride + i * chunk->k);
        }
}

FO_INLINE void F(batch_gradient_dense)(const int centred, const fo_matrix *X, const fo_chunk *chunk, const real *c, real *g) {
    const ptrdiff_t first = chunk->begin * chunk->width;
    const ptrdiff_t d = (chunk->end - 1) * chunk->width + batch_columns(X, chunk, chunk->end - 1) - first;
    for (ptrdiff_t i = 0; i < chunk->n; i += BATCH_ROWS) {
        const F(batch_group) r = F(batch_rows)(BATCH_ROWS, FO_REAL, centred, X, chunk, i, first, 1);
        F(batch_end)(&r, d);
        F(batch_add)(BATCH_ROWS, 1, FO_REAL, centred, chunk, &r, d, c + i * chunk->k, g + first);
    }
}

FO_KERNEL void F(batch_products)(const fo_matrix *X, const fo_chunk *chunk, const void *w, ptrdiff_t p_stride, void *p) {
    if (X->layout == FO_CSR32) F(batch_products_csr)(FO_CSR32, X, chunk, w, p);
    else if (X->layout == FO_CSR64) F(batch_products_csr)(FO_CSR64, X, chunk, w, p);
    else if (chunk->centre) F(batch_products_dense)(CENTRED_COLUMN, X, chunk, w, p_stride, p);
    else F(batch_products_dense)(CENTRED_NOT, X, chunk, w, p_stride, p);
}

FO_KERNEL void F(batch_gradient)(const fo_matrix *X, const fo_chunk *chunk, const void *c, void *g) {
    const int all = chunk->begin == 0 && chunk->end * chunk->width >= X->d;
    if (X->layout == FO_CSR32 && all) F(batch_gradient_csr)(FO_CSR32, 1, X, chunk, c, g);
    else if (X->layout == FO_CSR32) F(batch_gradient_csr)(FO_CSR32, 0, X, chunk, c, g);
    else if (X->layout == FO_CSR64 && all) F(batch_gradient_csr)(FO_CSR64, 1, X, chunk, c, g);
    else if (X->layout == FO_CSR64) F(batch_gradient_csr)(FO_CSR64, 0, X, chunk, c, g);
    else if (chunk->centre) F(batch_gradient_dense)(CENTRED_COLUMN, X, chunk, c, g);
    else F(batch_gradient_dense)(CENTRED_NOT, X, chunk, c, g);
}
