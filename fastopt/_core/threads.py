"""How many threads a call may use: never more than this process may have, in a container or under a limit set by its user.

Used by every module with an ``n_threads`` or ``n_jobs`` argument, through :func:`resolve_threads`.  Starts no thread.
"""
from __future__ import annotations

import functools
import math
import operator
import os
import warnings
from pathlib import Path

from . import runtime

#: elements of X, times outputs, below which a prediction is not worth waking a thread for
PREDICTED_PER_THREAD = 1 << 20

_set: int | None = None            # by set_num_threads()
_process = os.getpid()             # where threads are safe: not in a child forked behind Python's back
_released = False                  # whether the child of the fork under way may use threads


def _from_environment() -> int | None:
    text = os.environ.get("FASTOPT_NUM_THREADS", "").strip()
    if not text:
        return None
    if text.isdecimal() and int(text) > 0:
        return int(text)
    warnings.warn(f"FASTOPT_NUM_THREADS must be a positive number, got {text!r}: ignored", RuntimeWarning, stacklevel=2)
    return None


_environment = _from_environment()


def processors() -> int:
    """Processors that this process may run on."""
    if hasattr(os, "process_cpu_count"):
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quota(folder: Path) -> float:
    """CPUs that the control group in this folder may use: quota / period, version 2 or 1; infinite without a quota."""
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return int(quota) / int(period) if quota != "max" and int(quota) > 0 and int(period) > 0 else math.inf
    except (OSError, ValueError):
        return math.inf


@functools.lru_cache(maxsize=1)
def quota(proc: str = "/proc/self/cgroup", mount: str = "/sys/fs/cgroup") -> int | None:
    """CPU quota of this process's control groups and those above them, rounded up; None without one."""
    try:
        lines = Path(proc).read_text().splitlines()
    except OSError:
        return None
    least = math.inf
    for line in lines:
        controllers, _, path = line.partition(":")[2].partition(":")
        if not path:
            continue
        if controllers == "":
            roots = [Path(mount), Path(mount, "unified")]
        elif "cpu" in controllers.split(","):
            roots = [Path(mount, name) for name in ("cpu", controllers)]
        else:
            continue
        inner = Path(path.strip("/"))
        for root in roots:   # in a container the path may not be visible: its top folder is the container's own group
            least = min([least, *(_quota(root / folder) for folder in (inner, *inner.parents))])
    return max(1, math.ceil(least)) if least < math.inf else None


def limits() -> dict[str, int]:
    """What bounds the number of threads, by name."""
    if os.getpid() != _process:
        return {"forked without Python's knowledge, or while OpenMP was busy": 1}
    bounds = {"processors of this process": processors(), "CPU quota": quota(),
              "OpenMP runtime": runtime.openmp_threads(), "FASTOPT_NUM_THREADS": _environment,
              "set_num_threads()": _set}
    return {name: bound for name, bound in bounds.items() if bound is not None}


def resolve_threads(requested: int | None = None, name: str = "n_threads") -> int:
    """How many threads a call may use.

    Parameters
    ----------
    requested : int or None
        None, and -1: as many as allowed; a positive number: at most so many; -2: all but one, and so on.
    name : str
        The argument's name, for the error message.

    Returns
    -------
    int
        At least 1, and at most every one of: the processors of this process, its CPU quota, what the OpenMP runtime
        was told (``OMP_NUM_THREADS``, threadpoolctl), ``FASTOPT_NUM_THREADS`` and :func:`set_num_threads`.

    Raises
    ------
    TypeError, ValueError
        If `requested` is no integer, or zero.
    """
    requested = checked_threads(requested, name)
    if requested == 1:
        return 1
    allowed = max(1, min(limits().values()))
    if requested is None:
        return allowed
    return min(requested, allowed) if requested > 0 else max(1, allowed + 1 + requested)


def checked_threads(requested: int | None, name: str = "n_threads") -> int | None:
    """What `resolve_threads` takes, checked; the limits are looked at when there is work for more than one thread."""
    if requested is None:
        return None
    number = _integer(requested, name)
    if number == 0:
        raise ValueError(f"{name} must be a positive number of threads, -1 for all, or None; got 0")
    return number


def _integer(value: object, name: str) -> int:
    if isinstance(value, bool):
        raise TypeError(f"{name} must be an integer or None, got {value!r}")
    try:
        return operator.index(value)   # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} must be an integer or None, got {value!r}") from None


def set_num_threads(n: int | None) -> None:
    """Use at most `n` threads in calls from now on, in all Python threads of this process.

    Parameters
    ----------
    n : int or None
        A positive number; None takes the limit away again.  It only ever lowers what the process may use.

    Raises
    ------
    TypeError, ValueError
        If `n` is no positive integer.

    Examples
    --------
    >>> import fastopt as fo
    >>> fo.set_num_threads(1)
    >>> fo.get_num_threads()
    1
    >>> fo.set_num_threads(None)
    """
    global _set
    if n is not None and _integer(n, "n") < 1:
        raise ValueError(f"n must be a positive number of threads or None, got {n}")
    _set = None if n is None else operator.index(n)


def get_num_threads() -> int:
    """How many threads a call uses if it is not told otherwise; :func:`fastopt.show_config` says why.

    Examples
    --------
    >>> import fastopt as fo
    >>> fo.get_num_threads() >= 1
    True
    """
    return resolve_threads()


def threads_worth(threads: int, elements: float) -> int:
    """How many of so many threads predictions are worth, by the elements of X times the outputs: where other programs want the processors
    a thread may wait for one longer than a short prediction takes.

    Examples
    --------
    >>> from fastopt._core.threads import threads_worth
    >>> threads_worth(4, 1e6), threads_worth(4, 1e7)
    (1, 4)
    """
    return max(1, min(threads, int(min(elements / PREDICTED_PER_THREAD, 4096.0))))


def threads_for(requested: int | None, elements: float) -> int:
    """How many threads predictions get, by what was requested and what they are worth; the limits of the process are looked at only
    where there is work for more than one."""
    requested = checked_threads(requested)
    return 1 if elements < 2 * PREDICTED_PER_THREAD else threads_worth(resolve_threads(requested), elements)


def _before_fork() -> None:
    """libgomp's idle workers do not survive a fork, and the child would wait for them for ever: end them first."""
    global _released
    _released = os.getpid() == _process and runtime.release_workers()


def _after_fork_in_child() -> None:
    global _process
    if _released:
        _process = os.getpid()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork_in_child)
