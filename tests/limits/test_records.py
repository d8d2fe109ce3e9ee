"""What `bench/limits.py` makes of runs: records of processors, several runs joined, tables.  Measures nothing."""
import copy
import json
import math
import runpy
import sys
from pathlib import Path

import pytest

pytest.importorskip("sklearn")

BENCH = Path(__file__).parents[2] / "bench"
RECORDS = sorted((BENCH / "records").glob("*.json"))


@pytest.fixture(scope="module")
def script():
    """The names of bench/limits.py."""
    sys.path.insert(0, str(BENCH))
    try:
        return runpy.run_path(str(BENCH / "limits.py"))
    finally:
        sys.path.remove(str(BENCH))


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_records_are_whole_runs(path, script):
    record = json.loads(path.read_text(encoding="utf-8"))
    assert record["quick"] is False and path.stem == script["slug"](record["machine"]["processor"])
    assert len(record["rows"]) == 13 and len(record["limits"]) > 30
    for row in record["rows"]:
        assert 0 < row["share"] < math.inf and math.isclose(row["share"], row["limit_seconds"] / row["seconds"], rel_tol=2e-3)
        assert row["limit_seconds"] == row["bounds"][row["bound"]] == max(row["bounds"].values())


def test_of_several_runs_the_fastest_counts(script):
    first = json.loads(RECORDS[0].read_text(encoding="utf-8"))
    second = copy.deepcopy(first)
    row, limit = second["rows"][0], second["limits"][0]
    row["seconds"] /= 2
    row["bounds"] = {bound: 3 * value for bound, value in row["bounds"].items()}
    limit["value"] *= 2
    joined = script["fastest"]([copy.deepcopy(first), second])
    assert joined["rows"][1:] == first["rows"][1:] and joined["limits"][1:] == first["limits"][1:]
    assert joined["rows"][0]["limit_seconds"] == first["rows"][0]["limit_seconds"]
    assert math.isclose(joined["rows"][0]["share"], 2 * first["rows"][0]["share"], rel_tol=2e-3)
    assert limit["unit"] == "GB/s" and joined["limits"][0]["value"] == limit["value"]


def test_tables_hold_every_row(script):
    record = json.loads(RECORDS[0].read_text(encoding="utf-8"))
    text = script["tables"](record)
    assert all(f"| {row['name']} |" in text for row in record["rows"]) and text.count("\n\n") == 2
    assert script["duration"](1.5e-9) == "1.5 ns" and script["duration"](2.5e-3) == "2.5 ms"
