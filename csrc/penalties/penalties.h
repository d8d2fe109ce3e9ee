/* penalties.h: each penalty once: its value and slope at a size |w|, its proximal operator, and the loops over weights.  Used by
 * fastopt.penalties._regularizer and, a weight at a time, by descent.h.  All are even in w; bounds, factors of alpha and the sign are added
 * around them, so that each goes with each.  `alpha` is the strength times the weight's factor, `a` the second parameter. */
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* every penalty takes all, few use all */
#endif

/* ---- elasticnet: alpha·(a·|w| + (1 − a)/2·w²); none, l2 and l1 are cases of it.  Zou & Hastie 2005 ---- */
FO_INLINE real F(value_elasticnet)(real alpha, real a, real size) { return alpha * (a + R(0.5) * (1 - a) * size) * size; }
FO_INLINE real F(slope_elasticnet)(real alpha, real a, real size) { return alpha * (a + (1 - a) * size); }
FO_INLINE real F(prox_elasticnet)(real alpha, real a, real step, real size) {
    return F(soft)(size, step * alpha * a) / (1 + step * alpha * (1 - a));
}

FO_INLINE real F(value_none)(real alpha, real a, real size) { return 0; }
FO_INLINE real F(slope_none)(real alpha, real a, real size) { return 0; }
FO_INLINE real F(prox_none)(real alpha, real a, real step, real size) { return size; }

FO_INLINE real F(value_l2)(real alpha, real a, real size) { return F(value_elasticnet)(alpha, 0, size); }
FO_INLINE real F(slope_l2)(real alpha, real a, real size) { return F(slope_elasticnet)(alpha, 0, size); }
FO_INLINE real F(prox_l2)(real alpha, real a, real step, real size) { return F(prox_elasticnet)(alpha, 0, step, size); }

FO_INLINE real F(value_l1)(real alpha, real a, real size) { return F(value_elasticnet)(alpha, 1, size); }
FO_INLINE real F(slope_l1)(real alpha, real a, real size) { return F(slope_elasticnet)(alpha, 1, size); }
FO_INLINE real F(prox_l1)(real alpha, real a, real step, real size) { return F(prox_elasticnet)(alpha, 1, step, size); }

/* ---- mcp: alpha·|w| − w²/(2a) up to |w| = a·alpha, constant from there on; a = gamma.  Zhang 2010 ---- */
FO_INLINE real F(value_mcp)(real alpha, real a, real size) {
    const real near = F(min_)(a * alpha, size);
    return (alpha - R(0.5) * near / a) * near;
}
FO_INLINE real F(slope_mcp)(real alpha, real a, real size) { return F(max_)(0, alpha - size / a); }
/* where the step is so long that the problem is concave near 0, the better of 0 and the size itself */
FO_INLINE real F(prox_mcp)(real alpha, real a, real step, real size) {
    if (step >= a) return size > alpha * F(sqrt_)(a * step) ? size : 0;
    return size >= a * alpha ? size : F(soft)(size, step * alpha) * a / (a - step);
}

/* ---- scad: alpha·|w| up to alpha, (2a·alpha·|w| − w² − alpha²)/(2(a − 1)) up to a·alpha, constant from there on; a = gamma > 2.
 * Fan & Li 2001 ---- */
FO_INLINE real F(value_scad)(real alpha, real a, real size) {
    const real far = F(min_)(a * alpha, size);
    return size <= alpha ? alpha * size : R(0.5) * (2 * a * alpha * far - far * far - alpha * alpha) / (a - 1);
}
FO_INLINE real F(slope_scad)(real alpha, real a, real size) {
    return size <= alpha ? alpha : F(max_)(0, a * alpha - size) / (a - 1);
}
FO_INLINE real F(prox_scad)(real alpha, real a, real step, real size) {
    const real soft = F(soft)(size, step * alpha);
    if (step >= a - 1) { /* concave between alpha and a·alpha: the better of what lies before and behind */
        const real near = F(min_)(alpha, soft), far = F(max_)(size, a * alpha);
        const real gain = F(value_scad)(alpha, a, far) - F(value_scad)(alpha, a, near);
        return gain + R(0.5) * (far - near) * (far + near - 2 * size) / step < 0 ? far : near;
    }
    if (size <= alpha * (1 + step)) return soft;
    return size >= a * alpha ? size : ((a - 1) * size - a * alpha * step) / (a - 1 - step);
}

#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

/* what one weight has to do with its penalty */
typedef struct { real alpha, a, low, high; } F(term);

FO_INLINE F(term) F(term_of)(const fo_regularizer *r, ptrdiff_t j) {
    const double factor = r->weight ? r->weight[j] : 1;
    return (F(term)){(real)(r->alpha * factor), (real)r->a, r->low ? (real)r->low[j] : -INFINITY,
                     r->high ? (real)r->high[j] : INFINITY};
}

/* the penalties of single weights: those in groups are not among them */
#define FO_BY_WEIGHT(kind, FUNCTION, none) \
    switch (kind) { FO_PENALTIES(FUNCTION) default: return none; }
#define FO_IF_sgd(text) text
#define FO_IF_weight(text) text
#define FO_IF_group(text)

/* value of one weight, infinite beyond its bounds */
FO_INLINE real F(term_size_value)(int kind, F(term) t, real size) {
#define VALUE(name, where) FO_IF_##where(case FO_PENALTY_##name: return F(value_##name)(t.alpha, t.a, size);)
    FO_BY_WEIGHT(kind, VALUE, 0)
#undef VALUE
}
FO_INLINE real F(term_value)(int kind, F(term) t, real w) {
    const real value = F(term_size_value)(kind, t, F(abs_)(w));
    return w < t.low || w > t.high ? INFINITY : value;
}

FO_INLINE real F(term_slope)(int kind, F(term) t, real size) {
#define SLOPE(name, where) FO_IF_##where(case FO_PENALTY_##name: return F(slope_##name)(t.alpha, t.a, size);)
    FO_BY_WEIGHT(kind, SLOPE, 0)
#undef SLOPE
}

FO_INLINE real F(term_size_prox)(int kind, F(term) t, real step, real size) {
#define PROX(name, where) FO_IF_##where(case FO_PENALTY_##name: return F(prox_##name)(t.alpha, t.a, step, size);)
    FO_BY_WEIGHT(kind, PROX, size)
#undef PROX
}
/* argmin over z in [low, high] of the value of z + (z − v)²/(2·step): even functions may be cut afterwards; + 0: never −0 */
FO_INLINE real F(term_prox)(int kind, F(term) t, real step, real v) {
    const real z = F(copysign_)(F(term_size_prox)(kind, t, step, F(abs_)(v)), v);
    return F(max_)(t.low, F(min_)(t.high, z)) + 0;
}

/* distance of −g from the subdifferential at w */
FO_INLINE real F(term_violation)(int kind, F(term) t, real w, real g) {
    const real size = F(abs_)(w), slope = F(term_slope)(kind, t, size);
    const real low = w > 0 ? slope : -slope, high = w < 0 ? -slope : slope; /* without bounds it is [low, high] */
    const real below = w <= t.low ? 0 : low + g, above = w >= t.high ? 0 : -g - high;
    const real away = F(max_)(0, F(max_)(below, above));
    return w < t.low || w > t.high ? INFINITY : away;
}

/* ---- groups: alpha·‖w‖ over the members of each.  Yuan & Lin 2006 ---- */

/* the value v of a member as far as bounds let it count: what lies beyond a bound at 0 is cut */
FO_INLINE real F(held)(const fo_regularizer *r, ptrdiff_t i, real v) {
    return r->low ? F(max_)((real)r->low[i], F(min_)((real)r->high[i], v)) : v;
}

FO_KERNEL double F(group_norm)(const fo_regularizer *r, ptrdiff_t group, const real *w) {
    double sum = 0;
    for (ptrdiff_t m = (ptrdiff_t)r->start[group]; m < r->start[group + 1]; m++) {
        const double v = (double)F(held)(r, (ptrdiff_t)r->member[m], w[r->member[m]]);
        sum += v * v;
    }
    return sqrt(sum);
}

FO_INLINE double F(group_alpha)(const fo_regularizer *r, ptrdiff_t group) {
    return r->alpha * (r->weight ? r->weight[group] : 1);
}

FO_KERNEL double F(group_value)(const fo_regularizer *r, ptrdiff_t n, const real *w) {
    double sum = 0;
    for (ptrdiff_t i = 0; i < n; i++)
        if (F(held)(r, i, w[i]) != w[i]) return INFINITY;
    for (ptrdiff_t group = 0; group < r->groups; group++) sum += F(group_alpha)(r, group) * F(group_norm)(r, group, w);
    return sum;
}

FO_KERNEL void F(group_prox)(const fo_regularizer *r, ptrdiff_t group, double step, const real *v, real *out) {
    const double norm = F(group_norm)(r, group, v), pull = step * F(group_alpha)(r, group);
    const real factor = norm > pull ? (real)(1 - pull / norm) : 0;
    for (ptrdiff_t m = (ptrdiff_t)r->start[group]; m < r->start[group + 1]; m++) {
        const ptrdiff_t i = (ptrdiff_t)r->member[m];
        out[i] = factor * F(held)(r, i, v[i]) + 0;
    }
}

/* at 0: how far the norm of −g, as far as bounds let it move, exceeds alpha; elsewhere the largest of −g − alpha·w/‖w‖ */
FO_KERNEL double F(group_violation)(const fo_regularizer *r, ptrdiff_t group, const real *w, const real *g) {
    const double norm = F(group_norm)(r, group, w), alpha = F(group_alpha)(r, group);
    double largest = 0, sum = 0;
    for (ptrdiff_t m = (ptrdiff_t)r->start[group]; m < r->start[group + 1]; m++) {
        const ptrdiff_t i = (ptrdiff_t)r->member[m];
        const double slope = (double)g[i] + (norm > 0 ? alpha * (double)w[i] / norm : 0);
        const double move = r->low && (double)w[i] <= r->low[i] && slope > 0 ? 0 : fabs(slope);
        largest = move > largest || move != move ? move : largest;
        sum += move * move;
    }
    if (norm > 0) return largest;
    return !(sqrt(sum) <= alpha) ? sqrt(sum) - alpha : 0;
}

/* ---- loops, in the table ---- */

#define FO_TERMS(LOOP) \
    switch (r->kind) { FO_PENALTIES(LOOP) }

FO_KERNEL double F(penalty_value)(const fo_regularizer *r, ptrdiff_t n, const void *weights) {
    const real *w = weights;
    double sum = 0;
    if (r->kind == FO_PENALTY_group_lasso) return F(group_value)(r, n, w);
    for (ptrdiff_t start = 0; start < n; start += LOSS_CHUNK) {
        const ptrdiff_t m = n - start < LOSS_CHUNK ? n - start : LOSS_CHUNK;
        real values[LOSS_CHUNK];
#define LOOP(name, where) \
    FO_IF_##where(case FO_PENALTY_##name \
                  : FO_SIMD for (ptrdiff_t j = 0; j < m; j++) values[j] = \
                        F(term_value)(FO_PENALTY_##name, F(term_of)(r, start + j), w[start + j]); \
                  break;)
        FO_TERMS(LOOP)
#undef LOOP
        sum += (double)F(loss_sum)(m, NULL, values);
    }
    return sum;
}

FO_KERNEL void F(penalty_prox)(const fo_regularizer *r, ptrdiff_t n, double step, const void *from, void *to) {
    const real *v = from;
    real *out = to;
    if (r->kind == FO_PENALTY_group_lasso) {
        for (ptrdiff_t group = 0; group < r->groups; group++) F(group_prox)(r, group, step, v, out);
        return;
    }
#define LOOP(name, where) \
    FO_IF_##where(case FO_PENALTY_##name \
                  : FO_SIMD for (ptrdiff_t j = 0; j < n; j++) out[j] = \
                        F(term_prox)(FO_PENALTY_##name, F(term_of)(r, j), (real)step, v[j]); \
                  break;)
    FO_TERMS(LOOP)
#undef LOOP
}

FO_KERNEL double F(penalty_violation)(const fo_regularizer *r, ptrdiff_t n, const void *weights, const void *gradient,
                                   void *violations) {
    const real *w = weights, *g = gradient;
    real *out = violations;
    double largest = 0;
    if (r->kind == FO_PENALTY_group_lasso) {
        for (ptrdiff_t group = 0; group < r->groups; group++) {
            const double found = F(group_violation)(r, group, w, g);
            for (ptrdiff_t m = (ptrdiff_t)r->start[group]; out && m < r->start[group + 1]; m++) out[r->member[m]] = (real)found;
            largest = !(found <= largest) ? found : largest;
        }
        return largest;
    }
    for (ptrdiff_t j = 0; j < n; j++) {
        const double found = (double)F(term_violation)(r->kind, F(term_of)(r, j), w[j], g[j]);
        if (out) out[j] = (real)found;
        largest = !(found <= largest) && largest == largest ? found : largest;
    }
    return largest;
}
