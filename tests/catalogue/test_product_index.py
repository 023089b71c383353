from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.catalogue.product_index import ProductIndex, is_within
from proxy.catalogue.products import Unreadable
from proxy.model import Product

TENT = Product("TENT", "Tent", "https://shop.example/p/T%C3%ABnt?x=1", "camping/tents", in_stock=True)

KNOWN = replace(TENT, price=9.0, currency="EUR")


def quiet(what: str, help: str, flaw: str) -> None:
    raise AssertionError(what)


def test_a_product_is_found_by_id_and_by_the_path_of_its_page() -> None:
    hub = ProductIndex([TENT])
    assert hub.get("TENT") is hub.at_path("/p/Tënt") is TENT
    assert hub.get("GONE") is None and hub.at_path("/") is None


def test_who_names_products_by_the_addresses_of_their_pages_means_their_ids() -> None:
    hub = ProductIndex([Product("a", "A", "https://shop.example/p/a-1/"), Product("b", "B", "/p/b")])
    assert list(hub.ids_of(["/p/a-1/", "https://shop.example/p/b?ref=list", "x/y", "/p/new"])) == [
        "a",
        "b",
        "x/y",
        "/p/new",
    ]
    assert list(hub.ids_of(["/p/b", "/p/b?again"])) == ["/p/b", "/p/b?again"]


def test_addresses_with_the_same_path_name_products_by_their_parameters() -> None:
    hub = ProductIndex([Product(id, "A", f"/index.php?route=product&id={id}") for id in ("7", "8")])
    assert list(hub.ids_of(["/index.php?id=8&route=product&list=2", "/index.php?route=product&id=7"])) == ["8", "7"]
    assert hub.at_link("/index.php?route=home") is hub.at_path("/index.php") is None
    hub.replace([Product("7", "A", "/p/7")])
    assert hub.at_link("/index.php?route=product&id=7") is None and hub.at_path("/p/7") is hub.get("7")


def test_a_product_whose_address_is_another_has_the_former_one_no_more() -> None:
    hub = ProductIndex()
    for number in range(9):
        hub.learn_page(Product("7", "Tent", f"/p?id=7&from={number}"))
    assert hub.at_link("/p?id=7&from=8") == hub.get("7")
    assert len(hub._addresses.by_parameters) == 1
    hub.change({"id": "7", "link": "/tent"}, quiet)
    hub.learn_page(Product("8", "Mat", "/p?id=8"))
    assert hub.at_link("/p?id=7&from=8") == hub.get("8")  # the only one left there
    assert hub.at_link("/tent") == hub.get("7")


def test_a_change_counts_at_once_and_is_counted() -> None:
    hub = ProductIndex([TENT])
    before = hub.version
    hub.change({"id": "TENT", "availability": "out_of_stock"}, quiet)
    found = hub.get("TENT")
    assert found and not found.in_stock and found.title == "Tent" and hub.version > before
    hub.change({"id": "MAT", "title": "Mat", "link": "/p/MAT"}, quiet)
    assert len(hub) == 2
    with pytest.raises(Unreadable):
        hub.change({"id": "HALF"}, quiet)


def test_what_pages_tell_fills_gaps_and_never_overrules_the_catalogue() -> None:
    hub = ProductIndex([TENT])
    assert not hub.learn_page(Product("TENT", "Wrong", "/x"))
    assert hub.get("TENT") is TENT
    assert hub.learn_page(Product("MAT", "Mat", "/p/MAT"))
    assert hub.learn_page(Product("MAT", "Mat, dearer", "/p/MAT"))
    assert not hub.learn_page(Product("MAT", "Mat, dearer", "/p/MAT"))
    hub.replace([TENT])
    assert hub.get("MAT") is not None
    hub.replace([TENT, Product("MAT", "Mat of the feed", "/p/MAT")])
    found = hub.get("MAT")
    assert found and found.title == "Mat of the feed"


def test_what_was_changed_by_hand_is_not_learnt_again() -> None:
    hub = ProductIndex()
    assert hub.has_no_catalogue and hub.learn_page(Product("MAT", "Mat", "/p/MAT")) and hub.has_no_catalogue
    hub.change({"id": "MAT", "availability": "out_of_stock"}, quiet)
    assert not hub.has_no_catalogue
    hub.learn_page(Product("MAT", "Mat", "/p/MAT"))
    hub.replace([])
    found = hub.get("MAT")
    assert found and not found.in_stock


def test_it_is_known_who_told_of_a_product() -> None:
    hub = ProductIndex([TENT])
    hub.learn_page(Product("MAT", "Mat", "/p/MAT"))
    assert [hub.source_of(id) for id in ("TENT", "MAT", "GONE")] == ["catalogue", "page", ""]
    hub.change({"id": "MAT", "availability": "out_of_stock"}, quiet)
    assert hub.source_of("MAT") == "change"


def test_a_page_tells_what_a_feed_does_not_and_nothing_else_counts() -> None:
    hub = ProductIndex(
        [replace(TENT, image="/tent.jpg"), Product("ROPE", "Rope", "/p/ROPE", image="/rope.jpg", image_width=9)]
    )
    page = Product("TENT", "Wrong", "/x", image="https://cdn.example/tent.jpg?v=2", image_width=600, image_height=400)
    assert hub.learn_page(page) and not hub.learn_page(page)
    assert not hub.learn_page(Product("ROPE", "Rope", "/p/ROPE", image="/other.jpg", image_width=600))
    expected = replace(TENT, image="/tent.jpg", image_width=600, image_height=400)
    assert hub.get("TENT") == expected and hub.page_data("TENT") is page and hub.source_of("TENT") == "catalogue"
    hub.replace([replace(TENT, image="/tent.jpg")])
    assert hub.get("TENT") == expected
    hub.replace([TENT])
    found = hub.get("TENT")
    assert found and found.image == page.image
    hub.change({"id": "TENT", "availability": "out_of_stock"}, quiet)
    hub.replace([TENT])
    found = hub.get("TENT")
    assert found and not found.in_stock and found.image_width == 600


def test_what_pages_told_first_is_kept_beside_a_feed_that_comes_later() -> None:
    hub = ProductIndex()
    hub.learn_page(Product("TENT", "Wrong", "/x", image="/tent.jpg", image_width=600, image_height=400))
    hub.replace([TENT])
    found = hub.get("TENT")
    assert found and (found.title, found.image_width, hub.source_of("TENT")) == ("Tent", 600, "catalogue")
    assert not hub.has_no_catalogue


def test_what_a_page_contradicts_is_known_until_it_agrees() -> None:
    hub = ProductIndex([KNOWN])
    dearer = Product("TENT", "Tent", "/x", price=12.0, currency="EUR")
    assert hub.learn_page(dearer) and hub.page_data("TENT") is dearer and hub.get("TENT") is KNOWN
    assert hub.learn_page(replace(dearer, price=9.0)) and hub.page_data("TENT") is None


def test_a_page_that_is_gone_takes_along_what_only_it_told() -> None:
    hub = ProductIndex([TENT])
    hub.learn_page(Product("MAT", "Mat", "/p/MAT"))
    assert hub.forget_page("MAT") and not hub.forget_page("MAT") and not hub.forget_page("TENT")
    assert hub.get("MAT") is None and hub.at_path("/p/MAT") is None and hub.get("TENT")
    assert hub.learn_page(Product("MAT", "Mat", "/p/MAT"))


def test_a_change_holds_until_the_catalogue_says_something_else() -> None:
    hub = ProductIndex([TENT])
    hub.change({"id": "TENT", "availability": "out_of_stock"}, quiet)
    hub.replace([TENT])
    found = hub.get("TENT")
    assert found and not found.in_stock
    hub.replace([replace(TENT, title="New tent")])
    found = hub.get("TENT")
    assert found and found.in_stock and found.title == "New tent"


def test_a_change_made_before_is_taken_in_where_nothing_was_said_since() -> None:
    first = ProductIndex([TENT])
    first.change({"id": "TENT", "availability": "out_of_stock"}, quiet)
    change = first.change_of("TENT")
    assert change is not None and first.change_of("MAT") is None
    same, other, changed = ProductIndex([TENT]), ProductIndex([replace(TENT, title="New tent")]), ProductIndex([TENT])
    changed.change({"id": "TENT", "price": 9.0}, quiet)
    for hub in (same, other, changed):
        hub.reapply_change(*change)
    assert [hub.get("TENT").in_stock for hub in (same, other, changed)] == [False, True, True]  # type: ignore[union-attr]
    assert same.source_of("TENT") == "change"


@pytest.mark.parametrize(
    ("category", "wanted", "within"),
    [
        ("shoes/trail", "shoes", True),
        ("shoes", "shoes", True),
        ("shoeboxes", "shoes", False),
        ("shoes", "shoes/trail", False),
    ],
)
def test_a_category_holds_those_below_it(category: str, wanted: str, within: bool) -> None:
    assert is_within(category, wanted) is within
