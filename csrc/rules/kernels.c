/* kernels.c: the kernels of the update rules, for float and double, compiled once per instruction set with FO_ISA = its name. */
#include "core/family.h"

#define REAL_IS_FLOAT 1
#include "rules/loops.h"
#undef REAL_IS_FLOAT
#define REAL_IS_FLOAT 0
#include "rules/loops.h"
#include "schedules/schedules.h"

FO_FAMILY(rules)
