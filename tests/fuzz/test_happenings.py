"""A server that remembers beside one that forgets before each request who its visitors are and what it found for them:
whatever happens to rules, pages, products and people meanwhile, both show the same."""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

import pytest

from proxy.processes import ticks
from proxy.processes.ticks import tick
from proxy.visitors import journal
from tests.fuzz.happenings import HAPPENS, Happenings, all_written, edition
from tests.fuzz.heads import Heads
from tests.fuzz.test_lane import VISITORS, profiles, shop
from tests.fuzz.twins import both
from tests.wire.origin import Seen, ok
from tests.wire.site import answering

FULL = bool(os.environ.get("BAR_FULL"))
REQUESTS = 3_000 if FULL else 40
PATHS = (
    b"/", b"/", b"/", b"/c/shoes", b"/?utm_campaign=letter", b"/own/page", b"/plain", b"/vary", b"/css/a.css", b"/p/1",
    b"/p/2", b"/p/3", b"/esi/1", b"/_tb/slots?names=home.hero,home.side,home.foot&path=/",
)  # fmt: skip
CONSENTS = (b"none", b"session", b"profile", b"contextual")
THING = b'{"@type": "Product", "sku": "P%b", "name": "Product", "offers": {"price": 9}, "category": "shoes"}'
SLOTS = b"".join(b'<div data-slot="home.%b">ours</div>' % name for name in (b"hero", b"side", b"foot"))
SETTINGS = {"consent": ("own",), "consent_default": "profile", "profile_memory_seconds": 1e9}
_TTL = re.compile(rb"ttl=-?\d+")
"""When a clock goes back, what is left of a page's life is told in two ways."""


def selling(seen: Seen) -> bytes:
    """The shop of the lane, and products' own pages."""
    if not seen.target.startswith(b"/p/"):
        return shop(seen)
    thing = b'<script type="application/ld+json">%b</script>' % (THING % seen.target[3:4])
    html = b"<html><head>%b</head><body>%b</body></html>" % (thing, SLOTS)
    return ok(html, b"Content-Type: text/html; charset=utf-8", b"Cache-Control: max-age=600")


@pytest.mark.bar("P3")
async def test_a_server_with_memory_answers_as_one_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "NOTED_SECONDS", 0.001)  # it is waited for before each request
    monkeypatch.setattr(ticks, "tick", lambda _: tick(1e9))  # what follows from a clock set back, `Happenings` does
    dice = random.Random("happenings")
    happenings = Happenings(dice, VISITORS)
    settings = {"clock": lambda: happenings.now, **SETTINGS}
    async with both(answering(selling), edition(0), tmp_path, profiles=profiles(), **settings) as twins:
        heads, shops = Heads(dice, twins[0].behind.tailorbird.cookies, VISITORS), list(twins)
        for number in range(REQUESTS):
            if dice.random() < HAPPENS:
                await happenings.any(shops)
            asked = heads.plainly(dice.choice(PATHS))
            if dice.random() < 0.15:
                consent = b"Cookie: tb_consent=%b; " % dice.choice(CONSENTS)
                asked.pieces[0] = asked.pieces[0].replace(b"Cookie: ", consent)
            for one in shops:
                await all_written(one)
            shops[1].forget_all()
            shops[1].behind.tailorbird._profiles.forget()
            said = [await one.say(number % 2, asked.pieces) for one in shops]
            answers = [_TTL.sub(b"", one.answer) for one in said]
            assert answers[0] == answers[1], f"request {number}: {asked}\n{said}\n{happenings.counts}"
            assert shops[0].told() == shops[1].told(), f"request {number}: {asked}"
            assert b"something went wrong" not in answers[0]
        ways = shops[0].counted("cache_requests")
    print(f"\n{REQUESTS} requests while {dict(happenings.counts)}, the same from both; cache: {ways}")
    assert ways["hit"] > REQUESTS / 10
