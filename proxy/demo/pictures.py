"""The shop's pictures: every product drawn from a shape in `drawings/` and the colours it is sold in, and the wide
scenes of `scenes/`, 1200 by 400. All are SVG, made once at start and served as `/img/...` by `pages.py`.

A drawing is the inside of an SVG of 400 by 400 that stands on the line y=326, with `$main`, `$dark`, `$light` and
`$accent` where a product's colour goes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from string import Template

from proxy.demo.catalogue import Item

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours `$main`, `$dark`, `$light` and `$accent` of a drawing."""

    main: str
    dark: str
    light: str
    accent: str


PALETTES = {
    "red": Palette("#b9432f", "#8c2f22", "#dd7a63", "#f0c064"),
    "orange": Palette("#d9762f", "#ac5619", "#f0a868", "#2f5d57"),
    "yellow": Palette("#dfa832", "#b4801a", "#f2cf7c", "#8c2f22"),
    "green": Palette("#5b7a55", "#3f5a3f", "#93ad85", "#e0a63a"),
    "teal": Palette("#3f8583", "#2b6364", "#86bab4", "#e8a04a"),
    "blue": Palette("#47789e", "#325879", "#8db4d0", "#e9b44c"),
    "navy": Palette("#2f4566", "#20314a", "#6f88ab", "#d97b4a"),
    "purple": Palette("#75527f", "#553a5f", "#ab8db3", "#e5b25a"),
    "pink": Palette("#cf8289", "#aa5f69", "#e9b5b5", "#3f6a66"),
    "brown": Palette("#96663d", "#6f4928", "#c89b6b", "#d9a33a"),
    "cream": Palette("#e9dcbf", "#c9b78f", "#f8f1de", "#b9432f"),
    "grey": Palette("#7b8688", "#596365", "#b0b9b9", "#d97b3a"),
    "silver": Palette("#a9b4b5", "#7d898b", "#dde3e2", "#b9432f"),
    "black": Palette("#3b4143", "#25292b", "#6f787a", "#e0a63a"),
}

BACKDROPS = {
    "shoes": ("#e9ede3", "#dbe2d2"),
    "clothing": ("#e5ebee", "#d5dfe4"),
    "packs": ("#f1e9dc", "#e6d9c3"),
    "camping": ("#e4ebe8", "#d2dfd9"),
    "gear": ("#ecebe4", "#dedccf"),
    "food": ("#f8ecd6", "#f0dcb8"),
    "drinks": ("#f3e6dc", "#e8d3c3"),
    "home": ("#f0ebe4", "#e2d8cb"),
    "garden": ("#e8eddc", "#d8e2c4"),
}
"""The colours of wall and disc behind a product, by department."""

FRAME = Template(
    '<svg xmlns="http://www.w3.org/2000/svg" width="600" height="600" viewBox="0 0 400 400">'
    '<rect width="400" height="400" fill="$wall"/><circle cx="200" cy="204" r="158" fill="$disc"/>'
    '<ellipse cx="200" cy="328" rx="132" ry="11" fill="#1c2321" opacity=".13"/>'
    '<g transform="translate(8 10) scale(.96)">$drawing</g></svg>'
)


def pictures(items: Iterable[Item]) -> dict[str, bytes]:
    """Every picture of the shop by its path: `/img/SKU-1042.svg`, `/img/hero-forest.svg`."""
    drawings = {path.stem: path.read_text(encoding="utf-8") for path in (HERE / "drawings").glob("*.svg")}
    drawn = {item.image: draw(item, drawings[item.drawing]).encode() for item in items}
    return drawn | {f"/img/{path.name}": path.read_bytes() for path in (HERE / "scenes").glob("*.svg")}


def draw(item: Item, drawing: str) -> str:
    """The drawing in the item's colours, before its department's wall."""
    colours = PALETTES[item.colour]
    shape = Template(drawing).substitute(
        main=colours.main, dark=colours.dark, light=colours.light, accent=colours.accent
    )
    wall, disc = BACKDROPS[item.category.partition("/")[0]]
    return FRAME.substitute(wall=wall, disc=disc, drawing=shape)
