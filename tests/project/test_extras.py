"""Without an optional package, what needs it says so and how to install it; all else works.  In processes whose imports are blocked."""
import re

import pytest
from test_layers import FILES, ROOT, imports

#: package: (what is run without it, its name to install by, the extra that the error names)
MISSING = {
    "sklearn": ("from fastopt.linear_model import Ridge", "scikit-learn", "sklearn"),
    "threadpoolctl": ("import fastopt\nfastopt.linear_model", "threadpoolctl", "sklearn"),
    "matplotlib": ("from fastopt import schedules\nschedules.Constant(0.1).plot(10)", "matplotlib", "plot"),
    "typer": ("main", "typer", "cli"), "rich": ("main", "rich", "cli"),
}
BLOCK = """
import sys
import importlib.abc

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {package!r}:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)

sys.meta_path.insert(0, Blocked())
"""
MAIN = "import sys\nsys.argv = ['fastopt', 'train', '--help']\nfrom fastopt.__main__ import main\nmain()"
WITHOUT = """
import numpy as np
import fastopt as fo
from fastopt import losses, schedules
w = np.zeros(2)
fo.optimizers.Adam(w).step(np.ones(2))
objective = fo.LinearObjective(np.eye(2), np.array([0, 1]), fit_intercept=False)
print(fo.minimize(objective.value_and_gradient, np.zeros(2), jac=True).success, losses.get("log_loss").name, schedules.Constant(0.1)(3))
"""


@pytest.mark.parametrize("package", MISSING)
def test_the_error_names_package_and_extra(run_python, package):
    program, name, extra = MISSING[package]
    printed = run_python(BLOCK.format(package=package) + (MAIN if program == "main" else program), check=False)
    assert re.search(rf'needs {name}: pip install "fastopt\[{extra}\]"', printed.splitlines()[-1]), printed
    assert ("Traceback" in printed) == (program != "main") == ("ModuleNotFoundError" in printed.splitlines()[-1])


@pytest.mark.parametrize("package", MISSING)
def test_the_rest_works(run_python, package):
    assert run_python(BLOCK.format(package=package) + WITHOUT).split() == ["True", "log_loss", "0.1"]


def test_one_that_is_too_old_is_named(run_python):
    printed = run_python("import sklearn.utils.validation as v\ndel v.validate_data\nimport fastopt.linear_model", check=False)
    assert 'ImportError: fastopt.linear_model needs scikit-learn: pip install "fastopt[sklearn]" (cannot import name' in printed


@pytest.mark.parametrize("extra", ["sklearn", "plot", "cli"])
def test_extras_install_nothing_that_is_not_imported(extra):
    declared = re.search(rf"^{extra} = \[(.*?)\]$", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M | re.S)[1]
    imported = {top for path in FILES for top, _ in imports(path)}
    for name in re.findall(r'"([\w-]+)', declared):
        assert {"scikit-learn": "sklearn"}.get(name, name) in imported, f"{name} of the extra {extra} is used by nothing"
