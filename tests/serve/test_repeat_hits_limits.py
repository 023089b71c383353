"""Pages whose rules may be shown so many times only: asked again, they are as if all impressions had been counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from proxy.http.message import Question
from proxy.model import Arrival, Between, Cap, Event, Fact, Link, Measure, OneOf, Period, Profile, Reading
from tests.wire.asking import OPENED, again, asking, looked_up, telling
from tests.wire.site import NOON, Site, published, shown

SALE, HELLO = shown("Sale"), shown("Hello", order=1)


def counted(*names: str, **more: object) -> Measure:
    return Measure(Reading.COUNT, ("banner shown",), where=(("subject", OneOf(frozenset(names))),), **more)  # type: ignore[arg-type]


TWICE_AN_HOUR = Cap("twice", counted("rule 0", within_seconds=3_600.0), 2.0)
LIMITED = published((replace(SALE[0], caps=(TWICE_AN_HOUR,)), SALE[1]), HELLO)


async def met(site: Site, question: Question, visitor_id: str) -> dict[bytes, bytes]:
    """The cookies of who is remembered, where the page is stored and often asked for."""
    own = dict([site.visitor(visitor_id)])
    await site.get(b"/other")
    await site.profiles.get(visitor_id, site.now)
    await site.get(b"/")
    site.profiles.synced(site.now, [])
    nobody = dict([site.visitor("nobody")])
    await site.profiles.get("nobody", site.now)
    looked_up(site, question, nobody)
    return own


def title_of(answer: bytes | None) -> str:
    assert answer is not None
    return "Sale" if b"Sale" in answer else "Hello"


async def test_a_limit_is_reached_by_the_view_that_uses_it_up_and_free_again_when_one_is_over() -> None:
    async with telling(LIMITED) as site:
        question = asking(*OPENED)
        own = await met(site, question, "anna")
        shown_at = {}
        for minute in (0, 10, 20, 59, 60, 61, 69, 70, 121):
            site.now = NOON + minute * 60
            site.profiles.synced(site.now, [])
            shown_at[minute] = title_of(again(site, question, own))
        assert [minute for minute, title in shown_at.items() if title == "Sale"] == [0, 10, 60, 70, 121]


async def test_what_is_found_is_kept_while_views_count_and_settled_when_the_same_visitor_comes() -> None:
    async with telling(published((replace(SALE[0], caps=(replace(TWICE_AN_HOUR, limit=9.0),)), SALE[1]))) as site:
        question = asking(*OPENED)
        own = await met(site, question, "anna")
        for _ in range(2):
            again(site, question, own)
        verified = site.cookies.verified(own[b"cookie"], site.now)
        assert verified is not None
        membership, pending = verified.membership, site.profiles.pending.pages
        for count in range(3, 10):
            again(site, question, own)
            assert [whose for _, whose, *_ in pending] == ["anna"], "none is left that was there before"
            assert verified.membership is membership, f"view {count} changes nothing"
        again(site, question, own)
        assert verified.membership is not membership, "none is left"


FOLLOWING = published(
    shown("Sale", when=Fact("shown: banner Hello", Between(low=3), measure=counted("rule 1", within_seconds=3_600.0))),
    HELLO,
)


async def test_a_rule_that_follows_another_is_shown_right_after_the_view_that_was_one_too_many() -> None:
    async with telling(FOLLOWING) as site:
        question = asking(*OPENED)
        own = await met(site, question, "anna")
        titles = []
        for minute in (1, 2, 3, 4, 5, 30, 61, 63, 64):
            site.now = NOON + minute * 60
            site.profiles.synced(site.now, [])
            titles.append(title_of(again(site, question, own)))
        assert titles == ["Hello"] * 3 + ["Sale"] * 3 + ["Hello"] * 3


async def joined(site: Site) -> None:
    site.profiles.remember("anna", Profile("anna", links={"person": Link(site.now)}), site.now)
    site.profiles.remember("person", Profile("person"), site.now)


async def erased(site: Site) -> None:
    site.profiles.pending.flush()
    site.profiles.memory.put("anna", Profile("anna"), [], site.now)


async def shown_elsewhere(site: Site) -> None:
    views = [Event(site.now + n, f"page:other{n}", "page viewed", "/", shown=("Rule 0",)) for n in range(2)]
    site.profiles.arrived((), [Arrival("anna", view, "page", view.at) for view in views])
    site.now += 1


async def late(site: Site) -> None:
    views = [Event(site.now - 60 - n, f"page:late{n}", "page viewed", "/", shown=("rule 0",)) for n in range(2)]
    site.profiles.arrived((), [Arrival("anna", view, "page", view.at) for view in views])


@pytest.mark.parametrize(
    ("views", "happens", "title"),
    [(2, joined, "Sale"), (2, erased, "Sale"), (1, shown_elsewhere, "Hello"), (1, late, "Hello"), (0, late, "Hello")],
)
async def test_what_happens_elsewhere_counts_too(views: int, happens: Callable[[Site], object], title: str) -> None:
    async with telling(LIMITED) as site:
        question = asking(*OPENED)
        own = await met(site, question, "anna")
        for _ in range(views):
            assert title_of(again(site, question, own)) == "Sale"
        await happens(site)  # type: ignore[misc]
        assert title_of(again(site, question, own)) == title


async def test_a_persons_devices_use_up_one_limit() -> None:
    async with telling(LIMITED) as site:
        question = asking(*OPENED)
        await met(site, question, "anna")
        for device in ("phone", "laptop"):
            site.profiles.remember(device, Profile(device, links={"anna": Link(site.now)}), site.now)
        cookies = [dict([site.visitor(who)]) for who in ("phone", "anna", "laptop", "phone")]
        assert [title_of(again(site, question, own)) for own in cookies] == ["Sale", "Sale", "Hello", "Hello"]


@pytest.mark.parametrize("seed", range(4))
async def test_among_many_visitors_each_is_shown_what_their_own_views_leave(seed: int) -> None:
    random = Random(seed)
    names = ("rule 0", "rule 1")
    caps = (
        (TWICE_AN_HOUR, Cap("", counted("rule 0", period=Period.VISIT), 1.0)),
        (Cap("", counted(*names, period=Period.DAY), 5.0),),
    )
    rules = published(
        *((replace(rule, caps=some), title) for (rule, title), some in zip((SALE, HELLO), caps, strict=True)),
        shown("Last", order=2),
    )
    async with telling(rules) as site:
        question = asking(*OPENED)
        visitors = {name: await met(site, question, name) for name in ("anna", "bert", "cleo", "dora")}
        showings: dict[str, list[tuple[float, str]]] = {name: [] for name in visitors}

        def expected(visitor: str) -> str:
            at = {name: [when for when, which in showings[visitor] if which == name] for name in names}
            visit = all_views[visitor][-1] if all_views[visitor] else -1e9
            begun = site.now if site.now >= visit + 1_800 else visits[visitor]
            today = [when for name in names for when in at[name] if when // 86_400 == site.now // 86_400]
            sale = sum(when > site.now - 3_600 for when in at["rule 0"]) < 2
            sale = sale and not any(when >= begun for when in at["rule 0"])
            return "Sale" if sale else "Hello" if len(today) < 5 else "Last"

        all_views: dict[str, list[float]] = {name: [] for name in visitors}
        visits: dict[str, float] = {}
        for _ in range(250):
            site.now += random.choice((0.0, 1.0, 100.0, 700.0, 2_000.0, 4_000.0))
            site.profiles.synced(site.now, [])
            visitor = random.choice([*visitors])
            wanted, answer = expected(visitor), again(site, question, visitors[visitor])
            answer = answer or looked_up(site, question, visitors[visitor])
            assert answer is not None and wanted.encode() in answer
            if not all_views[visitor] or site.now >= all_views[visitor][-1] + 1_800:
                visits[visitor] = site.now
            all_views[visitor].append(site.now)
            if wanted != "Last":
                showings[visitor].append((site.now, names[("Sale", "Hello").index(wanted)]))
