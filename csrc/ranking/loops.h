/* loops.h: all of the losses of rankings for one element type, and what they stand on.  Read by kernels.c beside it once for float and once for double. */
#include "core/real.h"
#include "core/vmath.h"
#include "ranking/documents.h"
#include "ranking/pairs.h"
#include "ranking/gains.h"
#include "ranking/lambda.h"
#include "ranking/query.h"
#include "ranking/cox.h"
