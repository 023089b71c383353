"""Word from the system that something in some folders has changed: Linux's inotify.

It spares a worker with nothing to do a third of what it costs: to look at 25 files takes 150 us where system calls are
slow, and it looked 2.5 times a second. Its law: only where no change can pass it by. A network's file system tells
nothing of what others do to it, nor one that a virtual machine shares; nor is where a link lies told of what changes
where it leads. There whoever follows a folder looks again and again (`ruledir.py`); and seldom anyway.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
from collections.abc import Collection, Sequence
from pathlib import Path

TELLING = frozenset({"ext2", "ext3", "ext4", "xfs", "f2fs", "tmpfs", "overlay"})
"""File systems that tell of all that happens to them."""
# IN_MODIFY, IN_ATTRIB, IN_CLOSE_WRITE, IN_MOVED_FROM, IN_MOVED_TO, IN_CREATE, IN_DELETE, of itself too; IN_ONLYDIR
_CHANGES = 0x2 | 0x4 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800 | 0x0100_0000
_MOUNTS = Path("/proc/self/mountinfo")


class Inotify:
    """Of what happens in the folders that are watched. One thread waits; any may `wake` it."""

    def __init__(self) -> None:
        """Raises `OSError` where the system has no such thing."""
        try:
            self._libc = ctypes.CDLL(None, use_errno=True)
            self._told = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
            self._woken = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        except (AttributeError, OSError) as error:
            raise OSError("the system does not tell") from error
        if self._told < 0:
            os.close(self._woken)
            raise OSError(ctypes.get_errno(), "the system does not tell")
        self._watched: Sequence[str] = ()
        self._poll = select.poll()
        for number in (self._told, self._woken):
            self._poll.register(number, select.POLLIN)

    def watch(self, folders: Sequence[str]) -> bool:
        """Watches these, too. True when it was this very list before: else whoever asks had better look at them now.
        In another list the same names may be other folders, as of one that was deleted and made again."""
        if self._watched is folders:
            return True
        for folder in folders:
            if self._libc.inotify_add_watch(self._told, os.fsencode(folder), _CHANGES) < 0:
                raise OSError(ctypes.get_errno(), f"`{folder}` cannot be watched")
        self._watched = folders
        return False

    def wait(self, seconds: float) -> None:
        """Returns when something happens there, when it is woken, or after so long."""
        for number, _ in self._poll.poll(seconds * 1_000):
            with contextlib.suppress(BlockingIOError):
                while number == self._told and os.read(number, 65_536):
                    pass

    def wake(self) -> None:
        """Lets whoever waits, or would, go on from now on."""
        os.eventfd_write(self._woken, 1)

    def close(self) -> None:
        """Ends it; nobody may wait any more."""
        os.close(self._told)
        os.close(self._woken)


def are_told(folders: Sequence[str], paths: Collection[str], mounts: Path = _MOUNTS) -> bool:
    """Whether the system tells of all that happens to these paths in these folders."""
    if any(os.path.realpath(path) != os.path.abspath(path) for path in (*folders, *paths)):
        return False
    return {_kind_of(os.stat(folder).st_dev, mounts) for folder in folders} <= TELLING


def _kind_of(device: int, mounts: Path) -> str:
    """What file system a device has; "" where the system does not say."""
    number = f"{os.major(device)}:{os.minor(device)}"
    with contextlib.suppress(OSError):
        for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
            fields, _, about = line.partition(" - ")
            if fields.split()[2:3] == [number]:
                return about.split()[0]
    return ""
