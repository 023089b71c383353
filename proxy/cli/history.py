"""`tailorbird history`: who published, paused and rolled back what, and when; as JSON, the audit trail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from difflib import unified_diff
from pathlib import Path

import click

from proxy.cli.options import as_json, form_option
from proxy.cli.rulefolder import rules_option
from proxy.errors import OperatorError
from proxy.stores.history import GOES_LIVE, Action, Entry, made_live
from proxy.stores.versions import Versions


@click.command("history")
@rules_option()
@click.option("--last", type=click.IntRange(1), default=20, help="how many lines of text  (default: 20)")
@form_option()
def command(rules: Path, last: int, form: str) -> None:
    """List who published, paused and rolled back what, the latest first. As JSON: everything, the oldest first."""
    versions = Versions(rules)
    history = versions.history()
    if form == "json":
        click.echo(as_json(history))
        return
    click.echo("\n".join(_lines(versions, history, last)) or "nothing has happened yet")


def _lines(versions: Versions, history: Sequence[Entry], last: int) -> Iterator[str]:
    width = max((len(entry.author) for entry in history[-last:]), default=0)
    went_live = made_live(history, versions.live())
    for place in range(len(history) - 1, max(-1, len(history) - 1 - last), -1):
        entry = history[place]
        name = f"v{entry.version}" if entry.version else ""
        mark = "● live" if place == went_live else ""
        message = " ".join(entry.message.split())  # of several lines, too, it is a row of the table
        said = entry.what or f'"{message}"' if entry.what or message else ""
        action = "" if entry.action is Action.PUBLISHED else f"{entry.action}"
        when = datetime.fromtimestamp(entry.at).astimezone()
        line = f"{name:<5} {mark:<6}  {when.day:>2} {when:%b %H:%M}  {entry.author:<{width}}  {action:<11}  {said}"
        yield line.rstrip().ljust(70) + _size(versions, history, place)


def _size(versions: Versions, history: Sequence[Entry], place: int) -> str:
    """How many lines came and went with the entry, as `+14 −2`; "" for what changed no files."""
    entry = history[place]
    if entry.action not in GOES_LIVE | {Action.REQUESTED}:
        return ""
    before = next((each.version for each in reversed(history[:place]) if each.action in GOES_LIVE), 0)
    try:
        new = _text(versions.files(entry.version))
        old = _text(versions.files(before)) if before else []
    except OperatorError:
        return "  (files missing)"
    lines = [line for line in unified_diff(old, new, n=0) if not line.startswith(("---", "+++", "@@"))]
    return f"  +{sum(line[0] == '+' for line in lines)} −{sum(line[0] == '-' for line in lines)}"


def _text(files: dict[str, bytes]) -> list[str]:
    return [f"{name}: {line}" for name in sorted(files) for line in files[name].decode("utf-8", "replace").splitlines()]
