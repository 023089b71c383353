"""Two workers of one shop, an origin that says whatever it likes of its pages, and visitors, editors and purges at
random, many at the same time: each answer is one that a shared cache may give to that request (`legal.py`)."""

from __future__ import annotations

import asyncio
import os
import random
import re
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx
import pytest

from proxy.httpcache.cookies import pairs_in
from proxy.httpcache.purge import purge_of
from proxy.wiring import Tailorbird
from tests.fuzz.legal import Control, Judge, Made, Moment, Said
from tests.wire.behind import Behind
from tests.wire.origin import Origin, Seen, ok
from tests.wire.patience import TIMELESS
from tests.wire.site import NOON, answering, eventually

STEPS = 6_000 if os.environ.get("BAR_FULL") else 600
PAGES = 4
RULES = {
    "a.rules.yaml": "version: 1\nrules:\n  - {name: All, slot: home.hero, show: {banner: {title: Hello}}}\n",
    "slots.yaml": "slots: {home.hero: {}}\n",
}
NUMBER = re.compile(r"number (\d+) for (\w+)")
FLAGS = {
    "public": 0.2,
    "must-revalidate": 0.2,
    "proxy-revalidate": 0.05,
    "no-cache": 0.05,
    "private": 0.06,
    "no-store": 0.1,
}
VARIES = {
    "accept-language": 0.25,
    "x-kind": 0.1,
    "authorization": 0.2,
    "cookie": 0.05,
    "*": 0.02,
    "accept-encoding": 0.1,
}
TAGS = ("shoes", "tents")
QUIET = 30
A_STEP = 1_000
"""More than there are moments in a step."""
HEARD = "heard"
"""A topic of this test's own."""


class Page:
    """A page, and what the origin says of it at present."""

    def __init__(self, path: str, dice: random.Random) -> None:
        self.path = path
        self._dice = dice
        self.fails = False
        self.tags = tuple(tag for tag in TAGS if dice.random() < 0.4)
        self.current: dict[tuple[str, ...], int] = {}
        self.edit()

    def edit(self) -> None:
        """It is another from now on, for which other things are said."""
        dice, self.current = self._dice, {}
        self.controls = {"cache-control": self._control()}
        for name in ("cdn-cache-control", "surrogate-control"):
            if dice.random() < 0.1:
                self.controls[name] = self._control() or {"max-age": 1}
        self.vary = tuple(name for name, often in VARIES.items() if dice.random() < often)
        self.dated, self.expires = dice.choice([None, 0, 0, 0, -1, -3, 2]), dice.choice([None, None, None, 0, 2, -5])
        self.age, self.sets_cookie = dice.choice([0, 0, 0, 1, 3]), dice.random() < 0.1
        self.status, self.weak = dice.choice([200] * 8 + [404, 301, 403]), dice.choice(["", "W/"])

    def _control(self) -> Control:
        dice = self._dice
        control = {name: 1 for name, often in FLAGS.items() if dice.random() < often}
        for name, often, seconds in (
            ("max-age", 0.8, (0, 1, 2, 5, 30, 30)), ("s-maxage", 0.2, (0, 2, 5)),
            ("stale-while-revalidate", 0.4, (1, 5, 60)), ("stale-if-error", 0.25, (0, 1, 60)),
        ):  # fmt: skip
            if dice.random() < often:
                control[name] = dice.choice(seconds)
        return control

    def said(self, now: float) -> Said:
        """What it says now."""
        date = None if self.dated is None else int(now) + self.dated
        expires = None if self.expires is None else int(now) + self.expires
        return Said(dict(self.controls), self.vary, date, expires, self.age, self.sets_cookie)


def lines(said: Said, *more: str) -> list[bytes]:
    """The fields that say so."""
    written = list(more)
    for name, control in said.controls.items():
        written += [f"{name}: " + ", ".join(word if word in FLAGS else f"{word}={n}" for word, n in control.items())]
    dates = {"date": said.date, "expires": said.expires}
    written += [f"{name}: {formatdate(at, usegmt=True)}" for name, at in dates.items() if at is not None]
    written += [f"vary: {', '.join(said.vary)}"] * bool(said.vary) + [f"age: {said.age}"] * bool(said.age)
    return [line.encode() for line in written + ["set-cookie: s=1"] * said.sets_cookie]


class World:
    """The shop, its visitors and its workers. The clock goes on when it is told to."""

    def __init__(self, seed: str) -> None:
        self.dice = random.Random(seed)
        self.now = NOON
        self.judge = Judge()
        self.pages = {path: Page(path, self.dice) for path in (f"/{n}.css" if n % 3 else f"/{n}" for n in range(PAGES))}
        self.open = asyncio.Event()  # shut while several ask at the same time
        self.open.set()
        self.seen: Counter[str] = Counter()
        self.workers: list[Behind] = []
        self._known_tags: dict[tuple[str, str], str] = {}
        self._numbers_of: dict[str, int] = {}
        self._form_at: dict[str, Moment] = {}
        self._heard: Counter[bytes] = Counter()
        self._count = 0

    def moment(self) -> Moment:
        self._count += 1
        return self.now, self._count

    def end_of_step(self) -> Moment:
        """Who asks until then may still get what the origin sent: when it came in is not seen here."""
        return self.now, self._count - self._count % A_STEP + A_STEP - 1

    # -- the origin

    async def answer(self, seen: Seen) -> bytes:
        told = {name.decode(): value.decode() for name, value in seen.headers}
        page, asked, own_id = self.pages[seen.target.decode()], self.moment(), told.get("x-id", "")
        if page.fails:
            self.judge.failed[page.path].append(self.moment())
            return ok(status=b"503 Down")
        if seen.method == b"POST":
            page.edit()
            self._form_at[own_id] = asked
            await self.open.wait()
            return b"HTTP/1.1 204 Changed\r\n\r\n"
        who, said = who_is(told), page.said(self.now)
        variant = who, told.get("accept-language", ""), told.get("x-kind", "")
        number = page.current.get(variant, -1)
        status, is_same = page.status, f'"{number}"' in told.get("if-none-match", "")
        if not is_same:
            number = page.current[variant] = len(self.judge.made)
            self.judge.made[number] = Made(page.path, status, said, told, own_id)
        self.judge.given[own_id] = number
        kind = "text/css" if page.path.endswith("css") else "text/html; charset=utf-8"
        fields = lines(
            said, f'etag: {page.weak}"{number}"', f"surrogate-key: {' '.join(page.tags)}", f"content-type: {kind}"
        )
        await self.open.wait()
        self.judge.made[number].confirmed.append((asked, self.end_of_step(), said))
        if is_same:
            return b"\r\n".join([b"HTTP/1.1 304 Same", *fields, b"", b""])
        body = f'<html><p>number {number} for {who}</p><div data-slot="home.hero"></div></html>'
        return ok(b"" if seen.method == b"HEAD" else body.encode(), *fields, status=b"%d Said" % status)

    # -- who asks

    async def ask(self) -> None:
        dice, page = self.dice, self.dice.choice(list(self.pages.values()))
        who, begun = dice.choice(["nobody", "nobody", "anna", "bob"]), self.moment()
        fields = {"host": "shop.example", "x-id": f"{who} {begun[1]}", "user-agent": "Mozilla/5.0", "accept": "*/*"}
        if not page.path.endswith("css"):
            fields |= {"accept": "text/html"}
        if who != "nobody":
            fields |= dice.choice([{"cookie": f"login={who}"}, {"authorization": who}])
        fields |= dice.choice([{}, {}, {"accept-language": "de"}, {"accept-language": "en"}, {"x-kind": "a"}])
        if dice.random() < 0.2:
            fields |= {"if-none-match": self._known_tags.get((page.path, who), '"x"')}
        if dice.random() < 0.1:
            fields |= {"range": dice.choice(["bytes=0-90", "bytes=-5", "bytes=999-"])}
        client, method = dice.choice(self.workers).client, dice.choice(["GET"] * 6 + ["HEAD"])
        answer = await client.request(method, page.path, headers=fields)
        client.cookies.clear()
        self._judge(page.path, who, fields, begun, answer)

    def _judge(self, path: str, who: str, fields: Mapping[str, str], begun: Moment, answer: httpx.Response) -> None:
        found, tag = NUMBER.search(answer.text), answer.headers.get("etag", "")
        if found is not None:
            assert found[2] in ("nobody", who), f"{fields} was given {answer.text}"
            if tag:
                self._known_tags[path, who] = tag
                self._numbers_of[tag] = int(found[1])
        number = int(found[1]) if found else self._numbers_of.get(tag, -1)
        if answer.status_code >= 500 or number < 0:
            return
        why = self.judge.why_not(path, fields, fields["x-id"], begun, self.moment(), number)
        assert not why, f"{fields['x-id']} was given {number} of {path} by {dict(answer.headers)}: {why}"
        status = answer.headers["cache-status"]
        self.seen.update(
            word for word in ("hit", "ttl=-", "collapsed", "bypass", "stored", "fwd-status=304") if word in status
        )
        self.seen[str(answer.status_code)] += 1
        self.seen["own"] += found is not None and found[2] != "nobody"

    # -- what happens

    async def send_form(self) -> None:
        path, worker = self.dice.choice(list(self.pages)), self.dice.choice(self.workers)
        own_id = f"form {self.moment()[1]}"
        if (await worker.client.post(path, headers={"host": "shop.example", "x-id": own_id})).status_code == 204:
            self.seen["forms"] += 1
            await self._all_heard(worker.tailorbird, own_id.encode())
            self.judge.declared[path].append((self._form_at[own_id], self.moment(), False))

    async def _all_heard(self, sender: Tailorbird, what: bytes) -> None:
        """Until the others have all that this worker told them of forms: messages stay in order."""
        sending = sender._changed_pages._sending
        if sending is not None:
            await sending
        await sender.bus.publish(HEARD, what)
        await eventually(lambda: self._heard[what] == len(self.workers))

    async def hear(self, what: bytes) -> bytes:
        """Notes that a worker has heard what was told before."""
        self._heard[what] += 1
        return b""

    async def purge(self) -> None:
        kind, is_soft = self.dice.choice(["urls", "prefixes", "tags"]), self.dice.random() < 0.4
        named = self.dice.choice(TAGS if kind == "tags" else list(self.pages))[: 2 if kind == "prefixes" else None]
        since, purge = self.moment(), purge_of(**{kind: [named]}, is_soft=is_soft)
        done = await self.dice.choice(self.workers).tailorbird.desk.purge(purge)
        assert done.everywhere and done.workers == 2
        self.seen["purges"] += 1
        for path, page in self.pages.items():
            if named in page.tags if kind == "tags" else path.startswith(named):
                self.judge.declared[path].append((since, self.moment(), is_soft))

    async def step(self) -> None:
        """Something happens, or several things at the same time."""
        dice = self.dice
        self._count = self.end_of_step()[1]
        doing = dice.choices([self.ask, self.send_form, self.purge], [20, 1, 1], k=dice.choice([1, 1, 1, 7]))
        if len(doing) > 1:
            self.open.clear()
        tasks = []
        for do in doing:
            tasks.append(asyncio.create_task(do()))
            for _ in range(QUIET):
                await asyncio.sleep(0)
            self.now += dice.choice([0.5, 1, 4, 9]) if dice.random() < 0.2 else 0
        self.open.set()
        await asyncio.gather(*tasks)
        await eventually(lambda: not any(one.tailorbird._gateway._kept.fetching._tasks for one in self.workers))
        page = dice.choice(list(self.pages.values()))
        if dice.random() < 0.12:
            page.edit()
        if dice.random() < 0.1:
            page.fails = not page.fails


def who_is(told: Mapping[str, str]) -> str:
    """Who asks, as the origin sees it."""
    return (
        told.get("authorization") or dict(pairs_in(told.get("cookie", "").encode())).get(b"login", b"nobody").decode()
    )


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world, rare = World("caching"), {"breaker_failures": 10**9, "breaker_fraction": 1e9, "stale_wait_ms": 0}
    async with AsyncExitStack() as stack:
        shared = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tb-")))  # sockets have short paths
        origin = await stack.enter_async_context(Origin(answering(world.answer)))
        for name in ("one", "other"):
            settings: dict[str, Any] = {**TIMELESS, **rare, "shared": shared, "clock": lambda: world.now}
            worker = await stack.enter_async_context(Behind(origin.url, RULES, tmp_path / name, **settings))
            worker.tailorbird.bus.listen(HEARD, world.hear)
            world.workers.append(worker)
        yield world


async def test_every_answer_is_one_that_a_shared_cache_may_give(world: World) -> None:
    for _ in range(STEPS):
        await world.step()
    print(world.seen)
    tried = ("hit", "ttl=-", "collapsed", "bypass", "stored", "fwd-status=304", "304", "206", "own", "forms", "purges")
    assert all(world.seen[what] for what in tried), "what is never seen is not tried"
