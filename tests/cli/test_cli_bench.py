"""`fastopt bench`: its tables, its JSON, and how it fails.  What is measured is tests/limits."""
import json
import re

import pytest

pytest.importorskip("typer")
pytest.importorskip("rich")
pytest.importorskip("sklearn")
pytest.importorskip("pandas")

from command import fastopt
from fastopt import _limits
from fastopt._cli import bench


@pytest.fixture(scope="module")
def record():
    """One quick run for all tests."""
    return _limits.measure(2, quick=True)


@pytest.fixture
def asked(record, monkeypatch):
    """What the command asks for; it gets the one run."""
    calls = []
    monkeypatch.setattr(bench, "measure", lambda threads, quick, say: (calls.append((threads, quick)), say("a part"), record)[2])
    return calls


def test_tables(asked, record, folder):
    out = fastopt("bench", "--quick")
    assert asked == [(None, True)] and record["machine"]["processor"] in out
    for row in record["rows"]:
        name = row["name"] + " ×2" * (row["threads"] > 1)
        line = next(line for line in out.splitlines() if line.startswith(name + "  "))
        assert line.rstrip().endswith(row["bound"])
        assert abs(float(line.removeprefix(name).split()[4]) - row["share"]) < 0.006 * max(1, row["share"])
    assert "rows of " in out and "28 in cache" in out and "call of a Python function" in out
    assert all(note in fastopt.errors for note in record["notes"]) and list(folder.iterdir()) == []


@pytest.mark.parametrize("width", [40, 60, 80])
def test_tables_fit_a_terminal(asked, record, width, monkeypatch, capsys):
    from rich.console import Console
    monkeypatch.setattr(bench, "Report", lambda quiet: _report(Console(width=width, highlight=False, force_terminal=True, color_system=None)))
    bench.bench(bench.BenchOptions(quick=True))
    lines = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", capsys.readouterr().out).splitlines()
    assert max(map(len, lines)) <= width
    assert any("784 columns" in line for line in lines)


def _report(console):
    from fastopt._cli.report import Report
    report = Report()
    report.console = console
    return report


def test_json_in_a_file(asked, record, folder):
    out = fastopt("bench", "--threads", "2", "--json", "limits.json")
    assert asked == [(2, False)] and "written to limits.json" in out
    assert json.loads((folder / "limits.json").read_text(encoding="utf-8")) == record


def test_json_alone_on_stdout(asked, record, folder):
    assert json.loads(fastopt("bench", "--quick", "--json", "-")) == record


@pytest.mark.parametrize("options, error", [
    (["--threads", "0"], "threads"), (["--threads", "many"], "threads"), (["--json", "nowhere/limits.json"], "there is no folder nowhere"),
    (["--json", "."], "cannot be written"), (["--fast"], "--fast"), (["more"], "more")])
def test_wrong_usage(asked, folder, options, error):
    out = fastopt("bench", *options, code=2)
    assert error in out + fastopt.errors and asked == []
