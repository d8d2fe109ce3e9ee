/* fastopt_penalty.h: the structs of penalties and of coordinate descent.  A part of fastopt.h. */
#ifndef FASTOPT_PENALTY_H
#define FASTOPT_PENALTY_H

/* A penalty of weights, bounds included; csrc/penalties/penalties.h says what a means to it.  Arrays are by weight, `weight` by group where
 * weights are penalised in groups. */
typedef struct {
    int kind;            /* enum fo_penalty_kind */
    double alpha, a;     /* strength; l1_ratio of elasticnet, gamma of mcp and scad */
    const double *weight; /* factors of alpha, or NULL: 1 */
    const double *low, *high; /* bounds, both or neither NULL */
    ptrdiff_t groups;
    const int64_t *start;  /* (groups + 1,) where the members of each group begin */
    const int64_t *member; /* (n,) weights, group after group */
} fo_regularizer;

/* Coordinate descent over m columns of X. */
typedef struct {
    ptrdiff_t m;
    const int32_t *columns; /* (m,) rows of X transposed */
    double factor;          /* of D, or D where there is no array of it */
    double l2;
    double total;           /* Σ D */
    const double *h;        /* (m,) Σ D·x of each column, or NULL: no intercept */
    const double *square;   /* (m,) curvature: Σ D·(x − h/total)² + l2 */
    double *w;              /* (m,) weights */
    double shift;           /* s lacks −shift·D: what the intercept makes up for; 0 at the start */
    double *next;           /* (m,) scratch for groups */
} fo_descent;

/* The kernels of one instruction set and one element type; csrc/solvers/descent.h.  XT: X transposed, a row a column of X. */
typedef struct {
    /* The penalty of n weights; infinite beyond bounds. */
    double (*value)(const fo_regularizer *r, ptrdiff_t n, const void *w);
    /* to = argmin over z of the penalty of z + ‖z − from‖²/(2·step); from may be to. */
    void (*prox)(const fo_regularizer *r, ptrdiff_t n, double step, const void *from, void *to);
    /* The largest distance of −g from the subdifferential at w, nan if some is; each into violations (n,) unless NULL. */
    double (*violation)(const fo_regularizer *r, ptrdiff_t n, const void *w, const void *g, void *violations);
    /* Of the columns first … last − 1: g = Σ e·x (0 without e), h = factor·Σ D·x, square = factor·Σ D·x²; D NULL: 1.  h NULL: g
     * alone. */
    void (*moments)(const fo_matrix *XT, const fo_descent *d, ptrdiff_t first, ptrdiff_t last, const void *e, const void *D,
                    double *g, double *h, double *square);
    /* q += Σ_j delta_j·x_j */
    void (*products)(const fo_matrix *XT, const fo_descent *d, const double *delta, void *q);
    /* Rows j … j + 3 of the lower triangle of XᵀDX of sparse columns, into H (m, m); scratch: n zeros. */
    void (*gram)(const fo_matrix *XT, const fo_descent *d, ptrdiff_t j, const void *D, void *scratch, double *H);
    /* One epoch over all weights, or those that are not 0, with s = e + D·X(u − w); the largest step times its curvature. */
    double (*columns)(const fo_matrix *XT, const fo_regularizer *r, fo_descent *d, int full, const void *D, void *s);
    /* The same with H and the gradient g of the quadratic; groups are stepped as blocks. */
    double (*quadratic)(const fo_regularizer *r, fo_descent *d, int full, const double *H, double *g);
    /* count[place[c]] += stored values of column c in n rows; place −1: not counted. */
    void (*count)(const fo_matrix *X, ptrdiff_t n, const int32_t *rows, const int32_t *place, int64_t *count);
    /* Those values, and the numbers of their rows, from next[place[c]] on. */
    void (*gather)(const fo_matrix *X, ptrdiff_t n, const int32_t *rows, const int32_t *place, int64_t *next, int32_t *indices,
                   void *values);
} fo_descent_kernels;

#endif
