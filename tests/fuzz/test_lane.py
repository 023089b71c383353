"""A server that has learned beside one that has learned nothing: whatever is sent, both answer the same bytes, ask the
same of the origin, note the same in their access log and count the same.

The one takes every short cut there is, and has met the like of each request many times. The other goes the ordinary
way, and forgets what it found before each request. What is sent are browsers' requests, odd and broken ones, on several
connections, in pieces and ahead of answers. Every visitor's answers carry a word of theirs, and of nobody else's.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import re
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from proxy.model import Profile
from tests.fuzz.heads import Asked, Heads
from tests.fuzz.oddities import PATHS
from tests.fuzz.twins import Said, Shop, both
from tests.wire.origin import Seen, ok
from tests.wire.site import answering

FULL = bool(os.environ.get("BAR_FULL"))
PAGE_BEGINS = b"HTTP/1.1 200 "
REQUESTS = 10_000 if FULL else 180
CONNECTIONS = 3
VISITORS = 6
COUNTED = ("requests", "cache_requests", "clients_refused", "rule_matches", "page_passthrough")
TOKEN = re.compile(rb"tok-[0-9]-end")

GRADES = "".join(
    f"""  - name: Grade {n}
    slot: home.hero
    when: {{grade: g{n}}}
    show: {{banner: {{title: tok-{n}-end}}}}
"""
    for n in range(VISITORS)
)
RULES = {
    "a.rules.yaml": f"""version: 1
segments:
  VIP:
    description: named by the shop's own cookie
rules:
  - name: VIPs
    slot: home.hero
    priority: high
    when: {{segment: VIP}}
    show: {{banner: {{title: For our VIPs}}}}
  - name: Known by token
    slot: home.hero
    priority: high
    when: {{page: starts with /c/}}
    show: {{banner: {{title: "Hello {{token|nobody}}"}}}}
{GRADES}
  - name: Phones
    slot: home.side
    when: {{device: phone}}
    show: {{banner: {{title: On a phone}}}}
  - name: Dutch
    slot: home.side
    when: {{language: nl}}
    show: {{banner: {{title: In het Nederlands}}}}
  - name: Belgians
    slot: home.side
    when: {{country: BE}}
    show: {{banner: {{title: In Belgium}}}}
  - name: In Ghent
    slot: home.side
    priority: high
    when: {{city: Ghent}}
    show: {{banner: {{title: "Your shop in {{city|Ghent}}"}}}}
  - name: From the letter
    slot: home.foot
    when: {{campaign: letter}}
    show: {{banner: {{title: You read our letter}}}}
  - name: Half of them
    slot: home.side
    priority: low
    when: {{grade: [g0, g1, g2, g3, g4, g5]}}
    rollout: 50%
    show: {{banner: {{title: You are of one half}}}}
  - name: The others
    slot: home.side
    priority: low
    when: {{grade: [g0, g1, g2, g3, g4, g5]}}
    holdout: 30%
    show: {{banner: {{title: You are of the other}}}}
  - name: New here
    slot: home.foot
    when: {{visitor: new}}
    show: {{banner: {{title: Welcome}}}}
""",
    "slots.yaml": "slots:\n  home.hero: {}\n  home.side: {}\n  home.foot: {}\n",
    "attributes.yaml": "attributes:\n  token: text\n  grade: text\n",
}
"""What is shown with a visitor's own word in it is put together for each; what everybody of a grade is shown is
remembered, and here each visitor has a grade of their own."""
SLOTS = b"".join(b'<div data-slot="home.%b">ours</div>' % name for name in (b"hero", b"side", b"foot"))
HTML, SHARED, OWN = b"Content-Type: text/html; charset=utf-8", b"Cache-Control: max-age=600", b"Cache-Control: private"


def shop(seen: Seen) -> bytes:
    """Pages for everybody, and pages of one visitor's own below `/own`, which say who asked."""
    path = seen.target.partition(b"?")[0]
    who = b" ".join(sorted(set(TOKEN.findall(seen.get(b"cookie") or b""))))
    page = b"<html><body>%b<p>%b for %b</p></body></html>" % (SLOTS, path.replace(b"<", b""), who)
    if path.startswith(b"/own/page"):
        return ok(page, HTML, OWN, b'ETag: "%d"' % len(page))
    if path.startswith(b"/own/plain"):
        return ok(b"<html><body>for %b</body></html>" % who, HTML, OWN)
    if path.startswith(b"/esi"):
        part = b'<esi:include src="/own/data?x=%b"/>' % path.rpartition(b"/")[2]
        return ok(page.replace(b"<p>", part + b"<p>"), HTML, SHARED, b'Surrogate-Control: content="ESI/1.0"')
    if path.startswith(b"/own"):
        return ok(b'{"for": "%b"}' % who, b"Content-Type: application/json", b"Cache-Control: no-store")
    if path.startswith(b"/css"):
        return ok(b"a{}" * 40, b"Content-Type: text/css", SHARED, b'ETag: "css"')
    if path.startswith(b"/vary"):
        return ok(b"%b%b" % (SLOTS, seen.get(b"accept-language") or b""), HTML, SHARED, b"Vary: Accept-Language")
    if path.startswith(b"/gone"):
        return ok(b"gone", HTML, status=b"404 Not Found")
    if path.startswith(b"/to"):
        return ok(b"", b"Location: /own/page", OWN, status=b"302 Found")
    if path.startswith(b"/plain"):
        return ok(b"<p>no slots", HTML, SHARED, b'ETag: "plain"')
    return ok(page, HTML, SHARED, b'ETag: "page"')


def profiles() -> list[Profile]:
    return [Profile(f"visitor-{n}", {"token": f"tok-{n}-end", "grade": f"g{n}"}) for n in range(VISITORS)]


CACHE = {
    "cache.yaml": """pages:
  - path: /own*
    store: no
  - path: /c*
    fresh: 5 minutes
    cookies: {own: [shop], key: [currency], ignore: [_ga]}
    query: {ignore: [a]}
    despite: [private]
  - path: /*
    fresh: 5 minutes
    cookies: {ignore: ["*"]}
    query: {ignore: [utm_*, a]}
"""
}
SHOPS: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "strangers": ({}, {}),
    "behind a proxy": ({}, {"trusted_proxies": ("127.0.0.1",), "keep_host": True, "city_header": "cf-ipcity"}),
    "consent": ({}, {"consent": ("own", "tcf"), "consent_default": "profile", "page_codings": ("gzip", "zstd")}),
    "hints": (
        {},
        {"unsigned_segments_cookie": "cdp", "visitor_cookie": "persistent", "allowed_hosts": ("shop.example",)},
    ),
    "refreshing": ({}, {"clients_may_refresh": True, "forwarded_fields": ("*",)}),
    "policy": (CACHE, {}),
}


@pytest.mark.bar("P3")
@pytest.mark.parametrize("name", SHOPS)
async def test_a_server_that_has_learned_answers_as_one_that_has_not(name: str, tmp_path: Path) -> None:
    dice, (files, settings) = random.Random(name), SHOPS[name]
    async with both(answering(shop), {**RULES, **files}, tmp_path, profiles=profiles(), **settings) as twins:
        heads = Heads(dice, twins[0].behind.tailorbird.cookies, VISITORS)
        await each(twins, heads.by_strangers() + heads.usual() * 3)
        past = Past()
        for number in range(REQUESTS):
            asked = heads.any()
            heads.heard(await ask_both(twins, past, asked, dice.randrange(CONNECTIONS), number))
            if asked.changes:
                await each(twins, heads.by_strangers(PATHS))
        if not past.has_doubts:
            await require_same_events(twins, past.pages_cut_short)
            lines = [Counter(map(json.dumps, await one.logged())) for one in twins]
            assert all((lines[n] - lines[1 - n]).total() <= past.cut_short for n in range(2))
            for what in COUNTED:
                known, others = (Counter(one.counted(what)) for one in twins)
                apart = ((known - others) + (others - known)).total()
                assert apart <= past.cut_short, what
        hits, refused = (twins[0].counted(what) for what in ("cache_requests", "clients_refused"))
    print(f"\n{name}: {REQUESTS} requests, the same from both; cache: {hits}; refused: {refused}")
    assert hits["hit"] > REQUESTS / 4 and hits["bypass"] > REQUESTS / 10


async def each(twins: Sequence[Shop], asked: Sequence[Asked]) -> None:
    """Both are asked all of it, and what they say does not matter."""
    for one in twins:
        for ahead in asked:
            await one.say(0, ahead.pieces)
        one.told()


async def ask_both(twins: Sequence[Shop], past: Past, asked: Asked, connection: int, number: int) -> bytes:
    """What both answer. Raises `AssertionError` where they differ."""
    twins[1].forget()
    past.add(connection, asked)
    heard = [await one.say(connection, asked.pieces) for one in twins]
    past.cut_short += heard[0] != heard[1]
    past.pages_cut_short += abs(heard[0].answer.count(PAGE_BEGINS) - heard[1].answer.count(PAGE_BEGINS))
    said, told = [one.but_for_its_end() for one in heard], [one.told() for one in twins]
    if not is_alike(*said) or told[0] != told[1]:
        said, told = await once_more(twins, past, connection)
    assert is_alike(*said), f"request {number}: {asked}\n{said}"
    assert told[0] == told[1], f"request {number}: {asked}\n{told}"
    assert b"something went wrong" not in said[0].answer, f"request {number}: {asked}"
    mine = set(TOKEN.findall(b"".join(asked.pieces))) | asked.tokens
    assert set(TOKEN.findall(said[0].answer)) <= mine, f"request {number}: {asked}"
    return said[0].answer


def is_alike(said: Said, other: Said) -> bool:
    """Whether both say the same; or would, had not a broken body of a request ahead ended it for who was not so far."""
    shorter, longer = sorted((said.answer, other.answer), key=len)
    return said == other or (said.is_closed and other.is_closed and longer.startswith(shorter))


class Past:
    """What was asked on each connection lately; `has_doubts` when some of it was asked again; how often a broken
    request was sent ahead, so that an answer under way was `cut_short`, and not one that was given at once; how many
    pages were."""

    def __init__(self) -> None:
        self.cut_short = 0
        self.pages_cut_short = 0
        self.by_connection: dict[int, deque[Asked]] = {}
        self.has_doubts = False

    def add(self, connection: int, asked: Asked) -> None:
        self.by_connection.setdefault(connection, deque(maxlen=10)).append(asked)


async def once_more(
    twins: Sequence[Shop], past: Past, connection: int
) -> tuple[list[Said], list[list[tuple[object, ...]]]]:
    """What both say at last, on new connections, when they are asked the same again. A busy machine brings a piece so
    late that it is read with the next: what it says once is no difference."""
    past.has_doubts = True
    said: list[Said] = []
    for one in twins:
        await one.hang_up(connection)
    for asked in past.by_connection[connection]:
        twins[1].forget()
        for one in twins:
            one.told()
        said = [(await one.say(connection, asked.pieces)).but_for_its_end() for one in twins]
    return said, [one.told() for one in twins]


async def require_same_events(twins: Sequence[Shop], pages_cut_short: int) -> None:
    """Pages told both journals the same, once all of it is written; but for those that one did not come to."""
    events: list[list[tuple[object, ...]]] = [[], [()]]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(20):
            while events[0] != events[1]:
                await asyncio.sleep(0.01)
                events = [await one.events() for one in twins]
    known, others = (Counter(map(repr, each)) for each in events)
    assert ((known - others) + (others - known)).total() <= pages_cut_short, (known - others, others - known)
    assert len(events[0]) > REQUESTS / 10
