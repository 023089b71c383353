"""What is asked again in the same words from elsewhere: no place gets the answer of another, and only places that rules
name are told apart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from proxy.conditions.derived import NAME, derived_name
from proxy.model import Condition, Contains, Fact, NotOneOf, OneOf
from proxy.rulebook.compile import Publication
from tests.wire.asking import CLIENT, again, asking, looked_up
from tests.wire.origin import Origin, always, ok
from tests.wire.site import PAGE, SHARED, Site, published, shown

PLACES: dict[str, Any] = {
    "trusted_proxies": (CLIENT,), "city_header": "CF-IPCity", "region_header": "CF-Region", "recorded_a_second": 0.0
}  # fmt: skip
CITIES = (b"Bern", "Zürich".encode(), b"zurich", b"Oslo", b"K%C3%B6niz", b"?", b"")


def city(test: OneOf | NotOneOf | Contains) -> Condition:
    return Fact(derived_name("city", NAME), test)


NEAR = published(
    shown("Our shop in Bern", when=city(OneOf(frozenset({"bern"})))),
    shown("Our shop in Zurich", when=city(OneOf(frozenset({"zurich"}))), order=1),
    shown("To everywhere else", when=city(NotOneOf(frozenset({"koniz"}))), order=2),
)


@asynccontextmanager
async def site_of(publication: Publication, **settings: Any) -> AsyncIterator[Site]:
    async with (
        Origin(always(ok(PAGE, *SHARED))) as origin,
        Site(origin.url, publication=publication, **{**PLACES, **settings}) as site,
    ):
        for _ in range(2):
            await site.get(b"/", site.visitor("anna"))
        yield site


async def shown_in(site: Site, sent: bytes, visitor: str = "anna") -> bytes:
    """What is shown there, the same in both ways."""
    question, own = asking(), dict([site.visitor(visitor)]) | ({b"cf-ipcity": sent} if sent else {})
    first = looked_up(site, question, own)
    for _ in range(2):
        assert again(site, question, own) == looked_up(site, question, own) == first
    assert first is not None
    return first.partition(b"\r\n\r\n")[2]


async def test_a_visitor_who_asks_again_from_another_town_is_shown_what_is_for_that_town() -> None:
    async with site_of(NEAR) as site:
        question = asking()
        told = [site.visitor("anna"), site.visitor("bert")]
        answers = []
        for _ in range(3):
            for sent in CITIES:
                for cookie in told:
                    own = dict([cookie]) | {b"cf-ipcity": sent}
                    expected = looked_up(site, question, own)
                    assert again(site, question, own) == expected
                    answers.append(expected or b"")
    names = (b"in Bern", b"in Zurich", b"in Zurich", b"everywhere", b"default", b"default", b"default")
    assert [next(name for name in names if name in answer) for answer in answers[:14:2]] == [*names]
    assert answers == answers[:14] * 3


async def test_who_has_no_cookie_yet_is_shown_what_is_for_their_town() -> None:
    async with site_of(NEAR, visitor_cookie="session") as site:
        question = asking()
        looked_up(site, question, {b"cf-ipcity": b"Bern"})
        for sent, title in ((b"Bern", b"in Bern"), (b"Oslo", b"everywhere"), (b"Bern", b"in Bern"), (b"", b"default")):
            for _ in range(2):
                assert title in (again(site, question, {b"cf-ipcity": sent}) or b"")


async def test_a_town_from_whom_nobody_trusts_is_not_believed() -> None:
    async with site_of(NEAR, trusted_proxies=("10.0.0.1",)) as site:
        assert b"the default" in await shown_in(site, b"Bern")


async def test_towns_that_no_rule_names_are_one() -> None:
    async with site_of(NEAR) as site:
        for number in range(50):
            await shown_in(site, b"Town %d" % number)
        await shown_in(site, b"Bern")
        (entry,) = site.gateway._showing._page_memo._pages
        assert len(entry.shown) == 3, "nowhere, a town without a rule, and Bern"


async def test_a_town_that_is_written_into_the_page_is_told_from_all_others() -> None:
    there = published(shown("Tomorrow in {city|your town}", when=city(NotOneOf(frozenset({"koniz"})))))
    async with site_of(there) as site:
        for _ in range(2):
            for name, written in (("Oslo", "Oslo"), ("Zürich", "Z&#252;rich"), ("zurich", "zurich")):
                assert f"Tomorrow in {written}<".encode() in await shown_in(site, name.encode())


async def test_no_page_that_asks_no_town_tells_them_apart() -> None:
    async with site_of(published(shown("Hello"))) as site:
        for sent in CITIES:
            assert b"Hello" in await shown_in(site, sent)
        (entry,) = site.gateway._showing._page_memo._pages
        assert len(entry.shown) == 1


@pytest.mark.parametrize(("header", "title"), [("", b"in Bern"), ("CF-IPCity", b"the default")])
async def test_without_a_field_for_it_the_town_is_what_the_profile_says(header: str, title: bytes) -> None:
    async with site_of(NEAR, city_header=header) as site:
        await site.remember("home", city="Bern")
        await site.get(b"/", site.visitor("home"))
        assert title in await shown_in(site, b"", "home")
