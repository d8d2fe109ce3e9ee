"""The way into the C core: tables of kernels, X as the kernels see it, threads, memory, and what this copy of fastopt is.

Owns the choice of an instruction set, the number of threads and the snapshot that is put back after an epoch that diverged.  Must not
know losses, weights or estimators: everything else stands on this folder, and it on nothing but NumPy.

Other packages may ``cimport fastopt._core`` (``fastopt.get_include()`` finds fastopt.h).
"""
from fastopt._core.tables import (
                                  LOSS_NAMES,
                                  LOSS_TARGETS,
                                  PENALTY_NAMES,
                                  PENALTY_PLACES,
                                  RULE_NAMES,
                                  RULE_STATES,
                                  SCHEDULE_NAMES,
                                  SGD_SCHEDULE_NAMES,
                                  Matrix,
                                  available_isas,
                                  isa,
                                  set_isa,
)

__all__ = ["LOSS_NAMES", "LOSS_TARGETS", "PENALTY_NAMES", "PENALTY_PLACES", "RULE_NAMES", "RULE_STATES", "SCHEDULE_NAMES",
           "SGD_SCHEDULE_NAMES", "Matrix", "available_isas", "isa", "set_isa"]
