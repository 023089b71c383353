"""The states of the rules that commands compare and publish: the draft in a folder, the live version, a version by its
number."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from proxy.cli.options import Command, settings_now
from proxy.cli.rulefolder import good, loaded_from
from proxy.errors import OperatorError
from proxy.rulebook.compile import Loaded, Publication
from proxy.serve.publishing import is_live
from proxy.stores.history import Entry, is_live_as_saved, overtaken
from proxy.stores.ruledir import read_folder
from proxy.stores.versions import Versions


@dataclass(frozen=True)
class State:
    """A state of the rules: what it is called, and its files."""

    name: str
    files: dict[str, bytes]


def state_of(word: str, rules: Path) -> State:
    """The state that a word means: `live`, `draft`, the number of a version, or a folder. Raises `OperatorError`."""
    versions = Versions(rules)
    if word == "draft":
        return State("draft", read_folder(rules))
    number = versions.live() if word == "live" else int(word) if word.isdecimal() else 0
    if number:
        return State(f"Version {number}", versions.files_now(number))
    if word == "live":
        raise OperatorError(
            f"nothing of `{rules}` is live yet",
            help="`tailorbird publish` or `tailorbird serve` makes the first version",
        )
    if not Path(word).is_dir():
        raise OperatorError(
            f"`{word}` is no state of the rules", help="write live, draft, a version's number or a folder"
        )
    return State(word, read_folder(Path(word)))


def before_saved(draft: State, rules: Path) -> State | None:
    """The version that was live until the live one came, where a folder is live as it is saved and the draft is what is
    live; else None."""
    versions = Versions(rules)
    history = versions.history()
    if is_published_mode(history) or not is_live(versions, draft.files):
        return None
    number = overtaken(versions.live(), history)
    try:
        return state_of(str(number), rules) if number else None
    except OperatorError:  # its files were cleared away
        return None


def publication_of(state: State, catalogue: Path | None, store: str | None) -> Publication:
    """What the state would publish; ends the command with its findings when it has any."""
    return must_be_good(state, loaded_from(state.files, catalogue, store))


def must_be_good(state: State, loaded: Loaded) -> Publication:
    """The publication; ends the command with the findings when there is none."""
    return good(loaded, note=f"{state.name} has mistakes, so nothing was done")


def is_published_mode(history: Sequence[Entry]) -> bool:
    """Whether what is live was published, by the setting or by what last happened; a folder that nobody served yet may
    be published too."""
    return settings_now().rules_mode == "published" or not is_live_as_saved(history)


def author_option(does: str) -> Callable[[Command], Command]:
    """Adds `--author`, who does it."""
    return click.option("--author", help=f"who {does}  (default: as git knows you)")


def author_of(said: str | None) -> str:
    """Who does this: as said, else as git knows them, else the name they logged in with."""
    return said or os.environ.get("GIT_AUTHOR_NAME") or _git_name() or getpass.getuser()


def _git_name() -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    done = subprocess.run([git, "config", "user.name"], capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip()
