from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.wire.large_shop import catalogue, likes, published
from tests.wire.programs import answered, bearer, post
from tests.wire.served import Served
from tests.wire.site import NOON

NOBODY = "http://127.0.0.1:1"
SERVER, BROWSER = "a-key-of-a-server-long-enough", "a-browsers"
KEYS = (f"search:server:{SERVER}", f"app:public:{BROWSER}")
RULES = published(
    """
rules:
  - name: What they like first
    listing: search
    when:
      search term: [tent, boots]
    boost:
      - affinity: brand
        by: a lot
    pin: {product: SKU-9, at: 1}
  - name: In stock first
    listing: sale
    when:
      page: starts with /sale
    bury: {tag: end of line}
""",
    catalogue(60),
)
RANK = b"/_tb/rank"
PRODUCTS = [f"SKU-{n}" for n in range(30)]
ASKED = {"products": PRODUCTS, "listing": "search", "query": "tent"}


async def test_a_visitor_gets_the_order_of_the_lists_rule_with_why() -> None:
    async with Served(NOBODY, publication=RULES) as served:
        served.site.profiles.remember("anna", likes("anna", 7), NOON)
        got = await answered(served, RANK, ASKED, served.site.visitor("anna"))
        assert sorted(got["products"]) == sorted(PRODUCTS) and got["rule"] == "What they like first"
        assert got["products"].index("SKU-7") == 1  # ten places up by their favourite brand, below the pin
        moved = {move["product"]: move for move in got["moved"]}
        assert moved["SKU-9"] == {"product": "SKU-9", "was": 10, "now": 1, "why": ["pinned at 1"]}
        assert moved["SKU-7"] == {"product": "SKU-7", "was": 8, "now": 2, "why": ["+10 places by affinity brand"]}
        assert "SKU-1" not in moved and got["products"].index("SKU-1") == 3  # it made room


async def test_a_server_names_another_visitor_and_nobody_else_may() -> None:
    async with Served(NOBODY, publication=RULES, write_keys=KEYS) as served:
        for name, brand in (("anna", 7), ("ben", 3)):
            served.site.profiles.remember(name, likes(name, brand), NOON)
        of_anna = {**ASKED, "visitor": "anna"}
        got = await answered(served, RANK, of_anna, bearer(SERVER), served.site.visitor("ben"))
        assert got == await answered(served, RANK, ASKED, served.site.visitor("anna"))
        assert got != await answered(served, RANK, ASKED, served.site.visitor("ben"))
        statuses = [(await post(served, RANK, of_anna, *by)).status for by in ([], [bearer("guessed")])]
        assert statuses == [401, 401]
        assert "Bearer KEY" in json.loads((await post(served, RANK, of_anna)).body)["help"]


@pytest.mark.parametrize(
    "changes",
    [
        {"query": "stove"},
        {"listing": "no such list"},
        {"page": "/search?sort=price"},
        {"page": "/search?sortBy=price"},
        {"listing": "sale"},
    ],
    ids=["another search", "no such list", "sorted by the visitor", "sorted by another word", "another page"],
)
async def test_where_no_rule_arranges_the_list_it_stays_as_it_came(changes: dict[str, str]) -> None:
    async with Served(NOBODY, publication=RULES) as served:
        assert await answered(served, RANK, {**ASKED, **changes}) == {
            "products": PRODUCTS,
            "rule": "",
            "variant": "",
            "held_out": "",
            "moved": [],
        }


async def test_who_is_held_out_of_the_lists_rule_is_told_so_that_results_may_hear_of_it() -> None:
    rules = published(
        "rules: [{name: Pin, listing: search, holdout: 50%, pin: {product: SKU-9, at: 1}}]", catalogue(60)
    )
    async with Served(NOBODY, publication=rules) as served:
        told = [await answered(served, RANK, ASKED, served.site.visitor(f"visitor{number}")) for number in range(20)]
    groups = {(one["rule"], one["held_out"], one["variant"], one["products"][0]) for one in told}
    assert groups == {("Pin", "", "Pin", "SKU-9"), ("", "Pin", "held out", "SKU-0")}


async def test_an_experiment_names_its_arm_where_the_list_would_stand_otherwise_in_another() -> None:
    rules = published(
        """
experiments:
  - name: Pin
    listing: search
    variants: [{name: control, show: nothing new}, {name: pinned, pin: {product: SKU-9, at: 1}}]
""",
        catalogue(60),
    )
    async with Served(NOBODY, publication=rules) as served:
        for products, variants in (
            (PRODUCTS, {("Pin / control", "SKU-0"), ("Pin / pinned", "SKU-9")}),
            (PRODUCTS[:9], {("", "SKU-0")}),
            (["SKU-9", *PRODUCTS[:9]], {("", "SKU-9")}),
        ):
            asked = {**ASKED, "products": products}
            told = [await answered(served, RANK, asked, served.site.visitor(f"visitor{n}")) for n in range(20)]
            assert {one["rule"] for one in told} == {"Pin"}
            assert {(one["variant"], one["products"][0]) for one in told} == variants


async def test_the_page_of_the_list_and_its_parameters_count() -> None:
    async with Served(NOBODY, publication=RULES) as served:
        assert (await answered(served, RANK, {**ASKED, "listing": "sale", "page": "/sale?size=é"}))[
            "rule"
        ] == "In stock first"


async def test_products_that_the_catalogue_does_not_know_keep_about_their_place() -> None:
    async with Served(NOBODY, publication=RULES) as served:
        got = await answered(served, RANK, {**ASKED, "products": ["unknown", "SKU-1", "SKU-9"]})
        assert got["products"] == ["SKU-9", "unknown", "SKU-1"]
        assert (await answered(served, RANK, {**ASKED, "products": []}))["products"] == []


async def test_when_deciding_fails_the_order_is_the_one_that_came() -> None:
    async with Served(NOBODY, publication=RULES) as served:
        served.site.profiles.remember("anna", replace(likes("anna", 7), history=(None,)), NOON)  # nothing can read that
        got = await answered(served, RANK, ASKED, served.site.visitor("anna"))
        assert got == {"products": PRODUCTS, "rule": "", "variant": "", "held_out": "", "moved": []}
        assert served.site.metrics.get("tailorbird_decide_errors_total") == 1


@pytest.mark.parametrize(
    ("what", "status", "says"),
    [
        (b"{", 400, "cannot be read"),
        ({"listing": "search"}, 400, "products"),
        ({"products": "SKU-1", "listing": "search"}, 400, "$.products"),
        ({"products": ["A", "A"], "listing": "search"}, 400, "`A` stands twice"),
        ({"products": ["A" * 65], "listing": "search"}, 400, "length <= 64"),
        ({"products": [f"{n}" for n in range(1_001)], "listing": "search"}, 400, "length <= 1000"),
        ({"products": [], "listing": "search", "visitors": "anna"}, 400, "visitors"),
        ({"products": [], "listing": "search", "page": "sale"}, 400, "a path"),
        (b"[" + b"1," * 70_000, 413, "131072 bytes"),
    ],
)
async def test_what_makes_no_sense_is_told_with_how_to_mend_it(what: object, status: int, says: str) -> None:
    async with Served(NOBODY, publication=RULES) as served:
        heard = await post(served, RANK, what)
        assert heard.status == status
        assert says in json.loads(heard.body)["error"]


async def test_lists_are_sent_by_post() -> None:
    async with Served(NOBODY, publication=RULES) as served:
        assert (await served.get(b"/_tb/rank")).status == 405
