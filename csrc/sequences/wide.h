/* wide.h: numbers m·2^e whose exponent is a number of its own: products of thousands of probabilities neither underflow nor lose digits, as
 * their logarithms would, and sums of them need no exp and no log.  Knows vmath.h; used by ctc.h.
 *
 * m is 0, or between sqrt(1/2) and sqrt(2) but for sums on their way.  e is an integer as long as a real can tell it from its neighbours; beyond,
 * it is as exact as a logarithm.  0 has the exponent WIDE_LEAST, which nothing falls below. */
#undef WIDE_LEAST
#undef WIDE_FAR
#if REAL_IS_FLOAT
#define WIDE_LEAST (-0x1p120f) /* the sum of four is finite */
#define WIDE_FAR 0x1p20f       /* exp_reduce finds powers of two up to exp(this) */
#else
#define WIDE_LEAST (-0x1p1000)
#define WIDE_FAR 0x1p48
#endif

typedef struct { real m, e; } F(wide);

#define WIDE_ZERO ((F(wide)){0, WIDE_LEAST})

/* 2^k, k <= 0; 0 below the smallest normal one */
FO_INLINE real F(wide_power)(real k) {
    const real bounded = F(max_)(k, -EXPONENT_BIAS);
    return F(from_bits)(F(bits_of)(bounded + (ROUNDER + EXPONENT_BIAS)) << FRACTION_BITS);
}

/* m·2^e, m >= 0 neither subnormal nor infinite */
FO_INLINE F(wide) F(wide_of)(real m, real e) {
    const F(log_parts) parts = F(log_reduce)(m);
    const int some = m > 0;
    return (F(wide)){some ? 1 + parts.f : 0, some ? F(max_)(e + parts.k, WIDE_LEAST) : WIDE_LEAST};
}

/* a + b, its m up to the sum of theirs */
FO_INLINE F(wide) F(wide_sum)(F(wide) a, F(wide) b) {
    const real e = F(max_)(a.e, b.e);
    return (F(wide)){F(fma_)(a.m, F(wide_power)(a.e - e), b.m * F(wide_power)(b.e - e)), e};
}

FO_INLINE F(wide) F(wide_product)(F(wide) a, F(wide) b) { return F(wide_of)(a.m * b.m, a.e + b.e); }

/* exp(x), x <= 0 */
FO_INLINE F(wide) F(wide_exp)(real x) {
    const int far = x < -WIDE_FAR;
    const F(exp_parts) near = F(exp_reduce)(far ? 0 : x, 0);
    const real log2e = R(1.4426950408889634074);
    return (F(wide)){far ? 1 : 1 + near.s, far ? F(max_)(x * log2e, WIDE_LEAST) : near.n};
}

FO_INLINE double F(wide_log)(F(wide) a) { return a.m > 0 ? log((double)a.m) + (double)a.e * 0.69314718055994530942 : -INFINITY; }
