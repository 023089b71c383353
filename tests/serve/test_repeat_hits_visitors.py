"""What was found of a visitor when they asked before, beside the same looked up step by step: as long as it holds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from proxy.http.message import Question
from proxy.httpcache.purge import purge_of
from proxy.model import Arrival, Between, Event, Fact, Link, OneOf, Profile
from proxy.visitors.store_filter import MayHold
from tests.wire.asking import again, asking, looked_up
from tests.wire.origin import Origin, always, ok
from tests.wire.site import NOON, PAGE, SHARED, Site, eventually, in_segment, published, shown

LASTING = published(
    shown("Gold", when=Fact("member", OneOf(frozenset({"gold"})))),
    shown("Late", when=Fact("visitor", OneOf(frozenset({"returning"}))), order=1),
    shown("VIP", when=in_segment("vip"), order=2),
    shown("Hello", order=3),
)
SETTINGS: dict[str, Any] = {"publication": LASTING, "recorded_a_second": 0.0}


async def renewed(site: Site) -> None:
    site.gateway.publish(published(shown("New rules")))


async def purged(site: Site) -> None:
    await site.gateway.purge(purge_of(prefixes=["http://shop.example/"]))


async def half_an_hour_later(site: Site) -> None:
    site.now += 1_800


async def an_hour_before(site: Site) -> None:
    site.now -= 3_600


async def changed(site: Site) -> None:
    site.profiles.invalidate(["anna"])


async def read_anew(site: Site) -> None:
    site.profiles.remember("anna", Profile("anna", {"member": "gold"}), site.now)


async def joined(site: Site) -> None:
    site.profiles.remember("anna", Profile("anna", links={"bert": Link(site.now)}), site.now)


async def forgotten(site: Site) -> None:
    site.profiles.forget()


async def nothing(site: Site) -> None:
    pass


@pytest.mark.parametrize(
    ("happens", "answer"),
    [
        (nothing, b"VIP"),
        (half_an_hour_later, b"Late"),
        (an_hour_before, b"Hello"),
        (changed, None),
        (read_anew, b"Gold"),
        (joined, b"Gold"),
        (forgotten, None),
        (renewed, None),
        (purged, None),
    ],
)
async def test_what_was_found_of_a_visitor_does_not_outlive_what_it_was_found_by(
    happens: Callable[[Site], Awaitable[None]], answer: bytes | None
) -> None:
    long = (b"Content-Type: text/html", b"Cache-Control: max-age=86400")
    async with (
        Origin(always(ok(PAGE, *long))) as origin,
        Site(origin.url, **SETTINGS) as site,
    ):
        cookies = (site.cookies.visitor_pair("anna", NOON), site.cookies.segments_pair("anna", ["vip"], NOON))
        question, own = asking(), {b"cookie": b"; ".join(cookies)}
        await site.remember("anna", member="none")
        await site.remember("bert", member="gold")
        for cookie in (own[b"cookie"], site.visitor("bert")[1]):
            await site.get(b"/", (b"cookie", cookie))
            await site.get(b"/", (b"cookie", cookie))
        looked_up(site, question, own)
        assert [b"VIP" in (again(site, question, own) or b"") for _ in range(3)] == [True] * 3
        verified = site.cookies.verified(own[b"cookie"], site.now)
        assert verified is not None and verified.membership.classes is not None, (
            "what was found is kept with the cookies"
        )
        await happens(site)
        site.profiles.synced(site.now, [])
        given = again(site, question, own)
        assert given is None if answer is None else answer in (given or b"")
        assert given in (None, looked_up(site, question, own))


async def test_where_something_is_read_off_what_visitors_did_it_is_read_each_time() -> None:
    rules = published(shown("Again", when=Fact("orders", Between(low=1.0))), shown("Hello", order=1))
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=rules) as site:
        question, own = asking(), dict([site.visitor("anna")])
        for _ in range(2):
            await site.get(b"/", *own.items())
        looked_up(site, question, own)
        assert b"Hello" in (again(site, question, own) or b"")
        site.profiles.apply_early([Arrival("anna", Event(site.now, "1", "order completed"), "server", site.now)])
        assert b"Again" in (again(site, question, own) or b"")
        assert again(site, question, own) == looked_up(site, question, own)


async def told(site: Site) -> None:
    site.profiles.synced(site.now, ["anna"])


async def bought(site: Site) -> None:
    site.profiles.apply_early([Arrival("anna", Event(site.now, "1", "viewed"), "server", site.now, {"member": "gold"})])


@pytest.mark.parametrize(
    ("happens", "answer"),
    [(nothing, b"VIP"), (read_anew, b"Gold"), (changed, None), (told, None), (bought, None), (forgotten, None)],
)
async def test_a_visitor_is_known_from_the_first_event_on(
    happens: Callable[[Site], Awaitable[None]], answer: bytes | None
) -> None:
    async with (
        Origin(always(ok(PAGE, *SHARED))) as origin,
        Site(origin.url, **SETTINGS) as site,
    ):
        await site.remember("bert", member="gold")
        for visitor in ("bert", "cleo"):
            await site.get(b"/", site.visitor(visitor))
        cookies = (site.cookies.visitor_pair("anna", NOON), site.cookies.segments_pair("anna", ["vip"], NOON))
        question, own = asking(), {b"cookie": b"; ".join(cookies)}
        site.profiles.store_filter.forget()
        reading = asyncio.create_task(site.profiles.follow_store())
        await eventually(lambda: site.profiles.store_filter.may_hold("anna") is MayHold.NOTHING)
        reading.cancel()
        site.profiles.synced(site.now, [])
        looked_up(site, question, own)
        assert [b"VIP" in (again(site, question, own) or b"") for _ in range(3)] == [True] * 3
        verified = site.cookies.verified(own[b"cookie"], site.now)
        assert verified is not None and verified.membership.classes is not None
        await happens(site)
        given = again(site, question, own)
        assert given is None if answer is None else answer in (given or b"")
        assert given in (None, looked_up(site, question, own))


async def known_to(site: Site, question: Question, own: dict[bytes, bytes], *others: bytes) -> None:
    """Whoever sends these cookies has been there, and is remembered."""
    for cookies in (own[b"cookie"], *others):
        for _ in range(2):
            await site.get(b"/", (b"cookie", cookies))
        looked_up(site, question, {b"cookie": cookies})
        again(site, question, {b"cookie": cookies})
        again(site, question, {b"cookie": cookies})


async def test_at_every_moment_it_is_as_if_it_were_looked_up() -> None:
    rule, title = shown("Soon")
    soon = published((replace(rule, live_from=NOON + 2.5), title), shown("VIP", when=in_segment("vip"), order=1))
    settings = {**SETTINGS, "publication": soon}
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, **settings) as site:
        cookies = (site.cookies.visitor_pair("anna", NOON), site.cookies.segments_pair("anna", ["vip"], NOON, 2))
        question, own = asking(), {b"cookie": b"; ".join(cookies)}
        await known_to(site, question, own)
        given = []
        for tenth in (*range(60), *range(30, 0, -7)):
            site.now = NOON + tenth / 10
            site.profiles.synced(site.now, [])
            given.append(again(site, question, own))
            assert given[-1] == looked_up(site, question, own)
        assert len(set(given)) > 6, "Cache-Status says how long it stays fresh"


async def test_views_are_recorded_as_often_as_is_said() -> None:
    settings = {**SETTINGS, "recorded_a_second": 5.0}
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, **settings) as site:
        question, own = asking(), dict([site.visitor("anna")])
        await known_to(site, question, own)
        for hundredth in range(400):
            site.now = NOON + hundredth / 100
            site.profiles.synced(site.now, [])
            assert again(site, question, own) is not None
        assert 18 < len(list(site.recorder.take())) < 28


async def test_a_number_is_nobodys_under_other_rules() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, **SETTINGS) as site:
        question, bert = asking(), site.visitor("bert")[1]
        vip = {b"cookie": site.visitor("anna", "vip")[1]}
        await known_to(site, question, vip, bert)
        site.gateway.publish(published(shown("New VIP", when=in_segment("vip")), shown("New", order=1)))
        for cookies in (bert, vip[b"cookie"]):
            expected = looked_up(site, question, {b"cookie": cookies})
            assert again(site, question, {b"cookie": cookies}) == expected


async def test_what_nobody_vouches_for_is_believed_no_longer_than_it_was_read() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, **SETTINGS) as site:
        question, own = asking(), dict([site.visitor("anna")])
        await site.remember("anna", member="gold")
        await known_to(site, question, own)
        site.now += 4.9
        assert again(site, question, own) is not None
        known = site.profiles.memory.basis("anna")
        assert known is not None and known.is_used
        known.is_used = False
        assert again(site, question, own) is not None
        assert known.is_used, "it is not the first to be forgotten"
        site.now += 0.2
        assert again(site, question, own) is None
        site.now += 1
        site.profiles.synced(site.now - 4.5, [])
        assert again(site, question, own) is not None
        site.now += 0.7
        assert again(site, question, own) is None, "nobody has vouched for half a second"


async def test_a_device_is_shown_what_its_person_is_now() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, **SETTINGS) as site:
        question, own = asking(), dict([site.visitor("anna")])
        await known_to(site, question, own, site.visitor("bert")[1])
        await joined(site)
        site.profiles.synced(site.now, [])
        site.now += 1  # what was found before is looked at anew
        assert b"Gold" not in (again(site, question, own) or b"")
        site.profiles.remember("bert", Profile("bert", {"member": "gold"}), site.now)
        assert b"Gold" in (again(site, question, own) or b"")
        assert again(site, question, own) == looked_up(site, question, own)
