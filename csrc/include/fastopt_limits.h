/* fastopt_limits.h: the bare loops that say how fast this processor is.  A part of fastopt.h.  They do nothing but what is measured, and return
 * sums so that the compiler keeps it; results are those of the same formula in NumPy, but for rounding. */
#ifndef FASTOPT_LIMITS_H
#define FASTOPT_LIMITS_H

typedef struct {
    /* Σ of n rows of X (·, d), in the order of `rows`, or NULL: as they lie.  The lines of the row `ahead` places further on are asked
     * for meanwhile; 0: none are. */
    double (*read)(ptrdiff_t n, ptrdiff_t d, const void *X, const int32_t *rows, ptrdiff_t ahead);
    /* Σ w[columns[i]] */
    double (*gather)(ptrdiff_t n, const int32_t *columns, const void *w);
    /* w[columns[i]] += x[i] */
    void (*scatter)(ptrdiff_t n, const int32_t *columns, const void *x, void *w);
    /* n steps w ← w − lr·σ(w·x)·x over the rows of X (m, d) in turn: each product waits for the update before. */
    void (*chain)(ptrdiff_t n, ptrdiff_t m, ptrdiff_t d, const void *X, double lr, void *w);
    /* What of that no order of the work avoids: p ← q − lr·σ(p), n times. */
    double (*link)(ptrdiff_t n, double lr, double q, double p);
    /* The arithmetic of the chain without its wait: w ← w + c·x and Σ w·next, n times. */
    double (*sweep)(ptrdiff_t n, ptrdiff_t m, ptrdiff_t d, const void *X, double c, void *w);
    /* One pass over `arrays` arrays of n: 2: w += g; 3: m ← 0.9·m + g, w += m; 4: v ← 0.9·v + g too, w += m + v. */
    void (*update)(ptrdiff_t n, int arrays, const void *g, void *w, void *m, void *v);
    /* Σ x/(√x + 1): a root and a division each, as in a step of Adam. */
    double (*roots)(ptrdiff_t n, const void *x);
} fo_limit_kernels;

#endif
