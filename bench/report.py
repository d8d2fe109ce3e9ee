"""Saved benchmarks as the tables of README.md and a picture.

    python bench/report.py sgd.json [memory.json losses.json …] [--picture docs/sgd.png]
"""
from __future__ import annotations

import argparse
import json


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|---" * len(header) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def _by_case(results, key):
    """{case: {library: extra_info}} of the results that hold `key`."""
    found = {}
    for result in results:
        info = result["extra_info"]
        if key in info:
            found.setdefault(info["case"], {})[info.get("library")] = info
    return found


def _pairs(results, key):
    """(case, ours, scikit-learn's) of the results that hold `key` for both libraries."""
    return [(case, by["fastopt"], by["scikit-learn"]) for case, by in _by_case(results, key).items() if "fastopt" in by and "scikit-learn" in by]


def epochs(results):
    """Time of an SGD epoch by case."""
    rows = []
    for case, ours, theirs in _pairs(results, "epoch_seconds"):
        rows.append([case, f"{theirs['epoch_seconds'] * 1e3:.2f} ms", f"{ours['epoch_seconds'] * 1e3:.2f} ms",
                     f"**{ours['ratio']:.1f}×**", f"{ours['gigabytes_per_second']:.1f}"])
    return rows and table(["one epoch of log_loss + l2", "scikit-learn", "fastopt", "faster", "GB/s of X"], rows)


def calls(results):
    """Time of a call of partial_fit by case."""
    rows = []
    for case, ours, theirs in _pairs(results, "call_seconds"):
        rows.append([case, f"{theirs['call_seconds'] * 1e6:.0f} µs", f"{ours['call_seconds'] * 1e6:.0f} µs", f"**{ours['ratio']:.1f}×**"])
    return rows and table(["one call of partial_fit", "scikit-learn", "fastopt", "faster"], rows)


def memory(results):
    rows = [[case, f"{by[None]['extra_bytes'] / 1e6:.2f} MB", f"{by[None]['share_of_X']:.1%}"]
            for case, by in _by_case(results, "share_of_X").items()]
    return rows and table(["fit", "on top of X and the model", "share of X"], rows)


def losses(results):
    rows = []
    for case, by in _by_case(results, "seconds").items():
        ours = by["fastopt"]["seconds"]
        rows.append([case, f"{ours * 1e3:.2f} ms"] + [f"{by[name]['seconds'] / ours:.1f}×" if name in by else ""
                                                      for name in ("numpy", "scikit-learn")])
    return rows and table(["value and gradient of 1,000,000", "fastopt", "against NumPy", "against scikit-learn"], rows)


def steps(results):
    """Optimizer steps: ours, and how much longer each rival takes."""
    groups = {}
    for result in results:
        info = result["extra_info"]
        if "steps" in info:
            groups.setdefault(info["step_group"], []).append(info)
    return "\n\n".join(_steps_of(group, infos) for group, infos in groups.items())


def _steps_of(group, infos):
    rivals = list(dict.fromkeys(name for info in infos for name in info["steps"] if name != "fastopt"))
    rows = []
    for info in infos:
        seconds = info["steps"]
        speed = [f"{info['bytes'] / seconds['fastopt'] / 1e9:.0f}"] if info["bytes"] else []
        rows.append([info["case"], f"{seconds['fastopt'] * 1e6:.1f} µs", *speed,
                     *(f"{seconds[name] / seconds['fastopt']:.2f}×" if name in seconds else "" for name in rivals)])
    return table([group, "fastopt", *(["GB/s"] if infos[0]["bytes"] else []), *(f"{name} takes" for name in rivals)], rows)


def auto(results):
    """Score and time without tuning."""
    rows = []
    for case, ours, theirs in _pairs(results, "fit_seconds"):
        rows.append([case, f"{theirs['score']:.3f}", f"{ours['score']:.3f}", f"{theirs['fit_seconds'] * 1e3:.1f} ms",
                     f"{ours['fit_seconds'] * 1e3:.1f} ms"])
    return rows and table(["score; seconds of a fit", "scikit-learn, scaled and tuned", "fastopt, optimizer=\"auto\", raw",
                           "scikit-learn", "fastopt"], rows)


def minimisations(results):
    rows = []
    for case, by in _by_case(results, "minimize_seconds").items():
        ours, theirs = by["fastopt"], by["scipy"]
        rows.append([case, *(f"{run['minimize_seconds'] * 1e3:.2f} ms, {run['nfev']}" for run in (theirs, ours)),
                     f"**{ours['ratio']:.2f}×**"])
    return rows and table(["L-BFGS to gtol 1e-6, d = 1,000 if not said otherwise", "SciPy, and calls", "fastopt, and calls", "faster"], rows)


def batches(results):
    """Epochs by mini-batches against those of our per-sample SGD."""
    infos = [result["extra_info"] for result in results if "batch_epoch" in result["extra_info"]]
    rows = [[info["case"], info["training"], f"{info['batch_epoch'] * 1e3:.2f} ms", f"{info['samples_per_second'] / 1e6:.2f}",
             f"{info['ratio']:.2f}×"] for info in infos]
    return rows and table(["one epoch of log_loss + l2", "training", "time", "million samples/s", "speed of SGD"], rows)


def accuracies(results):
    """Time to an accuracy by library, and how many times sooner than the best rival we are."""
    cases = {}
    for result in results:
        if "target" in result["extra_info"]:
            cases.setdefault(result["extra_info"]["case"], {})[result["extra_info"]["library"]] = result["extra_info"]
    names = list(dict.fromkeys(name for by in cases.values() for name in by))
    rows = []
    for case, by in cases.items():
        times = [f"{by[name]['to_accuracy'] * 1e3:.1f} ms" if "to_accuracy" in by.get(name, {}) else "" for name in names]
        ratio = by.get("fastopt", {}).get("ratio")
        rows.append([case, *times, f"**{ratio:.1f}×**" if ratio else ""])
    return rows and table(["time to relative suboptimality", *names, "sooner than the best"], rows)


def grids(results):
    """Grids of strengths and folds beside separate fits."""
    rows = [[case, f"{by[None]['separate_seconds'] * 1e3:.0f} ms", f"{by[None]['grid_seconds'] * 1e3:.1f} ms", f"{by[None]['share']:.3f}"]
            for case, by in _by_case(results, "grid_seconds").items()]
    return rows and table(["16 strengths × 5 folds", "80 fits", "fastopt, the grid", "share"], rows)


def picture(results, path):
    """Bars: how many times faster an epoch is."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    pairs = _pairs(results, "epoch_seconds")
    names, ratios = [case for case, *_ in pairs], [ours["ratio"] for _, ours, _ in pairs]
    figure, axes = plt.subplots(figsize=(8, 0.55 * len(names) + 1.2), layout="constrained")
    bars = axes.barh(names, ratios, color="#2b6cb0")
    axes.bar_label(bars, [f"{r:.1f}×" for r in ratios], padding=4)
    axes.axvline(1, color="#888888", linewidth=1)
    axes.set(xlabel="times faster than scikit-learn, one thread each (1: the same)", xlim=(0, 1.12 * max(ratios)),
             title="One epoch of SGD, log_loss + l2")
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--picture")
    arguments = parser.parse_args()
    results = []
    for file in arguments.files:
        with open(file) as stream:
            results += json.load(stream)["benchmarks"]
    print("\n\n".join(filter(None, [epochs(results), calls(results), memory(results), losses(results), steps(results),
                                    minimisations(results), batches(results), auto(results), accuracies(results), grids(results)])))
    if arguments.picture:
        picture(results, arguments.picture)


if __name__ == "__main__":
    main()
