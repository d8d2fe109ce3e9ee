"""The examples run, each in a process and a folder of its own."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

import fastopt

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))
SOURCE = str(Path(fastopt.__file__).parents[1])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
@pytest.mark.repeats(3)
def test_example(path, tmp_path):
    done = subprocess.run([sys.executable, "-W", "error::DeprecationWarning", str(path)], cwd=tmp_path, capture_output=True,
                          text=True, timeout=120, env={**os.environ, "PYTHONPATH": SOURCE, "PYTHONIOENCODING": "utf-8"})
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() and "Traceback" not in done.stderr


def test_there_are_examples():
    assert len(EXAMPLES) >= 3
