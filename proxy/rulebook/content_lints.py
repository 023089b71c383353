"""Warnings about what a rule shows: a field without a default, a countdown that ends first, a picture without a
description or size, a title that is too long, a link that depends on the page it is on, a product that cannot be
bought."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from proxy.conditions.choices import within_quotes
from proxy.conditions.countdown import target_of
from proxy.conditions.derived import base_of
from proxy.conditions.nodes import Entry, Node, Scalar, one_or_more
from proxy.diagnostics import Finding, Suggestion
from proxy.errors import EditorError
from proxy.model import AllOf, Condition, Fact, IsKnown, Place, Rule
from proxy.page.fields import Field, fields_in_text
from proxy.page.fragments import Fragment
from proxy.page.slots import DeclaredSlot
from proxy.rulebook.assortment import Assortment
from proxy.rulebook.mending import in_quotes
from proxy.rulebook.scalars import idle
from proxy.rulebook.words import Part

TEXT_WORDS = ("title", "text", "button", "alt")
OF_A_PICTURE = ("alt", "image width", "image height")
_TAG = re.compile(r"</?[a-z][a-z0-9]*(?:\s[^<>]*)?/?>|<!--", re.IGNORECASE)
_NOT_RELATIVE = re.compile(r"[/#?{]|[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def content_lints(
    show: Node, fragment: Fragment, slot: DeclaredSlot | None, catalogue: Assortment, rule: Rule
) -> Iterator[Finding]:
    """The warnings about what stands under `show:` of a rule."""
    yield from _fields_without_default(show, fragment, _asked(rule.condition))
    yield from _run_out(show, fragment, rule)
    for kind in Part.of(show).values():
        lines = Part.of(kind.value)
        if "image" in lines:
            yield from _bare_picture(lines["image"], lines)
        elif kind.key.text == "banner":
            yield from (idle(lines[word], 'add "image:", its address') for word in OF_A_PICTURE if word in lines)
        if slot and slot.longest_title and "title" in lines:
            yield from _long_title(lines["title"].value, slot, slot.longest_title)
        for word in TEXT_WORDS:
            yield from _as_it_stands(lines[word].value) if word in lines else ()
        for word in ("link", "image"):
            yield from _relative_link(lines[word].value) if word in lines else ()
        yield from _sold_out(_named("chosen", lines.node("strategy")), catalogue)
        yield from pin_lints(lines.node("pin"), catalogue)


def pin_lints(pins: Node | None, catalogue: Assortment) -> Iterator[Finding]:
    """The warnings about pinned products."""
    yield from _sold_out(_named("product", pins), catalogue)


def _asked(condition: Condition) -> frozenset[str]:
    """The attributes that are known of everybody for whom the condition holds."""
    match condition:
        case AllOf(parts):
            return frozenset().union(*map(_asked, parts))
        case Fact(attribute, test) if test != IsKnown(wanted=False):
            return frozenset({base_of(attribute)})
    return frozenset()


def _fields_without_default(show: Node, fragment: Fragment, known: Collection[str]) -> Iterator[Finding]:
    fields = [field for field in fragment.fields if not field.default and field.attribute not in known]
    bare = {field.attribute: field for field in fields}
    for name, field in bare.items():
        what = f"visitors without `{name}` see a gap"
        default = "there" if field.left_of is None else field.left_of.text(field.left_of.number)
        help = f"give it a default, as {{{field.name}|{default}}}"
        yield Finding("L5", what, place_of(name, show), help, note_of(name, show), is_warning=True)


def _run_out(show: Node, fragment: Fragment, rule: Rule) -> Iterator[Finding]:
    """L5 for a countdown without a default in a rule that goes on when it has ended; R506 for one that has ended when
    the rule begins, as in a copy of last year's."""
    for field in dict.fromkeys(part for part in fragment.parts if isinstance(part, Field)):
        if field.countdown is None:
            continue
        end, place = target_of(field.countdown, rule.timezone), place_of(field.attribute, show)
        if end <= rule.live_from:
            what = f"{field.countdown} is over when the rule begins, so everybody sees its default or a gap"
            note = note_of(field.attribute, show)
            yield Finding("R506", what, place, "count to a later moment", note, is_warning=True)
        elif end < rule.live_until and not field.default:
            what = f"from {field.countdown} on, visitors see a gap"
            help = f'end the rule then, by "until:", or give it a default: {{{field.attribute}|today}}'
            yield Finding("L5", what, place, help, note_of(field.attribute, show), is_warning=True)


def _bare_picture(image: Entry, lines: dict[str, Entry]) -> Iterator[Finding]:
    place = image.value.place
    if "alt" not in lines:
        help = 'add "alt:", the picture in words'
        yield Finding("L6", "this picture says nothing to people who cannot see it", place, help, is_warning=True)
    missing = [word for word in ("image width", "image height") if word not in lines]
    if missing:
        help = "add " + " and ".join(f'"{word}:"' for word in missing) + ", in pixels"
        what = "this picture has no size, so the page moves when it comes"
        yield Finding("L6", what, place, help, is_warning=True)


def _long_title(title: Node, slot: DeclaredSlot, longest: int) -> Iterator[Finding]:
    try:
        parts = fields_in_text(title.text) if isinstance(title, Scalar) else ()
    except EditorError:
        return
    length = sum(len(part.default if isinstance(part, Field) else part) for part in parts)
    if length > longest:
        what = f"this title has {length} characters, and {slot.name} has room for {longest}"
        yield Finding("L10", what, title.place, f"leave out {length - longest} or more", is_warning=True)


def _as_it_stands(text: Node) -> Iterator[Finding]:
    """L17 for HTML tags and the quotes of a word processor in words, which visitors would read."""
    if not isinstance(text, Scalar):
        return
    if tag := _TAG.search(text.text):
        help = "leave it out, or write HTML into a file in banners/ and name that here"
        yield Finding("L17", f"visitors read `{tag[0]}` as it stands", text.place, help, is_warning=True)
    elif inner := within_quotes(text.text):
        help = f"unless they should, write: {in_quotes(inner)}"
        what = f"visitors see the quotes around this text: {text.text.strip()[0]}"
        yield Finding("L17", what, text.place, help, is_warning=True)


def _relative_link(address: Node) -> Iterator[Finding]:
    """L12 for a relative link, which means another page on each page that it is on."""
    if isinstance(address, Scalar) and not _NOT_RELATIVE.match(address.text):
        instead = f"https://{address.text}" if address.text.startswith("www.") else f"/{address.text}"
        help = Suggestion(f"write: {instead}", address.text, instead)
        what = f'from /c/shoes, "{address.text}" leads to /c/{address.text}'
        yield Finding("L12", what, address.place, help, is_warning=True)


def _sold_out(named: Iterable[Scalar], catalogue: Assortment) -> Iterator[Finding]:
    """L4 for each product that an editor named and that cannot be bought."""
    for word in named:
        product = catalogue.get(word.text)
        if product and not product.in_stock:
            what = f"{product.title} ({word.text}) is out of stock"
            yield Finding("L4", what, word.place, "choose another, or wait until it is back", is_warning=True)


def _named(word: str, node: Node | None) -> Iterator[Scalar]:
    """The texts of a word in a map, or in a list of maps."""
    for line in one_or_more(node):
        yield from (item for item in one_or_more(Part.of(line).node(word)) if isinstance(item, Scalar))


def place_of(attribute: str, node: Node) -> Place:
    """The place of the text with a field of this attribute; else where the node begins, as for the name of a file."""
    return next((text.place for text in texts_in(node) if _has_field(attribute, text)), node.place)


def _has_field(attribute: str, text: Scalar) -> bool:
    return re.search(r"\{[^{}|]*" + re.escape(attribute), text.text) is not None


def note_of(attribute: str, node: Node) -> str:
    """Where a field is that no text under the node has."""
    is_here = any(_has_field(attribute, text) for text in texts_in(node))
    return "" if is_here else f"it is in the HTML file that is named here, as {{{{ {attribute.replace(' ', '_')} }}}}"


def texts_in(node: Node) -> Iterator[Scalar]:
    """The texts under a node, at any depth."""
    for entry in getattr(node, "entries", ()):
        if isinstance(entry.value, Scalar):
            yield entry.value
        else:
            yield from texts_in(entry.value)
