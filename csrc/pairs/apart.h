/* apart.h: what a distance costs: the contrastive loss (Hadsell et al. 2006), that of cosines, and that of triplets (Schroff et al. 2015). */

typedef struct { real loss, slope; } F(cost);

FO_INLINE F(cost) F(apart_of)(const int kind, real margin, real y, real distance) {
    if (kind == FO_APART_TRIPLET) {
        const real over = margin + distance - y;
        return (F(cost)){F(max_)(over, 0), (real)(over > 0)};
    }
    const real room = kind == FO_APART_COSINE ? 1 - distance - margin : margin - distance, inside = F(max_)(room, 0);
    const int together = y > 0;
    if (kind == FO_APART_COSINE) return (F(cost)){together ? distance : inside, together ? 1 : (real)-(room > 0)};
    return (F(cost)){R(0.5) * (together ? distance * distance : inside * inside), together ? distance : -inside};
}

FO_INLINE void F(apart_each)(const int kind, ptrdiff_t n, real margin, const real *restrict y, const real *restrict distances,
                             real *restrict losses, real *restrict slopes) {
    FO_SIMD
    for (ptrdiff_t i = 0; i < n; i++) {
        const F(cost) cost = F(apart_of)(kind, margin, y[i], distances[i]);
        losses[i] = cost.loss;
        slopes[i] = cost.slope;
    }
}

FO_KERNEL void F(pairs_apart)(int kind, ptrdiff_t n, double margin, const void *y, const void *distances, void *losses, void *slopes) {
    if (kind == FO_APART_TRIPLET) F(apart_each)(FO_APART_TRIPLET, n, (real)margin, y, distances, losses, slopes);
    else if (kind == FO_APART_COSINE) F(apart_each)(FO_APART_COSINE, n, (real)margin, y, distances, losses, slopes);
    else F(apart_each)(FO_APART_CONTRASTIVE, n, (real)margin, y, distances, losses, slopes);
}
