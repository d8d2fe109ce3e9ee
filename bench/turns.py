"""Timing of rivals in turn, round by round, so that a drift of the machine's speed meets all alike.

Used by the benchmarks.
"""
from __future__ import annotations

import time


def in_turn(calls, rounds=9, least=2e-3):
    """{name: seconds of a call}: the least over the rounds, each of as many calls as take `least` seconds."""
    counts, best = {}, dict.fromkeys(calls, float("inf"))
    for name, call in calls.items():
        call()
        start = time.perf_counter()
        call()
        counts[name] = max(1, min(2000, int(least / max(time.perf_counter() - start, 1e-7))))
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            for _ in range(counts[name]):
                call()
            best[name] = min(best[name], (time.perf_counter() - start) / counts[name])
    return best
