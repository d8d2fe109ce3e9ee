/* row_losses.h: the losses of all predictions of a row together, each once, and the loops over rows, with the only switch over their kinds.
 * Used by objectives and by mini-batches; knows neither X nor threads.
 * A loss has two functions.  row_<name> returns the value of a row of k predictions p and leaves its gradient in c, or returns the value
 * alone where c is NULL, a constant of the caller; product_<name> leaves in c the product of the second derivatives with a direction q,
 * 0 where the loss is piecewise linear.  a and b are the parameters, y the target: of a "class" loss y[0], the number of an output. */
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* every loss takes all, few use them */
#endif

#define FO_ROW(name) \
    FO_INLINE real F(row_##name)(real a, real b, ptrdiff_t k, const real *y, const real *restrict p, real *restrict c)
#define FO_ROW_PRODUCT(name) \
    FO_INLINE void F(product_##name)(real a, real b, ptrdiff_t k, const real *y, const real *restrict p, const real *restrict q, \
                                     real *restrict c)

/* ---- multinomial: the cross-entropy of the softmax, label smoothing = a ---- */
FO_ROW(multinomial) {
    return c ? F(softmax_class_error)(k, (ptrdiff_t)y[0], a, p, c) : F(softmax_class_value)(k, (ptrdiff_t)y[0], a, p);
}
FO_ROW_PRODUCT(multinomial) { F(softmax_product)(k, p, q, c); }

#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
#undef FO_ROW
#undef FO_ROW_PRODUCT

/* ---- the loops: a case of a switch each; ROW says what is done with row i ---- */

#define FO_ROW_LOOP(name, target) \
    case FO_LOSS_##name: \
        for (ptrdiff_t i = 0; i < n; i++) { ROW(name) } \
        break;
#define FO_ROW_LOOPS(loss) \
    const real a = (real)(loss)->a, b = (real)(loss)->b; \
    switch ((loss)->kind) { FO_COUPLED_LOSSES(FO_ROW_LOOP) }

/* Σ weight·loss of n rows, y (n,), and c = factor·weight·loss' */
FO_KERNEL double F(row_errors)(const fo_loss *loss, ptrdiff_t n, ptrdiff_t k, const real *y, const real *weight, real factor,
                               const real *p, real *c) {
    double sum = 0;
#define ROW(name) \
    const real own = weight ? weight[i] : 1, value = F(row_##name)(a, b, k, y + i, p + i * k, c + i * k); \
    sum += (double)F(weighed)(own, value); \
    for (ptrdiff_t j = 0; j < k; j++) c[i * k + j] = F(weighed)(factor * own, c[i * k + j]);
    FO_ROW_LOOPS(loss)
#undef ROW
    return sum;
}

/* c = factor·weight·(second derivatives)·q */
FO_KERNEL void F(row_products)(const fo_loss *loss, ptrdiff_t n, ptrdiff_t k, const real *y, const real *weight, real factor,
                               const real *p, const real *q, real *c) {
#define ROW(name) \
    const real own = factor * (weight ? weight[i] : 1); \
    F(product_##name)(a, b, k, y + i, p + i * k, q + i * k, c + i * k); \
    for (ptrdiff_t j = 0; j < k; j++) c[i * k + j] = F(weighed)(own, c[i * k + j]);
    FO_ROW_LOOPS(loss)
#undef ROW
}

/* the number of the class of a row whose target is one-hot, as those of mini-batches are */
FO_INLINE real F(row_class)(ptrdiff_t k, const real *y) {
    ptrdiff_t j = 0;
    while (j < k - 1 && !(y[j] > 0)) j++;
    return (real)j;
}

/* c = loss' of n rows, y (n, k) one-hot */
FO_KERNEL void F(row_grads)(const fo_loss *loss, ptrdiff_t n, ptrdiff_t k, const real *y, const real *p, real *c) {
#define ROW(name) \
    const real own = F(row_class)(k, y + i * k); \
    F(row_##name)(a, b, k, &own, p + i * k, c + i * k);
    FO_ROW_LOOPS(loss)
#undef ROW
}

/* values[i] = loss of n rows, y (n, k) one-hot */
FO_KERNEL void F(row_values)(const fo_loss *loss, ptrdiff_t n, ptrdiff_t k, const real *y, const real *p, real *values) {
#define ROW(name) \
    const real own = F(row_class)(k, y + i * k); \
    values[i] = F(row_##name)(a, b, k, &own, p + i * k, NULL);
    FO_ROW_LOOPS(loss)
#undef ROW
}
#undef FO_ROW_LOOPS
#undef FO_ROW_LOOP
