/* moments.h: moments kept in fewer bits than a weight has, for less traffic with memory: bfloat16, or 8 bits with one scale
 * for each FO_PACK elements (Dettmers et al. 2022).  A block is unpacked into the cache, stepped by the same loop as any
 * other, and packed again.  Second moments v are kept as √v, which halves the range that bits must cover, and never as 0
 * where they are not.  Rounding is random but reproducible, from the place of the element and the step: rounded to
 * nearest, a moment would stand still, as a step changes v by a thousandth of it, less than its last bit.
 * Read once, for float; doubles are converted on the way. */
#if REAL_IS_FLOAT
#define PACKS_AHEAD 3 /* blocks */
/* 8 bits: 4 of exponent; first moments have a sign and 3 of fraction, roots of second moments 4 of fraction.  A code stands
 * for the number that it is the upper bits of, minus the least of them, so that 0 is 0 and spacing is even near it. */
#define SIGNED_FRACTION 3
#define ROOT_FRACTION 4
#define LEAST_CODED 0x1p-14f
#define LEAST_BITS 0x38800000u /* of LEAST_CODED */
#define INFINITY_BITS 0x7f800000u
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

FO_INLINE float first_of(uint32_t code, float scale) {
    const float size = (number_of(SIGNED_FRACTION, code & 127u) - LEAST_CODED) * scale;
    return float_of(bits_of_float(size) | (code & 128u) << 24);
}

FO_INLINE float root_of(uint32_t code, float scale) { return (number_of(ROOT_FRACTION, code) - ROOT_SHIFT) * scale; }

/* where moments in fewer bits are, and what rounds them: random bits of the places in a block, below the last bit that is kept of first
 * and second moments, of which each block turns over some of its own */
typedef struct {
    char *m, *v;
    float *m_scale, *v_scale; /* of 8 bits */
    ptrdiff_t place;          /* of the first of them in their array */
    uint32_t seed;
    _Alignas(64) uint32_t first[FO_PACK];
    uint32_t second[FO_PACK];
} fo_packed;

/* a block between its step and its packing: m, √v, and what brings them into the range of the codes */
typedef struct {
    _Alignas(64) float first[FO_PACK];
    float root[FO_PACK], m_up, v_up;
} fo_unpacked;

FO_INLINE uint32_t noise_of_first(const int packing, uint32_t r) {
    return (r & 0xffffu) << (packing == FO_EIGHT_BITS ? 7 - SIGNED_FRACTION : 0);
}
FO_INLINE uint32_t noise_of_second(const int packing, uint32_t r) {
    return (r >> 16) << (packing == FO_EIGHT_BITS ? 7 - ROOT_FRACTION : 0);
}

FO_INLINE uint32_t block_noise(const fo_packed *p, ptrdiff_t i) { return noise((uint32_t)((p->place + i) / FO_PACK), ~p->seed); }

FO_INLINE fo_packed packed_of(const int packing, const int states, void *const *state, ptrdiff_t place, double t) {
    fo_packed p = {.m = state[0], .v = state[states > 1 ? 1 : 0], .m_scale = state[2], .v_scale = state[states > 1 ? 3 : 2],
                   .place = place, .seed = noise((uint32_t)(int64_t)t, 0x5bd1e995u)};
    FO_SIMD
    for (int i = 0; i < FO_PACK; i++) {
        const uint32_t r = noise((uint32_t)i, p.seed);
        p.first[i] = noise_of_first(packing, r);
        p.second[i] = noise_of_second(packing, r);
    }
    return p;
}

/* the codes of k moments from the i-th on */
FO_INLINE void pack_codes(const int states, const fo_packed *p, ptrdiff_t i, ptrdiff_t k, const fo_unpacked *u) {
    const uint32_t mask = block_noise(p, i), m_mask = noise_of_first(FO_EIGHT_BITS, mask), v_mask = noise_of_second(FO_EIGHT_BITS, mask);
    uint8_t *restrict m = (uint8_t *)p->m + i, *restrict v = (uint8_t *)p->v + i;
    const float m_up = u->m_up, v_up = u->v_up;
    FO_SIMD
    for (ptrdiff_t j = 0; j < k; j++) {
        m[j] = first_code(u->first[j], m_up, p->first[j] ^ m_mask);
        if (states > 1) v[j] = second_code(u->root[j], v_up, p->second[j] ^ v_mask);
    }
}
#endif

/* bfloat16: the upper half of a float, rounded up with the probability that the lower half says */
FO_INLINE real F(of_half)(uint16_t half) { return (real)float_of((uint32_t)half << 16); }
FO_INLINE uint16_t F(half_of)(real x, uint32_t r) { return (uint16_t)((bits_of_float((float)x) + r) >> 16); }

/* what a block needs of g and w comes in bursts, which the processor's own prefetching does not see coming */
FO_INLINE void F(prefetch_pack)(const real *g, const real *w) {
    prefetch_bytes(g + PACKS_AHEAD * FO_PACK, FO_PACK * (ptrdiff_t)sizeof(real));
    prefetch_bytes(w + PACKS_AHEAD * FO_PACK, FO_PACK * (ptrdiff_t)sizeof(real));
}

/* One step of the k <= FO_PACK weights from the i-th on, whose moments are halves, unpacked and packed in registers. */
FO_INLINE int F(step_halves)(F(rule) rule, const int states, const int bare, const F(coefs) *h, const fo_packed *p, ptrdiff_t i,
                             ptrdiff_t k, const real *restrict g, real *restrict w) {
    const uint32_t mask = block_noise(p, i), m_mask = noise_of_first(FO_BFLOAT16, mask), v_mask = noise_of_second(FO_BFLOAT16, mask);
    uint16_t *restrict m = (uint16_t *)(void *)p->m + i, *restrict v = (uint16_t *)(void *)p->v + i;
    real_bits zero = 0;
    FO_SIMD_OR(zero)
    for (ptrdiff_t j = 0; j < k; j++) {
        F(param) x = {w[j], F(of_half)(m[j]), states > 1 ? F(of_half)(v[j]) : 0, 0, 0, 0};
        x = F(one_step)(rule, bare, h, g[j], x);
        w[j] = x.w;
        zero |= F(zero_bits)(x.w, g[j]);
        m[j] = F(half_of)(x.s0, p->first[j] ^ m_mask);
        if (states > 1) v[j] = F(half_of)(x.s1, p->second[j] ^ v_mask);
    }
    return F(is_zero)(zero);
}

/* The same of moments in 8 bits, which are packed by their new scales when all have been stepped. */
FO_INLINE int F(step_codes)(F(rule) rule, const int states, const int bare, const F(coefs) *h, const fo_packed *p, ptrdiff_t i,
                            ptrdiff_t k, const real *restrict g, real *restrict w, fo_unpacked *restrict u) {
    const uint8_t *restrict m = (const uint8_t *)p->m + i, *restrict v = (const uint8_t *)p->v + i;
    float *m_scale = p->m_scale + i / FO_PACK, *v_scale = p->v_scale + i / FO_PACK;
    const float m_old = *m_scale, v_old = *v_scale;
    real_bits zero = 0;
    uint32_t m_most = 0, v_most = 0; /* bits of the largest, which are in the order of the numbers */
    FO_SIMD
    for (ptrdiff_t j = 0; j < k; j++) {
        u->first[j] = first_of(m[j], m_old);
        if (states > 1) u->root[j] = root_of(v[j], v_old);
    }
    FO_SIMD_OR_MAX(zero, m_most, v_most)
    for (ptrdiff_t j = 0; j < k; j++) {
        F(param) x = {w[j], u->first[j], states > 1 ? (real)u->root[j] * (real)u->root[j] : 0, 0, 0, 0};
        x = F(one_step)(rule, bare, h, g[j], x);
        w[j] = x.w;
        zero |= F(zero_bits)(x.w, 1); /* m tells of g */
        u->first[j] = (float)x.s0;
        const uint32_t m_bits = bits_of_float(u->first[j]) & 0x7fffffffu;
        m_most = m_bits > m_most ? m_bits : m_most;
        if (states > 1) {
            u->root[j] = sqrtf((float)x.s1);
            v_most = bits_of_float(u->root[j]) > v_most ? bits_of_float(u->root[j]) : v_most;
        }
    }
    const float m_largest = float_of(m_most), v_largest = float_of(v_most);
    u->m_up = m_largest > 0 ? LARGEST_SIGNED / m_largest : 0;
    u->v_up = v_largest > 0 ? LARGEST_ROOT / v_largest : 0;
    *m_scale = m_largest / LARGEST_SIGNED;
    if (states > 1) *v_scale = v_largest / LARGEST_ROOT;
    return m_most < INFINITY_BITS && F(is_zero)(zero);
}

/* Whole blocks have loops of a known length. */
FO_INLINE int F(halves_loop)(F(rule) rule, const int states, const int bare, const fo_step *step, ptrdiff_t n, ptrdiff_t place,
                             double t, const real *g, real *w, void *const *state) {
    const F(coefs) h = F(coefs_of)(step);
    const fo_packed p = packed_of(FO_BFLOAT16, states, state, place, t);
    ptrdiff_t i = 0;
    int finite = 1;
    for (; i + FO_PACK <= n; i += FO_PACK) {
        F(prefetch_pack)(g + i, w + i);
        finite &= F(step_halves)(rule, states, bare, &h, &p, i, FO_PACK, g + i, w + i);
    }
    return finite & F(step_halves)(rule, states, bare, &h, &p, i, n - i, g + i, w + i);
}

/* A block is packed after the step of the next one, which does not wait for its scales. */
FO_INLINE int F(codes_loop)(F(rule) rule, const int states, const int bare, const fo_step *step, ptrdiff_t n, ptrdiff_t place,
                            double t, const real *g, real *w, void *const *state) {
    const F(coefs) h = F(coefs_of)(step);
    const fo_packed p = packed_of(FO_EIGHT_BITS, states, state, place, t);
    fo_unpacked room[2];
    ptrdiff_t i = 0;
    int finite = 1;
    for (; i + FO_PACK <= n; i += FO_PACK) {
        F(prefetch_pack)(g + i, w + i);
        finite &= F(step_codes)(rule, states, bare, &h, &p, i, FO_PACK, g + i, w + i, &room[i / FO_PACK % 2]);
        if (i > 0) pack_codes(states, &p, i - FO_PACK, FO_PACK, &room[(i / FO_PACK + 1) % 2]);
    }
    if (i > 0) pack_codes(states, &p, i - FO_PACK, FO_PACK, &room[(i / FO_PACK + 1) % 2]);
    if (i == n) return finite;
    finite &= F(step_codes)(rule, states, bare, &h, &p, i, n - i, g + i, w + i, &room[0]);
    pack_codes(states, &p, i, n - i, &room[0]);
    return finite;
}

FO_KERNEL int F(step_packed)(const fo_step *step, int packing, ptrdiff_t n, ptrdiff_t place, double t, const void *g, void *w,
                          void *const *state) {
    const int bare = is_bare(step);
#define PACKED(name, states, bare, loop) F(loop)(F(rule_##name), states, bare, step, n, place, t, g, w, state)
    switch (step->kind) {
#define STEP(name, states) \
    case FO_RULE_##name: \
        return packing == FO_BFLOAT16 ? bare ? PACKED(name, states, 1, halves_loop) : PACKED(name, states, 0, halves_loop) \
                                      : bare ? PACKED(name, states, 1, codes_loop) : PACKED(name, states, 0, codes_loop);
        FO_PACKED_RULES(STEP)
#undef STEP
    }
#undef PACKED
    return 1;
}
