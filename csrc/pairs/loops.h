/* loops.h: all of the losses of embeddings for one element type, and what they stand on.  Read by kernels.c beside it once for float and once for double. */
#include "core/real.h"
#include "core/vmath.h"
#include "core/exponentials.h"
#include "pairs/rows.h"
#include "pairs/apart.h"
#include "pairs/anchors.h"
#include "pairs/arc.h"
#include "pairs/contrast.h"
