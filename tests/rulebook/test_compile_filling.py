"""What filling a slot asks is found once, slot by slot."""

from __future__ import annotations

from proxy.rulebook.compile import Filling, Publication, load

SLOTS = b"slots: {home.hero: {}, home.row: {}, home.kept: {}}"
PRODUCTS = b'{"id": "B", "title": "B", "link": "/b"}'


def published(rules: str) -> Publication:
    files = {"a.rules.yaml": f"rules:\n{rules}".encode(), "slots.yaml": SLOTS, "products.jsonl": PRODUCTS}
    publication = load(files).publication
    assert publication is not None
    return publication


RULES = published(
    """
  - {name: Hello, slot: home.hero, show: {banner: {title: "Hello {first name|you}"}}}
  - {name: Chosen, slot: home.row, show: {products: {strategy: {chosen: B}}}}
  - {name: Seen, slot: home.kept, show: {products: {strategy: recently viewed}}}
  - {name: Sorted, listing: shoes, pin: [{product: B, at: 1}]}
"""
)


def test_fields_rows_and_lists_ask_each_their_own() -> None:
    assert RULES.filled_in(["home.hero"]) == Filling(frozenset({"first name"}))
    assert RULES.filled_in(["home.row"]) == Filling(has_rows=True)
    assert RULES.filled_in(["home.kept"]) == Filling(has_rows=True, follows=True)
    assert RULES.filled_in(["listing:shoes"]) == Filling(has_lists=True)
    assert RULES.filled_in(["nobody's"]) == Filling()


def test_several_slots_ask_all_that_each_asks() -> None:
    assert RULES.filled_in(["home.hero", "home.kept"]) == Filling(
        frozenset({"first name"}), has_rows=True, follows=True
    )
