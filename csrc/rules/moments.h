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

/* the code of the number with these bits, at least LEAST_BITS, rounded up with the probability that the lower ones say; r is random
 * below the code's last bit, its 16 first bits */
FO_INLINE uint32_t code_of(const int fraction, uint32_t bits, uint32_t r) {
    const uint32_t code = (bits - LEAST_BITS + r) >> (23 - fraction);
    const uint32_t largest = (16u << fraction) - 1;
    return code < largest ? code : largest;
}

FO_INLINE float number_of(const int fraction, uint32_t code) { return float_of((code << (23 - fraction)) + LEAST_BITS); }

/* the code of a first moment, which `up` brings to at most LARGEST_SIGNED */
FO_INLINE uint8_t first_code(float m, float up, uint32_t r) {
    const uint32_t bits = bits_of_float(m * up);
    return (uint8_t)(code_of(SIGNED_FRACTION, bits_of_float(float_of(bits & 0x7fffffffu) + LEAST_CODED), r) | (bits >> 24 & 128u));
}

/* that of the root of a second moment, at most LARGEST_ROOT */
FO_INLINE uint8_t second_code(float root, float up, uint32_t r) {
    const uint32_t bits = bits_of_float(root * up + ROOT_SHIFT);
    return (uint8_t)code_of(ROOT_FRACTION, bits > LEAST_BITS ? bits : LEAST_BITS, r);
}

/* random bits of the places in a block, for first and for second moments, below the last bit that is kept of each; a block turns over
 * bits of its own, those of its mask */
typedef struct { uint32_t first[FO_PACK], second[FO_PACK]; } fo_noise_block;

FO_INLINE uint32_t noise_of_first(const int packing, uint32_t r) {
    return (r & 0xffffu) << (packing == FO_EIGHT_BITS ? 7 - SIGNED_FRACTION : 0);
}
FO_INLINE uint32_t noise_of_second(const int packing, uint32_t r) {
    return (r >> 16) << (packing == FO_EIGHT_BITS ? 7 - ROOT_FRACTION : 0);
}
#endif

FO_INLINE real F(first_of)(uint32_t code, float scale) {
    const float size = (number_of(SIGNED_FRACTION, code & 127u) - LEAST_CODED) * scale;
    return (real)float_of(bits_of_float(size) | (code & 128u) << 24);
}

FO_INLINE real F(second_of)(uint32_t code, float scale) {
    const float root = (number_of(ROOT_FRACTION, code) - ROOT_SHIFT) * scale;
    return (real)root * (real)root;
}

/* bfloat16: the upper half of a float, rounded up with the probability that the lower half says */
FO_INLINE real F(of_half)(uint16_t half) { return (real)float_of((uint32_t)half << 16); }
FO_INLINE uint16_t F(half_of)(real x, uint32_t r) { return (uint16_t)((bits_of_float((float)x) + r) >> 16); }

/* One step of k <= FO_PACK weights whose moments are halves, unpacked and packed in registers. */
FO_INLINE int F(step_halves)(F(rule) rule, const int states, const int bare, const F(coefs) *h, ptrdiff_t k,
                             const real *restrict g, real *restrict w, uint16_t *restrict m, uint16_t *restrict v,
                             const fo_noise_block *restrict random, uint32_t m_mask, uint32_t v_mask) {
    real_bits zero = 0;
    FO_SIMD_OR(zero)
    for (ptrdiff_t i = 0; i < k; i++) {
        F(param) x = {w[i], F(of_half)(m[i]), states > 1 ? F(of_half)(v[i]) : 0, 0, 0, 0};
        x = F(one_step)(rule, bare, h, g[i], x);
        w[i] = x.w;
        zero |= F(zero_bits)(x.w, g[i]);
        m[i] = F(half_of)(x.s0, random->first[i] ^ m_mask);
        if (states > 1) v[i] = F(half_of)(x.s1, random->second[i] ^ v_mask);
    }
    return F(is_zero)(zero);
}

/* The same of moments in 8 bits, with the scales of these k: new scales are known when all have been stepped. */
FO_INLINE int F(step_codes)(F(rule) rule, const int states, const int bare, const F(coefs) *h, ptrdiff_t k,
                            const real *restrict g, real *restrict w, uint8_t *restrict m, uint8_t *restrict v,
                            float *m_scale, float *v_scale, const fo_noise_block *restrict random, uint32_t m_mask, uint32_t v_mask) {
    float first[FO_PACK], root[FO_PACK];
    real_bits zero = 0;
    const float m_old = *m_scale, v_old = states > 1 ? *v_scale : 0;
    uint32_t m_most = 0, v_most = 0; /* bits of the largest, which are in the order of the numbers */
    FO_SIMD_OR_MAX(zero, m_most, v_most)
    for (ptrdiff_t i = 0; i < k; i++) {
        F(param) x = {w[i], F(first_of)(m[i], m_old), states > 1 ? F(second_of)(v[i], v_old) : 0, 0, 0, 0};
        x = F(one_step)(rule, bare, h, g[i], x);
        w[i] = x.w;
        zero |= F(zero_bits)(x.w, g[i]);
        first[i] = (float)x.s0;
        const uint32_t m_bits = bits_of_float(first[i]) & 0x7fffffffu;
        m_most = m_bits > m_most ? m_bits : m_most;
        if (states > 1) {
            root[i] = (float)F(sqrt_)(x.s1);
            v_most = bits_of_float(root[i]) > v_most ? bits_of_float(root[i]) : v_most;
        }
    }
    const float m_largest = float_of(m_most), v_largest = float_of(v_most);
    const float m_up = m_largest > 0 ? LARGEST_SIGNED / m_largest : 0, v_up = v_largest > 0 ? LARGEST_ROOT / v_largest : 0;
    *m_scale = m_largest / LARGEST_SIGNED;
    if (states > 1) *v_scale = v_largest / LARGEST_ROOT;
    FO_SIMD
    for (ptrdiff_t i = 0; i < k; i++) {
        m[i] = first_code(first[i], m_up, random->first[i] ^ m_mask);
        if (states > 1) v[i] = second_code(root[i], v_up, random->second[i] ^ v_mask);
    }
    return F(is_zero)(zero);
}

/* One step of the k weights of a block, which begins at the weight i. */
FO_INLINE int F(step_pack)(F(rule) rule, const int states, const int bare, const int packing, const F(coefs) *h, ptrdiff_t k,
                           ptrdiff_t i, uint32_t mask, const fo_noise_block *random, const real *g, real *w, void *const *state) {
    const ptrdiff_t width = packing == FO_BFLOAT16 ? 2 : 1, ahead = PACKS_AHEAD * FO_PACK;
    const uint32_t m_mask = noise_of_first(packing, mask), v_mask = noise_of_second(packing, mask);
    char *const m = (char *)state[0] + i * width, *const v = (char *)state[states > 1 ? 1 : 0] + i * width;
    /* what a block needs comes in bursts, which the processor's own prefetching does not see coming */
    prefetch_bytes(g + i + ahead, FO_PACK * (ptrdiff_t)sizeof(real));
    prefetch_bytes(w + i + ahead, FO_PACK * (ptrdiff_t)sizeof(real));
    prefetch_bytes(m + ahead * width, FO_PACK * width);
    if (states > 1) prefetch_bytes(v + ahead * width, FO_PACK * width);
    if (packing == FO_BFLOAT16)
        return F(step_halves)(rule, states, bare, h, k, g + i, w + i, (void *)m, (void *)v, random, m_mask, v_mask);
    float *const scale = (float *)state[2] + i / FO_PACK;
    return F(step_codes)(rule, states, bare, h, k, g + i, w + i, (void *)m, (void *)v, scale,
                         states > 1 ? (float *)state[3] + i / FO_PACK : scale, random, m_mask, v_mask);
}

FO_INLINE int F(packed_loop)(F(rule) rule, const int states, const int bare, const int packing, const fo_step *step, ptrdiff_t n,
                             ptrdiff_t place, double t, const real *g, real *w, void *const *state) {
    const F(coefs) h = F(coefs_of)(step);
    const uint32_t seed = noise((uint32_t)(int64_t)t, 0x5bd1e995u);
    fo_noise_block random;
    ptrdiff_t i = 0;
    int finite = 1;
    FO_SIMD
    for (int j = 0; j < FO_PACK; j++) {
        const uint32_t r = noise((uint32_t)j, seed);
        random.first[j] = noise_of_first(packing, r);
        random.second[j] = noise_of_second(packing, r);
    }
    for (; i + FO_PACK <= n; i += FO_PACK) /* loops of a known length, which take two thirds of the time */
        finite &= F(step_pack)(rule, states, bare, packing, &h, FO_PACK, i, noise((uint32_t)((place + i) / FO_PACK), ~seed), &random,
                               g, w, state);
    if (i < n)
        finite &= F(step_pack)(rule, states, bare, packing, &h, n - i, i, noise((uint32_t)((place + i) / FO_PACK), ~seed), &random, g,
                               w, state);
    return finite;
}

FO_KERNEL int F(step_packed)(const fo_step *step, int packing, ptrdiff_t n, ptrdiff_t place, double t, const void *g, void *w,
                          void *const *state) {
    const int bare = is_bare(step);
#define PACKED(name, states, bare, packing) F(packed_loop)(F(rule_##name), states, bare, packing, step, n, place, t, g, w, state)
    switch (step->kind) {
#define STEP(name, states) \
    case FO_RULE_##name: \
        return packing == FO_BFLOAT16 ? bare ? PACKED(name, states, 1, FO_BFLOAT16) : PACKED(name, states, 0, FO_BFLOAT16) \
                                      : bare ? PACKED(name, states, 1, FO_EIGHT_BITS) : PACKED(name, states, 0, FO_EIGHT_BITS);
        FO_PACKED_RULES(STEP)
#undef STEP
    }
#undef PACKED
    return 1;
}
