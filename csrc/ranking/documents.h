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

/* A run of n keys, the first of which lies at `first`: the rank of each is how many come before it.  Returns how many pairs change places whose
 * second one is `chosen`; NULL: they are not counted. */
FO_INLINE int64_t F(sort_run)(ptrdiff_t n, ptrdiff_t first, const real *restrict key, const unsigned char *chosen, F(ranked) *restrict out) {
    int64_t changes = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        const real own = key[i];
        int32_t before = 0, behind = 0;
        FO_SIMD_SUM(before)
        for (ptrdiff_t j = 0; j < i; j++) before += key[j] >= own;
        FO_SIMD_SUM(behind)
        for (ptrdiff_t j = i + 1; j < n; j++) behind += key[j] > own;
        out[before + behind] = (F(ranked)){own, (int32_t)(first + i)};
        if (chosen) changes += (i - before) * chosen[first + i];
    }
    return changes;
}

/* Two sorted runs side by side into one; of equal keys those of the first come first.  Returns what sort_run does. */
FO_INLINE int64_t F(merge)(const F(ranked) *a, const F(ranked) *b, const F(ranked) *end, const unsigned char *chosen, F(ranked) *out) {
    const F(ranked) *middle = b;
    int64_t changes = 0;
    while (a < middle && b < end) {
        const int second = b->key > a->key;
        if (chosen) changes += (middle - a) * (second & chosen[b->at]);
        *out++ = *(second ? b : a);
        b += second;
        a += 1 - second;
    }
    while (a < middle) *out++ = *a++;
    while (b < end) *out++ = *b++;
    return changes;
}

/* d->ranked by key, the largest first, equal ones in the order in which they came.  Returns what sort_run does. */
FO_INLINE int64_t F(sort_counting)(F(documents) *d, const real *key, const unsigned char *chosen) {
    int64_t changes = 0;
    for (ptrdiff_t start = 0; start < d->m; start += RANKING_RUN)
        changes += F(sort_run)(d->m - start < RANKING_RUN ? d->m - start : RANKING_RUN, start, key + start, chosen, d->ranked + start);
    for (ptrdiff_t width = RANKING_RUN; width < d->m; width *= 2) {
        for (ptrdiff_t start = 0; start < d->m; start += 2 * width) {
            const ptrdiff_t middle = start + width < d->m ? start + width : d->m, end = middle + width < d->m ? middle + width : d->m;
            changes += F(merge)(d->ranked + start, d->ranked + middle, d->ranked + end, chosen, d->spare + start);
        }
        F(ranked) *const sorted = d->spare;
        d->spare = d->ranked;
        d->ranked = sorted;
    }
    return changes;
}

FO_KERNEL void F(sort_down)(F(documents) *d, const real *key) { F(sort_counting)(d, key, NULL); }

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
