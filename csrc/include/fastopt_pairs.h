/* fastopt_pairs.h: rows of embeddings, how far they are apart, and what that costs.  A part of fastopt.h, used by losses/_pairs; what the
 * kernels compute is in csrc/pairs.  Products of many rows are BLAS's. */
#ifndef FASTOPT_PAIRS_H
#define FASTOPT_PAIRS_H

/* how far two rows are apart: ‖a − b‖, ‖a − b‖², and of rows of length 1 1 − a·b, −a·b */
enum fo_distance { FO_DISTANCE_EUCLIDEAN, FO_DISTANCE_SQUARED, FO_DISTANCE_COSINE, FO_DISTANCE_AGAINST };
/* which rows an anchor is compared with, or how */
enum fo_mining { FO_MINE_HARD, FO_MINE_ALL, FO_MINE_SEMI, FO_MINE_CIRCLE };
/* what a distance costs */
enum fo_apart { FO_APART_CONTRASTIVE, FO_APART_COSINE, FO_APART_TRIPLET };

/* Rows with labels, each of them an anchor beside all others; `circle` sees products, the others distances. */
typedef struct {
    int mining, distance;
    ptrdiff_t n;
    double margin, gamma;
    const int32_t *labels; /* (n,) */
    const void *squares;   /* (n,) products of rows with themselves */
} fo_anchors;

typedef struct {
    /* out[i] = x[i]/‖x[i]‖, 0 for a row of zeros, and 1/‖x[i]‖ or 0; rows of d elements, n of them */
    void (*normalize)(ptrdiff_t n, ptrdiff_t d, const void *x, void *out, void *inverse);
    /* g: from derivatives in rows of length 1 to those in the rows that they were made of */
    void (*back)(ptrdiff_t n, ptrdiff_t d, const void *unit, const void *inverse, void *g);
    /* Distances of rows a[i] and b[i]; cosine: of rows of length 1.  And the way back: adds slope times the derivatives to in_a and in_b. */
    void (*distances)(int distance, ptrdiff_t n, ptrdiff_t d, const void *a, const void *b, void *out);
    void (*distances_back)(int distance, ptrdiff_t n, ptrdiff_t d, const void *a, const void *b, const void *distances, const void *slopes, void *in_a,
                           void *in_b);
    /* Losses of distances, and their slopes; y: 1 for pairs that belong together (contrastive: else 0, cosine: else −1), or, of triplets, the distances
     * that are to be larger. */
    void (*apart)(int apart, ptrdiff_t n, double margin, const void *y, const void *distances, void *losses, void *slopes);
    /* The loss of anchor i, whose products with all rows are given; how many comparisons it is the sum of into *count; slopes (n,): factor times its
     * derivative in the products, squares held. */
    double (*anchor)(const fo_anchors *a, ptrdiff_t i, const void *products, double factor, double *count, void *scratch, void *slopes);
    /* bytes of its scratch */
    ptrdiff_t (*anchor_scratch)(ptrdiff_t n);
    /* cosines (n, k) of rows with classes ← scale times them, that of its own class with `margin` added to the angle; slopes (n,): the derivative
     * of the latter, over scale */
    void (*arc)(ptrdiff_t n, ptrdiff_t k, const int32_t *labels, double scale, double margin, void *cosines, void *slopes);
    /* The mean over rows of the cross-entropy −log of the share that the diagonal has in the softmax of similarities (n, n), or of that and the one
     * over columns; slopes (n, n): its derivative in them.  scratch: 3n doubles. */
    double (*contrast)(ptrdiff_t n, int both, const void *similarities, void *scratch, void *slopes);
} fo_pair_kernels;

#endif
