"""Who comes without a cookie: they are shown what others like them were, are given a cookie of their own, and come back
as whoever it says."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from proxy.model import Draw, Fact, OneOf
from proxy.rulebook.compile import Publication
from tests.wire.asking import OPENED, again, asking, looked_up, telling
from tests.wire.site import NOON, Site, in_segment, published, shown

NEW = Fact("visitor", OneOf(frozenset({"new"})))
PLAIN = published(shown("VIP", when=in_segment("vip")), shown("Welcome", when=NEW, order=1), shown("Hello", order=2))
HALF, HELLO = shown("Half"), shown("Hello", order=1)
DRAWN = published((replace(HALF[0], draws=(Draw("half", ((NOON - 1, 5_000),)),)), HALF[1]), HELLO)


def cookie_of(answer: bytes | None) -> bytes:
    found = re.search(rb"\r\nset-cookie: (tb_v=[^;]+);", answer or b"")
    assert found is not None
    return found[1]


def without_cookie(answer: bytes | None) -> bytes:
    assert answer is not None
    return answer.replace(cookie_of(answer), b"")


async def stored(site: Site) -> None:
    await site.get(b"/")
    site.profiles.synced(site.now, [])


@pytest.mark.parametrize("capture", [False, True])
async def test_each_of_many_is_answered_as_if_they_were_looked_up_and_none_is_another(capture: bool) -> None:
    async with telling(PLAIN, visitor_cookie="persistent", capture=capture) as site:
        await stored(site)
        question = asking(*OPENED)
        expected = [looked_up(site, question, {b"cookie": b"theme=dark"}) for _ in range(2)]
        given = [again(site, question, {b"cookie": b"theme=dark"} if turn % 2 else {}) for turn in range(80)]
        assert {without_cookie(answer) for answer in given} == {without_cookie(answer) for answer in expected}
        assert b"Welcome" in (given[-1] or b"") and len({cookie_of(answer) for answer in given}) == 80


@pytest.mark.parametrize("rules", [PLAIN, DRAWN], ids=["plain", "drawn"])
async def test_a_returning_newcomer_sees_the_same_and_both_views_count(rules: Publication) -> None:
    async with telling(rules, visitor_cookie="session") as site:
        await stored(site)
        question, titles = asking(*OPENED), list[str]()
        looked_up(site, question, {})
        for turn in range(40):
            site.now = NOON + turn / 100
            first = again(site, question, {})
            own = {b"cookie": cookie_of(first)}
            verified = site.cookies.verified(own[b"cookie"], site.now)
            assert verified is not None
            await site.profiles.get(verified.full.id, site.now)
            second = again(site, question, own) or looked_up(site, question, own)
            body = [(answer or b"").partition(b"\r\n\r\n")[2] for answer in (first, second)]
            assert body[0] == body[1]
            titles.append("Half" if b"Half" in body[0] else "other")
            profile = site.profiles.held(verified.full.id)
            assert profile is not None
            assert [(event.at, event.kind) for event in profile.history] == [(site.now, "page viewed")] * 2
            assert all(event.shown for event in profile.history)
        assert len(set(titles)) == (2 if rules is DRAWN else 1)


async def test_none_is_given_a_cookie_where_there_are_to_be_none() -> None:
    async with telling(PLAIN, visitor_cookie="off") as site:
        await stored(site)
        question = asking(*OPENED)
        expected = looked_up(site, question, {})
        for _ in range(3):
            answer = again(site, question, {})
            assert answer == expected and b"set-cookie" not in (answer or b"")


async def test_a_shop_whose_rules_change_welcomes_by_the_new_ones() -> None:
    async with telling(PLAIN, visitor_cookie="session") as site:
        await stored(site)
        question = asking(*OPENED)
        looked_up(site, question, {})
        assert all(b"Welcome" in (again(site, question, {}) or b"") for _ in range(4))
        site.gateway.publish(published(shown("New rules")))
        assert again(site, question, {}) is None
        assert b"New rules" in (looked_up(site, question, {}) or b"")
        assert all(b"New rules" in (again(site, question, {}) or b"") for _ in range(4))
