"""The race of solvers: seconds of a whole fit against the relative suboptimality that it reaches, for every setting of every rival.

    FASTOPT_DATA=… python bench/solver_race.py l2 [covtype …] [--save curves.json] [--rounds 5]

The time to an accuracy is the least of the settings that reach it, in turn over several rounds.  Suboptimality is computed here, in
float64, from the coefficients.  Used by the benchmarks of solvers; what there is to solve and by whom is not its business.
"""
from __future__ import annotations

import argparse
import functools
import json
import sys
import time

import numpy as np
from race_problems import NAMES, optimum, problem as problem_of
from solver_rivals import fastopt, rivals
from threadpoolctl import threadpool_limits

TARGETS = (1e-3, 1e-6)

#: Settings are tried in strides of so many first.
STRIDE = 4

#: Seconds are those of the wall, or of the processor for one thread on a machine that others use too.
CLOCK = {"clock": time.perf_counter}


def run(rival, problem, X, setting, optimum):
    """(seconds, relative suboptimality) of one fit."""
    clock, y = CLOCK["clock"], problem.y.astype(rival.labels)
    start = clock()
    model = rival.fit(X, y, setting)
    seconds = clock() - start
    w = np.asarray(model.coef_, dtype=np.float64).ravel()
    return seconds, problem.value(w) / optimum - 1 if np.isfinite(w).all() else np.inf


def curve(rival, problem, X, optimum, limit):
    """[(setting, seconds, suboptimality)], by setting: strides from the loosest until the tightest target is met or a fit takes longer
    than `limit`, then what lies before the first setting that meets each target."""
    settings, points = rival.settings, {}

    def measure(i):
        if i not in points:
            seconds, error = run(rival, problem, X, settings[i], optimum)
            if seconds < 0.05:
                seconds = min(seconds, run(rival, problem, X, settings[i], optimum)[0])
            points[i] = seconds, error

    run(rival, problem, X, settings[8], optimum)       # compiles, warms
    for i in range(0, len(settings), STRIDE):
        measure(i)
        if points[i][1] <= TARGETS[-1] or points[i][0] > limit:
            break
    for target in TARGETS:
        first = min((i for i in points if points[i][1] <= target), default=None)
        while first and first - 1 not in points:       # the settings that the strides left out
            measure(first - 1)
            first -= points[first - 1][1] <= target
    return [(settings[i], *points[i]) for i in sorted(points)]


def reached(points, target):
    """The fastest point within the target, or None."""
    return min((p for p in points if p[2] <= target), key=lambda p: p[1], default=None)


def race(problem, optimum, rounds=5, limit=20.0, entrants=None, near=1.6, patience=3.0):
    """{label: {"points": curve, "seconds": {target: seconds}}}: a sweep of all, then the settings of those within `near` of the best
    again, in turn.  A sweep ends where a fit takes `limit` seconds, or `patience` times as long as the best to the last target."""
    found, best, arrays = {}, dict.fromkeys(TARGETS, np.inf), {}
    entrants = rivals(problem) if entrants is None else entrants
    for rival in entrants:
        if (rival.dtype, rival.order) not in arrays:
            arrays[rival.dtype, rival.order] = problem.data(rival.dtype, rival.order)
        cap = min(limit, patience * best[TARGETS[-1]])
        print(f"  {rival.label}", file=sys.stderr, flush=True)
        try:
            points = curve(rival, problem, arrays[rival.dtype, rival.order], optimum, cap)
        except Exception as error:      # a rival that cannot take the data is out of the race, not the end of it
            print(f"  {rival.label}: {error!r}"[:160], flush=True)
            continue
        seconds = {target: reached(points, target)[1] if reached(points, target) else np.inf for target in TARGETS}
        best = {target: min(best[target], seconds[target]) for target in TARGETS}
        found[rival.label] = {"points": points, "seconds": seconds}
    for _ in range(rounds):
        for rival in entrants:
            entry = found.get(rival.label)
            for target in TARGETS if entry else ():
                if entry["seconds"][target] <= near * best[target]:
                    setting = reached(entry["points"], target)[0]
                    seconds, error = run(rival, problem, arrays[rival.dtype, rival.order], setting, optimum)
                    if error <= target:
                        entry["seconds"][target] = min(entry["seconds"][target], seconds)
    return found


def report(name, found):
    """Lines of the best rivals for each target."""
    lines = [f"### {name}"]
    for target in TARGETS:
        order = sorted((e["seconds"][target], key) for key, e in found.items() if np.isfinite(e["seconds"][target]))
        lines.append(f"{target:g}: " + " · ".join(f"**{s * 1e3:.2f} ms** {key} [{reached(found[key]['points'], target)[0]:g}]"
                                                 for s, key in order[:8]))
    return "\n".join(lines)


@functools.cache
def raced(kind, name, **options):
    """The race of one problem with ours and all rivals: {label: {"points", "seconds"}}."""
    problem = problem_of(kind, name)
    return race(problem, optimum(problem), entrants=[*fastopt(problem), *rivals(problem)], **options)


def best_of(found, library, target):
    """(label, setting, seconds) of a library's fastest entrant, or None if none reached the target."""
    reach = [(entry["seconds"][target], key) for key, entry in found.items()
             if key.startswith(library) and np.isfinite(entry["seconds"][target])]
    if not reach:
        return None
    seconds, key = min(reach)
    return key, reached(found[key]["points"], target)[0], seconds


def libraries(found):
    return sorted({key.split()[0].rstrip(",") for key in found})


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("l2", "l1", "lasso"))
    parser.add_argument("names", nargs="*")
    parser.add_argument("--save")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--limit", type=float, default=20.0)
    parser.add_argument("--patience", type=float, default=3.0, help="give up on fits so many times as long as the best")
    parser.add_argument("--one-thread", action="store_true", help="one thread, seconds of the processor")
    parser.add_argument("--solvers", nargs="*", help="race these solvers of fastopt's too")
    parser.add_argument("--alone", action="store_true", help="without the rivals")
    return parser.parse_args()


def main():
    arguments, results = _arguments(), {}
    if arguments.one_thread:
        CLOCK["clock"] = time.process_time
        threadpool_limits(1)
    for name in NAMES[arguments.kind]:
        if arguments.names and not {name, name.split("/")[0]} & set(arguments.names):
            continue
        problem = problem_of(arguments.kind, name)
        entrants = [] if arguments.alone else rivals(problem)
        if arguments.solvers:
            entrants = [*fastopt(problem, arguments.solvers), *entrants]
        entrants = [r for r in entrants if r.threads == 1 or not arguments.one_thread]
        results[name] = race(problem, optimum(problem), arguments.rounds, arguments.limit, entrants, patience=arguments.patience)
        print(report(f"{arguments.kind} {name}", results[name]), flush=True)
        if arguments.save:
            with open(arguments.save, "w") as stream:
                json.dump(results, stream)


if __name__ == "__main__":
    main()
