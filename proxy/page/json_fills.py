"""Fills of slots in JSON: a text is replaced by the fragment's HTML as a string, any other value by an object.

    {"rule": "VIPs", "variant": "VIPs", "title": "Hello Anna", "link": "/sale", "html": "<div ..."}
    {"rule": "Favourites", "variant": "Favourites", "products": ["SKU-7", "SKU-3"], "html": "<section ..."}

They are made once for each fragment; a request only adds a visitor's values, escaped for their place.

Nobody knows whether what an API answers is shown. So the answer tells, in a field of its own, which events its client
is to send once it is: also of an arm or a holdout that shows the shop's own, which the body cannot tell.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from proxy.metrics import Decided
from proxy.model import Attributes, Decision, chosen_name
from proxy.page.fields import Field, TextWithFields, without_unsafe
from proxy.page.fragments import Content, Fragment, ProductIds
from proxy.page.piece import Piece
from proxy.page.product_row import VisitorFragment
from proxy.page.slots import INTERNAL

EXPOSURES = b"tailorbird-exposures"
"""The field that tells the events, as JSON in ASCII."""
LONGEST_EXPOSURES = 2_000
"""Bytes: proxies before this one take heads of some 4 KB. What does not fit is left out, the last first."""


class JsonForm(enum.Enum):
    """How a slot of a JSON answer is written."""

    TEXT = "text"
    OBJECT = "object"
    LIST = "list"
    """The elements of the shop's array, in another order."""


def form_of(value: Piece) -> JsonForm:
    """The form of a value in the shop's answer."""
    return JsonForm.TEXT if value.plain.startswith(b'"') else JsonForm.OBJECT


@dataclass(frozen=True, slots=True)
class _HtmlInJsonField(Field):
    """A visitor's data within HTML within a JSON string."""

    def text(self, attributes: Attributes) -> bytes:
        # After HTML escaping only a backslash has a meaning in JSON; control characters are removed.
        return Field.text(self, attributes).replace(b"\\", b"\\\\")


@dataclass(frozen=True, slots=True)
class _JsonTextField(Field):
    """A visitor's data within a JSON string: plain text, for clients that render it."""

    def text(self, attributes: Attributes) -> bytes:
        return _inner(without_unsafe(self.value(attributes)))


def in_json_forms(
    fills: list[Fragment | None], forms: Sequence[JsonForm], decisions: Sequence[Decision]
) -> list[Fragment | None]:
    """The fills of an answer's slots in their JSON forms; unchanged for HTML, where `forms` is empty."""
    if not forms:
        return fills
    rows = zip(fills, forms, decisions, strict=True)
    return [fill and in_json_form(fill, form, decision) for fill, form, decision in rows]


def in_json_form(fragment: Fragment, form: JsonForm, decision: Decision) -> Fragment:
    """The fragment in JSON, for the decision that shows it."""
    if form is JsonForm.LIST:
        return fragment
    if isinstance(fragment, VisitorFragment):  # of one visitor, and not worth keeping
        return _made(fragment, form, decision.rule, decision.variant)
    return _made_once(fragment, form, decision.rule, decision.variant)


def _made(fragment: Fragment, form: JsonForm, rule: str, variant: str) -> Fragment:
    html = (Piece(b'"'), *(_in_text(part) for part in fragment.parts), Piece(b'"'))
    if form is JsonForm.TEXT:
        return Fragment(html)
    content: Content = (("rule", (rule,)), ("variant", (variant,)), *fragment.content)
    parts: list[Piece | Field] = [Piece(b"{")]
    for name, value in content:
        parts.append(Piece(b'"%b": ' % _inner(name.replace(" ", "_"))))
        parts += _value_parts(value)
        parts.append(Piece(b", "))
    return Fragment((*parts, Piece(b'"html": '), *html, Piece(b"}")))


_made_once = lru_cache(maxsize=10_000)(_made)  # fragments are few, and published for long


def _in_text(part: Piece | Field) -> Piece | Field:
    if isinstance(part, Piece):
        return Piece(_inner(part.plain.decode("ascii")))
    return _HtmlInJsonField(part.attribute, part.default, part.in_address, part.left_of)


def _value_parts(value: TextWithFields | int | ProductIds) -> list[Piece | Field]:
    if isinstance(value, int | ProductIds):
        return [Piece(json.dumps(value if isinstance(value, int) else value.ids).encode())]
    return _quoted(value)


def _quoted(value: TextWithFields) -> list[Piece | Field]:
    inner: list[Piece | Field] = [
        Piece(_inner(part))
        if isinstance(part, str)
        else _JsonTextField(part.attribute, part.default, left_of=part.left_of)
        for part in value
    ]
    return [Piece(b'"'), *inner, Piece(b'"')]


def _inner(text: str) -> bytes:
    """The text escaped for a JSON string, without the quotes, in ASCII."""
    return json.dumps(text)[1:-1].encode()


def exposures_line(decided: Decided) -> bytes:
    """The header line that tells the events by which limits and results hear of an answer; b"" for none."""
    told = [event for decision in decided.decisions if (event := _exposure(decision, decided))]
    while len(value := json.dumps(told, separators=(",", ":")).encode()) > LONGEST_EXPOSURES:
        told.pop()
    return b"%b: %b\r\n" % (EXPOSURES, value) if told else b""


def _exposure(decision: Decision, decided: Decided) -> dict[str, object] | None:
    rule, variant = decision.rule, chosen_name(decision)
    if decision.slot.startswith(INTERNAL) or decision.slot in decided.unmet:
        return None
    if decision.variant and decision.slot not in decided.empty:
        shown = {"promotion_id": rule, "creative": variant, "position": decision.slot}
        return {"event": "Promotion Viewed", "properties": shown}
    if decision.detail == "holdout":
        rule, variant = decision.withheld, "held out"
    met = {"experiment_name": rule, "variation_name": variant}
    return {"event": "Experiment Viewed", "properties": met} if rule and variant else None
