"""Fields: places of a fragment that show a visitor's own data, as `{first name|Hello}`, what is left of an amount, as
`{50 EUR - cart total}`, or of the time, as `{days until 2026-12-24}`.

How a value is escaped depends on where the field is: in text and quoted attributes as HTML; within an address it is
percent-encoded. In an address a field may come only after the beginning of the path, so that no value can choose a
scheme or a host. The output is ASCII, which is the same in every charset of a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple
from urllib.parse import quote

from proxy.conditions.behaviours import TRAITS
from proxy.conditions.countdown import countdown_of, text_of
from proxy.conditions.values import is_number
from proxy.errors import EditorError
from proxy.model import Attributes, AttributeValue, Countdown, Reading

MAX_CHARACTERS = 500
"""A longer value is cut."""

# Removed or replaced: control characters; marks that change the reading direction beyond the end of the field; braces,
# which Vue and AngularJS would run as code if the page is their template.
_UNSAFE: dict[int, str | None] = dict.fromkeys(
    (*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
)
_UNSAFE |= {ord(blank): " " for blank in "\t\n\r"}
_UNSAFE |= {ord("{"): "(", ord("}"): ")"}
_ESCAPED = _UNSAFE | {ord(c): e for c, e in zip("&<>\"'", ("&amp;", "&lt;", "&gt;", "&quot;", "&#39;"), strict=True)}

_IN_TEXT = re.compile(r"\{([^{}|]*)(?:\|([^{}]*))?\}|[{}]")
_IN_TEMPLATE = re.compile(r"\{\{(.*?)\}\}|\{#.*?#\}|\{%|\{\{|\{#", re.DOTALL)
_REFERENCE = re.compile(
    r"""\s*((?:\d[\d.,]*\s*-\s*)?[A-Za-z_]\w*|(?:days|hours) until [^|]*?)\s*"""
    r"""(?:\|\s*default\(\s*(?:"([^"\\]*)"|'([^'\\]*)')\s*\)\s*)?""",
    re.DOTALL,
)
_LEFT_OF = re.compile(
    r"([^\w\s{}|]{0,3} ?)(\d{1,9})([.,]\d{1,2})?( ?[^\W\d_]{0,20}| ?[^\w\s{}|-]) ?- ?(?=[^\W\d_])(.+)"
)
_MONEY = frozenset(
    phrase.key.partition(" in the last ")[0]
    for phrase in TRAITS
    if phrase.measure and phrase.measure.reading in (Reading.SUM, Reading.MEAN, Reading.CART_TOTAL)
)
"""How the names of sums of money begin."""


class Amount(NamedTuple):
    """An amount, and how it is written: what stands before and after the number, and the sign before its cents."""

    number: float
    before: str = ""
    after: str = ""
    point: str = "."
    has_cents: bool = False

    def text(self, number: float) -> str:
        """Another number in the same form; its cents only if there are any."""
        is_whole = not self.has_cents and round(number, 2).is_integer()
        return f"{self.before}{number:.{0 if is_whole else 2}f}{self.after}".replace(".", self.point)


@dataclass(frozen=True, slots=True)
class Field:
    """The name of a visitor's attribute, and the `default` text if it is unknown or blank. `in_address`: the field is
    within a link, and is percent-encoded. With `left_of` it shows what the attribute leaves of that amount, 0 at least.
    With a `countdown` it is no visitor's: `page/counting.py` fills it for everybody.
    """

    attribute: str
    default: str = ""
    in_address: bool = False
    left_of: Amount | None = None
    countdown: Countdown | None = None

    @property
    def name(self) -> str:
        """The field as an editor writes it, without its default."""
        return (
            self.attribute if self.left_of is None else f"{self.left_of.text(self.left_of.number)} - {self.attribute}"
        )

    def value(self, attributes: Attributes) -> str:
        """The value of the field, from the visitor's data or the default."""
        value = attributes.get(self.attribute)
        if self.left_of is not None:
            return self.left_of.text(max(0.0, self.left_of.number - value)) if is_number(value) else self.default
        if is_number(value) and isfinite(value) and self.attribute.partition(" in the last ")[0] in _MONEY:
            return Amount(0.0).text(value)
        return _value_text(value) or self.default

    def text(self, attributes: Attributes) -> bytes:
        """The value of the field for these attributes: ASCII, escaped for the place of the field."""
        return self.in_place(self.value(attributes))

    def counted(self, number: int) -> str:
        """The text of its countdown when so much is left; the default when nothing is."""
        return text_of(self.countdown, number) if self.countdown and number else self.default

    def in_place(self, shown: str) -> bytes:
        """The text in ASCII, escaped for the place of the field."""
        if self.in_address:
            return quote(without_unsafe(shown), safe="", errors="replace").encode()
        return as_ascii(escape(shown))


TextWithFields = tuple[str | Field, ...]
"""The parts of a text, in order: plain texts and fields."""


def escape(text: str) -> str:
    """`text` for HTML text or a quoted attribute value, without what `without_unsafe` removes."""
    return text.translate(_ESCAPED)


def as_ascii(html: str) -> bytes:
    """`html` as ASCII, with other characters as numeric references: the same in every charset of a page."""
    return html.encode("ascii", "xmlcharrefreplace")


def without_unsafe(text: str) -> str:
    """`text` on one line, without control characters, marks of reading direction and braces."""
    return text.translate(_UNSAFE)


def fields_in_text(text: str) -> TextWithFields:
    """An editor's plain text with fields written `{first name}` or `{first name|Hello}`. Raises `EditorError`."""
    return tuple(_split_text(text))


def fields_in_template(source: str) -> TextWithFields:
    """An editor's HTML with fields written `{{ first_name }}` or `{{ first_name|default("Hello") }}`, without comments
    (`{# ... #}`). Raises `EditorError` with the line for anything else of the template language."""
    return tuple(_split_template(source))


def _split_text(text: str) -> Iterator[str | Field]:
    cursor = 0
    for match in _IN_TEXT.finditer(text):
        yield text[cursor : match.start()]
        name = " ".join((match[1] or "").split())
        if not name:
            raise EditorError(f"`{text}` has a brace that names no field", help="write fields as {first name|Hello}")
        yield _field(name, (match[2] or "").strip())
        cursor = match.end()
    yield text[cursor:]


def _split_template(source: str) -> Iterator[str | Field]:
    cursor = 0
    for match in _IN_TEMPLATE.finditer(source):
        yield source[cursor : match.start()]
        reference = _REFERENCE.fullmatch(match[1] or "")
        if reference is not None:
            yield _field(" ".join(reference[1].replace("_", " ").split()), reference[2] or reference[3] or "")
        elif match[0].endswith("#}"):
            yield "\n" * match[0].count("\n")
        else:
            raise _unknown_syntax(match[0], source.count("\n", 0, match.start()) + 1)
        cursor = match.end()
    yield source[cursor:]


def _field(name: str, default: str) -> Field:
    if countdown := countdown_of(name):
        return Field(name, default, countdown=countdown)
    found = _LEFT_OF.fullmatch(name)
    if found is None:
        return Field(name, default)
    before, whole, cents, after, attribute = found.groups()
    point = cents[0] if cents else "."
    number = float(f"{whole}.{cents[1:]}" if cents else whole)
    return Field(attribute, default, left_of=Amount(number, before, after.rstrip(), point, has_cents=bool(cents)))


def _unknown_syntax(what: str, line: int) -> EditorError:
    return EditorError(
        f"I do not understand `{what}`",
        help='a banner file may hold {{ first_name }} or {{ first_name|default("Hello") }}; '
        "who sees which banner is said by rules",
        line=line,
    )


def _value_text(value: AttributeValue | None) -> str:
    """The value as text: 12.0 as `12`; "" for sets and booleans."""
    if isinstance(value, str):
        return value.strip()[:MAX_CHARACTERS]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    if value != value or value in (float("inf"), float("-inf")):
        return ""
    return str(int(value)) if value == int(value) else f"{value:.10g}" if abs(value) < 1e9 else f"{value:.2f}"
