from __future__ import annotations

from dataclasses import dataclass

import msgspec
import pytest

from proxy.catalogue.product_index import ProductIndex
from proxy.http.message import Request
from proxy.metrics import Decided
from proxy.model import LONGEST_SUBJECT, Decision, Item, Product
from proxy.page.page_subject import NO_SUBJECT, PageSubject
from proxy.stores.packed_views import packed_part, packed_words
from proxy.visitors.view_content import (
    DEVICES,
    MOST_REFINEMENTS,
    ViewContent,
    banners_of,
    view_content_of,
)

CHROME = b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
DESKTOP = DEVICES.index("desktop")
OPENED = {b"user-agent": CHROME, b"sec-fetch-dest": b"document"}
SHOES = PageSubject(listing="shoes")


def told(
    path: bytes = b"/", query: bytes = b"", about: PageSubject = NO_SUBJECT, **fields: bytes
) -> ViewContent | None:
    sent = OPENED | {name.replace("_", "-").encode(): value for name, value in fields.items()}
    return view_content_of(Request(b"GET", path, query, b"shop.example", tuple(sent.items())), about, ProductIndex())


@pytest.mark.parametrize(
    ("path", "query", "about", "others"),
    [
        (b"/", b"", NO_SUBJECT, ()),
        (b"/p", b"", PageSubject(product=Item("a")), ()),
        (b"/c", b"", SHOES, (("list viewed", "shoes"),)),
        (b"/c", b"colour=red&page=2&utm_source=x", SHOES, (("list viewed", "shoes"), ("list filtered", "colour:red"))),
        (b"/s", b"q=trail+shoes&size=40", NO_SUBJECT, (("searched", "trail shoes"), ("list filtered", "size:40"))),
        (b"/s", b"q=shoes", SHOES, (("searched", "shoes"),)),
        (b"/", b"colour=red", NO_SUBJECT, ()),
    ],
)
def test_a_page_tells_what_it_and_its_address_say(
    path: bytes, query: bytes, about: PageSubject, others: tuple[tuple[str, str], ...]
) -> None:
    assert told(path, query, about) == ViewContent(path.decode(), {}, others, about.product, DESKTOP)


@pytest.mark.parametrize(("query", "product"), [(b"route=product&id=7", "7"), (b"route=checkout/cart", ""), (b"", "")])
def test_parameters_tell_whose_page_it_is_where_products_have_one_path(query: bytes, product: str) -> None:
    hub = ProductIndex([Product(id, "A", f"/index.php?route=product&id={id}") for id in ("7", "8")])
    request = Request(b"GET", b"/index.php", query, b"shop.example", tuple(OPENED.items()))
    found = view_content_of(request, NO_SUBJECT, hub)
    assert found and (found.product.product if found.product else "") == product


def test_a_page_tells_where_one_came_from() -> None:
    found = told(b"/%C3%A9", b"utm_campaign=spring", referer=b"https://www.search.example/x")
    assert found == ViewContent("/é", {"referrer": "search.example", "campaign": "spring"}, device=DESKTOP)
    assert told(referer=b"https://shop.example/c") == ViewContent("/", {}, device=DESKTOP)


@pytest.mark.parametrize(
    ("fields", "device"),
    [
        ({}, "desktop"),
        ({"sec_ch_ua_mobile": b"?1"}, "phone"),
        ({"user_agent": b"Mozilla/5.0 (iPad; CPU OS 12_0)"}, "tablet"),
    ],
)
def test_a_page_tells_on_what_kind_of_device_it_is_seen(fields: dict[str, bytes], device: str) -> None:
    found = told(**fields)
    assert found is not None and DEVICES[found.device] == device


@pytest.mark.parametrize(
    "fields", [{"user_agent": b"Googlebot/2.1"}, {"sec_purpose": b"prefetch"}, {"sec_fetch_dest": b"iframe"}]
)
def test_what_nobody_opens_to_look_at_tells_nothing(fields: dict[str, bytes]) -> None:
    assert told(**fields) is None


def test_nothing_told_is_longer_or_more_than_it_may_be() -> None:
    query = b"&".join(b"%d=%s" % (number, b"x" * 300) for number in range(MOST_REFINEMENTS + 3))
    found = told(b"/" + b"p" * 300, query, PageSubject(listing="l" * 300))
    assert found is not None
    assert len(found.page) == LONGEST_SUBJECT and len(found.other_events) == 1 + MOST_REFINEMENTS
    assert {len(subject) for _, subject in found.other_events} == {LONGEST_SUBJECT}


@dataclass
class Page:
    decided: Decided
    view_cache: object = None


def test_a_banners_rule_is_told_with_its_whole_name_in_any_script() -> None:
    name = "แ" * LONGEST_SUBJECT
    banners = banners_of(Page(Decided.by((Decision("hero", name, rule=name, detail="rule"),))))
    assert msgspec.msgpack.decode(banners.shown) == [name]  # or a limit would never be reached


def test_a_view_says_what_chance_chose_also_where_the_page_stays_as_it_is() -> None:
    decisions = (
        Decision("hero", "Sale", rule="Sale", detail="rule"),
        Decision("bar", "Bar / new", rule="Bar", detail="arm", arm="new"),
        Decision("top", "", rule="Top", detail="arm", arm="control"),
        Decision("side", detail="holdout", withheld="Side"),
        Decision("foot", detail="capped", withheld="Foot"),
        Decision("end", "", rule="End", detail="nothing new"),
        Decision("none"),
        Decision("tailorbird.toolbar", "Toolbar", rule="Toolbar", detail="rule"),
    )
    done = Page(Decided.by(decisions))
    banners = banners_of(done)
    assert banners.variants == {
        "slot hero": "Sale", "slot bar": "Bar / new", "slot top": "Top / control", "held out side": "Side",
    }  # fmt: skip
    assert msgspec.msgpack.decode(banners.shown) == ["Sale", "Bar"]  # what counts for limits
    assert banners_of(done) is banners
    on_phone = {**banners.variants, "device": "phone"}
    assert banners.words_on(1) == banners.words[1] == packed_words(banners.shown, packed_part(on_phone))
    assert banners.words_on(0) == packed_words(banners.shown, packed_part(banners.variants))
