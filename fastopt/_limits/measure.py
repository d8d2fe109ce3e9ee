"""A run: all limits, all shares, and what they were measured on.

Used by `fastopt bench` and `bench/limits.py`.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from functools import partial

import numpy as np

from fastopt._core.load import spare_threads
from fastopt._core.threads import resolve_threads

from . import machine
from .dense import dense
from .record import Findings, Record, limit_entry, share_entry
from .shared import shared
from .sizes import Sizes, choose
from .small import small
from .sparse import sparse
from .updates import updates

COLUMNS = (28, 100, 784, 3000)      # of dense rows
CACHED_COLUMNS = 28
SHARED_COLUMNS = 784
SHORT, LONG = (14, 140), (100, 100_000)     # values in a row of CSR, columns


def measure(threads: int | None = None, quick: bool = False, say: Callable[[str], object] | None = None) -> Record:
    """Measure this machine and our kernels on it.

    Parameters
    ----------
    threads : int or None, default=None
        Of what threads can share; None: all that this process may use.
    quick : bool, default=False
        Smaller arrays, fewer repeats: some seconds, and most of it in the caches.
    say : callable or None, default=None
        Called with the name of each part that begins.

    Returns
    -------
    Record
        A dictionary, as JSON has it.

    Raises
    ------
    ValueError
        If `threads` is 0 or no integer.
    """
    threads = resolve_threads(threads)
    facts = machine.describe()
    sizes, notes = choose(quick, facts["caches"], machine.free_memory())
    found, busy, parts = Findings(), 0, 0
    for name, part in _parts(sizes, threads):
        if say is not None:
            say(name)
        busy, parts = busy + (spare_threads(threads) < threads), parts + 1
        found.add(part())
    if busy:
        notes.append(f"other programs were at work when {busy} of {parts} parts began: kernels that could use {threads} threads may have used "
                     "fewer, and shares say little")
    if quick:
        notes.append("quick: small arrays, which caches hold in part, and few repeats")
    return {"date": datetime.now(timezone.utc).date().isoformat(), "quick": quick, "threads": threads, "notes": notes, "machine": facts,
            "limits": [limit_entry(limit) for limit in found.limits], "rows": [share_entry(share) for share in found.shares]}


def _parts(sizes: Sizes, threads: int) -> Iterator[tuple[str, Callable[[], Findings]]]:
    """The parts of a run, each with its name."""
    numbers = np.random.default_rng(0).random(sizes.numbers, dtype=np.float32)
    numbers -= np.float32(0.5)
    numbers *= np.float32(0.1)
    cached = numbers[:sizes.cached].copy()
    yield f"rows of {CACHED_COLUMNS} in cache", partial(dense, cached, CACHED_COLUMNS, threads, sizes.seconds, " in cache")
    for columns in COLUMNS:
        yield f"rows of {columns:,}", partial(dense, numbers, columns, threads, sizes.seconds)
    yield f"batches and objectives, rows of {SHARED_COLUMNS}", partial(shared, numbers, SHARED_COLUMNS, threads, sizes.seconds)
    for rows, (values, columns) in ((sizes.short_rows, SHORT), (sizes.long_rows, LONG)):
        yield f"CSR, {values} values a row", partial(sparse, rows, values, columns, sizes.seconds)
    for weights in sizes.weights:
        yield f"updates of {weights / 1e6:g} M weights", partial(updates, weights, threads, sizes.seconds)
    yield "calls", partial(small, threads, sizes.seconds)
