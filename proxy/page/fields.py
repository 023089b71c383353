"""Fields: places of a fragment that show a visitor's own data, as `{first name|Hello}`.

How a value is escaped depends on where the field is: in text and quoted attributes as HTML; within an address it is
percent-encoded. In an address a field may come only after the beginning of the path, so that no value can choose a
scheme or a host. The output is ASCII, which is the same in every charset of a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from proxy.errors import EditorError
from proxy.model import Attributes, AttributeValue

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
_REFERENCE = re.compile(r"""\s*([A-Za-z_]\w*)\s*(?:\|\s*default\(\s*(?:"([^"\\]*)"|'([^'\\]*)')\s*\)\s*)?""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Field:
    """The name of a visitor's attribute, and the `default` text if it is unknown or blank. `in_address`: the field is
    within a link, and is percent-encoded."""

    attribute: str
    default: str = ""
    in_address: bool = False

    def value(self, attributes: Attributes) -> str:
        """The value of the field, from the visitor's data or the default."""
        return _value_text(attributes.get(self.attribute)) or self.default

    def text(self, attributes: Attributes) -> bytes:
        """The value of the field for these attributes: ASCII, escaped for the place of the field."""
        shown = self.value(attributes)
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
        yield Field(name, (match[2] or "").strip())
        cursor = match.end()
    yield text[cursor:]


def _split_template(source: str) -> Iterator[str | Field]:
    cursor = 0
    for match in _IN_TEMPLATE.finditer(source):
        yield source[cursor : match.start()]
        reference = _REFERENCE.fullmatch(match[1] or "")
        if reference is not None:
            yield Field(reference[1].replace("_", " ").strip(), reference[2] or reference[3] or "")
        elif match[0].endswith("#}"):
            yield "\n" * match[0].count("\n")
        else:
            raise _unknown_syntax(match[0], source.count("\n", 0, match.start()) + 1)
        cursor = match.end()
    yield source[cursor:]


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
