"""Cards: the HTML of one product, rendered by a template that editors may replace (`cards/*.html`).

The language is that of `card_language.py`. Templates run once for each state of a product, not for each visitor.
"""

from __future__ import annotations

from typing import Any, get_type_hints

import minijinja

from proxy.errors import EditorError
from proxy.model import Product
from proxy.page.card_language import HELP, MOST_CHARACTERS, as_editor_error, environment_of
from proxy.page.fields import without_unsafe
from proxy.page.presentation import PLAIN, Presentation, price_text

DEFAULT_CARD = """\
<a class="tb-card-link" href="{{ product.link }}" data-product="{{ product.id }}">\
{% if product.image %}<img class="tb-card-picture" src="{{ product.image }}" alt="" loading="lazy" decoding="async"\
{% if product.image_width %} width="{{ product.image_width }}"{% endif %}\
{% if product.image_height %} height="{{ product.image_height }}"{% endif %}>{% endif %}\
{% if product.brand %}<span class="tb-card-brand">{{ product.brand }}</span>{% endif %}\
<span class="tb-card-title">{{ product.title }}</span>\
{% if product.price %}<span class="tb-card-price">{{ product.price }}\
{% if product.was %} <s class="tb-card-was">{{ product.was }}</s>{% endif %}</span>{% endif %}</a>"""
"""Accessible: one link per product, with its name as text, so the picture needs no `alt` text."""

_KINDS = get_type_hints(Product)
_TEXTS = tuple(name for name, kind in _KINDS.items() if kind is str)
_OTHERS = tuple(name for name, kind in _KINDS.items() if kind is not str)


class Card:
    """A compiled template. Raises `EditorError` with the template's line."""

    def __init__(self, template: str = DEFAULT_CARD) -> None:
        self.template = template
        self._environment = environment_of(template)

    def draw(self, product: Product, now: float = 0.0, presentation: Presentation = PLAIN) -> str:
        """The product's HTML, escaped and not yet sanitised. Raises `EditorError` with the template's line."""
        try:
            html = self._environment.render_template("card", product=_card_values(product, now, presentation))
        except minijinja.TemplateError as error:
            raise as_editor_error(error) from error
        except (ArithmeticError, TypeError, ValueError) as error:  # of a filter of ours
            raise EditorError(str(error), help=HELP) from error
        if len(html) > MOST_CHARACTERS:
            raise EditorError(f"a card has at most {MOST_CHARACTERS:,} characters", help=HELP)
        return html


def _card_values(product: Product, now: float, presentation: Presentation) -> dict[str, Any]:
    """The values that a card may use: the fields of `Product` with safe texts, the formatted `price`, `was` (the price
    before the sale), and `amount` (the price as a number)."""
    words: dict[str, Any] = {name: without_unsafe(getattr(product, name)) for name in _TEXTS}
    words |= {name: getattr(product, name) for name in _OTHERS}
    amount, currency = price_for(product, now, presentation)
    was = product.price if currency == product.currency and amount < product.price else 0.0
    return words | {
        "link": _with_campaign(words["link"], presentation.campaign),
        "price": price_text(amount, without_unsafe(currency), presentation.language),
        "was": price_text(was, without_unsafe(currency), presentation.language),
        "amount": amount,
        "tags": sorted(without_unsafe(tag) for tag in product.tags),
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
