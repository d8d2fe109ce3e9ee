/* loops.h: the loops over one block, for one element type.  Read by kernels.c once for float and once for double. */
#include "real.h"
#include "vmath.h"
#include "simd.h"
#include "losses.h"
#include "rows.h"
#include "loss_loops.h"
#include "sweep.h"
#include "sgd.h"
