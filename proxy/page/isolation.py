"""Checks that slots are isolated: filling them changes nothing else in the page.

HTML parsers close, move and reopen elements depending on what follows, so a banner in the wrong place can change the
page around it: within a link, after an unclosed `<b>`, in a `<p>`. So the page is parsed again with a probe in each
slot, and the tree around the probes must be the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import turbohtml
from turbohtml import Document, Element

from proxy.page.slots import Place

# All that a sanitised fragment may contain: a block, a link, a table. Where this survives parsing, any fragment does.
_PROBE = '<tb-probe><div><a href="#">x</a><table><tbody><tr><td>x</td></tr></tbody></table></div></tb-probe>'
_HEAD_PROBE = '<link rel="tb-probe">'


@dataclass(frozen=True, slots=True)
class SlotCandidate:
    """An element that may become a slot. `start` and `end` are byte offsets; `end` is -1 without a written end tag."""

    name: str
    element: Element
    place: Place
    opened: int
    start: int
    end: int

    def is_within(self, other: SlotCandidate) -> bool:
        """True if this element is within the content of `other`, whether it is closed or not."""
        return self.start < other.end or other.start <= self.opened < other.end


def are_isolated(text: str, document: Document, slots: Sequence[SlotCandidate]) -> bool:
    """True if filling the slots changes nothing else: the tree of the page with a probe in each slot, after removing
    the probes, equals `document` with emptied slots. Empties the slots of `document`."""
    filled = turbohtml.parse(_with_probes(text, slots), scripting=True)
    probes = filled.select('tb-probe,link[rel="tb-probe"]')
    if [probe.html for probe in probes] != [_probe(slot) for slot in slots]:
        return False
    for slot, probe in zip(slots, probes, strict=True):
        if not isinstance(probe.parent, Element) or probe.parent.tag != slot.element.tag:
            return False
        probe.decompose()
        if slot.place == "inside":
            slot.element.clear()
    return _normalised(document).equals(_normalised(filled))


def _with_probes(text: str, slots: Sequence[SlotCandidate]) -> str:
    pieces, cursor = [], 0
    for slot in slots:
        pieces += [text[cursor : slot.start], _probe(slot)]
        cursor = slot.end
    return "".join([*pieces, text[cursor:]])


def _probe(slot: SlotCandidate) -> str:
    return _HEAD_PROBE if slot.element.tag == "head" else _PROBE


def _normalised(document: Document) -> Document:
    """The tree with adjacent text nodes joined, where a probe had split them."""
    if document.root is not None:
        document.root.normalize()
    return document
