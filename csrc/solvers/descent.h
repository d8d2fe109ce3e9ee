/* descent.h: coordinate descent on a penalised quadratic, and what makes the quadratic.  Used by _solvers/proximal/columns.pyx.  XT is X transposed: its
 * rows, dense or sparse, are the columns of X; `columns` says which of them count.  The quadratic of weights u around w is
 *     e·X(u − w) + ½ Σ D_i (x_i·(u − w))² + l2/2 ‖u‖²
 * and where there is an intercept its best value for each u is put in: columns are taken without their mean weighted by D. */
#define DESCENT_CHUNK 1024 /* numbers of a column that are summed in the type of X */
#define DESCENT_TILE 4     /* rows of H at a time */

/* Σ (D·)x·v over a row of XT, v and D by its columns; in double across chunks */
FO_INLINE double F(column_dot)(const int layout, F(row) x, const real *v) {
    double sum = 0;
    if (layout != FO_DENSE) return (double)F(row_dot)(layout, x, v);
    for (ptrdiff_t i = 0; i < x.m; i += 4096)
        sum += (double)F(row_dot)(FO_DENSE, (F(row)){x.x + i, NULL, x.m - i < 4096 ? x.m - i : 4096}, v + i);
    return sum;
}

/* v += δ·D·x; D NULL: 1 */
FO_INLINE void F(column_add)(const int layout, F(row) x, real delta, const real *restrict D, real *restrict v) {
    if (layout != FO_DENSE) {
        for (ptrdiff_t i = 0; i < x.m; i++) {
            const ptrdiff_t at = column(layout, x.columns, i);
            v[at] = F(fma_)(delta, D ? D[at] * x.x[i] : x.x[i], v[at]);
        }
        return;
    }
    const real *restrict from = x.x;
    if (D) {
        FO_SIMD
        for (ptrdiff_t i = 0; i < x.m; i++) v[i] = F(fma_)(delta, D[i] * from[i], v[i]);
    } else {
        FO_SIMD
        for (ptrdiff_t i = 0; i < x.m; i++) v[i] = F(fma_)(delta, from[i], v[i]);
    }
}

/* loops over columns for each layout */
#define FO_EACH_LAYOUT(XT, CALL) \
    switch ((XT)->layout) { \
    case FO_DENSE: CALL(FO_DENSE); break; \
    case FO_CSR32: CALL(FO_CSR32); break; \
    default: CALL(FO_CSR64); \
    }

/* ---- what a column adds to the quadratic ---- */

FO_INLINE void F(moments_loop)(const int layout, const fo_matrix *XT, const fo_descent *d, ptrdiff_t first, ptrdiff_t last,
                               const real *e, const real *D, double *g, double *h, double *square) {
    for (ptrdiff_t j = first; j < last; j++) {
        const F(row) x = F(row_of)(layout, XT, d->columns[j]);
        double sum = 0, squares = 0;
        g[j] = e ? F(column_dot)(layout, x, e) : 0;
        if (!h) continue;
        for (ptrdiff_t start = 0; start < x.m; start += DESCENT_CHUNK) {
            const ptrdiff_t m = x.m - start < DESCENT_CHUNK ? x.m - start : DESCENT_CHUNK;
            real one[DESCENT_CHUNK], two[DESCENT_CHUNK];
            if (layout == FO_DENSE) {
                FO_SIMD
                for (ptrdiff_t i = 0; i < m; i++) {
                    one[i] = D ? D[start + i] * x.x[start + i] : x.x[start + i];
                    two[i] = one[i] * x.x[start + i];
                }
            } else {
                for (ptrdiff_t i = 0; i < m; i++) {
                    one[i] = (D ? D[column(layout, x.columns, start + i)] : 1) * x.x[start + i];
                    two[i] = one[i] * x.x[start + i];
                }
            }
            sum += (double)F(loss_sum)(m, NULL, one);
            squares += (double)F(loss_sum)(m, NULL, two);
        }
        h[j] = d->factor * sum;
        square[j] = d->factor * squares;
    }
}

FO_KERNEL void F(descent_moments)(const fo_matrix *XT, const fo_descent *d, ptrdiff_t first, ptrdiff_t last, const void *e,
                               const void *D, double *g, double *h, double *square) {
#define CALL(layout) F(moments_loop)(layout, XT, d, first, last, e, D, g, h, square)
    FO_EACH_LAYOUT(XT, CALL)
#undef CALL
}

FO_INLINE void F(products_loop)(const int layout, const fo_matrix *XT, const fo_descent *d, const double *delta, real *q) {
    for (ptrdiff_t j = 0; j < d->m; j++)
        if (delta[j] != 0) F(column_add)(layout, F(row_of)(layout, XT, d->columns[j]), (real)delta[j], NULL, q);
}

FO_KERNEL void F(descent_products)(const fo_matrix *XT, const fo_descent *d, const double *delta, void *q) {
#define CALL(layout) F(products_loop)(layout, XT, d, delta, q)
    FO_EACH_LAYOUT(XT, CALL)
#undef CALL
}

/* ---- the matrix XᵀDX of sparse columns; that of dense ones is hessian.h's ---- */

/* rows j … j + 3 of the lower triangle of H: each column is spread over a vector of n zeros */
FO_INLINE void F(gram_sparse)(const int layout, const fo_matrix *XT, const fo_descent *d, ptrdiff_t j, const real *D, real *scratch,
                              double *H) {
    for (ptrdiff_t a = j; a < d->m && a < j + DESCENT_TILE; a++) {
        const F(row) x = F(row_of)(layout, XT, d->columns[a]);
        F(column_add)(layout, x, 1, D, scratch);
        for (ptrdiff_t k = 0; k <= a; k++)
            H[a * d->m + k] = d->factor * F(column_dot)(layout, F(row_of)(layout, XT, d->columns[k]), scratch);
        for (ptrdiff_t i = 0; i < x.m; i++) scratch[column(layout, x.columns, i)] = 0;
    }
}

FO_KERNEL void F(descent_gram)(const fo_matrix *XT, const fo_descent *d, ptrdiff_t j, const void *D, void *scratch, double *H) {
    if (XT->layout == FO_CSR32) F(gram_sparse)(FO_CSR32, XT, d, j, D, scratch, H);
    else F(gram_sparse)(FO_CSR64, XT, d, j, D, scratch, H);
}

/* ---- one coordinate ---- */

#if REAL_IS_FLOAT
FO_KERNEL double best_weight(const fo_regularizer *r, ptrdiff_t j, double w, double g, double L);
#else
/* the best weight for slope g and curvature L of the quadratic, in double for either type of X */
FO_KERNEL double best_weight(const fo_regularizer *r, ptrdiff_t j, double w, double g, double L) {
    return F(term_prox)(r->kind, F(term_of)(r, j), 1 / L, w - g / L);
}
#endif

/* ---- descent with the columns themselves: s = e + D·X(u − w) is kept ---- */

FO_INLINE double F(columns_epoch)(const int layout, const int full, const fo_matrix *XT, const fo_regularizer *r, fo_descent *d,
                                  const real *D, real *s) {
    double largest = 0;
    for (ptrdiff_t j = 0; j < d->m; j++) {
        const double w = d->w[j], L = d->square[j];
        if ((!full && w == 0) || !(L > 0)) continue;
        const F(row) x = F(row_of)(layout, XT, d->columns[j]);
        const double g = F(column_dot)(layout, x, s) - (d->h ? d->shift * d->h[j] : 0) + d->l2 * w;
        const double next = best_weight(r, j, w, g, L), delta = next - w;
        if (delta == 0) continue;
        d->w[j] = next;
        F(column_add)(layout, x, (real)(d->factor * delta), D, s);
        if (d->h) d->shift += delta * d->h[j] / d->total;
        const double moved = fabs(delta) * L;
        largest = !(moved <= largest) ? moved : largest;
    }
    return largest;
}

FO_KERNEL double F(descent_columns)(const fo_matrix *XT, const fo_regularizer *r, fo_descent *d, int full, const void *D, void *s) {
#define EPOCH(layout) \
    return full ? F(columns_epoch)(layout, 1, XT, r, d, D, s) : F(columns_epoch)(layout, 0, XT, r, d, D, s)
    FO_EACH_LAYOUT(XT, EPOCH)
#undef EPOCH
    return 0;
}

#if !REAL_IS_FLOAT
/* ---- descent with the matrix H: the gradient is kept ---- */

/* g += δ·H_j */
FO_INLINE void gram_move(const fo_descent *d, const double *restrict H, ptrdiff_t j, double delta, double *restrict g) {
    const double *restrict row = H + j * d->m;
    FO_SIMD
    for (ptrdiff_t k = 0; k < d->m; k++) g[k] = F(fma_)(delta, row[k], g[k]);
}

/* one block of weights by a proximal step; the curvature is at most Σ |H| of a row of its block */
FO_KERNEL double gram_group(const fo_regularizer *r, fo_descent *d, const double *H, ptrdiff_t group, double *g) {
    const int64_t *member = r->member + r->start[group];
    const ptrdiff_t size = (ptrdiff_t)(r->start[group + 1] - r->start[group]);
    double L = 0, largest = 0;
    for (ptrdiff_t a = 0; a < size; a++) {
        double row = 0;
        for (ptrdiff_t b = 0; b < size; b++) row += fabs(H[member[a] * d->m + member[b]]);
        L = row > L ? row : L;
    }
    if (!(L > 0)) return 0;
    for (ptrdiff_t a = 0; a < size; a++) d->next[member[a]] = d->w[member[a]] - g[member[a]] / L;
    F(group_prox)(r, group, 1 / L, d->next, d->next);
    for (ptrdiff_t a = 0; a < size; a++) {
        const ptrdiff_t j = (ptrdiff_t)member[a];
        const double delta = d->next[j] - d->w[j];
        if (delta == 0) continue;
        d->w[j] = d->next[j];
        gram_move(d, H, j, delta, g);
        largest = !(fabs(delta) * L <= largest) ? fabs(delta) * L : largest;
    }
    return largest;
}

FO_KERNEL double descent_quadratic(const fo_regularizer *r, fo_descent *d, int full, const double *H, double *g) {
    double largest = 0;
    for (ptrdiff_t group = 0; group < r->groups; group++) {
        const double moved = gram_group(r, d, H, group, g);
        largest = !(moved <= largest) ? moved : largest;
    }
    for (ptrdiff_t j = 0; r->groups == 0 && j < d->m; j++) {
        const double w = d->w[j], L = H[j * d->m + j];
        if ((!full && w == 0) || !(L > 0)) continue;
        const double next = best_weight(r, j, w, g[j], L), delta = next - w;
        if (delta == 0) continue;
        d->w[j] = next;
        gram_move(d, H, j, delta, g);
        const double moved = fabs(delta) * L;
        largest = !(moved <= largest) ? moved : largest;
    }
    return largest;
}
#endif

/* ---- columns out of CSR rows ---- */

/* Σ of stored values by wanted column: place (d,) is −1 or the number among the wanted; rows NULL: 0 … n − 1 */
#if REAL_IS_FLOAT
FO_KERNEL void descent_count(const fo_matrix *X, ptrdiff_t n, const int32_t *rows, const int32_t *place, int64_t *count) {
    for (ptrdiff_t i = 0; i < n; i++) {
        const ptrdiff_t row = rows ? rows[i] : i, end = row_start(X->layout, X, row + 1);
        for (ptrdiff_t at = row_start(X->layout, X, row); at < end; at++) {
            const int32_t to = place[column(X->layout, X->indices, at)];
            if (to >= 0) count[to]++;
        }
    }
}
#endif

FO_INLINE void F(gather_loop)(const int layout, const fo_matrix *X, ptrdiff_t n, const int32_t *rows, const int32_t *place,
                              int64_t *next, int32_t *indices, real *values) {
    for (ptrdiff_t i = 0; i < n; i++) {
        const F(row) x = F(row_of)(layout, X, rows ? rows[i] : i);
        for (ptrdiff_t at = 0; at < x.m; at++) {
            const int32_t to = place[column(layout, x.columns, at)];
            if (to < 0) continue;
            indices[next[to]] = (int32_t)i;
            values[next[to]++] = x.x[at];
        }
    }
}

FO_KERNEL void F(descent_gather)(const fo_matrix *X, ptrdiff_t n, const int32_t *rows, const int32_t *place, int64_t *next,
                              int32_t *indices, void *values) {
    if (X->layout == FO_CSR32) F(gather_loop)(FO_CSR32, X, n, rows, place, next, indices, values);
    else F(gather_loop)(FO_CSR64, X, n, rows, place, next, indices, values);
}
