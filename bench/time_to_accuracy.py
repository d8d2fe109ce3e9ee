"""Curves of the solver race as a picture: relative suboptimality against the seconds of a whole fit.

    FASTOPT_DATA=… python bench/solver_race.py l2 --solvers auto --save curves.json
    python bench/time_to_accuracy.py curves.json [--out docs/time_to_accuracy.png]

A line is an entrant; of each library those are drawn that reach the targets soonest.  Knows saved races only.
"""
from __future__ import annotations

import argparse
import json

import matplotlib
import numpy as np
from matplotlib import pyplot as plt, ticker

#: a library's colour
COLORS = {"fastopt": "#c0392b", "scikit-learn": "#2b6cb0", "cyanure": "#2f855a", "snapml": "#805ad5",
          "celer": "#b7791f", "skglm": "#4a5568"}
STYLES = ("-", "--", ":")
TITLES = {"covtype": "covtype, 20,000 × 54", "a9a": "a9a, 32,561 × 123, sparse", "imdb": "IMDB tf-idf, 25,000 × 36,000, sparse",
          "fashion_mnist": "Fashion-MNIST, 60,000 × 784", "wide": "1,000 × 10,000"}
FLOOR = 1e-8


def staircase(points):
    """(seconds, errors): what is reached by when, the best so far."""
    points = sorted((seconds, max(error, FLOOR)) for _, seconds, error in points)
    seconds, errors = np.array(points).T
    errors = np.minimum.accumulate(errors)
    kept = np.r_[True, errors[1:] < errors[:-1]]
    return seconds[kept], errors[kept]


def chosen(found, library, most=2):
    """Names of a library's entrants that reach some target soonest; of one solver its fastest type alone."""
    mine = {key: entry for key, entry in found.items() if key.split()[0].rstrip(",") == library}
    names = []
    for target in ("0.001", "1e-06"):
        for key in sorted(mine, key=lambda key: mine[key]["seconds"][target]):
            if mine[key]["seconds"][target] < float("inf") and key.split(",")[0] not in [n.split(",")[0] for n in names]:
                names.append(key)
                break
    return names[:most]


def draw(axes, name, found):
    for library in sorted({key.split()[0].rstrip(",") for key in found}, key=list(COLORS).index):
        for key, style in zip(chosen(found, library), STYLES):
            seconds, errors = staircase(found[key]["points"])
            axes.plot(1e3 * seconds, errors, style, color=COLORS[library], label=key.split(",")[0], drawstyle="steps-post",
                      linewidth=2.4 if library == "fastopt" else 1.5)
    base, _, part = name.partition("/")
    axes.set(xscale="log", yscale="log", ylim=(FLOOR, 1), title=TITLES.get(base, base) + (f", l1 = max/{part}" if part else ""),
             xlabel="milliseconds of a fit", ylabel="relative suboptimality")
    axes.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda x, _: f"{x:g}"))
    axes.xaxis.set_minor_formatter(ticker.NullFormatter())
    for target in (1e-3, 1e-6):
        axes.axhline(target, color="#cccccc", linewidth=1, zorder=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, frameon=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--out", default="docs/time_to_accuracy.png")
    arguments = parser.parse_args()
    matplotlib.use("Agg")
    races = {}
    for file in arguments.files:
        with open(file) as stream:
            races |= json.load(stream)
    columns = {1: 1, 3: 3}.get(len(races), 2)
    figure, grid = plt.subplots(-(-len(races) // columns), columns, figsize=(5.6 * columns, 3.9 * -(-len(races) // columns)),
                                layout="constrained", squeeze=False)
    for axes, (name, found) in zip(grid.flat, races.items()):
        draw(axes, name, found)
    for axes in list(grid.flat)[len(races):]:
        axes.set_visible(False)
    figure.savefig(arguments.out, dpi=100)


if __name__ == "__main__":
    main()
