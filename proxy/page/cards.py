"""Cards: how one product is drawn, by a template that editors may replace (`cards/*.html`).

The template language is minijinja's, reduced to values, `if` and `for`: without `set` and macros the output cannot grow
beyond what is written. Templates run with limited fuel, once for each state of a product, not for each visitor.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, get_type_hints

import minijinja

from proxy.errors import EditorError
from proxy.model import Product
from proxy.page.fields import harmless
from proxy.page.prices import price_text

DEFAULT_CARD = """\
<a class="tb-card-link" href="{{ product.link }}">\
{% if product.image %}<img class="tb-card-picture" src="{{ product.image }}" alt="" loading="lazy" decoding="async"\
{% if product.image_width %} width="{{ product.image_width }}"{% endif %}\
{% if product.image_height %} height="{{ product.image_height }}"{% endif %}>{% endif %}\
{% if product.brand %}<span class="tb-card-brand">{{ product.brand }}</span>{% endif %}\
<span class="tb-card-title">{{ product.title }}</span>\
{% if product.price %}<span class="tb-card-price">{{ product.price }}\
{% if product.was %} <s class="tb-card-was">{{ product.was }}</s>{% endif %}</span>{% endif %}</a>"""
"""Accessible as it is: one link a product, its name in text, so the picture needs none."""

_FUEL = 20_000
_STATEMENT = re.compile(r"\{%-?\s*(\w*)")
_STATEMENTS = frozenset({"if", "elif", "else", "endif", "for", "endfor"})
_KINDS = get_type_hints(Product)
_TEXTS = tuple(name for name, kind in _KINDS.items() if kind is str)
_OTHERS = tuple(name for name, kind in _KINDS.items() if kind is not str)
_HELP = "a card may hold {{ product.title }} and the like, {% if %} and {% for %}"


@dataclass(frozen=True, slots=True)
class Presentation:
    """How a visitor is shown products: prices as their `language` writes them, in their `currency` where the catalogue
    has it, and links that keep the `campaign` they came by (`utm_source=newsletter`)."""

    language: str = "en"
    currency: str = ""
    campaign: str = ""


PLAIN = Presentation()


class Card:
    """A template, compiled. Raises `EditorError` with the template's line."""

    def __init__(self, template: str = DEFAULT_CARD) -> None:
        self.template = template
        for statement in _STATEMENT.finditer(template):
            if statement[1] not in _STATEMENTS:
                line = template.count("\n", 0, statement.start()) + 1
                raise EditorError(f"a card may not use `{statement[1]}`", help=_HELP, line=line)
        # Escaping follows from the template's name unless told otherwise; strict, so that a misspelt word is an error.
        self._environment = minijinja.Environment(
            undefined_behavior="strict", auto_escape_callback=lambda _: True, fuel=_FUEL
        )
        try:
            self._environment.add_template("card", template)
        except minijinja.TemplateError as error:
            raise _told(error) from error

    def draw(self, product: Product, now: float = 0.0, presentation: Presentation = PLAIN) -> str:
        """The product's HTML, escaped and not yet sanitised. Raises `EditorError` with the template's line."""
        try:
            return self._environment.render_template("card", product=_shown(product, now, presentation))
        except minijinja.TemplateError as error:
            raise _told(error) from error


def _shown(product: Product, now: float, presentation: Presentation) -> dict[str, Any]:
    """The values that a card may use: the fields of `Product` with texts made harmless, the formatted `price`, `was`
    (the price before the sale), and `amount` (the price as a number)."""
    words: dict[str, Any] = {name: harmless(getattr(product, name)) for name in _TEXTS}
    words |= {name: getattr(product, name) for name in _OTHERS}
    amount, currency = price_for(product, now, presentation)
    was = product.price if currency == product.currency and amount < product.price else 0.0
    return words | {
        "link": _with_campaign(words["link"], presentation.campaign),
        "price": price_text(amount, harmless(currency), presentation.language),
        "was": price_text(was, harmless(currency), presentation.language),
        "amount": amount,
        "tags": sorted(harmless(tag) for tag in product.tags),
        "prices": {},
    }


def price_for(product: Product, now: float, presentation: Presentation) -> tuple[float, str]:
    """The price and its currency: the visitor's currency if the catalogue has it."""
    if presentation.currency and presentation.currency != product.currency:
        for currency, price in product.prices:
            if currency == presentation.currency:
                return price, currency
    return product.price_at(now), product.currency


def _with_campaign(link: str, campaign: str) -> str:
    if not campaign:
        return link
    address, mark, place = link.partition("#")
    return f"{address}{'&' if '?' in address else '?'}{campaign}{mark}{place}"


def _told(error: minijinja.TemplateError) -> EditorError:
    return EditorError(error.detail or error.message.partition(" (in ")[0], help=_HELP, line=error.line or 0)
