"""The limits of this processor and the share of them that we reach: what `fastopt bench` measures, kept in bench/records/ for each processor.

    python bench/limits.py                                            # half a minute; writes records/PROCESSOR.json, prints its tables
    python bench/limits.py --runs 3                                   # the fastest of three runs, number by number
    python bench/limits.py --quick                                    # some seconds; writes nothing
    python bench/limits.py --record bench/records/PROCESSOR.json      # measures nothing: tables of what was recorded
    … --plot FILE.png                                                 # a picture too, with matplotlib

Nothing else should run meanwhile: the record says if something did.
"""
from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from report import table

from fastopt._limits import measure
from fastopt._limits.machine import slug

RECORDS = Path(__file__).parent / "records"
BLUE, ORANGE, GREY, GREEN = "#0b6fa4", "#d1572b", "#7a7a7a", "#3a7d44"
#: bounds of a row by its length, with their colours
BOUNDS = {"shuffled read": ORANGE, "gradient chain": GREY, "pass over weights": GREEN}


def duration(seconds):
    """In three figures: ``'131 ns'``."""
    unit, size = next((unit, size) for unit, size in (("s", 1), ("ms", 1e-3), ("µs", 1e-6), ("ns", 0)) if seconds >= size)
    return f"{seconds / (size or 1e-9):.3g} {unit}"


def tables(record):
    """Markdown: the shares; the limits by the length of a row; all others."""
    shares = [[row["name"], str(row["threads"]), f"{duration(row['seconds'])} a {row['work']}", duration(row["limit_seconds"]),
               f"**{row['share']:.2g}**", row["bound"]] for row in record["rows"]]
    by_length, others = {}, []
    for limit in record["limits"]:
        cell = f"{limit['value']:,.3g} {limit['unit']}"
        if limit["name"].startswith("rows of "):
            name, _, what = limit["name"].rpartition(", ")
            by_length.setdefault(name, {})[f"{what}, {limit['threads']} threads" if limit["threads"] > 1 else what] = cell
        else:
            others.append([limit["name"], str(limit["threads"]), cell])
    heads = list(next(iter(by_length.values())))
    return "\n\n".join([table(["fastopt", "threads", "time", "limit", "share", "bounded by"], shares),
                        table(["limit", *heads], [[name, *cells.values()] for name, cells in by_length.items()]),
                        table(["limit", "threads", ""], others)])


def fastest(records):
    """One record of several of one machine: the fastest of each limit, each bound and each time."""
    first, *others = records
    for record in others:
        for mine, other in zip(first["limits"], record["limits"]):
            mine["value"] = (max if mine["unit"] == "GB/s" else min)(mine["value"], other["value"])
        for mine, other in zip(first["rows"], record["rows"]):
            mine["seconds"] = min(mine["seconds"], other["seconds"])
            mine["bounds"] = {bound: min(value, other["bounds"][bound]) for bound, value in mine["bounds"].items()}
            mine["bound"] = max(mine["bounds"], key=mine["bounds"].get)
            mine["limit_seconds"] = mine["bounds"][mine["bound"]]
            mine["share"] = float(f"{mine['limit_seconds'] / mine['seconds']:.4g}")
    first["notes"] = list(dict.fromkeys(note for record in records for note in record["notes"]))
    return first


def title(record):
    return f"{record['machine']['processor']}, {record['machine']['isa']}, float32"


def picture(record, path):
    """Shares as bars; beside them, time of a sample of per-sample SGD against the length of its row, with what bounds it."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    figure, (left, right) = plt.subplots(1, 2, figsize=(12.5, 5.2), layout="constrained", width_ratios=(1.15, 1))
    bars(left, record["rows"])
    lengths(right, [row for row in record["rows"] if row["group"] == "SGD"])
    figure.suptitle(title(record), fontsize=11.5, fontweight="bold")
    figure.savefig(path, dpi=150)


def bars(axes, rows):
    names = [row["name"] + (f", {row['threads']} threads" if row["threads"] > 1 else "") for row in rows]
    longest = max(1, *(row["share"] for row in rows))
    drawn = axes.barh(names, [row["share"] for row in rows], color=BLUE, height=0.62)
    axes.bar_label(drawn, [f"{row['share']:.2g}" for row in rows], padding=4, fontsize=9, zorder=3,
                   bbox=dict(boxstyle="square,pad=0.1", facecolor="white", edgecolor="none"))
    for place, row in enumerate(rows):
        axes.text(1.16 * longest, place, row["bound"], va="center", fontsize=9, color="#555555")
    axes.text(1.16 * longest, -0.9, "bounded by", va="center", fontsize=9, color="#555555", fontweight="bold")
    axes.axvline(1, color=ORANGE, linewidth=1.2, linestyle=(0, (4, 3)), zorder=2)
    axes.set(xlabel="share of the limit (limit / time)", xlim=(0, 1.55 * longest), xticks=[tick / 5 for tick in range(int(5 * longest) + 1)])
    axes.set_title("How close to the limit", fontsize=10, loc="left")
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)


def lengths(axes, rows):
    rows = sorted(rows, key=lambda row: row["columns"])
    columns = [row["columns"] for row in rows]
    for bound, colour in BOUNDS.items():
        axes.plot(columns, [row["bounds"][bound] * 1e9 for row in rows], color=colour, linewidth=1.4, linestyle=(0, (5, 3)), marker="o", markersize=3,
                  label=f"limit: {bound}")
    axes.plot(columns, [row["seconds"] * 1e9 for row in rows], color=BLUE, linewidth=2.2, marker="o", markersize=6, label="fastopt")
    axes.set(xscale="log", yscale="log", xlabel="columns of a dense float32 row, from memory, shuffled", ylabel="nanoseconds a sample")
    axes.set_xticks(columns, [f"{count:,}" for count in columns])
    axes.minorticks_off()
    ticks = [tick for tick in (5, 10, 20, 50, 100, 200, 500, 1000, 2000) if axes.get_ylim()[0] <= tick <= axes.get_ylim()[1]]
    axes.set_yticks(ticks, map(str, ticks))
    axes.grid(True, color="#e6e6e6", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.set_title("A sample of SGDClassifier by the length of its row", fontsize=10, loc="left")
    axes.legend(frameon=False, fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)


def say(part):
    print(part, file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--record", type=Path)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    if arguments.record:
        record = json.loads(arguments.record.read_text(encoding="utf-8"))
    else:
        record = fastest([measure(arguments.threads, arguments.quick, say) for _ in range(max(1, arguments.runs))])
        if not arguments.quick:
            RECORDS.mkdir(exist_ok=True)
            path = RECORDS / f"{slug(record['machine']['processor'])}.json"
            path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{title(record)}, fastopt {record['machine']['fastopt']}, {record['date']}\n\n{tables(record)}")
    print("\n".join(f"\nnote: {note}" for note in record["notes"]))
    if arguments.plot:
        picture(record, arguments.plot)


if __name__ == "__main__":
    main()
