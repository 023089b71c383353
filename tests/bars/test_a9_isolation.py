"""A thousand visitors at once on shared pages, each with a marker in their profile that two banners show: every answer
carries exactly its own.

Each round begins cold: its first thousand pages find no profile in memory, so all have to be read within the budget.
"""

from __future__ import annotations

import asyncio
import os
import random
import re

import pytest

from proxy.model import Profile
from proxy.visitors.remembered import STALE_SECONDS
from tests.wire.origin import Origin, Seen, ok
from tests.wire.served import Heard, Served, hear, request
from tests.wire.site import NOON, answering, published, shown

VISITORS = 1_000
CONNECTIONS = 1_000 if os.environ.get("BAR_FULL") else 200
ROUNDS = 10 if os.environ.get("BAR_FULL") else 2
PAGES = [b"/", b"/shoes", b"/sale?page=2"]

BODY = b"<!doctype html><title>Shop</title>" + b"<p>text of the shop</p>" * 500
MARKED = published(shown("Welcome {marker|nobody}"), shown("Again {marker|nobody}", "home.foot", order=1))


def page(seen: Seen) -> bytes:
    slots = b'<div data-slot="home.hero">hero</div>%b<div data-slot="home.foot">foot</div>' % seen.target
    return ok(BODY + slots, b"Content-Type: text/html", b"Cache-Control: max-age=86400")


class Crowd:
    """The visitors, walking at the same time over `CONNECTIONS` connections in an order thrown by a seed."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._cookies = [served.site.visitor(f"visitor-{number}") for number in range(VISITORS)]

    async def walk(self, seed: int) -> list[tuple[int, Heard]]:
        """Each visitor on each page, all on one before any is on the next, with what each was answered."""
        order = random.Random(seed).sample(range(VISITORS), VISITORS)
        visits = [(number, PAGES[(number + turn) % len(PAGES)]) for turn in range(len(PAGES)) for number in order]
        walks = await asyncio.gather(*(self._go(visits[start::CONNECTIONS]) for start in range(CONNECTIONS)))
        return [visit for walk in walks for visit in walk]

    async def _go(self, visits: list[tuple[int, bytes]]) -> list[tuple[int, Heard]]:
        reader, writer = await self._served.connect()
        heard = []
        for number, path in visits:
            coding = (b"Accept-Encoding", b"gzip" if number % 3 else b"identity")
            writer.write(request(b"GET", path, self._cookies[number], coding))
            heard.append((number, await hear(reader)))
        writer.close()
        return heard


def markers(answer: Heard) -> set[bytes]:
    assert (answer.status, answer.headers[b"cache-control"]) == (200, b"private, no-cache")
    return set(re.findall(rb"marker-\d+-end|nobody", answer.body))


@pytest.mark.bar("A9")
async def test_every_answer_carries_its_own_visitors_marker_and_no_other() -> None:
    async with Origin(answering(page)) as origin, Served(origin.url, publication=MARKED) as served:
        site, crowd = served.site, Crowd(served)
        profiles = [Profile(f"visitor-{n}", {"marker": f"marker-{n}-end"}, updated_at=NOON) for n in range(VISITORS)]
        await site.store.put_profiles(profiles)

        for seed in range(ROUNDS):
            for number, answer in await crowd.walk(seed):
                assert markers(answer) == {b"marker-%d-end" % number}
            site.now += STALE_SECONDS  # the pages are kept for a day, profiles not that long
        assert site.metrics.get("tailorbird_profile_lookups_total", "store") >= ROUNDS * VISITORS
    assert len(origin.requests) == len(PAGES)
