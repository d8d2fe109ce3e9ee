"""`fastopt bench`: the limits of this machine, our kernels beside them, as tables and as JSON.

Called by `_cli` with the options.  What is measured, and how, is _limits.
"""
from __future__ import annotations

import json
from pathlib import Path

from fastopt._common.write import replacing
from fastopt._data.errors import CliError
from fastopt._data.files import check_output
from fastopt._limits import Record, measure
from fastopt._limits.record import LimitEntry, ShareEntry

from .options import BenchOptions
from .report import Report

STDOUT = Path("-")
NARROW = 72           # columns of a terminal below which the tables lose some of theirs
ROWS = "rows of "     # how the names of limits begin that are told by the length of a row


def bench(options: BenchOptions) -> None:
    """Measure how fast this machine is, and which share of that fastopt reaches."""
    prints_json = options.json == STDOUT
    if options.json is not None and not prints_json:
        check_output(options.json, [], "--json")
    report = Report(quiet=prints_json)
    with report.steps("measuring" + ", half a minute" * (not options.quick)) as step:
        record = measure(options.threads, options.quick, step)
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    if prints_json:
        print(text, end="")
    else:
        _show(report, record)
    if options.json is not None and not prints_json:
        _write(options.json, text)
        report.say(f"  written to {options.json}")
    for note in record["notes"]:
        report.warn(note)


def _write(path: Path, text: str) -> None:
    try:
        with replacing(path) as stream:
            stream.write(text.encode())
    except OSError as error:
        raise CliError(f"--json {path} cannot be written: {error}") from error


def _show(report: Report, record: Record) -> None:
    """What it was measured on, and the three tables."""
    machine, threads = record["machine"], record["threads"]
    narrow = report.console.width < NARROW
    caches = ", ".join(f"{level} {_size(size)}" for level, size in machine["caches"].items())
    report.say(f"{machine['processor']}, {machine['isa']}", style="bold")
    report.say("  " + f"{caches}; " * bool(caches) + f"fastopt {machine['fastopt']}, float32, at most {threads} thread{'s' * (threads > 1)}")
    report.say()
    report.table(*_rows_table(record, narrow))
    report.say("  read in GB/s; ns of a step that waits for the one before, and of a pass over the weights", style="dim")
    report.say()
    report.table(*_others_table(record))
    report.say()
    head = ("fastopt", "time", "limit", "share", *["bounded by"] * (not narrow))
    report.table(head, [_share(share)[:len(head)] for share in record["rows"]])
    report.say("  times of a row, a step or a call; share = limit / time", style="dim")


def _is_of_rows(limit: LimitEntry) -> bool:
    return limit["name"].startswith(ROWS)


def _rows_table(record: Record, narrow: bool) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The limits that depend on the length of a row: a line a length."""
    cells: dict[str, dict[tuple[str, int], float]] = {}
    for limit in filter(_is_of_rows, record["limits"]):
        length, _, what = limit["name"].removeprefix(ROWS).rpartition(", ")
        cells.setdefault(length, {})[what, limit["threads"]] = limit["value"]
    counts = [1] if narrow else sorted({1, record["threads"]})
    columns = [(what, count) for count in counts for what in ("in order", "shuffled")]
    columns += [("chain of steps", 1), ("pass over weights", 1)]
    heads = [f"{what}{f' ×{count}' * (count > 1)}" for what, count in columns[:-2]]
    return ("rows of", *heads, "chain", "pass"), [
        (length, *(f"{found[column]:.3g}" for column in columns)) for length, found in cells.items()]


def _others_table(record: Record) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """All other limits: a line each, a column for each number of threads."""
    cells: dict[str, dict[int, str]] = {}
    for limit in record["limits"]:
        if not _is_of_rows(limit):
            cells.setdefault(limit["name"], {})[limit["threads"]] = f"{limit['value']:,.3g} {limit['unit']}"
    counts = sorted({1, record["threads"]})
    heads = (f"{count} thread{'s' * (count > 1)}" for count in counts)
    return ("limit", *heads), [(name, *(found.get(count, "") for count in counts)) for name, found in cells.items()]


def _share(share: ShareEntry) -> tuple[str, ...]:
    name = share["name"] + f" ×{share['threads']}" * (share["threads"] > 1)
    part = f"{share['share']:.{2 if share['share'] >= 0.1 else 4}f}"
    return name, _time(share["seconds"]), _time(share["limit_seconds"]), part, share["bound"]


def _time(seconds: float) -> str:
    """In three figures, from nanoseconds on."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def _size(size: int) -> str:
    return f"{size >> 20} MB" if size >= 1 << 20 else f"{size >> 10} KB"
