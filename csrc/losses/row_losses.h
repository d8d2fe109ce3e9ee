/* row_losses.h: the losses of all predictions of a row together, each once, and the loops over rows, with the only switch over their kinds.
 * Used by objectives and by mini-batches; knows neither X nor threads.
 * A loss has two functions.  row_<name> returns the value of a row of k predictions p and leaves its gradient in c where `graded`, a constant
 * of the caller; product_<name> leaves in c the product of the second derivatives with a direction q,
 * 0 where the loss is piecewise linear.  a and b are the parameters, y the target (lists.h): y[0], or k numbers of "shares" and "amounts".
 * No exponential overflows, no small number is a difference of large ones; a prediction nan gives a value nan.  Sums run in their order, so
 * that gradients do not depend on the width of the registers.  Ties at kinks fall as those of the losses of one prediction. */
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* every loss takes all, few use them */
#endif

#define FO_ROW(name) \
    FO_INLINE real F(row_##name)(const int graded, real a, real b, ptrdiff_t k, const real *y, const real *restrict p, real *restrict c)
#define FO_ROW_PRODUCT(name) \
    FO_INLINE void F(product_##name)(real a, real b, ptrdiff_t k, const real *y, const real *restrict p, const real *restrict q, \
                                     real *restrict c)

/* ---- multinomial: the cross-entropy of the softmax, label smoothing = a ---- */
FO_ROW(multinomial) {
    return graded ? F(softmax_class_error)(k, (ptrdiff_t)y[0], a, p, c) : F(softmax_class_value)(k, (ptrdiff_t)y[0], a, p);
}
FO_ROW_PRODUCT(multinomial) { F(softmax_product)(k, p, q, c); }

/* ---- losses of the share π_y of the own class in the softmax, functions of the log loss L = −log π_y ---- */

/* π_y, u = 1 − π_y and L, the last two accurate near 0 as well; `shares` has all π where `graded` */
typedef struct { real share, others, log_loss; } F(standing);
FO_INLINE F(standing) F(standing_of)(const int graded, ptrdiff_t k, ptrdiff_t y, const real *restrict p, real *restrict shares) {
    const real largest = F(largest_of)(k, p), own = p[y] - largest, mine = F(exp_)(own);
    real others = 0;
    if (graded) {
        FO_SIMD
        for (ptrdiff_t j = 0; j < k; j++) shares[j] = F(exp_)(p[j] - largest);
        for (ptrdiff_t j = 0; j < k; j++) others += j == y ? 0 : shares[j];
    } else
        for (ptrdiff_t j = 0; j < k; j++) others += j == y ? 0 : F(exp_)(p[j] - largest);
    const real sum = others + mine;
    for (ptrdiff_t j = 0; graded && j < k; j++) shares[j] /= sum;
    return (F(standing)){mine / sum, others / sum, own < 0 ? F(log_)(sum) - own : F(log1p_positive)(others)};
}

/* what such a loss has beside its value: its first two derivatives in L */
typedef struct { real value, slope, bend; } F(of_share);

/* c = slope·(π − e_y), c holding π; the own element is −slope·u */
FO_INLINE void F(share_gradient)(ptrdiff_t k, ptrdiff_t y, real slope, real others, real *restrict c) {
    for (ptrdiff_t j = 0; j < k; j++) c[j] *= slope;
    c[y] = -slope * others;
}

/* c = (slope·(diag π − ππᵀ) + bend·(π − e_y)(π − e_y)ᵀ)·q by differences from q_y; c holds π */
FO_INLINE void F(share_product)(ptrdiff_t k, ptrdiff_t y, F(of_share) f, F(standing) s, const real *restrict q, real *restrict c) {
    real along = 0; /* (π − e_y)·q */
    for (ptrdiff_t j = 0; j < k; j++) along += c[j] * (q[j] - q[y]);
    for (ptrdiff_t j = 0; j < k; j++) c[j] *= F(fma_)(f.slope, (q[j] - q[y]) - along, f.bend * along);
    c[y] = -F(fma_)(s.share, f.slope, s.others * f.bend) * along;
}

/* b·u^γ·L, γ = a: Lin et al. 2017.  L/u is 1 where both are 0 */
FO_INLINE F(of_share) F(focal_share)(real a, real b, F(standing) s) {
    const real power = b * F(pow)(s.others, a), ratio = s.others > 0 ? s.log_loss / s.others : 1;
    const real below = s.others > 0 ? a * power / s.others : 0;
    const real pull = s.share > 0 ? s.share * ratio : 0; /* a loss beyond all numbers is infinite, its slope is not */
    return (F(of_share)){power * s.log_loss, power * F(fma_)(a, pull, 1), below * F(fma_)(a * s.share - 1, pull, 2 * s.share)};
}
FO_ROW(softmax_focal) {
    const F(standing) s = F(standing_of)(graded, k, (ptrdiff_t)y[0], p, c);
    const F(of_share) f = F(focal_share)(a, b, s);
    if (graded) F(share_gradient)(k, (ptrdiff_t)y[0], f.slope, s.others, c);
    return f.value;
}
FO_ROW_PRODUCT(softmax_focal) {
    const F(standing) s = F(standing_of)(1, k, (ptrdiff_t)y[0], p, c);
    F(share_product)(k, (ptrdiff_t)y[0], F(focal_share)(a, b, s), s, q, c);
}

/* L + ε·u, ε = a: Leng et al. 2022, Poly-1 */
FO_INLINE F(of_share) F(poly_share)(real a, F(standing) s) {
    return (F(of_share)){F(fma_)(a, s.others, s.log_loss), F(fma_)(a, s.share, 1), -a * s.share};
}
FO_ROW(softmax_poly) {
    const F(standing) s = F(standing_of)(graded, k, (ptrdiff_t)y[0], p, c);
    const F(of_share) f = F(poly_share)(a, s);
    if (graded) F(share_gradient)(k, (ptrdiff_t)y[0], f.slope, s.others, c);
    return f.value;
}
FO_ROW_PRODUCT(softmax_poly) {
    const F(standing) s = F(standing_of)(1, k, (ptrdiff_t)y[0], p, c);
    F(share_product)(k, (ptrdiff_t)y[0], F(poly_share)(a, s), s, q, c);
}

/* ---- sparsemax: ‖s − e_y‖²/2 + max(0, τ − p_y), s = max(p − τ, 0) the projection of p onto the simplex.  Martins & Astudillo 2016, whose
 * formula this is, without differences of nearly equal numbers ---- */

/* τ with Σ max(p − largest − τ, 0) = 1: Michelot's rounds.  τ is at least −1, and a round that leaves out no number is the last */
FO_INLINE real F(sparsemax_threshold)(ptrdiff_t k, const real *p, real largest) {
    real threshold = -1;
    for (ptrdiff_t before = k + 1, count = 0;; before = count) {
        real sum = 0;
        count = 0;
        for (ptrdiff_t j = 0; j < k; j++) {
            const int within = p[j] - largest > threshold;
            sum += within ? p[j] - largest : 0;
            count += within;
        }
        if (count >= before || count == 0) return threshold;
        threshold = (sum - 1) / (real)count;
    }
}
FO_ROW(sparsemax) {
    const real largest = F(largest_of)(k, p), threshold = F(sparsemax_threshold)(k, p, largest);
    const real own = p[(ptrdiff_t)y[0]] - largest;
    real squares = 0;
    for (ptrdiff_t j = 0; j < k; j++) {
        const real above = p[j] - largest - threshold, share = above < 0 ? 0 : above; /* nan stays nan */
        const real error = j == (ptrdiff_t)y[0] ? share - 1 : share;
        squares = F(fma_)(error, error, squares);
        if (graded) c[j] = error;
    }
    return F(fma_)(R(0.5), squares, own < threshold ? threshold - own : 0);
}
FO_ROW_PRODUCT(sparsemax) {
    const real largest = F(largest_of)(k, p), threshold = F(sparsemax_threshold)(k, p, largest);
    real sum = 0, count = 0;
    for (ptrdiff_t j = 0; j < k; j++) {
        const int within = p[j] - largest > threshold;
        sum += within ? q[j] : 0;
        count += (real)within;
    }
    for (ptrdiff_t j = 0; j < k; j++) c[j] = p[j] - largest > threshold ? q[j] - sum / count : 0;
}

/* ---- hinges of several classes, piecewise linear ---- */

/* max(0, 1 + max_{j ≠ y} p_j − p_y): Crammer & Singer 2001 */
FO_ROW(crammer_singer) {
    const ptrdiff_t own = (ptrdiff_t)y[0];
    ptrdiff_t other = own == 0 && k > 1 ? 1 : 0;
    for (ptrdiff_t j = 0; j < k; j++) other = j != own && !(p[j] <= p[other]) ? j : other; /* nan is the largest */
    const real excess = other == own ? 0 : 1 + (p[other] - p[own]), active = excess < 0 || other == own ? 0 : 1;
    for (ptrdiff_t j = 0; graded && j < k; j++) c[j] = j == own ? -active : j == other ? active : 0;
    return excess < 0 ? 0 : excess;
}
FO_ROW_PRODUCT(crammer_singer) { memset(c, 0, (size_t)k * sizeof(real)); }

/* Σ_{j ≠ y} max(0, 1 + p_j − p_y): Weston & Watkins 1999 */
FO_ROW(weston_watkins) {
    const ptrdiff_t own = (ptrdiff_t)y[0];
    real sum = 0, count = 0;
    for (ptrdiff_t j = 0; j < k; j++) {
        const real excess = 1 + (p[j] - p[own]), active = j == own || excess < 0 ? 0 : 1;
        sum += j == own || excess < 0 ? 0 : excess;
        count += active;
        if (graded) c[j] = active;
    }
    if (graded) c[own] = -count;
    return sum;
}
FO_ROW_PRODUCT(weston_watkins) { memset(c, 0, (size_t)k * sizeof(real)); }

/* ---- quantile_levels: the mean over k levels from a to b of the quantile losses of t_0 = p_0, t_j = t_{j−1} + log(1 + exp(p_j)), which do
 * not cross ---- */

/* Σ_{i >= j} of the slopes in t_i into slopes where `graded`; returns the loss */
FO_INLINE real F(level_slopes)(const int graded, real a, real b, ptrdiff_t k, real y, const real *restrict p, real *restrict slopes) {
    const real share = 1 / (real)k, step = k > 1 ? (b - a) / (real)(k - 1) : 0;
    real t = 0, sum = 0;
    for (ptrdiff_t j = 0; j < k; j++) {
        const real level = k > 1 ? F(fma_)((real)j, step, a) : R(0.5) * (a + b);
        t = j == 0 ? p[0] : t + F(softplus)(p[j]);
        const real slope = t > y ? 1 - level : -level;
        sum += slope * (t - y);
        if (graded) slopes[j] = slope * share;
    }
    for (ptrdiff_t j = k - 2; graded && j >= 0; j--) slopes[j] += slopes[j + 1];
    return sum * share;
}
FO_ROW(quantile_levels) {
    const real value = F(level_slopes)(graded, a, b, k, y[0], p, c);
    for (ptrdiff_t j = 1; graded && j < k; j++) {
        const F(logistic) growth = F(logistic_of)(p[j]);
        c[j] *= growth.high * growth.inverse;
    }
    return value;
}
FO_ROW_PRODUCT(quantile_levels) {
    F(level_slopes)(1, a, b, k, y[0], p, c);
    c[0] = 0;
    for (ptrdiff_t j = 1; j < k; j++) {
        const F(logistic) growth = F(logistic_of)(p[j]);
        c[j] *= growth.e * growth.inverse * growth.inverse * q[j];
    }
}

/* ---- divergences from targets y of k numbers ---- */

/* y·log y, 0 at 0 */
FO_INLINE real F(entropy)(real y) { return y > 0 ? y * F(log_)(y) : 0; }

/* Σ t·(a·log t − log π), π the softmax, t = (1 − b)·y + b/k: the divergence with a = 1, the cross-entropy of soft targets with a = 0 */
FO_ROW(kl_divergence) {
    const real largest = F(largest_of)(k, p), each = b / (real)k;
    real exps = 0, own = 0;
    if (graded) {
        FO_SIMD
        for (ptrdiff_t j = 0; j < k; j++) c[j] = F(exp_)(p[j] - largest);
    }
    for (ptrdiff_t j = 0; j < k; j++) {
        const real t = F(fma_)(1 - b, y[j], each);
        exps += graded ? c[j] : F(exp_)(p[j] - largest);
        own += (t > 0 ? t * (p[j] - largest) : 0) - (a != 0 ? a * F(entropy)(t) : 0);
    }
    for (ptrdiff_t j = 0; graded && j < k; j++) c[j] = c[j] / exps - F(fma_)(1 - b, y[j], each);
    return F(log_)(exps) - own;
}
FO_ROW_PRODUCT(kl_divergence) { F(softmax_product)(k, p, q, c); }

/* Σ y·log(y/m) − y + m, m = exp(p): what is neither shares nor normalised */
FO_ROW(generalized_kl) {
    real sum = 0;
    for (ptrdiff_t j = 0; j < k; j++) {
        const real mean = F(exp_)(p[j]);
        sum += F(entropy)(y[j]) - y[j] * p[j] + (mean - y[j]);
        if (graded) c[j] = mean - y[j];
    }
    return sum;
}
FO_ROW_PRODUCT(generalized_kl) {
    for (ptrdiff_t j = 0; j < k; j++) c[j] = F(exp_)(p[j]) * q[j];
}

#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
#undef FO_ROW
#undef FO_ROW_PRODUCT

/* ---- the loops: a case of a switch each; ROW says what is done with row i, whose target is `width` numbers ---- */

#ifndef FO_ROW_TARGETS
#define FO_ROW_TARGETS
enum { FO_ROW_class, FO_ROW_real, FO_ROW_shares, FO_ROW_amounts }; /* the last two are k numbers */
#endif
#define FO_ROW_LOOP(name, target) \
    case FO_LOSS_##name: { \
        const ptrdiff_t width = FO_ROW_##target >= FO_ROW_shares ? k : 1; \
        (void)width; \
        for (ptrdiff_t i = 0; i < n; i++) { ROW(name) } \
        break; \
    }
#define FO_ROW_LOOPS(loss) \
    const real a = (real)(loss)->a, b = (real)(loss)->b; \
    switch ((loss)->kind) { FO_COUPLED_LOSSES(FO_ROW_LOOP) }

/* rows of the multinomial loss, a piece of them side by side: END says what is done with m of them, from row i on */
#define FO_SOFTMAX_ROWS(classes, width, loss, END) \
    real value[SOFTMAX_PIECE]; \
    for (ptrdiff_t i = 0, m; i < n; i += m) { \
        m = n - i < SOFTMAX_PIECE ? n - i : SOFTMAX_PIECE; \
        F(softmax_class_errors)(m, k, (classes) + i * (width), width, (real)(loss)->a, p + i * k, c + i * k, value); \
        END; \
    }

FO_KERNEL double F(softmax_rows)(const fo_samples *s, ptrdiff_t first, ptrdiff_t n, const real *p, real *c) {
    const ptrdiff_t k = s->k;
    const real *y = (const real *)s->y + first, *weight = s->weight, factor = (real)s->factor;
    double sum = 0;
#define WEIGH \
    for (ptrdiff_t r = 0; r < m; r++) { \
        const real own = weight ? weight[first + i + r] : 1; \
        sum += (double)F(weighed)(own, value[r]); \
        for (ptrdiff_t j = 0; j < k; j++) c[(i + r) * k + j] = F(weighed)(factor * own, c[(i + r) * k + j]); \
    }
    FO_SOFTMAX_ROWS(y, 1, &s->loss, WEIGH)
#undef WEIGH
    return sum;
}

/* Σ weight·loss of the n rows from the first on, and c = factor·weight·loss' */
FO_KERNEL double F(row_errors)(const fo_samples *s, ptrdiff_t first, ptrdiff_t n, const real *p, real *c) {
    const ptrdiff_t k = s->k;
    const real *y = s->y, *weight = s->weight, factor = (real)s->factor;
    double sum = 0;
    if (s->loss.kind == FO_LOSS_multinomial) return F(softmax_rows)(s, first, n, p, c);
#define ROW(name) \
    const real own = weight ? weight[first + i] : 1; \
    const real value = F(row_##name)(1, a, b, k, y + (first + i) * width, p + i * k, c + i * k); \
    sum += (double)F(weighed)(own, value); \
    for (ptrdiff_t j = 0; j < k; j++) c[i * k + j] = F(weighed)(factor * own, c[i * k + j]);
    FO_ROW_LOOPS(&s->loss)
#undef ROW
    return sum;
}

/* c = factor·weight·(second derivatives)·q */
FO_KERNEL void F(row_products)(const fo_samples *s, ptrdiff_t first, ptrdiff_t n, const real *p, const real *q, real *c) {
    const ptrdiff_t k = s->k;
    const real *y = s->y, *weight = s->weight, factor = (real)s->factor;
#define ROW(name) \
    const real own = factor * (weight ? weight[first + i] : 1); \
    F(product_##name)(a, b, k, y + (first + i) * width, p + i * k, q + i * k, c + i * k); \
    for (ptrdiff_t j = 0; j < k; j++) c[i * k + j] = F(weighed)(own, c[i * k + j]);
    FO_ROW_LOOPS(&s->loss)
#undef ROW
}

/* c = loss' of n rows of mini-batches, whose y is (n, k): the number of a class is in the first column */
FO_KERNEL void F(row_grads)(const fo_loss *loss, ptrdiff_t n, ptrdiff_t k, const real *y, const real *p, real *c) {
    if (loss->kind == FO_LOSS_multinomial) {
        FO_SOFTMAX_ROWS(y, k, loss, (void)value)
        return;
    }
#define ROW(name) \
    F(row_##name)(1, a, b, k, y + i * k, p + i * k, c + i * k);
    FO_ROW_LOOPS(loss)
#undef ROW
}

/* values[i] = loss of n rows of mini-batches */
FO_KERNEL void F(row_values)(const fo_loss *loss, ptrdiff_t n, ptrdiff_t k, const real *y, const real *p, real *values) {
#define ROW(name) \
    values[i] = F(row_##name)(0, a, b, k, y + i * k, p + i * k, NULL);
    FO_ROW_LOOPS(loss)
#undef ROW
}
#undef FO_SOFTMAX_ROWS
#undef FO_ROW_LOOPS
#undef FO_ROW_LOOP
