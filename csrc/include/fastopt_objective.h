/* fastopt_objective.h: the structs of an objective over a whole data set.  A part of fastopt.h, which reads it behind the structs
 * that it builds on. */
#ifndef FASTOPT_OBJECTIVE_H
#define FASTOPT_OBJECTIVE_H

/* What the samples add to an objective beside their rows of X: factor·Σ weight_i·loss(y_i, p_i). */
typedef struct {
    fo_loss loss;       /* of each output, or of all together */
    ptrdiff_t k;        /* outputs */
    const void *y;      /* (n, k) targets in public form; of a loss of all outputs (n,), if not of k numbers */
    const void *weight; /* (n, k), or NULL; of a loss of all outputs: (n,) */
    double factor;      /* of gradients: 1/Σ weight.  Values are sums, without it. */
} fo_samples;

/* How weights (k, d) as the user sees them lie beside X: weight of feature f in output j at j·output_stride + f·feature_stride,
 * and what standardized columns (x − centre)/scale make of it. */
typedef struct {
    ptrdiff_t k, d;
    ptrdiff_t output_stride, feature_stride;
    const double *scale;  /* (d,), or NULL: 1 */
    const double *centre; /* (d,) means that are not subtracted as X is read, but corrected for here; or NULL */
} fo_weights;

/* The kernels of one instruction set and one element type. */
typedef struct {
    /* p[i, j] += b[j] */
    void (*shift)(ptrdiff_t n, ptrdiff_t k, const double *b, void *p);
    /* Of n samples from the i-th on: p += b where b is given, c = factor·weight·loss'(y, p), sum[j] += Σ c[·, j] where sum is
     * given, else c is scratch.  Returns Σ weight·loss.  p, c (n, k). */
    double (*errors)(const fo_samples *samples, ptrdiff_t i, ptrdiff_t n, const double *b, void *p, void *c, double *sum);
    /* q += b where b is given, c = factor·weight·(second derivative in p)·q, sum[j] += Σ c[·, j]. */
    void (*curvature)(const fo_samples *samples, ptrdiff_t i, ptrdiff_t n, const double *b, const void *p, void *q, void *c,
                      double *sum);
    /* Σ weight·loss at p + step·q; slope += factor·Σ weight·loss'·q; scratch for 2·n·k numbers. */
    double (*line)(const fo_samples *samples, ptrdiff_t i, ptrdiff_t n, double step, const void *p, const void *q,
                   void *scratch, double *slope);
    /* p += step·q */
    void (*move)(ptrdiff_t n, double step, const void *q, void *p);
    /* g_j += Σ_i c[i, j]·x_i of CSR rows */
    void (*scatter)(const fo_matrix *X, const fo_chunk *chunk, const void *c, double *g);
    /* Squared errors of one output, CSR rows, the first of them the i-th sample: g += Σ c_i·x_i, c = factor·weight·(x·w + b).
     * Returns Σ c. */
    double (*squares)(const fo_matrix *X, const fo_chunk *chunk, const fo_samples *samples, ptrdiff_t i, const void *w,
                      double b, double *g);
    /* p[i, j] = x_i·w_j of the rows of a chunk, elements of any type. */
    void (*products)(const fo_matrix *X, const fo_chunk *chunk, const void *w, void *p);
    /* g_j += Σ_i c[i, j]·x_i of dense rows */
    void (*gradient)(const fo_matrix *X, const fo_chunk *chunk, const void *c, void *g);
    /* out[i, j] = data[rows[i]·row_stride + j·column_stride], of elements of `size` bytes. */
    void (*pack)(ptrdiff_t n, ptrdiff_t d, ptrdiff_t size, const void *data, ptrdiff_t row_stride, ptrdiff_t column_stride,
                 const int32_t *rows, void *out);
    /* g[f, j] = Σ_i c[i, j]·x_fi of the first rows of CSR. */
    void (*gather)(const fo_matrix *X, const fo_chunk *chunk, const void *c, double *g);
    /* to (k, n) = from (n, k) */
    void (*transpose)(ptrdiff_t n, ptrdiff_t k, const void *from, void *to);
    /* w = weights/scale where X finds them, shift[j] = −w_j·centre. */
    void (*enter)(const fo_weights *layout, const double *weights, void *w, double *shift);
    /* total += g, g = 0 */
    void (*flush)(ptrdiff_t n, void *g, double *total);
    /* The first of `parts` arrays of n numbers, `stride` apart, becomes their sum. */
    void (*combine)(ptrdiff_t parts, ptrdiff_t stride, ptrdiff_t n, double *sums);
    /* g (k, d) = (sums − centre·c_sum)/scale + l2·w; returns ‖w‖². */
    double (*leave)(const fo_weights *layout, const double *sums, const double *c_sum, double l2, const double *w,
                    double *g);
} fo_objective_kernels;

#endif
