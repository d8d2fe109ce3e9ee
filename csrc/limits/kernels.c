/* kernels.c: the bare loops that measure a processor, for float and double, compiled once per instruction set with FO_ISA = its name. */
#include "core/family.h"

#define REAL_IS_FLOAT 1
#include "limits/loops.h"
#undef REAL_IS_FLOAT
#define REAL_IS_FLOAT 0
#include "limits/loops.h"

FO_FAMILY(limits)
