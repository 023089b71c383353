"""A shop of many products with a past, and pages that show a row, a list or a banner, for the bars about them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

from proxy.catalogue.shop import Shop
from proxy.conditions.behaviours import VIEWED
from proxy.model import Event, Item, Product, Profile
from proxy.rulebook.compile import Publication, load
from tests.wire.origin import Script, always, by_path, ok
from tests.wire.site import NOON, SHARED

CLICK_SECONDS = 20.0


def catalogue(count: int) -> list[Product]:
    """Products of forty brands and two hundred categories."""
    return [
        Product(
            f"SKU-{n}", f"Product number {n}", f"/p/SKU-{n}", f"department{n % 20}/shelf{n % 200}", f"Brand {n % 40}",
            float(1 + n % 200), "EUR", f"/img/SKU-{n}.jpg", 600, 600, in_stock=n % 10 > 0, popularity=float(count - n),
        )
        for n in range(count)
    ]  # fmt: skip


def with_visits(shop: Shop, count: int, products: int) -> None:
    """Visits that stay within a neighbourhood, as real ones do."""
    dice = random.Random(1)
    for number in range(count):
        near = dice.randrange(products)
        visit = [f"SKU-{(near + int(dice.gauss(0, 8))) % products}" for _ in range(dice.randrange(2, 8))]
        shop.covisits.add_visit(visit, NOON - 86_400.0, number)


def looked(product: str, at: float, number: int) -> Event:
    """A look at a product's page."""
    n = int(product.removeprefix("SKU-"))
    item = Item(product, f"department{n % 20}/shelf{n % 200}", f"Brand {n % 40}")
    return Event(at, f"{number:08}", VIEWED, items=(item,))


def likes(visitor: str, brand: int) -> Profile:
    """Who looked at four products of a brand and at one of another."""
    products = [brand + 40 * n for n in range(4)] + [(brand + 1) % 40]
    history = tuple(looked(f"SKU-{n}", NOON - 600 + k, k) for k, n in enumerate(products))
    return Profile(visitor, history=history, updated_at=NOON)


def page(middle: str) -> bytes:
    """Some 40 KB of shop around it."""
    filler = "".join(f"<p>Paragraph {n} of the shop's own words, which nobody changes.</p>\n" for n in range(300))
    head = "<!doctype html>\n<html><head><title>A shop</title></head><body>\n"
    return f"{head}{filler}{middle}\n{filler}</body></html>".encode()


def cards(count: int) -> Iterator[str]:
    """A listing's own cards."""
    for n in range(count):
        yield (
            f'<li class="card" data-product="SKU-{n}"><a href="/p/SKU-{n}"><img src="/img/SKU-{n}.svg" width="300" '
            f'height="300" alt=""><h3>Product number {n}</h3></a><p class="price">€{1 + n % 200}.00</p></li>'
        )


def origin(pages: Mapping[bytes, bytes]) -> Script:
    """An origin with these pages, all for everybody."""
    kind = b"content-type: application/json"
    heads = {path: [kind, *SHARED[1:]] if body.startswith(b"{") else SHARED for path, body in pages.items()}
    return by_path({path: ok(body, *heads[path]) for path, body in pages.items()}) if pages else always(ok())


def published(rules: str, products: list[Product], listings: str = "") -> Publication:
    """The publication of a rule file over this catalogue; `listings` are those of its `slots.yaml`."""
    slots = f"slots:\n  home.row: {{}}\n  home.hero: {{}}\n{listings and f'listings: {listings}'}\n"
    files = {"a.rules.yaml": rules.encode(), "slots.yaml": slots.encode()}
    loaded = load(files, catalogue=products)
    assert loaded.publication is not None, loaded.findings
    return loaded.publication
