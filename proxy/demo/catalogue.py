"""What the shop sells: the products of `products.jsonl`, read once at start, and the questions its pages ask of them.

Immutable after `load`, so every page made of it is the same for everybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

PRODUCTS = Path(__file__).parent / "products.jsonl"

OUTLYING = {"running": "run", "runner": "run", "runners": "run", "shoes": "shoe", "boots": "boot"}
"""Synonyms; a plural is also found by its stem."""


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A product as the shop keeps it. `sale_price` is what it costs on sale, None when it is not; `drawing` names its
    picture's shape in `drawings/`."""

    id: str
    title: str
    link: str
    category: str
    brand: str
    regular: float = msgspec.field(name="price")
    currency: str
    image: str
    image_width: int
    image_height: int
    in_stock: bool
    tags: tuple[str, ...]
    popularity: float
    colour: str
    drawing: str
    description: str
    sale_price: float | None = None

    @property
    def price(self) -> float:
        """What it costs."""
        return self.regular if self.sale_price is None else self.sale_price

    @property
    def was(self) -> float | None:
        """What it cost before the sale, if it is on sale."""
        return None if self.sale_price is None else self.regular


@dataclass(frozen=True, slots=True)
class Category:
    """A category: `shoes`, or `shoes/trail` below it. `slug` is also its address below `/c/`."""

    slug: str
    name: str
    blurb: str = ""
    scene: str = ""

    @property
    def parent(self) -> str:
        """The slug of the category above, "" at the top."""
        return self.slug.rpartition("/")[0]


CATEGORIES: tuple[Category, ...] = (
    Category("shoes", "Shoes", "For the path you know and the one you do not.", "mountains"),
    Category("shoes/trail", "Trail shoes", "Lugs for mud, plates for rock, laces that stay tied.", "forest"),
    Category("shoes/road", "Road shoes", "Quiet miles before breakfast.", "coast"),
    Category("shoes/hiking", "Hiking boots", "Leather that learns your feet.", "mountains"),
    Category("clothing", "Clothing", "Layers for four seasons in one afternoon.", "coast"),
    Category("clothing/jackets", "Jackets & gilets", "Between you and the weather.", "coast"),
    Category("clothing/tops", "Tops", "Merino, fleece and cotton worth keeping.", "forest"),
    Category("clothing/accessories", "Hats & socks", "Both ends, kept warm.", "mountains"),
    Category("packs", "Packs", "Carry what matters, forget that you do.", "mountains"),
    Category("packs/daypacks", "Daypacks", "Lunch, shell, book, map.", "forest"),
    Category("packs/trekking", "Trekking packs", "A week on your back.", "mountains"),
    Category("packs/running", "Running vests", "Close, quick and quiet.", "forest"),
    Category("camping", "Camping", "A house you can carry.", "camp"),
    Category("camping/tents", "Tents", "Up in minutes, dry for years.", "camp"),
    Category("camping/sleeping", "Sleeping", "Bags and mats for nights outside.", "camp"),
    Category("camping/kitchen", "Camp kitchen", "Everything tastes better out here.", "camp"),
    Category("gear", "Gear", "Small things you are glad to find at the bottom of the pack.", "forest"),
    Category("gear/lights", "Lights", "For the last hour and the first.", "camp"),
    Category("gear/bottles", "Bottles & flasks", "Hot, cold, never empty.", "coast"),
    Category("gear/navigation", "Navigation", "Know where you are, choose where you go.", "mountains"),
    Category("gear/poles", "Poles", "Two more legs.", "mountains"),
    Category("food", "Food", "From small makers, for big appetites.", "table"),
    Category("food/sausages", "Sausages & hot dogs", "For the fire, the grill and the pan.", "table"),
    Category("food/sauces", "Sauces & mustards", "The second most important thing on the plate.", "table"),
    Category("food/bread", "Bread & buns", "Baked this morning.", "kitchen"),
    Category("food/snacks", "Trail snacks", "Pockets full of energy.", "forest"),
    Category("food/pantry", "Pantry", "Good things that wait for you.", "kitchen"),
    Category("drinks", "Drinks", "Something hot, something cold.", "table"),
    Category("drinks/coffee", "Coffee", "Roasted on Tuesdays, sent on Wednesdays.", "kitchen"),
    Category("drinks/tea", "Tea", "In tins you will keep.", "kitchen"),
    Category("drinks/soft", "Cordials & sodas", "Hedgerow, rhubarb, real ginger.", "table"),
    Category("home", "Home", "Made well, used daily.", "kitchen"),
    Category("home/kitchen", "Kitchen", "Tools that outlive recipes.", "kitchen"),
    Category("home/table", "Table", "Stoneware, glass and room for one more.", "table"),
    Category("home/textiles", "Textiles", "Wool from two valleys over, linen from three.", "kitchen"),
    Category("home/lighting", "Light", "Candles and lamps for long evenings.", "camp"),
    Category("garden", "Garden", "The room with the highest ceiling.", "forest"),
    Category("garden/fire", "Grill & fire", "Supper outside, whatever the month.", "camp"),
    Category("garden/growing", "Growing", "Pots, tools and seeds.", "forest"),
)


class Catalogue:
    """The products and categories. Every listing has the most popular first."""

    def __init__(self, items: Iterable[Item]) -> None:
        self.items: tuple[Item, ...] = tuple(sorted(items, key=lambda item: (-item.popularity, item.id)))
        self.categories = {category.slug: category for category in CATEGORIES}
        self._by_id = {item.id: item for item in self.items}
        self._words = {item.id: _words_of(item) for item in self.items}

    def get(self, product_id: str) -> Item | None:
        return self._by_id.get(product_id)

    def top(self) -> list[Category]:
        """The categories of the first level, in shop order."""
        return [category for category in self.categories.values() if not category.parent]

    def below(self, slug: str) -> list[Category]:
        """The categories directly below `slug`."""
        return [category for category in self.categories.values() if category.parent == slug]

    def in_category(self, slug: str) -> list[Item]:
        """The items of this category and those below it."""
        return [item for item in self.items if item.category == slug or item.category.startswith(slug + "/")]

    def tagged(self, tag: str) -> list[Item]:
        return [item for item in self.items if tag in item.tags]

    def search(self, query: str) -> list[Item]:
        """What has every word of the query in its title, category, brand, tags or description; matches in title and
        category first. Empty for a query without words."""
        wanted = stems(query)
        if not wanted:
            return []
        found = [item for item in self.items if wanted <= self._words[item.id]]
        return sorted(found, key=lambda item: -len(wanted & stems(f"{item.title} {item.category}")))

    def similar(self, item: Item) -> list[Item]:
        """Four others a shopper may view next: of the same category first, then of the whole department."""
        department = item.category.partition("/")[0]
        near = [*self.in_category(item.category), *self.in_category(department)]
        return [other for other in dict.fromkeys(near) if other.id != item.id and other.in_stock][:4]


def stems(text: str) -> frozenset[str]:
    """The words of a text as search compares them."""
    words = re.findall(r"[^\W_]+", text.casefold())
    return frozenset(OUTLYING.get(word, word.removesuffix("s") if len(word) > 3 else word) for word in words)


def load(path: Path = PRODUCTS) -> Catalogue:
    """Reads the shop's catalogue, one JSON object a line."""
    decoder = msgspec.json.Decoder(Item)
    return Catalogue(decoder.decode_lines(path.read_bytes()))


def _words_of(item: Item) -> frozenset[str]:
    texts = (item.title, item.category, item.brand, item.colour, item.description, *item.tags)
    return frozenset().union(*(stems(text) for text in texts))
