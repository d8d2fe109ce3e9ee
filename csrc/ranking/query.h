/* query.h: the loss of one query, of any kind. */

FO_INLINE int F(all_equal)(ptrdiff_t m, const real *y) {
    int differs = 0;
    FO_SIMD_OR(differs)
    for (ptrdiff_t i = 0; i < m; i++) differs |= y[i] != y[0];
    return !differs;
}

/* a body for each kind, with and without its value */
FO_INLINE double F(query_loss)(const int wanted, const fo_ranking *r, F(documents) *d, const real *y, const real *p) {
    if (r->kind == FO_RANKING_LAMBDA) return F(lambda_pairs)(wanted, r, d, y, p);
    if (r->kind == FO_RANKING_LISTNET) {
        for (ptrdiff_t i = 0; i < d->m; i++) d->ranked[i].at = (int32_t)i;
        return F(listnet)(d, y, p);
    }
    F(put_in_order)(d, y, y, p);
    if (r->kind == FO_RANKING_MARGIN) return F(pairs)(FO_RANKING_MARGIN, wanted, (real)r->scale, d);
    return F(pairs)(FO_RANKING_LOGISTIC, wanted, (real)r->scale, d);
}

FO_KERNEL double F(ranking_query)(const fo_ranking *r, ptrdiff_t m, const void *y, const void *p, double factor, int wanted, void *scratch,
                                  void *grads) {
    F(documents) d = F(documents_in)(scratch, m);
    if (F(all_equal)(m, y)) {
        if (grads) memset(grads, 0, (size_t)m * sizeof(real));
        return 0;
    }
    const double value = wanted ? F(query_loss)(1, r, &d, y, p) : F(query_loss)(0, r, &d, y, p);
    if (grads) F(put_back)(&d, factor, grads);
    return value;
}
