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
    X(focal, unit) \
    X(mean_squared_error, real) \
    X(smooth_l1, real) \
    X(expectile, real) \
    X(student_t, real) \
    X(negative_binomial, nonnegative) \
    X(binary_cross_entropy, unit) \
    X(poly, unit) \
    X(mean_squared_log_error, nonnegative)

/* losses of all k predictions of a row together, X(name, target): "class" the number of an output, 0 … k − 1 · "real" one number ·
 * "shares" k numbers >= 0 whose sum is 1 · "amounts" k numbers >= 0.  Their kinds follow those above; kernels of one output do not know
 * them. */
#define FO_COUPLED_LOSSES(X) \
    X(multinomial, class) \
    X(softmax_focal, class) \
    X(softmax_poly, class) \
    X(sparsemax, class) \
    X(crammer_singer, class) \
    X(weston_watkins, class) \
    X(quantile_levels, real) \
    X(kl_divergence, shares) \
    X(generalized_kl, amounts)

/* losses that a user wrote, X(name, target), one kind for each domain of y: fo_own_loss in fastopt.h.  Their kinds come last. */
#define FO_OWN_LOSSES(X) \
    X(own_real, real) \
    X(own_nonnegative, nonnegative) \
    X(own_positive, positive) \
    X(own_unit, unit) \
    X(own_sign, sign)

/* the losses with a conjugate and a step of dual coordinates in conjugates.h */
#define FO_DUAL_LOSSES(X) \
    X(squared_error) \
    X(absolute_error) \
    X(huber) \
    X(quantile) \
    X(epsilon_insensitive) \
    X(squared_epsilon_insensitive) \
    X(log_loss) \
    X(hinge) \
    X(squared_hinge) \
    X(smooth_hinge) \
    X(modified_huber) \
    X(perceptron)

/* the losses of several classes with a step of dual coordinates in dual_classes.h, X(name, most): what the dual variables of the other
 * classes of a sample sum up to at most */
#define FO_CLASS_DUAL_LOSSES(X) \
    X(crammer_singer, 1) \
    X(weston_watkins, INFINITY)

/* minus log likelihoods whose scale, and shape where they have one, are learnt too, X(name, target); of `probability` p alone is */
#define FO_LIKELIHOODS(X) \
    X(gaussian, real) \
    X(laplace, real) \
    X(student_t, real) \
    X(negative_binomial, nonnegative) \
    X(adaptive_robust, real) \
    X(probability, unit)

/* X(name, where): sgd: of each weight, and known to SGD by name · weight: of each weight · group: of groups of weights.  Only
 * solvers and proximal steps know the last two. */
#define FO_PENALTIES(X) \
    X(none, sgd) \
    X(l2, sgd) \
    X(l1, sgd) \
    X(elasticnet, sgd) \
    X(mcp, weight) \
    X(scad, weight) \
    X(group_lasso, group)

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

/* X(name, states, sums): arrays of state beside w, and over what a first pass sums before the step: "none" no such pass ·
 * "array" each array · "group" all arrays of a group. */
#define FO_RULES(X) \
    X(sgd, 0, none) \
    X(momentum, 1, none) \
    X(asgd, 1, none) \
    X(signsgd, 0, none) \
    X(signum, 1, none) \
    X(lion, 1, none) \
    X(rprop, 2, none) \
    X(ftrl, 2, none) \
    X(adagrad, 1, none) \
    X(adadelta, 2, none) \
    X(rmsprop, 1, none) \
    X(rmsprop_momentum, 2, none) \
    X(rmsprop_centered, 2, none) \
    X(rmsprop_centered_momentum, 3, none) \
    X(adam, 2, none) \
    X(amsgrad, 3, none) \
    X(adamax, 2, none) \
    X(nadam, 2, none) \
    X(radam, 2, none) \
    X(adabelief, 2, none) \
    X(yogi, 2, none) \
    X(schedule_free_sgd, 1, none) \
    X(schedule_free_adamw, 2, none) \
    X(lars, 1, array) \
    X(lamb, 2, array) \
    X(dog, 1, group) \
    X(prodigy, 4, group) \
    X(adafactor, 1, array)

/* those whose state is a first moment, or a first and a second one, and may be kept in fewer bits: X(name, states) */
#define FO_PACKED_RULES(X) \
    X(adam, 2) \
    X(lion, 1)

/* rules of whole matrices, which have passes of their own; adafactor has them for matrices, the ones above for vectors */
#define FO_MATRIX_RULES(X) \
    X(muon)

/* activations of the units of a network, X(name, from): what their slope is a function of, the `output` or the `input`, which is kept then */
#define FO_ACTIVATIONS(X) \
    X(identity, output) \
    X(relu, output) \
    X(leaky_relu, output) \
    X(elu, output) \
    X(selu, output) \
    X(softplus, output) \
    X(logistic, output) \
    X(tanh, output) \
    X(exponential, output) \
    X(hard_tanh, output) \
    X(hard_sigmoid, output) \
    X(relu6, output) \
    X(gelu, input) \
    X(gelu_tanh, input) \
    X(silu, input) \
    X(mish, input) \
    X(hard_swish, input)

#endif
