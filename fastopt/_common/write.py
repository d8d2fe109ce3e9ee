"""Atomic writing of files: to a temporary file, onto the disk, then moved to its place.

Used by save_model, by networks and by the command for all that it writes.  Must not know what is written.
"""
from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A stream whose content replaces `path` when the block ends; nothing is left of it after an error.

    Links are followed.  An existing file keeps its mode; a new one gets that of the process's umask.  What is no
    file (a device, a pipe) is written as it is.

    Examples
    --------
    >>> import os, tempfile
    >>> from fastopt._common.write import replacing
    >>> path = os.path.join(tempfile.mkdtemp(), "a.txt")
    >>> with replacing(path) as stream:
    ...     n = stream.write(b"all of it")
    >>> open(path).read()
    'all of it'
    """
    place = Path(os.path.realpath(path))
    before = _mode(place)
    if before is not None and not stat.S_ISREG(before):
        with open(place, "wb") as stream:
            yield stream
        return
    temporary = place.with_name(f".{place.name[:80]}-{secrets.token_hex(6)}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    handle = os.open(temporary, flags, 0o666 if before is None else 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if before is not None:
            os.chmod(temporary, stat.S_IMODE(before))
        os.replace(temporary, place)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(place.parent)


def _mode(path: Path) -> int | None:
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return None


def _sync_folder(folder: Path) -> None:
    """Flush the move to the disk, where folders can be opened."""
    if hasattr(os, "O_DIRECTORY"):
        with contextlib.suppress(OSError):
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
