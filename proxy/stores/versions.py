"""Versions of a rule folder, as plain files beside the rules, where anybody can read them and git can keep them:

    rules/.tailorbird/versions/42/    the files of version 42, which never change
    rules/.tailorbird/live            the number of the version that is live
    rules/.tailorbird/paused          what is paused, a line each
    rules/.tailorbird/history.jsonl   who did what and when; only ever added to

`live` and `paused` are replaced in one step, so who reads them sees the old or the new; who writes holds a lock. Data
is no part of a version (the catalogue, a past to learn from): who rolls back rules does not want yesterday's prices.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from proxy.errors import UNDECODABLE, OperatorError
from proxy.rulebook.compile import version_of
from proxy.rulebook.pauses import Pause, pauses_in, text_of
from proxy.rulebook.read import DATA_FILES
from proxy.stores.history import GOES_LIVE, Action, Entry, must_wait_for
from proxy.stores.whole_files import rename_folder, replace_whole, write_folder

FOLDER = ".tailorbird"
_NUMBER = re.compile(r"\d{0,9}", re.ASCII)
_BACK = "take it from a backup or from git"
Files = Mapping[str, bytes]


class Versions:
    """The versions of the rule folder `rules`. Reading creates nothing; writing raises `OperatorError` where it is not
    allowed."""

    def __init__(self, rules: Path) -> None:
        self.rules = rules
        self._folder = rules / FOLDER

    # -- reading

    def live(self) -> int:
        """The number of the version that is live; 0 when there is none. Raises `OperatorError` for a damaged file: that
        is no reason to show nothing."""
        path = self._folder / "live"
        text = _read(path).strip()
        if not _NUMBER.fullmatch(text):
            raise OperatorError(f"`{path}` says no number of a version", help=_BACK)
        return int(text or 0)

    def pauses(self) -> frozenset[Pause]:
        """What is paused. Raises `OperatorError` for a damaged file."""
        return pauses_in(_read(self._folder / "paused"))

    def history(self) -> list[Entry]:
        """All entries, oldest first. A last one that was cut short, as by a full disk, never counted. Raises
        `OperatorError` for a line that cannot be read."""
        path = self._folder / "history.jsonl"
        entries = []
        *lines, last = _read(path).split("\n")  # other ends of lines may stand in a message
        for number, line in enumerate([*lines, last] if _is_entry(last) else lines, 1):
            try:
                entries.append(msgspec.json.decode(line, type=Entry))
            except UNDECODABLE as error:
                what = f"line {number} of `{path}` cannot be read: {error}"
                raise OperatorError(what, help=f"it is only ever added to; {_BACK}") from error
        return entries

    def files(self, number: int) -> dict[str, bytes]:
        """The files of a version, as they were. Raises `OperatorError` when there is no such version, or somebody
        changed it."""
        folder = self._of(number)
        if number < 1 or not folder.is_dir():
            raise OperatorError(f"there is no version {number}", help="`tailorbird history` lists them")
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.is_symlink()  # we make none: whoever did may read what we can
        }
        named = {entry.content for entry in self.history() if entry.version == number and entry.content}
        if named and version_of(files) not in named:
            raise OperatorError(
                f"the files of version {number} are not what was published", help="take them from a backup or from git"
            )
        return files

    def files_now(self, number: int) -> dict[str, bytes]:
        """The files of a version, with the catalogue and the past of the folder as they are now."""
        data = {name: self.rules / name for name in DATA_FILES}
        return self.files(number) | {name: path.read_bytes() for name, path in data.items() if path.is_file()}

    # -- writing

    def publish(self, files: Files, *, author: str, message: str, now: float, action: Action) -> Entry:
        """A new version of these files: `PUBLISHED`, `LOADED`, or `REQUESTED`, which does not make it live."""
        own = written(files)
        with self._locked():
            number = self._add(own)
            return self._go(Entry(now, action, number, version_of(own), author, message))

    def load(self, files: Files, now: float) -> Entry | None:
        """The version of a saved folder that is live now; None when it was live before already."""
        own = written(files)
        with self._locked():
            live, content = self.live(), version_of(own)
            told = {entry.version: entry.content for entry in self.history() if entry.content}
            known = {number: named for number, named in told.items() if self._of(number).is_dir()}
            if known.get(live) == content:
                return None
            number = next((number for number, other in known.items() if other == content), 0) or self._add(own)
            return self._go(Entry(now, Action.LOADED, number, content))

    def approve(self, number: int, *, author: str, now: float) -> Entry:
        """Makes a version live that somebody else asked for. Raises `OperatorError`."""
        content = version_of(self.files(number))
        with self._locked():
            asked = must_wait_for(number, self.history(), author)
            return self._go(Entry(now, Action.APPROVED, number, content, author, asked.message))

    def roll_back(
        self, number: int, *, author: str, message: str, now: float, saved: Callable[[], Files] | None = None
    ) -> Entry:
        """Makes an earlier version live. Where the folder is live as it is `saved`, its files become those of the
        version; raises `OperatorError` when they are in no version, as they would be lost."""
        files = self.files(number)
        with self._locked():
            if saved is not None:
                self._restore(files, written(saved()))
            return self._go(Entry(now, Action.ROLLED_BACK, number, version_of(files), author, message))

    def _restore(self, files: Files, before: Files) -> None:
        """Puts `files` in the place of those `before`; what else lies in the folder stays."""
        if version_of(before) not in {entry.content for entry in self.history()}:
            raise OperatorError(
                "the folder holds changes that are in no version, and rolling back would lose them",
                help="mend them, or take them away, as with `git stash`",
            )
        for name in before.keys() - files.keys():
            (self.rules / name).unlink()
        for name, content in files.items():
            replace_whole(self.rules / name, content)

    def write(self, name: str, content: bytes, mark: str) -> None:
        """Replaces a file of the folder itself whose content still has this mark (`mark_of`). Raises `OperatorError`
        when it has another, or lies outside of the folder."""
        with self._locked():
            replace_whole(self._with_mark(name, mark), content)

    def remove(self, name: str, mark: str) -> None:
        """Deletes such a file; those of versions stay. Raises `OperatorError`."""
        with self._locked():
            self._with_mark(name, mark).unlink(missing_ok=True)

    def rename(self, name: str, new: str, mark: str) -> None:
        """Gives such a file a name that none has. Raises `OperatorError`."""
        with self._locked():
            path, target = self._with_mark(name, mark), self._inside(new)
            if target.exists():
                raise OperatorError(f"not renamed: there is a file `{new}`", help="choose another name")
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)

    def _with_mark(self, name: str, mark: str) -> Path:
        path = self._inside(name)
        if mark_of(path.read_bytes() if path.is_file() else b"") != mark:
            raise OperatorError(
                f"not saved: somebody has changed `{name}` since you opened it",
                help="copy what you wrote, open the file again, and write it there",
            )
        return path

    def _inside(self, name: str) -> Path:
        path = (self.rules / name).resolve()
        if not path.is_relative_to(self.rules.resolve()):
            raise OperatorError(f"`{name}` leads out of the rule folder", help="write it where it leads to")
        return path

    def pause(self, pauses: Iterable[Pause], *, author: str, now: float) -> list[Entry]:
        """Pauses these, too; returns the new entries of the history."""
        return self._switch(self.pauses() | frozenset(pauses), Action.PAUSED, author, now)

    def resume(self, pauses: Iterable[Pause], *, author: str, now: float) -> list[Entry]:
        """Resumes these; returns the new entries of the history."""
        return self._switch(self.pauses() - frozenset(pauses), Action.RESUMED, author, now)

    def _of(self, number: int) -> Path:
        return self._folder / "versions" / str(number)

    def _switch(self, wanted: frozenset[Pause], action: Action, author: str, now: float) -> list[Entry]:
        with self._locked():
            changed = sorted(wanted ^ self.pauses())
            entries = [Entry(now, action, self.live(), author=author, what=str(pause)) for pause in changed]
            replace_whole(self._folder / "paused", text_of(wanted).encode(), lambda: self._tell(*entries))
            return entries

    def _add(self, files: Files) -> int:
        """Writes a new version's folder, which gets its name only once it is whole."""
        versions = self._folder / "versions"
        versions.mkdir(exist_ok=True)
        there = [int(path.name) for path in versions.iterdir() if path.name.isdecimal()]
        number = max([0, *there, *(entry.version for entry in self.history())]) + 1
        growing = Path(tempfile.mkdtemp(prefix=".", dir=versions))
        try:
            growing.chmod(0o755)
            write_folder(growing, files)
            rename_folder(growing, self._of(number))
        except OSError:
            shutil.rmtree(growing, ignore_errors=True)
            raise
        return number

    def _go(self, entry: Entry) -> Entry:
        if entry.action in GOES_LIVE:
            replace_whole(self._folder / "live", b"%d\n" % entry.version, lambda: self._tell(entry))
        else:
            self._tell(entry)
        return entry

    def _tell(self, *entries: Entry) -> None:
        with (self._folder / "history.jsonl").open("a+b") as history:
            history.seek(0)
            last = history.read().rpartition(b"\n")[2]
            if _is_entry(last):
                history.write(b"\n")
            else:
                history.truncate(history.tell() - len(last))
            history.writelines(msgspec.json.encode(entry) + b"\n" for entry in entries)
            history.flush()
            os.fsync(history.fileno())

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._writing():
            self._folder.mkdir(parents=True, exist_ok=True)
            with (self._folder / "lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            what = f"`{error.filename or self._folder}` cannot be written: {error.strerror or error}"
            help = "let Tailorbird's user write into the rule folder: what is live and what is paused stands in it"
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                help = "make room on its disk; what was live still is"
            raise OperatorError(what, help=help) from error


def _is_entry(line: str | bytes) -> bool:
    try:
        return bool(msgspec.json.decode(line, type=Entry))
    except UNDECODABLE:
        return False


def mark_of(content: bytes) -> str:
    """A short text that names this content of a file; "" for none."""
    return version_of({"": content}) if content else ""


def written(files: Files) -> dict[str, bytes]:
    """The files of a folder that editors write: what a version consists of."""
    return {name: content for name, content in files.items() if name not in DATA_FILES}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise OperatorError(f"`{path}` is no text: {error}", help=_BACK) from error
