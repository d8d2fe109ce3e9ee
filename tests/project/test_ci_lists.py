"""The scripts of .ci name test files that exist."""
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name, folder", [("sanitize", "tests"), ("estimators", "."), ("run", ".")])
def test_named_files_exist(name, folder):
    named = re.findall(r"[\w/]+/test_\w+\.py", (ROOT / ".ci" / name).read_text(encoding="utf-8"))
    assert [path for path in named if not (ROOT / folder / path).exists() and not (ROOT / path).exists()] == []
    assert named or name == "run"
