/* rules_scaled.h: the update rules whose step depends on sums over a whole array or over all arrays of a group: trust
 * ratios and learning rates that find themselves.  Beside `fold` and `rule` (see rules.h) such a rule has `sums`, a first
 * pass that may change the state and returns two terms an element, and `finish`, which turns their totals into
 * coefficients.  Used by steps.h alone. */
typedef struct { F(param) x; real first, second; } F(summed);
#undef FO_SUMS
#define FO_SUMS(name) FO_INLINE F(summed) F(sums_##name)(const F(coefs) *h, real g, F(param) x)

#if REAL_IS_FLOAT
/* a = trust_coefficient */
FO_FOLD(lars) { h->beta1 = r->momentum, h->a = 1; }

/* rate·trust ‖w‖/(‖g‖ + λ‖w‖ + ε); 1 where either norm is 0.  The sums are ‖w‖² and ‖g‖², g without the decay */
FO_FINISH(lars) {
    const double w = sqrt(sums[0]), g = sqrt(sums[1]);
    h->a = w > 0 && g > 0 ? r->a * w / (g + r->l2 * w + r->eps) : 1;
}

FO_FOLD(lamb) {
    fold_adam(r, t, carry, h);
    h->c = 1 / unbias(r->beta1, t), h->rate = r->lr, h->l1 = r->l1;
    h->a = 1, h->b = r->decay, h->decay_factor = 1;
}

/* ‖w‖/‖u‖, 1 where either is 0 */
FO_FINISH(lamb) { h->a = sums[0] > 0 && sums[1] > 0 ? sqrt(sums[0] / sums[1]) : 1; }

/* carry: largest distance from the start, from reps_rel·(1 + ‖w0‖), and Σ‖g‖² */
FO_FOLD(dog) {}

/* lr·max ‖w − w0‖/√(Σ‖g‖² + ε) */
FO_FINISH(dog) {
    const double distance = sqrt(sums[0]);
    if (carry[0] < distance) carry[0] = distance;
    carry[1] += sums[1];
    h->rate = r->lr * carry[0] / sqrt(carry[1] + r->eps);
    h->decay_factor = 1 - h->rate * r->decay;
}

/* carry: d, the largest estimate of it, both from d0, and the numerator from 0; a = d0, b = d_coef, c = growth_rate, d > 0:
 * with bias correction, flag = safeguard_warmup; as coefficients c = factor of g in s, d = β3 */
FO_FOLD(prodigy) {
    const double d = carry[0];
    const double correction = r->d > 0 ? sqrt(unbias(r->beta2, t)) / unbias(r->beta1, t) : 1;
    h->rate = d * r->lr * correction;
    h->beta1 = r->beta1, h->one_minus_beta1 = d * (1 - r->beta1);
    h->beta2 = r->beta2, h->one_minus_beta2 = d * d * (1 - r->beta2);
    h->c = d / r->a * (r->flag ? d : h->rate);
    h->d = r->beta3;
    h->decay_factor = 1 - h->rate * r->decay;
    h->l1 = r->l1 * d * (r->d > 0 ? unbias(r->beta1, t) : 1); /* what a gradient in m and v is multiplied by */
}

FO_FINISH(prodigy) {
    carry[2] = r->beta3 * carry[2] + carry[0] / r->a * h->rate * sums[0];
    if (sums[1] > 0 && r->lr > 0) {
        const double estimate = r->b * carry[2] / sums[1];
        const double d = carry[0] == r->a && estimate > r->a ? estimate : carry[0];
        carry[1] = estimate > carry[1] ? estimate : carry[1];
        carry[0] = d * r->c < carry[1] ? d * r->c : carry[1];
    }
    h->eps = carry[0] * r->eps;
}

/* a = least root mean square of w, b = d, c = beta2_decay; as coefficients one_minus_beta2 = 1 − β2 of this step */
FO_FOLD(adafactor) {
    const double slow = 1 / sqrt(t + 1);
    h->one_minus_beta2 = pow(t + 1, r->c), h->beta2 = 1 - h->one_minus_beta2;
    h->rate = r->lr < slow ? r->lr : slow;
}

/* a = Nesterov's direction or not */
FO_FOLD(muon) { fold_signum(r, t, carry, h), h->a = r->flag; }

/* ρ·max(ε2, RMS(w))/max(1, RMS(u)/d): sums are Σ u² and Σ w² */
FO_FINISH(adafactor) {
    const double w = sqrt(sums[1] / sums[2]), u = sqrt(sums[0] / sums[2]) / r->b;
    h->a = h->rate * (w > r->a ? w : r->a) / (u > 1 ? u : 1);
}
#endif

/* v ← μ·v + lr·trust·(g + λ·w), w ← w − v.  You, Gitman & Ginsburg 2017 */
FO_SUMS(lars) {
    const real slope = F(fma_)(-h->l2, x.w, g);
    return (F(summed)){x, x.w * x.w, slope * slope};
}
FO_RULE(lars) {
    x.rate = h->rate * h->a;
    x.s0 = F(fma_)(h->beta1, x.s0, x.rate * g);
    x.w -= x.s0;
    return x;
}

/* 1/(√v̂ + ε) */
FO_INLINE real F(lamb_scale)(const F(coefs) *h, F(param) x) { return 1 / F(fma_)(F(sqrt_)(x.s1), h->root, h->eps); }
/* u = m̂·scale + λ·w */
FO_INLINE real F(lamb_step)(const F(coefs) *h, F(param) x, real scale) {
    return F(fma_)(h->b, x.w, h->c * x.s0 * scale);
}

/* w ← w − lr·‖w‖/‖u‖·u.  You et al. 2020; the first pass moves m and v */
FO_SUMS(lamb) {
    x.s0 = F(first_moment)(h, x.s0, g);
    x.s1 = F(second_moment)(h, x.s1, g);
    const real step = F(lamb_step)(h, x, F(lamb_scale)(h, x));
    return (F(summed)){x, x.w * x.w, step * step};
}
FO_RULE(lamb) {
    const real scale = F(lamb_scale)(h, x), rate = h->rate * h->a;
    x.rate = rate * scale;
    x.w -= rate * F(lamb_step)(h, x, scale);
    return x;
}

/* w ← w − lr·max‖w − w0‖/√(Σ‖g‖²)·g.  Ivgi, Hinder & Carmon 2023; s0 is w0 */
FO_SUMS(dog) { return (F(summed)){x, (x.w - x.s0) * (x.w - x.s0), g * g}; }
FO_RULE(dog) {
    x.rate = h->rate;
    x.w -= h->rate * g;
    return x;
}

/* Adam in units of d, an estimate of the distance to the solution: d ← max(d, Σ g·(w0 − w)/‖s‖₁).  Mishchenko & Defazio
 * 2024; s0 is m, s1 is v, s2 is s, s3 is w0 */
FO_SUMS(prodigy) {
    x.s0 = F(first_moment)(h, x.s0, g);
    x.s1 = F(second_moment)(h, x.s1, g);
    x.s2 = F(fma_)(h->d, x.s2, h->c * g);
    return (F(summed)){x, g * (x.s3 - x.w), F(abs_)(x.s2)};
}
FO_RULE(prodigy) {
    x.rate = h->rate / (F(sqrt_)(x.s1) + h->eps);
    x.w -= x.rate * x.s0;
    return x;
}

/* ε1 bounds estimates of g² from below: the type's own epsilon if it is not given, as in PyTorch */
FO_INLINE real F(least_square)(const F(coefs) *h) {
    const real eps = h->eps > 0 ? h->eps : (real)(REAL_IS_FLOAT ? 0x1p-23 : 0x1p-52);
    return eps * eps;
}

/* v ← v + (1 − β2)·(g² − v), u = g/√max(v, ε1²), w ← w − α·u/max(1, RMS(u)/d).  Shazeer & Stern 2018; matrices keep only
 * means of v over rows and columns, see matrix_rules.h */
FO_SUMS(adafactor) {
    x.s0 = F(fma_)(h->one_minus_beta2, g * g - x.s0, x.s0);
    return (F(summed)){x, g * g / F(max_)(x.s0, F(least_square)(h)), x.w * x.w};
}
FO_RULE(adafactor) {
    x.rate = h->a / F(sqrt_)(F(max_)(x.s0, F(least_square)(h)));
    x.w -= x.rate * g;
    return x;
}
