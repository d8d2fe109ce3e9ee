/* orthogonal.h: what happens to a matrix under muon, which steps along the nearest matrix to its momentum with orthonormal rows or
 * columns (Jordan et al. 2024).  Whichever way a matrix lies in memory, its direction x is worked on as `long` rows of `short` elements,
 * so that its product with itself is the small one.  Rows are `stride` elements apart, whole vectors, and filled up with zeros: products
 * have no tails.  The iteration is in fastopt/optimizers/_orthogonal.pyx, which takes BLAS for the products of large matrices. */
#define PRODUCT_ROWS 4
#define PRODUCT_VECS (FO_REGISTER_BYTES == 64 ? 2 : 1) /* with so many rows, sums and factors that registers hold */

/* `rows` rows of `vecs` vectors of a product */
FO_INLINE void F(product_tile)(const int rows, const int vecs, const fo_product *p, const real *a, const real *b, const real *d,
                               real *out) {
    const real alpha = (real)p->alpha, beta = (real)p->beta;
    F(vec) sums[PRODUCT_ROWS][PRODUCT_VECS];
    FO_UNROLL for (int i = 0; i < rows; i++) FO_UNROLL for (int j = 0; j < vecs; j++) sums[i][j] = F(vset)(0);
    for (ptrdiff_t k = 0; k < p->depth; k++) {
        F(vec) row[PRODUCT_VECS];
        FO_UNROLL for (int j = 0; j < vecs; j++) row[j] = F(vload)(b + k * p->stride + j * VLEN);
        FO_UNROLL for (int i = 0; i < rows; i++) {
            const F(vec) factor = F(vset)(a[i * p->a_row + k * p->a_column]);
            FO_UNROLL for (int j = 0; j < vecs; j++) sums[i][j] = F(vfma)(factor, row[j], sums[i][j]);
        }
    }
    FO_UNROLL for (int i = 0; i < rows; i++) FO_UNROLL for (int j = 0; j < vecs; j++) {
        const ptrdiff_t at = i * p->stride + j * VLEN;
        F(vec) sum = F(vfma)(F(vset)(alpha), sums[i][j], F(vset)(0));
        if (d) sum = F(vfma)(F(vset)(beta), F(vload)(d + at), sum);
        F(vstore)(out + at, sum);
    }
}

FO_INLINE void F(product_rows)(const int rows, const fo_product *p, const real *a, const real *b, const real *d, real *out) {
    ptrdiff_t j = 0;
    for (; j + PRODUCT_VECS * VLEN <= p->stride; j += PRODUCT_VECS * VLEN)
        F(product_tile)(rows, PRODUCT_VECS, p, a, b + j, d ? d + j : NULL, out + j);
    for (; j < p->stride; j += VLEN) F(product_tile)(rows, 1, p, a, b + j, d ? d + j : NULL, out + j);
}

FO_KERNEL void F(product)(const fo_product *p, const void *a, const void *b, const void *d, void *out) {
    ptrdiff_t i = 0;
    for (; i + PRODUCT_ROWS <= p->rows; i += PRODUCT_ROWS)
        F(product_rows)(PRODUCT_ROWS, p, (const real *)a + i * p->a_row, b, d ? (const real *)d + i * p->stride : NULL,
                        (real *)out + i * p->stride);
    for (; i < p->rows; i++)
        F(product_rows)(1, p, (const real *)a + i * p->a_row, b, d ? (const real *)d + i * p->stride : NULL,
                        (real *)out + i * p->stride);
}

/* the mean that g makes of m, and the direction to be made orthogonal: Nesterov's or the mean itself */
FO_INLINE real F(muon_mean)(const F(coefs) *h, real g, real m) { return h->beta1 * m + h->one_minus_beta1 * g; }
FO_INLINE real F(muon_slope)(const F(coefs) *h, real g, real m) {
    const real mean = F(muon_mean)(h, g, m);
    return h->a > 0 ? h->one_minus_beta1 * g + h->beta1 * mean : mean;
}

/* coefficients with the scale of the gradient in its share of the mean */
FO_INLINE F(coefs) F(muon_coefs)(const fo_step *step) {
    F(coefs) h = F(coefs_of)(step);
    h.one_minus_beta1 = (real)(step->h.scale * step->h.one_minus_beta1);
    return h;
}

/* x of a matrix of `rows` rows as they lie in memory, not yet of norm 1; along: the rows of x are those of memory */
FO_INLINE void F(muon_fill)(const int along, const F(coefs) *h, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, const real *g,
                            const real *m, real *restrict x) {
    for (ptrdiff_t i = 0; i < rows; i++) {
        FO_SIMD
        for (ptrdiff_t j = 0; j < columns; j++)
            x[along ? i * stride + j : j * stride + i] = F(muon_slope)(h, g[i * columns + j], m[i * columns + j]);
    }
}

FO_INLINE real F(largest)(ptrdiff_t n, const real *x) {
    real most = 0;
    FO_SIMD_MAX(most)
    for (ptrdiff_t i = 0; i < n; i++) most = F(max_)(most, F(abs_)(x[i]));
    return most;
}

FO_INLINE void F(multiply)(ptrdiff_t n, real factor, real *x) {
    FO_SIMD
    for (ptrdiff_t i = 0; i < n; i++) x[i] *= factor;
}

FO_KERNEL void F(muon_direction)(const fo_step *step, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, const void *g, const void *m,
                              void *x) {
    const F(coefs) h = F(muon_coefs)(step);
    const ptrdiff_t n = (rows < columns ? columns : rows) * stride;
    memset(x, 0, (size_t)n * sizeof(real));
    if (rows < columns) F(muon_fill)(0, &h, rows, columns, stride, g, m, x);
    else F(muon_fill)(1, &h, rows, columns, stride, g, m, x);
    double norm = sqrt(F(square_sum)(n, x));
    if (!(norm < 0x1p100)) { /* its square may be beyond the type's largest number */
        F(multiply)(n, (real)0.5 / F(largest)(n, x), x);
        norm = sqrt(F(square_sum)(n, x));
    }
    F(multiply)(n, (real)(1 / (norm > step->h.eps ? norm : step->h.eps)), x);
}

FO_INLINE int F(muon_next)(const int along, const F(coefs) *h, real rate, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride,
                           const real *restrict x, const real *restrict w, real *restrict next) {
    real_bits zero = 0;
    for (ptrdiff_t i = 0; i < rows; i++) {
        FO_SIMD_OR(zero)
        for (ptrdiff_t j = 0; j < columns; j++) {
            const real moved = h->decay_factor * w[i * columns + j] - rate * x[along ? i * stride + j : j * stride + i];
            next[i * columns + j] = moved;
            zero |= F(zero_bits)(moved, 1);
        }
    }
    return F(is_zero)(zero);
}

FO_KERNEL int F(muon_weights)(const fo_step *step, double rate, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, const void *x,
                           const void *w, void *next) {
    const F(coefs) h = F(muon_coefs)(step);
    return rows < columns ? F(muon_next)(0, &h, (real)rate, rows, columns, stride, x, w, next)
                          : F(muon_next)(1, &h, (real)rate, rows, columns, stride, x, w, next);
}

FO_KERNEL void F(muon_move)(const fo_step *step, ptrdiff_t n, const void *g, const void *next, void *w, void *m) {
    const F(coefs) h = F(muon_coefs)(step);
    const real *restrict slope = g;
    real *restrict mean = m;
    memcpy(w, next, (size_t)n * sizeof(real));
    FO_SIMD
    for (ptrdiff_t i = 0; i < n; i++) mean[i] = F(muon_mean)(&h, slope[i], mean[i]);
}
