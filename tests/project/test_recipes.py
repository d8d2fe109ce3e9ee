"""The recipes of CONTRIBUTING.md: their blocks stand in the sources word for word, compile without a warning under another name and give what
the oracles say; the solver runs as it is; files and lines are as many as the page says."""
import ctypes
import importlib.util
import math
import re
import runpy
import sys
import textwrap
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest

import fastopt as fo
from compiled import library
from fastopt import LinearObjective
from fastopt._solvers.auto import solve
from fastopt._solvers.registry import registry
from reference.losses import EXACT
from reference.penalties import VALUES
from reference.rules import adamax
from reference.schedules import inverse_sqrt

ROOT = Path(__file__).parents[2]
#: what a recipe may cost: files, lines that are not empty
LIMITS = {"loss": (3, 35), "update rule": (3, 40), "penalty": (3, 45), "schedule": (3, 35), "solver": (2, 41)}
IN_WORDS = {"Two": 2, "Three": 3}


def recipes():
    """{what: (files, lines, [(path, language, block)])}: the path is the last one named in the text before a block."""
    page, found = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), {}
    for what, text in re.findall(r"^## Add an? ([\w ]+)\n(.*?)(?=^## |\Z)", page, re.M | re.S):
        files, lines = re.search(r"^(\w+) files, (\d+) lines", text, re.M).groups()
        blocks, before = [], 0
        for match in re.finditer(r"^ *```(\w+)\n(.*?)^ *```$", text, re.M | re.S):
            path = re.findall(r"[Ii]n\s+`((?:csrc|fastopt)/[\w/.]+)`|say\s+`(fastopt/[\w/.]+)`", text[before:match.start()])[0]
            blocks.append(("".join(path), match[1], textwrap.dedent(match[2])))
            before = match.end()
        found[what] = IN_WORDS[files], int(lines), blocks
    return found


RECIPES = recipes()
IN_C = [what for what in RECIPES if what != "solver"]


def block(what, path):
    """The blocks of a recipe that belong into that file."""
    return "\n".join(text for place, _, text in RECIPES[what][2] if Path(place).name == path)


def test_there_is_a_recipe_for_each():
    assert RECIPES.keys() == LIMITS.keys()


@pytest.mark.parametrize("what", LIMITS)
def test_files_and_lines(what):
    files, lines, blocks = RECIPES[what]
    assert files == len({path for path, _, _ in blocks}) <= LIMITS[what][0]
    assert lines == sum(bool(line.strip()) for _, _, text in blocks for line in text.splitlines()) <= LIMITS[what][1]


@pytest.mark.parametrize("what", IN_C)
def test_the_sources_have_it_word_for_word(what):
    for path, _, text in RECIPES[what][2]:
        assert text.strip() in (ROOT / path).read_text(encoding="utf-8"), path


# ---- C ----

NAMES = {"loss": "log_cosh", "update rule": "adamax", "penalty": "mcp", "schedule": "inverse_sqrt"}
SOURCE = """
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "fastopt.h"
#define REAL_IS_FLOAT 1
#include "body.h"
#undef REAL_IS_FLOAT
#define REAL_IS_FLOAT 0
#include "body.h"
#include "schedules/schedules.h"
{schedule}
void run_schedule(const fo_schedule *h, ptrdiff_t n, double *lr) {{
    for (ptrdiff_t i = 0; i < n; i++) lr[i] = schedule_recipe(h, (double)i);
}}
"""
BODY = """
#include "core/real.h"
#include "core/vmath.h"
#include "core/simd.h"
#include "losses/losses.h"
#include "core/rows.h"
#include "losses/loss_loops.h"
#include "rules/rules.h"
#include "rules/rules_adaptive.h"
#include "penalties/penalties.h"
{loss}
void F(run_loss)(ptrdiff_t n, const real *y, const real *p, real *out) {{
    for (ptrdiff_t i = 0; i < n; i++) {{
        const F(derivatives) l = F(loss_recipe)(0, 0, y[i], p[i]);
        out[3 * i] = l.value, out[3 * i + 1] = l.grad, out[3 * i + 2] = l.hess;
    }}
}}
{penalty}
void F(run_penalty)(ptrdiff_t n, const real *c, const real *size, real *out) {{
    for (ptrdiff_t i = 0; i < n; i++) {{
        out[3 * i] = F(value_recipe)(c[0], c[1], size[i]), out[3 * i + 1] = F(slope_recipe)(c[0], c[1], size[i]);
        out[3 * i + 2] = F(prox_recipe)(c[0], c[1], c[2], size[i]);
    }}
}}
#if REAL_IS_FLOAT
{fold}
#endif
{rule}
void F(run_rule)(ptrdiff_t n, const real *c, const real *g, real *out) {{
    F(param) x = {{1, 0, 0, 0, 0, 0}};
    for (ptrdiff_t i = 0; i < n; i++) {{
        const fo_rule r = {{.lr = c[0], .beta1 = c[1], .beta2 = c[2], .eps = c[3]}};
        fo_coefs h = {{.scale = 1, .rate = r.lr, .eps = r.eps}};
        fold_recipe(&r, (double)i, NULL, &h);
#define FO_COEF(name) (real)h.name,
        const F(coefs) folded = {{FO_COEFS(FO_COEF)}};
#undef FO_COEF
        x = F(rule_recipe)(&folded, g[i], x);
        out[i] = x.w;
    }}
}}
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """The blocks under the name `recipe`, each with a loop over it."""
    folder = tmp_path_factory.mktemp("recipes")

    def renamed(what, path):
        return re.sub(rf"(?<=[(_]){NAMES[what]}(?=\))|(?<=_){NAMES[what]}(?=\()", "recipe", block(what, path))
    fold, rule = re.fullmatch(r"(FO_FOLD.*?\n\n?)(.*)", renamed("update rule", "rules_adaptive.h"), re.S).groups()
    (folder / "body.h").write_text(BODY.format(loss=renamed("loss", "losses.h"), penalty=renamed("penalty", "penalties.h"), fold=fold,
                                               rule=rule), encoding="utf-8")
    (folder / "recipes.c").write_text(SOURCE.format(schedule=renamed("schedule", "schedules.h")), encoding="utf-8")
    functions = [f"fo_run_{what}_f{bits}" for what in ("loss", "penalty", "rule") for bits in (32, 64)]
    return library(folder, folder / "recipes.c", [*functions, "run_schedule"], fo.available_isas()[-1], strict=True)


def run(compiled, what, a, b, results):
    out = np.empty((len(b), results), b.dtype)
    function = getattr(compiled, f"fo_run_{what}_f{8 * b.itemsize}")
    function(ctypes.c_ssize_t(len(b)), *(ctypes.c_void_p(each.ctypes.data) for each in (a.astype(b.dtype), b, out)))
    return out.T


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_loss_has_value_and_two_derivatives(compiled, dtype):
    p = np.array([0, 1e-3, -1e-3, 0.5, 1, -1, 3, -7, 30], dtype)
    found, exact = run(compiled, "loss", np.zeros_like(p), p, 3), EXACT[NAMES["loss"]]
    with mp.workdps(50):
        wanted = np.array([(*exact(0, x), mp.diff(lambda at: exact(0, at)[1], x)) for x in map(mp.mpf, p.tolist())], float).T
    eps = float(np.finfo(dtype).eps)
    np.testing.assert_allclose(found[:2], wanted[:2], rtol=4 * eps)   # these are accurate relative to themselves
    np.testing.assert_allclose(found[2], wanted[2], rtol=4 * eps, atol=4 * eps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_penalty_has_value_slope_and_prox(compiled, dtype):
    alpha, gamma, size, h = 0.5, 3.0, np.array([0.1, 0.5, 1.0, 1.4, 2.0], dtype), 1e-6
    grid = np.linspace(0, 3, 300_001)
    for step in (0.5, 2.0, 4.0):
        value, slope, prox = run(compiled, "penalty", np.array([alpha, gamma, step]), size, 3)
        wide = size.astype(float)

        def plain(x):
            return VALUES[NAMES["penalty"]](x, alpha, gamma)
        np.testing.assert_allclose(value, plain(wide), rtol=1e-6)
        np.testing.assert_allclose(slope, (plain(wide + h) - plain(wide - h)) / (2 * h), atol=1e-6)
        for x, z in zip(wide, prox.astype(float)):
            assert plain(z) + (z - x) ** 2 / (2 * step) <= (plain(grid) + (grid - x) ** 2 / (2 * step)).min() + 1e-6


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_rule_steps_as_the_paper_says(compiled, dtype):
    g = np.array([1.0, -2.0, 0.5, 0.0, 3.0, -0.1], dtype)
    found = run(compiled, "rule", np.array([0.1, 0.8, 0.9, 1e-8]), g, 1)[0]
    state, w, wanted = {"m": np.zeros(1), "v": np.zeros(1), "u": np.zeros(1)}, 1.0, []
    for t, slope in enumerate(g.astype(float)):
        w -= float(adamax({"betas": (0.8, 0.9), "eps": 1e-8}, state, w, np.array([slope]), 0.1, t)[0][0])
        wanted.append(w)
    np.testing.assert_allclose(found, wanted, rtol=1e-5 if dtype == np.float32 else 1e-12)


def test_the_schedule_is_its_formula(compiled):
    """Its fields as the class fills them."""
    schedule, lr = fo.schedules.InverseSqrt(0.5, decay_steps=7), np.empty(50)

    class Fields(ctypes.Structure):
        _fields_ = [("kind", ctypes.c_int), *((name, ctypes.c_double) for name in (
            "lr", "power_t", "alpha", "t0", "steps", "rate", "end", "peak", "middle", "turn", "back"))]
    compiled.run_schedule(ctypes.byref(Fields(lr=0.5, steps=7)), ctypes.c_ssize_t(50), ctypes.c_void_p(lr.ctypes.data))
    np.testing.assert_allclose(lr, [inverse_sqrt(t, 0.5, 7) for t in range(50)], rtol=1e-14)
    assert lr.tolist() == schedule.block(0, 50).tolist()


# ---- the solver ----

@pytest.fixture
def solver(tmp_path, monkeypatch):
    """The module of the recipe, imported as if it stood where the page puts it; its name in the register."""
    (path, _, text), (face, _, line) = RECIPES["solver"][2]
    name = path.removesuffix(".py").replace("/", ".")
    assert not (ROOT / path).exists() and name.rpartition(".")[2] in line and Path(face).name == "__init__.py"
    for word in line.replace("# noqa: F401", "").split("import")[1].split(","):   # the others are what the face has today
        assert word.strip() in (ROOT / face).read_text() or word.strip() == name.rpartition(".")[2]
    before = dict(registry)
    (tmp_path / "recipe.py").write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, tmp_path / "recipe.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    (added,) = registry.keys() - before.keys()
    yield added
    registry.clear()
    registry.update(before)


@pytest.mark.parametrize("loss", ["squared_error", "log_loss", "huber", "log_cosh"])
def test_the_solver_reaches_the_optimum(solver, loss):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 5))
    y = (X.sum(1) > 0).astype(float) if loss == "log_loss" else X @ rng.standard_normal(5) + rng.standard_normal(200)
    objective = LinearObjective(X, y, loss, 0.1, fit_intercept=True)
    found = solve(objective, None, solver, tol=1e-8, max_iter=1000)
    assert found.converged and found.solver == solver and math.isnan(found.gap) and found.n_iter > 0
    if loss == "squared_error":
        A, ridge = np.hstack([X, np.ones((200, 1))]), np.diag([0.1] * 5 + [0])
        np.testing.assert_allclose(found.w, np.linalg.solve(A.T @ A / 200 + ridge, A.T @ y / 200), atol=1e-7)
    else:
        slope = {"log_loss": lambda p: 1 / (1 + np.exp(-p)) - y, "huber": lambda p: np.clip(p - y, -1.35, 1.35),
                 "log_cosh": lambda p: np.tanh(p - y)}[loss](X @ found.w[:5] + found.w[5])
        assert np.abs(X.T @ slope / 200 + 0.1 * found.w[:5]).max() <= 2e-8 and abs(slope.mean()) <= 2e-8


def test_the_tests_pick_the_solver_up(solver):
    """What goes through the register tests it, without a list to add to."""
    tests = runpy.run_path(str(ROOT / "tests" / "solvers" / "test_solvers.py"))
    assert solver in tests["SOLVERS"]
    tests["test_every_smooth_loss_against_scipy"]("log_loss", 0.05)
    tests["test_one_sample_and_zero_weights"]()
    for name in ("test_start_limit_and_callback", "test_separable_classes_without_penalty_are_told"):
        tests[name](solver)
    for path in ("solvers/test_converged_by_list.py", "linear_model/test_finite_out.py"):
        assert 'parametrize("solver", registry)' in (ROOT / "tests" / path).read_text(encoding="utf-8")
