"""What a run found: limits, and our kernels beside them.

Used by all of _limits, the command and `bench/limits.py`.  Knows no measuring.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypedDict

from .machine import Machine


@dataclass(frozen=True)
class Limit:
    """What the machine does at most.

    Parameters
    ----------
    name : str
        What was measured.
    threads : int
        On so many.
    seconds : float
        Of one item: a row, a step, a call.
    bytes : float, default=0.0
        That an item moves; 0: it is not about bytes.
    """

    name: str
    threads: int
    seconds: float
    bytes: float = 0.0

    @property
    def value(self) -> float:
        """In `unit`."""
        return self.bytes / self.seconds / 1e9 if self.bytes else self.seconds * 1e9

    @property
    def unit(self) -> str:
        return "GB/s" if self.bytes else "ns"


@dataclass(frozen=True)
class Share:
    """One of our kernels beside its limit.

    Parameters
    ----------
    name : str
    work : str
        What `seconds` is the time of: an epoch, a step, a call.
    threads : int
    seconds : float
        That it takes.
    bounds : dict of str to float
        Seconds that the same work takes at least, by what bounds it.
    samples, columns : int, default=0
        Of the data; 0: there are none.
    group : str, default=""
        Of rows that differ by `columns` alone.
    """

    name: str
    work: str
    threads: int
    seconds: float
    bounds: dict[str, float]
    samples: int = 0
    columns: int = 0
    group: str = ""

    @property
    def bound(self) -> str:
        """What bounds it: the slowest of its bounds."""
        return max(self.bounds, key=self.bounds.__getitem__)

    @property
    def limit(self) -> float:
        """Seconds that it takes at least."""
        return self.bounds[self.bound]

    @property
    def share(self) -> float:
        """Of the limit that is reached: 1 is all of it."""
        return self.limit / self.seconds


class LimitEntry(TypedDict):
    """A limit as JSON has it."""

    name: str
    threads: int
    value: float
    unit: str


class ShareEntry(TypedDict):
    """A share as JSON has it."""

    name: str
    work: str
    threads: int
    seconds: float
    limit_seconds: float
    share: float
    bound: str
    bounds: dict[str, float]
    samples: int
    columns: int
    group: str


class Record(TypedDict):
    """A run as JSON has it."""

    date: str
    quick: bool
    threads: int
    notes: list[str]
    machine: Machine
    limits: list[LimitEntry]
    rows: list[ShareEntry]


@dataclass
class Findings:
    """What a part of a run found."""

    limits: list[Limit] = field(default_factory=list)
    shares: list[Share] = field(default_factory=list)

    def add(self, other: Findings) -> None:
        """All of another part too."""
        self.limits += other.limits
        self.shares += other.shares


def limit_entry(limit: Limit) -> LimitEntry:
    """A limit for JSON."""
    return {"name": limit.name, "threads": limit.threads, "value": _figures(limit.value), "unit": limit.unit}


def share_entry(share: Share) -> ShareEntry:
    """A share for JSON."""
    return {"name": share.name, "work": share.work, "threads": share.threads, "seconds": _figures(share.seconds),
            "limit_seconds": _figures(share.limit), "share": _figures(share.share), "bound": share.bound,
            "bounds": {name: _figures(value) for name, value in share.bounds.items()}, "samples": share.samples, "columns": share.columns,
            "group": share.group}


def _figures(value: float) -> float:
    """Four figures: no clock has more to say."""
    return float(f"{value:.4g}")
