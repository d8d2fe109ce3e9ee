/* vmath.h: elementary functions in plain C without branches, so that loops over them vectorise at any width and a single
 * call has few dependent steps: polynomials are evaluated pairwise (Estrin), powers of two are built from bits beside
 * them.  Errors stay below 2 units in the last place (tanh: 3; tests/test_vmath.py has the bounds); nan, infinities,
 * overflow and gradual underflow are those of libm.  Used by losses.h and what follows it; knows nothing but real.h. */
#undef ubits
#undef FRACTION_BITS
#undef EXPONENT_BIAS
#undef EXP_LARGEST
#undef EXP_SMALLEST
#undef LN2_HIGH
#undef LN2_LOW
#undef ROUNDER
#undef FO_LEAST_NORMAL
#undef FO_LARGEST_POWER
#if REAL_IS_FLOAT
#define ubits uint32_t
#define FRACTION_BITS 23
#define EXPONENT_BIAS 127
#define EXP_LARGEST 88.7228394f   /* exp(x) overflows above */
#define EXP_SMALLEST -103.972084f /* exp(x) rounds to 0 below: log(2^-150) */
#define LN2_HIGH 0x1.62e4p-1f     /* log(2) split so that k·LN2_HIGH is exact: fdlibm e_expf.c, ln2HI and ln2LO */
#define LN2_LOW 0x1.7f7d1cp-20f
#define FO_LARGEST_POWER 0x1p127f
#define FO_LEAST_NORMAL 0x1p-126f
#define ROUNDER 0x1.8p23f /* (x + ROUNDER) − ROUNDER rounds x to an integer, found in the low bits of the sum */
#else
#define ubits uint64_t
#define FRACTION_BITS 52
#define EXPONENT_BIAS 1023
#define EXP_LARGEST 709.782712893384
#define EXP_SMALLEST -745.1332191019412 /* log(2^-1075) */
#define LN2_HIGH 0x1.62e42feep-1        /* fdlibm e_exp.c, ln2HI and ln2LO */
#define LN2_LOW 0x1.a39ef35793c76p-33
#define FO_LARGEST_POWER 0x1p1023
#define FO_LEAST_NORMAL 0x1p-1022
#define ROUNDER 0x1.8p52
#endif

FO_INLINE ubits F(bits_of)(real x) {
    ubits u;
    memcpy(&u, &x, sizeof u);
    return u;
}
FO_INLINE real F(from_bits)(ubits u) {
    real x;
    memcpy(&x, &u, sizeof x);
    return x;
}
FO_INLINE real F(abs_)(real x) {
#if REAL_IS_FLOAT
    return fabsf(x);
#else
    return fabs(x);
#endif
}
/* |x| with the sign of y */
FO_INLINE real F(copysign_)(real x, real y) {
#if REAL_IS_FLOAT
    return copysignf(x, y);
#else
    return copysign(x, y);
#endif
}
FO_INLINE real F(sign)(real x) { return (real)(x > 0) - (real)(x < 0); }
/* b where one is nan: what is bounded comes second, so that nan is not lost */
FO_INLINE real F(max_)(real a, real b) { return a > b ? a : b; }
FO_INLINE real F(min_)(real a, real b) { return a < b ? a : b; }
FO_INLINE real F(sqrt_)(real x) {
#if REAL_IS_FLOAT
    return sqrtf(x);
#else
    return sqrt(x);
#endif
}

/* sign(w)·max(|w| − threshold, 0) */
FO_INLINE real F(soft)(real w, real threshold) { return F(copysign_)(F(max_)(0, F(abs_)(w) - threshold), w); }

/* ---- exp ---- */

/* exp(x) = 2^n·(1 + s), |s| < 0.42, s = r + rest, |r| <= log(2)/2; the low bits of `biased` hold n + EXPONENT_BIAS */
typedef struct { ubits biased; real n, s, r, rest; } F(exp_parts);

/* x = n·log(2) + r, then s = exp(r) − 1; `excess` is taken from x, for callers that know more of x than a `real` holds
 * (taken, not added: the compiler may drop −0, but not +0) */
FO_INLINE F(exp_parts) F(exp_reduce)(real x, real excess) {
    const real shift = ROUNDER + EXPONENT_BIAS, shifted = F(fma_)(x, R(0x1.71547652b82fep+0), shift);
    const real n = shifted - shift, r_high = F(fma_)(-n, LN2_HIGH, x);
    const real r = F(fma_)(-n, LN2_LOW, r_high) - excess, r2 = r * r;
    /* exp(r) = 1 + r + r²·low + power·high, least maximum of the error relative to exp(r): 3.1e-9 for float, 1.4e-19
     * for double (Remez' algorithm in mpmath) */
#if REAL_IS_FLOAT
    const real low = F(fma_)(r, 0x1.555492p-3f, 0x1.fffffcp-2f), power = r2 * r2; /* r⁴ */
    const real high = F(fma_)(r2, 0x1.6a2434p-10f, F(fma_)(r, 0x1.1239e2p-7f, 0x1.5558f2p-5f));
#else
    const real c23 = F(fma_)(r, 0x1.5555555555555p-3, 0x1.0000000000000p-1), r4 = r2 * r2, power = r4 * r2; /* r⁶ */
    const real c45 = F(fma_)(r, 0x1.1111111111a5ep-7, 0x1.5555555555544p-5);
    const real c67 = F(fma_)(r, 0x1.a01a019a2aa10p-13, 0x1.6c16c16c31ec3p-10);
    const real c89 = F(fma_)(r, 0x1.71de49058d9b8p-19, 0x1.a01a0056864f8p-16);
    const real c1011 = F(fma_)(r, 0x1.ae965dcf088afp-26, 0x1.27ea66c1ed95dp-22);
    const real low = F(fma_)(r2, c45, c23);
    const real high = F(fma_)(r4, F(fma_)(r2, 0x1.108375a15ea8fp-29, c1011), F(fma_)(r2, c89, c67));
#endif
    const real lost = F(fma_)(-n, LN2_LOW, r_high - r); /* of r by rounding */
    return (F(exp_parts)){F(bits_of)(shifted), n, F(fma_)(power, high, F(fma_)(r2, low, r)), r,
                          F(fma_)(power, high, F(fma_)(r2, low, lost))};
}

/* exp(x − excess) = scale·(1 + s), but for x so large that scale overflows: a sum with it waits for s alone, not for
 * the product */
typedef struct { real scale, s, n; } F(exp_pair);
FO_INLINE F(exp_pair) F(exp_scaled)(real x, real excess) {
    const F(exp_parts) e = F(exp_reduce)(x, excess);
    const real normal = F(from_bits)(e.biased << FRACTION_BITS);
    /* a subnormal 2^n is the integer 2^(n + EXPONENT_BIAS − 1 + FRACTION_BITS) read as bits; the integer stands in the
     * low bits of its sum with 2^FRACTION_BITS.  (Scaling twice instead costs some processors dozens of cycles.) */
    const real integer = F(from_bits)((e.biased + (EXPONENT_BIAS - 1 + FRACTION_BITS)) << FRACTION_BITS);
    const ubits fraction = ((ubits)1 << FRACTION_BITS) - 1;
    const real subnormal = F(from_bits)(F(bits_of)(integer + (real)(fraction + 1)) & fraction);
    const real scale = e.n < 1 - EXPONENT_BIAS ? subnormal : normal;
    return (F(exp_pair)){x < EXP_SMALLEST ? 0 : scale, x < EXP_SMALLEST ? 0 : e.s, e.n};
}

/* exp(x − excess), |excess| far below |x| */
FO_INLINE real F(exp_difference)(real x, real excess) {
    const F(exp_pair) e = F(exp_scaled)(x, excess);
    const int large = e.n > EXPONENT_BIAS; /* 2^n overflows, half of it does not */
    const real scale = large ? FO_LARGEST_POWER : e.scale, s = large ? 2 * e.s + 1 : e.s;
    const real y = F(fma_)(scale, s, scale);
    return x <= EXP_LARGEST ? y : x * (real)INFINITY; /* nan stays nan */
}

/* exp(x) */
FO_INLINE real F(exp_)(real x) { return F(exp_difference)(x, 0); }

/* exp(x) − 1, without loss near 0 */
FO_INLINE real F(expm1_)(real x) {
    const F(exp_parts) e = F(exp_reduce)(x, 0);
    const real half = F(from_bits)((e.biased - 1) << FRACTION_BITS); /* 2^n/2: 2^n may overflow */
    const real y = x < -40 ? -1 : 2 * F(fma_)(half, e.rest, F(fma_)(half, e.r, half - R(0.5)));
    return x <= EXP_LARGEST ? y : x * (real)INFINITY;
}

/* tanh(x) = u/(2 + u), u = exp(2x) − 1, near 0; 1 − 2e/(1 + e), e = exp(−2|x|), elsewhere */
FO_INLINE real F(tanh_)(real x) {
    const real z = -2 * F(abs_)(x), u = F(expm1_)(z), e = F(exp_)(z);
    const int small = z > R(-0.8);
    const real t = (small ? -u : 2 * e) / (1 + e);
    return F(copysign_)(small ? t : 1 - t, x);
}

/* ---- log ---- */

/* x = 2^k·(1 + f), sqrt(1/2) <= 1 + f < sqrt(2), for normal x > 0; biased = k + EXPONENT_BIAS */
typedef struct { ubits biased; real k, f; } F(log_parts);
FO_INLINE F(log_parts) F(log_reduce)(real x) {
    const ubits least = F(bits_of)(R(0x1.6a09e667f3bcdp-1)); /* sqrt(1/2) */
    const ubits u = F(bits_of)(x) + (F(bits_of)(1) - least), biased = u >> FRACTION_BITS;
    const ubits fraction = u & (((ubits)1 << FRACTION_BITS) - 1);
    /* k as a number by way of the bits of ROUNDER's neighbour: AVX2 cannot convert 64-bit integers */
    const real two_to = (real)((ubits)1 << FRACTION_BITS);
    return (F(log_parts)){biased, F(from_bits)(F(bits_of)(two_to) | biased) - (two_to + EXPONENT_BIAS),
                          F(from_bits)(fraction + least) - 1};
}

/* f − log(1 + f), given s = f/(2 + f); coefficients of fdlibm e_log.c and, for float, FreeBSD e_logf.c */
FO_INLINE real F(log_rest)(real f, real s) {
    const real half = R(0.5) * f * f, z = s * s, z2 = z * z;
#if REAL_IS_FLOAT
    const real series = F(fma_)(z2, F(fma_)(z, 0xf89e26p-26f, 0x91e9eep-25f), F(fma_)(z, 0xccce13p-25f, 0xaaaaaap-24f));
#else
    const real c12 = F(fma_)(z, 3.999999999940941908e-01, 6.666666666666735130e-01);
    const real c34 = F(fma_)(z, 2.222219843214978396e-01, 2.857142874366239149e-01);
    const real c56 = F(fma_)(z, 1.531383769920937332e-01, 1.818357216161805012e-01);
    const real series = F(fma_)(z2 * z2, F(fma_)(z2, 1.479819860511658591e-01, c56), F(fma_)(z2, c34, c12));
#endif
    return half - s * F(fma_)(z, series, half);
}

/* log(x) */
FO_INLINE real F(log_)(real x) {
    const int subnormal = x < R(0x1p-126);
    const real lift = R(0x1p64);
    const F(log_parts) l = F(log_reduce)(subnormal ? x * lift : x);
    const real k = l.k - (subnormal ? 64 : 0), rest = F(log_rest)(l.f, l.f / (2 + l.f));
    const real y = F(fma_)(k, LN2_HIGH, l.f - (rest - k * LN2_LOW));
    const real edge = x == 0 ? -(real)INFINITY : x < 0 ? (real)NAN : x; /* inf and nan are their own logarithms */
    return x > 0 && x < (real)INFINITY ? y : edge;
}

/* log(1 + x) for finite x >= 0 (or nan) */
FO_INLINE real F(log1p_positive)(real x) {
    const real u = 1 + x, larger = x > 1 ? x : 1, smaller = x > 1 ? 1 : x;
    const real lost = smaller - (u - larger); /* of 1 + x by rounding */
    const F(log_parts) l = F(log_reduce)(u);
    /* one division for f/(2 + f) and lost/u */
    const real d = 2 + l.f, inverse = 1 / (d * (1 + l.f));
    const real scale = F(from_bits)((2 * EXPONENT_BIAS + 1 - l.biased) << FRACTION_BITS); /* 2·2^-k */
    const real rest = F(log_rest)(l.f, l.f * (1 + l.f) * inverse), correction = lost * scale * (R(0.5) * d) * inverse;
    return F(fma_)(l.k, LN2_HIGH, l.f - (rest - F(fma_)(l.k, LN2_LOW, correction)));
}

/* log(1 + x), without loss near 0 */
FO_INLINE real F(log1p_)(real x) {
    const real edge = x == -1 ? -(real)INFINITY : x < -1 ? (real)NAN : x;
    return x > -1 && x < (real)INFINITY ? F(log1p_positive)(x) : edge;
}

/* ---- pow ---- */

/* a·b − ab, where ab is the rounded product */
FO_INLINE real F(product_error)(real a, real b, real ab) {
#if FO_HAS_FMA
    return F(fma_)(a, b, -ab);
#else
    /* Dekker 1971: factors split into halves whose products are exact */
    const real split = (real)(((ubits)1 << (FRACTION_BITS + 2) / 2) + 1), ca = split * a, cb = split * b;
    const real a1 = ca - (ca - a), b1 = cb - (cb - b), a0 = a - a1, b0 = b - b1;
    return ((a1 * b1 - ab) + a1 * b0 + a0 * b1) + a0 * b0;
#endif
}

/* an unevaluated sum of two numbers: twice the digits */
typedef struct { real high, low; } F(two);
FO_INLINE F(two) F(two_product)(real a, real b) {
    const real ab = a * b;
    return (F(two)){ab, F(product_error)(a, b, ab)};
}
FO_INLINE F(two) F(two_sum)(real a, real b) { /* Knuth */
    const real sum = a + b, b1 = sum - a;
    return (F(two)){sum, (a - (sum - b1)) + (b - b1)};
}

/* log(x) to twice the digits but one quarter, x > 0 finite: with s = f/(2 + f), log(1 + f) = 2s + 2s³/3 + 2s⁵/5 + … */
FO_INLINE F(two) F(log_two)(real x) {
    const int subnormal = x < R(0x1p-126);
    const F(log_parts) l = F(log_reduce)(subnormal ? x * R(0x1p64) : x);
    const real k = l.k - (subnormal ? 64 : 0), d = 2 + l.f, s = l.f / d;
    const F(two) sd = F(two_product)(s, d);
    const real s_low = ((l.f - sd.high) - sd.low - s * (l.f - (d - 2))) / d;
    const F(two) z = F(two_product)(s, s), cube = F(two_product)(s, z.high);
    const real third = R(2.) / 3, third_low = REAL_IS_FLOAT ? R(-0x1.555556p-26) : R(0x1.5555555555555p-55); /* 2/3 */
    const F(two) c = F(two_product)(cube.high, third);
    const real cube_low = cube.low + s * F(fma_)(2 * s, s_low, z.low) + s_low * z.high;
    real series = 0; /* 2/5 + 2z/7 + … as far as `real` feels it */
#define TERM(i) series = F(fma_)(series, z.high, R(2.) / R(i))
#if !REAL_IS_FLOAT
    TERM(27.0), TERM(25.0), TERM(23.0), TERM(21.0), TERM(19.0), TERM(17.0), TERM(15.0);
#endif
    TERM(13.0), TERM(11.0), TERM(9.0), TERM(7.0), TERM(5.0);
#undef TERM
    const F(two) a = F(two_sum)(k * LN2_HIGH, 2 * s), b = F(two_sum)(a.high, c.high);
    const real low = F(fma_)(cube.high, third_low, F(fma_)(cube_low, third, c.low)) + F(fma_)(2, s_low, k * LN2_LOW);
    return F(two_sum)(b.high, F(fma_)(cube.high * z.high, series, low) + (a.low + b.low));
}

/* x^y for x >= 0; nan for x < 0 */
FO_INLINE real F(pow)(real x, real y) {
    const int inside = x > 0 && x < (real)INFINITY;
    const F(two) l = F(log_two)(inside ? x : 1), h = F(two_product)(y, l.high);
    const real z = F(exp_difference)(h.high, -F(fma_)(y, l.low, h.low));
    const real edge = x == 0 ? (y < 0 ? (real)INFINITY : 0) : x > 0 ? (y < 0 ? 0 : x) : (real)NAN;
    return y == 0 ? 1 : inside ? z : edge;
}

/* e = exp(−|x|), and of 1/(1 + exp(−x)) and 1/(1 + exp(x)) the numerators over 1 + e: neither is a difference */
typedef struct { real e, inverse, high, low; } F(logistic);
FO_INLINE F(logistic) F(logistic_of)(real x) {
    const real e = F(exp_)(-F(abs_)(x));
    return (F(logistic)){e, 1 / (1 + e), x > 0 ? 1 : e, x > 0 ? e : 1};
}

/* log(1 + exp(x)) */
FO_INLINE real F(softplus)(real x) { return F(log1p_positive)(F(exp_)(-F(abs_)(x))) + F(max_)(x, 0); }
