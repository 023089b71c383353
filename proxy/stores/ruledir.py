"""The rule folder on disk: read as one consistent set of files, and watched for changes.

Only the kinds of files that mean something are read, and none that a link leads out of the folder to. Files are read
again when any changed meanwhile, so that an editor's half-saved folder is not taken for a whole one.
"""

from __future__ import annotations

import asyncio
import contextlib
import fnmatch
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

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
MAX_CATALOGUE_BYTES = 256 * 1024 * 1024
ATTEMPTS = 5

Stamps = dict[str, tuple[int, int, int]]


def read_folder(path: Path) -> dict[str, bytes]:
    """The folder's files by their path within it; empty when there is no such folder.

    A file that is too large is read just far enough to tell. Raises `OperatorError` for one that may not be read.
    """
    files: dict[str, bytes] = {}
    for _ in range(ATTEMPTS):
        before = _stamps(path)
        try:
            files = {name: _read(path / name) for name in before}
        except FileNotFoundError:
            continue
        except OSError as error:
            raise OperatorError(f"cannot read `{error.filename}`", help="let Tailorbird's user read it") from error
        if _stamps(path) == before:
            break
    return files


class RuleFolder:
    """A folder and what was last read of it: with `is_published`, the files of the version that is live, else those in
    the folder itself; and what is paused."""

    def __init__(self, path: Path, *, is_published: bool = False, settings: Settings = DEFAULTS) -> None:
        self.path = path
        self.versions = Versions(path)
        self.pauses = NOTHING
        self._is_published = is_published
        self._debounce_ms, self._poll_ms = settings.rules_debounce_ms, settings.rules_poll_ms
        self._stamps: Stamps = {}
        self._files: dict[str, bytes] | None = None

    def read(self) -> dict[str, bytes]:
        """The files as they are now; none when nothing was published yet. Raises `OperatorError`."""
        self._stamps = self._stamps_now()
        self.pauses = self.versions.pauses()
        if self._is_published:
            live = self.versions.live()
            self._files = self.versions.files_now(live) if live else {}
        else:
            self._files = read_folder(self.path)
        return self._files

    def remember(self, files: dict[str, bytes], now: float) -> None:
        """Makes what is saved and live a version, unless it was published as one. Raises `OSError`."""
        if not self._is_published:
            self.versions.load(files, now)

    async def changes(self) -> AsyncGenerator[dict[str, bytes], None]:
        """The files, whenever they or what is paused are others than at the last `read`. Never ends; cancel it.

        A folder that cannot be read raises nothing here: it is looked at again, and the last files stand.
        """
        async with aclosing(self._ticks()) as ticks:
            async for _ in ticks:
                before = (self._files, self.pauses)
                try:
                    if self._stamps == await asyncio.to_thread(self._stamps_now):
                        continue
                    files = await asyncio.to_thread(self.read)
                except (OSError, OperatorError):
                    continue
                if (files, self.pauses) != before:
                    yield files

    def _stamps_now(self) -> Stamps:
        stamps = {} if self._is_published else _stamps(self.path)
        ours = (
            (f"{VERSIONS}/live", f"{VERSIONS}/paused", *DATA_FILES) if self._is_published else (f"{VERSIONS}/paused",)
        )
        for name in ours:
            with contextlib.suppress(OSError):
                stamps[name] = _stamp((self.path / name).stat())
        return stamps

    async def _ticks(self) -> AsyncGenerator[None, None]:
        """A beat after each change, and two a second: the system may miss what is made in a folder that is new."""
        from watchfiles import awatch  # takes 30 ms to import, and only `serve` watches

        while True:
            watched = _identity(self.path)
            yield
            if watched is None:
                await asyncio.sleep(self._poll_ms / 1_000)
                continue
            watch = awatch(self.path, debounce=self._debounce_ms, rust_timeout=self._poll_ms, yield_on_timeout=True)
            async with aclosing(watch) as changed:
                async for _ in changed:
                    yield
                    if _identity(self.path) != watched:
                        break


def _stamps(path: Path) -> Stamps:
    """What would change with a file: its time, size and inode. Twice a second for good, so each file costs one call."""
    root = path.resolve()
    found = {folder: _stamps_in(path / folder, root) for folder in {kind.rpartition("/")[0] for kind in KINDS}}
    stamps: Stamps = {}
    for kind in KINDS:
        folder, slash, pattern = kind.rpartition("/")
        for name in fnmatch.filter(sorted(found[folder]), pattern):
            stamps[folder + slash + name] = found[folder][name]
    return stamps


def _stamps_in(folder: Path, root: Path) -> Stamps:
    """Those of all files of one folder; of what a link names, if that is below `root`."""
    stamps: Stamps = {}
    if not folder.resolve().is_relative_to(root):
        return stamps
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):  # gone since it was listed, or a link in a circle
                stat = entry.stat()
                is_ours = not entry.is_symlink() or Path(entry.path).resolve().is_relative_to(root)
                if is_ours and entry.is_file():
                    stamps[entry.name] = _stamp(stat)
    return stamps


def _stamp(stat: os.stat_result) -> tuple[int, int, int]:
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)


def _read(file: Path) -> bytes:
    limit = MAX_CATALOGUE_BYTES if file.name == CATALOGUE_FILE else MAX_FILE_BYTES
    with file.open("rb") as opened:
        return opened.read(limit + 1)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return (stat.st_dev, stat.st_ino) if path.is_dir() else None
