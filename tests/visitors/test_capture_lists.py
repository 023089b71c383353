"""What is compared in a list is met where it makes a difference."""

from __future__ import annotations

from pathlib import Path

from tests.visitors.test_capture import HTML, OPENED, PRIVATE, log
from tests.wire.behind import Behind
from tests.wire.origin import Origin, by_path, ok

CARDS = b'<html><body><ul data-list="search">%s</ul></body></html>'


TRIED = """version: 1
experiments:
  - name: C first
    listing: search
    variants: [{name: control, show: nothing new}, {name: pinned, pin: {product: C, at: 1}}]
rules:
  - {name: D first, listing: sale, holdout: 50%, pin: {product: D, at: 1}}
"""


def list_of(products: str, name: bytes = b"search") -> bytes:
    cards = "".join(f'<li data-product="{id}">{id}</li>' for id in products).encode()
    return (CARDS % cards).replace(b"search", name)


async def test_what_is_compared_in_a_list_is_met_only_where_the_list_would_stand_otherwise(tmp_path: Path) -> None:
    pages = {
        b"/all": ok(list_of("ABC"), *HTML),
        b"/none": ok(list_of("ABD"), *HTML),
        b"/own": ok(list_of("ABC"), *PRIVATE),
        b"/sale": ok(list_of("ABD", b"sale"), *HTML),
        b"/sold": ok(list_of("ABC", b"sale"), *HTML),
    }
    visitors = [f"v{number}" for number in range(8)]
    async with Origin(by_path(pages)) as origin, Behind(origin.url, {"a.rules.yaml": TRIED}, tmp_path) as shop:
        for _ in range(2):  # the second time from memory
            for path in ("/all", "/all?sort=price", "/none", "/own", "/sale", "/sold"):
                for visitor in visitors:
                    await shop.client.get(path, headers={**OPENED, **shop.cookies_of(visitor)})
        views = await log(shop, 6 * 2 * len(visitors))
    met: dict[str, dict[str, set[str]]] = {}
    for view in views:
        choices = {f"{name}: {said}" for name, said in view.details.items() if name.startswith(("slot ", "held out "))}
        met.setdefault(view.event.subject, {}).setdefault(view.visitor_id, set()).add("; ".join(choices))
    pinned, control = "slot listing:search: C first / pinned", "slot listing:search: C first / control"
    assert all(one == {""} for one in met["/none"].values())
    assert all(one == {""} for one in met["/sold"].values())
    assert all("" in one and len(one) == 2 for one in met["/all"].values()), "once sorted by the visitor, once not"
    arms = {visitor: one - {""} for visitor, one in met["/all"].items()}
    assert {frozenset(arm) for arm in arms.values()} == {frozenset({pinned}), frozenset({control})}
    assert arms == met["/own"], "the same arm on every page"
    held_out, shown = "held out listing:sale: D first", "slot listing:sale: D first"
    assert {frozenset(one) for one in met["/sale"].values()} == {frozenset({held_out}), frozenset({shown})}
