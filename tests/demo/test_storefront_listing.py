from __future__ import annotations

import pytest

from proxy.demo.catalogue import load
from proxy.demo.storefront import Refinement, facets, refinement_of

SHOES = load().in_category("shoes")


@pytest.mark.parametrize(
    ("pairs", "query"),
    [
        ([], ""),
        ([("utm_source", "x"), ("sort", "sideways"), ("colour", "")], ""),
        ([("sort", "popular")], ""),
        ([("colour", "Red"), ("brand", "Larkmoor")], "?brand=larkmoor&colour=red"),
        ([("sort", "new"), ("colour", "red"), ("colour", "blue")], "?colour=blue&colour=red&sort=new"),
    ],
)
def test_there_is_one_way_to_write_a_refinement(pairs: list[tuple[str, str]], query: str) -> None:
    assert refinement_of(pairs).query == query


def test_values_of_one_name_widen_and_other_names_narrow() -> None:
    found = refinement_of([("colour", "red"), ("colour", "blue"), ("brand", "larkmoor")]).apply(SHOES)
    assert {(item.colour, item.brand) for item in found} == {("red", "Larkmoor")}
    both = refinement_of([("colour", "red"), ("colour", "blue")]).apply(SHOES)
    assert {item.colour for item in both} == {"red", "blue"}


@pytest.mark.parametrize(("band", "low", "high"), [("50-100", 50, 100), ("100-", 100, 10_000)])
def test_price_bands_hold_their_lower_end(band: str, low: float, high: float) -> None:
    found = refinement_of([("price", band)]).apply(SHOES)
    assert found
    assert all(low <= item.price < high for item in found)


def test_sorting() -> None:
    prices = [item.price for item in refinement_of([("sort", "price-up")]).apply(SHOES)]
    assert prices == sorted(prices)
    assert [item.price for item in refinement_of([("sort", "price-down")]).apply(SHOES)] == sorted(prices, reverse=True)
    news = ["new" in item.tags for item in refinement_of([("sort", "new")]).apply(SHOES)]
    assert news == sorted(news, reverse=True)
    assert refinement_of([]).apply(SHOES) == SHOES


def test_an_option_says_how_many_products_its_address_would_give() -> None:
    refinement = refinement_of([("brand", "northwind")])
    colours = next(facet for facet in facets(SHOES, refinement) if facet.name == "colour")
    assert colours.options
    for option in colours.options:
        assert option.query == f"?brand=northwind&colour={option.value}"
        assert len(refinement.toggled("colour", option.value).apply(SHOES)) == option.count


def test_a_chosen_option_leads_back_and_its_neighbours_stay_countable() -> None:
    refinement = refinement_of([("colour", "red")])
    colours = next(facet for facet in facets(SHOES, refinement) if facet.name == "colour")
    red = next(option for option in colours.options if option.value == "red")
    assert (red.is_chosen, red.query) == (True, "")
    assert len(colours.options) > 5


def test_what_was_searched_for_stays_in_the_address() -> None:
    refinement = refinement_of([("q", "hot dogs"), ("sort", "new")], (("q", "hot dogs"),))
    assert refinement.query == "?q=hot+dogs&sort=new"
    assert refinement.cleared() == Refinement(kept=(("q", "hot dogs"),))
