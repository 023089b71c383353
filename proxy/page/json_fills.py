"""What fills a slot in JSON: the fragment's HTML as a text where a text stands, else what it says as an object.

    {"rule": "VIPs", "variant": "VIPs", "title": "Hello Anna", "link": "/sale", "html": "<div ..."}
    {"rule": "Favourites", "variant": "Favourites", "products": ["SKU-7", "SKU-3"], "html": "<section ..."}

Made once for each fragment; what is left for a request is a visitor's words, escaped for where they stand.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from proxy.model import Attributes, Decision
from proxy.page.fields import Field, Marked, harmless
from proxy.page.fragments import Content, Fragment, Ids
from proxy.page.piece import Piece
from proxy.page.product_row import Filled


class Form(enum.Enum):
    """The form in which a slot is written that is not HTML."""

    TEXT = "text"
    OBJECT = "object"
    LIST = "list"
    """The shop's own bytes, in another order."""


def form_of(value: Piece) -> Form:
    """The form of a value in the shop's answer."""
    return Form.TEXT if value.plain.startswith(b'"') else Form.OBJECT


@dataclass(frozen=True, slots=True)
class _HtmlInText(Field):
    """A visitor's data within HTML within a JSON string."""

    def text(self, attributes: Attributes) -> bytes:
        # Of what is escaped as HTML only a backslash means something in JSON; controls are not shown at all.
        return Field.text(self, attributes).replace(b"\\", b"\\\\")


@dataclass(frozen=True, slots=True)
class _Words(Field):
    """A visitor's data as a JSON string: plain, for clients that render it."""

    def text(self, attributes: Attributes) -> bytes:
        return _inner(harmless(self.shown(attributes)))


def in_forms(
    fills: list[Fragment | None], forms: Sequence[Form], decisions: Sequence[Decision]
) -> list[Fragment | None]:
    """The fills of an answer's slots in their forms; `forms` is empty for HTML."""
    if not forms:
        return fills
    rows = zip(fills, forms, decisions, strict=True)
    return [fill and in_form(fill, form, decision) for fill, form, decision in rows]


def in_form(fragment: Fragment, form: Form, decision: Decision) -> Fragment:
    """The fragment in JSON, for the decision that shows it."""
    if form is Form.LIST:
        return fragment
    if isinstance(fragment, Filled):  # of one visitor, and not worth keeping
        return _written(fragment, form, decision.rule, decision.variant)
    return _kept(fragment, form, decision.rule, decision.variant)


def _written(fragment: Fragment, form: Form, rule: str, variant: str) -> Fragment:
    html = (Piece(b'"'), *(_in_text(part) for part in fragment.parts), Piece(b'"'))
    if form is Form.TEXT:
        return Fragment(html)
    content: Content = (("rule", (rule,)), ("variant", (variant,)), *fragment.content)
    parts: list[Piece | Field] = [Piece(b"{")]
    for name, value in content:
        parts.append(Piece(b'"%b": ' % _inner(name.replace(" ", "_"))))
        parts += _valued(value)
        parts.append(Piece(b", "))
    return Fragment((*parts, Piece(b'"html": '), *html, Piece(b"}")))


_kept = lru_cache(maxsize=10_000)(_written)  # fragments are few, and published for long


def _in_text(part: Piece | Field) -> Piece | Field:
    if isinstance(part, Piece):
        return Piece(_inner(part.plain.decode("ascii")))
    return _HtmlInText(part.attribute, part.default, part.in_address)


def _valued(value: Marked | int | Ids) -> list[Piece | Field]:
    if isinstance(value, int | Ids):
        return [Piece(json.dumps(value if isinstance(value, int) else value.ids).encode())]
    return _quoted(value)


def _quoted(value: Marked) -> list[Piece | Field]:
    inner: list[Piece | Field] = [
        Piece(_inner(part)) if isinstance(part, str) else _Words(part.attribute, part.default) for part in value
    ]
    return [Piece(b'"'), *inner, Piece(b'"')]


def _inner(text: str) -> bytes:
    """The text as it stands between the quotes of a JSON string, in ASCII."""
    return json.dumps(text)[1:-1].encode()
