"""Reads the file of webhooks: the receivers that are notified when a visitor enters or leaves a segment. It has secrets
and decides where visitors' data goes: so it belongs to the operator, and is not in the folder of the editors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from proxy.conditions.nodes import Entry, is_nothing
from proxy.diagnostics import Finding
from proxy.model import NOBODY, Segment
from proxy.rulebook.read import read_yaml, text_of
from proxy.rulebook.scalars import read_choice, read_words, unfit
from proxy.rulebook.words import Part, Word, fields

FILE = (Word("webhooks", "who is told, each by a name of its own", required=True),)
WEBHOOK = (
    Word("url", "where to send it, as https://cdp.example/hooks/segments", required=True),
    Word("secret", "what each message is signed with; at least 16 characters", required=True),
    Word("segments", "the segments it is told of, as [VIP, Left their cart]; all that have a condition when missing"),
    Word("form", "track (Audience Entered and Exited) or identify (a trait that is true or false); track when missing"),
)
SHORTEST_SECRET = 16
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}", re.ASCII)


class Form(StrEnum):
    """The call of Segment's API that a change is sent as."""

    TRACK = "track"
    IDENTIFY = "identify"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A receiver of changes. Without `segments` it gets those of all segments that have a condition; segments without
    one are known elsewhere."""

    name: str
    url: str
    secret: str
    segments: frozenset[str] = frozenset()
    form: Form = Form.TRACK


def read_webhooks(name: str, raw: bytes, findings: list[Finding]) -> tuple[Webhook, ...]:
    """The webhooks of a file."""
    text = text_of(name, raw, findings)
    root = read_yaml(name, text, findings) if text is not None else None
    if root is None or is_nothing(root):
        return ()
    found = fields(root, "file of webhooks", FILE, findings)
    return tuple(_webhook(entry, findings) for entry in found.lines("webhooks", findings))


def _webhook(entry: Entry, findings: list[Finding]) -> Webhook:
    name = entry.key
    if not _NAME.fullmatch(name.text):
        help = "begin with a small letter, and go on with letters, digits, hyphens and underscores, up to 32"
        findings.append(Finding("R304", f'a webhook cannot be called "{name.text}"', name.place, help))
    found = fields(entry.value, "webhook", WEBHOOK, findings)
    return Webhook(
        name.text,
        _url(found, findings),
        _secret(found, findings),
        frozenset(word.text for word in read_words(found.node("segments"), "segments", findings)),
        Form(read_choice(found.node("form"), "form", list(Form), findings) or Form.TRACK),
    )


def _url(found: Part, findings: list[Finding]) -> str:
    written = found.text("url", findings)
    if written is None:
        return ""
    try:
        parts = urlsplit(written.text)
        is_one = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one or parts.username or parts.fragment:
        findings.append(unfit("url", written, "write https://, a host and a path; no user name, the secret signs"))
    return written.text


def _secret(found: Part, findings: list[Finding]) -> str:
    written = found.text("secret", findings)
    if written and len(written.text) < SHORTEST_SECRET:
        what = f"the secret is shorter than {SHORTEST_SECRET} characters"
        findings.append(Finding("R304", what, written.place, "make one with `openssl rand -hex 16`"))
    return written.text if written else ""


def segments_sent(webhook: Webhook, segments: Iterable[Segment]) -> frozenset[str]:
    """The segments of rule files whose changes a webhook gets."""
    folded = {name.casefold() for name in webhook.segments}
    return frozenset(
        one.name for one in segments if (one.name.casefold() in folded if folded else one.condition != NOBODY)
    )


def unknown_segments(webhooks: Iterable[Webhook], segments: Iterable[Segment]) -> list[str]:
    """The segments that webhooks name and no rule file has."""
    known = {segment.name.casefold() for segment in segments}
    return sorted({name for webhook in webhooks for name in webhook.segments if name.casefold() not in known})
