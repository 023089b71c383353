from __future__ import annotations

from proxy.catalogue.page_addresses import MOST_COMBINATIONS, MOST_NAMES, PageAddresses
from proxy.model import Product

TENT = Product("7", "Tent", "/index.php?route=product&id=7&utm_source=feed")
MAT = Product("8", "Mat", "https://shop.example/index.php?id=8&route=product")
CUP = Product("9", "Cup", "/p/cup?utm_source=feed")


def at(addresses: PageAddresses, path: str, **parameters: str) -> str:
    return addresses.at(path, lambda name: parameters.get(name, ""))


def test_parameters_tell_products_with_the_same_path_apart() -> None:
    addresses = PageAddresses.of([TENT, MAT, CUP])
    assert at(addresses, "/index.php", route="product", id="7", language="en") == "7"
    assert addresses.of_link("/index.php?id=8&route=product#reviews") == "8"
    assert addresses.telling() == {"route", "id"}


def test_a_page_that_none_of_them_has_is_no_products() -> None:
    addresses = PageAddresses.of([TENT, MAT, CUP])
    assert at(addresses, "/index.php") == at(addresses, "/index.php", route="cart") == ""
    assert at(addresses, "/index.php", route="review", id="7") == addresses.of_link("/index.php?id=10") == ""


def test_one_products_path_is_enough() -> None:
    addresses = PageAddresses.of([CUP, Product("5", "Pan", "/p/pan?colour=red")])
    assert at(addresses, "/p/cup") == addresses.of_link("/p/cup?from=mail") == "9"
    assert at(addresses, "/p/pan") == at(addresses, "/p/pan", colour="blue") == "5"
    assert not addresses.telling()


def test_an_address_that_names_no_variant_is_the_last_variants() -> None:
    red, blue = (Product(id, "Pan", f"/p/pan?variant={id}", group="pan") for id in ("red", "blue"))
    addresses = PageAddresses.of([red, blue])
    assert at(addresses, "/p/pan") == at(addresses, "/p/pan", variant="blue") == "blue"
    assert at(addresses, "/p/pan", variant="red") == "red"


def test_a_product_that_is_gone_has_no_page_and_leaves_others_theirs() -> None:
    addresses = PageAddresses.of([TENT, MAT, CUP])
    copy = addresses.copy()
    for product in (TENT, CUP, Product("6", "Another", MAT.link)):
        addresses.remove(product)
    assert addresses.of_link(TENT.link) == addresses.of_link(CUP.link) == "" and addresses.of_link(MAT.link) == "8"
    assert copy.of_link(TENT.link) == "7"
    alone = PageAddresses.of([TENT])
    alone.remove(TENT)
    assert at(alone, "/index.php") == ""


def test_names_that_somebody_makes_up_do_not_grow_without_end() -> None:
    made_up = [Product(str(number), "Tent", f"/p?made{number}=up") for number in range(3 * MOST_COMBINATIONS)]
    long = Product("9", "Tent", "/q?" + "&".join(f"made{number}=up" for number in range(MOST_NAMES + 1)))
    addresses = PageAddresses.of([*made_up, long])
    assert at(addresses, "/p", made0="up") == "0"
    assert len(addresses.names["/p"]) == len(addresses.by_parameters) == MOST_COMBINATIONS
