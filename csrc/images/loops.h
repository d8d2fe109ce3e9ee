/* loops.h: all of the losses of images for one element type, and what they stand on.  Read by kernels.c beside it once for float and once for double. */
#include "core/real.h"
#include "core/vmath.h"
#include "core/simd.h"
#include "core/rows.h"
#include "losses/losses.h"
#include "losses/loss_loops.h"
#include "images/variation.h"
#include "images/similarity.h"
