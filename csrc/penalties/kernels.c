/* kernels.c: the kernels of the penalties, for float and double, compiled once per instruction set with FO_ISA = its name. */
#include "core/family.h"

#define REAL_IS_FLOAT 1
#include "penalties/loops.h"
#undef REAL_IS_FLOAT
#define REAL_IS_FLOAT 0
#include "penalties/loops.h"

FO_FAMILY(penalties)
