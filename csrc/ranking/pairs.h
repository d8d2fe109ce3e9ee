/* pairs.h: losses of pairs of documents, one more relevant than the other, and of lists: RankNet (Burges et al. 2005), the margin of
 * ranking support vector machines (Joachims 2002) and ListNet (Cao et al. 2007). */

typedef struct { real value, slope; } F(pair_loss);

/* log(1 + exp(−x)) and its slope, −1/(1 + exp(x)) */
FO_INLINE F(pair_loss) F(pair_logistic)(const int wanted, real x) {
    const F(logistic) l = F(logistic_of)(x);
    return (F(pair_loss)){wanted ? F(max_)(-x, 0) + F(log1p_positive)(l.e) : 0, -l.low * l.inverse};
}

FO_INLINE F(pair_loss) F(pair_of)(const int kind, const int wanted, real scale, real apart) {
    if (kind == FO_RANKING_MARGIN) {
        const real short_of = scale - apart;
        return (F(pair_loss)){F(max_)(short_of, 0), (real)-(short_of > 0)};
    }
    const F(pair_loss) logistic = F(pair_logistic)(wanted, scale * apart);
    return (F(pair_loss)){logistic.value, scale * logistic.slope};
}

/* The mean over pairs.  By relevance, the documents that are less relevant than one lie side by side behind it. */
FO_INLINE double F(pairs)(const int kind, const int wanted, real scale, F(documents) *d) {
    const real *restrict p = d->p;
    real *restrict grads = d->grads;
    double total = 0, pairs = 0;
    for (ptrdiff_t i = 0, less = 0; i < d->m; i++) {
        while (less < d->m && d->y[less] >= d->y[i]) less++;
        const real own = p[i];
        real sum = 0, pull = 0;
        FO_SIMD_SUM(sum, pull)
        for (ptrdiff_t j = less; j < d->m; j++) {
            const F(pair_loss) loss = F(pair_of)(kind, wanted, scale, own - p[j]);
            sum += loss.value;
            pull += loss.slope;
            grads[j] -= loss.slope;
        }
        grads[i] += pull;
        total += (double)sum;
        pairs += (double)(d->m - less);
    }
    const double inverse = pairs > 0 ? 1 / pairs : 0;
    for (ptrdiff_t i = 0; i < d->m; i++) grads[i] = (real)((double)grads[i] * inverse);
    return total * inverse;
}

/* The cross-entropy of the softmax of y with that of p; the derivative is the difference of both. */
FO_INLINE double F(listnet)(F(documents) *d, const real *restrict y, const real *restrict p) {
    real top, sum = 0, *restrict target = d->y, *restrict share = d->p, *restrict grads = d->grads;
    const real in_target = (real)(1 / F(exponentials)(d->m, y, &top, target));
    const double total = F(exponentials)(d->m, p, &top, share);
    const real in_share = (real)(1 / total);
    FO_SIMD_SUM(sum)
    for (ptrdiff_t i = 0; i < d->m; i++) {
        const real wanted = target[i] * in_target;
        sum += wanted > 0 ? wanted * (top - p[i]) : 0;
        grads[i] = share[i] * in_share - wanted;
    }
    return (double)sum + log(total);
}
