/* risk.h: losses of whole sequences, k of them drawn for each input: the cost that is expected of them, by what the model finds probable among
 * them (Shen et al. 2016), and the costs beside a baseline times log-probabilities (Williams 1992, Rennie et al. 2017).  The derivatives are in the
 * log-probabilities; costs are constants. */

FO_INLINE int F(risk_counts)(const fo_risk *r, ptrdiff_t i, ptrdiff_t j) { return !r->mask || r->mask[i * r->k + j]; }

/* Σ q·cost, q ∝ exp(alpha·p), and its derivatives, alpha·q·(cost − Σ q·cost); costs are taken from the least, so that none is lost beside what
 * all have in common */
FO_INLINE real F(risk_of_row)(const fo_risk *r, ptrdiff_t i, const real *restrict cost, const real *restrict p, real *restrict q) {
    const real alpha = (real)r->alpha;
    real largest = -(real)INFINITY, least = (real)INFINITY, sum = 0, risk = 0;
    for (ptrdiff_t j = 0; j < r->k; j++)
        if (F(risk_counts)(r, i, j)) {
            largest = F(max_)(largest, p[j]);
            least = F(min_)(least, cost[j]);
        }
    for (ptrdiff_t j = 0; j < r->k; j++) {
        q[j] = F(risk_counts)(r, i, j) ? F(exp_)(alpha * (p[j] - largest)) : 0;
        sum += q[j];
    }
    for (ptrdiff_t j = 0; j < r->k; j++) {
        q[j] /= sum;
        if (q[j] > 0) risk += q[j] * (cost[j] - least);
    }
    for (ptrdiff_t j = 0; j < r->k; j++) q[j] = q[j] > 0 ? alpha * q[j] * (cost[j] - least - risk) : 0;
    return least + risk;
}

/* The mean of (cost − baseline)·p over the sequences of an input; without a baseline it is the mean cost of the others, so that cost − baseline
 * is k/(k − 1) times the distance from the mean of all. */
FO_INLINE real F(reinforce_row)(const fo_risk *r, ptrdiff_t i, const real *restrict cost, const real *restrict p, real *restrict g) {
    ptrdiff_t count = 0;
    real mean = 0, value = 0;
    for (ptrdiff_t j = 0; j < r->k; j++) count += F(risk_counts)(r, i, j);
    for (ptrdiff_t j = 0; j < r->k; j++)
        if (F(risk_counts)(r, i, j)) mean += cost[j] / (real)count;
    const real baseline = r->baseline ? ((const real *)r->baseline)[i] : mean, share = 1 / (real)(r->baseline ? count : count - 1);
    for (ptrdiff_t j = 0; j < r->k; j++) {
        g[j] = F(risk_counts)(r, i, j) ? (cost[j] - baseline) * share : 0;
        if (F(risk_counts)(r, i, j)) value += g[j] * p[j];
    }
    return value;
}

FO_INLINE double F(risk_rows)(const fo_risk *r, const int expected, const real *costs, const real *p, real *values, real *grads, ptrdiff_t stride) {
    const real *weight = r->weight;
    double sum = 0;
    for (ptrdiff_t i = 0; i < r->n; i++) {
        const real *cost = costs + i * r->k, *row = p + i * r->k, w = weight ? weight[i] : 1;
        real *g = grads + i * stride;
        const real value = expected ? F(risk_of_row)(r, i, cost, row, g) : F(reinforce_row)(r, i, cost, row, g);
        const real scale = (real)r->factor * w, weighed = w == 0 ? 0 : w * value;
        for (ptrdiff_t j = 0; j < r->k; j++) g[j] = w == 0 ? 0 : scale * g[j];
        if (values) values[i] = weighed;
        sum += (double)weighed;
    }
    return sum;
}

FO_KERNEL double F(risk)(const fo_risk *r, const void *costs, const void *p, void *values, void *grads, ptrdiff_t stride) {
    return F(risk_rows)(r, 1, costs, p, values, grads, stride);
}

FO_KERNEL double F(reinforce)(const fo_risk *r, const void *costs, const void *p, void *values, void *grads, ptrdiff_t stride) {
    return F(risk_rows)(r, 0, costs, p, values, grads, stride);
}
