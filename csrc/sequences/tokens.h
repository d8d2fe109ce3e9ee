/* tokens.h: the cross-entropy of tokens, rows of scores of which each says a class, or does not count.  Softmax and loss of a row are those of
 * losses/softmax.h; a token that does not count is not read. */

FO_KERNEL double F(tokens)(const fo_tokens *t, const void *scores, void *losses, void *gradient, ptrdiff_t stride) {
    const real *p = scores, *weight = t->weight;
    real *values = losses, *grads = gradient;
    const int finite = F(all_finite)(t->n * t->classes, p); /* where not, each token that counts is looked at */
    double sum = 0;
    for (ptrdiff_t i = 0; i < t->n; i++) {
        const real *row = p + i * t->classes, w = weight ? weight[i] : 1;
        real *restrict c = grads + i * stride, value = 0;
        if (t->labels[i] >= 0 && w != 0) {
            if (!finite && !F(all_finite)(t->classes, row)) return NAN;
            value = w * F(softmax_class_error)(t->classes, t->labels[i], (real)t->smoothing, row, c);
            const real scale = (real)t->factor * w;
            FO_SIMD
            for (ptrdiff_t j = 0; j < t->classes; j++) c[j] *= scale;
        } else {
            memset(c, 0, (size_t)t->classes * sizeof(real));
        }
        if (values) values[i] = value;
        sum += (double)value;
    }
    return sum;
}
