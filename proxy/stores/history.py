"""The history of a rule folder: who published, rolled back and paused what, and what follows from it. Calculations
only; `versions.py` reads and writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from proxy.errors import OperatorError


class Action(StrEnum):
    """What happened, in an entry of the history."""

    PUBLISHED = "published"
    LOADED = "loaded"  # in folder mode: a saved folder without findings
    REQUESTED = "requested"  # waits for a second person
    APPROVED = "approved"
    ROLLED_BACK = "rolled back"
    PAUSED = "paused"
    RESUMED = "resumed"


GOES_LIVE = {Action.PUBLISHED, Action.LOADED, Action.APPROVED, Action.ROLLED_BACK}


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the history. `version` is the one that was live or asked for; `content` is the hash of its files;
    `what` was paused or resumed; `at` in Unix seconds."""

    at: float
    action: Action
    version: int = 0
    content: str = ""
    author: str = ""
    message: str = ""
    what: str = ""


MADE_LIVE = {Action.PUBLISHED, Action.APPROVED, Action.LOADED}


def is_live_as_saved(history: Sequence[Entry]) -> bool:
    """Whether the folder is in the mode in which saved files are live."""
    return next((entry.action for entry in reversed(history) if entry.action in MADE_LIVE), None) is Action.LOADED


def must_be_approved(history: Iterable[Entry], approval: str) -> bool:
    """Whether a second person has to approve: by the setting; with `as before` if it was so last time, so that nobody
    can avoid it with other settings."""
    if approval != "as before":
        return approval == "required"
    asked = [entry.action for entry in history if entry.action in (Action.PUBLISHED, Action.REQUESTED)]
    return asked[-1:] == [Action.REQUESTED]


def made_live(history: Sequence[Entry], live: int) -> int:
    """The place of the entry that made the live version what is live now; -1 when none did."""
    places = (i for i, entry in enumerate(history) if entry.version == live and entry.action in GOES_LIVE)
    return max(places, default=-1)


def before(live: int, history: Sequence[Entry]) -> int:
    """The latest version before the live one that was live. Raises `OperatorError` when there was none."""
    earlier = {entry.version for entry in history if entry.action in GOES_LIVE and entry.version < live}
    if not earlier:
        raise OperatorError("no version was live before this one", help="`tailorbird history` lists them")
    return max(earlier)


def as_it_was(history: Iterable[Entry], at: float) -> tuple[int, set[str]]:
    """The version that was live at that moment, 0 for none, and what was paused."""
    number, off = 0, set[str]()
    for entry in history:
        if entry.at > at:
            break
        if entry.action in GOES_LIVE:
            number = entry.version
        elif entry.action is Action.PAUSED:
            off.add(entry.what)
        elif entry.action is Action.RESUMED:
            off.discard(entry.what)
    return number, off


def overtaken(live: int, history: Sequence[Entry]) -> int | None:
    """What was live until the live version came, also a later one that somebody went back from; None when nothing
    was."""
    earlier = reversed(history[: max(made_live(history, live), 0)])
    return next((entry.version for entry in earlier if entry.action in GOES_LIVE and entry.version != live), None)


def must_wait_for(number: int, history: Sequence[Entry], by: str) -> Entry:
    """The request for that version. Raises `OperatorError` when there is none, when who asked would approve, and when
    another version went live since, which this one would undo."""
    place = next(
        (i for i, entry in enumerate(history) if (entry.version, entry.action) == (number, Action.REQUESTED)), None
    )
    if place is None:
        raise OperatorError(f"nobody asked for version {number}", help="`tailorbird history` tells what waits")
    since = next((entry for entry in history[place:] if entry.action in GOES_LIVE), None)
    if since is not None:
        raise OperatorError(
            f"version {since.version} went live since version {number} was asked for",
            help="publish again what is to come on top of it",
        )
    if history[place].author.casefold() == by.casefold():
        raise OperatorError(f"{by} asked for version {number}", help="somebody else has to approve it")
    return history[place]
