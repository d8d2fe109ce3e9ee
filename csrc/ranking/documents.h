/* documents.h: the documents of a query in an order: a stable merge sort of runs that are sorted by counting, which is vectorised; and the
 * arrays of a query's scratch.  Used by all other headers of this folder; knows no loss. */

#ifndef RANKING_RUN
#define RANKING_RUN 128
#endif

/* what is sorted, and where it lay */
typedef struct { real key; int32_t at; } F(ranked);

/* m documents in an order: their values side by side, and the derivatives in their scores */
typedef struct {
    ptrdiff_t m;
    F(ranked) *ranked, *spare;
    real *y, *p, *grads, *gain, *discount; /* (m,) */
} F(documents);

FO_KERNEL ptrdiff_t F(ranking_scratch)(ptrdiff_t m) {
    return m * (ptrdiff_t)(2 * sizeof(F(ranked)) + 5 * sizeof(real)) + 64;
}

FO_INLINE F(documents) F(documents_in)(void *scratch, ptrdiff_t m) {
    F(documents) d;
    d.m = m;
    d.ranked = scratch;
    d.spare = d.ranked + m;
    d.y = (real *)(void *)(d.spare + m);
    d.p = d.y + m;
    d.grads = d.p + m;
    d.gain = d.grads + m;
    d.discount = d.gain + m;
    return d;
}

/* a run of n keys, the first of which lies at `first`: the rank of each is how many come before it */
FO_INLINE void F(sort_run)(ptrdiff_t n, ptrdiff_t first, const real *restrict key, F(ranked) *restrict out) {
    for (ptrdiff_t i = 0; i < n; i++) {
        const real own = key[i];
        int32_t rank = 0;
        FO_SIMD_SUM(rank)
        for (ptrdiff_t j = 0; j < i; j++) rank += key[j] >= own;
        FO_SIMD_SUM(rank)
        for (ptrdiff_t j = i + 1; j < n; j++) rank += key[j] > own;
        out[rank] = (F(ranked)){own, (int32_t)(first + i)};
    }
}

/* two sorted runs side by side into one; of equal keys those of the first come first */
FO_INLINE void F(merge)(const F(ranked) *a, const F(ranked) *b, const F(ranked) *end, F(ranked) *out) {
    const F(ranked) *middle = b;
    while (a < middle && b < end) {
        const int second = b->key > a->key;
        *out++ = second ? *b : *a;
        b += second;
        a += !second;
    }
    while (a < middle) *out++ = *a++;
    while (b < end) *out++ = *b++;
}

/* d->ranked by key, the largest first, equal ones in the order in which they came */
FO_KERNEL void F(sort_down)(F(documents) *d, const real *key) {
    for (ptrdiff_t start = 0; start < d->m; start += RANKING_RUN)
        F(sort_run)(d->m - start < RANKING_RUN ? d->m - start : RANKING_RUN, start, key + start, d->ranked + start);
    for (ptrdiff_t width = RANKING_RUN; width < d->m; width *= 2) {
        for (ptrdiff_t start = 0; start < d->m; start += 2 * width) {
            const ptrdiff_t middle = start + width < d->m ? start + width : d->m, end = middle + width < d->m ? middle + width : d->m;
            F(merge)(d->ranked + start, d->ranked + middle, d->ranked + end, d->spare + start);
        }
        F(ranked) *const sorted = d->spare;
        d->spare = d->ranked;
        d->ranked = sorted;
    }
}

/* the documents by key, their derivatives 0 */
FO_INLINE void F(put_in_order)(F(documents) *d, const real *key, const real *y, const real *p) {
    F(sort_down)(d, key);
    for (ptrdiff_t i = 0; i < d->m; i++) {
        const int32_t at = d->ranked[i].at;
        d->y[i] = y[at];
        d->p[i] = p[at];
        d->grads[i] = 0;
    }
}

/* factor times the derivatives, to where the documents lay */
FO_INLINE void F(put_back)(const F(documents) *d, double factor, real *grads) {
    for (ptrdiff_t i = 0; i < d->m; i++) grads[d->ranked[i].at] = (real)((double)d->grads[i] * factor);
}
