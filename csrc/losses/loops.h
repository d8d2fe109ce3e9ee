/* loops.h: all of the losses for one element type, and what it stands on.  Read by kernels.c beside it once for float and once for double. */
#include "core/real.h"
#include "core/vmath.h"
#include "core/simd.h"
#include "losses/losses.h"
#include "losses/softmax.h"
#include "core/rows.h"
#include "losses/loss_loops.h"
#include "losses/overlap.h"
