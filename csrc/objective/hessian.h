/* hessian.h: sums of weighted outer products of rows, Xᵀ·diag(h)·X: Hessians and Gram matrices.  Used by objective/_hessian.pyx, which cuts X
 * into blocks of rows and shares them, or the columns, among threads.
 *
 * A block is copied into the cache, cut into panels of columns: once as it is (right), once weighted (left).  A tile of the
 * sums, 8 rows by a panel, is then summed in registers over all rows of the block, in the type of X, and added to the sums in
 * double.  One more row on the left, h alone, gives the sums of an intercept, and another, c, the gradient. */

/* elements of a panel, vectors of it */
#undef GRAM_WIDTH
#define GRAM_WIDTH (FO_GRAM_BYTES / (ptrdiff_t)sizeof(real))
#ifndef FO_GRAM_ONCE
#define FO_GRAM_ONCE
#define GRAM_VECS (FO_GRAM_BYTES / 64)
/* rows and vectors of a tile that are summed at once: bounded by the number of registers */
#define GRAM_TILE_ROWS (FO_REGISTER_BYTES == 64 ? FO_GRAM_ROWS : FO_REGISTER_BYTES == 32 ? 4 : 2)
#define GRAM_TILE_VECS (FO_REGISTER_BYTES == 64 ? GRAM_VECS : 1)
#endif

/* sums[u, ·] += Σ_i left[i, u]·right[i, ·] for GRAM_TILE_ROWS rows and `vecs` vectors */
FO_INLINE void F(hessian_part)(const int vecs, ptrdiff_t n, const real *left, const real *right, ptrdiff_t stride, double *sums) {
    F(vec) s[GRAM_TILE_ROWS][GRAM_TILE_VECS], x[GRAM_TILE_VECS];
    real row[GRAM_TILE_VECS * VLEN];
    FO_UNROLL for (int u = 0; u < GRAM_TILE_ROWS; u++) FO_UNROLL for (int v = 0; v < vecs; v++) s[u][v] = F(vset)(0);
    for (ptrdiff_t i = 0; i < n; i++) {
        FO_UNROLL for (int v = 0; v < vecs; v++) x[v] = F(vload)(right + i * GRAM_WIDTH + v * VLEN);
        FO_UNROLL for (int u = 0; u < GRAM_TILE_ROWS; u++) {
            const F(vec) a = F(vset)(left[i * FO_GRAM_ROWS + u]);
            FO_UNROLL for (int v = 0; v < vecs; v++) s[u][v] = F(vfma)(a, x[v], s[u][v]);
        }
    }
    FO_UNROLL for (int u = 0; u < GRAM_TILE_ROWS; u++) {
        FO_UNROLL for (int v = 0; v < vecs; v++) F(vstore)(row + v * VLEN, s[u][v]);
        FO_SIMD
        for (int j = 0; j < vecs * VLEN; j++) sums[u * stride + j] += (double)row[j];
    }
}

/* the first `vecs` vectors of a tile */
FO_INLINE void F(hessian_tile)(int vecs, ptrdiff_t n, const real *left, const real *right, ptrdiff_t stride, double *sums) {
    for (int u = 0; u < FO_GRAM_ROWS; u += GRAM_TILE_ROWS) {
        if (GRAM_TILE_VECS == 1)
            for (int v = 0; v < vecs; v++) F(hessian_part)(1, n, left + u, right + v * VLEN, stride, sums + u * stride + v * VLEN);
        else if (vecs == 3) F(hessian_part)(GRAM_TILE_VECS, n, left + u, right, stride, sums + u * stride);
        else if (vecs == 2) F(hessian_part)(GRAM_TILE_VECS - 1, n, left + u, right, stride, sums + u * stride);
        else F(hessian_part)(1, n, left + u, right, stride, sums + u * stride);
    }
}

/* right[panel, i, ·] = x_i from the panel `begin` on, a column of ones behind the last, then zeros */
FO_INLINE void F(hessian_pack_dense)(const int element, const fo_matrix *X, const fo_gram *g, ptrdiff_t panels) {
    const real *centre = g->centre;
    const ptrdiff_t size = element_size(element, sizeof(real));
    for (ptrdiff_t i = 0; i < g->n; i++) {
        const char *x = (const char *)X->data + g->rows[i] * X->stride * size;
        real *to = (real *)g->right + i * GRAM_WIDTH;
        for (ptrdiff_t panel = g->begin; panel < panels; panel++, to += FO_GRAM_BLOCK * GRAM_WIDTH) {
            const ptrdiff_t first = panel * GRAM_WIDTH, rest = X->d - first;
            const ptrdiff_t m = rest < 0 ? 0 : rest < GRAM_WIDTH ? rest : GRAM_WIDTH;
            for (ptrdiff_t j = 0; j < GRAM_WIDTH; j += VLEN)
                F(vstore)(to + j, j >= m ? F(vset)(0) : m - j < VLEN ? F(vload_element_part)(element, x, first + j, (int)(m - j))
                                                                  : F(vload_element)(element, x, first + j));
            if (centre)
                FO_SIMD for (ptrdiff_t j = 0; j < m; j++) to[j] -= centre[first + j];
            if (g->intercept && m < GRAM_WIDTH && rest >= 0) to[m] = 1;
        }
    }
}

/* the same of X transposed */
FO_INLINE void F(hessian_pack_transposed)(const fo_matrix *X, const fo_gram *g, ptrdiff_t panels) {
    for (ptrdiff_t f = g->begin * GRAM_WIDTH; f < panels * GRAM_WIDTH; f++) {
        real *to = (real *)g->right + (f / GRAM_WIDTH - g->begin) * FO_GRAM_BLOCK * GRAM_WIDTH + f % GRAM_WIDTH;
        const real *x = (const real *)X->data + (f < X->d ? g->columns[f] : 0) * X->stride;
        for (ptrdiff_t i = 0; i < g->n; i++) to[i * GRAM_WIDTH] = f < X->d ? x[i] : (real)(g->intercept && f == X->d);
    }
}

FO_INLINE void F(hessian_pack_csr)(const int layout, const fo_matrix *X, const fo_gram *g, ptrdiff_t panels) {
    real *right = g->right;
    memset(right, 0, sizeof(real) * (size_t)((panels - g->begin) * FO_GRAM_BLOCK * GRAM_WIDTH));
    for (ptrdiff_t i = 0; i < g->n; i++) {
        const F(row) x = F(row_of)(layout, X, g->rows[i]);
        for (ptrdiff_t j = 0; j < x.m; j++) {
            const ptrdiff_t f = column(layout, x.columns, j), panel = f / GRAM_WIDTH - g->begin;
            if (panel >= 0) right[(panel * FO_GRAM_BLOCK + i) * GRAM_WIDTH + f % GRAM_WIDTH] += x.x[j];
        }
        if (g->intercept)
            right[((X->d / GRAM_WIDTH - g->begin) * FO_GRAM_BLOCK + i) * GRAM_WIDTH + X->d % GRAM_WIDTH] = 1;
    }
}

/* left[group of 8 columns, i, ·] = h_i·x_i from the columns of the panel `begin` on; c behind them */
FO_INLINE void F(hessian_weigh)(const fo_gram *g, ptrdiff_t first, ptrdiff_t columns, ptrdiff_t padded) {
    const real *right = g->right, *h = g->h, *c = g->c;
    real *left = g->left;
    for (ptrdiff_t f = first; f < padded; f += FO_GRAM_ROWS, left += FO_GRAM_BLOCK * FO_GRAM_ROWS) {
        const ptrdiff_t own = f - first;
        const real *from = right + own / GRAM_WIDTH * (FO_GRAM_BLOCK * GRAM_WIDTH) + own % GRAM_WIDTH;
        if (f < g->first) continue;
        if (f < columns)
            for (ptrdiff_t i = 0; i < g->n; i++)
                FO_UNROLL for (int u = 0; u < FO_GRAM_ROWS; u++) left[i * FO_GRAM_ROWS + u] = h[i] * from[i * GRAM_WIDTH + u];
        else
            memset(left, 0, sizeof(real) * (size_t)(g->n * FO_GRAM_ROWS));
        if (c && columns >= f && columns < f + FO_GRAM_ROWS)
            for (ptrdiff_t i = 0; i < g->n; i++) left[i * FO_GRAM_ROWS + columns - f] = c[i];
    }
}

/* sums of `rows` rows (1 or 2) of the outer product of a row's stored values, from the a-th on, up to the diagonal */
FO_INLINE void F(hessian_pairs)(const int rows, const int layout, F(row) x, ptrdiff_t a, double h, const fo_gram *g) {
    double *const first = g->sums + column(layout, x.columns, a) * g->stride, u = h * (double)x.x[a];
    double *const second = rows > 1 ? g->sums + column(layout, x.columns, a + 1) * g->stride : NULL;
    const double v = rows > 1 ? h * (double)x.x[a + 1] : 0;
    for (ptrdiff_t b = 0; b <= a; b++) {
        const ptrdiff_t e = column(layout, x.columns, b);
        const double other = (double)x.x[b], sum = first[e] + u * other;
        if (rows > 1) second[e] += v * other;
        first[e] = sum;
    }
    if (rows > 1) second[column(layout, x.columns, a + 1)] += v * (double)x.x[a + 1];
}

/* the stored values of each row with one another; their columns ascend */
FO_INLINE void F(hessian_outer)(const int layout, const fo_matrix *X, const fo_gram *g) {
    const real *h = g->h, *c = g->c;
    double *const below = g->sums + X->d * g->stride, *const last = below + (g->intercept ? g->stride : 0);
    for (ptrdiff_t i = 0; i < g->n; i++) {
        const F(row) x = F(row_of)(layout, X, g->rows[i]);
        const double weight = (double)h[i];
        ptrdiff_t a = 0;
        for (; a + 2 <= x.m; a += 2) F(hessian_pairs)(2, layout, x, a, weight, g);
        if (a < x.m) F(hessian_pairs)(1, layout, x, a, weight, g);
        for (a = 0; g->intercept && a < x.m; a++) below[column(layout, x.columns, a)] += weight * (double)x.x[a];
        for (a = 0; c && a < x.m; a++) last[column(layout, x.columns, a)] += (double)c[i] * (double)x.x[a];
        if (g->intercept) below[X->d] += weight;
        if (g->intercept && c) last[X->d] += (double)c[i];
    }
}

FO_KERNEL void F(hessian_rows)(const fo_matrix *X, const fo_gram *g) {
    if (g->outer) {
        if (X->layout == FO_CSR32) F(hessian_outer)(FO_CSR32, X, g);
        else F(hessian_outer)(FO_CSR64, X, g);
        return;
    }
    const ptrdiff_t columns = X->d + (g->intercept ? 1 : 0), rows = columns + (g->c ? 1 : 0);
    const ptrdiff_t panels = (columns + GRAM_WIDTH - 1) / GRAM_WIDTH, first = g->begin * GRAM_WIDTH;
    if (g->columns) F(hessian_pack_transposed)(X, g, panels);
    else if (X->layout == FO_CSR32) F(hessian_pack_csr)(FO_CSR32, X, g, panels);
    else if (X->layout == FO_CSR64) F(hessian_pack_csr)(FO_CSR64, X, g, panels);
    else if (!REAL_IS_FLOAT || X->element == FO_REAL) F(hessian_pack_dense)(FO_REAL, X, g, panels);
    else if (X->element == FO_FLOAT16) F(hessian_pack_dense)(FO_FLOAT16, X, g, panels);
    else if (X->element == FO_INT8) F(hessian_pack_dense)(FO_INT8, X, g, panels);
    else F(hessian_pack_dense)(FO_UINT8, X, g, panels);
    F(hessian_weigh)(g, first, columns, rows);
    for (ptrdiff_t panel = g->begin; panel < g->end; panel++) {
        const real *right = (const real *)g->right + (panel - g->begin) * FO_GRAM_BLOCK * GRAM_WIDTH;
        const ptrdiff_t from = panel * GRAM_WIDTH, whole = (columns - from + VLEN - 1) / VLEN;
        for (ptrdiff_t f = from > g->first ? from : g->first; f < rows; f += FO_GRAM_ROWS) {
            const ptrdiff_t reach = (f + FO_GRAM_ROWS - from + VLEN - 1) / VLEN, most = reach < whole ? reach : whole;
            F(hessian_tile)((int)(most < GRAM_VECS ? most : GRAM_VECS), g->n, (const real *)g->left + (f - first) * FO_GRAM_BLOCK,
                         right, g->stride, g->sums + (f - g->first) * g->stride + from);
        }
    }
}
