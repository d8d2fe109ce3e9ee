"""C compiled by the compiler and with the flags of the build, for tests of what only C can reach."""
import ctypes
import importlib.util
from pathlib import Path

from setuptools._distutils import ccompiler, sysconfig

ROOT = Path(__file__).resolve().parents[2]


def library(folder, source, functions, isa, strict=False):
    """The shared library of a C file whose path is `source`, with these functions exported; `strict`: warnings are errors."""
    spec = importlib.util.spec_from_file_location("build_of_fastopt", ROOT / "setup.py")
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    compiler = ccompiler.new_compiler()
    sysconfig.customize_compiler(compiler)
    if compiler.compiler_type == "msvc":
        flags = build.MSVC_C + build.ISAS[isa].msvc
    else:
        flags = [*build.GCC_C, "-fvisibility=default", *build.ISAS[isa].gcc, *(["-Werror", "-Wno-unused-function"] if strict else [])]
    objects = compiler.compile([str(source)], output_dir=str(folder / isa), extra_postargs=flags,
                               include_dirs=[str(ROOT / "csrc" / "include"), str(ROOT / "csrc"), str(folder)])
    compiler.link_shared_object(objects, str(folder / f"{isa}.so"), export_symbols=functions)
    return ctypes.CDLL(str(folder / f"{isa}.so"))
