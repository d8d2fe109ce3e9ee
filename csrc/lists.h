/* lists.h: what there is, once.  A line here, the mathematics in losses.h (schedules.h, …) and a Python class make an
 * item; enums, switches, names and the tests' registries come from these lists. */
#ifndef FASTOPT_LISTS_H
#define FASTOPT_LISTS_H

/* X(name, target): target is the domain of y. "real" any number · "nonnegative" y >= 0 · "positive" y > 0 ·
 * "sign" a class, ±1 in the kernels and {0, 1} in public · "unit" 0 <= y <= 1. */
#define FO_LOSSES(X) \
    X(squared_error, real) \
    X(absolute_error, real) \
    X(huber, real) \
    X(quantile, real) \
    X(epsilon_insensitive, real) \
    X(squared_epsilon_insensitive, real) \
    X(log_cosh, real) \
    X(general_robust, real) \
    X(poisson, nonnegative) \
    X(gamma, positive) \
    X(tweedie, nonnegative) \
    X(log_loss, unit) \
    X(hinge, sign) \
    X(squared_hinge, sign) \
    X(smooth_hinge, sign) \
    X(modified_huber, sign) \
    X(perceptron, sign) \
    X(exponential, sign) \
    X(focal, unit)

#define FO_PENALTIES(X) \
    X(none) \
    X(l2) \
    X(l1) \
    X(elasticnet)

/* X(name, first): the number of the first step.  1: the learning rates of per-sample SGD, with scikit-learn's names;
 * 0: the schedules of fastopt.schedules, to which `constant` belongs too.  pa1 and pa2 stay last: sgd.h. */
#define FO_SCHEDULES(X) \
    X(constant, 1) \
    X(optimal, 1) \
    X(invscaling, 1) \
    X(adaptive, 1) \
    X(exponential, 0) \
    X(inverse_time, 0) \
    X(inverse_sqrt, 0) \
    X(inverse_scaling, 0) \
    X(polynomial, 0) \
    X(cosine, 0) \
    X(cosine_restarts, 0) \
    X(one_cycle, 0) \
    X(cyclic, 0) \
    X(pa1, 1) \
    X(pa2, 1)

#endif
