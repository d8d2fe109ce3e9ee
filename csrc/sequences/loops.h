/* loops.h: all of the losses of sequences for one element type, and what they stand on.  Read by kernels.c beside it once for float and once for double. */
#include "core/real.h"
#include "core/vmath.h"
#include "core/simd.h"
#include "core/rows.h"
#include "sequences/wide.h"
#include "sequences/ctc.h"
#include "sequences/decode.h"
