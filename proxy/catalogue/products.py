"""One product, from the fields a feed has for it: those of Google Merchant or of `Product`.

What makes no sense is reported by the name of the field, with a help. A product that could not be shown is left out;
the rest is a warning, and the safer reading counts: what may be out of stock is. Fields not listed here are ignored.
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from proxy.model import Product

MAX_TEXT = 1_000
MOST = 1e12
"""The largest amount."""

_ID = re.compile(r"[^\s\x00-\x1f\x7f]{1,64}")
_PRICE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(?:\s*([A-Z]{3}))?")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_CURRENCY = re.compile(r"[A-Z]{3}")
_FOREIGN_ADDRESS = re.compile(r"(?!https?://)[^/?#]*:|//|[/\\]?\\|https?:///", re.IGNORECASE)
_UNSAFE = re.compile(r"[\x00-\x1f\x7f]")
_AVAILABLE = {"in_stock": True, "in stock": True, "preorder": True, "backorder": True}
_AVAILABLE |= dict.fromkeys(("instock", "limitedavailability", "onlineonly", "presale"), True)
_UNAVAILABLE = ("out_of_stock", "out of stock", "outofstock", "oos", "soldout", "discontinued", "instoreonly")
_AVAILABLE |= dict.fromkeys(_UNAVAILABLE, False)
_SCHEMA_ORG = re.compile(r"https?://schema\.org/", re.IGNORECASE)
_PRICE_HELP = "write it like 12.99 EUR"

Fields = Mapping[str, Any]


class Flaw(enum.StrEnum):
    """Kinds of problems."""

    MISSING = "missing"
    CONTRADICTORY = "contradictory"
    DUPLICATE = "duplicate"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong on `line` (from 1), and how to mend it. The product was left out, unless this is a warning."""

    line: int
    what: str
    help: str = ""
    is_warning: bool = False
    flaw: Flaw = Flaw.UNREADABLE

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The products in the order of the file, and what is wrong with it, in the order of its lines. `lines` are those of
    its products, by id; `format` is how it is written."""

    products: tuple[Product, ...]
    problems: tuple[Problem, ...]
    lines: Mapping[str, int] = field(default_factory=dict)
    format: str = ""


class Unreadable(Exception):
    """Says what is wrong with a product that must be left out, and how to mend it."""

    def __init__(self, what: str, help: str = "", flaw: Flaw = Flaw.UNREADABLE) -> None:
        super().__init__(what)
        self.what = what
        self.help = help
        self.flaw = flaw


Warn = Callable[[str, str, Flaw], None]
"""Takes what is doubtful, how to mend it, and what kind of flaw it is."""


def product_of(fields: Fields, warn: Warn, *, currency: str = "") -> Product:
    """The product. `currency` is for prices that name none. Raises `Unreadable`."""
    price, currency = _price(fields, "price", currency)
    sale_price, sale_from, sale_until = _sale(fields, price, currency, warn)
    return Product(
        id=_id(fields),
        title=_title(fields, warn),
        link=_link(fields),
        category=_category(fields, warn),
        brand=_text(fields, "brand"),
        price=price,
        currency=currency,
        image=_image(fields, warn),
        image_width=_pixels(fields, "image_width"),
        image_height=_pixels(fields, "image_height"),
        in_stock=_in_stock(fields, warn),
        tags=_tags(fields),
        popularity=_number(fields, "popularity"),
        sale_price=sale_price,
        sale_from=sale_from,
        sale_until=sale_until,
        group=_text(fields, "group", "item_group_id"),
        added_at=_added_at(fields, warn),
        prices=_prices(fields),
    )


def _id(fields: Fields) -> str:
    written = fields.get("id")
    text = str(written) if isinstance(written, int) and not isinstance(written, bool) else written
    if not isinstance(text, str) or not _ID.fullmatch(text):
        flaw = Flaw.UNREADABLE if written else Flaw.MISSING
        raise Unreadable("`id` is 1 to 64 characters without blanks", "give each product one, as SKU-1042", flaw)
    return text


def _text(fields: Fields, *names: str, is_needed: bool = False) -> str:
    value = next((fields[name] for name in names if fields.get(name) is not None), "")
    if not isinstance(value, str):
        raise Unreadable(f"`{names[0]}` is not text", "put quotes around it")
    if is_needed and not value.strip():
        raise Unreadable(f"`{names[0]}` is missing", f"a product needs a {names[0]} to be shown", Flaw.MISSING)
    return value.strip()[:MAX_TEXT]


def _title(fields: Fields, warn: Warn) -> str:
    title = _text(fields, "title", is_needed=True)
    if _UNSAFE.search(title):
        warn("`title` has invisible characters", "delete them; they are not shown", Flaw.UNREADABLE)
    return title


def _link(fields: Fields) -> str:
    link = _text(fields, "link", is_needed=True)
    if not is_address(link):
        raise Unreadable(f"`link` is `{link}`", "write a path like /p/SKU-1042, or https://...")
    return link


def _image(fields: Fields, warn: Warn) -> str:
    image = _text(fields, "image", "image_link")
    if image and not is_address(image):
        help = "write a path like /img/SKU-1042.jpg, or https://...; no picture till then"
        warn(f"`image_link` is `{image}`", help, Flaw.UNREADABLE)
        return ""
    return image


def is_address(text: str) -> bool:
    """True for a path, and for http and https; not for what would run (`javascript:`) or leave unseen (`//host`)."""
    return not _FOREIGN_ADDRESS.match(text) and not _UNSAFE.search(text)


def _category(fields: Fields, warn: Warn) -> str:
    """A path: a feed writes `Home > Kitchen > Pans`, a shop's own file `home/kitchen/pans`."""
    written = _text(fields, "category", "product_type", "google_product_category")
    parts = [part.strip() for part in (written.split(">") if ">" in written else written.split("/"))]
    if written and not all(parts):
        what = f"`category` is `{written}`, with an empty part"
        warn(what, "write it like shoes/trail, or Shoes > Trail", Flaw.UNREADABLE)
    return "/".join(filter(None, parts))


def _price(fields: Fields, name: str, currency: str = "") -> tuple[float, str]:
    """A feed writes `12.99 EUR`; a shop's own file a number, and the currency beside it."""
    currency = _text(fields, "currency") or currency
    if isinstance(fields.get(name), str) and fields[name].strip():
        written = _PRICE.fullmatch(fields[name].strip())
        if written is None:
            raise Unreadable(f"`{name}` is `{fields[name].strip()}`, which is no price", _PRICE_HELP)
        amount, currency = _number({name: float(written[1])}, name), written[2] or currency
    else:
        amount = _number(fields, name)
    if currency and not _CURRENCY.fullmatch(currency):
        raise Unreadable(f"`currency` is `{currency}`, write it like EUR", "the three letters of ISO 4217")
    return amount, currency


def _sale(fields: Fields, price: float, currency: str, warn: Warn) -> tuple[float, float, float]:
    """The sale price and when it counts; 0 for one that contradicts the price."""
    try:
        sale_price, sale_currency = _price(fields, "sale_price", currency)
        since, until = _window(_text(fields, "sale_price_effective_date"))
    except Unreadable as error:
        warn(error.what, f"{error.help or _PRICE_HELP}; until then there is no sale price", error.flaw)
        return 0.0, -math.inf, math.inf
    if sale_currency != currency:
        warn(
            f"`sale_price` is in {sale_currency}, `price` in {currency}",
            "write both in one currency",
            Flaw.CONTRADICTORY,
        )
    elif sale_price > price:
        warn(
            f"`sale_price` is {sale_price:g}, more than `price`, {price:g}",
            "swap the two, or leave out sale_price",
            Flaw.CONTRADICTORY,
        )
    else:
        return sale_price, since, until
    return 0.0, -math.inf, math.inf


def _window(written: str) -> tuple[float, float]:
    """`2026-11-25T08:00+01:00/2026-11-28T00:00+01:00`."""
    if not written:
        return -math.inf, math.inf
    help = "write it like 2026-11-25T08:00Z/2026-11-28T00:00Z"
    begin, _, end = written.partition("/")
    try:
        since, until = _moment(begin), _moment(end)
    except ValueError:
        raise Unreadable(f"`sale_price_effective_date` is `{written}`", help) from None
    if until <= since:
        raise Unreadable("`sale_price_effective_date` ends before it starts", help, Flaw.CONTRADICTORY)
    return since, until


def _moment(written: str) -> float:
    moment = datetime.fromisoformat(written.strip())
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _added_at(fields: Fields, warn: Warn) -> float:
    written = _text(fields, "added", "created_at")
    try:
        return _moment(written) if written else 0.0
    except ValueError:
        warn(f"`added` is `{written}`", "write a date like 2026-11-25", Flaw.UNREADABLE)
        return 0.0


def _prices(fields: Fields) -> tuple[tuple[str, float], ...]:
    """What it costs in other currencies: {"NOK": 149, "USD": 13.5}."""
    written = fields.get("prices") or {}
    if not isinstance(written, dict) or not all(_CURRENCY.fullmatch(name) for name in written):
        raise Unreadable("`prices` is not prices by currency", 'write {"NOK": 149, "USD": 13.5}')
    return tuple(sorted((name, _number(written, name)) for name in written))


def _number(fields: Fields, name: str) -> float:
    """A table has numbers as text."""
    value = fields.get(name) or 0
    value = float(value) if isinstance(value, str) and _NUMBER.fullmatch(value.strip()) else value
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST:
        raise Unreadable(f"`{name}` is not a number from 0 up", "write it in digits, as 600 or 12.5")
    return float(value)


def _pixels(fields: Fields, name: str) -> int:
    value = _number(fields, name)
    if value != int(value):
        raise Unreadable(f"`{name}` is not a whole number", "write it in pixels, as 600")
    return int(value)


def _in_stock(fields: Fields, warn: Warn) -> bool:
    """Feeds write `in_stock` as well as `in stock`. Without any it is for sale; with both it is not."""
    found: dict[str, bool] = {}
    if fields.get("availability"):
        written = str(fields["availability"]).strip()
        known = _AVAILABLE.get(_SCHEMA_ORG.sub("", written).lower())
        if known is None:
            what = f"`availability` is `{written}`, write in_stock or out_of_stock"
            raise Unreadable(what, "preorder and backorder count as well")
        found["availability"] = known
    if (value := fields.get("in_stock")) not in (None, ""):
        if (truth := _TRUTHS.get(str(value).strip().lower())) is None:
            raise Unreadable("`in_stock` is neither true nor false", "write true or false")
        found["in_stock"] = truth
    if (count := fields.get("quantity")) not in (None, ""):
        try:
            found["quantity"] = float(count) > 0
        except (TypeError, ValueError, OverflowError):
            raise Unreadable(f"`quantity` is `{count}`", "write how many there are in digits") from None
    if len(set(found.values())) > 1:
        both = " and ".join(f"`{name}` {fields[name]}" for name in found)
        warn(f"it is and is not in stock: {both}", "make them agree; until then it is out of stock", Flaw.CONTRADICTORY)
    return all(found.values())


def _tags(fields: Fields) -> frozenset[str]:
    value = fields.get("tags") or []
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise Unreadable("`tags` is not a list of texts", 'write ["new", "eco"], or new, eco')
    return frozenset(tag.strip() for tag in value if tag.strip())
