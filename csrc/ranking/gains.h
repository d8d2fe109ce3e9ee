/* gains.h: what a document is worth, what a rank takes off, and the normalised discounted cumulative gain (Järvelin & Kekäläinen 2002). */

/* 2^y − 1 over 2^top, top the largest y and at least 0: only ratios of gains count, and so none overflows */
FO_INLINE real F(gain)(real y, real top) {
    const real ln2 = R(0.69314718055994530942), far = F(exp_)((y - top) * ln2) - F(exp_)(-top * ln2);
    return y < 1 ? F(expm1_)(F(min_)(y, 1) * ln2) * F(exp_)(-top * ln2) : far;
}

/* Gains of the documents as they lie, 2^y − 1 or y, over the largest of them. */
FO_INLINE void F(find_gains)(const fo_ranking *r, ptrdiff_t m, const real *restrict y, real *restrict gain) {
    real top = 0;
    FO_SIMD_MAX(top)
    for (ptrdiff_t i = 0; i < m; i++) top = F(max_)(top, y[i]);
    const int exponential = r->exponential;
    const real most = exponential ? F(gain)(top, top) : top, divisor = most > 0 ? most : 1;
    FO_SIMD
    for (ptrdiff_t i = 0; i < m; i++) gain[i] = (exponential ? F(gain)(y[i], top) : y[i]) / divisor;
}

/* 1/log2(2 + rank) */
FO_INLINE void F(find_discounts)(ptrdiff_t m, real *restrict discount) {
    FO_SIMD
    for (ptrdiff_t i = 0; i < m; i++) discount[i] = R(0.69314718055994530942) / F(log_)((real)(2 + i));
}

/* the largest sum of gain·discount over the first documents: gains by size; changes the order of d */
FO_INLINE double F(ideal)(F(documents) *d, ptrdiff_t truncation, const real *gain) {
    double sum = 0;
    F(sort_down)(d, gain);
    for (ptrdiff_t i = 0; i < d->m && i < truncation; i++) sum += (double)d->ranked[i].key * (double)d->discount[i];
    return sum;
}

FO_KERNEL double F(ndcg)(const fo_ranking *r, ptrdiff_t m, const void *y, const void *p, void *scratch) {
    F(documents) d = F(documents_in)(scratch, m);
    F(find_gains)(r, m, y, d.y);
    F(find_discounts)(m, d.discount);
    const double ideal = F(ideal)(&d, r->truncation, d.y);
    F(sort_down)(&d, p);
    double sum = 0;
    for (ptrdiff_t i = 0, end = 0; i < m && i < r->truncation; i = end) { /* of equal scores, all have the mean of their gains */
        double gains = 0, discounts = 0;
        for (end = i; end < m && d.ranked[end].key == d.ranked[i].key; end++) {
            gains += (double)d.y[d.ranked[end].at];
            discounts += end < r->truncation ? (double)d.discount[end] : 0;
        }
        sum += gains / (double)(end - i) * discounts;
    }
    return ideal > 0 ? sum / ideal : 0;
}
