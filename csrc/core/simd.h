/* simd.h: a vector of 64 bytes, VLEN elements, made of as many registers as the instruction set needs for it, so that
 * sums are added in the same order everywhere.  The only place with intrinsics: gcc 12 keeps fixed-lane arrays of 16
 * accumulators in scalar registers and turns short tails into element loops, which cost a row of 28 floats 3x. */
#undef VLEN
#undef VPARTS
#define VLEN ((int)(64 / sizeof(real)))

#ifndef FO_SIMD_HEADERS
#define FO_SIMD_HEADERS
#if defined(__AVX2__) || defined(__AVX512F__)
#include <immintrin.h>
#endif
#if defined(__aarch64__)
#include <arm_neon.h>
#endif
/* bytes of an element of X, `real_size` for one of the computation's type */
FO_INLINE ptrdiff_t element_size(const int element, size_t real_size) {
    return element == FO_REAL ? (ptrdiff_t)real_size : element == FO_FLOAT16 ? 2 : 1;
}
/* the float that half a float stands for: its bits moved to their places, its exponent by a product, so that subnormal ones come
 * out too; infinite and nan ones keep their exponent of ones */
FO_INLINE float float_of_half(uint16_t half) {
    const uint32_t size = (uint32_t)(half & 0x7fff) << 13, sign = (uint32_t)(half & 0x8000) << 16;
    float x;
    uint32_t bits = size;
    memcpy(&x, &bits, sizeof x);
    x *= 0x1p112f;
    memcpy(&bits, &x, sizeof x);
    bits = (size >= 0x0f800000 ? size | 0x7f800000 : bits) | sign;
    memcpy(&x, &bits, sizeof x);
    return x;
}
#if !defined(__GNUC__) /* no vectors of elements in the language */
#define FO_REGISTER_BYTES 8
#elif defined(__AVX512F__)
#define FO_REGISTER_BYTES 64
#elif defined(__AVX2__)
#define FO_REGISTER_BYTES 32
#else
#define FO_REGISTER_BYTES 16
#endif
/* outputs that one sweep over a row serves: bounded by the number of registers */
#define FO_TILE (FO_REGISTER_BYTES == 64 ? 4 : 2)
#endif

/* one register */
#if defined(__GNUC__)
typedef real F(reg) __attribute__((vector_size(FO_REGISTER_BYTES)));
#else
typedef struct { real e[FO_REGISTER_BYTES / sizeof(real)]; } F(reg);
#endif
#define VPARTS ((int)(64 / sizeof(F(reg))))
typedef struct { F(reg) part[64 / FO_REGISTER_BYTES]; } F(vec);

/* some quarters of registers x and y, or some elements of each quarter, side by side, added to others */
#if FO_REGISTER_BYTES == 64 && REAL_IS_FLOAT
#define FO_PAIRS(x, y, some, others, what) (F(shuffle_##what)(x, y, some) + F(shuffle_##what)(x, y, others))
#define fo_shuffle_quarters_f32 _mm512_shuffle_f32x4
#define fo_shuffle_elements_f32 _mm512_shuffle_ps
#elif FO_REGISTER_BYTES == 64
#define fo_shuffle_quarters_f64 _mm512_shuffle_f64x2
#define fo_shuffle_elements_f64 _mm512_shuffle_pd
#endif

#define FO_EACH_PART FO_UNROLL for (int part = 0; part < VPARTS; part++)
#define FO_EACH_ELEMENT FO_UNROLL for (int j = 0; j < (int)(sizeof(F(reg)) / sizeof(real)); j++)

/* a·b + c in each element of a register */
FO_INLINE F(reg) F(reg_fma)(F(reg) a, F(reg) b, F(reg) c) {
#if FO_REGISTER_BYTES == 64 && REAL_IS_FLOAT
    return _mm512_fmadd_ps(a, b, c);
#elif FO_REGISTER_BYTES == 64
    return _mm512_fmadd_pd(a, b, c);
#elif FO_REGISTER_BYTES == 32 && REAL_IS_FLOAT
    return _mm256_fmadd_ps(a, b, c);
#elif FO_REGISTER_BYTES == 32
    return _mm256_fmadd_pd(a, b, c);
#elif defined(__aarch64__) && REAL_IS_FLOAT
    return vfmaq_f32(c, a, b);
#elif defined(__aarch64__)
    return vfmaq_f64(c, a, b);
#elif defined(__GNUC__)
    return a * b + c;
#else
    FO_EACH_ELEMENT c.e[j] = F(fma_)(a.e[j], b.e[j], c.e[j]);
    return c;
#endif
}

FO_INLINE F(vec) F(vfma)(F(vec) a, F(vec) b, F(vec) c) {
    FO_EACH_PART c.part[part] = F(reg_fma)(a.part[part], b.part[part], c.part[part]);
    return c;
}

/* a + b in each element */
FO_INLINE F(vec) F(vadd)(F(vec) a, F(vec) b) {
#if defined(__GNUC__)
    FO_EACH_PART a.part[part] += b.part[part];
#else
    FO_EACH_PART FO_EACH_ELEMENT a.part[part].e[j] += b.part[part].e[j];
#endif
    return a;
}

/* a − b in each element */
FO_INLINE F(vec) F(vsub)(F(vec) a, F(vec) b) {
#if defined(__GNUC__)
    FO_EACH_PART a.part[part] -= b.part[part];
#else
    FO_EACH_PART FO_EACH_ELEMENT a.part[part].e[j] -= b.part[part].e[j];
#endif
    return a;
}

/* x where `gate` is above 0 or nan, else 0 */
FO_INLINE F(vec) F(vgate)(F(vec) x, F(vec) gate) {
#if FO_REGISTER_BYTES == 64 && REAL_IS_FLOAT
    x.part[0] = _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(gate.part[0], _mm512_setzero_ps(), _CMP_NLE_UQ), x.part[0]);
#elif FO_REGISTER_BYTES == 64
    x.part[0] = _mm512_maskz_mov_pd(_mm512_cmp_pd_mask(gate.part[0], _mm512_setzero_pd(), _CMP_NLE_UQ), x.part[0]);
#elif defined(__GNUC__)
    typedef real_bits lanes __attribute__((vector_size(sizeof(F(reg)))));
    FO_EACH_PART x.part[part] = (F(reg))((lanes)x.part[part] & ~(lanes)(gate.part[part] <= 0));
#else
    FO_EACH_PART FO_EACH_ELEMENT x.part[part].e[j] = gate.part[part].e[j] <= 0 ? 0 : x.part[part].e[j];
#endif
    return x;
}

/* x in each element */
FO_INLINE F(vec) F(vset)(real x) {
    F(vec) v;
#if defined(__GNUC__)
    FO_EACH_PART v.part[part] = x - (F(reg)){0};
#else
    FO_EACH_PART FO_EACH_ELEMENT v.part[part].e[j] = x;
#endif
    return v;
}

/* register by register: copied as a whole, a vec of several registers goes through memory */
FO_INLINE F(vec) F(vload)(const real *x) {
    F(vec) v;
    FO_EACH_PART memcpy(&v.part[part], x + part * (VLEN / VPARTS), sizeof v.part[part]);
    return v;
}

FO_INLINE void F(vstore)(real *x, F(vec) v) {
    FO_EACH_PART memcpy(x + part * (VLEN / VPARTS), &v.part[part], sizeof v.part[part]);
}

/* vload for a row of X, which comes from memory and lies anywhere: in halves, as a 64-byte load of lines under way costs more
 * than two of 32 (measured: 166 against 129 ns for a row of 784 floats) */
FO_INLINE F(vec) F(vload_row)(const real *x) {
#if FO_REGISTER_BYTES == 64 && REAL_IS_FLOAT
    return (F(vec)){{_mm512_insertf32x8(_mm512_castps256_ps512(_mm256_loadu_ps(x)), _mm256_loadu_ps(x + 8), 1)}};
#elif FO_REGISTER_BYTES == 64
    return (F(vec)){{_mm512_insertf64x4(_mm512_castpd256_pd512(_mm256_loadu_pd(x)), _mm256_loadu_pd(x + 4), 1)}};
#else
    return F(vload)(x);
#endif
}

/* the first m <= VLEN elements of x, zeros behind them; reads nothing beyond them */
FO_INLINE F(vec) F(vload_part)(const real *x, int m) {
    F(vec) v;
#if FO_REGISTER_BYTES == 64 && REAL_IS_FLOAT
    v.part[0] = _mm512_maskz_loadu_ps((__mmask16)((1u << m) - 1), x);
#elif FO_REGISTER_BYTES == 64
    v.part[0] = _mm512_maskz_loadu_pd((__mmask8)((1u << m) - 1), x);
#elif FO_REGISTER_BYTES == 32 && REAL_IS_FLOAT
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    FO_EACH_PART v.part[part] =
        _mm256_maskload_ps(x + 8 * part, _mm256_cmpgt_epi32(_mm256_set1_epi32(m - 8 * part), lane));
#elif FO_REGISTER_BYTES == 32
    const __m256i lane = _mm256_setr_epi64x(0, 1, 2, 3);
    FO_EACH_PART v.part[part] =
        _mm256_maskload_pd(x + 4 * part, _mm256_cmpgt_epi64(_mm256_set1_epi64x(m - 4 * part), lane));
#else
    real e[64 / sizeof(real)] = {0};
    for (int j = 0; j < m; j++) e[j] = x[j];
    v = F(vload)(e);
#endif
    return v;
}

/* the last byte that loads of whole vectors of a row of d elements touch: a vector in part waits for the lines behind the row too */
#ifndef FO_LAST_BYTE
#define FO_LAST_BYTE(x, d) ((const char *)((x) + ((d) + VLEN - 1) / VLEN * VLEN) - 1)
#endif

/* vload_row and vload_part from element i on of a row whose elements are stored in a type of their own */
#if REAL_IS_FLOAT
FO_INLINE F(vec) F(vload_small)(const int element, const void *x) {
#if FO_REGISTER_BYTES == 64
    if (element == FO_FLOAT16) return (F(vec)){{_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)x))}};
    const __m128i bytes = _mm_loadu_si128((const __m128i *)x);
    return (F(vec)){{_mm512_cvtepi32_ps(element == FO_INT8 ? _mm512_cvtepi8_epi32(bytes) : _mm512_cvtepu8_epi32(bytes))}};
#elif FO_REGISTER_BYTES == 32
    if (element != FO_FLOAT16) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)x), rest = _mm_srli_si128(bytes, 8);
        return element == FO_INT8
                   ? (F(vec)){{_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)), _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(rest))}}
                   : (F(vec)){{_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)), _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(rest))}};
    }
#endif
    float e[16];
    uint16_t half[16];
    memcpy(half, x, element == FO_FLOAT16 ? 32 : 16);
    FO_SIMD
    for (int j = 0; j < 16; j++)
        e[j] = element == FO_FLOAT16 ? float_of_half(half[j])
                                     : element == FO_INT8 ? ((const int8_t *)half)[j] : ((const uint8_t *)half)[j];
    return F(vload)(e);
}
#endif
FO_INLINE F(vec) F(vload_element)(const int element, const char *x, ptrdiff_t i) {
#if REAL_IS_FLOAT
    if (element != FO_REAL) return F(vload_small)(element, x + i * element_size(element, sizeof(real)));
#endif
    (void)element;
    return F(vload)((const real *)(const void *)x + i);
}
FO_INLINE F(vec) F(vload_element_part)(const int element, const char *x, ptrdiff_t i, int m) {
#if REAL_IS_FLOAT
    if (element != FO_REAL) {
        char e[32] = {0};
        memcpy(e, x + i * element_size(element, sizeof(real)), (size_t)(m * element_size(element, sizeof(real))));
        return F(vload_small)(element, e);
    }
#endif
    (void)element;
    return F(vload_part)((const real *)(const void *)x + i, m);
}

/* the first m <= VLEN elements of v to x; writes nothing beyond them */
FO_INLINE void F(vstore_part)(real *x, F(vec) v, int m) {
#if FO_REGISTER_BYTES == 64 && REAL_IS_FLOAT
    _mm512_mask_storeu_ps(x, (__mmask16)((1u << m) - 1), v.part[0]);
#elif FO_REGISTER_BYTES == 64
    _mm512_mask_storeu_pd(x, (__mmask8)((1u << m) - 1), v.part[0]);
#else
    real e[64 / sizeof(real)];
    F(vstore)(e, v);
    for (int j = 0; j < m; j++) x[j] = e[j];
#endif
}

/* the sum of all elements, halves added until one is left: the same order in every width of register */
FO_INLINE real F(vsum)(F(vec) v) {
#if FO_REGISTER_BYTES >= 32 && REAL_IS_FLOAT
#if FO_REGISTER_BYTES == 64
    const __m256 s8 = _mm256_add_ps(_mm512_castps512_ps256(v.part[0]), _mm512_extractf32x8_ps(v.part[0], 1));
#else
    const __m256 s8 = _mm256_add_ps(v.part[0], v.part[1]);
#endif
    const __m128 s4 = _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
    const __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
    return _mm_cvtss_f32(_mm_add_ss(s2, _mm_movehdup_ps(s2)));
#elif FO_REGISTER_BYTES >= 32
#if FO_REGISTER_BYTES == 64
    const __m256d s4 = _mm256_add_pd(_mm512_castpd512_pd256(v.part[0]), _mm512_extractf64x4_pd(v.part[0], 1));
#else
    const __m256d s4 = _mm256_add_pd(v.part[0], v.part[1]);
#endif
    const __m128d s2 = _mm_add_pd(_mm256_castpd256_pd128(s4), _mm256_extractf128_pd(s4, 1));
    return _mm_cvtsd_f64(_mm_add_sd(s2, _mm_unpackhi_pd(s2, s2)));
#else
    real e[64 / sizeof(real)];
    F(vstore)(e, v);
    for (int half = VLEN / 2; half > 0; half /= 2)
        for (int j = 0; j < half; j++) e[j] += e[j + half];
    return e[0];
#endif
}

/* out[r] = vsum(s[r]) for 8 vectors, or 16 of float: where a register holds a vector, halves of two are added at once.  The order
 * in which vectors enter makes the sums come out in theirs. */
FO_INLINE void F(vsum_each)(const int count, const F(vec) *s, real *out) {
#if FO_REGISTER_BYTES == 64
    static const int order[2][16] = {{0, 1, 4, 5, 2, 3, 6, 7}, {0, 2, 1, 3, 8, 10, 9, 11, 4, 6, 5, 7, 12, 14, 13, 15}};
    F(reg) a[8];
    FO_UNROLL for (int i = 0; i < count / 2; i++) {
        const F(reg) x = s[order[count == 16][i]].part[0], y = s[order[count == 16][i + count / 2]].part[0];
        a[i] = FO_PAIRS(x, y, 0x44, 0xee, quarters);
    }
    FO_UNROLL for (int i = 0; i < count / 4; i++) a[i] = FO_PAIRS(a[i], a[i + count / 4], 0x88, 0xdd, quarters);
#if REAL_IS_FLOAT
    FO_UNROLL for (int i = 0; i < count / 8; i++) a[i] = FO_PAIRS(a[i], a[i + count / 8], 0x44, 0xee, elements);
    const F(reg) sums = FO_PAIRS(a[0], count == 16 ? a[1] : a[0], 0x88, 0xdd, elements);
    if (count == 16) _mm512_storeu_ps(out, sums);
    else _mm256_storeu_ps(out, _mm512_castps512_ps256(_mm512_maskz_compress_ps(0x3333, sums)));
#else
    _mm512_storeu_pd(out, FO_PAIRS(a[0], a[1], 0x00, 0xff, elements));
#endif
#else
    for (int i = 0; i < count; i++) out[i] = F(vsum)(s[i]);
#endif
}
