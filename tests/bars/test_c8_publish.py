"""Publishing, rolling back and pausing under load: two workers serve one shop while a version is published, then the
one before it again, and then everything is paused and goes on. No request fails, and after a second nobody is shown
what was replaced.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from proxy.rulebook.pauses import Pause, What
from proxy.stores.history import Action
from proxy.stores.ruledir import read_folder
from proxy.stores.versions import Versions
from tests.wire.daemon import Daemon
from tests.wire.origin import Origin, always, ok

IS_FULL = bool(os.environ.get("BAR_FULL"))
ROUNDS = 10 if IS_FULL else 1
CONNECTIONS = 16 if IS_FULL else 4
PATIENCE_SECONDS = 20
HTML = (b"content-type: text/html; charset=utf-8", b"cache-control: max-age=600")
PAGE = b'<html><body><div data-slot="home.hero">ours</div></body></html>'
OWN = "the page's own"
EVERYTHING = Pause(What.EVERYTHING)
RULES = 'version: 1\nrules:\n  - {name: Sale, slot: home.hero, show: {banner: {title: "number %d."}}}\n'


@dataclass
class Seen:
    """What one connection was shown: of each number, or the page's own, when that was asked for last."""

    last: dict[str, float] = field(default_factory=dict)
    answers: int = 0
    failures: list[str] = field(default_factory=list)

    def note(self, answer: httpx.Response, asked_at: float) -> None:
        self.answers += 1
        number = answer.content.partition(b"number ")[2].partition(b".")[0].decode()
        if answer.status_code != 200 or (not number and answer.content != PAGE):
            self.failures.append(f"{answer.status_code}: {answer.content[:80]!r}")
        self.last[number or OWN] = asked_at


async def browse(port: int, seen: Seen) -> None:
    """Asks again and again on one connection."""
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=PATIENCE_SECONDS
    ) as client:
        while True:
            asked_at = time.time()
            try:
                seen.note(await client.get("/"), asked_at)
            except httpx.HTTPError as error:
                seen.failures.append(repr(error))
            await asyncio.sleep(0.01)


def publish(rules: Path, number: int) -> str:
    """Publishes; what the content is called."""
    (rules / "a.rules.yaml").write_text(RULES % number)
    return (
        Versions(rules)
        .publish(read_folder(rules), author="Mia", message=f"number {number}", now=time.time(), action=Action.PUBLISHED)
        .content
    )


def roll_back(rules: Path, number: int) -> str:
    """Goes back to a version; what the content is called."""
    return Versions(rules).roll_back(number, author="Mia", message="", now=time.time()).content


async def all_see(everybody: list[Seen], number: str, since: float) -> float:
    """Waits until every connection is shown the number; seconds since `since` until the last asked and was shown
    another."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not all(seen.last.get(number, 0.0) > since for seen in everybody):
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    others = [at for seen in everybody for shown, at in seen.last.items() if shown != number]
    return max([0.0, *(at - since for at in others)])


async def both_have(daemon: Daemon, content: str) -> float:
    """Waits until both workers say that they serve that content; when they did."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            told = await daemon.readiness()
            if (told["workers"], told.get("version"), told.get("reasons")) == (2, content, []):
                return time.time()
            await asyncio.sleep(0.02)


@pytest.mark.bar("C8")
async def test_publishing_under_load_fails_nobody_and_reaches_everybody_within_a_second(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "slots.yaml").write_text("slots: {home.hero: {}}")
    first = publish(rules, 1)
    async with (
        Origin(always(ok(PAGE, *HTML))) as origin,
        Daemon(origin.url, tmp_path, rules=rules, rules_mode="published", workers=2) as daemon,
    ):
        await both_have(daemon, first)
        everybody = [Seen() for _ in range(CONNECTIONS)]
        browsing = [asyncio.create_task(browse(daemon.port, seen)) for seen in everybody]
        await all_see(everybody, "1", 0.0)
        waits = []
        for number in range(2, 2 + ROUNDS):
            for shown, switch in ((number, publish), (1, roll_back)):
                since = time.time()
                content = await asyncio.to_thread(switch, rules, shown)
                waits += [await both_have(daemon, content) - since, await all_see(everybody, str(shown), since)]
            for shown, switch in ((OWN, Versions.pause), ("1", Versions.resume)):
                since = time.time()
                await asyncio.to_thread(switch, Versions(rules), [EVERYTHING], author="Mia", now=since)
                waits.append(await all_see(everybody, shown, since))
        for task in browsing:
            task.cancel()
        await asyncio.gather(*browsing, return_exceptions=True)
    answers = sum(seen.answers for seen in everybody)
    print(f"{answers} answers, {4 * ROUNDS} switches; all had switched after {max(waits):.2f} s at most")
    assert [failure for seen in everybody for failure in seen.failures] == []
    assert max(waits) < (1.0 if IS_FULL else PATIENCE_SECONDS)
