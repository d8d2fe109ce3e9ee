/* policies.h: losses of policies: −advantage·log π(action), or its clipped ratio to the policy that acted (Schulman et al. 2017), less a bonus for
 * entropy; of actions to choose from, by the softmax of losses/softmax.h, and of actions that are numbers, by normal distributions. */

FO_KERNEL int F(policy_actions)(ptrdiff_t n, ptrdiff_t k, const void *actions) {
    const real *a = actions;
    int good = 1;
    for (ptrdiff_t i = 0; i < n; i++) {
        const int inside = a[i] >= 0 && a[i] < (real)k;
        good &= inside && a[i] == (real)(ptrdiff_t)(inside ? a[i] : 0);
    }
    return good;
}

/* the loss of an action by its log-probability, and its derivative there */
typedef struct { real value, slope; } F(pull);

FO_INLINE F(pull) F(policy_pull)(const fo_policy *s, ptrdiff_t i, real log_probability) {
    const real advantage = s->advantage ? ((const real *)s->advantage)[i] : 1;
    if (!s->old) return (F(pull)){-F(weighed)(advantage, log_probability), -advantage};
    /* beyond half of the logarithm of the largest number a ratio could not be multiplied */
    const real moved = log_probability - ((const real *)s->old)[i], ratio = F(exp_)(F(min_)(moved, EXP_LARGEST / 2));
    const real low = 1 - (real)s->clip, high = 1 + (real)s->clip;
    const real gain = ratio * advantage, bound = F(min_)(F(max_)(ratio, low), high) * advantage;
    return (F(pull)){-F(min_)(gain, bound), gain <= bound ? -gain : 0};
}

/* of step i */
FO_INLINE real F(policy_weight)(const fo_policy *s, ptrdiff_t i) { return s->weight ? ((const real *)s->weight)[i] : 1; }

/* Σ π·(p − largest): the entropy is log Σ exp(p − largest) less this */
FO_INLINE real F(mean_distance)(ptrdiff_t k, const real *share, const real *p, real largest) {
    real sum = 0;
    for (ptrdiff_t j = 0; j < k; j++) sum += F(weighed)(share[j], p[j] - largest);
    return sum;
}

FO_KERNEL double F(categorical)(const fo_policy *s, const void *actions, const void *scores, void *values_, void *gradient, ptrdiff_t stride) {
    real *values = values_;
    const real bonus = (real)s->entropy;
    double sum = 0;
    for (ptrdiff_t i = 0; i < s->n; i++) {
        const real *p = (const real *)scores + i * s->k, weight = F(policy_weight)(s, i), scale = (real)s->factor * weight;
        real *restrict g = (real *)gradient + i * stride;
        const ptrdiff_t action = (ptrdiff_t)((const real *)actions)[i];
        const F(exp_sum) e = F(softmax_shares)(s->k, p, g);
        const real log_sum = F(log_)(e.sum);
        F(pull) pull = F(policy_pull)(s, i, p[action] - e.largest - log_sum);
        const real slope = scale * pull.slope;
        if (bonus != 0) {
            const real mean = F(mean_distance)(s->k, g, p, e.largest);
            pull.value -= bonus * (log_sum - mean);
            for (ptrdiff_t j = 0; j < s->k; j++) /* the derivative of the entropy is −π·(p − largest − mean) */
                g[j] = F(weighed)(g[j], scale * bonus * (p[j] - e.largest - mean) - slope);
        } else {
            FO_SIMD
            for (ptrdiff_t j = 0; j < s->k; j++) g[j] *= -slope;
        }
        g[action] += slope;
        const real value = F(weighed)(weight, pull.value);
        if (values) values[i] = value;
        sum += (double)value;
    }
    return sum;
}

/* log of the density at an action; z (k,) becomes its distance from the mean in standard deviations, and inverse (k,) one over those */
FO_INLINE real F(normal_log_density)(ptrdiff_t k, const real *restrict action, const real *restrict mean, const real *restrict log_std,
                                     real *restrict z, real *restrict inverse) {
    const real half_log_two_pi = R(0.918938533204672741780);
    real sum = 0;
    FO_SIMD
    for (ptrdiff_t j = 0; j < k; j++) {
        inverse[j] = F(exp_)(-log_std[j]);
        z[j] = F(weighed)(action[j] - mean[j], inverse[j]);
    }
    for (ptrdiff_t j = 0; j < k; j++) sum -= F(fma_)(R(0.5) * z[j], z[j], log_std[j] + half_log_two_pi);
    return sum;
}

FO_KERNEL double F(normal)(const fo_policy *s, const fo_normal *a, void *values_, void *g_mean, void *g_log_std, ptrdiff_t stride, double *sums) {
    const real half_log_two_pi_e = R(1.418938533204672741780), bonus = (real)s->entropy;
    real *values = values_;
    double sum = 0;
    for (ptrdiff_t i = 0; i < s->n; i++) {
        const real *log_std = (const real *)a->log_std + i * a->std_stride, weight = F(policy_weight)(s, i), scale = (real)s->factor * weight;
        real *restrict z = (real *)g_mean + i * stride, *restrict inverse = (real *)g_log_std + (stride ? i * a->std_stride : 0);
        const real density = F(normal_log_density)(s->k, (const real *)a->actions + i * s->k, (const real *)a->mean + i * s->k, log_std, z, inverse);
        F(pull) pull = F(policy_pull)(s, i, density);
        const real slope = scale * pull.slope;
        if (bonus != 0)
            for (ptrdiff_t j = 0; j < s->k; j++) pull.value -= bonus * (log_std[j] + half_log_two_pi_e);
        FO_SIMD
        for (ptrdiff_t j = 0; j < s->k; j++) { /* of the log-density: z/std in the mean, z² − 1 in the logarithm of std */
            const real square = z[j] * z[j] - 1;
            z[j] = F(weighed)(slope, F(weighed)(z[j], inverse[j]));
            inverse[j] = F(weighed)(slope, square) - scale * bonus;
        }
        if (sums)
            for (ptrdiff_t j = 0; j < s->k; j++) sums[j] += (double)inverse[j];
        const real value = F(weighed)(weight, pull.value);
        if (values) values[i] = value;
        sum += (double)value;
    }
    return sum;
}
