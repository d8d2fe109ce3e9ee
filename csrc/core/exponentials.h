/* exponentials.h: a softmax before it is divided by its sum.  Used by losses of rankings and of pairs; knows vmath.h. */

/* exp(x − max x), and their sum; max x into *largest */
FO_INLINE double F(exponentials)(ptrdiff_t m, const real *restrict x, real *largest, real *restrict out) {
    real top = x[0], sum = 0;
    FO_SIMD_MAX(top)
    for (ptrdiff_t i = 0; i < m; i++) top = F(max_)(top, x[i]);
    FO_SIMD_SUM(sum)
    for (ptrdiff_t i = 0; i < m; i++) sum += out[i] = F(exp_)(x[i] - top);
    *largest = top;
    return (double)sum;
}
