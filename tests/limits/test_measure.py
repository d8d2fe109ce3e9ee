"""A run: every limit and every share is there and is a number, whatever it may be; sizes, names and shares are computed as they are documented."""
import json
import math
from functools import partial

import numpy as np
import pytest

pytest.importorskip("sklearn")

from fastopt._limits import machine, measure, timing
from fastopt._limits.record import Limit, Share, limit_entry, share_entry
from fastopt._limits.sizes import choose
from fastopt._limits.sparse import matrix
from fastopt._limits.timing import Call, in_turn

GIGABYTE = 1 << 30


@pytest.fixture(scope="module")
def run():
    """(record of a quick run on one thread, names of its parts)."""
    parts = []
    return measure(1, quick=True, say=parts.append), parts


def test_a_run_has_all_rows(run):
    record, parts = run
    names = [row["name"] for row in record["rows"]]
    assert len(parts) == 11 and len(set(names)) == len(names) == 13
    for part in ("SGD, 28 columns in cache", "SGD, 28 columns", "SGD, 100 columns", "SGD, 784 columns", "SGD, 3,000 columns",
                 "batches of 64, 784 columns", "objective, 784 columns", "SGD, CSR, 14 values a row", "SGD, CSR, 100 values a row",
                 "Adam, 0.1 M weights", "Adam, 1 M weights", "predict, 1 row", "fit, 150 × 4, 5 epochs"):
        assert part in names


def test_a_run_is_plain_json_of_finite_numbers(run):
    record = json.loads(json.dumps(run[0], allow_nan=False))
    assert record == run[0]
    assert set(record) == {"date", "quick", "threads", "notes", "machine", "limits", "rows"}
    assert record["quick"] is True and record["threads"] == 1 and record["machine"]["processor"] and record["machine"]["isa"]
    for limit in record["limits"]:
        assert set(limit) == {"name", "threads", "value", "unit"} and limit["value"] > 0 and limit["unit"] in ("GB/s", "ns")
    for row in record["rows"]:
        assert row["share"] > 0 and row["seconds"] > 0 and row["bound"] in row["bounds"]
        assert math.isclose(row["share"], row["limit_seconds"] / row["seconds"], rel_tol=2e-3)
        assert row["limit_seconds"] == max(row["bounds"].values())


def test_a_run_names_every_limit_once(run):
    keys = [(limit["name"], limit["threads"]) for limit in run[0]["limits"]]
    assert len(set(keys)) == len(keys)
    for columns in ("28 in cache", "28", "100", "784", "3,000"):
        for what in ("in order", "shuffled", "chain of steps", "pass over weights"):
            assert (f"rows of {columns}, {what}", 1) in keys


def test_threads_must_be_a_number():
    with pytest.raises(ValueError, match="n_threads must be a positive number"):
        measure(0, quick=True)


def test_a_share_is_that_of_its_slowest_bound():
    share = Share("a", "row", 1, 4e-8, {"fast": 1e-8, "slow": 3e-8})
    assert (share.bound, share.limit) == ("slow", 3e-8) and math.isclose(share.share, 0.75)
    assert share_entry(share)["share"] == 0.75


def test_limits_are_bytes_or_times():
    assert limit_entry(Limit("read", 2, 1e-8, 400)) == {"name": "read", "threads": 2, "value": 40.0, "unit": "GB/s"}
    assert limit_entry(Limit("call", 1, 1.23456e-8)) == {"name": "call", "threads": 1, "value": 12.35, "unit": "ns"}


def test_memory_bounds_the_sizes():
    caches = {"L1d": 32 << 10, "L2": 1 << 20, "L3": 32 << 20}
    full, notes = choose(False, caches, 8 * GIGABYTE)
    assert notes == [] and 4 * full.numbers >= 2 * caches["L3"] and 4 * full.cached <= caches["L2"] / 2
    assert 4 * full.numbers + 8 * 4 * full.weights[1] < 1.5e9
    less, notes = choose(False, caches, GIGABYTE // 4)
    assert less.numbers < full.numbers / 3 and "0.3 GB of memory are free" in notes[0]
    assert "reads are not from memory alone" in choose(False, {"L3": GIGABYTE}, None)[1][0]


def test_rows_of_csr_have_as_many_values_in_order():
    X = matrix(50, 14, 140)
    assert X.shape == (50, 140) and X.has_canonical_format and X.dtype == np.float32 and X.indices.dtype == np.int32
    np.testing.assert_array_equal(np.diff(X.indptr), 14)
    assert np.all(X.indices.reshape(50, 14) // 10 == np.arange(14))


def test_calls_take_turns():
    seen = []
    best = in_turn({name: Call(partial(seen.append, name), threads) for name, threads in (("a", 1), ("b", 2))}, 0.0)
    assert set(best) == {"a", "b"} and all(0 < seconds < 1 for seconds in best.values())
    changes = sum(before != after for before, after in zip(seen, seen[1:]))
    assert changes == 7


def test_a_processors_clock_counts_for_long_calls_of_one_thread_alone(monkeypatch):
    """In virtual machines it may stand still for a short call that was interrupted."""
    for own, threads, expected in ((3.0, 1, 3.0), (0.0, 1, 4.0), (3.0, 2, 4.0)):
        monkeypatch.setattr(timing.time, "thread_time", iter([0.0, own]).__next__)
        monkeypatch.setattr(timing.time, "perf_counter", iter([0.0, 4.0]).__next__)
        monkeypatch.setattr(timing, "HAS_OWN_CLOCK", True)
        took = timing._seconds(Call(list, threads), 1)
        monkeypatch.undo()
        assert took == expected


def test_the_machine_is_described_without_names_of_hosts():
    facts = machine.describe()
    assert set(facts) == set(machine.Machine.__annotations__)
    assert facts["processor"] and all(size > 0 for size in facts["caches"].values())
    assert machine.free_memory() is None or machine.free_memory() > 0
