"""Timing of rivals in turn, round by round, so that a drift of the machine's speed meets all alike.

Used by the benchmarks.
"""
from __future__ import annotations

import time

from sklearn.base import clone


def in_turn(calls, rounds=9, least=2e-3, clock=time.perf_counter, of=min, most=float("inf")):
    """{name: seconds of a call}: the least over the rounds, or what else is asked for `of` them.  Each is as many calls as take `least` seconds;
    after `most` seconds no further one begins."""
    counts, seen, began = {}, {name: [] for name in calls}, time.monotonic()
    for name, call in calls.items():
        call()
        start = clock()
        call()
        counts[name] = max(1, min(2000, int(least / max(clock() - start, 1e-7))))
    for i in range(rounds):
        if i and time.monotonic() > began + most:
            break
        for name, call in calls.items():
            start = clock()
            for _ in range(counts[name]):
                call()
            seen[name].append((clock() - start) / counts[name])
    return {name: of(seconds) for name, seconds in seen.items()}


def _seconds(model, X, y, epochs):
    model = clone(model).set_params(max_iter=epochs)
    start = time.perf_counter()
    model.fit(X, y)
    return time.perf_counter() - start


def epochs_in_turn(models, X, y, rounds=5, least=0.4):
    """{name: seconds of an epoch}: the least over the rounds of the differences between fits of 1 and of more epochs, without
    what a fit costs once (checks of X, its labels)."""
    epochs = {name: max(2, int(least / max(_seconds(model, X, y, 2) / 2, 1e-4))) for name, model in models.items()}
    best = dict.fromkeys(models, float("inf"))
    for _ in range(rounds):
        for name, model in models.items():
            once, more = _seconds(model, X, y, 1), _seconds(model, X, y, 1 + epochs[name])
            best[name] = min(best[name], (more - once) / epochs[name])
    return best
