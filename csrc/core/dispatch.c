/* dispatch.c: the tables of kernels, put together from the parts of all folders, and which of them runs here.  setup.py defines
 * FO_HAS_<ISA> for each instruction set that it compiled. */
#include <stdlib.h>
#include <string.h>

#include "fastopt.h"
#include "core/table.h"

#if defined(_MSC_VER)
#include <intrin.h>
#endif

static int runs_always(void) { return 1; }

#if (defined(FO_HAS_AVX2) || defined(FO_HAS_AVX512)) && defined(_MSC_VER) && !defined(__clang__)
/* leaf 7 ebx: bit 5 AVX2, 16 F, 17 DQ, 30 BW, 31 VL; leaf 1 ecx: bit 12 FMA, 27 OSXSAVE; xcr0: 6 ymm, 0xe6 zmm */
static int has(unsigned leaf7_ebx, unsigned long long xcr0) {
    int r[4];
    __cpuid(r, 0);
    if (r[0] < 7) return 0;
    __cpuid(r, 1);
    if (!(r[2] & (1 << 12)) || !(r[2] & (1 << 27)) || (_xgetbv(0) & xcr0) != xcr0) return 0;
    __cpuidex(r, 7, 0);
    return ((unsigned)r[1] & leaf7_ebx) == leaf7_ebx;
}
#ifdef FO_HAS_AVX2
static int runs_avx2(void) { return has(1u << 5, 0x6); }
#endif
#ifdef FO_HAS_AVX512
static int runs_avx512(void) { return has(1u << 5 | 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31, 0xe6); }
#endif
#elif defined(FO_HAS_AVX2) || defined(FO_HAS_AVX512)
static int runs_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#ifdef FO_HAS_AVX512
static int runs_avx512(void) {
    return runs_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
}
#endif
#endif

/* best first */
#define TABLES(X) AVX512(X) AVX2(X) BASE(X) NEON(X)
#ifdef FO_HAS_AVX512
#define AVX512(X) X(avx512, runs_avx512)
#else
#define AVX512(X)
#endif
#ifdef FO_HAS_AVX2
#define AVX2(X) X(avx2, runs_avx2)
#else
#define AVX2(X)
#endif
#ifdef FO_HAS_BASE
#define BASE(X) X(base, runs_always)
#else
#define BASE(X)
#endif
#ifdef FO_HAS_NEON
#define NEON(X) X(neon, runs_always)
#else
#define NEON(X)
#endif

#define DECLARE_PART(family, isa) extern const fo_table fo_##family##_##isa;
#define DECLARE(isa, runs) FO_FAMILIES(DECLARE_PART, isa)
TABLES(DECLARE)

#define PART(family, isa) &fo_##family##_##isa,
#define PARTS(isa, runs) {FO_FAMILIES(PART, isa)},
#define RUNS(isa, runs) runs,
#define ONE_TYPED(member, function, suffix) +1
#define ONE_SHARED(member, function) +1
#define COUNT(family, isa) FO_TYPED_##family(ONE_TYPED, isa) FO_SHARED_##family(ONE_SHARED)
#define ONE(family, isa) +1
enum { FAMILIES = 0 FO_FAMILIES(ONE, any), KERNELS = 0 FO_FAMILIES(COUNT, any) };
typedef void (*kernel)(void);
_Static_assert(sizeof(fo_kernels) == KERNELS * sizeof(kernel), "fo_kernels has a member that table.h does not list, or lists twice");

static const fo_table *const parts[][FAMILIES] = {TABLES(PARTS)};
static int (*const runs[])(void) = {TABLES(RUNS)};
static fo_table tables[sizeof runs / sizeof *runs];
static const fo_table *active;

/* into ← the kernels of one part, where it has any */
static void add_part(const fo_kernels *part, fo_kernels *into) {
    for (size_t i = 0; i < KERNELS; i++) {
        kernel found;
        memcpy(&found, (const char *)part + i * sizeof found, sizeof found);
        if (found) memcpy((char *)into + i * sizeof found, &found, sizeof found);
    }
}

/* the j-th table, whole; the first call comes with the import of the module, before threads */
static const fo_table *whole(size_t j) {
    if (tables[j].name == NULL) {
        for (size_t i = 0; i < FAMILIES; i++) {
            add_part(&parts[j][i]->f32, &tables[j].f32);
            add_part(&parts[j][i]->f64, &tables[j].f64);
        }
        tables[j].name = parts[j][0]->name;
    }
    return &tables[j];
}

const fo_table *fo_available(int i) {
    for (size_t j = 0; j < sizeof runs / sizeof *runs; j++)
        if (runs[j]() && i-- == 0) return whole(j);
    return NULL;
}

int fo_use_isa(const char *name) {
    const fo_table *table;
    for (int i = 0; (table = fo_available(i)) != NULL; i++)
        if (strcmp(table->name, name) == 0) {
            active = table;
            return 1;
        }
    return 0;
}

const fo_table *fo_active(void) {
    if (active == NULL) {
        const char *name = getenv("FASTOPT_ISA");
        if (name == NULL || !fo_use_isa(name)) active = fo_available(0);
    }
    return active;
}

#define NAME_LOSS(name, target) #name,
#define TARGET_LOSS(name, target) #target,
#define NAME(name) #name,
#define NAME_SCHEDULE(name, first) #name,
#define FIRST(name, first) first,
const char *const fo_loss_names[] = {FO_LOSSES(NAME_LOSS) NULL};
const char *const fo_loss_targets[] = {FO_LOSSES(TARGET_LOSS) NULL};
const char *const fo_coupled_loss_names[] = {FO_COUPLED_LOSSES(NAME_LOSS) NULL};
const char *const fo_coupled_loss_targets[] = {FO_COUPLED_LOSSES(TARGET_LOSS) NULL};
const char *const fo_own_loss_targets[] = {FO_OWN_LOSSES(TARGET_LOSS) NULL};
const char *const fo_likelihood_names[] = {FO_LIKELIHOODS(NAME_LOSS) NULL};
#define NAME_ACTIVATION(name, from) #name,
#define SOURCE_ACTIVATION(name, from) FO_SLOPE_OF_##from,
const char *const fo_activation_names[] = {FO_ACTIVATIONS(NAME_ACTIVATION) NULL};
const int fo_activation_sources[] = {FO_ACTIVATIONS(SOURCE_ACTIVATION)};
#define NAME_PENALTY(name, where) #name,
#define PLACE_PENALTY(name, where) #where,
const char *const fo_penalty_names[] = {FO_PENALTIES(NAME_PENALTY) NULL};
const char *const fo_penalty_places[] = {FO_PENALTIES(PLACE_PENALTY) NULL};
#define NAME_RULE(name, states, sums) #name,
#define STATES_RULE(name, states, sums) states,
#define SUMS_RULE(name, states, sums) FO_SUMS_##sums,
const char *const fo_rule_names[] = {FO_RULES(NAME_RULE) NULL};
const char *const fo_matrix_rule_names[] = {FO_MATRIX_RULES(NAME) NULL};
const int fo_rule_states[] = {FO_RULES(STATES_RULE) 0};
const int fo_rule_sums[] = {FO_RULES(SUMS_RULE) 0};
const char *const fo_schedule_names[] = {FO_SCHEDULES(NAME_SCHEDULE) NULL};
const int fo_schedule_firsts[] = {FO_SCHEDULES(FIRST)};
