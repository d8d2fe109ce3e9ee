"""Build of the extension modules.  The kernels.c of each folder of csrc/ is compiled once per instruction set and linked into
fastopt._core.tables; the other modules reach its tables through ``cimport fastopt._core``, so that set_isa() acts everywhere.  All C sources and
all *.pyx of fastopt/ are compiled side by side; what Cython adds to each of its modules (memoryviews above all) is one module that they
import.  What the compiler can do (OpenMP, each instruction set) is found by trying; what was found is written to fastopt/_build_info.py
for show_config().  Metadata is in pyproject.toml.

Environment: CC the compiler · FASTOPT_BUILD=quick for the edit–test loop: the baseline alone, little optimised ·
FASTOPT_OPENMP=0 no threads · FASTOPT_WERROR=1 warnings of csrc/ are errors ·
FASTOPT_BUILD_JOBS how many compilers at once (default: the processors that this process may use) ·
FASTOPT_BUILD_ISAS=base,avx2 no other instruction sets · FASTOPT_SANITIZE=address,undefined instrumented, for .ci/sanitize.
"""
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import Cython
import numpy
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError, LinkError


class Isa(NamedTuple):
    """An instruction set: the flags that turn it on and a program that only compiles where it exists."""

    gcc: list
    msvc: list
    probe: str


ON_X86 = "#if !defined(__x86_64__) && !defined(_M_X64)\n#error not x86-64\n#endif\n#include <immintrin.h>\n"
ON_ARM = "defined(__aarch64__) || defined(_M_ARM64)"
# csrc/core/dispatch.c lists the same names
ISAS = {
    "base": Isa([], [], f"#if {ON_ARM}\n#error its baseline is neon\n#endif\nint one;\n"),
    "avx2": Isa(["-mavx2", "-mfma"], ["/arch:AVX2"],
                ON_X86 + "__m256d f(__m256d x) { return _mm256_fmadd_pd(x, x, x); }\n"),
    "avx512": Isa(["-mavx2", "-mfma", "-mavx512f", "-mavx512dq", "-mavx512vl", "-mavx512bw",
                   "-mprefer-vector-width=512"], ["/arch:AVX512"],
                  ON_X86 + "__m256 f(__m512 x) { return _mm512_extractf32x8_ps(_mm512_fmadd_ps(x, x, x), 1); }\n"),
    "neon": Isa([], [], f"#if !({ON_ARM})\n#error not arm64\n#endif\nint one;\n"),
}

BASELINES = ("base", "neon")   # one of them is always there
CORE = "fastopt._core.tables"    # the module that holds the kernels
SHARED = "fastopt._core.cython_shared"    # what Cython's modules have in common, written by Cython

# -fno-math-errno, -fno-trapping-math: no result changes, but loops vectorise.  -ffp-contract=off: a·b + c is one
# rounding only where the source says fma.  -fvisibility=hidden: nothing of the C core leaves fastopt._core.
GCC_C = ["-std=c11", "-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-fopenmp-simd",
         "-fvisibility=hidden", "-g0", "-Wall", "-Wextra"]
GCC_WERROR = ["-Werror", "-Wconversion"]
MSVC_C = ["/std:c11", "/O2", "/fp:precise", "/W3"]
GCC_MODULE = ["-O2", "-g0", "-Wno-unused-function", "-fno-asynchronous-unwind-tables"]
MSVC_MODULE = ["/O2"]
# modules that include loops over numbers from csrc, instead of asking a table for them
WITH_LOOPS = ("fastopt._solvers.piecewise.steps",)
GCC_LOOPS = ["-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-fopenmp-simd"]

OPENMP_PROBE = """
#include <omp.h>
int main(void) {
    int n = 0;
#pragma omp parallel num_threads(2) reduction(+ : n)
    n += omp_get_num_threads();
    return n == 0;
}
"""
INCLUDE = ["csrc/include", "csrc"]
CYTHON_DIRECTIVES = {"boundscheck": False, "wraparound": False, "cdivision": True, "initializedcheck": False,
                     "freethreading_compatible": True}
# the longest first: one that begins last would be waited for
LONGEST = ("csrc/sgd/kernels.c", "csrc/objective/kernels.c", "csrc/solvers/kernels.c")
KERNELS = sorted((path.as_posix() for path in Path(__file__).parent.glob("csrc/*/kernels.c")), key=lambda name: (not name.endswith(LONGEST), name))
PUBLIC_HEADERS = sorted(path.name for path in Path(__file__).parent.glob("csrc/include/*.h"))


def processors():
    """How many compilers run at once."""
    if os.environ.get("FASTOPT_BUILD_JOBS"):
        return int(os.environ["FASTOPT_BUILD_JOBS"])
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def silence():
    """Nothing is shown, not even what compilers write: a probe that fails is no error."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with open(os.devnull, "w") as null:
        os.dup2(null.fileno(), 1)
        os.dup2(null.fileno(), 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, copy in zip((1, 2), kept):
            os.dup2(copy, number)
            os.close(copy)


def is_older(target, sources):
    return not os.path.exists(target) or os.path.getmtime(target) < max(map(os.path.getmtime, sources))


def with_headers(source):
    """A C source and the headers of csrc/ that it includes, and those that they include."""
    found, ahead = [], [Path(source)]
    while ahead:
        path = ahead.pop()
        if path not in found and path.exists():
            found.append(path)
            included = re.findall(r'^\s*#\s*include "(.+)"', path.read_text(encoding="utf-8"), re.M)
            ahead += [Path(folder, name) for folder in INCLUDE for name in included]
    return found


def openmp_flags(msvc):
    """(compile, link) flags to try, in this order."""
    if os.environ.get("FASTOPT_OPENMP") == "0":
        return []
    if msvc:
        return [(["/openmp"], [])]
    tries = [(["-fopenmp"], ["-fopenmp"])]
    if sys.platform == "darwin":   # Apple's clang has the front end, libomp comes from conda, Homebrew or MacPorts
        for prefix in filter(None, (os.environ.get("CONDA_PREFIX"), "/opt/homebrew/opt/libomp",
                                    "/usr/local/opt/libomp", "/opt/local")):
            lib = f"{prefix}/lib/libomp" if prefix == "/opt/local" else f"{prefix}/lib"
            include = f"{prefix}/include/libomp" if prefix == "/opt/local" else f"{prefix}/include"
            tries.append((["-Xpreprocessor", "-fopenmp", f"-I{include}"],
                          [f"-L{lib}", "-lomp", f"-Wl,-rpath,{lib}"]))
    return tries


def is_quick():
    """Whether to build for the edit–test loop: the baseline, which runs everywhere, and what is asked for besides, little optimised."""
    mode = os.environ.get("FASTOPT_BUILD", "")
    if mode not in ("", "quick"):
        raise SystemExit(f"FASTOPT_BUILD must be 'quick' or nothing, got {mode!r}")
    return mode == "quick"


def small_flags(isa):
    """What only processors without AVX2 run, of before 2013, is compiled to be small: a wheel holds all instruction sets.  gcc then takes
    sums in registers for not initialised."""
    return ["-Os", "-Wno-maybe-uninitialized"] if isa == "base" and not is_quick() and not sanitizer_flags() else []


def quick_flags():
    """Appended, so that they win.  Specialised bodies are what takes long."""
    return ["-O1", "-DFO_NO_INLINE"] if is_quick() else []


def sanitizer_flags(level="-O0"):
    """Of the sanitizers that are asked for; names and lines in what they report.  Instrumenting specialised bodies takes minutes."""
    names = os.environ.get("FASTOPT_SANITIZE")
    return [f"-fsanitize={names}", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", level, "-g1", "-DFO_NO_INLINE"] if names else []


class BuildExt(build_ext):
    """build_ext that compiles everything at once, and then links each module."""

    def build_extensions(self):
        self.msvc = self.compiler.compiler_type == "msvc"
        if self.msvc and not getattr(self.compiler, "initialized", True):
            self.compiler.initialize()   # not safe in several threads
        wanted = (os.environ.get("FASTOPT_BUILD_ISAS") or ",".join(BASELINES if is_quick() else ISAS)).split(",")
        self.isas = [name for name in ISAS if self.compiles(ISAS[name].probe, self.isa_flags(name))
                     and (name in wanted or name in BASELINES)]
        self.openmp = next((flags for flags in openmp_flags(self.msvc) if self.links(OPENMP_PROBE, *flags)), None)
        if self.openmp is None:
            print("fastopt: no OpenMP with this compiler: building for one thread", file=sys.stderr)
        with ThreadPoolExecutor(processors()) as pool:   # the longest jobs first
            kernels = {isa: [pool.submit(self.compile_kernels, source, isa) for source in KERNELS] for isa in reversed(self.isas)}
            modules = [pool.submit(self.compile_module, ext) for ext in self.extensions]
            tables = {isa: [job.result() for job in jobs] for isa, jobs in kernels.items()}
            objects = [job.result() for job in modules]
        self.isas = [isa for isa in self.isas if all(tables[isa])]
        core = [*(unit for isa in self.isas for unit in tables[isa]), self.compile_dispatch()]
        for ext, object_ in zip(self.extensions, objects):
            ext.sources, ext.extra_objects = [], [object_, *(core if ext.name == CORE else [])]
            ext.extra_link_args = self.link_flags()
            ext.depends = [*ext.extra_objects, self.link_list(ext)]
        super().build_extensions()

    def run(self):
        super().run()
        build_lib = Path(self.build_lib, "fastopt")
        (build_lib / "include").mkdir(parents=True, exist_ok=True)
        for name in PUBLIC_HEADERS:
            shutil.copy(Path("csrc", "include", name), build_lib / "include")
        for folder in [build_lib] + [Path("fastopt")] * bool(self.inplace):
            (folder / "_build_info.py").write_text(self.build_info(), encoding="utf-8")

    def get_outputs(self):
        folder = Path(self.build_lib, "fastopt")
        return super().get_outputs() + [str(folder / "_build_info.py"),
                                        *(str(folder / "include" / name) for name in PUBLIC_HEADERS)]

    def link_list(self, ext):
        """A file with what a module is linked of, written anew if that changed: after another build, older objects are linked again."""
        path, text = Path(self.build_temp, f"{ext.name}.link"), "\n".join(ext.extra_objects + ext.extra_link_args)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
        return str(path)

    # ---- flags ----
    def isa_flags(self, isa):
        return ISAS[isa].msvc if self.msvc else ISAS[isa].gcc + small_flags(isa)

    def c_flags(self):
        if self.msvc:
            return MSVC_C + ["/WX"] * (os.environ.get("FASTOPT_WERROR") == "1")
        return GCC_C + GCC_WERROR * (os.environ.get("FASTOPT_WERROR") == "1") + quick_flags() + sanitizer_flags("-O1")

    def module_flags(self, name):
        loops = GCC_LOOPS if name in WITH_LOOPS else []
        own = MSVC_MODULE if self.msvc else GCC_MODULE + loops + quick_flags()[:1] + sanitizer_flags()
        return own + (self.openmp[0] if self.openmp else [])

    def link_flags(self):
        strip = ["-Wl,-s"] if sys.platform.startswith("linux") and not sanitizer_flags() else []
        return (self.openmp[1] if self.openmp else []) + strip + sanitizer_flags()[:1]

    # ---- what the compiler can do ----
    def compiles(self, program, flags, link=None):
        """Whether the compiler takes a program; with `link` flags, whether the linker does too."""
        with tempfile.TemporaryDirectory() as folder, silence():
            source = Path(folder, "probe.c")
            source.write_text(program, encoding="utf-8")
            try:
                objects = self.compiler.compile([str(source)], output_dir=folder, extra_postargs=list(flags))
                if link is not None:
                    self.compiler.link_executable(objects, str(Path(folder, "probe")), extra_postargs=list(link))
            except (CompileError, LinkError):
                return False
        return True

    def links(self, program, compile_flags, link_flags):
        return self.compiles(program, compile_flags, link_flags)

    # ---- compiling ----
    def compile_c(self, source, flags, macros=()):
        """The object file of a C source, made anew if the source, a header of csrc/ that it includes or the flags changed."""
        command = [getattr(self.compiler, "compiler_so", None), flags, sorted(macros)]
        digest = hashlib.sha1(repr(command).encode(), usedforsecurity=False).hexdigest()[:8]
        folder = Path(self.build_temp, f"{Path(source).stem}-{digest}")
        target, = self.compiler.object_filenames([source], output_dir=str(folder))
        if self.force or is_older(target, [*with_headers(source), "setup.py"]):
            self.compiler.compile([source], output_dir=str(folder), macros=list(macros), extra_postargs=list(flags),
                                  include_dirs=[*INCLUDE, numpy.get_include(), *self.compiler.include_dirs])
        return target

    def compile_kernels(self, source, isa):
        """The object file of a folder's part of a table; None if the compiler fails on one that the baseline can stand in for."""
        try:
            return self.compile_c(source, self.c_flags() + self.isa_flags(isa), [("FO_ISA", isa)])
        except CompileError:
            if isa in BASELINES or os.environ.get("FASTOPT_WERROR") == "1":
                raise
            print(f"fastopt: this compiler cannot make the {isa} kernels: building without them", file=sys.stderr)
            return None

    def compile_dispatch(self):
        return self.compile_c("csrc/core/dispatch.c", self.c_flags(),
                              [(f"FO_HAS_{isa.upper()}", "1") for isa in self.isas])

    def compile_module(self, ext):
        """Cython in a process of its own, which is what runs in parallel everywhere, then C."""
        depends = [*ext.sources, *map(str, Path("fastopt").rglob("*.pxd")), "setup.py"] if ext.sources else ["setup.py"]
        # one folder for each Cython: modules and what they share are of the same
        c_file = Path(self.build_temp, f"cython-{Cython.__version__}", *ext.name.split(".")).with_suffix(".c")
        if self.force or is_older(c_file, depends):
            c_file.parent.mkdir(parents=True, exist_ok=True)
            directives = ",".join(f"{name}={value}" for name, value in CYTHON_DIRECTIVES.items())
            what = ["--shared", SHARED, "-o", str(c_file), *ext.sources] if ext.sources else ["--generate-shared", str(c_file)]
            subprocess.run([sys.executable, "-m", "cython", "-3", "-X", directives, "-I", ".", "--module-name", ext.name, *what], check=True)
        return self.compile_c(str(c_file), self.module_flags(c_file.stem), [("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")])

    def build_info(self):
        facts = {"VERSION": self.distribution.get_version(),
                 "COMPILER": " ".join(getattr(self.compiler, "compiler_so", None) or [self.compiler.compiler_type]),
                 "C_FLAGS": " ".join(self.c_flags()),
                 "ISA_FLAGS": {isa: " ".join(self.isa_flags(isa)) for isa in self.isas},
                 "OPENMP_FLAGS": " ".join(self.openmp[0]) if self.openmp else None,
                 "MACHINE": platform.machine(), "CYTHON": Cython.__version__, "NUMPY": numpy.__version__}
        return ('"""What this copy of fastopt was built with; written by setup.py, read by show_config()."""\n'
                + "".join(f"{name} = {value!r}\n" for name, value in facts.items()))


if __name__ == "__main__":
    if sys.platform == "darwin":   # Pythons from python.org ask for two architectures at once; kernels are for one
        os.environ.setdefault("ARCHFLAGS", f"-arch {platform.machine()}")
    setup(ext_modules=[Extension(SHARED, []),
                       *(Extension(".".join(path.with_suffix("").parts), [path.as_posix()]) for path in sorted(Path("fastopt").rglob("*.pyx")))],
          cmdclass={"build_ext": BuildExt})
