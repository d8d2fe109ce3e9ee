/* multipliers.h: what a method of multipliers does to each row of a sum of losses with one kink each, in double.  Used by
 * _solvers/piecewise/steps.pyx alone, on the rows of interior.h.
 *
 * The loss of a residual r is the largest z·r for z from low to high.  Here z is pulled to where it was, `rest`: less
 * (z − rest)²·width/(2·(high − low)), the kink is rounded over residuals of this width.  `q` holds high − low. */
#ifndef FASTOPT_MULTIPLIERS_H
#define FASTOPT_MULTIPLIERS_H

#include "solvers/interior.h"

/* z that are best at the predictions p + step·dp. */
static inline void multipliers_at(const fo_interior *s, double width, double step, double *restrict z) {
    const double *restrict target = s->target, *restrict low = s->low, *restrict high = s->high, *restrict p = s->p,
                 *restrict dp = s->dp, *restrict q = s->q, *restrict rest = s->rest;
    const double slope = 1 / width;
    INTERIOR_SIMD
    for (ptrdiff_t i = 0; i < s->n; i++) {
        const double least = low[i], most = high[i], free = rest[i] + (target[i] - p[i] - step * dp[i]) * (q[i] * slope);
        const double above = free < least ? least : free;
        z[i] = above > most ? most : above;
    }
}

/* The rows whose z is within its bounds; how many. */
static inline ptrdiff_t multipliers_within(const fo_interior *s, ptrdiff_t *restrict rows) {
    const double *restrict low = s->low, *restrict high = s->high, *restrict z = s->z;
    ptrdiff_t found = 0;
    for (ptrdiff_t i = 0; i < s->n; i++) {
        rows[found] = i;
        found += (z[i] > low[i]) & (z[i] < high[i]);
    }
    return found;
}

/* Σ of what the losses are above z·r: how far the z are from the best of these residuals. */
static inline double multipliers_excess(const fo_interior *s) {
    const double *restrict target = s->target, *restrict low = s->low, *restrict high = s->high, *restrict p = s->p,
                 *restrict z = s->z;
    double *restrict v = s->v;
    INTERIOR_SIMD
    for (ptrdiff_t i = 0; i < s->n; i++) {
        const double r = target[i] - p[i], below = (low[i] - z[i]) * r, above = (high[i] - z[i]) * r;
        v[i] = below > above ? below : above;
    }
    return interior_sum(s->n, v);
}

/* The rest of a gap: what d weights may still gain whose losses pull by g = Σ z·x; without a ridge none becomes more than `further`
 * times as large. */
static inline double multipliers_rest(ptrdiff_t d, const double *ridge, const double *g, const double *w, double further) {
    double sum = 0;
    for (ptrdiff_t j = 0; j < d; j++) {
        const double own = fabs(g[j] - ridge[j] * w[j]);
        sum += ridge[j] > 0 ? own * own / (2 * ridge[j]) : own * further * fabs(w[j]);
    }
    return sum;
}

#endif
