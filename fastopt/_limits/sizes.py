"""How large the arrays of a run are: beyond the caches, and within the memory that is free.

Used by _limits/measure.py and the parts of a run.
"""
from __future__ import annotations

from dataclasses import dataclass

MILLION = 1_000_000
#: bytes that a whole run takes at once, at its full size
NEEDED = 1_000 * MILLION


@dataclass(frozen=True)
class Sizes:
    """Of a run.

    Parameters
    ----------
    numbers : int
        float32 numbers of the X that no cache holds.
    cached : int
        Of the X that stays in the L2 cache.
    weights : tuple of two ints
        Parameters of the optimizer's steps.
    short_rows, long_rows : int
        Of CSR.
    seconds : float
        That each part of the run may take, for repeats of which the fastest counts.
    """

    numbers: int
    cached: int
    weights: tuple[int, int]
    short_rows: int
    long_rows: int
    seconds: float


def choose(quick: bool, caches: dict[str, int], free: int | None) -> tuple[Sizes, list[str]]:
    """Sizes, and what is to be said of them.

    Parameters
    ----------
    quick : bool
    caches : dict of str to int
        Bytes by level.
    free : int or None
        Bytes of memory; None: enough.

    Examples
    --------
    >>> from fastopt._limits.sizes import choose
    >>> sizes, notes = choose(False, {"L2": 1 << 20, "L3": 32 << 20}, 700_000_000)
    >>> sizes.weights, notes
    ((700000, 14000000), ['0.7 GB of memory are free, 1.0 GB are needed: arrays are 70 % of their size'])
    """
    share = 1.0 if free is None else min(1.0, free / NEEDED)
    largest = max(caches.values(), default=0)
    numbers = 2 * MILLION if quick else min(max(32 * MILLION, largest), 64 * MILLION)
    weights = (100_000, MILLION) if quick else (MILLION, 20 * MILLION)
    notes = [] if share == 1 else [f"{(free or 0) / 1e9:.1f} GB of memory are free, {NEEDED / 1e9:.1f} GB are needed: arrays are "
                                   f"{share:.0%} of their size".replace("%", " %")]
    sizes = Sizes(int(share * numbers), caches.get("L2", 1 << 20) // 16, (int(share * weights[0]), int(share * weights[1])),
                  2_000 if quick else 32_000, 1_000 if quick else 25_000, 0.05 if quick else 2.0)
    if 4 * sizes.numbers < 2 * largest:
        notes.append(f"X has {4 * sizes.numbers / 1e6:.0f} MB and a cache has {largest / 1e6:.0f} MB: reads are not from memory alone")
    return sizes, notes
