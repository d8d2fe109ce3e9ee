/* real.h: the element type of this pass over the sources.  The kernels.c of a folder includes its loops.h once with REAL_IS_FLOAT 1
 * and once with 0; `real` is float or double and F(name) the name with the type's suffix, and fo_ in front because
 * arm_neon.h has a vfma_f32 of its own.  No include guard: it is re-read. */
#undef real
#undef real_bits
#undef F
#undef R
#if REAL_IS_FLOAT
#define real float
#define real_bits int32_t
#define F(name) fo_##name##_f32
#define R(x) x##f /* a literal of type real */
#else
#define real double
#define real_bits int64_t
#define F(name) fo_##name##_f64
#define R(x) x
#endif

/* FO_INLINE: always inlined, bodies that take constants and let the compiler specialise them.  FO_KERNEL: what the table points to,
 * compiled in the folder that owns it; other folders include it for the sake of its inline functions alone.  FO_COLD: seldom called. */
#ifndef FO_INLINE
#if defined(_MSC_VER) && !defined(__clang__)
#define FO_INLINE static __forceinline
#define FO_KERNEL static
#define FO_COLD static __declspec(noinline)
#define restrict __restrict
#define FO_SIMD
#define FO_SIMD_SUM(...)
#define FO_SIMD_OR(...)
#define FO_SIMD_OR_MAX(bits, ...)
#define FO_SIMD_MAX(x)
#define FO_UNROLL
#define FO_PREFETCH(p) ((void)(p))
#define FO_UNLIKELY(x) (x)
#else
#define FO_KERNEL static __attribute__((unused))
#define FO_COLD static __attribute__((unused, cold, noinline))
#ifdef FO_NO_INLINE /* sanitizers, which take many minutes to instrument the specialised bodies */
#define FO_INLINE static inline
#else
#define FO_INLINE static inline __attribute__((always_inline))
#endif
#define FO_SIMD _Pragma("omp simd")
#define FO_SIMD_SUM(...) FO_PRAGMA(omp simd reduction(+ : __VA_ARGS__))
#define FO_SIMD_OR(...) FO_PRAGMA(omp simd reduction(| : __VA_ARGS__))
#define FO_SIMD_OR_MAX(bits, ...) FO_PRAGMA(omp simd reduction(| : bits) reduction(max : __VA_ARGS__)) /* of integers */
#ifdef __clang__ /* which does not take a maximum of floats apart, and warns where it is asked to */
#define FO_SIMD_MAX(x)
#else
#define FO_SIMD_MAX(x) FO_PRAGMA(omp simd reduction(max : x))
#endif
#define FO_PRAGMA(text) _Pragma(#text)
#define FO_UNROLL _Pragma("GCC unroll 16") /* before vectors are placed: else they live in memory */
#define FO_PREFETCH(p) __builtin_prefetch((p), 0, 3)
#define FO_UNLIKELY(x) __builtin_expect(!!(x), 0)
#endif
#endif

/* a·b + c: one rounding where the instruction set has it, so that AVX2, AVX-512 and NEON agree bit for bit */
#ifndef FO_HAS_FMA
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA) || defined(__AVX2__)
#define FO_HAS_FMA 1
#else
#define FO_HAS_FMA 0
#endif
#endif
FO_INLINE real F(fma_)(real a, real b, real c) {
#if FO_HAS_FMA
#if REAL_IS_FLOAT
    return fmaf(a, b, c);
#else
    return fma(a, b, c);
#endif
#else
    return a * b + c;
#endif
}
