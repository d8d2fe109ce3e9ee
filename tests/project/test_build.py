"""What is built and installed: an sdist, a wheel from it, headers for other packages, symbols, configuration."""
import ctypes
import os
import re
import runpy
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import fastopt as fo
from fastopt._core import config as _config, tables as _core

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
HEADERS = sorted(path.name for path in (ROOT / "csrc" / "include").glob("fastopt*.h"))
HOOK = "import sys, setuptools.build_meta as backend; backend.build_{}(sys.argv[1])"


# ---- import and configuration ----
def test_import_is_light(run_python):
    heavy = ["sklearn", "dask", "distributed", "matplotlib", "pandas", "polars", "pyarrow", "typer", "rich", "joblib",
             "scipy.optimize", "scipy.stats", "scipy.special", "scipy.linalg", "importlib.metadata", "fastopt.linear_model"]
    output = run_python("import sys, fastopt; print(*sys.modules, sep='\\n')")
    assert not set(heavy) & set(output.split())


def test_namespace():
    assert set(fo.__all__) <= set(dir(fo))
    with pytest.raises(AttributeError, match="module 'fastopt' has no attribute 'loses'"):
        fo.loses  # noqa: B018 the access itself is tested


def copy_of_the_sources(folder):
    return shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(
        ".git", "build", "dist", "*.egg-info", "__pycache__", ".venv", "*.so", "*.pyd", "_build_info.py"))


def test_import_inside_the_source_folder(run_python, tmp_path):
    """A newcomer clones, installs, and starts Python in the clone: what is installed is used."""
    clone = copy_of_the_sources(tmp_path / "clone")
    program = "import fastopt; print(fastopt._core.config.__file__, fastopt._core.tables.__file__)"
    assert run_python(program, cwd=clone).split() == [_config.__file__, _core.__file__]
    output = run_python(["-S", "-c", program], cwd=clone, check=False, PYTHONPATH="")
    assert "ImportError: fastopt is neither installed nor built in place: run `pip install .`" in output


def test_show_config(capsys, openmp):
    facts = fo.show_config(mode="dicts")
    assert facts["fastopt"]["version"] == fo.__version__
    assert facts["instruction sets"]["in use"] in facts["instruction sets"]["available"] == fo.available_isas()
    assert facts["threads"]["default"] == fo.get_num_threads()
    assert facts["OpenMP"]["found"] == openmp
    assert fo.show_config() is None
    printed = capsys.readouterr().out
    for section in facts:
        assert re.search(f"^{section}$", printed, re.MULTILINE)
    with pytest.raises(ValueError, match="mode must be 'stdout' or 'dicts', got 'json'"):
        fo.show_config(mode="json")


def test_every_isa_can_be_chosen(isa):
    assert _core.isa() == isa


@pytest.mark.parametrize("name", ["sse9", "", None, 3])
def test_set_isa_refuses(name):
    before = _core.isa()
    with pytest.raises(ValueError, match=re.escape(f"name must be one of {fo.available_isas()}")):
        fo.set_isa(name)
    assert _core.isa() == before


def test_isa_from_the_environment(run_python):
    show = "import fastopt; print(fastopt._core.tables.isa())"
    for isa in fo.available_isas():
        assert run_python(show, FASTOPT_ISA=isa).split() == [isa]
    output = run_python(show, FASTOPT_ISA="sse9")
    assert f"RuntimeWarning: FASTOPT_ISA='sse9' is not one of {fo.available_isas()}" in output
    assert output.split()[-1] == fo.available_isas()[0]


# ---- symbols ----
def test_nothing_of_the_c_core_leaves_the_module():
    library = ctypes.CDLL(_core.__file__)
    assert hasattr(library, "PyInit_tables")
    for name in ["fo_active", "fo_use_isa", "fo_loss_names", *(f"fo_sgd_{isa}" for isa in fo.available_isas())]:
        assert not hasattr(library, name)


if os.name == "posix":
    COMPILER = (os.environ.get("CC") or sysconfig.get_config_var("CC")).split()

    UNITS = sorted(path.parent.name for path in ROOT.glob("csrc/*/kernels.c"))

    @pytest.mark.slow
    @pytest.mark.parametrize("folder", UNITS)
    def test_kernels_export_their_part_of_the_table_only(folder, tmp_path):
        """A function that two tables shared could be one that this processor cannot run."""
        kernels = tmp_path / "kernels.o"
        subprocess.run([*COMPILER, "-std=c11", "-O0", "-DFO_NO_INLINE", "-DFO_ISA=any", f"-I{ROOT}/csrc", f"-I{ROOT}/csrc/include",
                        "-c", str(ROOT / f"csrc/{folder}/kernels.c"), "-o", str(kernels)], check=True)
        listing = subprocess.run(["nm", "-g", str(kernels)], check=True, capture_output=True, text=True).stdout
        defined = {line.split()[-1].lstrip("_") for line in listing.splitlines() if line.split()[-2] not in "Uw"}
        assert defined == {f"fo_{folder}_any"}

    def test_every_folder_with_kernels_has_a_part_of_the_table():
        families = re.search(r"#define FO_FAMILIES\(X, isa\) (.*)", (ROOT / "csrc/core/table.h").read_text(encoding="utf-8"))[1]
        assert sorted(re.findall(r"X\((\w+),", families)) == UNITS

    @pytest.mark.parametrize("source", [*(f"csrc/{folder}/kernels.c" for folder in UNITS), "csrc/core/dispatch.c",
                                        "fastopt/_solvers/piecewise/steps.pyx", "fastopt/_sgd/batch/feedback.pyx"])
    @pytest.mark.repeats(3)
    def test_what_is_compiled_depends_on_the_headers_that_it_includes(source, tmp_path, monkeypatch):
        """As the compiler itself lists them: a header that is not on the list would change, and objects of old would be linked."""
        monkeypatch.chdir(ROOT)
        if source.endswith(".pyx"):
            written = tmp_path / "module.c"
            subprocess.run([sys.executable, "-m", "cython", "-3", "-I", ".", source, "-o", str(written)], check=True)
            source = str(written)
        rule = subprocess.run([*COMPILER, "-MM", "-DFO_ISA=any", "-Icsrc/include", "-Icsrc", f"-I{sysconfig.get_path('include')}",
                               f"-I{np.get_include()}", source], check=True, capture_output=True, text=True).stdout
        listed = {Path(name) for name in rule.partition(":")[2].replace("\\\n", " ").split()}
        found = set(runpy.run_path("setup.py")["with_headers"](source))
        assert found == {path for path in listed if path.parts[0] == "csrc"} | {Path(source)}


# ---- ways to build ----
def test_a_way_to_build_that_does_not_exist(run_python):
    output = run_python(["setup.py", "build_ext"], cwd=ROOT, check=False, FASTOPT_BUILD="fast")
    assert "FASTOPT_BUILD must be 'quick' or nothing, got 'fast'" in output


def test_a_module_is_linked_again_when_its_objects_are_others(tmp_path):
    """Objects of a full build may be older than a module that a quick one linked; what is linked is compared, not times alone."""
    link_list = runpy.run_path(str(ROOT / "setup.py"))["BuildExt"].link_list
    command, module = SimpleNamespace(build_temp=tmp_path), SimpleNamespace(name="a.b", extra_objects=["full.o"], extra_link_args=["-s"])
    path = link_list(command, module)
    os.utime(path, (1, 1))
    assert os.path.getmtime(link_list(command, module)) == 1
    for name, other in [("extra_objects", ["quick.o"]), ("extra_link_args", [])]:
        os.utime(path, (1, 1))
        setattr(module, name, other)
        assert link_list(command, module) == path and os.path.getmtime(path) > 1


# ---- another package ----
@pytest.mark.slow
def test_cimport_from_another_package(run_python, tmp_path):
    package = shutil.copytree(HERE.parent / "cimport_package", tmp_path / "package")
    run_python(["setup.py", "build_ext", "--inplace"], cwd=package)
    output = run_python("""
import numpy as np, fastopt as fo, uses_fastopt as u
for isa in fo.available_isas():
    fo.set_isa(isa)
    assert u.isa() == isa
    y, p, g, rates = np.arange(9.0), np.arange(9.0) ** 2, np.empty(9), np.empty(5)
    assert abs(u.squared_error(y, p, g) - ((p - y) ** 2).sum() / 2) < 1e-9
    assert (g == p - y).all()
    u.constant_rates(0.25, rates)
    assert (rates == 0.25).all()
print("used", isa)
""", cwd=package)
    assert output.split() == ["used", fo.available_isas()[-1]]


def test_get_include():
    for name in ("lists.h", *HEADERS):
        assert (Path(fo.get_include()) / name).read_text() == (ROOT / "csrc" / "include" / name).read_text()


# ---- sdist and wheel ----
def unpack(sdist, folder):
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    return folder / sdist.name.removesuffix(".tar.gz")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The sdist and a wheel made from it: those in the folder FASTOPT_DIST, where somebody has built them already."""
    folder = Path(os.environ.get("FASTOPT_DIST") or tmp_path_factory.mktemp("built"))

    def make(what, cwd):
        done = subprocess.run([sys.executable, "-c", HOOK.format(what), str(folder)], cwd=cwd, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, done.stdout
    if "FASTOPT_DIST" not in os.environ:
        make("sdist", copy_of_the_sources(folder / "clone"))
        make("wheel", unpack(*folder.glob("*.tar.gz"), folder))
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return sdist, wheel


@pytest.mark.slow
def test_sdist(built):
    with tarfile.open(built[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"setup.py", "pyproject.toml", "LICENSE", "README.md", "csrc/core/kernels.c", "csrc/include/fastopt.h", "fastopt/_core/tables.pyx",
            "fastopt/_core/tables.pxd", "fastopt/py.typed", "tests/conftest.py"} <= names
    assert not [name for name in names if name.endswith((".so", ".pyd", ".o", ".pyc")) or "_build_info" in name
                or re.match(r"fastopt/.*\.c$", name)]


@pytest.mark.slow
def test_wheel(built):
    wheel = built[1]
    assert wheel.stat().st_size < 8_000_000
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = next(name for name in names if name.endswith("/METADATA"))
        text = archive.read(metadata).decode()
        entry_points = archive.read(metadata.replace("METADATA", "entry_points.txt")).decode()
    assert {"fastopt/_core/tables.pxd", "fastopt/_core/tables.pyi", "fastopt/include/lists.h", *(f"fastopt/include/{name}" for name in HEADERS),
            "fastopt/py.typed", "fastopt/_build_info.py", "fastopt/__init__.py"} <= names
    assert not [name for name in names if name.endswith((".c", ".pyx", ".o", ".html"))]
    assert {name.partition("/")[0] for name in names} == {"fastopt", metadata.partition("/")[0]}
    assert {"sklearn", "cli", "plot", "test", "all"} == set(re.findall("^Provides-Extra: (.*)$", text, re.M))
    assert "Requires-Python: >=3.10" in text and "License-Expression: BSD-3-Clause" in text
    assert "fastopt = fastopt.__main__:main" in entry_points


@pytest.mark.slow
def test_every_pyx_is_a_module_of_the_wheel(built):
    with zipfile.ZipFile(built[1]) as archive:
        compiled = {name.partition(".")[0] for name in archive.namelist() if name.endswith((".so", ".pyd"))}
    sources = {path.relative_to(ROOT).with_suffix("").as_posix() for path in ROOT.glob("fastopt/**/*.pyx")}
    assert sources and compiled == sources | {"fastopt/_core/cython_shared"}


@pytest.mark.slow
def test_without_openmp_and_with_one_table(run_python, tmp_path):
    """A quick build on a compiler without OpenMP: it builds, works and says so."""
    sources = copy_of_the_sources(tmp_path / "sources")
    run_python(["setup.py", "build", "--build-lib", "plain"], cwd=sources, timeout=600, FASTOPT_OPENMP="0", FASTOPT_BUILD="quick")
    output = run_python("""
import sys; sys.path.insert(0, "plain")
import fastopt as fo
from fastopt import _build_info
from fastopt._core.runtime import count_threads
fo.show_config()
assert not fo.show_config(mode="dicts")["OpenMP"]["found"]
assert fo.get_num_threads() == fo._core.threads.resolve_threads(4) == count_threads(4) == 1
assert len(fo.available_isas()) == 1 and "-DFO_NO_INLINE" in _build_info.C_FLAGS
print(fo._core.tables.__file__)
""", cwd=sources, FASTOPT_ISA="")
    assert re.search(r"^OpenMP\n +found: +no$", output, re.M)
    assert Path(output.split()[-1]).is_relative_to(sources / "plain")


def test_text_of_a_fact():
    assert [_config._text(fact) for fact in (None, True, 2, ["a", "b"], {"a": 1})] == ["no", "yes", "2", "a, b", "a 1"]
