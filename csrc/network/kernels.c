/* kernels.c: the kernels of neural networks, for float and double, compiled once per instruction set with FO_ISA = its name. */
#include "core/family.h"

#define REAL_IS_FLOAT 1
#include "network/loops.h"
#undef REAL_IS_FLOAT
#define REAL_IS_FLOAT 0
#include "network/loops.h"

FO_FAMILY(network)
