/* columns.h: sums over rows of what stands in each column: of the values, and of the distances and their squares from a
 * centre, in double.  Used by _samples/statistics.pyx, which cuts X into blocks of rows that stay in the cache between the two. */

#ifndef FO_COLUMNS_ONCE
#define FO_COLUMNS_ONCE
/* rows that share a load of the sums */
#define COLUMN_ROWS 4
#endif

/* COLUMN_ROWS rows from row i on, and their weights: 0 for what lies past the last */
typedef struct {
    const real *x[COLUMN_ROWS];
    double weight[COLUMN_ROWS];
} F(column_group);

FO_INLINE F(column_group) F(column_rows)(const fo_matrix *X, ptrdiff_t n, const int32_t *rows, const double *weight,
                                         ptrdiff_t i, ptrdiff_t first) {
    F(column_group) group;
    for (int u = 0; u < COLUMN_ROWS; u++) {
        const ptrdiff_t at = i + u < n ? i + u : n - 1;
        group.x[u] = (const real *)X->data + rows[at] * X->stride + first;
        group.weight[u] = i + u < n ? weight[at] : 0;
    }
    return group;
}

/* sum_j += Σ ω·(x_j − origin_j) */
FO_KERNEL void F(column_sums)(const fo_matrix *X, ptrdiff_t n, const int32_t *rows, const double *weight, ptrdiff_t first,
                           ptrdiff_t width, const double *origin, double *restrict sum) {
    for (ptrdiff_t i = 0; i < n; i += COLUMN_ROWS) {
        const F(column_group) group = F(column_rows)(X, n, rows, weight, i, first);
        const real *restrict x0 = group.x[0], *restrict x1 = group.x[1], *restrict x2 = group.x[2], *restrict x3 = group.x[3];
        const double *a = group.weight;
        FO_SIMD
        for (ptrdiff_t j = 0; j < width; j++) {
            const double o = origin[j];
            sum[j] += (a[0] * ((double)x0[j] - o) + a[1] * ((double)x1[j] - o)) +
                      (a[2] * ((double)x2[j] - o) + a[3] * ((double)x3[j] - o));
        }
    }
}

/* sum1_j += Σ ω·|x_j − c_j|, sum2_j += Σ ω·(x_j − c_j)² */
FO_KERNEL void F(column_spread)(const fo_matrix *X, ptrdiff_t n, const int32_t *rows, const double *weight, ptrdiff_t first,
                             ptrdiff_t width, const double *centre, double *restrict sum1, double *restrict sum2) {
    for (ptrdiff_t i = 0; i < n; i += COLUMN_ROWS) {
        const F(column_group) group = F(column_rows)(X, n, rows, weight, i, first);
        const real *restrict x0 = group.x[0], *restrict x1 = group.x[1], *restrict x2 = group.x[2], *restrict x3 = group.x[3];
        const double *a = group.weight;
        FO_SIMD
        for (ptrdiff_t j = 0; j < width; j++) {
            const double c = centre[j];
            const double z0 = (double)x0[j] - c, z1 = (double)x1[j] - c, z2 = (double)x2[j] - c, z3 = (double)x3[j] - c;
            sum1[j] += (a[0] * fabs(z0) + a[1] * fabs(z1)) + (a[2] * fabs(z2) + a[3] * fabs(z3));
            sum2[j] += (a[0] * (z0 * z0) + a[1] * (z1 * z1)) + (a[2] * (z2 * z2) + a[3] * (z3 * z3));
        }
    }
}

/* Σ ω·x, Σ ω·|x| and Σ ω·x² over the stored values of CSR rows */
FO_INLINE void F(column_stored_loop)(const int layout, const fo_matrix *X, ptrdiff_t n, const int32_t *rows,
                                     const double *weight, double *sum, double *sum1, double *sum2) {
    for (ptrdiff_t i = 0; i < n; i++) {
        const F(row) x = F(row_of)(layout, X, rows[i]);
        for (ptrdiff_t at = 0; at < x.m; at++) {
            const ptrdiff_t j = column(layout, x.columns, at);
            const double value = (double)x.x[at], part = weight[i] * value;
            sum[j] += part;
            sum1[j] += fabs(part);
            sum2[j] += part * value;
        }
    }
}

FO_KERNEL void F(column_stored)(const fo_matrix *X, ptrdiff_t n, const int32_t *rows, const double *weight, double *sum,
                             double *sum1, double *sum2) {
    if (X->layout == FO_CSR32) F(column_stored_loop)(FO_CSR32, X, n, rows, weight, sum, sum1, sum2);
    else F(column_stored_loop)(FO_CSR64, X, n, rows, weight, sum, sum1, sum2);
}

#if !REAL_IS_FLOAT
/* mean += share·(mean of the block − mean), which is origin + sum/weight; sum is used up */
FO_KERNEL void column_means(ptrdiff_t n, double weight, double share, const double *origin, double *restrict sum,
                         double *restrict mean) {
    FO_SIMD
    for (ptrdiff_t j = 0; j < n; j++) {
        mean[j] += share * (origin[j] + sum[j] / weight - mean[j]);
        sum[j] = 0;
    }
}
#endif
