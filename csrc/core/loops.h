/* loops.h: all of access to the rows of X for one element type, and what it stands on.  Read by kernels.c beside it once for float and once for double. */
#include "core/real.h"
#include "core/vmath.h"
#include "core/simd.h"
#include "core/rows.h"
