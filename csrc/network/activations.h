/* activations.h: the activations of units, each once: its value at z, and its slope there, from the value a where that suffices (lists.h),
 * else from z.  Both are branch-free, so that loops over them vectorise; alpha is a parameter, where there is one.  What is behind the last
 * unit of a row is 0 before and some finite number after.  Used by layers.h alone, which has the loops. */
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* every activation takes alpha, few have one */
#endif

#define FO_ACTIVATION(name) FO_INLINE real F(activation_##name)(real alpha, real z)
#define FO_SLOPE(name, of) FO_INLINE real F(slope_##name)(real alpha, real of)

/* x within bounds; nan stays nan */
FO_INLINE real F(within)(real low, real high, real x) { return F(min_)(high, F(max_)(low, x)); }

FO_ACTIVATION(identity) { return z; }
FO_SLOPE(identity, a) { return 1; }

FO_ACTIVATION(relu) { return F(max_)(0, z); }
FO_SLOPE(relu, a) { return a > 0 ? 1 : 0; }

/* alpha·z below 0, alpha > 0.  Maas et al. 2013 */
FO_ACTIVATION(leaky_relu) { return z > 0 ? z : alpha * z; }
FO_SLOPE(leaky_relu, a) { return a > 0 ? 1 : alpha; }

/* alpha·(exp(z) − 1) below 0.  Clevert et al. 2016 */
FO_ACTIVATION(elu) {
    const real below = alpha * F(expm1_)(F(min_)(0, z));
    return z > 0 ? z : below;
}
FO_SLOPE(elu, a) { return a > 0 ? 1 : a + alpha; }

/* elu of alpha 1.67…, times 1.05…: means 0 and variances 1 are fixed points.  Klambauer et al. 2017 */
#define SELU_ALPHA R(1.6732632423543772848170429916717)
#define SELU_SCALE R(1.0507009873554804934193349852946)
FO_ACTIVATION(selu) { return SELU_SCALE * F(activation_elu)(SELU_ALPHA, z); }
FO_SLOPE(selu, a) { return a > 0 ? SELU_SCALE : a + SELU_SCALE * SELU_ALPHA; }
#undef SELU_ALPHA
#undef SELU_SCALE

/* log(1 + exp(z)) */
FO_ACTIVATION(softplus) { return F(softplus)(z); }
FO_SLOPE(softplus, a) { return -F(expm1_)(-a); }

FO_ACTIVATION(logistic) {
    const F(logistic) l = F(logistic_of)(z);
    return l.high * l.inverse;
}
FO_SLOPE(logistic, a) { return a * (1 - a); }

FO_ACTIVATION(tanh) { return F(tanh_)(z); }
FO_SLOPE(tanh, a) { return 1 - a * a; }

FO_ACTIVATION(exponential) { return F(exp_)(z); }
FO_SLOPE(exponential, a) { return a; }

FO_ACTIVATION(hard_tanh) { return F(within)(-1, 1, z); }
FO_SLOPE(hard_tanh, a) { return F(abs_)(a) < 1 ? 1 : 0; }

/* what is 0 at −3 and 1 at 3.  Howard et al. 2019 */
FO_ACTIVATION(hard_sigmoid) { return F(within)(0, 1, F(fma_)(z, R(1.) / 6, R(0.5))); }
FO_SLOPE(hard_sigmoid, a) { return a > 0 && a < 1 ? R(1.) / 6 : 0; }

FO_ACTIVATION(relu6) { return F(within)(0, 6, z); }
FO_SLOPE(relu6, a) { return a > 0 && a < 6 ? 1 : 0; }

/* The normal distribution function, to its full accuracy in the lower tail: erfc(u) = t·exp(p(2t − 1) − u²), t = 2/(2 + u), with p of least
 * error by Chebyshev's series (in mpmath): 1e-7 for float, 3e-16 for double. */
FO_INLINE real F(normal_share)(real z) {
    const real u = F(abs_)(z) * R(0.70710678118654752440), t = 2 / (2 + u), x = 2 * t - 1;
    real p = 0;
#define TERM(c) p = F(fma_)(p, x, R(c));
#if REAL_IS_FLOAT
    TERM(8.00073816e-06) TERM(0.000333735894) TERM(-0.000227910966) TERM(-0.00204873476) TERM(0.00179406625) TERM(0.00870381204)
    TERM(-0.00988001932) TERM(-0.0468748882) TERM(0.0473438876) TERM(0.672642217) TERM(-0.671794092)
#else
    TERM(-1.2776086554968677e-08) TERM(2.9805133645151678e-08) TERM(7.7455724087585119e-08) TERM(-2.8956265674355242e-07)
    TERM(-4.1468537546636412e-08) TERM(1.2833949153561989e-06) TERM(-1.409445991433531e-06) TERM(-2.9634842309596992e-06)
    TERM(8.6625353974755379e-06) TERM(1.3989370477611051e-07) TERM(-3.0237840540071372e-05) TERM(3.174693542327236e-05)
    TERM(7.141810433422301e-05) TERM(-0.00017430412986925938) TERM(-9.3738947676672951e-05) TERM(0.00067367913525688636)
    TERM(-0.00014624628742128406) TERM(-0.0023458125529958939) TERM(0.0017589335074028032) TERM(0.0088249385613123257)
    TERM(-0.0098726893640992217) TERM(-0.046895610231328919) TERM(0.047343306841863525) TERM(0.6726432239776583)
    TERM(-0.67179408405669216)
#endif
#undef TERM
    const real tail = R(0.5) * t * F(exp_)(F(fma_)(-u, u, p));
    return z > 0 ? 1 - tail : tail;
}

/* z times the normal distribution function.  Hendrycks & Gimpel 2016 */
FO_ACTIVATION(gelu) { return z * F(normal_share)(z); }
FO_SLOPE(gelu, z) { return F(fma_)(z * R(0.39894228040143267794), F(exp_)(R(-0.5) * z * z), F(normal_share)(z)); }

/* that function as (1 + tanh(√(2/π)·(z + 0.044715·z³)))/2 */
FO_INLINE real F(gelu_share)(real z) {
    const F(logistic) l = F(logistic_of)(R(1.59576912160573071176) * F(fma_)(R(0.044715) * z * z, z, z));
    return l.high * l.inverse;
}
FO_ACTIVATION(gelu_tanh) { return z * F(gelu_share)(z); }
FO_SLOPE(gelu_tanh, z) {
    const real share = F(gelu_share)(z), inner = R(1.59576912160573071176) * F(fma_)(R(0.134145) * z, z, 1);
    return share * F(fma_)(z * inner, 1 - share, 1);
}

/* z·logistic(z).  Elfwing et al. 2018 */
FO_ACTIVATION(silu) { return z * F(activation_logistic)(alpha, z); }
FO_SLOPE(silu, z) {
    const real share = F(activation_logistic)(alpha, z);
    return share * F(fma_)(z, 1 - share, 1);
}

/* z·tanh(log(1 + exp(z))): with e = exp(−|z|) the share is (1 + 2e)/(1 + 2e + 2e²) above 0, (e² + 2e)/(e² + 2e + 2) below.  Misra 2019 */
typedef struct { real share, logistic; } F(mish_parts);
FO_INLINE F(mish_parts) F(mish_of)(real z) {
    const F(logistic) l = F(logistic_of)(z);
    const real e = l.e, top = z > 0 ? 1 + 2 * e : e * (e + 2), rest = z > 0 ? 2 * e * e : 2;
    return (F(mish_parts)){top / (top + rest), l.high * l.inverse};
}
FO_ACTIVATION(mish) { return z * F(mish_of)(z).share; }
FO_SLOPE(mish, z) {
    const F(mish_parts) m = F(mish_of)(z);
    return F(fma_)(z * m.logistic, F(fma_)(-m.share, m.share, 1), m.share);
}

/* z·hard_sigmoid(z).  Howard et al. 2019 */
FO_ACTIVATION(hard_swish) { return z * F(activation_hard_sigmoid)(alpha, z); }
FO_SLOPE(hard_swish, z) {
    const real middle = F(fma_)(z, R(1.) / 3, R(0.5));
    return z <= -3 ? 0 : z >= 3 ? 1 : middle;
}

#undef FO_ACTIVATION
#undef FO_SLOPE
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
