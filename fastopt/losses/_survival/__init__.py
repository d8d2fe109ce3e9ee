"""Losses of survival: subjects with a time, at which an event ended it or observation did.

Owns what such targets may be, the checks, the class `Cox`, the measure `concordance` and the loop over strata; the mathematics is in
csrc/ranking/cox.h.  It is no `Loss`: all subjects are judged together.
"""
from ._concordance import concordance
from ._cox import Cox

__all__ = ["Cox", "concordance"]
