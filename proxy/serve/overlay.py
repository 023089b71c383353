"""What who looks at a preview is told: in the page, a bar at its foot that says whose page it is and why; and in a
field of the answer, the same as JSON, for programs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

import msgspec

from proxy.conditions.explain import Explained as Facts
from proxy.decide.why import RuleStory, SlotStory, Verdict, why_text
from proxy.page.fragments import Fragment, trusted_html
from proxy.visitors.preview import Preview

MAX_BYTES = 4_000
"""Proxies in front of us refuse heads of 8 kB."""


class Loser(msgspec.Struct, frozen=True, omit_defaults=True):
    """A rule that does not show: what became of it, and the first fact that failed, with the value it met and how far
    that is from matching."""

    rule: str
    verdict: str
    fact: str = ""
    seen: str = ""
    distance: str = ""


class SlotLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """A slot: the rule that shows ("" for the page's own), our word for why, and the others."""

    slot: str
    shown: str
    detail: str
    holdout: str = ""
    others: tuple[Loser, ...] = ()


class Explained(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whom it was decided for, when, and by which rules; and what came of each slot."""

    version: str = ""
    at: str = ""
    visitor: str = ""
    consent: str = ""
    slots: tuple[SlotLine, ...] = ()


def explained(stories: Sequence[SlotStory]) -> bytes:
    """The stories on one line of ASCII JSON, as many of the losers as fit."""
    told = [_slot_line(story) for story in stories]
    head = Explained()
    if stories:
        first = stories[0]
        head = Explained(first.version, first.at, first.visitor, first.consent)
    most = max((len(slot.others) for slot in told), default=0)
    for count in range(most, -1, -1):
        cut = tuple(msgspec.structs.replace(slot, others=slot.others[:count]) for slot in told)
        whole = msgspec.structs.replace(head, slots=cut)
        line = json.dumps(msgspec.to_builtins(whole), separators=(",", ":")).encode()
        if len(line) <= MAX_BYTES:
            return line
    return b"{}"


def overlay(preview: Preview, stories: Sequence[SlotStory], now: float, stylesheet: str) -> Fragment:
    """The bar."""
    when = stories[0].at if stories else f"{datetime.fromtimestamp(now, UTC):%d %b %H:%M} UTC"
    what = {"": "What is live", "draft": "The draft"}.get(preview.draft, "")
    what = what or (f"Version {preview.draft}" if preview.draft.isdecimal() else preview.draft)
    shown = "".join(
        f"<li><code>{escape(story.slot)}</code> {escape(story.decision.rule or 'the page’s own')}</li>"
        for story in stories
    )
    return trusted_html(
        f'<link rel="stylesheet" href="{stylesheet}"><aside class="tailorbird-preview" aria-label="Preview">'
        f"<p><b>Preview</b> {escape(what)} · as {escape(str(preview.persona))} · {escape(when)}"
        ' <a href="?__tb=off">leave</a></p>'
        f"<details><summary>Why?</summary><ul>{shown}</ul><pre>{escape(why_text(stories))}</pre></details></aside>"
    )


def _slot_line(story: SlotStory) -> SlotLine:
    others = tuple(_loser(rule) for rule in story.rules if rule.verdict is not Verdict.SHOWN)
    held = next((f"{fact.text}, {fact.seen}" for fact in story.holdouts), "")
    return SlotLine(story.slot, story.decision.rule, story.decision.detail, held, others)


def _loser(rule: RuleStory) -> Loser:
    fact = _failed(rule.facts)
    if fact is None:
        return Loser(rule.name, rule.verdict)
    return Loser(rule.name, rule.verdict, fact.text, fact.seen, fact.distance)


def _failed(facts: Sequence[Facts]) -> Facts | None:
    """The innermost of the first fact that failed: under a segment, that which keeps the visitor out of it."""
    for fact in facts:
        if not fact.ok:
            return (_failed(fact.parts) or fact) if fact.text != "none of" else fact
    return None
