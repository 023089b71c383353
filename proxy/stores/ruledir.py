"""The rule folder on disk: read as one consistent set of files, and looked at for changes.

Only the kinds of files that mean something are read, and none that a link leads out of the folder to. Files are read
again when any changed meanwhile, so that an editor's half-saved folder is not taken for a whole one.
"""

from __future__ import annotations

import asyncio
import contextlib
import fnmatch
import os
import re
import threading
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

from proxy.errors import OperatorError
from proxy.rulebook.pauses import NOTHING
from proxy.rulebook.read import (
    ATTRIBUTE_FILE,
    CACHE_FILE,
    CATALOGUE_FILE,
    DATA_FILES,
    MAX_FILE_BYTES,
    RULE_FILES,
    SLOT_FILE,
)
from proxy.settings import DEFAULTS, Settings
from proxy.stores.inotify import Inotify, are_reported
from proxy.stores.versions import FOLDER as VERSIONS
from proxy.stores.versions import Versions

KINDS = (
    *("*" + ending for ending in RULE_FILES),
    SLOT_FILE,
    ATTRIBUTE_FILE,
    CACHE_FILE,
    *DATA_FILES,
    "banners/*.html",
    "cards/*.html",
)
HIDDEN = (".", "~")
"""What the names of files begin with that programs put beside those that they have open: `.#a`, `._a`, `~$a`."""

MAX_CATALOGUE_BYTES = 256 * 1024 * 1024
ATTEMPTS = 5
SETTLED_SECONDS = 2.0
"""What changed in a folder before that cannot be of the same instant, by its file system's clock, as what comes now."""

SELDOM_SECONDS = 5.0
"""How often a folder is looked at whose changes the system tells."""

Stamp = tuple[int, int, int]
Stamps = dict[str, Stamp]


def _kinds_by_folder() -> dict[str, re.Pattern[str]]:
    """What the files of each folder may be called; the group that matches says which kind it is, in their order."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    for number, kind in enumerate(KINDS):
        folder, slash, name = kind.rpartition("/")
        names[folder + slash].append(f"(?P<kind{number:02}>{fnmatch.translate(name)})")
    return {folder: re.compile("|".join(patterns)) for folder, patterns in names.items()}


_KINDS = _kinds_by_folder()


def read_folder(path: Path) -> dict[str, bytes]:
    """The folder's files by their path within it; empty when there is no such folder. Bytes of a name that are not
    UTF-8 are written as `\\xfc`.

    A file that is too large is read just far enough to tell. Raises `OperatorError` for one that may not be read.
    """
    files: dict[str, bytes] = {}
    for _ in range(ATTEMPTS):
        before = _stamps(path)
        try:
            files = {os.fsencode(name).decode("utf-8", "backslashreplace"): _read(path / name) for name in before}
        except FileNotFoundError:
            continue
        except OSError as error:
            raise OperatorError(f"cannot read `{error.filename}`", help="let Tailorbird's user read it") from error
        if _stamps(path) == before:
            break
    return files


class RuleFolder:
    """A rule folder, and what was last read of it: with `is_published`, the files of the live version, else those in
    the folder itself; and what is paused."""

    def __init__(self, path: Path, *, is_published: bool = False, settings: Settings = DEFAULTS) -> None:
        self.path = path
        self.versions = Versions(path)
        self.pauses = NOTHING
        self.is_published = is_published
        self._poll_seconds = settings.rules_poll_ms / 1_000
        self._quiet_seconds = settings.rules_debounce_ms / 1_000
        self._stamps: Stamps = {}
        self._listed: _Listed | None = None
        self._files: dict[str, bytes] | None = None

    def read(self) -> dict[str, bytes]:
        """The files as they are now; none when nothing was published yet. Raises `OperatorError`."""
        self._stamps = self._stamps_now()
        self.pauses = self.versions.pauses()
        if self.is_published:
            live = self.versions.live()
            self._files = self.versions.files_now(live) if live else {}
        else:
            self._files = read_folder(self.path)
        return self._files

    def last_good(self) -> dict[str, bytes]:
        """The files of the version that was live last, for a folder that was saved with mistakes since; empty when
        there is no such version. Raises `OperatorError`."""
        live = 0 if self.is_published else self.versions.live()
        return self.versions.files_now(live) if live else {}

    def remember(self, files: dict[str, bytes], now: float) -> None:
        """Makes a version of what is saved and live, unless it was published as one. Raises `OSError`."""
        if not self.is_published:
            self.versions.load(files, now)

    async def changes(self) -> AsyncGenerator[dict[str, bytes], None]:
        """The files, whenever they or what is paused are others than at the last `read`. Never ends; cancel it.

        A folder that cannot be read raises nothing here: it is looked at again, and the last files stand.
        """
        over = threading.Event()
        inotify: Inotify | None = None
        with contextlib.suppress(OSError):
            inotify = Inotify()
        thread = ThreadPoolExecutor(1, "tailorbird-rules")
        look = partial(asyncio.get_running_loop().run_in_executor, thread)
        try:
            while True:
                before = (self._files, self.pauses)
                await look(self._until_changed, over, inotify)
                with contextlib.suppress(OSError, OperatorError):
                    files = await look(self.read)
                    if (files, self.pauses) != before:
                        yield files
        finally:
            over.set()
            if inotify is not None:
                inotify.wake()
                thread.submit(inotify.close)
            thread.shutdown(wait=False)

    def _until_changed(self, over: threading.Event, inotify: Inotify | None) -> None:
        """Returns once something has changed and is quiet again, but does not wait for that for ever; or when it is
        over. It does so on a thread of its own, for half of what it costs to have the loop set a thread to it each
        time."""
        while (seen := self.glance()) == self._stamps:
            self._wait(over, inotify)
            if over.is_set():
                return
        for _ in range(ATTEMPTS):
            over.wait(self._quiet_seconds)
            before, seen = seen, self._stamps_now()
            if seen == before:
                return

    def _wait(self, over: threading.Event, inotify: Inotify | None) -> None:
        """Until there may be something to see."""
        listed = self._listed
        if inotify is None or listed is None or not listed.is_told:
            over.wait(self._poll_seconds)
            return
        try:
            if inotify.watch(listed.folders):
                inotify.wait(SELDOM_SECONDS)
        except OSError:  # the system watches no more folders
            over.wait(self._poll_seconds)

    def glance(self) -> Stamps:
        """A value that differs as soon as a file, or what is paused, does. Folders whose modification time is unchanged
        are not listed again, which is half the work: a worker does this several times a second."""
        if self._listed is None or not self._listed.holds():
            before = time.time()
            stamps = self._stamps_now()
            folders = [self.path, self.path / VERSIONS, *(self.path / kind for kind in _KINDS if kind)]
            self._listed = _Listed.of(folders, [self.path / name for name in stamps], stamps, before)
            return stamps
        return self._listed.stamps

    def _stamps_now(self) -> Stamps:
        stamps = {} if self.is_published else _stamps(self.path)
        ours = (f"{VERSIONS}/live", f"{VERSIONS}/paused", *DATA_FILES) if self.is_published else (f"{VERSIONS}/paused",)
        for name in ours:
            with contextlib.suppress(OSError):
                stamps[name] = _stamp((self.path / name).stat())
        return stamps


class _Listed(NamedTuple):
    """Folders that were listed, the files found in them, and the modification stamps of both; and whether it `is_told`
    when anything of it changes."""

    folders: list[str]
    paths: list[str]
    seen: list[Stamp]
    stamps: Stamps
    is_told: bool

    @classmethod
    def of(cls, folders: Sequence[Path], files: Sequence[Path], stamps: Stamps, at: float) -> _Listed | None:
        """The folder and those in it, listed after `at` (Unix seconds). None when it does not exist, or while a folder
        changed so recently that its time would not show another change."""
        there = [str(folder) for folder in folders if os.path.isdir(folder)]
        paths = [*there, *map(str, files)]
        try:
            times = [_stamp(os.stat(folder)) for folder in there]
            is_told = are_reported(there, paths)
        except OSError:  # gone since, or lost by a network's file system
            return None
        if str(folders[0]) not in there or any(changed_ns > (at - SETTLED_SECONDS) * 1e9 for changed_ns, _, _ in times):
            return None
        return cls(there, paths, [*times, *stamps.values()], stamps, is_told)

    def holds(self) -> bool:
        """True when nothing has changed since."""
        try:
            return [_stamp(stat) for stat in map(os.stat, self.paths)] == self.seen
        except OSError:
            return False


def _stamps(path: Path) -> Stamps:
    """Time, size and inode of each file. One system call a file, since this is done several times a second."""
    found = [row for folder, kinds in _KINDS.items() for row in _stamps_in(path, folder, kinds)]
    return {name: stamp for _, name, stamp in sorted(found)}


def _stamps_in(root: Path, folder: str, kinds: re.Pattern[str]) -> Iterator[tuple[str, str, Stamp]]:
    """The kind, name and stamp of each file of one folder that means something; of what a link names, if that is below
    `root`."""
    at = f"{root}/{folder}".rstrip("/")
    if folder and os.path.islink(at) and not _is_below(at, root):
        return
    with contextlib.suppress(OSError), os.scandir(at) as entries:
        for entry in entries:
            if entry.name.startswith(HIDDEN) or not (kind := kinds.fullmatch(entry.name)):
                continue
            with contextlib.suppress(OSError):  # gone since it was listed, or a link in a circle
                stat = entry.stat()
                if entry.is_file() and (not entry.is_symlink() or _is_below(entry.path, root)):
                    yield kind.lastgroup or "", folder + entry.name, _stamp(stat)


def _is_below(path: str, root: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))  # `resolve` fails for links in a circle


def _stamp(stat: os.stat_result) -> Stamp:
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)


def _read(file: Path) -> bytes:
    limit = MAX_CATALOGUE_BYTES if file.name == CATALOGUE_FILE else MAX_FILE_BYTES
    with file.open("rb") as opened:
        return opened.read(limit + 1)
