"""Types of _build_info.py, which setup.py writes."""
VERSION: str
COMPILER: str
C_FLAGS: str
ISA_FLAGS: dict[str, str]
OPENMP_FLAGS: str | None
MACHINE: str
CYTHON: str
NUMPY: str
