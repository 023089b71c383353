"""Origins' answers to a server that has learned how this origin answers, beside one that has learned nothing: what both
make of an answer, keep of it and give later is the same to the byte.

Pages come again with other words, other marks, another lifetime, a cookie that was not there before, the same ETag and
another body; heads are written as no origin should; bodies are cut short, chunked oddly or followed by more.
"""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest

from tests.fuzz.answers import Answers, Said
from tests.fuzz.heads import Heads
from tests.fuzz.test_lane import RULES, TOKEN, VISITORS, profiles
from tests.fuzz.twins import both
from tests.wire.origin import Wire
from tests.wire.site import NOON

FULL = bool(os.environ.get("BAR_FULL"))
ANSWERS = 6_000 if FULL else 100
A_PATH = 10
"""So many of them are those of one path."""
PATHS = (b"/p/%d", b"/p/%d", b"/p/%d", b"/c/%d")
CALM = {
    "breaker_failures": 10**6,
    "breaker_fraction": 1.0,
    "breaker_attempts": 10**6,
    "retry_fraction": 1.0,
    "origin_down_seconds": 0.0,
    "profile_memory_seconds": 1e9,
}
"""So that one failure has no say in what comes after it, by the clock of the machine."""


class Plan:
    """What the origins answer next, and what time it is."""

    def __init__(self) -> None:
        self.said = Said((b"",), ends=True)
        self.now = NOON

    async def script(self, wire: Wire) -> None:
        while True:
            await wire.request()
            for piece in self.said.pieces:
                await wire.send(piece)
                await asyncio.sleep(0)
            if self.said.ends:
                return


POLICY = """pages:
  - path: /c*
    fresh: 1 minute
    cookies: {ignore: ["*"]}
"""


@pytest.mark.bar("P3")
@pytest.mark.parametrize("name", ["as the origin says", "by a policy"])
async def test_what_is_made_of_an_answer_does_not_depend_on_those_before(name: str, tmp_path: Path) -> None:
    dice, plan = random.Random(name), Plan()
    rules = {**RULES, "cache.yaml": POLICY} if name == "by a policy" else RULES
    settings = {"clock": lambda: plan.now, **CALM}
    async with both(plan.script, rules, tmp_path, profiles=profiles(), **settings) as twins:
        heads, answers = Heads(dice, twins[0].behind.tailorbird.cookies, VISITORS), Answers(dice)
        for number in range(ANSWERS):
            plan.said, path = answers.any(), dice.choice(PATHS) % (number // A_PATH)
            for _ in range(dice.choice((1, 2, 4))):
                plan.now += dice.choice((0, 0, 0, 0.5, 2, 70))
                asked = heads.plainly(path)
                for one in twins:
                    one.forget_all()
                said = [(await one.say(0, asked.pieces)).but_for_its_framing() for one in twins]
                told = [one.told() for one in twins]
                assert said[0] == said[1], f"answer {number}: {plan.said} to {asked}\n{said}"
                assert told[0] == told[1], f"answer {number}: {plan.said} to {asked}\n{told}"
                assert b"something went wrong" not in said[0].answer, f"answer {number}: {plan.said} to {asked}"
                assert set(TOKEN.findall(said[0].answer)) <= asked.tokens, f"answer {number}: {plan.said} to {asked}"
        ways = twins[0].counted("cache_requests")
    print(f"\n{name}: {ANSWERS} answers, both made the same of them; cache: {ways}")
    assert min(ways[word] for word in ("hit", "stored", "bypass")) > ANSWERS / 20
