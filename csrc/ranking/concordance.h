/* concordance.h: pairs of subjects of which one is known to have had its event first, and whose scores say so (Harrell 1996).  Subjects come
 * the largest time first; sorting them by score counts, for each event, the scores less than its own in front of it: n·log(n) steps. */

/* Pairs of each event and the subjects in front of it, n of both, in whatever order they come. */
FO_INLINE fo_concordance F(pairs_in_front)(ptrdiff_t n, const unsigned char *event, const real *p, void *scratch) {
    F(documents) d = F(documents_in)(scratch, n);
    fo_concordance found = {0, F(sort_counting)(&d, p, event), 0};
    for (ptrdiff_t i = 0; i < n; i++) found.comparable += i * event[i];
    for (ptrdiff_t i = 1, first = 0; i < n; i++) { /* equal scores lie in the order in which they came */
        if (d.ranked[i].key != d.ranked[i - 1].key) first = i;
        found.equal += (i - first) * event[d.ranked[i].at];
    }
    return found;
}

/* Pairs of each event and those in front of it, without those of two events at the same time. */
FO_KERNEL fo_concordance F(concordance)(const fo_cox *c, const void *scores, void *scratch) {
    const real *p = scores;
    fo_concordance found = F(pairs_in_front)(c->n, c->event, p, scratch);
    for (ptrdiff_t begin = 0, end; begin < c->n; begin = end) {
        for (end = begin + 1; c->event[begin] && end < c->n && c->time[end] == c->time[begin];) end++;
        if (end == begin + 1) continue;
        const fo_concordance same = F(pairs_in_front)(end - begin, c->event + begin, p + begin, scratch);
        found.comparable -= same.comparable;
        found.concordant -= same.concordant;
        found.equal -= same.equal;
    }
    return found;
}
