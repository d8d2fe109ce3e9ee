/* family.h: what each kernels.c begins with, and FO_FAMILY, its own part of the table: all that is visible of it outside, so that the
 * linker never mixes instruction sets.  dispatch.c puts the parts together. */
#ifndef FO_FAMILY_H
#define FO_FAMILY_H
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "fastopt.h"
#include "core/table.h"

#define FO_TYPED_ENTRY(member, function, suffix) .member = fo_##function##_##suffix,
#define FO_SHARED_ENTRY(member, function) .member = function,
#define FO_PART(family, suffix) {FO_TYPED_##family(FO_TYPED_ENTRY, suffix) FO_SHARED_##family(FO_SHARED_ENTRY)}
#define FO_TEXT_(a) #a
#define FO_TEXT(a) FO_TEXT_(a)
#define FO_FAMILY(family) FO_FAMILY_OF(family, FO_ISA)
#define FO_FAMILY_OF(family, isa) FO_FAMILY_NAMED(family, isa)
#define FO_FAMILY_NAMED(family, isa) \
    extern const fo_table fo_##family##_##isa; \
    const fo_table fo_##family##_##isa = {FO_TEXT(isa), FO_PART(family, f32), FO_PART(family, f64)};
#endif
