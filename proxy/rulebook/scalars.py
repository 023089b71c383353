"""Reads small values outside conditions: a choice, yes or no, a whole number, a duration, a CSS selector, a path, a
list of words. Each returns None for a missing value (None)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote

from proxy.conditions.corrections import better_value
from proxy.conditions.nodes import Entry, Node, Scalar, as_text, one_or_more
from proxy.diagnostics import Finding, Suggestion, did_you_mean
from proxy.errors import EditorError
from proxy.page.scan import check_selector


def read_choice(node: Node | None, what: str, choices: Sequence[str], findings: list[Finding]) -> str | None:
    """One of `choices`; `what` names the value in findings."""
    written = as_text(node, f'"{what}"', findings)
    if written is None or written.text in choices:
        return written.text if written else None
    help = did_you_mean(written.text, choices)
    if len(choices) == 1:
        help = Suggestion(help, written.text, choices[0])
    help = better_value(written.text, help, choices.__contains__, choices)
    findings.append(unfit(what, written, help))
    return None


def read_whole(node: Node | None, what: str, low: int, high: int, findings: list[Finding]) -> int | None:
    """A whole number from `low` to `high`; `what` names it in findings."""
    written = as_text(node, f'"{what}"', findings)
    if written is None:
        return None
    if (
        written.text.isascii()
        and written.text.isdigit()
        and len(written.text) < 10
        and low <= int(written.text) <= high
    ):
        return int(written.text)
    help, number = f"write a whole number from {low} to {high}", written.text.removesuffix("px").rstrip()
    if number != written.text and number.isascii() and number.isdigit() and low <= int(number[:9]) <= high:
        help = Suggestion(f"write it without its unit: {number}", written.text, number)
    findings.append(unfit(what, written, help))
    return None


def read_selector(node: Node | None, what: str, findings: list[Finding]) -> str | None:
    """A CSS selector, unchanged; a finding for one that cannot be parsed."""
    written = as_text(node, f'"{what}"', findings)
    if written is None:
        return None
    try:
        check_selector(written.text)
    except EditorError as error:
        findings.append(Finding("R304", str(error.args[0]), written.place, error.help))
    return written.text


def read_path(node: Node | None, what: str, findings: list[Finding]) -> str | None:
    """A pattern of pages, as people read it: a path, or a prefix and `*`."""
    written = as_text(node, f'"{what}"', findings)
    if written and not written.text.startswith("/"):
        findings.append(unfit(what, written, "begin with a slash, as /sale, or /c/* for everything below /c/"))
    path, *query = written.text.split("?", 1) if written else ("",)
    return "?".join((unquote(path), *query)) if written else None


SECONDS_OF = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
_SPAN = re.compile(r"(\d{1,6}) ?(second|minute|hour|day)s?")
_OTHER_SPAN = re.compile(r"(\d{1,6}) ?(s|m|h|d|secs?|mins?|hrs?|)\.?", re.IGNORECASE)
_UNITS = {"": "second", "s": "second", "m": "minute", "h": "hour", "d": "day"}


def read_span(node: Node | None, what: str, findings: list[Finding]) -> int | None:
    """The seconds of a duration, as `5 minutes`."""
    written = as_text(node, f'"{what}"', findings)
    if written is None:
        return None
    if match := _SPAN.fullmatch(written.text):
        return int(match[1]) * SECONDS_OF[match[2]]
    help = "write a number and seconds, minutes, hours or days, as 5 minutes"
    if match := _OTHER_SPAN.fullmatch(written.text):
        unit = _UNITS[match[2][:1].casefold()]
        instead = f"{match[1]} {unit}" if int(match[1]) == 1 else f"{match[1]} {unit}s"
        help = Suggestion(f"write: {instead}", written.text, instead)
    findings.append(unfit(what, written, help))
    return None


def read_yes(node: Node | None, what: str, findings: list[Finding]) -> bool | None:
    """True for `yes`, False for `no`."""
    word = read_choice(node, what, ("yes", "no"), findings)
    return None if word is None else word == "yes"


def read_words(node: Node | None, what: str, findings: list[Finding]) -> tuple[Scalar, ...]:
    """A word or a list of words, which may be empty."""
    return tuple(word for item in one_or_more(node) if (word := as_text(item, f'"{what}"', findings)))


def read_choices(node: Node | None, what: str, choices: Sequence[str], findings: list[Finding]) -> tuple[str, ...]:
    """One of `choices` or a list of them."""
    read = [read_choice(item, what, choices, findings) for item in one_or_more(node)]
    return tuple(word for word in read if word)


def unfit(what: str, written: Scalar, help: str) -> Finding:
    """R304: a value that this word does not take."""
    return Finding("R304", f'"{what}" cannot be "{written.text}"', written.place, help)


def idle(entry: Entry, help: str) -> Finding:
    """L13: a line without effect."""
    return Finding("L13", f'"{entry.key.text}" changes nothing here', entry.key.place, help, is_warning=True)
