"""Rows of the benchmarks of solvers: one library in the race of one problem, to one accuracy.

Used by bench_solvers.py and bench_sparse.py; knows neither solvers nor problems, only how a race becomes a benchmark.
"""
from __future__ import annotations

import itertools

import pytest
from data import is_real
from race_problems import NAMES, problem as problem_of
from solver_race import TARGETS, best_of, libraries, raced
from solver_rivals import fastopt, installed, rivals

#: what a library is installed as
MODULES = {"scikit-learn": "sklearn"}


def rows(kind, libraries, without=()):
    """Parameters of a benchmark: each problem but those of these sets, each library that is installed, each target."""
    there = [library for library in libraries if installed(MODULES.get(library, library))]
    names = [name for name in NAMES[kind] if name.split("/")[0] not in without]
    cells = itertools.product(names, there, TARGETS)
    return [pytest.param(*cell, id=f"{kind}-{cell[0]}-{cell[1]}-{cell[2]:g}") for cell in cells]


def row(benchmark, kind, name, library, target, **options):
    """Times the setting that won the race for this library, and notes what the race, with these options, found."""
    problem, found = problem_of(kind, name), raced(kind, name, **options)
    won = {other: best_of(found, other, target) for other in libraries(found)}
    benchmark.group = f"{kind} {name} to {target:g}"
    benchmark.extra_info.update(library=library, case=f"{kind}, {name}, to {target:g}", kind=kind, target=target, real_data=is_real())
    if won.get(library) is None:        # nothing of it got there: the time to beat is unknown, which the table shows
        benchmark.pedantic(lambda: None, rounds=1)
        return
    label, setting, seconds = won[library]
    rivals_best = min((won[other][2] for other in won if other != "fastopt" and won[other]), default=None)
    benchmark.extra_info.update(to_accuracy=seconds, entrant=label, setting=float(setting),
                                ratio=rivals_best / seconds if rivals_best else None)
    entrant = next(r for r in [*fastopt(problem), *rivals(problem)] if r.label == label)
    X = problem.data(entrant.dtype, entrant.order)
    benchmark.pedantic(entrant.fit, args=(X, problem.y.astype(entrant.labels), setting), rounds=3, warmup_rounds=1)
