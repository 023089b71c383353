from __future__ import annotations

import re
from dataclasses import replace
from math import inf
from typing import Any

import pytest

from proxy.bucketing import bucket
from proxy.model import (
    AllOf,
    Arrival,
    Attributes,
    Between,
    Cap,
    Countdown,
    Draw,
    Event,
    Fact,
    Measure,
    OneOf,
    Profile,
    Reading,
)
from proxy.page.fragments import Fragment
from proxy.page.piece import Piece
from proxy.rulebook.compile import Publication
from tests.wire.asking import again, asking, looked_up
from tests.wire.memory import remembered
from tests.wire.origin import Origin, always, ok
from tests.wire.site import HTML, NOON, PAGE, SHARED, Got, Site, eventually, in_segment, published, shown

LOOKUPS = "tailorbird_profile_lookups_total"


class Broken(Fragment):
    """An editor's fragment that passed every check, and raises."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "constant", None)

    def fill(self, attributes: Attributes) -> list[Piece | bytes]:
        raise ZeroDivisionError


def lookups(site: Site) -> int:
    return sum(site.metrics.get(LOOKUPS, outcome) for outcome in ("memory", "store", "unknown", "timeout", "error"))


async def home(site: Site, *headers: tuple[bytes, bytes]) -> Got:
    return await site.get(b"/", *headers)


@pytest.mark.parametrize(
    ("publication", "is_asked"),
    [
        (published(shown("For all")), False),
        (published(shown("Dutch", when=Fact("language", OneOf(frozenset({"nl"}))))), False),
        (published(shown("Elsewhere {name|you}", "other.slot")), False),
        (published(shown("VIPs", when=in_segment("vip"))), True),
        (published(shown("Gold", when=Fact("tier", OneOf(frozenset({"gold"}))))), True),
        (published(shown("Hello {name|you}")), True),
    ],
    ids=["nothing", "the request", "in another slot", "a segment", "an attribute", "a field"],
)
async def test_the_profile_is_looked_up_only_when_the_pages_slots_ask_for_it(
    publication: Publication, is_asked: bool
) -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=publication) as site:
        await home(site, site.visitor("anna"))
        await home(site, site.visitor("anna"))
        assert lookups(site) == (2 if is_asked else 0)


async def test_an_anonymous_visitor_has_no_profile_to_look_up() -> None:
    publication = published(shown("Hello {name|you}"))
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=publication) as site:
        assert b"Hello you" in (await home(site)).body
        assert lookups(site) == 0


async def test_a_field_shows_the_profiles_own_words() -> None:
    publication = published(shown("Hello {name|you}"))
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=publication) as site:
        await site.remember("anna", name="Anna <3")
        cold = await home(site, site.visitor("anna"))
        warm = site.gateway.hit(site.request(b"/", site.visitor("anna")), NOON)
    assert b"Hello Anna &lt;3" in cold.body
    assert warm is not None


async def test_a_fragment_that_raises_costs_the_banner_not_the_page() -> None:
    good = published(shown("For all"))
    broken = replace(good, fragments={variant: Broken(()) for variant in good.fragments})
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=broken) as site:
        got = await home(site, (b"accept-encoding", b"gzip"))
        assert site.metrics.get("tailorbird_decide_errors_total") == 1
    assert (got.status, got.body) == (200, PAGE)


async def test_what_was_shown_is_counted_by_rule_and_listed_without_who_saw_it() -> None:
    publication = published(shown("For all"))
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=publication) as site:
        await home(site, site.visitor("anna"))
        await home(site, site.visitor("ben"))
        assert site.metrics.get("tailorbird_rule_matches_total", "rule 0") == 2
        assert site.metrics.get("tailorbird_requests_total", "personalised") == 2
        seen = site.metrics.live[-1]
    assert (seen.at, seen.path, seen.decisions[0].rule) == (NOON, "/", "rule 0")
    assert "ben" not in repr(seen)


@pytest.mark.parametrize(("trusted", "is_shown"), [((), False), (("192.0.2.0/24",), True)])
async def test_the_country_counts_only_from_a_trusted_proxy(trusted: tuple[str, ...], is_shown: bool) -> None:
    publication = published(shown("Norway", when=Fact("country", OneOf(frozenset({"no"})))))
    shop = Origin(always(ok(PAGE, *SHARED)))
    async with shop, Site(shop.url, publication=publication, trusted_proxies=trusted) as site:
        got = await home(site, (b"cf-ipcountry", b"NO"))
    assert (b"Norway" in got.body) is is_shown


async def test_cookies_on_several_lines_are_one() -> None:
    publication = published(shown("VIPs", when=in_segment("vip")))
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=publication) as site:
        name, value = site.visitor("anna", "vip")
        crumbs = [(name, crumb) for crumb in value.split(b"; ")]
        assert b"VIPs" in (await home(site, *crumbs)).body


# -- remembered


async def test_only_visitors_of_one_class_share_an_assembled_page() -> None:
    new_vip = shown("New VIP", when=AllOf((in_segment("vip"), Fact("visitor", OneOf(frozenset({"new"}))))), order=0)
    rules = (new_vip, shown("VIP", when=in_segment("vip"), order=1), shown("All", order=2))
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=published(*rules)) as site:
        young = (b"cookie", site.visitor("bert", "vip")[1].replace(*pairs_of(site, "bert", NOON)))
        for _ in range(2):
            assert b"VIP" in (await home(site, site.visitor("anna", "vip"))).body
            assert b"New VIP" in (await home(site, young)).body
            assert b"All" in (await home(site, site.visitor("anna"))).body
            assert b"All" in (await home(site)).body
        site.gateway.publish(published(shown("Sale")))
        assert b"Sale" in (await home(site, site.visitor("anna", "vip"))).body


def pairs_of(site: Site, visitor: str, now: float) -> tuple[bytes, bytes]:
    """The visitor's cookie as of yesterday, and as of now."""
    return site.cookies.visitor_pair(visitor, NOON - 86_400), site.cookies.visitor_pair(visitor, now)


async def test_numbers_and_truths_that_a_dict_takes_for_one_are_told_apart() -> None:
    rules = (
        shown("Truth", when=Fact("member", OneOf(frozenset({"yes"}))), order=0),
        shown("One", when=Fact("member", OneOf(frozenset({"1"}))), order=1),
    )
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=published(*rules)) as site:
        await site.remember("true", member=True)
        await site.remember("one", member=1.0)
        for _ in range(2):
            assert b"Truth" in (await home(site, site.visitor("true"))).body
            assert b"One" in (await home(site, site.visitor("one"))).body


async def test_a_page_is_decided_again_when_the_time_makes_a_difference() -> None:
    rule, title = shown("Soon")
    soon = published((replace(rule, live_from=NOON + 60), title))
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=soon) as site:
        assert b"Soon" not in (await home(site)).body
        site.now = NOON + 59
        assert b"Soon" not in (await home(site)).body
        site.now = NOON + 60
        assert b"Soon" in (await home(site)).body


async def test_a_countdown_is_told_anew_when_it_changes_and_kept_until_then() -> None:
    hours = Countdown("hours", "2026-11-23", 14 * 60, "hour", "hours")
    rule, title = shown("Only {hours until 2026-11-23 14:00, hour/hours|now}")
    counting = replace(rule, countdowns=(hours,))
    publication = published((counting, title))
    async with (
        Origin(always(ok(PAGE, HTML, b"Cache-Control: max-age=9000"))) as origin,
        Site(origin.url, publication=publication) as site,
    ):
        question, own = asking(), dict([site.visitor("anna")])
        told, lanes = [], []
        for seconds in (0, 1, 3_599, 3_600, 3_601, 7_200):
            site.now = NOON + seconds
            lanes.append(again(site, question, own))
            told.append((await home(site, *own.items())).body)
            looked_up(site, question, own)
        assert [re.findall(rb"Only ([^<\"]+)", page)[0] for page in told] == [
            *[b"2 hours"] * 3, b"1 hour", b"1 hour", b"now",
        ]  # fmt: skip
        assert [page is None or page.endswith(body) for page, body in zip(lanes, told, strict=True)] == [True] * 6
        assert lanes[0] is None and lanes[1] is not None


async def test_however_many_sets_of_slots_are_asked_for_nobody_is_shown_what_another_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("proxy.serve.showing.MOST_SLOT_SETS", 4)
    bought = Fact("orders", Between(low=1.0))
    others = [shown("Hello", f"slot.n{n}", bought, n + 2) for n in range(5)]
    rules = published(shown("Good to see you again", when=bought), shown("Hello", order=1), *others)
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=rules) as site:
        await site.store.put_profiles([Profile("anna"), Profile("bert")])
        await site.store.apply([Arrival("anna", Event(NOON - 60, "1", "order completed"), "server", NOON - 60)])
        said = [b"again" in (await home(site, site.visitor(visitor))).body for visitor in ("anna", "bert") * 2]
        for n in range(5):
            await site.gateway.routes["/_tb/slots"](site.request(b"/_tb/slots?path=/&names=slot.n%d" % n))
        said += [b"again" in (await home(site, site.visitor(visitor))).body for visitor in ("bert", "anna") * 2]
        assert len(site.gateway._showing._classes) <= 4
    assert said == [True, False] * 2 + [False, True] * 2


async def test_once_all_profiles_are_forgotten_no_word_of_any_is_left() -> None:
    publication = published(
        shown("Hello {name|you}"), shown("Hi", when=Fact("town", OneOf(frozenset({"Oslo"}))), order=1)
    )
    settings: dict[str, Any] = {"publication": publication, "recorded_a_second": 0.0}
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, **settings) as site:
        await site.remember("anna", name="Zyx Quimby", town="Oslo upon Quimby")
        question, own = asking(), dict([site.visitor("anna")])
        for _ in range(2):
            assert b"Zyx Quimby" in (await home(site, *own.items())).body
        looked_up(site, question, own)
        assert again(site, question, own) is not None
        words = (b"Zyx Quimby", b"Oslo upon")
        assert remembered(site.gateway, words) == set(words)
        site.profiles.forget()
        await eventually(lambda: not remembered(site.gateway, words))  # what was known is freed by a thread


async def test_a_growing_share_keeps_those_already_drawn() -> None:
    rule, title = shown("Some of them")
    growing = published((replace(rule, draws=(Draw("growing", ((-inf, 3_000), (NOON + 60, 6_000))),)), title))
    drawn = [f"visitor-{number}" for number in range(20)]
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=growing) as site:
        for now, share in ((NOON, 3_000), (NOON + 59.9, 3_000), (NOON + 60, 6_000), (NOON, 3_000)):
            site.now = now
            for name in drawn * 2:
                page = await home(site, site.visitor(name))
                id = site.cookies.read(site.visitor(name)[1], NOON).id
                assert (b"Some of them" in page.body) is (bucket("growing", id) < share)


async def test_a_capped_visitor_is_shown_the_rule_no_more_and_others_still_are() -> None:
    rule, title = shown("Now and then")
    cap = Cap("twice", Measure(Reading.COUNT, ("banner shown",), within_seconds=60.0), 2.0)
    capped = published((replace(rule, caps=(cap,)), title))
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=capped) as site:
        for name, number in (("anna", 1), ("anna", 2), ("bert", 3)):
            shown_at = NOON - 31 + number
            event = Event(shown_at, str(number), "banner shown")
            await site.store.apply([Arrival(name, event, "server", shown_at)])
        for now, shows_anna in ((NOON, False), (NOON, False), (NOON + 29.9, False), (NOON + 30.1, True)):
            site.now = now
            assert (b"Now and then" in (await home(site, site.visitor("anna"))).body) is shows_anna
            assert b"Now and then" in (await home(site, site.visitor("bert"))).body
            assert b"Now and then" in (await home(site, site.visitor("cleo"))).body
