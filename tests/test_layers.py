"""Who may know whom: imports go down only, optional packages stay where they belong, and C does what C may do."""
import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "fastopt"

# From the bottom up: a module may import what stands in a line above its own, or beside it where the line ends in *.
LEVELS = """
_structs|_compressed
_build_info|_extras|exceptions
_runtime|_load|_core|_plot
_threads|_checks|_sparse_input
_config|_settings|_driven
_losses|_penalties|_schedules|_kept
_loss|_penalty|_schedule
_loss_\\w+|_penalty_\\w+|_schedule_\\w+
losses|penalties|schedules
_batching
_batching_\\w+
batching
_samples|_outputs|_columns|_team|_flush|_careful
_touched|_held
_auto_state
_gradients
_passes
_matrices
_plan
_epochs
_blas|_ldl|_heap
_sgd|_predict|_update|_objective_pass|_objective_data|_objective_centre
_objective_columns
_objective
_objective_line|_objective_views
_chains
_hessian_softmax
_hessian|_quadratic|_variance|_dual|_interior
_descent|_walk
_descent_samples|_descent_gram
_batch_columns|_batch_cuts|_batch_pace
_batch_rows|_batch_drive
_batch_steps
_batch_lazy
_batch_work|_auto_work
_batch_wild|_batch_epochs
_batch|_auto
_optimizer_settings|_optimizer_docs
_optimizer_state|_optimizer_params|_optimizer_group
_optimizer
_optimizer_moments
_optimizer_\\w+
optimizers|objective
_lbfgs
_compact
_lbfgsb
_minimize_objective
_minimize_\\w+ *
_minimize|_mlp
_solver
_solve_\\w+ *
_solve|_path
_path_\\w+ *
_linear_\\w+|_sgd_\\w+|_estimators?|_callbacks *
linear_model|neural_network
_model_\\w+|_cli\\w* *
__main__
""".split("\n")[1:-1]
MODULES = sorted(path for pattern in ("*.py", "*.pyx", "*.pxd") for path in PACKAGE.glob(pattern))

# optional package: modules that may import it
OWNERS = {
    "sklearn": r"linear_model|neural_network|_linear_\w+|_sgd_\w+|_estimators?|_callbacks|_cli\w*|_model_load",
    "joblib": r"linear_model|neural_network|_linear_\w+",
    "typer": r"_cli\w*|__main__", "rich": r"_cli\w*|__main__", "threadpoolctl": r"_cli\w*|_linear_compat",
    "pandas": r"_cli\w*", "pyarrow": r"_cli\w*", "matplotlib": r"_plot",
}
EVERYWHERE = {"numpy", "scipy", "fastopt", "cython", "cpython", "libc", "openmp", "typing_extensions"}   # the last for type checkers


def imports(path):
    """(top-level package, module of fastopt or None) of every import statement of a .py, .pyx or .pxd file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        pattern = r"^\s*(?:from +([\w.]+) +c?import +(.+)|c?import +([\w.]+))"
        for source, names, alone in re.findall(pattern, text, re.M):
            yield from targets(source or alone, re.findall(r"\w+", names))
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from targets(alias.name, [])
        elif isinstance(node, ast.ImportFrom):
            source = "fastopt" + (f".{node.module}" if node.module else "") if node.level else node.module
            yield from targets(source, [alias.name for alias in node.names])


def targets(source, names):
    top, _, rest = source.partition(".")
    if top != "fastopt":
        yield top, None
    elif rest:
        yield top, rest.split(".")[0]
    else:
        yield from ((top, name) for name in names if list(PACKAGE.glob(f"{name}.py*")))


def level(name):
    """Where a module stands, counted from the bottom, and whether it may import its neighbours."""
    for number, pattern in enumerate(LEVELS):
        if re.fullmatch(pattern.removesuffix(" *"), name):
            return number, pattern.endswith(" *")
    raise AssertionError(f"which level is {name}? add it to LEVELS")


@pytest.mark.parametrize("path", [path for path in MODULES if path.stem != "__init__"], ids=lambda path: path.name)
def test_imports_go_down(path):
    own, beside = level(path.stem)
    for _, target in imports(path):
        if target is not None and target != path.stem:
            down = level(target)[0] < own or beside and level(target)[0] == own
            assert down, f"{path.name} imports {target}, which is not below it"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_optional_packages_have_owners(path):
    for top, _ in imports(path):
        if top not in EVERYWHERE and top not in sys.stdlib_module_names:
            assert re.fullmatch(OWNERS.get(top, ""), path.stem), f"{path.name} imports {top}"


# macros of csrc/rules.h and conjugates.h that begin a static function
STATIC_MACROS = ("FO_FOLD(", "FO_FINISH(", "FO_RULE(", "FO_SUMS(", "FO_CONJUGATE(", "FO_DUAL_STEP(")


def without_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)


@pytest.mark.parametrize("path", sorted((ROOT / "csrc").iterdir()), ids=lambda path: path.name)
def test_c_neither_allocates_nor_prints_nor_knows_python(path):
    text = without_comments(path.read_text(encoding="utf-8"))
    never = r"\b(malloc|calloc|realloc|free|alloca|f?printf|puts|abort|exit|assert|Py\w+|omp_\w+|pthread_\w+)\s*\("
    assert re.findall(never, text) == []
    assert not re.search(r"#\s*include\s*<(Python|omp|stdio|pthread)\.h>", text)
    assert not re.search(r"omp\s+parallel", text)
    # dispatch.c reads FASTOPT_ISA
    assert path.name == "dispatch.c" or "stdlib.h" not in text


@pytest.mark.parametrize("path", sorted((ROOT / "csrc").glob("*.h")), ids=lambda path: path.name)
def test_functions_in_headers_are_static(path):
    """Compiled for several instruction sets, a function with a shared name would be merged by the linker."""
    text = without_comments(path.read_text(encoding="utf-8"))
    text = re.sub(r"\\\n", " ", text)
    if path.name != "fastopt.h":
        for definition in re.findall(r"^[A-Za-z_][^;{}#=]*\)\s*\{", text, re.M):
            assert definition.startswith(("static ", "FO_INLINE ", *STATIC_MACROS)), definition


def test_flags_keep_the_meaning_of_the_code():
    """-march=native would break the wheel on other machines; -ffast-math and its kin drop nan and inf."""
    for path in [ROOT / "setup.py", ROOT / "pyproject.toml", *ROOT.glob("csrc/*"), *PACKAGE.glob("*.pyx")]:
        text = path.read_text(encoding="utf-8")
        for flag in ("-march=native", "-mtune=native", "-ffast-math", "-Ofast", "-funsafe-math", "-ffinite-math",
                     "-fassociative-math", "/fp:fast", "/arch:AVX10"):
            assert flag not in text, f"{flag} in {path.name}"


SOURCES = [*MODULES, *ROOT.glob("csrc/*"), ROOT / "setup.py", *ROOT.glob("tests/*.py"), *ROOT.glob("bench/*.py")]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_file_says_what_it_is_and_stays_short(path):
    text = path.read_text(encoding="utf-8")
    if path.name != "_build_info.py":
        assert text.startswith(('"""', "/*")), "a paragraph on top: what it holds, who uses it, what it must not know"
    assert text.count("\n") <= 400


@pytest.mark.parametrize("path", [path for path in SOURCES if path.suffix == ".py"],
                         ids=lambda path: f"{path.parent.name}/{path.name}")
def test_functions_are_short(path):
    """Docstrings do not count."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            assert node.end_lineno - first.lineno < 50, f"{node.name} in {path.name}"
