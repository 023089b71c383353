"""Cards: how one product is drawn, by a template an editor may replace (`cards/*.html`).

The template language is minijinja's, cut down to values, `if` and `for`: without `set` and macros nothing in it can
grow beyond what is written. It runs when rules are published, under fuel, never for a visitor.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import minijinja

from proxy.errors import EditorError
from proxy.model import Product
from proxy.page.fields import harmless

DEFAULT_CARD = """\
<a class="tb-card-link" href="{{ product.link }}">\
{% if product.image %}<img class="tb-card-picture" src="{{ product.image }}" alt="" loading="lazy" decoding="async"\
{% if product.image_width %} width="{{ product.image_width }}"{% endif %}\
{% if product.image_height %} height="{{ product.image_height }}"{% endif %}>{% endif %}\
{% if product.brand %}<span class="tb-card-brand">{{ product.brand }}</span>{% endif %}\
<span class="tb-card-title">{{ product.title }}</span>\
{% if product.price %}<span class="tb-card-price">{{ product.price }}</span>{% endif %}</a>"""
"""Accessible as it is: one link a product, its name in text, so the picture needs none."""

_FUEL = 20_000
_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£"}
_STATEMENT = re.compile(r"\{%-?\s*(\w*)")
_STATEMENTS = frozenset({"if", "elif", "else", "endif", "for", "endfor"})
_HELP = "a card may hold {{ product.title }} and the like, {% if %} and {% for %}"


def render_cards(products: Iterable[Product], template: str = DEFAULT_CARD) -> list[str]:
    """The HTML of each product's card, escaped and not yet sanitised. Raises `EditorError` with the template's line."""
    for statement in _STATEMENT.finditer(template):
        if statement[1] not in _STATEMENTS:
            line = template.count("\n", 0, statement.start()) + 1
            raise EditorError(f"a card may not use `{statement[1]}`", help=_HELP, line=line)
    # Escaping follows from the template's name unless told otherwise; strict, so that a misspelt word is an error.
    environment = minijinja.Environment(undefined_behavior="strict", auto_escape_callback=lambda _: True, fuel=_FUEL)
    try:
        environment.add_template("card", template)
        return [environment.render_template("card", product=_shown(product)) for product in products]
    except minijinja.TemplateError as error:
        raise EditorError(_what(error), help=_HELP, line=error.line or 0) from error


def price_text(price: float, currency: str) -> str:
    """A price as shops write it: `€12.50`, `12.50 NOK`; "" when there is none."""
    if not price:
        return ""
    symbol = _SYMBOLS.get(currency)
    return f"{symbol}{price:,.2f}" if symbol else f"{price:,.2f} {currency}".rstrip()


def _shown(product: Product) -> dict[str, Any]:
    """The words of a product a card may use: those of `Product`, texts harmless, `price` written out and `amount` the
    bare number."""
    words = {name: harmless(value) if isinstance(value, str) else value for name, value in asdict(product).items()}
    return words | {
        "price": price_text(product.price, words["currency"]),
        "amount": product.price,
        "tags": sorted(harmless(tag) for tag in product.tags),
    }


def _what(error: minijinja.TemplateError) -> str:
    return error.detail or error.message.partition(" (in ")[0]
