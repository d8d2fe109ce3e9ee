"""csrc/core/vmath.h, compiled with the flags of the build for every instruction set that runs here, against long double.

The bounds are the documented ones: units in the last place over millions of points, and libm's results at the edges.
"""
import ctypes

import numpy as np
import pytest

from compiled import library
from fastopt._core import tables as _core

#: function: the largest error in units in the last place, then domains, cut to the range of the type
FUNCTIONS = {
    "exp_": (1.3, [(-746, 710), (-1, 1), (-1e-5, 1e-5), (-746, -700)]),
    "expm1_": (1.9, [(-50, 710), (-1.5, 1.5), (-1e-5, 1e-5)]),
    "tanh_": (3.0, [(-25, 25), (-1, 1), (-1e-5, 1e-5)]),
    "log_": (0.9, [(0.5, 2), (0, 1e-300), (0, 1e300), (0.999, 1.001)]),
    "log1p_": (1.2, [(-1, 1), (0, 1e300), (-1e-5, 1e-5)]),
    "pow": (1.5, [(0, 3), (0.99, 1.01), (0, 1e6)]),
}
EDGES = [0.0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 2, 0.5, 5e-324, 1e-310, -1e-310, 1e-45, 1e-40, 709.78, 709.79,
         -745.1, -745.2, -708.4, 88.72, 88.73, -87.4, -103.97, -103.98, 1e300, -1e300, 3e38, 1e10, -1e10, 1e-300]
SOURCE = """
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#define REAL_IS_FLOAT 1
#include "body.h"
#undef REAL_IS_FLOAT
#define REAL_IS_FLOAT 0
#include "body.h"
"""
LOOP = """
void F(run_{0})(ptrdiff_t n, const real *restrict x, const real *restrict y, real *restrict out) {{
    (void)y;
    FO_SIMD
    for (ptrdiff_t i = 0; i < n; i++) out[i] = F({0})(x[i]{1});
}}
"""


@pytest.fixture(scope="module")
def libraries(tmp_path_factory):
    """{isa: library} with a loop over each function."""
    folder = tmp_path_factory.mktemp("vmath")
    loops = "".join(LOOP.format(name, ", y[i]" if name == "pow" else "") for name in FUNCTIONS)
    (folder / "body.h").write_text('#include "core/real.h"\n#include "core/vmath.h"\n' + loops)
    (folder / "vmath.c").write_text(SOURCE)
    functions = [f"fo_run_{name}_f{bits}" for name in FUNCTIONS for bits in (32, 64)]
    return {isa: library(folder, folder / "vmath.c", functions, isa) for isa in _core.available_isas()}


def call(compiled, name, x, y):
    out = np.empty_like(x)
    function = getattr(compiled, f"fo_run_{name}_f{8 * x.itemsize}")
    function(ctypes.c_ssize_t(len(x)), *(ctypes.c_void_p(a.ctypes.data) for a in (x, y, out)))
    return out


def points(name, dtype):
    rng = np.random.default_rng(0)
    limit = 700 if name == "exp_" else float(np.finfo(dtype).max) / 2
    parts = [rng.uniform(max(low, -limit), min(high, limit), 200_000) for low, high in FUNCTIONS[name][1]]
    x = np.concatenate([*parts, rng.normal(size=200_000) * 10.0 ** rng.uniform(-20, 2, 200_000)])
    if name in ("log_", "pow"):
        x = np.abs(x)
    with np.errstate(over="ignore"):
        x, y = np.concatenate([x, EDGES]), np.concatenate([rng.normal(size=len(x)) * 20, EDGES])
        keep = ~((x < 0) | (x == 1) & np.isnan(y)) if name == "pow" else slice(None)  # nan here, where libm knows more
        return x[keep].astype(dtype), y[keep].astype(dtype)


def exact(name, x, y):
    wide = x.astype(np.longdouble)
    with np.errstate(all="ignore"):
        return np.power(wide, y.astype(np.longdouble)) if name == "pow" else getattr(np, name.rstrip("_"))(wide)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.repeats(3)
def test_error_in_units_in_the_last_place(libraries, name, dtype):
    assert np.finfo(np.longdouble).nmant >= 63, "no long double here that is longer than double"
    x, y = points(name, dtype)
    wanted = exact(name, x, y)
    with np.errstate(all="ignore"):
        rounded = wanted.astype(dtype)
        unit = np.spacing(np.abs(rounded)).astype(np.longdouble)
    finite = np.isfinite(rounded)
    for isa, compiled in libraries.items():
        got = call(compiled, name, x, y)
        error = np.abs(got[finite].astype(np.longdouble) - wanted[finite]) / unit[finite]
        worst = np.argmax(error)
        assert error[worst] <= FUNCTIONS[name][0], (isa, x[finite][worst], y[finite][worst])
        np.testing.assert_array_equal(got[~finite], rounded[~finite], err_msg=isa)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_same_bits_on_avx2_and_avx512(libraries, name, dtype):
    x, y = points(name, dtype)
    results = [call(compiled, name, x, y) for isa, compiled in libraries.items() if isa.startswith("avx")]
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


def test_nan_stays_nan_whatever_its_bits(libraries):
    x = np.array([0x7ff8000000000001, 0xfff8000000000fff, 0x7ff8000000000400], np.uint64).view(np.float64)
    for compiled in libraries.values():
        for name in FUNCTIONS:
            assert np.isnan(call(compiled, name, x, np.ones(3))).all(), name
