"""The Python in README.md and docs/ runs: the blocks of a page one after the other, in one process and a folder of its own."""
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

import fastopt

ROOT = Path(__file__).parents[2]
OF_THE_COMMAND = "command_line"   # its Python reads what the command wrote; tests/cli/test_cli.py runs that
PAGES = [path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
         if "```python" in path.read_text(encoding="utf-8") and path.stem != OF_THE_COMMAND]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
@pytest.mark.repeats(2)
def test_page(page, tmp_path):
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
    done = subprocess.run([sys.executable, "-c", "\n".join(blocks)], cwd=tmp_path, capture_output=True, text=True, timeout=300,
                          env={**os.environ, "PYTHONPATH": str(Path(fastopt.__file__).parents[1]), "PYTHONIOENCODING": "utf-8",
                               "MPLBACKEND": "agg"})
    assert done.returncode == 0, done.stderr


def test_the_readme_is_among_them():
    assert ROOT / "README.md" in PAGES
