/* returns.h: sums of rewards to come, and what turned out better than expected, backwards through the steps of n episodes side by side. */

/* out_t = rewards_t + discount·(1 − ends_t)·out_{t+1} */
FO_KERNEL void F(discounted)(ptrdiff_t steps, ptrdiff_t n, double discount, const void *rewards, const void *ends, const void *last, void *out_) {
    const real factor = (real)discount;
    real *out = out_;
    for (ptrdiff_t t = steps - 1; t >= 0; t--) {
        const real *r = (const real *)rewards + t * n, *end = (const real *)ends + t * n, *behind = t == steps - 1 ? last : out + (t + 1) * n;
        real *now = out + t * n;
        FO_SIMD
        for (ptrdiff_t i = 0; i < n; i++) now[i] = r[i] + factor * (1 - end[i]) * behind[i];
    }
}

/* out_t = d_t + discount·trace·(1 − ends_t)·out_{t+1}, d_t = rewards_t + discount·(1 − ends_t)·values_{t+1} − values_t, which is what behind the
 * last step there is no out of */
FO_KERNEL void F(advantages)(ptrdiff_t steps, ptrdiff_t n, double discount, double trace, const void *rewards, const void *values_, const void *ends,
                             const void *last, void *out_) {
    const real factor = (real)discount, memory = (real)(discount * trace), *values = values_;
    real *out = out_;
    for (ptrdiff_t t = steps - 1; t >= 0; t--) {
        const int is_last = t == steps - 1;
        const real *r = (const real *)rewards + t * n, *end = (const real *)ends + t * n;
        const real *expected = values + t * n, *next = is_last ? last : expected + n, *later = out + (t + 1) * n;
        real *now = out + t * n;
        FO_SIMD
        for (ptrdiff_t i = 0; i < n; i++) now[i] = r[i] + factor * (1 - end[i]) * next[i] - expected[i];
        if (is_last) continue;
        FO_SIMD
        for (ptrdiff_t i = 0; i < n; i++) now[i] += memory * (1 - end[i]) * later[i];
    }
}
