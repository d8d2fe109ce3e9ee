/* rules_adaptive.h: the update rules with a learning rate for each weight, from running means of its gradients and of their
 * squares.  Written as rules.h says; used by steps.h alone.  Hats of the papers (bias corrections) are folded into rate and
 * root. */
#if REAL_IS_FLOAT
/* a = lr_decay */
FO_FOLD(adagrad) { h->rate = r->lr / (1 + t * r->a); }
/* beta1 = rho */
FO_FOLD(adadelta) { h->beta1 = r->beta1, h->one_minus_beta1 = 1 - r->beta1; }

/* beta2 = alpha */
FO_FOLD(rmsprop) { h->beta2 = r->beta2, h->one_minus_beta2 = 1 - r->beta2, h->beta1 = r->momentum; }
FO_FOLD(rmsprop_momentum) { fold_rmsprop(r, t, carry, h); }
FO_FOLD(rmsprop_centered) { fold_rmsprop(r, t, carry, h); }
FO_FOLD(rmsprop_centered_momentum) { fold_rmsprop(r, t, carry, h); }

/* m̂ = m/(1 − β1^t), √v̂ = √v·root; rate is for m, so L1 takes the correction of m back; c: ε is added to √v, not to √v̂ */
FO_FOLD(adam) {
    const double lacks = unbias(r->beta1, t);
    fold_betas(r, h);
    h->rate = r->lr / lacks;
    h->l1 = r->l1 * lacks;
    h->root = 1 / sqrt(unbias(r->beta2, t));
    if (r->c != 0) h->eps = r->eps * h->root;
}
FO_FOLD(amsgrad) { fold_adam(r, t, carry, h); }
FO_FOLD(adabelief) { fold_adam(r, t, carry, h); }
FO_FOLD(yogi) { fold_adam(r, t, carry, h); }

FO_FOLD(adamax) { fold_adam(r, t, carry, h); }

/* μ_t = β1·(1 − 0.96^(t·ψ)/2), a = ψ; carry[0] = Π μ, from 1 */
FO_FOLD(nadam) {
    const double now = r->beta1 * (1 - 0.5 * pow(0.96, (t + 1) * r->a));
    const double next = r->beta1 * (1 - 0.5 * pow(0.96, (t + 2) * r->a));
    const double product = carry[0] * now;
    fold_adam(r, t, carry, h);
    carry[0] = product;
    h->a = (1 - now) / (1 - product);
    h->b = next / (1 - product * next);
    h->rate = r->lr, h->l1 = r->l1;
}

/* rectified where the variance of the adaptive rate is tractable (ρ > 5), else plain momentum */
FO_FOLD(radam) {
    const double lacks = unbias(r->beta2, t), longest = 2 / (1 - r->beta2) - 1;
    const double rho = longest - 2 * (t + 1) * (1 - lacks) / lacks;
    fold_adam(r, t, carry, h);
    h->root = 0, h->a = 1;
    if (rho > 5) {
        const double rectified = (rho - 4) * (rho - 2) * longest / ((longest - 4) * (longest - 2) * rho);
        h->rate *= sqrt(rectified * lacks);
        h->root = 1, h->a = r->eps;
    }
}

/* b = r, c = power of lr in the weights of the average */
FO_FOLD(schedule_free_adamw) {
    fold_betas(r, h);
    h->root = 1 / sqrt(unbias(r->beta2, t));
    h->a = fold_average(r, t, carry);
    h->b = r->beta1 * (1 - h->a) - 1;
    h->c = r->decay, h->decay_factor = 1;
}
#endif

/* v ← v + g², w ← w − lr·g/(√v + ε).  Duchi, Hazan & Singer 2011 */
FO_RULE(adagrad) {
    x.s0 = F(fma_)(g, g, x.s0);
    x.rate = h->rate / (F(sqrt_)(x.s0) + h->eps);
    x.w -= x.rate * g;
    return x;
}

/* v ← ρ·v + (1 − ρ)·g², Δ = √(u + ε)/√(v + ε)·g, u ← ρ·u + (1 − ρ)·Δ², w ← w − lr·Δ.  Zeiler 2012 */
FO_RULE(adadelta) {
    x.s0 = F(fma_)(h->beta1, x.s0, h->one_minus_beta1 * g * g);
    const real scale = F(sqrt_)(x.s1 + h->eps) / F(sqrt_)(x.s0 + h->eps), delta = scale * g;
    x.s1 = F(fma_)(h->beta1, x.s1, h->one_minus_beta1 * delta * delta);
    x.rate = h->rate * scale;
    x.w -= h->rate * delta;
    return x;
}

/* v ← α·v + (1 − α)·g², w ← w − lr·g/(√v + ε).  Hinton 2012 */
FO_RULE(rmsprop) {
    x.s0 = F(fma_)(h->beta2, x.s0, h->one_minus_beta2 * g * g);
    x.rate = h->rate / (F(sqrt_)(x.s0) + h->eps);
    x.w -= x.rate * g;
    return x;
}

/* the step of rmsprop as what feeds b ← μ·b + g/(√v + ε), w ← w − lr·b; s1 is b */
FO_RULE(rmsprop_momentum) {
    x.s0 = F(fma_)(h->beta2, x.s0, h->one_minus_beta2 * g * g);
    const real scale = 1 / (F(sqrt_)(x.s0) + h->eps);
    x.s1 = F(fma_)(h->beta1, x.s1, scale * g);
    x.rate = h->rate * scale;
    x.w -= h->rate * x.s1;
    return x;
}

/* variance instead of the mean of squares: √(v − mean²).  Graves 2013; s1 is the mean */
FO_INLINE real F(centered_scale)(const F(coefs) *h, real g, F(param) *x) {
    x->s0 = F(fma_)(h->beta2, x->s0, h->one_minus_beta2 * g * g);
    x->s1 = F(fma_)(h->one_minus_beta2, g - x->s1, x->s1);
    return 1 / (F(sqrt_)(F(max_)(0, F(fma_)(-x->s1, x->s1, x->s0))) + h->eps); /* rounding may take it below 0 */
}

FO_RULE(rmsprop_centered) {
    x.rate = h->rate * F(centered_scale)(h, g, &x);
    x.w -= x.rate * g;
    return x;
}

FO_RULE(rmsprop_centered_momentum) {
    const real scale = F(centered_scale)(h, g, &x);
    x.s2 = F(fma_)(h->beta1, x.s2, scale * g);
    x.rate = h->rate * scale;
    x.w -= h->rate * x.s2;
    return x;
}

/* m ← β1·m + (1 − β1)·g */
FO_INLINE real F(first_moment)(const F(coefs) *h, real m, real g) { return F(fma_)(h->beta1, m, h->one_minus_beta1 * g); }
/* v ← β2·v + (1 − β2)·g² */
FO_INLINE real F(second_moment)(const F(coefs) *h, real v, real g) { return F(fma_)(h->beta2, v, h->one_minus_beta2 * g * g); }
/* lr/(√v̂ + ε) */
FO_INLINE real F(adaptive_rate)(const F(coefs) *h, real v) { return h->rate / F(fma_)(F(sqrt_)(v), h->root, h->eps); }

/* w ← w − lr·m̂/(√v̂ + ε).  Kingma & Ba 2015; AdamW, Loshchilov & Hutter 2019, by decoupled decay */
FO_RULE(adam) {
    x.s0 = F(first_moment)(h, x.s0, g);
    x.s1 = F(second_moment)(h, x.s1, g);
    x.rate = F(adaptive_rate)(h, x.s1);
    x.w -= x.rate * x.s0;
    return x;
}

/* the largest v so far in place of v.  Reddi, Kale & Kumar 2018; s2 is the largest */
FO_RULE(amsgrad) {
    x.s0 = F(first_moment)(h, x.s0, g);
    x.s1 = F(second_moment)(h, x.s1, g);
    x.s2 = F(max_)(x.s2, x.s1);
    x.rate = F(adaptive_rate)(h, x.s2);
    x.w -= x.rate * x.s0;
    return x;
}

/* u ← max(β2·u, |g| + ε), w ← w − lr·m̂/u.  Kingma & Ba 2015, section 7 */
FO_RULE(adamax) {
    x.s0 = F(first_moment)(h, x.s0, g);
    x.s1 = F(max_)(h->beta2 * x.s1, F(abs_)(g) + h->eps);
    x.rate = h->rate / x.s1;
    x.w -= x.rate * x.s0;
    return x;
}

/* w ← w − lr·(a·g + b·m)/(√v̂ + ε).  Dozat 2016 */
FO_RULE(nadam) {
    x.s0 = F(first_moment)(h, x.s0, g);
    x.s1 = F(second_moment)(h, x.s1, g);
    x.rate = F(adaptive_rate)(h, x.s1);
    x.w -= x.rate * F(fma_)(h->a, g, h->b * x.s0);
    return x;
}

/* w ← w − lr·r·m̂/(√v̂ + ε), or − lr·m̂ while v̂ says little.  Liu et al. 2020 */
FO_RULE(radam) {
    x.s0 = F(first_moment)(h, x.s0, g);
    x.s1 = F(second_moment)(h, x.s1, g);
    x.rate = h->rate / F(fma_)(F(sqrt_)(x.s1), h->root, h->a);
    x.w -= x.rate * x.s0;
    return x;
}

/* v ← β2·v + (1 − β2)·(g − m)² + ε.  Zhuang et al. 2020 */
FO_RULE(adabelief) {
    x.s0 = F(first_moment)(h, x.s0, g);
    x.s1 = F(second_moment)(h, x.s1, g - x.s0) + h->eps;
    x.rate = F(adaptive_rate)(h, x.s1);
    x.w -= x.rate * x.s0;
    return x;
}

/* v ← v − (1 − β2)·sign(v − g²)·g².  Zaheer et al. 2018 */
FO_RULE(yogi) {
    const real square = g * g;
    x.s0 = F(first_moment)(h, x.s0, g);
    x.s1 = F(fma_)(-h->one_minus_beta2 * F(sign)(x.s1 - square), square, x.s1);
    x.rate = F(adaptive_rate)(h, x.s1);
    x.w -= x.rate * x.s0;
    return x;
}

/* as schedule_free_sgd with g/(√v̂ + ε) + λ·y for g; s0 is z, s1 is v.  Defazio et al. 2024 */
FO_RULE(schedule_free_adamw) {
    x.s1 = F(second_moment)(h, x.s1, g);
    x.rate = F(adaptive_rate)(h, x.s1);
    return F(schedule_free)(h, F(fma_)(h->rate * h->c, x.w, x.rate * g), x.rate, x);
}
