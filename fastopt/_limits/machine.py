"""What a run was measured on: the processor, its caches, memory that is free, versions.  No names of hosts or users.

Used by _limits/measure.py.  What cannot be found is left out.
"""
from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import TypedDict

import numpy as np

from fastopt import _build_info
from fastopt._core import isa, runtime


class Machine(TypedDict):
    """A processor and the versions that ran on it."""

    processor: str
    isa: str
    caches: dict[str, int]      # bytes by level: L1d, L2, L3
    processors: int
    fastopt: str
    numpy: str
    python: str
    compiler: str
    system: str


def describe() -> Machine:
    """This machine.

    Examples
    --------
    >>> from fastopt._limits.machine import describe
    >>> describe()["processors"] >= 1
    True
    """
    return {"processor": processor(), "isa": isa(), "caches": caches(), "processors": os.cpu_count() or 1,
            "fastopt": _build_info.VERSION, "numpy": np.__version__, "python": platform.python_version(),
            "compiler": runtime.compiler(), "system": f"{platform.system()} {platform.machine()}"}


def processor() -> str:
    """Its name, with family and model, as several share a name in virtual machines."""
    text = _read("/proc/cpuinfo") if sys.platform.startswith("linux") else ""
    facts = dict(re.findall(r"^([\w ]+?)\s*: (.+)$", text.partition("\n\n")[0], re.M))
    name = facts.get("model name") or _sysctl("machdep.cpu.brand_string") or platform.processor() or platform.machine()
    name = re.sub(r"\((R|TM)\)", "", name).strip()
    if "cpu family" in facts and "model" in facts:
        name += f" (family {facts['cpu family']}, model {facts['model']})"
    return name


def caches() -> dict[str, int]:
    """Bytes of L1d, L2 and L3, as far as they are there and told."""
    found = {}
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = (_read(folder / name).strip() for name in ("level", "type", "size"))
        if kind != "Instruction" and re.fullmatch(r"\d+[KM]", size):
            name = f"L{level}{'d' if kind == 'Data' and level == '1' else ''}"
            found[name] = int(size[:-1]) << (10 if size[-1] == "K" else 20)
    if sys.platform == "darwin":
        sizes = {"L1d": _sysctl("hw.l1dcachesize"), "L2": _sysctl("hw.l2cachesize"), "L3": _sysctl("hw.l3cachesize")}
        found = {name: int(size) for name, size in sizes.items() if size.isdecimal() and int(size)}
    return found


def free_memory() -> int | None:
    """Bytes that may be taken: of the machine, and of the control group that a container is; None if nobody says."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB", _read("/proc/meminfo"), re.M)
    bounds = [int(found[1]) << 10] if found else []
    limit, used = (_read(f"/sys/fs/cgroup/memory.{name}").strip() for name in ("max", "current"))
    if limit.isdecimal() and used.isdecimal():
        bounds.append(int(limit) - int(used))
    return min(bounds, default=None)


def slug(name: str) -> str:
    """A name as a file may have it.

    Examples
    --------
    >>> from fastopt._limits.machine import slug
    >>> slug("AMD EPYC 7B13 (family 25, model 1)")
    'amd-epyc-7b13-family-25-model-1'
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _sysctl(name: str) -> str:
    if sys.platform != "darwin":
        return ""
    done = subprocess.run(["sysctl", "-n", name], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""
