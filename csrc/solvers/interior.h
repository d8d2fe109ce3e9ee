/* interior.h: what a primal-dual interior point method does to each row of a sum of losses with one kink each, in double.  Used by
 * _solvers/piecewise/steps.pyx alone, which includes it rather than ask a table: what takes time are products with the rows, and those are BLAS's. */
#ifndef FASTOPT_INTERIOR_H
#define FASTOPT_INTERIOR_H

#include <math.h>
#include <stddef.h>
#include <string.h>

/* the next loop's rows have nothing to do with one another */
#if defined(_MSC_VER) && !defined(__clang__)
#define INTERIOR_SIMD
#else
#define INTERIOR_SIMD _Pragma("omp simd")
#endif

/* A sum of n losses with one kink each, max over z from low to high of z·r − round·z²/2 with r = target − p, and where a primal-dual
 * method is.  Each array is (n,). */
typedef struct {
    ptrdiff_t n;
    const double *target, *low, *high, *round;
    double *p;                                 /* predictions */
    double *z, *above, *below, *under, *over;  /* dual variables, z − low, high − z, and the multipliers of these */
    double *q, *rest;                          /* weights of the rows in the system, and what is left of their equations */
    double *dp, *dz, *dunder, *dover;          /* the step */
    double *v;                                 /* what products with the rows are wanted of; scratch */
} fo_interior;

/* lanes of a sum or a maximum, so that an addition does not wait for the one before */
enum { INTERIOR_LANES = 8 };

static inline double interior_sum(ptrdiff_t n, const double *v) {
    double part[INTERIOR_LANES] = {0}, sum = 0;
    ptrdiff_t i = 0;
    for (; i + INTERIOR_LANES <= n; i += INTERIOR_LANES)
        for (int k = 0; k < INTERIOR_LANES; k++) part[k] += v[i + k];
    for (; i < n; i++) sum += v[i];
    for (int k = 0; k < INTERIOR_LANES; k++) sum += part[k];
    return sum;
}

/* The largest number, or 0. */
static inline double interior_most(ptrdiff_t n, const double *v) {
    double part[INTERIOR_LANES] = {0}, most = 0;
    ptrdiff_t i = 0;
    for (; i + INTERIOR_LANES <= n; i += INTERIOR_LANES)
        for (int k = 0; k < INTERIOR_LANES; k++) part[k] = v[i + k] > part[k] ? v[i + k] : part[k];
    for (; i < n; i++) most = v[i] > most ? v[i] : most;
    for (int k = 0; k < INTERIOR_LANES; k++) most = part[k] > most ? part[k] : most;
    return most;
}

/* q and rest at the point. */
static inline void interior_begin(const fo_interior *s) {
    const double *restrict round = s->round, *restrict above = s->above, *restrict below = s->below, *restrict under = s->under,
                 *restrict over = s->over, *restrict target = s->target, *restrict p = s->p, *restrict z = s->z;
    double *restrict q = s->q, *restrict rest = s->rest;
    INTERIOR_SIMD
    for (ptrdiff_t i = 0; i < s->n; i++) {
        q[i] = 1 / (round[i] + under[i] / above[i] + over[i] / below[i]);
        rest[i] = target[i] - p[i] - round[i] * z[i] - over[i] + under[i];
    }
}

/* v, for a step to products of distances and multipliers of `mean`; corrected: less what the last step left of them. */
static inline void interior_slopes(const fo_interior *s, double mean, int corrected) {
    const double *restrict above = s->above, *restrict below = s->below, *restrict under = s->under, *restrict over = s->over,
                 *restrict q = s->q, *restrict rest = s->rest, *restrict dz = s->dz;
    double *restrict dunder = s->dunder, *restrict dover = s->dover, *restrict v = s->v;
    const double share = corrected ? 1 : 0;
    if (!corrected) {
        memset(dunder, 0, (size_t)s->n * sizeof(double));
        memset(dover, 0, (size_t)s->n * sizeof(double));
    }
    INTERIOR_SIMD
    for (ptrdiff_t i = 0; i < s->n; i++) {
        const double lower = mean - above[i] * under[i] - share * dz[i] * dunder[i];
        const double upper = mean - below[i] * over[i] + share * dz[i] * dover[i];
        dunder[i] = lower;
        dover[i] = upper;
        v[i] = q[i] * (rest[i] + lower / above[i] - upper / below[i]);
    }
}

/* The step for dp; ratio[0] the largest part of a distance that it takes, ratio[1] of a multiplier. */
static inline void interior_direction(const fo_interior *s, double *ratio) {
    const double *restrict above = s->above, *restrict below = s->below, *restrict under = s->under, *restrict over = s->over,
                 *restrict q = s->q, *restrict dp = s->dp;
    double *restrict dz = s->dz, *restrict dunder = s->dunder, *restrict dover = s->dover, *restrict v = s->v;
    INTERIOR_SIMD
    for (ptrdiff_t i = 0; i < s->n; i++) {
        const double step = v[i] - q[i] * dp[i], down = -step / above[i], up = step / below[i];
        dz[i] = step;
        dunder[i] = dunder[i] / above[i] + under[i] * down;
        dover[i] = dover[i] / below[i] + over[i] * up;
        v[i] = down > up ? down : up;
    }
    ratio[0] = interior_most(s->n, v);
    INTERIOR_SIMD
    for (ptrdiff_t i = 0; i < s->n; i++) {
        const double down = -dunder[i] / under[i], up = -dover[i] / over[i];
        v[i] = down > up ? down : up;
    }
    ratio[1] = interior_most(s->n, v);
}

/* Distances times multipliers, in all, after these shares of the step: of z, and of the multipliers. */
static inline double interior_ahead(const fo_interior *s, double dual, double primal) {
    double *restrict v = s->v;
    INTERIOR_SIMD
    for (ptrdiff_t i = 0; i < s->n; i++)
        v[i] = (s->above[i] + dual * s->dz[i]) * (s->under[i] + primal * s->dunder[i])
             + (s->below[i] - dual * s->dz[i]) * (s->over[i] + primal * s->dover[i]);
    return interior_sum(s->n, v);
}

/* The point after these shares of the step. */
static inline void interior_move(const fo_interior *s, double dual, double primal) {
    const double *restrict dz = s->dz, *restrict dunder = s->dunder, *restrict dover = s->dover;
    double *restrict z = s->z, *restrict above = s->above, *restrict below = s->below, *restrict under = s->under,
           *restrict over = s->over;
    INTERIOR_SIMD
    for (ptrdiff_t i = 0; i < s->n; i++) {
        z[i] += dual * dz[i];
        above[i] += dual * dz[i];
        below[i] -= dual * dz[i];
        under[i] += primal * dunder[i];
        over[i] += primal * dover[i];
    }
}

/* The sum of the losses. */
static inline double interior_losses(const fo_interior *s) {
    const double *restrict target = s->target, *restrict p = s->p, *restrict low = s->low, *restrict high = s->high,
                 *restrict round = s->round;
    double *restrict v = s->v;
    INTERIOR_SIMD
    for (ptrdiff_t i = 0; i < s->n; i++) {
        const double r = target[i] - p[i], share = r / round[i], least = low[i], most = high[i];
        const double above = share < least ? least : share, inside = above > most ? most : above, outside = r > 0 ? most : least;
        const double z = round[i] > 0 ? inside : outside;
        v[i] = z * r - round[i] / 2 * z * z;
    }
    return interior_sum(s->n, v);
}

/* The dual variables' part in a bound. */
static inline double interior_dual(const fo_interior *s) {
    double *restrict v = s->v;
    INTERIOR_SIMD
    for (ptrdiff_t i = 0; i < s->n; i++) v[i] = (s->target[i] - s->round[i] * s->z[i] / 2) * s->z[i];
    return interior_sum(s->n, v);
}

/* The part in it of d weights with Σ z·x = g, none of which is more than `further` times as far from 0 as w or `least`. */
static inline double interior_held(ptrdiff_t d, const double *ridge, const double *g, const double *w, double value, double further,
                            double least) {
    double sum = 0;
    for (ptrdiff_t j = 0; j < d; j++) {
        const double r = ridge[j], size = fabs(g[j]);
        double most = further * (fabs(w[j]) + least);
        if (r > 0) most = fmin(most, sqrt(2 * value / r));
        sum += r > 0 && size <= r * most ? -size * size / (2 * r) : r / 2 * most * most - size * most;
    }
    return sum;
}

/* Σ ridge·w² */
static inline double interior_squares(ptrdiff_t d, const double *ridge, const double *w) {
    double sum = 0;
    for (ptrdiff_t j = 0; j < d; j++) sum += ridge[j] * w[j] * w[j];
    return sum;
}

/* B = A with rows times q; A (n, d). */
static inline void interior_weighted(ptrdiff_t n, ptrdiff_t d, const double *q, const double *restrict A, double *restrict B) {
    for (ptrdiff_t i = 0; i < n; i++)
        for (ptrdiff_t j = 0; j < d; j++) B[i * d + j] = q[i] * A[i * d + j];
}

/* H (d, d) with a diagonal of 1, and by what its rows and columns were divided. */
static inline void interior_unit(ptrdiff_t d, double *restrict H, double *restrict scale) {
    for (ptrdiff_t j = 0; j < d; j++) {
        const double size = H[j * d + j];
        scale[j] = sqrt(size > 0x1p-1022 ? size : 0x1p-1022);
    }
    for (ptrdiff_t i = 0; i < d; i++)
        for (ptrdiff_t j = 0; j < d; j++) H[i * d + j] = H[i * d + j] / scale[j] / scale[i];
}

/* v = v/scale */
static inline void interior_over(ptrdiff_t d, const double *restrict scale, double *restrict v) {
    for (ptrdiff_t j = 0; j < d; j++) v[j] /= scale[j];
}

#endif
