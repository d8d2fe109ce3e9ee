/* moments.h: moments kept in fewer bits than a weight has, for less traffic with memory: bfloat16, or 8 bits with one scale
 * for each FO_PACK elements (Dettmers et al. 2022).  A block is unpacked into the cache, stepped by the same loop as any
 * other, and packed again.  Second moments v are kept as √v, which halves the range that bits must cover, and never as 0
 * where they are not.  Rounding is random but reproducible, from the place of the element and the step: rounded to
 * nearest, a moment would stand still, as a step changes v by a thousandth of it, less than its last bit.
 * Read once, for float; doubles are converted on the way. */
#if REAL_IS_FLOAT
#define PACKS_AHEAD 2 /* blocks */
/* 8 bits: 4 of exponent; first moments have a sign and 3 of fraction, roots of second moments 4 of fraction.  A code stands
 * for the number that it is the upper bits of, minus the least of them, so that 0 is 0 and spacing is even near it. */
#define SIGNED_FRACTION 3
#define ROOT_FRACTION 4
#define LEAST_CODED 0x1p-14f
#define LEAST_BITS 0x38800000u /* of LEAST_CODED */
/* roots that are not 0 must not become 0, or their element would leap: each code stands for half a spacing more */
#define ROOT_SHIFT (LEAST_CODED - 0x1p-19f)
/* the largest numbers with 4 bits of exponent: at them a block's largest element is put */
#define LARGEST_SIGNED (1.875f - LEAST_CODED)
#define LARGEST_ROOT (1.9375f - ROOT_SHIFT)

FO_INLINE float float_of(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
FO_INLINE uint32_t bits_of_float(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* 32 random bits from a place and a seed: multiply and shift, twice (after Wellons' lowbias32) */
FO_INLINE uint32_t noise(uint32_t i, uint32_t seed) {
    uint32_t x = (i ^ seed) * 0x9e3779b1u;
    x = (x ^ (x >> 15)) * 0x2c1b3c6du;
    return x ^ (x >> 13);
}

/* the code of x >= LEAST_CODED, rounded up with the probability that the lower bits say; r has 16 random bits */
FO_INLINE uint32_t code_of(const int fraction, float x, uint32_t r) {
    const uint32_t code = (bits_of_float(x) - LEAST_BITS + (r << (7 - fraction))) >> (23 - fraction);
    const uint32_t largest = (16u << fraction) - 1;
    return code < largest ? code : largest;
}

FO_INLINE float number_of(const int fraction, uint32_t code) { return float_of((code << (23 - fraction)) + LEAST_BITS); }
#endif

/* largest |x|, for finite x: in any order the same */
FO_INLINE real F(largest)(ptrdiff_t n, const real *x) {
    real most = 0;
    FO_SIMD_MAX(most)
    for (ptrdiff_t i = 0; i < n; i++) most = F(max_)(most, F(abs_)(x[i]));
    return most;
}

FO_INLINE void F(unpack_signed)(ptrdiff_t n, const uint8_t *codes, float scale, real *restrict x) {
    FO_SIMD
    for (ptrdiff_t i = 0; i < n; i++) {
        const uint32_t code = codes[i];
        const float size = (number_of(SIGNED_FRACTION, code & 127u) - LEAST_CODED) * scale;
        x[i] = (real)float_of(bits_of_float(size) | (code & 128u) << 24);
    }
}

FO_INLINE void F(unpack_root)(ptrdiff_t n, const uint8_t *codes, float scale, real *restrict x) {
    FO_SIMD
    for (ptrdiff_t i = 0; i < n; i++) {
        const float root = (number_of(ROOT_FRACTION, codes[i]) - ROOT_SHIFT) * scale;
        x[i] = (real)root * (real)root;
    }
}

FO_INLINE float F(pack_signed)(ptrdiff_t n, const real *x, const uint32_t *random, uint32_t mask, uint8_t *restrict codes) {
    const float most = (float)F(largest)(n, x), up = most > 0 ? LARGEST_SIGNED / most : 0;
    FO_SIMD
    for (ptrdiff_t i = 0; i < n; i++) {
        const uint32_t bits = bits_of_float((float)x[i] * up);
        const uint32_t code = code_of(SIGNED_FRACTION, float_of(bits & 0x7fffffffu) + LEAST_CODED,
                                      (random[i] ^ mask) & 0xffffu);
        codes[i] = (uint8_t)(code | (bits >> 24 & 128u));
    }
    return most / LARGEST_SIGNED;
}

FO_INLINE float F(pack_root)(ptrdiff_t n, const real *x, const uint32_t *random, uint32_t mask, uint8_t *restrict codes) {
    const float most = sqrtf((float)F(largest)(n, x)), up = most > 0 ? LARGEST_ROOT / most : 0;
    FO_SIMD
    for (ptrdiff_t i = 0; i < n; i++) {
        const float root = sqrtf((float)x[i]) * up + ROOT_SHIFT;
        codes[i] = (uint8_t)code_of(ROOT_FRACTION, root > LEAST_CODED ? root : LEAST_CODED, (random[i] ^ mask) >> 16);
    }
    return most / LARGEST_ROOT;
}

/* bfloat16: the upper half of a float */
FO_INLINE void F(unpack_half)(ptrdiff_t n, const uint16_t *halves, real *restrict x) {
    FO_SIMD
    for (ptrdiff_t i = 0; i < n; i++) x[i] = (real)float_of((uint32_t)halves[i] << 16);
}

FO_INLINE void F(pack_half)(ptrdiff_t n, const real *x, const uint32_t *random, uint32_t mask, int shift,
                            uint16_t *restrict halves) {
    FO_SIMD
    for (ptrdiff_t i = 0; i < n; i++)
        halves[i] = (uint16_t)((bits_of_float((float)x[i]) + ((random[i] ^ mask) >> shift & 0xffffu)) >> 16);
}

FO_KERNEL int F(step_packed)(const fo_step *step, int packing, int states, ptrdiff_t n, ptrdiff_t place, double t,
                          const void *g, void *w, void *const *state) {
    real m[FO_PACK], v[FO_PACK];
    uint32_t random[FO_PACK]; /* of the places in a block; each block turns over bits of its own */
    void *const unpacked[FO_STATES] = {m, v, NULL, NULL};
    const uint32_t seed = noise((uint32_t)(int64_t)t, 0x5bd1e995u);
    const ptrdiff_t width = packing == FO_BFLOAT16 ? 2 : 1;
    int finite = 1;
    FO_SIMD
    for (int i = 0; i < FO_PACK; i++) random[i] = noise((uint32_t)i, seed);
    for (ptrdiff_t i = 0; i < n; i += FO_PACK) {
        const ptrdiff_t k = n - i < FO_PACK ? n - i : FO_PACK, block = i / FO_PACK;
        const uint32_t mask = noise((uint32_t)((place + i) / FO_PACK), ~seed);
        void *const second = states > 1 ? state[1] : state[0], *const scales = state[states > 1 ? 3 : 2];
        uint8_t *m8 = (uint8_t *)state[0] + i, *v8 = (uint8_t *)second + i;
        uint16_t *m16 = (uint16_t *)state[0] + i, *v16 = (uint16_t *)second + i;
        float *m_scale = state[2], *v_scale = scales; /* 8 bits only */
        /* what a block needs comes in bursts, which the processor's own prefetching does not see coming */
        prefetch_bytes((const real *)g + i + PACKS_AHEAD * FO_PACK, FO_PACK * (ptrdiff_t)sizeof(real));
        prefetch_bytes((const real *)w + i + PACKS_AHEAD * FO_PACK, FO_PACK * (ptrdiff_t)sizeof(real));
        prefetch_bytes((const char *)state[0] + (i + PACKS_AHEAD * FO_PACK) * width, FO_PACK * width);
        prefetch_bytes((const char *)second + (i + PACKS_AHEAD * FO_PACK) * width, FO_PACK * width);
        if (packing == FO_BFLOAT16) {
            F(unpack_half)(k, m16, m);
            if (states > 1) F(unpack_half)(k, v16, v);
        } else {
            F(unpack_signed)(k, m8, m_scale[block], m);
            if (states > 1) F(unpack_root)(k, v8, v_scale[block], v);
        }
        finite &= F(step)(step, k, (const real *)g + i, (real *)w + i, unpacked);
        if (packing == FO_BFLOAT16) {
            F(pack_half)(k, m, random, mask, 0, m16);
            if (states > 1) F(pack_half)(k, v, random, mask, 16, v16);
        } else {
            m_scale[block] = F(pack_signed)(k, m, random, mask, m8);
            if (states > 1) v_scale[block] = F(pack_root)(k, v, random, mask, v8);
        }
    }
    return finite;
}
