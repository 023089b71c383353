"""Files that are written whole or not at all, and are there after a power cut. Otherwise what is written may be on disk
in any order: the name of a file without its content, the word that a version is live without the version.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

_CANNOT = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EBADF})
"""What file systems that sync no folder say to it, as some that are shared over a network or with a container."""


def replace_whole(path: Path, content: bytes, tell: Callable[[], None] = lambda: None) -> None:
    """Replaces a file's content in one step: readers see the old or the new, never a part. Who may write it stays. What
    happens is told once there is room for it; where that fails, the old stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    with new.open("wb") as file:
        if path.exists():
            os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    tell()
    new.replace(path)
    _sync(path.parent)


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Writes files that never change into a new folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o444)
    for path in [*folder.rglob("*"), folder]:
        _sync(path)


def rename_folder(folder: Path, name: Path) -> None:
    """Gives a folder its name."""
    folder.rename(name)
    _sync(name.parent)


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
    finally:
        os.close(opened)
