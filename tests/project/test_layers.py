"""Who may know whom: imports go down only, optional packages stay where they belong, and C does what C may do."""
import ast
import re
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "fastopt"

# The floors from the bottom up.  A room is a folder, or a module that has a floor of its own; a module may import its own room and
# what stands on a floor below.
FLOORS = [
    "exceptions _build_info",
    "_core",
    "_common _linalg",
    "_samples",
    "losses._small",
    "losses._arrays losses._likelihood_blocks",
    "losses._base",
    "losses._class_weights losses._reduction losses._amounts losses._classification losses._regression",
    "losses._rows losses._whole",
    "losses._row_losses",
    "losses._sequences losses._policies losses._ranking losses._survival losses._pairs losses._images losses._combining",
    "losses penalties schedules",
    "batching",
    "optimizers objective",
    "_methods",
    "_minimize _solvers.registry",
    "_solvers.iterate",
    "_solvers.squares",
    "_solvers.smooth _solvers.piecewise _solvers.proximal _solvers.stochastic",
    "_solvers",
    "_solvers.paths",
    "_sgd.settings",
    "_sgd.per_sample",
    "_sgd.batch",
    "_sgd.auto _linear_batch",
    "_sgd _auto_state",
    "neural_network._engine",
    "_estimators",
    "preprocessing linear_model._shared neural_network._initialisers neural_network._divergence",
    "linear_model._sgd linear_model._solved neural_network._mlp neural_network._sequential",
    "linear_model neural_network",
    "_data _limits",
    "_models",
    "_cli",
    "__main__",
]
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms.split()}
FILES = sorted(path for pattern in ("*.py", "*.pyx", "*.pxd") for path in PACKAGE.rglob(pattern))
#: the package's own face names what is below it
TOP = "__init__"

# private modules of a public folder that other folders import
SEEN_FROM_OUTSIDE = {
    "losses._base": "the domains of targets",
    "losses._rows": "what targets of rows may be",
    "losses._arrays": "_sgd.auto.units has slopes of losses",
    "objective._hessian": "Hessians of objectives, for solvers",
    "objective._hessian_softmax": "what a softmax's costs",
    "objective._objective": "cimport: coordinate descent reads the point of an objective",
    "objective._pass": "cimport: its predictions",
    "penalties._regularizer": "cimport: a penalty of a vector as kernels see it",
    "optimizers._factored": "cimport: passes over matrices",
    "optimizers._gradients": "cimport: gradients as kernels see them",
    "optimizers._passes": "cimport: a step over a part of the weights",
    "optimizers._update": "cimport: a rule's arrays and its step",
    "optimizers._matrix": "Muon of mini-batches takes the products of the optimizer",
    "schedules._base": "what a step may be, and what may stand for a schedule",
    "schedules._curves": "batch sizes that follow a curve",
    "schedules._driven": "cimport: rates that follow the losses",
    "schedules._feedback": "the schedules among them, by type",
    "batching._noise": "the batch size among them, by type",
}

# optional package: modules that may import it
OWNERS = {
    "sklearn": r"(linear_model|neural_network|preprocessing|_estimators)(\..*)?|_models\.load|_cli(\..*)?|_data(\..*)?",
    "joblib": r"linear_model(\..*)?",
    "typer": r"_cli(\..*)?|__main__", "rich": r"_cli(\..*)?|__main__",
    "threadpoolctl": r"_cli(\..*)?|_estimators\.sklearn",
    "pandas": r"_data(\..*)?|_cli(\..*)?", "pyarrow": r"_data(\..*)?", "matplotlib": r"_common\.plot",
}
EVERYWHERE = {"numpy", "scipy", "fastopt", "cython", "cpython", "libc", "openmp", "typing_extensions"}   # the last for type checkers


def module_of(path):
    """The dotted name below fastopt; a folder's __init__ is the folder."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


MODULES = {module_of(path) for path in FILES}


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
            yield from targets(absolute(path, node), [alias.name for alias in node.names])


def absolute(path, node):
    """The module that a `from … import` names."""
    if not node.level:
        return node.module
    parents = ("fastopt", *path.parent.relative_to(PACKAGE).parts)
    return ".".join(filter(None, (*parents[:len(parents) - node.level + 1], node.module)))


def targets(source, names):
    top, _, module = source.partition(".")
    if top != "fastopt":
        yield top, None
        return
    submodules = [name for name in (f"{module}.{name}".lstrip(".") for name in names) if name in MODULES]
    yield from ((top, name) for name in submodules)
    if module and (len(submodules) < len(names) or not names):
        yield top, module


def room(module):
    """The folder, or the module itself if it has a floor of its own."""
    parts = module.split(".")
    places = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next(place for place in places if place in FLOOR_OF)


@pytest.mark.parametrize("path", [path for path in FILES if module_of(path) != TOP], ids=module_of)
def test_imports_go_down(path):
    own = room(module_of(path))
    for _, target in imports(path):
        if target is not None and room(target) != own:
            assert FLOOR_OF[room(target)] < FLOOR_OF[own], f"{module_of(path)} imports {target}, which is not below it"


def test_each_folder_has_a_floor_and_a_face():
    for folder in {path.parent for path in FILES} - {PACKAGE}:
        assert (folder / "__init__.py").exists(), f"{folder.name} has no face"
        assert module_of(folder / "__init__.py") in FLOOR_OF, f"which floor is {folder.name} on? add it to FLOORS"
    assert FLOOR_OF.keys() <= MODULES | {"_build_info"}, "a floor of something that does not exist"


def test_no_module_imports_itself_by_way_of_others():
    arrows = {}
    for path in FILES:
        own = module_of(path)
        arrows.setdefault(own, set()).update(target for _, target in imports(path) if target not in (None, own))
    order = list(TopologicalSorter(arrows).static_order())   # CycleError names the circle
    assert set(order) >= MODULES


def test_private_modules_are_their_folders_own():
    """`losses._base` is for losses/ alone; folders that are private as a whole show all their modules to what stands above them."""
    seen = {}
    for path in FILES:
        for _, target in imports(path):
            folder, _, name = (target or "").rpartition(".")
            inside = module_of(path).split(".")[0] == folder.split(".")[0]
            if folder and name.startswith("_") and not folder.startswith("_") and not inside:
                seen.setdefault(target, []).append(module_of(path))
    assert seen.keys() == SEEN_FROM_OUTSIDE.keys(), seen


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_optional_packages_have_owners(path):
    for top, _ in imports(path):
        if top not in EVERYWHERE and top not in sys.stdlib_module_names:
            assert re.fullmatch(OWNERS.get(top, ""), module_of(path)), f"{module_of(path)} imports {top}"


# macros of csrc/rules/rules.h, conjugates.h, row_losses.h and activations.h that begin a static function
STATIC_MACROS = ("FO_FOLD(", "FO_FINISH(", "FO_RULE(", "FO_SUMS(", "FO_CONJUGATE(", "FO_DUAL_STEP(", "FO_ROW(", "FO_ROW_PRODUCT(",
                 "FO_ACTIVATION(", "FO_SLOPE(")


def without_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)


@pytest.mark.parametrize("path", sorted((ROOT / "csrc").rglob("*.[ch]")), ids=lambda path: path.name)
def test_c_neither_allocates_nor_prints_nor_knows_python(path):
    text = without_comments(path.read_text(encoding="utf-8"))
    never = r"\b(malloc|calloc|realloc|free|alloca|f?printf|puts|abort|exit|assert|Py\w+|omp_\w+|pthread_\w+)\s*\("
    assert re.findall(never, text) == []
    assert not re.search(r"#\s*include\s*<(Python|omp|stdio|pthread)\.h>", text)
    assert not re.search(r"omp\s+parallel", text)
    # dispatch.c reads FASTOPT_ISA
    assert path.name == "dispatch.c" or "stdlib.h" not in text


@pytest.mark.parametrize("path", sorted((ROOT / "csrc").rglob("*.h")), ids=lambda path: path.name)
def test_functions_in_headers_are_static(path):
    """Compiled for several instruction sets, a function with a shared name would be merged by the linker."""
    text = without_comments(path.read_text(encoding="utf-8"))
    text = re.sub(r"\\\n", " ", text)
    if path.name != "fastopt.h":
        for definition in re.findall(r"^[A-Za-z_][^;{}#=]*\)\s*\{", text, re.M):
            assert definition.startswith(("static ", "FO_INLINE ", "FO_KERNEL ", "FO_COLD ", *STATIC_MACROS)), definition


def test_flags_keep_the_meaning_of_the_code():
    """-march=native would break the wheel on other machines; -ffast-math and its kin drop nan and inf."""
    for path in [ROOT / "setup.py", ROOT / "pyproject.toml", *ROOT.glob("csrc/**/*.[ch]"), *PACKAGE.rglob("*.pyx")]:
        text = path.read_text(encoding="utf-8")
        for flag in ("-march=native", "-mtune=native", "-ffast-math", "-Ofast", "-funsafe-math", "-ffinite-math",
                     "-fassociative-math", "/fp:fast", "/arch:AVX10"):
            assert flag not in text, f"{flag} in {path.name}"


SOURCES = [*FILES, *ROOT.glob("csrc/**/*.[ch]"), ROOT / "setup.py", *ROOT.glob("tests/**/*.py"), *ROOT.glob("bench/*.py")]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_says_what_it_is_and_stays_short(path):
    text = path.read_text(encoding="utf-8")
    if path.name != "_build_info.py":
        assert text.startswith(('"""', "/*")), "a paragraph on top: what it holds, who uses it, what it must not know"
    assert text.count("\n") <= 400


@pytest.mark.parametrize("path", [path for path in SOURCES if path.suffix == ".py"],
                         ids=lambda path: str(path.relative_to(ROOT)))
def test_functions_are_short(path):
    """Docstrings do not count."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            assert node.end_lineno - first.lineno < 50, f"{node.name} in {path.name}"
