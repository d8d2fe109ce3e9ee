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

#define FO_SCHEDULES(X) \
    X(constant) \
    X(optimal) \
    X(invscaling) \
    X(adaptive) \
    X(pa1) \
    X(pa2)

#endif
