/* fastopt_batch.h: the structs of mini-batches.  A part of fastopt.h, which reads it behind the structs that it builds on. */
#ifndef FASTOPT_BATCH_H
#define FASTOPT_BATCH_H

/* A chunk of a mini-batch, and a part of the columns.  The columns are cut into blocks of `width` (CSR: products are of all;
 * a part of them wants columns that ascend within rows).
 * Weight of feature f in output j, and its gradient: at j·output_stride + f·feature_stride; feature_stride is 1 beside dense
 * rows, output_stride beside CSR rows. */
typedef struct {
    ptrdiff_t n, k;         /* rows, outputs */
    const int32_t *rows;    /* (n,) rows of X; objective_rows.h: or NULL, the first n */
    ptrdiff_t n_next;       /* rows to come that are brought into the cache on the way: n or fewer */
    const int32_t *next;    /* (n_next,) */
    ptrdiff_t width, begin, end; /* the blocks begin … end − 1 */
    ptrdiff_t output_stride, feature_stride;
    const void *centre;     /* (d,) subtracted from each dense row where it is read, or NULL */
    int centre_of_rows;     /* objective_rows.h: the centre has an element each row instead */
} fo_chunk;

/* What leads from predictions to the factors of the rows in the gradient. */
typedef struct {
    fo_loss loss;               /* of each output, or of all together: the number of a class is the first of the k of a row */
    ptrdiff_t k;
    const double *b;            /* (k,) intercepts */
    const double *class_weight; /* (k, 2) of y <= 0 and of y > 0, or NULL; of all outputs together: of the row's class */
    const double *range;        /* (k, 2): predictions are cut to it, before the loss sees them; or NULL */
    const double *unit;         /* (k,): the gradient of the loss is in multiples of it; or NULL */
} fo_errors;

/* A step of optimizer="auto" (docs/auto.md). */
typedef struct {
    ptrdiff_t k;        /* outputs */
    double t;           /* this step, from 1 */
    const double *rate; /* (k,) η: the step of a weight whose sum of squared gradients is 1, in units of predictions */
    double l1;          /* alpha·l1_ratio */
    const double *l2;   /* (k,) alpha·(1 − l1_ratio), over the unit of predictions */
} fo_auto;

/* The weights of optimizer="auto" beside CSR rows, (d, k) each. */
typedef struct {
    int64_t *since; /* (d,) the last step of each column */
    void *V;        /* sums of squared gradients */
    void *w;        /* weights */
    void *mean;     /* their averages */
} fo_auto_columns;

/* Weights (d, k) beside CSR rows of which a batch steps only the columns that it touches; what the others miss, they get when
 * they are touched next.  A step without a gradient takes |w| to max(a·|w| − b·rate, 0), the weight's own rate being 1 unless
 * the rule has one; s steps take it to max(decay_factors[s]·(|w| − rate·shrinkages[s]), 0): Π a, and Σ b over Π a so far. */
typedef struct {
    ptrdiff_t k;             /* outputs */
    int32_t now;             /* steps since all columns were up to date */
    int moves;               /* some of them change weights that have no gradient */
    int32_t *seen;           /* (d,) the step that each column is at; the next one for those that the batch touches */
    int32_t *since;          /* (d + 1,) where the columns of the batch were before */
    double *decay_factors, *shrinkages; /* (room,) by step */
    ptrdiff_t n;             /* columns that the batch touches */
    int64_t *columns;        /* (d + 1,) */
    fo_step last;            /* the last step */
} fo_lazy;

#endif
