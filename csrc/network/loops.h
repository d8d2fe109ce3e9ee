/* loops.h: all of neural networks for one element type, and what it stands on.  Read by kernels.c beside it once for float and once for double. */
#include "core/real.h"
#include "core/vmath.h"
#include "core/simd.h"
#include "core/rows.h"
#include "network/activations.h"
#include "network/tile.h"
#include "network/layers.h"
