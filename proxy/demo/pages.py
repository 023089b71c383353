"""HTML out of `templates/`: what every page of the shop shares. Autoescaped, and a name a template does not know is an
error rather than a blank."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from html import escape
from pathlib import Path

from minijinja import Environment, Markup, load_from_path

from proxy.demo.assets import Assets
from proxy.demo.catalogue import Catalogue

TEMPLATES = Path(__file__).parent / "templates"


class Pages:
    """Renders pages by template name."""

    def __init__(self, catalogue: Catalogue, assets: Assets) -> None:
        self._environment = Environment(
            loader=load_from_path([str(TEMPLATES)]),
            filters={"money": money, "day": day, "href": href, "asset": lambda path: href(assets.address(path))},
            globals={"departments": catalogue.top(), "shop_name": "Northwind Trail & Table"},
            auto_escape_callback=lambda name: True,
            undefined_behavior="strict",
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def render(self, template: str, context: Mapping[str, object]) -> bytes:
        return self._environment.render_template(template, **context).encode()


def money(amount: float) -> str:
    """€1,249.00"""
    return f"€{amount:,.2f}"


def day(when: date) -> str:
    """25 November 2026"""
    return f"{when.day} {when:%B %Y}"


def href(address: str) -> Markup:
    """An address of ours for an attribute. The built-in escape would write every slash as `&#x2f;`."""
    return Markup(escape(address))
