"""What is asked of the shop, in order, and what comes of the answers; without a shop."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count

import pytest

from proxy.doctor.examination import Examination, examine
from proxy.doctor.fetched import FetchedPage
from proxy.doctor.shop_client import ShopClient
from proxy.rulebook.check import Checked, check
from proxy.settings import Settings
from tests.doctor.test_checkup import HEALTHY

SAYS_NOTHING = replace(HEALTHY, headers=((b"content-type", b"text/html"), (b"content-length", b"62")))
WALL = replace(
    HEALTHY, status=307, headers=((b"location", b"/dk"), (b"set-cookie", b"id=1"), (b"content-length", b"0"))
)


@dataclass(frozen=True)
class Shop(ShopClient):
    """A shop that answers by a function, of the cookies; `asked` notes the cookies and further fields of each page."""

    answer: Callable[[str], FetchedPage] = lambda cookies: HEALTHY
    asked: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    def page(self, cookies: str = "", fields: Mapping[str, str] | None = None) -> FetchedPage:
        self.asked.append((cookies, tuple(fields or ())))
        return self.answer(cookies)


def shop_of(answer: Callable[[str], FetchedPage], path: str = "/") -> Shop:
    return Shop("https://shop.example" + path, Settings(), answer=answer)


def setting(page: FetchedPage, *cookies: bytes) -> FetchedPage:
    return replace(page, headers=(*page.headers, *((b"set-cookie", cookie) for cookie in cookies)))


def with_text(page: FetchedPage, text: str) -> FetchedPage:
    return replace(page, body=page.body + f"<p>{text}</p>".encode())


def told(found: Examination, check: str) -> list[str]:
    return [line.says for line in (*found.lines, *found.choices) if line.check == check]


def policy_file(text: str) -> Checked:
    return check({"cache.yaml": text.encode(), "slots.yaml": b"slots: {home.hero: {}}"})


def test_the_page_is_asked_for_twice_without_cookies_once_with_those_it_sets_and_as_others_get_it() -> None:
    shop = shop_of(lambda cookies: setting(SAYS_NOTHING, b"a=1; Path=/", b"b=2"))
    examine(shop, None, None)
    assert [cookies for cookies, _ in shop.asked] == ["", "", "a=1; b=2", "", "", "", ""]
    assert [fields[:1] for _, fields in shop.asked[3:5]] == [("accept-language",), ("cf-ipcountry",)]
    assert not any(fields for _, fields in shop.asked[:3])


def test_a_page_that_wants_a_cookie_first_is_looked_at_with_it() -> None:
    wall = replace(
        HEALTHY,
        status=307,
        headers=((b"location", b"/dk"), (b"set-cookie", b"id=1; Path=/"), (b"content-length", b"0")),
    )
    shop = shop_of(lambda cookies: HEALTHY if cookies == "id=1" else wall, "/dk")
    found = examine(shop, None, None)
    assert told(found, "slots") == ["home.hero"] and found.proposal is None
    assert any("who comes without id is redirected to the same page" in line.says for line in found.lines)
    assert [cookies for cookies, _ in shop.asked] == ["", *["id=1"] * 6]
    elsewhere = examine(shop_of(lambda cookies: WALL), None, None)
    assert any("it redirects to /dk" in line.says for line in elsewhere.lines)


def test_a_page_behind_a_cookie_that_is_another_each_time_is_not_taken_for_one_by_language() -> None:
    made = count()
    shop = shop_of(lambda cookies: with_text(HEALTHY, f"made {next(made)}") if cookies else WALL, "/dk")
    assert examine(shop, None, None).choices == []
    assert next(made) > 2


@pytest.mark.parametrize(("built", "says"), [([1, 2, 2], "none is needed"), ([1, 2, 3], "two fetches differ at")])
def test_a_page_that_is_just_made_anew_is_not_taken_for_each_visitors_own(built: list[int], says: str) -> None:
    left = iter(built)

    def regenerating(_: str) -> FetchedPage:
        number = next(left, built[-1])
        fields = (*SAYS_NOTHING.headers, (b"cache-control", b"s-maxage=30"), (b"etag", b'"%d"' % number))
        return replace(with_text(SAYS_NOTHING, f"built {number}"), headers=fields)

    found = examine(shop_of(regenerating), None, None)
    assert says in " ".join(told(found, "policy"))
    assert list(left) == []


def test_no_policy_is_proposed_for_a_page_that_could_be_kept_by_none() -> None:
    unbounded = replace(SAYS_NOTHING, headers=SAYS_NOTHING.headers[:1])
    found = examine(shop_of(lambda cookies: unbounded), None, None)
    assert found.proposal is None and told(found, "policy") == []
    assert any("only the closing of its connection" in line.says for line in found.lines)


def test_a_page_that_is_another_each_time_and_cannot_be_kept_is_not_taken_for_one_by_language() -> None:
    made = count()
    unbounded = replace(SAYS_NOTHING, headers=SAYS_NOTHING.headers[:1])
    assert examine(shop_of(lambda cookies: with_text(unbounded, f"made {next(made)}")), None, None).choices == []


def test_includes_count_where_cache_yaml_says_so() -> None:
    page = replace(HEALTHY, body=HEALTHY.body + b'<esi:include src="/cart"/>')
    said = [
        told(examine(shop_of(lambda cookies: page), rules, None), "includes")
        for rules in (None, policy_file("pages: [{path: /*, includes: yes}]"))
    ]
    assert said[1] == ["/cart"] and "nobody says" in said[0][0]


def test_a_policy_in_cache_yaml_that_is_enough_is_told_in_place_of_what_it_answers_for() -> None:
    bare = examine(shop_of(lambda cookies: SAYS_NOTHING), None, None)
    assert bare.proposal is not None and told(bare, "cache")
    kept = policy_file('pages: [{path: /*, fresh: 1 minute, cookies: {ignore: ["*"]}}]')
    found = examine(shop_of(lambda cookies: SAYS_NOTHING), kept, None)
    assert found.proposal is None and told(found, "cache") == []
    assert told(found, "policy") == ['by cache.yaml, for "/*", the page is kept']


def test_what_cache_yaml_has_already_is_not_proposed_again() -> None:
    numbers = count()
    shop = shop_of(lambda cookies: with_text(SAYS_NOTHING, f"number {next(numbers)}"))
    first = examine(shop, None, None)
    assert first.proposal is not None and "store: no" in first.proposal.text
    found = examine(shop, policy_file("pages:\n" + re.sub(r" *#.*\n", "", first.proposal.text)), None)
    assert found.proposal is None


def test_a_page_that_every_visitor_asks_for_is_not_asked_for_as_others_get_it() -> None:
    shop = shop_of(lambda cookies: HEALTHY)
    found = examine(shop, policy_file("pages: [{path: /*, store: no}]"), None)
    assert (found.choices, len(shop.asked)) == ([], 2)
