/* kernels.c: the kernels of losses of images, for float and double, compiled once per instruction set with FO_ISA = its name. */
#include "core/family.h"

#define REAL_IS_FLOAT 1
#include "images/loops.h"
#undef REAL_IS_FLOAT
#define REAL_IS_FLOAT 0
#include "images/loops.h"

FO_FAMILY(images)
