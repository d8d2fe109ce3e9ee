"""docs/losses.md is what its script would write."""
import importlib.util
from pathlib import Path

from fastopt import losses

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_of_the_register():
    spec = importlib.util.spec_from_file_location("make_losses", DOCS / "make_losses.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    page = (DOCS / "losses.md").read_text(encoding="utf-8")
    assert page == script.page(), "run: python docs/make_losses.py"
    assert all(f"`{info.name}" in page for info in losses.available())
    assert script.pull(losses.SquaredError()) == "grows" and script.pull(losses.Huber()) == "bounded"
    assert script.pull(losses.StudentT()) == "fades" and script.pull(losses.Exponential()) == "grows"
