"""How fast this processor is, and which share of that our kernels reach: what `fastopt bench` and `bench/limits.py` show.

Owns the bare loops that measure a limit, the kernels that are held against it through the public API, and the record of a run.  Must not know the
command, files or pictures; nothing that trains or predicts may know it.
"""
from fastopt._limits.measure import measure
from fastopt._limits.record import Record

__all__ = ["Record", "measure"]
