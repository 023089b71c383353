"""Page views recorded on their way to visitors, kept in a store, and decided again: by the rules that were live nothing
differs from what was shown; by a draft that adds Norway to a list of countries, exactly the views of Norwegian VIPs
on its day do, as counted here without any of our code.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from proxy.diagnostics import as_text
from proxy.drafts.replay import PAGE_DEFAULT, replay, replay_recorded
from proxy.model import Arrival, Event, Item
from proxy.rulebook.compile import Publication, load
from proxy.stores import open_store, open_views
from proxy.stores.ruledir import read_folder
from proxy.stores.views import packed, unpacked
from tests.wire.origin import Origin, always, ok
from tests.wire.site import Site

VIEWS = 20_000 if os.environ.get("BAR_FULL") else 2_000
HTML = (b"Content-Type: text/html; charset=utf-8", b"Cache-Control: public, max-age=9000000")
PAGE = b'<div data-slot="all.topbar">bar</div><div data-slot="home.hero">hero</div><div data-slot="home.row">row</div>'
RULES = read_folder(Path(__file__).parent.parent.parent / "rules")
TODAY = b"country: [NL, BE, NO]"
LIVE = RULES | {"home.rules.yaml": RULES["home.rules.yaml"].replace(TODAY, b"country: [NL, BE]")}
EARLY = "Early access for VIPs on Fridays"
BEGINS, ENDS = (datetime(2026, 11, day, tzinfo=ZoneInfo("Europe/Amsterdam")).timestamp() for day in (27, 28))
AGENTS = (b"Mozilla/5.0 (X11; Linux x86_64)", b"Mozilla/5.0 (Linux; Android 14) Mobile", b"Opera/9.80 (Windows NT 6.1)")


@dataclass(frozen=True)
class Visit:
    """What a visitor brings along."""

    number: int
    at: float
    country: bytes
    is_vip: bool

    @property
    def would_see_early_access(self) -> bool:
        return self.is_vip and self.country == b"NO" and BEGINS <= self.at < ENDS


def visits() -> list[Visit]:
    chance = random.Random(7)
    moments = sorted(chance.uniform(BEGINS - 86_400, ENDS + 86_400) for _ in range(VIEWS - 2))
    at = [BEGINS, *moments, ENDS]
    return [Visit(n, at[n], chance.choice((b"NL", b"NO", b"DE", b"XX")), chance.random() < 0.4) for n in range(VIEWS)]


def published(files: dict[str, bytes]) -> Publication:
    loaded = load(files)
    assert loaded.publication is not None, as_text(loaded.findings, loaded.sources)
    return loaded.publication


@pytest.mark.bar("C7")
async def test_the_live_rules_change_nothing_and_a_draft_exactly_what_it_means(tmp_path: Path) -> None:
    live, draft = published(LIVE), published(RULES)
    url = f"sqlite:{tmp_path}/views.db"
    await open_store(url).aclose()
    log = open_views(url)
    come = visits()
    chance = random.Random(8)
    async with (
        Origin(always(ok(PAGE, *HTML))) as origin,
        Site(origin.url, publication=live, trusted_proxies=("192.0.2.7",), recorded_a_second=1e9) as site,
    ):
        site.now = come[0].at
        for visit in sorted(come, key=lambda visit: visit.at):
            site.now = visit.at
            segments = [name for name in ("Trail runners", "Cart leavers") if chance.random() < 0.3]
            cookie = site.visitor(f"visitor-{visit.number}", *segments, *(["VIP"] * visit.is_vip))
            country, agent = (b"cf-ipcountry", visit.country), (b"user-agent", chance.choice(AGENTS))
            answer = await site.get(chance.choice((b"/", b"/?utm_source=newsletter")), cookie, country, agent)
            assert answer.status == 200
            if visit.number % 500 == 0:
                await log.put_views(list(site.recorder.take()), most=VIEWS)
        await log.put_views(list(site.recorder.take()), most=VIEWS)
    views = await log.get_views(VIEWS)
    await log.aclose()

    assert len(views) == VIEWS
    recalled, same = replay_recorded(views, live), replay(views, live, live)
    assert (recalled.different, recalled.unsure, same.different, same.unsure) == (0, 0, 0, 0)

    told = replay(views, live, draft)
    affected = [visit for visit in come if visit.would_see_early_access]
    print(f"{VIEWS} views, {len(affected)} of them by Norwegian VIPs in time; told {told.different}")
    assert (told.different, told.unsure) == (len(affected), 0)
    (hero,) = told.slots
    assert {shift.after for shift in hero.shifts} == {EARLY}
    assert sum(shift.views for shift in hero.shifts) == len(affected)
    assert PAGE_DEFAULT not in {shift.before for shift in hero.shifts}, "a VIP saw the long table or their cart before"
    assert replay(views, live, draft) == told


# -- with all that a rule may ask


WHOLE = {
    "slots.yaml": RULES["slots.yaml"],
    "attributes.yaml": RULES["attributes.yaml"],
    "a.rules.yaml": b"""version: 1
timezone: Europe/Amsterdam
segments:
  VIP: {description: named by a cookie}
  Lookers:
    when: {viewed: {category: shoes, times: at least 2, within: 3 days}}
journey:
  awareness: everyone
  interest: {visits: at least 2}
  loyalty: {orders: at least 1}
limits:
  Banners: at most 2 times per visitor per day
rules:
  - {name: Sale, slot: home.hero, priority: high, limit: Banners, layer: campaign, stop after: {clicked: 1 time},
     rollout: 60%, when: {segment: [VIP, Lookers]}, show: {banner: {title: Sale}}}
  - {name: Loyal, slot: home.hero, holdout: 20%, when: {journey stage: loyalty}, show: {banner: {title: Loyal}}}
  - name: Slowly
    slot: home.hero
    priority: low
    ramp: {2026-11-24 12:00: 10%, 2026-11-26 12:00: 50%}
    show: {banner: {title: Slowly}}
  - {name: Row, slot: home.row, layer: campaign, when: {journey stage: not awareness}, show: {banner: {title: Row}}}
experiments:
  - name: Headlines
    slot: all.topbar
    when: {hours: between 06:00 and 22:00}
    variants:
      - {name: control, share: 30%, show: nothing new}
      - {name: short, share: 30%, show: {banner: {title: Short}}}
      - {name: long, share: 40%, show: {banner: {title: Long and longer}}}
holdout: {name: Everything, share: 10%, until: 2026-11-27}
""",
}
VISITORS = 200


def deeds(chance: random.Random) -> Iterator[Arrival]:
    """What visitors did in the days before and during the views."""
    for number in range(VISITORS):
        visitor = f"visitor-{number}"
        for at in sorted(chance.uniform(BEGINS - 5 * 86_400, ENDS) for _ in range(chance.randrange(12))):
            kind, subject = chance.choice(
                (("product viewed", ""), ("order completed", ""), ("banner shown", "Sale"), ("banner clicked", "Sale"))
            )
            items = () if subject else (Item("SKU-1042", "shoes/trail"),)
            yield Arrival(visitor, Event(at, f"{visitor}-{at}", kind, subject, items), received_at=at)


@pytest.mark.bar("C7")
async def test_experiments_limits_journeys_and_holdouts_are_replayed_as_they_were_decided(tmp_path: Path) -> None:
    live, chance = published(WHOLE), random.Random(9)
    async with (
        Origin(always(ok(PAGE, *HTML))) as origin,
        Site(origin.url, publication=live, recorded_a_second=1e9) as site,
    ):
        await site.store.apply(list(deeds(chance)))
        for at in sorted(chance.uniform(BEGINS - 86_400, ENDS + 86_400) for _ in range(VIEWS)):
            site.now = at
            segments = ["VIP"] * (chance.random() < 0.2)
            await site.get(b"/", site.visitor(f"visitor-{chance.randrange(VISITORS)}", *segments))
        views = list(site.recorder.take())

    lines = [packed(view) for view in views]
    again = [view for line in lines if (view := unpacked(line))]
    seen = Counter(name for view in again for name in view.shown.values())
    print(f"{len(again)} views, shown {dict(seen)}")
    assert len(again) == VIEWS
    assert {
        "Sale",
        "Loyal",
        "Slowly",
        "Row",
        "Headlines / short",
        "Headlines / long",
        "Headlines / control",
        "",
    } <= set(seen)
    told = replay_recorded(again, live)
    assert (told.different, told.unsure) == (0, 0)
    assert replay(again, live, published(WHOLE)).different == 0
