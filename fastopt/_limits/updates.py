"""Steps of optimizers: passes over arrays of weights, and Adam's.

Used by _limits/measure.py.
"""
from __future__ import annotations

from functools import partial

import numpy as np

from fastopt import optimizers
from fastopt._core.memory import aligned

from . import loops
from .dense import BYTES
from .record import Findings, Limit, Share
from .timing import Call, in_turn, least

ROOTS = 100_000   # numbers in the L2 cache whose roots are taken
MOVED = {2: 3, 3: 5, 4: 7}     # numbers that are read or written a weight, by how many arrays there are: all are read, all but g are written


def updates(weights: int, threads: int, seconds: float) -> Findings:
    """Passes over 2 to 4 arrays of so many weights, and the share of a step of Adam.

    Parameters
    ----------
    weights : int
    threads : int
    seconds : float
        That it may take.
    """
    g, w, m, v = (aligned((weights,), np.float32) for _ in range(4))
    g += 1e-3
    bare = {(arrays, count): Call(partial(loops.update, g, (w, m, v)[:arrays - 1], count), count)
            for arrays in MOVED for count in sorted({1, threads})}
    calls = {f"{arrays} {count}": call for (arrays, count), call in bare.items()}
    adam = optimizers.Adam(aligned((weights,), np.float32), n_threads=threads)
    best = in_turn({**calls, "adam": Call(partial(adam.step, g), threads), "roots": Call(partial(loops.roots, g[:ROOTS]))}, seconds)
    root = best["roots"] / min(ROOTS, weights)
    size = f"{weights / 1e6:g} M"
    limits = [Limit(f"{arrays} arrays of {size}, updated", count, best[f"{arrays} {count}"] / weights, BYTES * MOVED[arrays])
              for arrays, count in bare]
    bounds = {"update of arrays": least(best, "4 "), "roots, divisions": weights * root / threads}
    return Findings([*limits, Limit(f"root and division, beside {size} weights", 1, root)],
                    [Share(f"Adam, {size} weights", "step", threads, best["adam"], bounds)])
