/* loops.h: all of the bare loops for one element type, and what they stand on.  Read by kernels.c beside it once for float and once for double. */
#include "core/real.h"
#include "core/vmath.h"
#include "core/simd.h"
#include "losses/losses.h"
#include "limits/limits.h"
