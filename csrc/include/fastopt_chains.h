/* fastopt_chains.h: the structs of solvers that take the samples one after the other and remember a number of each: variance
 * reduction (variance.h) and dual coordinates (dual.h).  A part of fastopt.h, which reads it behind the structs that it builds on. */
#ifndef FASTOPT_CHAINS_H
#define FASTOPT_CHAINS_H

/* A block of samples in the order in which they are visited. */
typedef struct {
    ptrdiff_t n;
    const int32_t *rows;    /* (n,) row of X of each */
    const int32_t *samples; /* (n,) number of each, where what is remembered of it stands */
    const void *y;          /* (n,) targets */
    const void *weight;     /* (n,) sample weights, or NULL */
    void *p;                /* (n,) scratch */
} fo_visits;

/* What stays constant over a fit by SAG, SAGA, SVRG or Katyusha.  With change = weight·(derivative of the sample's loss − memory),
 * at the prediction mix·(x·w + b) + (1 − mix)·start, and x its row, a step is
 *     w ← prox((1 − lr·l2)·w − lr·(g + own·change·x)),  g ← g + share·change·x,  memory ← derivative unless share is 0. */
typedef struct {
    fo_loss loss;
    double lr, l2, l1;
    int positive;       /* weights are at least 0 */
    double own;         /* 1; SAG: 1/n */
    double share;       /* 1/n; SVRG, Katyusha: 0 */
    double mix;         /* 1; Katyusha: how far from the start of the pass towards the weights gradients are taken */
    int intercept;      /* b is learnt */
    ptrdiff_t powers;   /* CSR: steps that the table goes up to */
    const void *table;  /* CSR: (powers, 2): keep^m, keep = 1 − lr·l2, and lr·(1 + keep + … + keep^(m − 1)) */
} fo_variance;

/* The state of one output.  CSR: what a column needs lies side by side, its weight, its gradient and, as int32_t, the step up to
 * which they are valid; that is w, and g is not used. */
typedef struct {
    double b, g_b;      /* intercept; the mean of its gradients */
    double loss_sum;    /* in/out: sum of the weighted losses, each before its step */
    ptrdiff_t now;      /* steps since all columns were valid */
    void *w;            /* (d,) weights */
    void *g;            /* (d,) the mean of the gradients of the loss that the memory stands for */
    void *memory;       /* (n,) the derivative of each row's loss in its prediction, when it was last visited */
    const void *start;  /* (n,) the prediction of each row at the start of the pass; NULL where mix is 1 */
} fo_variance_output;

/* What stays constant over a fit by dual coordinates: u of a sample is minus the derivative of its loss, where it will have
 * ended, and w = soft(v, l1), v = Σ weight·u·x (dual.h). */
typedef struct {
    fo_loss loss;
    double l1;          /* the threshold */
    int positive;       /* weights are at least 0 */
    double column;      /* the value of a column of X that is constant and not stored; 0: there is none */
    double shrink_margin; /* rows whose u would be the same with a prediction this far away are shrunk */
} fo_dual;

/* The state of one output. */
typedef struct {
    double b;           /* what is added to predictions, besides the constant column's share */
    double v_column;    /* v of the constant column */
    double gap_sum;     /* in/out: sum of weight·(loss + conjugate + u·p), each before its step */
    double loss_sum;    /* in/out: sum of the weighted losses */
    double largest_move; /* in/out: the largest change of a prediction by its own step */
    void *w, *v;        /* (d,); the same array where w = v.  Dense: padded with zeros to whole vectors */
    void *u;            /* (n,) */
    void *before;       /* scratch: u of the block's samples before their steps */
    const double *square; /* (n,) squared norms of the rows, the constant column included */
    unsigned char *shrunk; /* (n,): set to 1 for rows to be left out from then on; or NULL */
} fo_dual_output;

/* The state of all k outputs of a loss of several classes (dual_classes.h). */
typedef struct {
    ptrdiff_t k;
    ptrdiff_t stride;   /* of w and v: dense: from one output to the next; CSR: from one column to the next */
    double gap_sum, loss_sum, largest_move; /* as in fo_dual_output; a move is that of the prediction that moves most */
    double *b, *v_column; /* (k,) */
    void *w, *v;        /* dense: (k, stride), else (d, stride), padded with zeros to whole vectors; the same array where w = v */
    void *u;            /* (n, k) */
    void *c, *z, *p;    /* (k,) scratch, padded to whole vectors */
    double *a;          /* (2·k,) scratch */
    const double *square; /* (n,) squared norms of the rows, the constant column included */
    unsigned char *shrunk; /* (n,): set to 1 for rows to be left out from then on; or NULL */
} fo_dual_classes;

typedef struct {
    /* One step of SAG, SAGA, SVRG or Katyusha a sample over a block. */
    void (*variance)(const fo_variance *variance, const fo_matrix *X, const fo_visits *block, fo_variance_output *out);
    /* Bring all d columns of CSR rows up to date. */
    void (*settle)(const fo_variance *variance, ptrdiff_t d, fo_variance_output *out);
    /* One step of dual coordinates a sample over a block. */
    void (*dual)(const fo_dual *dual, const fo_matrix *X, const fo_visits *block, fo_dual_output *out);
    /* The same for a loss of several classes; y are their numbers. */
    void (*dual_classes)(const fo_dual *dual, const fo_matrix *X, const fo_visits *block, fo_dual_classes *out);
    /* sums[0] += Σ weight·(loss + conjugate + u·p), sums[1] += Σ weight·loss; uses p (n,) up.  y of margin losses is ±1. */
    void (*gap)(const fo_loss *loss, ptrdiff_t n, const void *y, const void *u, const void *weight, void *p, double *sums);
    /* 1 if a loss (enum fo_loss_kind) has a conjugate and a dual step. */
    int (*has_dual)(int kind);
    /* 1 if it is a loss of several classes with a dual step. */
    int (*has_class_dual)(int kind);
    /* squares[i] = ‖X[rows[i]]‖² */
    void (*squares)(const fo_matrix *X, ptrdiff_t n, const int32_t *rows, double *squares);
} fo_chain_kernels;

#endif
