"""Reads what a rule shows (`show:`), and compiles it to a fragment.

The kinds and their keys are the rows of `page/slots.py`; each kind has its maker here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from proxy.catalogue.rows import RowSpec
from proxy.catalogue.strategies import Source
from proxy.conditions.nodes import Node, Scalar, as_text
from proxy.conditions.phrase import Kind, Phrase
from proxy.diagnostics import Edit, Finding, Suggestion, did_you_mean, nearest
from proxy.errors import EditorError
from proxy.model import Place, Product, Rule
from proxy.page.cards import DEFAULT_CARD
from proxy.page.fragments import Fragment, Wrapper, banner, editor_html
from proxy.page.product_row import card_faults, product_row
from proxy.page.sanitise import Removed
from proxy.page.slots import SLOT_KINDS, DeclaredSlot, KeyKind, ShowKey, SlotKind, stylesheet, stylesheet_url
from proxy.rulebook.assortment import Assortment
from proxy.rulebook.content_lints import note_of, place_of, texts_in
from proxy.rulebook.expectations import NOTHING_NEW
from proxy.rulebook.mending import quoted
from proxy.rulebook.merchandise import read_fits, read_pins, read_shifts
from proxy.rulebook.names import IDENTIFIED
from proxy.rulebook.scalars import read_whole
from proxy.rulebook.sources import read_sources
from proxy.rulebook.words import Word, fields

BANNERS, CARDS, HTML = "banners/", "cards/", ".html"
MAX_PIXELS, MAX_COUNT = 10_000, 50
SAMPLE = Product("SKU-1", "A product", "/p/SKU-1", "category", "brand", 9.5, "EUR", "/img/SKU-1.svg", 600, 600)
_OTHER_QUOTES = re.compile(r"<[a-z][^<>]*?[\w-]=([“”„‟‘’‚«»])", re.IGNORECASE)
_FIELD_OF_RULES = re.compile(r"(?<!\{)\{([a-z]+(?: [a-z]+)*|(?:days|hours) until [^{}|]+)(?:\|([^{}|\"\\]*))?\}(?!\})")
_OF_TIME = re.compile(
    r"\b(days?|hours?|hrs|minutes?|time|countdown)\b.*\b(until|till?|to|left|remaining|before)\b|countdown"
)
KIND_WORDS = tuple(Word(kind.name, kind.help) for kind in SLOT_KINDS)

Values = dict[str, Any]
"""What stands under a kind, by the makers' own parameter names."""


@dataclass(frozen=True, slots=True)
class Library:
    """What rules may show: the folder's HTML files by path, the catalogue, the declared slots and their stylesheet; and
    the arm of the experiment that is being read. `asks` collects the specs of product rows, by variant."""

    sources: Mapping[str, str]
    catalogue: Assortment
    declared: Mapping[str, DeclaredSlot]
    stylesheet_url: str
    arm: str = ""
    asks: dict[str, RowSpec] = field(default_factory=dict)

    @classmethod
    def of(cls, sources: Mapping[str, str], catalogue: Sequence[Product], declared: Sequence[DeclaredSlot]) -> Library:
        """The library of a folder and a catalogue."""
        slots = {slot.name: slot for slot in declared}
        return cls(sources, Assortment(catalogue), slots, stylesheet_url(stylesheet(declared)))

    def slot(self, rule: Rule) -> DeclaredSlot | None:
        """The declaration of a slot in `slots.yaml`."""
        return self.declared.get(rule.slot)

    def frame(self, rule: Rule) -> Wrapper:
        """The wrapper of a rule's fragment."""
        slot = self.slot(rule)
        return Wrapper(rule.name, self.arm, slot.size_class if slot else "", self.stylesheet_url)


def read_show(node: Node, rule: Rule, library: Library, findings: list[Finding]) -> Fragment | None:
    """The fragment; None for nothing new, or with findings."""
    if isinstance(node, Scalar) and node.text == NOTHING_NEW:
        return None
    if isinstance(node, Scalar) and node.text:
        findings.append(_no_show(node, library))
        return None
    found = fields(node, "show", KIND_WORDS, findings)
    if len(found) > 1:
        places = [entry.key.place for entry in found.values()]
        findings.append(Finding("R104", "a rule shows one thing", places[1], "make a rule for each"))
    for kind in SLOT_KINDS:
        if kind.name in found:
            return _made(kind, found[kind.name].value, rule, library, findings)
    return None


def _no_show(node: Scalar, library: Library) -> Finding:
    """R304, with a suggestion: nothing new, or a banner by the name of its file."""
    what, edits = f'"show" cannot be "{node.text}"', tuple[Edit, ...]()
    name = node.text.removeprefix("banner ").strip().removeprefix(BANNERS).removesuffix(HTML)
    help = "write one of: " + ", ".join([NOTHING_NEW, *(f"{kind.name}: ..." for kind in SLOT_KINDS)])
    if BANNERS + name + HTML in library.sources:
        instead = f"{{banner: {quoted(name)}}}"
        help, edits = f"write: {instead}", (Edit(node.place.line, node.place.column, node.place.end, instead),)
    elif nearest(node.text, [NOTHING_NEW]):
        help = Suggestion(f'did you mean "{NOTHING_NEW}"?', node.text, NOTHING_NEW)
    return Finding("R304", what, node.place, help, edits=edits)


def _made(kind: SlotKind, node: Node, rule: Rule, library: Library, findings: list[Finding]) -> Fragment | None:
    before = len(findings)
    if kind.name == "banner" and isinstance(node, Scalar) and node.text:
        return _html_banner(node, rule, library, findings)
    values = _values(kind, node, library, findings)
    if any(not finding.is_warning for finding in findings[before:]):
        return None
    try:
        return MAKERS[kind.name](library, library.frame(rule), **values)
    except EditorError as error:
        findings.append(Finding("R503", str(error.args[0]), _at_fault(error, node), error.help))
        return None


def _html_banner(name: Scalar, rule: Rule, library: Library, findings: list[Finding]) -> Fragment | None:
    """The fragment of a file in `banners/`; findings within the file come from `file_faults`."""
    source = _source(BANNERS, name, library, findings)
    if source is None:
        return None
    try:
        return editor_html(library.frame(rule), source)
    except EditorError:
        return None


def file_faults(sources: Mapping[str, str]) -> Iterator[Finding]:
    """The findings in the folder's HTML files, used or not."""
    for file, source in sources.items():
        try:
            if file.startswith(BANNERS):
                yield from _as_in_rules(file, source)
                yield from _of_a_word_processor(file, source)
                yield from (_left_out(removed, file, source) for removed in editor_html(Wrapper(""), source).removed)
            elif file.startswith(CARDS):
                yield from (_left_out(removed, file, source) for removed in card_faults(source, SAMPLE))
        except EditorError as error:
            yield Finding("R503", str(error.args[0]), _line(file, error.line or 1, source), error.help)


def _as_in_rules(file: str, source: str) -> Iterator[Finding]:
    """R503 for fields in the notation of rule files: in an HTML file they would be shown as they are."""
    for match in _FIELD_OF_RULES.finditer(source):
        name = match[1].strip() if " until " in match[1] else match[1].strip().replace(" ", "_")
        instead = f'{{{{ {name}|default("{match[2]}") }}}}' if match[2] else f"{{{{ {name} }}}}"
        place = _line(file, source.count("\n", 0, match.start()) + 1, source)
        help = Suggestion(f"in a file, write: {instead}", match[0], instead)
        yield Finding("R503", f"`{match[0]}` is shown as it stands", place, help, is_warning=True)


def _of_a_word_processor(file: str, source: str) -> Iterator[Finding]:
    """L17 for an HTML file without anything in it, and for quotes of a word processor around an attribute's value."""
    if not source.strip():
        what, help = (
            "this file is empty",
            "write HTML into it; to show the page's own, write `show: nothing new` in the rule",
        )
        yield Finding("L17", what, _line(file, 1, source), help, is_warning=True)
    for match in _OTHER_QUOTES.finditer(source):
        what = f"to HTML, `{match[1]}` is part of the value, and no quote"
        place = _line(file, source.count("\n", 0, match.start()) + 1, source)
        yield Finding("L17", what, place, 'write straight quotes: "..."', is_warning=True)


def unknown_fields(fragment: Fragment, node: Node, known: Mapping[str, Phrase]) -> Iterator[Finding]:
    """R506 for each field under `show:` whose attribute is not defined, or is no number where it is to be taken from
    one. A part, as `campaign.source`, is defined with its whole."""
    for name in dict.fromkeys(one.attribute for one in fragment.fields if one.left_of):
        if name in known and known[name].kind not in (Kind.NUMBER, Kind.ANYTHING):
            what, help = f"`{name}` is no number to take from another", "name one, as {€50 - cart total}"
            yield Finding("R506", what, place_of(name, node), help, is_warning=True)
    for name in dict.fromkeys(one.attribute for one in fragment.fields):
        if name not in known and name not in IDENTIFIED and name.partition(".")[0] not in known:
            sees = "its default" if any(one.default for one in fragment.fields if one.attribute == name) else "a gap"
            what = f"no visitor has a `{name}`, so everybody sees {sees}"
            help = did_you_mean(name, [*known]) if nearest(name, known) else f"add `{name}` to attributes.yaml"
            if _OF_TIME.search(name):
                help = "to count down, write {days until 2026-12-24, day/days} or {hours until 17:00, hour/hours}"
            yield Finding("R506", what, place_of(name, node), help, note_of(name, node), is_warning=True)


def _left_out(removed: Removed, file: str, source: str) -> Finding:
    help = "remove it: pages take text, pictures and links from here, but no scripts, styles or forms"
    return Finding("R504", f"{removed} would be left out", _line(file, removed.line, source), help)


def _source(folder: str, name: Scalar, library: Library, findings: list[Finding]) -> str | None:
    source = library.sources.get(folder + name.text + HTML)
    if source is None:
        known = [path[len(folder) : -len(HTML)] for path in library.sources if path.startswith(folder)]
        plain = name.text.removeprefix(folder).removesuffix(HTML)
        help = did_you_mean(name.text, known) if known else f"put it there, or write the {folder[:-2]} here"
        if plain in known:
            help = Suggestion(f"write: {plain}", name.text, plain)
        findings.append(Finding("R501", f"there is no file {folder}{plain}{HTML}", name.place, help))
    return source


def _values(kind: SlotKind, node: Node, library: Library, findings: list[Finding]) -> Values:
    words = [Word(key.name, key.help, key.required) for key in kind.keys]
    found = fields(node, NOUNS[kind.name], words, findings)
    read = {key.name: _value(key, found[key.name].value, library, findings) for key in kind.keys if key.name in found}
    return {name.replace(" ", "_"): value for name, value in read.items() if value is not None}


def _value(key: ShowKey, node: Node, library: Library, findings: list[Finding]) -> Any:
    match key.kind:
        case KeyKind.PIXELS:
            return read_whole(node, key.name, 1, MAX_PIXELS, findings)
        case KeyKind.COUNT:
            return read_whole(node, key.name, 1, MAX_COUNT, findings)
        case KeyKind.FILTER:
            return read_fits(node, key.name, library.catalogue, findings)
        case KeyKind.BOOST:
            return read_shifts(node, key.name, library.catalogue, findings)
        case KeyKind.PIN:
            return read_pins(node, library.catalogue, findings)
        case KeyKind.STRATEGIES:
            return read_sources(node, library.catalogue, findings)
    written = as_text(node, f'"{key.name}"', findings)
    if written and key.kind is KeyKind.FILE:
        return _source(CARDS, written, library, findings)
    return written.text if written else None


def _banner(library: Library, frame: Wrapper, **values: Any) -> Fragment:
    return banner(frame, **values)


def _row(
    library: Library,
    frame: Wrapper,
    *,
    strategy: Sequence[Source],
    title: str = "",
    card: str = DEFAULT_CARD,
    **asked: Any,
) -> Fragment:
    """A product row, whose products are chosen for each page."""
    never = tuple(asked.pop("never", ()))
    pins = tuple(asked.pop("pin", ()))
    shifts = (*asked.pop("boost", ()), *asked.pop("bury", ()))
    words = {name.replace(" ", "_"): value for name, value in asked.items()}
    ask = RowSpec(tuple(strategy), never=never, pins=pins, shifts=shifts, **words)
    if ask.at_least > ask.count:
        what = f"the row has room for {ask.count}, and is to have {ask.at_least} at least"
        raise EditorError(what, help="raise `count`, or lower `at least`")
    library.asks[frame.rule if frame.variant in ("", frame.rule) else f"{frame.rule} / {frame.variant}"] = ask
    return product_row(frame, title=title, card=card)


def _at_fault(error: EditorError, node: Node) -> Place:
    """The node of the value that an error quotes, or quotes a field of; else the first line under the kind."""
    quoted = re.findall("`([^`]+)`", str(error))
    values = [
        value for value in texts_in(node) if any(text == value.text or f"{{{text}" in value.text for text in quoted)
    ]
    return values[0].place if values else node.place


def _line(file: str, line: int, source: str) -> Place:
    row = source.split("\n")[line - 1 : line]
    return Place(file, line, 1, max(2, len(row[0].rstrip()) + 1 if row else 2))


MAKERS: Mapping[str, Callable[..., Fragment]] = {"banner": _banner, "products": _row}
NOUNS = {"banner": "banner", "products": "row of products"}
