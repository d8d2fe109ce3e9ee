/* limits.h: bare loops that do nothing but what is measured: memory read by rows, scattered loads and stores, the chain of per-sample SGD, passes
 * over arrays of weights.  What `fastopt bench` holds the kernels against; they share with them the registers and the formula of the logistic
 * gradient, and none of their loops.  fastopt_limits.h says what each is to compute. */

#ifndef FO_LIMITS_ONCE
#define FO_LIMITS_ONCE
enum {
    LIMIT_SUMS = 4,   /* vectors of sums, so that no addition waits for the one before */
    LIMIT_LANES = 16, /* the same of single numbers */
    LIMIT_AHEAD = 256 /* numbers from one that is used to one that is asked for */
};
#endif

/* sums += x[0 … d − 1], with a line of the row to come asked for beside each vector */
FO_INLINE void F(limit_read_row)(const int asks, ptrdiff_t d, const real *x, const real *ahead, F(vec) *sums) {
    ptrdiff_t j = 0;
    for (; j + LIMIT_SUMS * VLEN <= d; j += LIMIT_SUMS * VLEN)
        FO_UNROLL for (int u = 0; u < LIMIT_SUMS; u++) {
            if (asks) FO_PREFETCH(ahead + j + u * VLEN);
            sums[u] = F(vadd)(sums[u], F(vload_row)(x + j + u * VLEN));
        }
    for (; j + VLEN <= d; j += VLEN) {
        if (asks) FO_PREFETCH(ahead + j);
        sums[0] = F(vadd)(sums[0], F(vload_row)(x + j));
    }
    if (j < d) {
        if (asks) FO_PREFETCH(ahead + j);
        sums[1] = F(vadd)(sums[1], F(vload_part)(x + j, (int)(d - j)));
    }
    if (asks) FO_PREFETCH(FO_LAST_BYTE(ahead, d)); /* rows start within a line */
}

FO_INLINE double F(limit_sum)(const F(vec) *sums) {
    return (double)F(vsum)(F(vadd)(F(vadd)(sums[0], sums[1]), F(vadd)(sums[2], sums[3])));
}

FO_INLINE double F(limit_read_rows)(const int shuffled, const int asks, ptrdiff_t n, ptrdiff_t d, const real *X, const int32_t *rows,
                                    ptrdiff_t ahead) {
    F(vec) sums[LIMIT_SUMS];
    FO_UNROLL for (int u = 0; u < LIMIT_SUMS; u++) sums[u] = F(vset)(0);
    for (ptrdiff_t i = 0; i < n; i++) {
        const ptrdiff_t next = i + ahead < n ? i + ahead : n - 1;
        F(limit_read_row)(asks, d, X + (shuffled ? rows[i] : i) * d, X + (shuffled ? rows[next] : next) * d, sums);
    }
    return F(limit_sum)(sums);
}

FO_KERNEL double F(limit_read)(ptrdiff_t n, ptrdiff_t d, const void *X, const int32_t *rows, ptrdiff_t ahead) {
    if (rows && ahead) return F(limit_read_rows)(1, 1, n, d, X, rows, ahead);
    if (rows) return F(limit_read_rows)(1, 0, n, d, X, rows, 0);
    return F(limit_read_rows)(0, ahead > 0, n, d, X, NULL, ahead);
}

FO_KERNEL double F(limit_gather)(ptrdiff_t n, const int32_t *columns, const void *w) {
    const real *from = w;
    real sums[LIMIT_LANES] = {0};
    double sum = 0;
    ptrdiff_t i = 0;
    for (; i + LIMIT_LANES <= n; i += LIMIT_LANES) {
        FO_PREFETCH(columns + i + LIMIT_AHEAD);
        FO_UNROLL for (int j = 0; j < LIMIT_LANES; j++) sums[j] += from[columns[i + j]];
    }
    for (; i < n; i++) sum += (double)from[columns[i]];
    for (int j = 0; j < LIMIT_LANES; j++) sum += (double)sums[j];
    return sum;
}

FO_KERNEL void F(limit_scatter)(ptrdiff_t n, const int32_t *columns, const void *x, void *w) {
    real *to = w;
    const real *from = x;
    ptrdiff_t i = 0;
    for (; i + LIMIT_LANES <= n; i += LIMIT_LANES) {
        FO_PREFETCH(columns + i + LIMIT_AHEAD);
        FO_PREFETCH(from + i + LIMIT_AHEAD);
        FO_UNROLL for (int j = 0; j < LIMIT_LANES; j++) to[columns[i + j]] += from[i + j];
    }
    for (; i < n; i++) to[columns[i]] += from[i];
}

/* w ← w + c·x and w·next, in one pass where both are wanted */
FO_INLINE real F(limit_pass)(const int adds, const int multiplies, ptrdiff_t d, real c, const real *x, const real *next, real *w) {
    const F(vec) cs = F(vset)(c);
    F(vec) sums[LIMIT_SUMS];
    FO_UNROLL for (int u = 0; u < LIMIT_SUMS; u++) sums[u] = F(vset)(0);
    ptrdiff_t j = 0;
    for (; j + LIMIT_SUMS * VLEN <= d; j += LIMIT_SUMS * VLEN)
        FO_UNROLL for (int u = 0; u < LIMIT_SUMS; u++) {
            F(vec) ws = F(vload)(w + j + u * VLEN);
            if (adds) F(vstore)(w + j + u * VLEN, ws = F(vfma)(cs, F(vload)(x + j + u * VLEN), ws));
            if (multiplies) sums[u] = F(vfma)(ws, F(vload)(next + j + u * VLEN), sums[u]);
        }
    for (; j < d; j += VLEN) {
        const int m = (int)(d - j < VLEN ? d - j : VLEN);
        F(vec) ws = F(vload_part)(w + j, m);
        if (adds) F(vstore_part)(w + j, ws = F(vfma)(cs, F(vload_part)(x + j, m), ws), m);
        if (multiplies) sums[0] = F(vfma)(ws, F(vload_part)(next + j, m), sums[0]);
    }
    return multiplies ? F(vsum)(F(vadd)(F(vadd)(sums[0], sums[1]), F(vadd)(sums[2], sums[3]))) : 0;
}

/* −lr·σ(p): the gradient of the logistic loss where y is 0 */
FO_INLINE real F(limit_step)(real lr, real p) { return -lr * F(loss_log_loss)(0, 0, 0, p).grad; }

FO_KERNEL void F(limit_chain)(ptrdiff_t n, ptrdiff_t m, ptrdiff_t d, const void *X, double lr, void *w) {
    for (ptrdiff_t i = 0, at = 0; i < n; i++, at = at + 1 < m ? at + 1 : 0) {
        const real *x = (const real *)X + at * d, p = F(limit_pass)(0, 1, d, 0, NULL, x, w);
        F(limit_pass)(1, 0, d, F(limit_step)((real)lr, p), x, NULL, w);
    }
}

FO_KERNEL double F(limit_link)(ptrdiff_t n, double lr, double q, double p) {
    real at = (real)p;
    for (ptrdiff_t i = 0; i < n; i++) at = (real)q + F(limit_step)((real)lr, at);
    return (double)at;
}

FO_KERNEL double F(limit_sweep)(ptrdiff_t n, ptrdiff_t m, ptrdiff_t d, const void *X, double c, void *w) {
    real sum = 0;
    for (ptrdiff_t i = 0, at = 0; i < n; i++) {
        const ptrdiff_t next = at + 1 < m ? at + 1 : 0;
        sum += F(limit_pass)(1, 1, d, (real)c, (const real *)X + at * d, (const real *)X + next * d, w);
        at = next;
    }
    return (double)sum;
}

FO_INLINE void F(limit_update_of)(const int arrays, ptrdiff_t n, const real *restrict g, real *restrict w, real *restrict m, real *restrict v) {
    FO_SIMD
    for (ptrdiff_t i = 0; i < n; i++) {
        if (arrays > 2) m[i] = R(0.9) * m[i] + g[i];
        if (arrays > 3) v[i] = R(0.9) * v[i] + g[i];
        w[i] += arrays == 2 ? g[i] : arrays == 3 ? m[i] : m[i] + v[i];
    }
}

FO_KERNEL void F(limit_update)(ptrdiff_t n, int arrays, const void *g, void *w, void *m, void *v) {
    if (arrays == 2) F(limit_update_of)(2, n, g, w, NULL, NULL);
    else if (arrays == 3) F(limit_update_of)(3, n, g, w, m, NULL);
    else F(limit_update_of)(4, n, g, w, m, v);
}

FO_KERNEL double F(limit_roots)(ptrdiff_t n, const void *x) {
    const real *from = x;
    real sum = 0;
    FO_SIMD_SUM(sum)
    for (ptrdiff_t i = 0; i < n; i++) sum += from[i] / (F(sqrt_)(from[i]) + 1);
    return (double)sum;
}
