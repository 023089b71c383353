"""An event holds on its visitor's very next page, on whichever worker; a window ends at its second, when it is read."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from proxy.visitors.visitor import Cookies
from tests.wire.behind import Behind
from tests.wire.daemon import Daemon
from tests.wire.origin import Origin, always, ok
from tests.wire.posting import WRITE_KEYS, Posting, body_of, view
from tests.wire.served import request
from tests.wire.site import NOON
from tests.wire.storage import STORES, storage

FULL = bool(os.environ.get("BAR_FULL"))
TIMES = 10_000 if FULL else 150
PATHS = 4
PAGE = b'<html><body><div data-slot="home.hero">ours</div></body></html>'
HTML = (b"content-type: text/html; charset=utf-8", b"cache-control: max-age=86400")
RULES = """version: 1
segments:
  Lookers:
    when: {viewed: {times: at least 1, within: 1 hour}}
rules:
  - name: Lookers
    slot: home.hero
    when: {segment: Lookers}
    show: {banner: {title: You looked}}
"""
SEEN = b"You looked"


class Visitor:
    """One who asks for pages over two connections, which may lead to two workers."""

    def __init__(self, id: str, cookies: Cookies, pages: tuple[Posting, Posting]) -> None:
        self.id = id
        self._raw = request(b"GET", b"/", (b"Cookie", cookies.visitor_pair(id, NOON)))
        self._pages = pages

    async def sees(self) -> list[bool]:
        """Whether each of the two pages has it."""
        heard = await asyncio.gather(*(page.ask(self._raw) for page in self._pages))
        return [one is not None and SEEN in one.body for one in heard]


@pytest.mark.bar("D4")
@pytest.mark.parametrize("kind", STORES)
async def test_a_segment_holds_on_the_next_request(kind: str, tmp_path: Path) -> None:
    (tmp_path / "a.rules.yaml").write_text(RULES)
    (tmp_path / "slots.yaml").write_text("slots: {home.hero: {}}\n")
    held: list[bool] = []
    early: list[bool] = []
    async with (
        storage(kind, tmp_path) as url,
        Origin(always(ok(PAGE, *HTML))) as origin,
        Daemon(origin.url, tmp_path, store=url, workers=2, write_keys=WRITE_KEYS) as daemon,
    ):
        await daemon.has_workers(2)

        async def try_out(path: int) -> None:
            async with Posting(daemon.port) as posting, Posting(daemon.port) as one, Posting(daemon.port) as two:
                for number in range(path, TIMES, PATHS):
                    visitor = Visitor(f"v{number}", daemon.cookies, (one, two))
                    early.append(any(await visitor.sees()))
                    await posting.post_until_taken(body_of([view(visitor.id, f"m{number}")]))
                    held.append(all(await visitor.sees()))

        await asyncio.gather(*(try_out(path) for path in range(PATHS)))
        if FULL:
            await asyncio.sleep(2)  # the workers' counts come together
        late = [
            int(await daemon.metric("tailorbird_profile_lookups_total", why)) for why in ("timeout", "shed", "busy")
        ]
    print(
        f"\nD4 {kind}: {sum(held)} of {len(held)} held on the next page of two connections, {sum(early)} before; "
        f"profiles that were late, shed, not asked for: {late}"
    )
    assert held == [True] * TIMES
    assert not any(early)


@pytest.mark.bar("D4")
async def test_a_window_ends_at_its_second_when_it_is_read(tmp_path: Path) -> None:
    now = NOON
    folder = {"a.rules.yaml": RULES, "slots.yaml": "slots: {home.hero: {}}\n"}
    async with (
        Origin(always(ok(PAGE, *HTML))) as origin,
        Behind(origin.url, folder, tmp_path, write_keys=(WRITE_KEYS,), clock=lambda: now) as shop,
        Posting(int(shop.url.rpartition(":")[2])) as posting,
    ):
        await posting.post_until_taken(body_of([view("anna", "m1")]))
        seen = {}
        for after in (0.0, 3_599.0, 3_599.999, 3_600.0, 3_601.0, 3_599.999):
            now = NOON + after
            seen[after] = SEEN.decode() in (await shop.client.get("/", headers=shop.cookies_of("anna"))).text
    print(f"\nD4 window: {seen}")
    assert seen == {0.0: True, 3_599.0: True, 3_599.999: True, 3_600.0: False, 3_601.0: False}
