/* kernels.c: the kernels of SGD, for float and double, compiled once per instruction set with FO_ISA = its name. */
#include "core/family.h"

#define REAL_IS_FLOAT 1
#include "sgd/loops.h"
#undef REAL_IS_FLOAT
#define REAL_IS_FLOAT 0
#include "sgd/loops.h"
#include "sgd/touched_columns.h"

FO_FAMILY(sgd)
