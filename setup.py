"""Build of the extension modules: csrc/kernels.c compiled once per instruction set and linked into each of them."""
import os
import platform
from concurrent.futures import ThreadPoolExecutor

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

X86 = platform.machine().lower() in ("x86_64", "amd64")
# name: compiler flags, plainest first; csrc/dispatch.c lists the same names
ISA = {"base": [], "avx2": ["-mavx2", "-mfma"],
       "avx512": ["-mavx2", "-mfma", "-mavx512f", "-mavx512dq", "-mavx512vl", "-mavx512bw", "-mprefer-vector-width=512"]
       } if X86 else {"neon": []}
C_FLAGS = ["-std=c11", "-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-fopenmp-simd", "-Wall",
           "-Wextra"]


class BuildExt(build_ext):
    def build_extensions(self):
        def compile_isa(item):
            isa, flags = item
            out = os.path.join(self.build_temp, isa)
            return self.compiler.compile(["csrc/kernels.c"], output_dir=out, macros=[("FO_ISA", isa)],
                                         include_dirs=["csrc"], extra_postargs=C_FLAGS + flags,
                                         depends=[f"csrc/{f}" for f in os.listdir("csrc")])
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            objects = sum(pool.map(compile_isa, ISA.items()), [])
        objects += self.compiler.compile(["csrc/dispatch.c"], output_dir=self.build_temp, include_dirs=["csrc"],
                                         macros=[(f"FO_HAS_{isa.upper()}", "1") for isa in ISA],
                                         extra_postargs=["-std=c11", "-O2", "-Wall", "-Wextra"])
        for ext in self.extensions:
            ext.extra_objects += objects if ext.name == "fastopt._core" else []
        super().build_extensions()


def extension(name):
    return Extension(f"fastopt.{name}", [f"fastopt/{name}.pyx"], include_dirs=["csrc", numpy.get_include()],
                     extra_compile_args=["-O2", "-fopenmp"], extra_link_args=["-fopenmp"],
                     define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")])


if __name__ == "__main__":
    setup(ext_modules=cythonize([extension(n) for n in ("_core", "_losses", "_sgd")], language_level=3,
                                compiler_directives={"boundscheck": False, "wraparound": False, "cdivision": True,
                                                     "initializedcheck": False, "freethreading_compatible": True}),
          cmdclass={"build_ext": BuildExt})
