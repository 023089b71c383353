"""`tailorbird why`, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from proxy.cli import tailorbird
from proxy.model import Profile, Standing
from tests.cli.desk import done

RULES = """\
version: 1
timezone: Europe/Oslo
segments:
  Regulars:
    when: {orders: at least 3}
rules:
  - name: Early access
    slot: home.hero
    priority: high
    from: 2026-11-25 08:00
    until: 2026-11-28 00:00
    when:
      segment: Regulars
      country: [NO, NL]
    show:
      banner: {title: You first}
  - name: Boots found
    slot: home.hero
    when:
      search term: contains boots
      refinement: {size: any}
      language: nl
      device: phone
    show:
      banner: {title: Boots}
  - name: Welcome
    slot: all.topbar
    show:
      banner: {title: Hello}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "home.rules.yaml").write_text(RULES)
    (tmp_path / "rules" / "attributes.yaml").write_text("attributes:\n  orders: number\n  interests: set\n")
    (tmp_path / "rules" / "slots.yaml").write_text(
        "slots:\n  home.hero: {page: /*}\n  all.topbar: {}\n  row: {page: /cart}\n"
    )
    return tmp_path / "rules"


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(tailorbird, ["why", *arguments, "--rules", str(folder)], catch_exceptions=False)
    return result.exit_code, result.output


def verdicts(folder: Path, *arguments: str) -> dict[str, str]:
    code, output = run(folder, *arguments, "--format", "json")
    assert code == 0
    return {rule["name"]: rule["verdict"] for story in json.loads(output) for rule in story["rules"]}


def test_every_rule_of_every_slot_is_reported_with_facts_and_distances(folder: Path) -> None:
    code, output = run(folder, "/", "--country", "no", "--at", "2026-11-25T12:00", "--set", "orders=2")
    assert code == 0
    assert "home.hero on / for an anonymous visitor at 25 Nov 12:00:00 Europe/Oslo" in output
    assert "✘ not            Early access                                             priority high" in output
    assert "     ✔ 25 Nov 08:00 – 28 Nov 00:00  (25 Nov 12:00)\n" in output
    assert "          ✘ Regulars: orders: at least 3  (ordered 2 of 3 times, 1 more order needed)\n" in output
    assert "     ✔ country: NO, NL  (NO)\n" in output
    assert "✔ SHOWN          Welcome" in output


def test_what_is_shown_follows_the_options(folder: Path) -> None:
    early = ("--segment", "Regulars", "--country", "NO", "--at", "2026-11-25T12:00")
    assert verdicts(folder, "/", *early)["Early access"] == "shown"
    assert verdicts(folder, "/", *early[:-1], "2026-11-25T07:59")["Early access"] == "not"
    assert verdicts(folder, "/", *early[:-1], "2026-11-25T07:00Z")["Early access"] == "shown"
    assert verdicts(folder, "/", *early[2:], "--set", "orders=3")["Early access"] == "shown"
    boots = ("https://shop.example/c?q=red+boots&size=40", "--language", "nl-BE", "--device", "phone")
    assert verdicts(folder, *boots)["Boots found"] == "shown"


def test_slots_of_other_pages_are_left_out_unless_picked(folder: Path) -> None:
    rules = "rules:\n  - {name: Gift, slot: row, show: nothing new}\n"
    (folder / "row.rules.yaml").write_text(rules)
    assert "Gift" not in verdicts(folder, "/")
    assert "Gift" in verdicts(folder, "/cart")
    assert list(verdicts(folder, "/", "--slot", "row")) == ["Gift"]
    (folder / "home.rules.yaml").unlink()
    assert run(folder, "/") == (0, "no rule shows anything on this page\n")


def test_a_visitors_profile_is_read_from_the_store(folder: Path) -> None:
    url = f"sqlite:{folder.parent}/profiles.db"
    done(url, lambda at: at.store.put_profiles([Profile("anna", {"orders": 5.0})]))
    asked = ("/", "--store", url, "--country", "NL", "--at", "2026-11-26")
    assert verdicts(folder, *asked, "--visitor", "anna")["Early access"] == "shown"
    code, output = run(folder, *asked, "--visitor", "nobody")
    assert code == 0 and "the store has no profile of `nobody`" in output


def test_since_when_a_visitor_is_in_what_others_are_told_of_is_said(folder: Path) -> None:
    url = f"sqlite:{folder.parent}/since.db"
    standing = Standing("anna", {"cdp": {"VIP": 1_795_435_200.0}})
    done(
        url,
        lambda at: at.store.put_profiles([Profile("anna", {"orders": 4.0})]),
        lambda at: at.outbox.lead("me", 1_795_435_200.0, 60.0),
        lambda at: at.outbox.put("me", [standing], [], None, 1_795_435_200.0),
    )
    code, output = run(folder, "/", "--visitor", "anna", "--store", url)
    assert code == 0 and output.endswith("in VIP since 2026-11-23 12:00 UTC\n")
    assert "since 2026-11-23" not in run(folder, "/", "--visitor", "anna", "--store", url, "--format", "json")[1]


def test_a_store_that_is_not_there_is_reported_and_not_made(folder: Path) -> None:
    url = f"sqlite:{folder.parent}/none.db"
    code, output = run(folder, "/", "--visitor", "anna", "--store", url)
    assert code == 1 and f"there is no store `{url}`" in output
    assert not (folder.parent / "none.db").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("/", "--at", "noon"), "`noon` is not a time"),
        (("shoes",), "`shoes` is not a page"),
        (("/", "--set", "orders"), "`orders` is not NAME=VALUE"),
        (("http://[shop/",), "`http://[shop/` is not a page"),
        (("/", "--at", "0001-01-01"), "`0001-01-01` is not a time"),
        (("/", "--slot", "home.heroo"), 'no rule is for `home.heroo`; did you mean "home.hero"?'),
        (("/", "--country", "UK"), "`UK` is not the two letters of a country"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(folder: Path, arguments: tuple[str, ...], says: str) -> None:
    code, output = run(folder, *arguments)
    assert code == 2 and says in output


def test_amounts_truths_texts_and_sets_can_be_said(folder: Path) -> None:
    (folder / "more.rules.yaml").write_text(
        "rules:\n  - {name: Hikers, slot: row, when: {interests: hiking, orders: exactly 1}, show: nothing new}\n"
    )
    hiker = ("/cart", "--set", "interests=running", "--set", "interests=hiking", "--set", "orders=1")
    assert verdicts(folder, *hiker)["Hikers"] == "shown"
    assert verdicts(folder, *hiker[:3], *hiker[5:])["Hikers"] == "not"


def test_a_folder_with_problems_prints_them_and_exits_1(folder: Path) -> None:
    (folder / "home.rules.yaml").write_text(RULES.replace("priority", "priorty"))
    code, output = run(folder, "/")
    assert code == 1 and 'R101 I do not know "priorty" in a rule' in output


LISTING = """\
rules:
  - name: Own brand first
    listing: search
    when: {search term: trail}
    boost: {brand: Northwind, by: 2 places}
    pin:
      - {product: D, at: 1}
      - {product: E, at: 2}
"""
SLOTS = "listings:\n  search: {page: /api/search, json: $.hits, product: sku}\n"
HTML = "<ul data-list=search>" + "".join(f"<li data-product={id}>{id}</li>" for id in "ABCDX") + "</ul>"
JSON = '{"hits": [' + ", ".join(f'{{"sku": "{id}"}}' for id in "ABCDX") + "]}"
PRODUCTS = [
    {"id": id, "title": f"Shoe {id}", "link": f"/p/{id}", "brand": "Northwind" if id == "C" else "Other"}
    for id in "ABCDE"
]


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    (tmp_path / "home.rules.yaml").write_text(LISTING)
    (tmp_path / "slots.yaml").write_text(SLOTS)
    (tmp_path / "products.jsonl").write_text("\n".join(map(json.dumps, PRODUCTS)))
    return tmp_path


@pytest.mark.parametrize(("url", "page"), [("/search?q=trail", HTML), ("/api/search?q=trail", JSON)])
def test_where_each_card_of_a_page_goes_is_reported(url: str, page: str, lists: Path) -> None:
    (lists / "page").write_text(page)
    code, output = run(lists, url, "--page", str(lists / "page"))
    assert code == 0 and "✔ SHOWN          Own brand first" in output
    assert output.splitlines()[-5:] == [
        "  · D  Shoe D: 4 → 1, pinned at 1",
        "  · C  Shoe C: 3 → 2, +2 places by brand northwind",
        "  · 2 made room for others, 1 stay where the shop has them",
        "  · 1 of 5 are not in the catalogue, so only their ids count: X",
        "  · E is pinned at 2, but not in this list",
    ]
    code, output = run(lists, f"{url}&sort=price", "--page", str(lists / "page"))
    assert "the shop's own order, for the visitor has sorted the list themselves" in output


@pytest.mark.parametrize(
    ("url", "page", "says"),
    [
        ("/search", HTML.replace("data-product=B", "data-product=A"), "has one product twice in `listing:search`"),
        ("/api/search", JSON.replace("]", ""), "is no JSON that can be read"),
        ("/search", "<p>nothing</p>", "the page has no list that a rule or slots.yaml names"),
    ],
)
def test_why_a_list_stays_as_it_came_is_reported(url: str, page: str, says: str, lists: Path) -> None:
    (lists / "page").write_text(page)
    code, output = run(lists, url, "--page", str(lists / "page"))
    assert code == 0 and says in output


ROW = """version: 1
timezone: Europe/Oslo
rules:
  - name: Goes with the cart
    slot: row
    show:
      products: {strategy: {bought together with: products in cart}}
"""


def test_what_goes_with_a_cart_is_asked_by_saying_what_lies_in_it(lists: Path) -> None:
    (lists / "a.rules.yaml").write_text(ROW)
    (lists / "slots.yaml").write_text("slots: {row: {page: /cart}}")
    orders = [f"{n},{product}" for n in range(3) for product in ("A", "B")]
    (lists / "orders.csv").write_text("\n".join(["order_id,product_id", *orders]))
    for said in ("cart=A", "products in cart=A", "added to cart = A, D"):
        told = run(lists, "/cart", "--set", said)[1]
        assert "B  Shoe B: 3 of 3 buyers of Shoe A also bought it" in told and "no rule asks" not in told
    result = CliRunner().invoke(tailorbird, ["why", "/cart", "--rules", str(lists), "--set", "cart=a"])
    assert (
        result.exit_code == 2
        and "there is no product `a`; products are said by their ids: cart: SKU-1042, BUN-4" in result.output
    )


def test_what_a_server_learnt_is_not_in_a_rule_folder_and_that_is_said(lists: Path, tmp_path: Path) -> None:
    (lists / "a.rules.yaml").write_text(ROW)
    (lists / "slots.yaml").write_text("slots: {row: {page: /cart}}")
    url = f"sqlite:{tmp_path / 'a.db'}"
    done(url, lambda places: places.store.put_profiles([Profile("anna")]))
    for more, is_said in ((("--store", url), True), ((), False)):
        assert ("the studio's Why? knows what the server learnt" in run(lists, "/cart", *more)[1]) is is_said
