/* arc.h: the additive angular margin of ArcFace (Deng et al. 2019) on cosines; its softmax is csrc/losses/softmax.h's. */

/* cos(θ + m) = cos θ·cos m − sin θ·sin m as long as θ + m is at most π; beyond, where it would grow again, cos θ − m·sin m */
FO_INLINE real F(arc_margin)(real cosine, real cos_m, real sin_m, real margin, real *slope) {
    const real c = F(max_)(F(min_)(cosine, 1), -1), sine = F(sqrt_)((1 - c) * (1 + c)), least = REAL_IS_FLOAT ? R(0x1p-12) : R(0x1p-26);
    const int within = c > -cos_m;
    *slope = within ? cos_m + c * sin_m / F(max_)(sine, least) : 1;
    return within ? c * cos_m - sine * sin_m : c - margin * sin_m;
}

FO_KERNEL void F(pairs_arc)(ptrdiff_t n, ptrdiff_t k, const int32_t *labels, double scale, double margin, void *cosines, void *slopes) {
    const real cos_m = (real)cos(margin), sin_m = (real)sin(margin);
    for (ptrdiff_t i = 0; i < n; i++) {
        real *restrict row = (real *)cosines + i * k;
        row[labels[i]] = F(arc_margin)(row[labels[i]], cos_m, sin_m, (real)margin, (real *)slopes + i);
        FO_SIMD
        for (ptrdiff_t c = 0; c < k; c++) row[c] *= (real)scale;
    }
}
