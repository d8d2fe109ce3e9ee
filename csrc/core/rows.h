/* rows.h: access to the rows of X, dense or CSR, and the loops that only read them.  `layout` is always a constant of the
 * caller, so that each loop is compiled once a layout and holds no test of it. */

/* one row: m elements, or m values with their columns */
typedef struct {
    const real *x;
    const void *columns; /* CSR: int32_t or int64_t; dense: NULL */
    ptrdiff_t m;
} F(row);

#ifndef FO_ROWS_ONCE
#define FO_ROWS_ONCE
/* X.indptr[i] */
FO_INLINE ptrdiff_t row_start(const int layout, const fo_matrix *X, ptrdiff_t i) {
    return layout == FO_CSR32 ? ((const int32_t *)X->indptr)[i] : (ptrdiff_t)((const int64_t *)X->indptr)[i];
}

/* ask for where row i starts */
FO_INLINE void prefetch_start(const int layout, const fo_matrix *X, ptrdiff_t i) {
    if (layout != FO_DENSE) FO_PREFETCH((const char *)X->indptr + i * (layout == FO_CSR32 ? 4 : 8));
}

/* the column of the j-th value of a CSR row */
FO_INLINE ptrdiff_t column(const int layout, const void *columns, ptrdiff_t j) {
    return layout == FO_CSR32 ? ((const int32_t *)columns)[j] : (ptrdiff_t)((const int64_t *)columns)[j];
}

/* bring `bytes` from p, which starts within a line, into the cache */
FO_INLINE void prefetch_bytes(const void *p, ptrdiff_t bytes) {
    for (ptrdiff_t at = 0; at < bytes; at += 64) FO_PREFETCH((const char *)p + at);
    if (bytes > 0) FO_PREFETCH((const char *)p + bytes - 1);
}
#endif

/* bring a row into the cache; m 0: there is none */
FO_INLINE void F(prefetch_row)(const int layout, F(row) x) {
    if (layout == FO_DENSE) prefetch_bytes(x.x, FO_LAST_BYTE(x.x, x.m) + 1 - (const char *)x.x);
    else {
        prefetch_bytes(x.x, x.m * (ptrdiff_t)sizeof(real));
        prefetch_bytes(x.columns, x.m * (layout == FO_CSR32 ? 4 : 8));
    }
}

FO_INLINE F(row) F(row_of)(const int layout, const fo_matrix *X, ptrdiff_t i) {
    if (layout == FO_DENSE) return (F(row)){(const real *)X->data + i * X->stride, NULL, X->d};
    const ptrdiff_t start = row_start(layout, X, i), size = layout == FO_CSR32 ? 4 : 8;
    return (F(row)){(const real *)X->data + start, (const char *)X->indices + start * size,
                    row_start(layout, X, i + 1) - start};
}

/* ask for the lines that begin with 16 values of a CSR row, from the i-th on, and with their columns */
FO_INLINE void F(prefetch_values)(const int layout, F(row) x, ptrdiff_t i) {
    enum { VALUES = 16 };
    const ptrdiff_t column_size = layout == FO_CSR32 ? 4 : 8;
    FO_UNROLL for (ptrdiff_t at = 0; at < VALUES * (ptrdiff_t)sizeof(real); at += 64) FO_PREFETCH((const char *)(x.x + i) + at);
    FO_UNROLL for (ptrdiff_t at = 0; at < VALUES * column_size; at += 64) FO_PREFETCH((const char *)x.columns + i * column_size + at);
}

/* x·w for a CSR row, and the lines of a row to come on their way, spread over the work; ahead.m 0: no such row */
FO_INLINE real F(dot_csr)(const int layout, F(row) x, const real *w, F(row) ahead) {
    real s[8] = {0};
    ptrdiff_t i = 0;
    for (; i + 16 <= x.m; i += 16) {
        if (i < ahead.m) F(prefetch_values)(layout, ahead, i);
        FO_UNROLL for (int j = 0; j < 16; j++)
            s[j % 8] = F(fma_)(x.x[i + j], w[column(layout, x.columns, i + j)], s[j % 8]);
    }
    for (ptrdiff_t rest = i; rest < ahead.m; rest += 16) F(prefetch_values)(layout, ahead, rest);
    if (ahead.m > 0) { /* rows start within a line */
        FO_PREFETCH((const char *)(ahead.x + ahead.m) - 1);
        FO_PREFETCH((const char *)ahead.columns + ahead.m * (layout == FO_CSR32 ? 4 : 8) - 1);
    }
    for (; i + 4 <= x.m; i += 4)
        FO_UNROLL for (int j = 0; j < 4; j++) s[j] = F(fma_)(x.x[i + j], w[column(layout, x.columns, i + j)], s[j]);
    for (; i < x.m; i++) s[7] = F(fma_)(x.x[i], w[column(layout, x.columns, i)], s[7]);
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

/* x·w, w of stride 1 */
FO_INLINE real F(row_dot)(const int layout, F(row) x, const real *w) {
    ptrdiff_t i = 0;
    if (layout != FO_DENSE) return F(dot_csr)(layout, x, w, (F(row)){0});
    F(vec) s = F(vset)(0), s2 = s;
    for (; i + 2 * VLEN <= x.m; i += 2 * VLEN) {
        s = F(vfma)(F(vload)(x.x + i), F(vload)(w + i), s);
        s2 = F(vfma)(F(vload)(x.x + i + VLEN), F(vload)(w + i + VLEN), s2);
    }
    for (; i < x.m; i += VLEN) {
        const int m = (int)(x.m - i < VLEN ? x.m - i : VLEN);
        s = F(vfma)(F(vload_part)(x.x + i, m), F(vload_part)(w + i, m), s);
    }
    return F(vsum)(F(vadd)(s, s2));
}

/* Σ x² over the stored values, in double: squares of small floats are not numbers of type float */
FO_INLINE double F(row_square)(F(row) x) {
    double s[4] = {0};
    for (ptrdiff_t i = 0; i < x.m; i++) s[i % 4] += (double)x.x[i] * (double)x.x[i];
    return (s[0] + s[2]) + (s[1] + s[3]);
}

FO_INLINE void F(predict_loop)(const int layout, const fo_matrix *X, ptrdiff_t n, ptrdiff_t k, const int32_t *rows,
                               const real *w, ptrdiff_t w_stride, const real *b, real *p) {
    for (ptrdiff_t i = 0; i < n; i++) {
        const F(row) x = F(row_of)(layout, X, rows ? rows[i] : i);
        for (ptrdiff_t j = 0; j < k; j++) p[i * k + j] = F(row_dot)(layout, x, w + j * w_stride) + b[j];
    }
}

FO_KERNEL void F(predict_rows)(const fo_matrix *X, ptrdiff_t n, ptrdiff_t k, const int32_t *rows, const void *w,
                            ptrdiff_t w_stride, const void *b, void *p) {
    if (X->layout == FO_DENSE) F(predict_loop)(FO_DENSE, X, n, k, rows, w, w_stride, b, p);
    else if (X->layout == FO_CSR32) F(predict_loop)(FO_CSR32, X, n, k, rows, w, w_stride, b, p);
    else F(predict_loop)(FO_CSR64, X, n, k, rows, w, w_stride, b, p);
}

/* m elements of one row, apart in memory; unaligned ones too */
FO_INLINE void F(pack_part)(const int m, const char *x, ptrdiff_t column_stride, real *out) {
    for (int j = 0; j < m; j++) memcpy(out + j, x + j * column_stride, sizeof(real));
}

/* A line of the packed rows at a time: of a Fortran-ordered X, 16 columns of all rows before the next 16, as their loads
 * do not wait for each other (one column at a time takes 2.9x as long). */
FO_KERNEL void F(pack_rows)(ptrdiff_t n, ptrdiff_t d, const void *data, ptrdiff_t row_stride, ptrdiff_t column_stride,
                         const int32_t *rows, void *out) {
    for (ptrdiff_t j = 0; j < d; j += VLEN)
        for (ptrdiff_t i = 0; i < n; i++) {
            const char *x = (const char *)data + (ptrdiff_t)rows[i] * row_stride + j * column_stride;
            real *o = (real *)out + i * d + j;
            if (j + VLEN <= d) F(pack_part)(VLEN, x, column_stride, o);
            else F(pack_part)((int)(d - j), x, column_stride, o);
        }
}

FO_KERNEL int F(all_finite)(ptrdiff_t n, const void *x) {
    const real *v = x;
    int finite = 1;
    FO_SIMD
    for (ptrdiff_t i = 0; i < n; i++) finite &= (v[i] - v[i] == 0); /* inf − inf and nan − nan are nan */
    return finite;
}
