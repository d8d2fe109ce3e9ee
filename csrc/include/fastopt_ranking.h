/* fastopt_ranking.h: documents of a query and their order; subjects at risk and the order in which they fail.  A part of fastopt.h, used by
 * losses/_ranking; what the kernels compute is in csrc/ranking. */
#ifndef FASTOPT_RANKING_H
#define FASTOPT_RANKING_H

enum fo_ranking_kind { FO_RANKING_LOGISTIC, FO_RANKING_MARGIN, FO_RANKING_LISTNET, FO_RANKING_LAMBDA };

typedef struct {
    int kind;             /* enum fo_ranking_kind */
    double scale;         /* sigma: what differences of scores are multiplied by; the margin */
    ptrdiff_t truncation; /* of NDCG and its lambdas: documents from this rank on do not count, nor pairs of them */
    int exponential;      /* gains are 2^y − 1; else y itself, at least 0 */
    int normalize;        /* lambdas are divided by how far scores are apart, and each query's by their sum */
} fo_ranking;

/* Subjects of a stratum, the largest time first, and of equal times those without an event. */
typedef struct {
    ptrdiff_t n;
    int efron;                   /* ties as Efron has them, else Breslow */
    const double *time;          /* (n,) */
    const unsigned char *event;  /* (n,) 1: it ended with an event; 0: it was censored */
    const double *weight, *v;    /* (n,) v: what the Hessian is multiplied with; NULL: it is not */
} fo_cox;

/* What is wanted, (n,) each: the loss of each subject, weights included, and of their sum the derivative in the scores and the Hessian, times v and its
 * diagonal.  NULL: it is not wanted. */
typedef struct {
    double *losses, *grads, *product, *diagonal;
    double *scratch; /* (4n,) */
} fo_cox_out;

/* pairs of subjects of which one is known to have had its event before the other's: how many, how many of them have the larger score first, or
 * equal scores */
typedef struct { int64_t comparable, concordant, equal; } fo_concordance;

typedef struct {
    /* The loss of a query of m documents with relevances y and scores p, finite; 0 where all are equally relevant.  grads (m,): factor times
     * its derivative in the scores; NULL: it is not wanted.  Without `wanted` the loss is not computed. */
    double (*query)(const fo_ranking *r, ptrdiff_t m, const void *y, const void *p, double factor, int wanted, void *scratch, void *grads);
    /* the normalised discounted cumulative gain; equal scores share their ranks; 0 where no document is relevant */
    double (*ndcg)(const fo_ranking *r, ptrdiff_t m, const void *y, const void *p, void *scratch);
    /* bytes that their scratch has, aligned for doubles */
    ptrdiff_t (*scratch)(ptrdiff_t m);
    void (*cox)(const fo_cox *c, const void *p, const fo_cox_out *out);
    /* of all subjects, in the scratch that `scratch` says */
    fo_concordance (*concordance)(const fo_cox *c, const void *p, void *scratch);
} fo_ranking_kernels;

#endif
