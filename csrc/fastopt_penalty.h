/* fastopt_penalty.h: the structs of penalties and of coordinate descent.  A part of fastopt.h. */
#ifndef FASTOPT_PENALTY_H
#define FASTOPT_PENALTY_H

/* A penalty of weights, bounds included; csrc/penalties.h says what a means to it.  Arrays are by weight, `weight` by group where
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

#endif
