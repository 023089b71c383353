"""Doctor's lines about slots and lists: which places of a page or an API's answer can be filled or reordered, found by
the code that fills them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from proxy.doctor.fetched import FetchedPage, Level, Line
from proxy.page.includes import SLOT_ADDRESS, unwrapped
from proxy.page.json_lists import find_json_lists, find_json_slots
from proxy.page.lists import ListAt, Lists, find_lists
from proxy.page.markup import Markup
from proxy.page.scan import SlotRange, Uncut, UncutReason, find_slots
from proxy.page.slots import LISTING
from proxy.serve.pages import is_json

_TEMPLATE = re.compile(rb"<template\b.*?</template", re.DOTALL | re.IGNORECASE)
_NAMED = re.compile(rb"""\bdata-slot\s*=\s*["']?([\w.-]+)""", re.IGNORECASE)
Slots = tuple[SlotRange, ...] | Uncut
JSON_GUIDE = "docs/fragments.md#json-answers-of-a-headless-shop"
LISTS_GUIDE = "docs/hydration.md#listings"


def slots(fetched: FetchedPage) -> Iterator[Line]:
    """The slots of a page; no line for a page that has lists only."""
    found = _slots_of(fetched)
    if not (isinstance(found, Uncut) and found.reason is UncutReason.NO_SLOTS and _lists_of(fetched).found):
        fix = 'mark a place with <div data-slot="home.hero">...</div>, or name a selector in `slots.yaml`'
        yield from _slots(fetched, found, fix)
    hidden = dict.fromkeys(name for part in _TEMPLATE.findall(fetched.body) for name in _NAMED.findall(part))
    for name in hidden:
        says = f"`{name.decode()}` stands in a <template>, as of a shadow root, and is not filled"
        fix = "put it beside the template, within the element, where a <slot> of the template shows it"
        yield Line(Level.WARN, "slots", says, fix)


def includes(fetched: FetchedPage) -> Iterator[Line]:
    """The parts that the page includes; no line for a page that has none."""
    included = Markup(unwrapped(fetched.body)).document.select(r"esi\:include[src]")
    sources = dict.fromkeys(str(element.attrs["src"]) for element in included)
    parts = [part for part in sources if not part.startswith(SLOT_ADDRESS)]
    if parts and fetched.has_includes:
        yield Line(Level.OK, "includes", ", ".join(parts))
    elif parts:
        says = f"nobody says that the page has includes, so {', '.join(parts)} stay tags that browsers ignore"
        fix = 'have the shop say `Surrogate-Control: content="ESI/1.0"`, or say `includes: yes` of it in cache.yaml'
        yield Line(Level.WARN, "includes", says, fix)


def lists(fetched: FetchedPage) -> Iterator[Line]:
    """The lists of a page; no line when neither the page nor a rule has any."""
    yield from _lists(fetched, _lists_of(fetched))


def in_json(fetched: FetchedPage) -> Iterator[Line]:
    """The slots and lists of an API's answer."""
    path, declared, most = fetched.path, fetched.declared, fetched.settings.max_slots
    found = find_json_slots(fetched.body, path=path, declared=declared, max_slots=most)
    is_known = any(slot.json and not slot.is_list and slot.is_on(path) for slot in declared)
    if is_known or not (isinstance(found, Uncut) and found.reason is UncutReason.NO_SLOTS):
        yield from _slots(fetched, found, "mend its path in `slots.yaml`")
    if not isinstance(found, Uncut) or found.reason is UncutReason.NO_SLOTS:
        taken = () if isinstance(found, Uncut) else found
        yield from _lists(fetched, find_json_lists(fetched.body, path=path, declared=declared, taken=taken))


def _slots_of(fetched: FetchedPage) -> Slots:
    most = fetched.settings.max_slots
    return find_slots(fetched.markup, path=fetched.path, declared=fetched.declared, max_slots=most)


def _lists_of(fetched: FetchedPage) -> Lists:
    found = _slots_of(fetched)
    taken = () if isinstance(found, Uncut) else found
    return find_lists(fetched.markup, path=fetched.path, declared=fetched.declared, taken=taken)


def _slots(fetched: FetchedPage, found: Slots, fix: str) -> Iterator[Line]:
    if not isinstance(found, Uncut):
        names = dict.fromkeys(slot.name for slot in found)
        yield Line(Level.OK, "slots", ", ".join(names))
        yield from _unnamed(fetched, names)
        yield from _missing(fetched, names)
    elif found.reason is UncutReason.NO_SLOTS and fetched.page.is_shell:
        says = "the page is empty until its scripts run, so there is nothing to fill"
        yield Line(Level.WARN, "slots", says, f"have the shop render it on its server; else see {JSON_GUIDE}")
    elif found.reason is UncutReason.NO_SLOTS:
        yield Line(Level.WARN, "slots", str(found), fix)
    else:
        fix = "send pages in UTF-8" if found.reason is UncutReason.CHARSET else f"mend it on {_line(fetched, found)}"
        yield Line(Level.FAIL, "slots", f"{found}, so it passes through untouched", fix)


def _unnamed(fetched: FetchedPage, found: Collection[str]) -> Iterator[Line]:
    """The slots of the page that the rule folder does not declare; none without a rule folder."""
    named = {slot.name for slot in fetched.declared}
    for name in found if fetched.has_rules else ():
        if name not in named:
            fix = f"write `{name}: {{}}` under `slots:` there, so that rules may fill it"
            yield Line(Level.WARN, "slots", f"`{name}` is marked here, and slots.yaml does not have it", fix)


def _missing(fetched: FetchedPage, found: Collection[str]) -> Iterator[Line]:
    for slot in fetched.declared:
        is_elsewhere = slot.page is None or not slot.is_on(fetched.path) or slot.is_list or slot.name in found
        if not is_elsewhere and not slot.json:
            fix = "mend its selector" if slot.selector else f'mark its place with data-slot="{slot.name}"'
            yield Line(Level.WARN, "slots", f"slots.yaml has `{slot.name}` on this page, but it is not there", fix)


def _lists(fetched: FetchedPage, told: Lists) -> Iterator[Line]:
    for at in told.found:
        how = "in place, by the stylesheet" if at.cards.attribute_at else "with all their bytes"
        what = f"the {len(at.cards.products)} cards of `{at.range.name.removeprefix(LISTING)}` change places {how}"
        yield Line(Level.OK, "lists", what)
        yield from _unranked(fetched, at)
    for left in told.left_as_is:
        yield Line(Level.WARN, "lists", f"{left}, so the list stays as it came", f"mend it on {_line(fetched, left)}")
    known = {at.range.name for at in told.found} | {left.slot for left in told.left_as_is}
    for slot in fetched.declared:
        if slot.is_list and slot.page is not None and slot.is_on(fetched.path) and slot.name not in known:
            what = f"slots.yaml has the list `{slot.name.removeprefix(LISTING)}` here, but no two of its cards are"
            fix = f"mend its {'path' if slot.json else 'selector'}, or `product`, what names the product of a card"
            yield Line(Level.WARN, "lists", what, fix)


def _unranked(fetched: FetchedPage, at: ListAt) -> Iterator[Line]:
    """A list that a router may draw, for which no HTML and no JSON comes through here."""
    in_json = any(slot.json and slot.name == at.range.name for slot in fetched.declared)
    if at.cards.attribute_at and not in_json and b"data-tb-rank" not in fetched.body:
        name = at.range.name.removeprefix(LISTING)
        what = f"who comes by a link that fetches no HTML (a router's) sees `{name}` in the shop's order"
        yield Line(Level.WARN, "lists", what, f"give the list data-tb-rank and the page /_tb/t.js, see {LISTS_GUIDE}")


def _line(fetched: FetchedPage, doubt: Uncut) -> str:
    body = fetched.body if is_json(fetched.headers) else fetched.markup.body
    lines = body.count(b"\n", 0, doubt.offset) + 1
    return f"line {lines}"
