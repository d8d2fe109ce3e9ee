/* fastopt_likelihoods.h: minus log likelihoods whose scale and shape are learnt beside the prediction.  A part of fastopt.h, used by
 * losses/_likelihood_blocks.pyx; what the kernels compute is in csrc/likelihoods. */
#ifndef FASTOPT_LIKELIHOODS_H
#define FASTOPT_LIKELIHOODS_H

#define FO_ENUM_LIKELIHOOD(name, target) FO_LIKELIHOOD_##name,
enum fo_likelihood_kind { FO_LIKELIHOODS(FO_ENUM_LIKELIHOOD) FO_N_LIKELIHOODS };

/* Samples, and what is wanted of them; NULL: there is none, or it is not wanted. */
typedef struct {
    int kind;                  /* enum fo_likelihood_kind */
    int one_scale, one_shape;  /* one for all samples; else one each */
    double constant;           /* added to the loss of each */
    double factor;             /* what derivatives are multiplied by, besides the weights */
    const void *y, *p, *scale; /* targets, predictions, logs of scales */
    const void *shape;         /* NULL: the likelihood has none */
    const void *weight;
    void *values;              /* the losses, weighted */
    void *in_p, *in_scale, *in_shape; /* derivatives, those of samples: all or none */
} fo_likelihood;

typedef struct {
    /* Samples first … first + n − 1; adds to sums the weighted losses, and the derivatives in what there is one of for all. */
    void (*block)(const fo_likelihood *l, ptrdiff_t first, ptrdiff_t n, double *sums);
    /* 1 if their targets are in the domain and all else is finite. */
    int (*accepts)(const fo_likelihood *l, ptrdiff_t first, ptrdiff_t n);
} fo_likelihood_kernels;

#endif
