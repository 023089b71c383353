"""Reads what a folder declares beside its rules: the slots of the pages (`slots.yaml`), and the visitors' attributes
in the shop's data (`attributes.yaml`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import get_args

from proxy.conditions.nodes import Entry, MapNode, Node, is_nothing
from proxy.conditions.parse import GROUPS
from proxy.conditions.phrase import Kind
from proxy.conditions.vocabulary import PHRASES, PLACES
from proxy.diagnostics import Finding
from proxy.errors import EditorError
from proxy.page.json_lists import Steps, steps_of, steps_to_list, steps_to_product
from proxy.page.slots import LISTING, SLOT_NAME, DeclaredSlot, Place
from proxy.rulebook.scalars import idle, read_choice, read_path, read_selector, read_whole, unfit
from proxy.rulebook.words import ATTRIBUTE_FILE, SLOT, SLOT_FILE, Part, fields
from proxy.rulebook.words import LISTING as LISTING_WORDS

MAX_PIXELS = 10_000
_ATTRIBUTE = re.compile(r"[a-z][a-z0-9-]*")
KINDS = tuple(kind.value for kind in Kind if kind not in (Kind.NAME, Kind.HOURS, Kind.ANYTHING))
RESERVED = ({phrase.key for phrase in PHRASES if not phrase.is_trait} - {*PLACES}) | set(GROUPS)


def read_slots(root: Node, findings: list[Finding]) -> tuple[DeclaredSlot, ...]:
    """The slots of `slots.yaml`."""
    if isinstance(root, MapNode) and root.entries and all("." in entry.key.text for entry in root.entries):
        help = "write `slots:` above, and all this two spaces further in"
        findings.append(Finding("R103", 'this file has no "slots"', root.entries[0].key.place, help))
        return ()
    found = fields(root, "slot file", SLOT_FILE, findings)
    return (
        *(_read_slot(entry, findings) for entry in found.lines("slots", findings)),
        *(_read_listing(entry, findings) for entry in found.lines("listings", findings)),
    )


def read_attributes(root: Node, findings: list[Finding]) -> dict[str, Kind]:
    """The attributes of `attributes.yaml` with their kinds."""
    found = fields(root, "file of attributes", ATTRIBUTE_FILE, findings)
    return dict(_read_attribute(entry, findings) for entry in found.lines("attributes", findings))


def _read_attribute(entry: Entry, findings: list[Finding]) -> tuple[str, Kind]:
    name = entry.key
    if name.text in RESERVED or not name.text.strip():
        help = "give the attribute another name"
        findings.append(Finding("R201", f'"{name.text}" is already a word of conditions', name.place, help))
    return name.text, Kind(read_choice(entry.value, name.text, KINDS, findings) or Kind.TEXT)


def _read_slot(entry: Entry, findings: list[Finding]) -> DeclaredSlot:
    name = entry.key
    if not SLOT_NAME.fullmatch(name.text):
        help = "write small letters and digits, joined by dots or hyphens, as home.hero"
        findings.append(Finding("R304", f'a slot cannot be called "{name.text}"', name.place, help))
    if is_nothing(entry.value):
        return DeclaredSlot(name.text)
    found = fields(entry.value, "slot", SLOT, findings)
    written = read_choice(found.node("place"), "place", get_args(Place), findings)
    if written and "selector" not in found:
        findings.append(idle(found["place"], 'add "selector:", which finds what it is a place in'))
    return DeclaredSlot(
        name.text,
        page=read_path(found.node("page"), "page", findings),
        selector=read_selector(found.node("selector"), "selector", findings),
        place=next((place for place in get_args(Place) if place == written), "inside"),
        height=_pixels(found, "height", findings),
        phone_height=_pixels(found, "phone height", findings),
        json=_json_path(found, findings, steps_of, "this slot"),
        longest_title=_pixels(found, "longest title", findings),
    )


def _read_listing(entry: Entry, findings: list[Finding]) -> DeclaredSlot:
    found = fields(entry.value, "listing", LISTING_WORDS, findings)
    json = _json_path(found, findings, steps_to_list, "this list")
    return DeclaredSlot(
        LISTING + entry.key.text,
        page=read_path(found.node("page"), "page", findings),
        selector=read_selector(found.node("selector"), "selector", findings),
        json=json,
        product=_product(found, findings, is_in_json=json is not None),
    )


def _product(found: Part, findings: list[Finding], *, is_in_json: bool) -> str:
    written = found.text("product", findings)
    if written is None:
        return ""
    if not is_in_json and not _ATTRIBUTE.fullmatch(written.text):
        findings.append(unfit("product", written, "write the name of an attribute, as data-sku or href"))
    elif is_in_json:
        try:
            steps_to_product(written.text)
        except EditorError:
            findings.append(unfit("product", written, "write the name of a member, as sku, or a path, as $.node.sku"))
    return written.text


def _json_path(found: Part, findings: list[Finding], read: Callable[[str], Steps], what: str) -> str | None:
    written = found.text("json", findings)
    if written is None:
        return None
    try:
        read(written.text)
    except EditorError as error:
        findings.append(Finding("R304", str(error.args[0]), written.place, error.help))
    if "selector" in found:
        told, help = f"{what} is said to be in a page and in JSON", f"write two {what.split()[-1]}s, one with each"
        findings.append(Finding("R304", told, written.place, help))
    return written.text


def _pixels(found: Part, word: str, findings: list[Finding]) -> int | None:
    return read_whole(found.node(word), word, 1, MAX_PIXELS, findings)
