/* rules.h: the update rules that take one step from the gradient, its sign or its history; rules_adaptive.h and
 * rules_scaled.h have the others.  A rule is stated once, as two functions: `fold` computes in double, once a step, what
 * does not depend on the element (powers, bias corrections: what it does not set is neutral), and `rule` takes one element
 * from gradient g and x (the weight and its state) to its next x, without branches, so that loops over it vectorise.
 * x.rate times h->l1 is the threshold of the proximal step of L1 that follows: the learning rate that a gradient of this
 * element sees, times l1.  Used by steps.h alone; knows neither loops nor arrays. */
#ifndef FO_RULES_ONCE
#define FO_RULES_ONCE
#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wunused-parameter" /* every fold takes settings, step and carry, few use all */
#endif
#define FO_FOLD(name) static void fold_##name(const fo_rule *r, double t, double *carry, fo_coefs *h)
#define FO_FINISH(name) static void finish_##name(const fo_rule *r, const double *sums, double *carry, fo_coefs *h)

/* 1 − β^(t + 1): what a moment that began at 0 lacks */
FO_INLINE double unbias(double beta, double t) { return 1 - pow(beta, t + 1); }

/* the two moments' factors */
FO_INLINE void fold_betas(const fo_rule *r, fo_coefs *h) {
    h->beta1 = r->beta1, h->one_minus_beta1 = 1 - r->beta1;
    h->beta2 = r->beta2, h->one_minus_beta2 = 1 - r->beta2;
}
#endif

#undef FO_COEF
#define FO_COEF(name) real name;
typedef struct { FO_COEFS(FO_COEF) } F(coefs);
#undef FO_COEF

/* one weight and its state; the rate that it stepped with */
typedef struct { real w, s0, s1, s2, s3, rate; } F(param);
#undef FO_RULE
#define FO_RULE(name) FO_INLINE F(param) F(rule_##name)(const F(coefs) *h, real g, F(param) x)

#if REAL_IS_FLOAT
FO_FOLD(sgd) {}

/* t = 0 has no history to dampen: PyTorch's first step; flag = nesterov; c: v holds gradients times the rate that they came with */
FO_FOLD(momentum) {
    const double held = r->c != 0 ? r->lr : 1;
    h->beta1 = r->momentum, h->one_minus_beta1 = (t > 0 ? 1 - r->dampening : 1) * held;
    h->a = r->flag ? held : 0, h->b = r->flag ? r->momentum : 1;
    if (r->c != 0) h->rate = 1, h->l1 = r->lr * r->l1;
}

/* a = lambd, b = alpha, c = t0 */
FO_FOLD(asgd) {
    h->rate = r->lr / pow(1 + r->a * r->lr * t, r->b);
    h->a = 1 - r->a * h->rate;
    h->b = 1 / (t - r->c > 1 ? t - r->c : 1);
}

FO_FOLD(signsgd) {}
FO_FOLD(signum) { h->beta1 = r->momentum, h->one_minus_beta1 = 1 - r->momentum; }
FO_FOLD(lion) { fold_betas(r, h); }

/* a, b = factors of shrinking and growing, c, d = least and largest step */
FO_FOLD(rprop) { h->a = r->a, h->b = r->b, h->c = r->c, h->d = r->d; }

/* a = beta; l1 and l2 are part of the rule */
FO_FOLD(ftrl) { h->a = r->a, h->b = r->lr * r->l2, h->d = r->lr * r->l1, h->l1 = 0, h->l2 = 0; }

/* carry: largest lr so far, Σ weight; weight = (t + 1)^r·lr_max^p; a = share of the step in the average: Defazio et al. 2024,
 * algorithm 1 */
FO_INLINE double fold_average(const fo_rule *r, double t, double *carry) {
    const double largest = carry[0] > r->lr ? carry[0] : r->lr;
    const double weight = pow(t + 1, r->b) * pow(largest, r->c);
    carry[0] = largest;
    carry[1] += weight;
    return carry[1] > 0 ? weight / carry[1] : 0;
}

/* b = r, c = power of lr in the weights of the average */
FO_FOLD(schedule_free_sgd) {
    h->a = fold_average(r, t, carry);
    h->b = r->beta1 * (1 - h->a) - 1;
}
#endif

/* w ← w − lr·g.  Robbins & Monro 1951 */
FO_RULE(sgd) {
    x.rate = h->rate;
    x.w -= h->rate * g;
    return x;
}

/* v ← μ·v + (1 − τ)·g, w ← w − lr·v, or with Nesterov − lr·(g + μ·v).  Sutskever et al. 2013 */
FO_RULE(momentum) {
    x.s0 = F(fma_)(h->beta1, x.s0, h->one_minus_beta1 * g);
    x.rate = h->rate;
    x.w -= h->rate * F(fma_)(h->a, g, h->b * x.s0);
    return x;
}

/* w ← (1 − λ·lr)·w − lr·g, mean ← mean + μ·(w − mean).  Polyak & Juditsky 1992; the mean is of w after the step of L1,
 * which is why that is taken here */
FO_RULE(asgd) {
    x.rate = 0;
    x.w = F(soft)(F(fma_)(h->a, x.w, -h->rate * g), h->rate * h->l1);
    x.s0 = F(fma_)(h->b, x.w - x.s0, x.s0);
    return x;
}

/* w ← w − lr·sign(g).  Bernstein et al. 2018 */
FO_RULE(signsgd) {
    x.rate = h->rate;
    x.w -= h->rate * F(sign)(g);
    return x;
}

/* m ← μ·m + (1 − μ)·g, w ← w − lr·sign(m).  Bernstein et al. 2018, algorithm 2 */
FO_RULE(signum) {
    x.s0 = F(fma_)(h->beta1, x.s0, h->one_minus_beta1 * g);
    x.rate = h->rate;
    x.w -= h->rate * F(sign)(x.s0);
    return x;
}

/* w ← w − lr·sign(β1·m + (1 − β1)·g), m ← β2·m + (1 − β2)·g.  Chen et al. 2023 */
FO_RULE(lion) {
    x.rate = h->rate;
    x.w -= h->rate * F(sign)(F(fma_)(h->beta1, x.s0, h->one_minus_beta1 * g));
    x.s0 = F(fma_)(h->beta2, x.s0, h->one_minus_beta2 * g);
    return x;
}

/* step ← step·(η+ if g keeps its sign, η− if it turned), w ← w − sign(g)·step; no step where it turned.  Riedmiller &
 * Braun 1993; s0 the last gradient, s1 the step */
FO_RULE(rprop) {
    const real turn = F(sign)(g) * F(sign)(x.s0);
    const real factor = turn > 0 ? h->b : turn < 0 ? h->a : 1;
    x.s1 = F(min_)(h->d, F(max_)(h->c, x.s1 * factor));
    x.s0 = turn < 0 ? 0 : g;
    x.rate = x.s1;
    x.w -= F(sign)(x.s0) * x.s1;
    return x;
}

/* n ← n + g², z ← z + lr·g − (√n' − √n)·w, w = −(z − sign(z)·lr·l1)/(β + √n' + lr·l2), 0 where |z| <= lr·l1.  McMahan et
 * al. 2013, algorithm 1, whose z is this one over lr: a gradient keeps the rate that it came with, so that the rate may
 * change; s0 is z, s1 is n */
FO_RULE(ftrl) {
    const real n = F(fma_)(g, g, x.s1), root = F(sqrt_)(n);
    const real z = x.s0 + F(fma_)(F(sqrt_)(x.s1) - root, x.w, h->rate * g);
    x.rate = 0;
    x.w = -F(soft)(z, h->d) / (h->a + root + h->b);
    x.s0 = z, x.s1 = n;
    return x;
}

/* z' = z − step, y ← (1 − c)·y + c·z + (1 − β·(1 − c))·(z' − z), z ← z'; w is y, s0 is z.  L1 acts on z, which steps, not on
 * y, which lies between z and its average */
FO_INLINE F(param) F(schedule_free)(const F(coefs) *h, real step, real rate, F(param) x) {
    const real z = F(soft)(x.s0 - step, rate * h->l1);
    x.w = F(fma_)(h->a, x.s0 - x.w, x.w) - h->b * (z - x.s0);
    x.s0 = z;
    x.rate = 0;
    return x;
}

/* the step is lr·g.  Defazio et al. 2024 */
FO_RULE(schedule_free_sgd) { return F(schedule_free)(h, h->rate * g, h->rate, x); }
