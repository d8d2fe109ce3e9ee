/* objective_rows.h: an objective over a whole data set: products of the dense rows of a chunk with the weights, and their
 * gradient.  The loops are those of batch.h, over more rows at a time, for elements of every type.  Used by objective/_pass.pyx. */

#ifndef FO_OBJECTIVE_ROWS_ONCE
#define FO_OBJECTIVE_ROWS_ONCE
#define WIDE_ROWS 8     /* that share a load of w, or of g */
#define STRIP 2         /* vectors of a strip of columns */
/* has loops of its own for narrow rows, with lines brought in ahead and without: the rest has one, which tests for them */
#define PLAIN(element, centred) ((element) == FO_REAL && (centred) == CENTRED_NOT)
#define NARROW (8 * 64) /* bytes of a row up to which the gradient is summed in strips, in registers over a whole chunk */
#endif

/* p[i] = x_i·w, `rows` rows at a time */
FO_INLINE void F(objective_dots)(const int rows, const int element, const int centred, const fo_matrix *X, const fo_chunk *chunk,
                                 const real *w, real *p) {
    for (ptrdiff_t i = 0; i < chunk->n; i += rows) {
        const F(batch_group) r = F(batch_rows)(rows, element, centred, X, chunk, i, 0, 0);
        if (!PLAIN(element, centred)) F(batch_dot_tile)(rows, 1, r.prefetch, element, centred, &r, X->d, 1, w, 0, p + i);
        else if (r.prefetch) F(batch_dot_tile)(rows, 1, 1, element, centred, &r, X->d, 1, w, 0, p + i);
        else F(batch_dot_tile)(rows, 1, 0, element, centred, &r, X->d, 1, w, 0, p + i);
    }
}

/* p[i, j] = x_i·w_j */
FO_INLINE void F(objective_products_of)(const int element, const int centred, const fo_matrix *X, const fo_chunk *chunk,
                                        const real *w, real *p) {
    const ptrdiff_t k = chunk->k;
    if (k == 1 && PLAIN(element, centred) && X->d * (ptrdiff_t)sizeof(real) <= NARROW) {
        F(objective_dots)(VLEN, element, centred, X, chunk, w, p);
    } else if (k == 1) {
        F(objective_dots)(WIDE_ROWS, element, centred, X, chunk, w, p);
    } else {
        for (ptrdiff_t i = 0; i < chunk->n; i += BATCH_ROWS) {
            const F(batch_group) r = F(batch_rows)(BATCH_ROWS, element, centred, X, chunk, i, 0, 0);
            F(batch_dot)(BATCH_ROWS, PLAIN(element, centred), element, centred, chunk, &r, X->d, w, p + i * k);
        }
    }
}

/* g += Σ c_i·x_i over a strip of columns from `first` on: sums of every fourth row in registers, added at the end */
FO_INLINE void F(objective_strip)(const int element, const int centred, const fo_matrix *X, const fo_chunk *chunk,
                                  ptrdiff_t first, ptrdiff_t width, const real *c, real *g) {
    F(vec) s[4][STRIP];
    FO_UNROLL for (int u = 0; u < 4; u++) FO_UNROLL for (int v = 0; v < STRIP; v++) s[u][v] = F(vset)(0);
    for (ptrdiff_t i = 0; i < chunk->n; i += 4) {
        const F(batch_group) r = F(batch_rows)(4, element, centred, X, chunk, i, first, 1);
        if (r.prefetch && first == 0 && chunk->rows == NULL)
            prefetch_bytes(r.ahead[0], 2 * X->stride * element_size(element, sizeof(real)));
        FO_UNROLL for (int u = 0; u < 4; u++) {
            const F(vec) cv = F(vset)(u < r.rows ? c[i + u] : 0);
            FO_UNROLL for (int v = 0; v < STRIP; v++) {
                const int m = (int)(width - v * VLEN);
                if (m >= VLEN) s[u][v] = F(vfma)(cv, F(batch_load)(1, element, centred, &r, u, v * VLEN), s[u][v]);
                else if (m > 0) s[u][v] = F(vfma)(cv, F(batch_load_part)(element, centred, &r, u, v * VLEN, m), s[u][v]);
            }
        }
    }
    FO_UNROLL for (int v = 0; v < STRIP; v++) {
        const ptrdiff_t rest = width - v * VLEN;
        if (rest <= 0) break;
        const F(vec) sum = F(vadd)(F(vadd)(s[0][v], s[1][v]), F(vadd)(s[2][v], s[3][v]));
        const int m = (int)(rest < VLEN ? rest : VLEN);
        F(vstore_part)(g + v * VLEN, F(vadd)(F(vload_part)(g + v * VLEN, m), sum), m);
    }
}

/* g_j += Σ_i c[i, j]·x_i */
FO_INLINE void F(objective_gradient_of)(const int element, const int centred, const fo_matrix *X, const fo_chunk *chunk,
                                        const real *c, real *g) {
    const ptrdiff_t k = chunk->k, d = X->d, strip = STRIP * VLEN;
    if (k == 1 && PLAIN(element, centred) && d * (ptrdiff_t)sizeof(real) <= NARROW) {
        ptrdiff_t first = 0;
        for (; first + strip <= d; first += strip) F(objective_strip)(element, centred, X, chunk, first, strip, c, g + first);
        if (first < d) F(objective_strip)(element, centred, X, chunk, first, d - first, c, g + first);
    } else if (k == 1) {
        for (ptrdiff_t i = 0; i < chunk->n; i += WIDE_ROWS) {
            const F(batch_group) r = F(batch_rows)(WIDE_ROWS, element, centred, X, chunk, i, 0, 1);
            if (!PLAIN(element, centred)) F(batch_add_tile)(WIDE_ROWS, 1, r.prefetch, element, centred, &r, d, 1, c + i, g, 0);
            else if (r.prefetch) F(batch_add_tile)(WIDE_ROWS, 1, 1, element, centred, &r, d, 1, c + i, g, 0);
            else F(batch_add_tile)(WIDE_ROWS, 1, 0, element, centred, &r, d, 1, c + i, g, 0);
        }
    } else {
        for (ptrdiff_t i = 0; i < chunk->n; i += BATCH_ROWS) {
            const F(batch_group) r = F(batch_rows)(BATCH_ROWS, element, centred, X, chunk, i, 0, 1);
            F(batch_add)(BATCH_ROWS, PLAIN(element, centred), element, centred, chunk, &r, d, c + i * k, g);
        }
    }
}

/* call(element, centred) with the element and the centring of X as constants */
#if REAL_IS_FLOAT
#define EACH_ELEMENT(call, centred) \
    if (X->element == FO_FLOAT16) call(FO_FLOAT16, centred); \
    else if (X->element == FO_INT8) call(FO_INT8, centred); \
    else if (X->element == FO_UINT8) call(FO_UINT8, centred); \
    else call(FO_REAL, centred)
#else
#define EACH_ELEMENT(call, centred) call(FO_REAL, centred)
#endif

FO_KERNEL void F(objective_products)(const fo_matrix *X, const fo_chunk *chunk, const void *w, void *p) {
    if (X->layout != FO_DENSE) {
        F(batch_products)(X, chunk, w, 0, p);
        return;
    }
#define PRODUCTS(element, centred) F(objective_products_of)(element, centred, X, chunk, w, p)
    if (chunk->centre == NULL) {
        EACH_ELEMENT(PRODUCTS, CENTRED_NOT);
    } else if (chunk->centre_of_rows) {
        EACH_ELEMENT(PRODUCTS, CENTRED_ROW);
    } else {
        EACH_ELEMENT(PRODUCTS, CENTRED_COLUMN);
    }
#undef PRODUCTS
}

FO_KERNEL void F(objective_gradient)(const fo_matrix *X, const fo_chunk *chunk, const void *c, void *g) {
#define GRADIENT(element, centred) F(objective_gradient_of)(element, centred, X, chunk, c, g)
    if (chunk->centre == NULL) {
        EACH_ELEMENT(GRADIENT, CENTRED_NOT);
    } else if (chunk->centre_of_rows) {
        EACH_ELEMENT(GRADIENT, CENTRED_ROW);
    } else {
        EACH_ELEMENT(GRADIENT, CENTRED_COLUMN);
    }
#undef GRADIENT
}
#undef EACH_ELEMENT

/* rows of elements of `size` bytes, apart in memory, beside each other */
FO_KERNEL void F(objective_pack)(ptrdiff_t n, ptrdiff_t d, ptrdiff_t size, const void *data, ptrdiff_t row_stride,
                              ptrdiff_t column_stride, const int32_t *rows, void *out) {
    if (size == (ptrdiff_t)sizeof(real)) {
        F(pack_rows)(n, d, data, row_stride, column_stride, rows, out);
        return;
    }
    for (ptrdiff_t i = 0; i < n; i++) {
        const char *x = (const char *)data + (ptrdiff_t)rows[i] * row_stride;
        char *to = (char *)out + i * d * size;
        for (ptrdiff_t j = 0; j < d; j++)
            for (ptrdiff_t byte = 0; byte < size; byte++) to[j * size + byte] = x[j * column_stride + byte];
    }
}
