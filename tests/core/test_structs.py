"""What C and Cython or NumPy lay out twice: every struct that a .pxd or .pyx declares again, and the dtypes of arrays that kernels read as structs.

The list is the declarations themselves: a new one is checked without being named here.
"""
import os
import re
import subprocess
import sysconfig
from pathlib import Path

import numpy as np
import pytest
from fastopt._sgd.per_sample.outputs import STATE

if os.name != "posix":
    pytest.skip("asks a compiler that takes -fsyntax-only", allow_module_level=True)

ROOT = Path(__file__).parents[2]
COMPILER = (os.environ.get("CC") or sysconfig.get_config_var("CC")).split()
STRUCT = re.compile(r"^    ctypedef struct (\w+):\n((?:        .*\n|\n(?=        ))+)", re.M)
SYSTEM = "".join(f"#include <{name}.h>\n" for name in ("math", "stddef", "stdint", "string"))
#: what Cython does not say of pointers to pointers, and layouts do not depend on
WITHOUT_CONST = "#define const\n"
HEADERS = "".join(f'#include "{name}"\n' for name in ("fastopt.h", "fastopt_driven.h", "solvers/interior.h"))
KERNELS = '#define FO_ISA any\n#include "solvers/kernels.c"\n'   # whose structs of each type are among the DTYPES


def declared():
    """[(struct, its fields as C)] of every `ctypedef struct` below `cdef extern from` a header of ours."""
    for path in sorted([*ROOT.glob("fastopt/**/*.pxd"), *ROOT.glob("fastopt/**/*.pyx")]):
        for header, text in re.findall(r'^cdef extern from "([\w./]+)".*:\n((?:    .*\n|\n)+)', path.read_text(encoding="utf-8") + "\n", re.M):
            for name, body in STRUCT.findall(text):
                fields = re.sub(r"\)[\w ]*nogil", ")", re.sub(r" *#.*", "", body)).replace("Py_ssize_t", "ptrdiff_t")
                yield name, header, re.sub(r",\n\s+", ", ", fields)


STRUCTS = {name: (header, fields) for name, header, fields in declared()}


def members(fields):
    """The names of the fields, in their order."""
    for line in filter(str.strip, fields.splitlines()):
        pointer = re.search(r"\(\*(\w+)\)", line)
        yield from [pointer[1]] if pointer else re.findall(r"(\w+)(?:\[\d+\])?(?=,|$)", line.strip())


def compiles(tmp_path, source):
    (tmp_path / "probe.c").write_text(source)
    done = subprocess.run([*COMPILER, "-std=gnu11", "-w", "-fsyntax-only", f"-I{ROOT}/csrc/include", f"-I{ROOT}/csrc", str(tmp_path / "probe.c")],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:3000]


def test_all_structs_of_the_interface_are_found():
    assert len(STRUCTS) > 25 and {"fo_matrix", "fo_kernels", "fo_interior", "fo_noise"} <= STRUCTS.keys()
    assert list(members(STRUCTS["fo_output"][1]))[-3:] == ["class_weight", "loss_sum", "penalty_sum"]


def test_structs_are_laid_out_as_declared(tmp_path):
    """The declaration of Cython, written as C, beside the header's: size, and place and size of each field."""
    source = [SYSTEM, WITHOUT_CONST, HEADERS]
    for name, (_, fields) in STRUCTS.items():
        lines = "".join(f"{line};\n" for line in filter(str.strip, fields.splitlines()))
        source.append(f'typedef struct {{\n{lines}}} mirror_{name};\n_Static_assert(sizeof(mirror_{name}) == sizeof({name}), "size of {name}");\n')
        for field in members(fields):
            same = f"offsetof(mirror_{name}, {field}) == offsetof({name}, {field})"
            size = f"sizeof(((mirror_{name} *)0)->{field}) == sizeof((({name} *)0)->{field})"
            source.append(f'_Static_assert({same} && {size}, "{name}.{field}");\n')
            source.append(f'_Static_assert(__builtin_types_compatible_p(__typeof__(((mirror_{name} *)0)->{field}), '
                          f'__typeof__((({name} *)0)->{field})), "type of {name}.{field}");\n')
    compiles(tmp_path, "".join(source))


#: dtypes of arrays whose elements kernels read as a struct: struct, {field: where else it has another name}
DTYPES = [("fo_output", STATE, {"weight_neg": "class_weight[0]", "weight_pos": "class_weight[1]"})]
DTYPES += [(f"fo_variance_column_f{8 * dtype().itemsize}", np.dtype([("w", dtype), ("g", dtype), ("since", np.int32)], align=True), {})
           for dtype in (np.float32, np.float64)]


@pytest.mark.parametrize("struct, dtype, names", DTYPES, ids=[name for name, _, _ in DTYPES])
def test_dtypes_are_laid_out_as_the_structs(tmp_path, struct, dtype, names):
    source = [KERNELS, f'_Static_assert(sizeof({struct}) == {dtype.itemsize}, "size");\n']
    for name, (kind, place) in dtype.fields.items():
        field = names.get(name, name)
        source.append(f'_Static_assert(offsetof({struct}, {field}) == {place} && sizeof((({struct} *)0)->{field}) == {kind.itemsize}, "{name}");\n')
    compiles(tmp_path, "".join(source))
