/* lambda.h: LambdaRank (Burges 2010): the logistic loss of each pair, times how much NDCG would change if both changed places.  The
 * change is held constant in the derivative.  Truncation and normalisation are those of LightGBM. */

/* What all pairs of the documents ranked i and behind have in common. */
typedef struct {
    real sigma, inverse; /* one over the ideal gain */
    int apart;           /* changes of NDCG are divided by 0.01 + the difference of the scores */
} F(lambda);

/* pairs of document i with those behind it: the sum of their losses; adds the sizes of the lambdas to *size */
FO_INLINE double F(lambda_row)(const int wanted, F(lambda) l, F(documents) *d, ptrdiff_t i, double *size) {
    const real *restrict p = d->p, *restrict gain = d->gain, *restrict discount = d->discount;
    real *restrict grads = d->grads;
    const real own = p[i], own_gain = gain[i], own_discount = discount[i];
    real sum = 0, pull = 0, sizes = 0;
    FO_SIMD_SUM(sum, pull, sizes)
    for (ptrdiff_t j = i + 1; j < d->m; j++) {
        const real better = own_gain - gain[j], apart = own - p[j], x = l.sigma * apart;
        const real change = F(abs_)(better) * (own_discount - discount[j]) * l.inverse / (l.apart ? R(0.01) + apart : 1);
        const F(pair_loss) loss = F(pair_logistic)(wanted, better < 0 ? -x : x);
        const real slope = l.sigma * change * loss.slope, lambda = better < 0 ? -slope : slope;
        sum += change * loss.value;
        pull += lambda;
        sizes -= slope;
        grads[j] -= lambda;
    }
    grads[i] += pull;
    *size += (double)sizes;
    return (double)sum;
}

FO_INLINE double F(lambda_pairs)(const int wanted, const fo_ranking *r, F(documents) *d, const real *y, const real *p) {
    F(find_gains)(r, d->m, y, d->gain);
    F(find_discounts)(d->m, d->discount);
    const double ideal = F(ideal)(d, r->truncation, d->gain);
    F(put_in_order)(d, p, y, p);
    F(find_gains)(r, d->m, d->y, d->gain);
    const F(lambda) l = {(real)r->scale, (real)(1 / ideal), r->normalize && d->p[0] != d->p[d->m - 1]};
    double total = 0, size = 0;
    for (ptrdiff_t i = 0; i < d->m - 1 && i < r->truncation; i++) total += F(lambda_row)(wanted, l, d, i, &size);
    const double factor = r->normalize && size > 0 ? log2(1 + 2 * size) / (2 * size) : 1;
    for (ptrdiff_t i = 0; i < d->m; i++) d->grads[i] = (real)((double)d->grads[i] * factor);
    return total * factor;
}
