"""Two servers of one store, and visitors who do as they like: whatever happens meanwhile, no answer holds what another
visitor said, bought or is logged in as, nor what its own visitor does not agree to or had erased."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from proxy.httpcache.purge import purge_of
from tests.contracts.conftest import flush, valkey_url
from tests.wire.behind import Behind
from tests.wire.origin import Origin, Seen, ok
from tests.wire.site import NOON, answering

__all__ = ["valkey_url"]  # a fixture

FULL = bool(os.environ.get("BAR_FULL"))
STEPS = 4_000 if FULL else 700
KEY = "6f3a9c0012ab34cd56ef"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36"
RULES = """version: 1
segments: {VIP: {description: signed by another system}}
rules:
  - {name: Named, slot: home.hero, when: {secret: any}, show: {banner: {title: "EDITION for {secret|nobody}"}}}
  - {name: Buyers, slot: home.side, when: {orders: at least 1}, show: {banner: {title: HAS-BOUGHT}}}
  - {name: VIPs, slot: home.foot, when: {segment: VIP}, show: {banner: {title: IS-VIP}}}
  - {name: Lookers, slot: home.looked, when: {viewed: {times: at least 1}}, show: {banner: {title: HAS-LOOKED}}}
  - {name: In JSON, slot: api.hero, when: {secret: any}, show: {banner: {title: "for {secret|nobody}"}}}
  - {name: Order, listing: all, when: {orders: at least 1}, pin: [{product: P2, at: 1}]}
"""
FOLDER = {
    "a.rules.yaml": RULES,
    "slots.yaml": "slots: {home.hero: {}, home.side: {}, home.foot: {}, home.looked: {},\n"
    "  api.hero: {page: /api/*, json: $.hero}}\nlistings: {all: {page: /c}}\n",
    "attributes.yaml": "attributes: {secret: text}\n",
    "cache.yaml": "pages:\n  - path: /hole\n    if down: 1 day\n    cookies: {ignore: [login, tb_consent]}\n"
    '    holes: [{find: "#cart", fill: fetch /part}]\n  - {path: /*, cookies: {ignore: [tb_consent]}}\n',
}
SLOTS = b"".join(b'<div data-slot="home.%b">ours</div>' % name for name in (b"hero", b"side", b"foot", b"looked"))
LIST = b'<ul data-list="all">%b</ul>' % b"".join(b'<li data-product="P%d">p</li>' % number for number in range(3))
THING = b'<script type="application/ld+json">{"@type":"Product","sku":"P1","name":"x","offers":{"price":9}}</script>'
HTML = b"Content-Type: text/html; charset=utf-8"
PATHS = ("/", "/", "/c", "/account", "/mixed", "/hole", "/esi", "/api/x", "/p/1", "/_tb/slot/home.hero?path=/")
API = "/_tb/slots?names=home.hero,home.side,home.foot,home.looked&path=/"
LEVELS = ("profile", "profile", "session", "contextual", "none")
DOES = {
    "open": 60, "consent": 3, "signal": 1, "login": 4, "say": 6, "buy": 4, "erase": 4, "export": 2, "sign": 6,
    "steal": 3, "purge": 2, "fail": 1, "publish": 0.5, "restart": 0.3,
}  # fmt: skip


@dataclass
class Browser:
    """A browser: its cookie of ours with the visitor's id, its login at the shop, the segments signed for it (of whom,
    until when), and what its visitor agrees to."""

    cookie: str = ""
    visitor: str = ""
    login: str = "nobody"
    signed: tuple[str, str, float] = ("", "", 0.0)
    level: str = "profile"
    is_private: bool = False

    @property
    def agrees_to(self) -> str:
        return "contextual" if self.is_private and self.level in ("profile", "session") else self.level


class Shop:
    """The origin: some pages are everybody's, some somebody's; it may fail."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.fails = False

    def answer(self, seen: Seen) -> bytes:
        cookies = dict(pair.strip().partition("=")[::2] for pair in (seen.get(b"cookie") or b"").decode().split(";"))
        assert not {"tb_v", "tb_s"} & cookies.keys(), "our cookies reached the origin"
        login = b"LOGIN:%b;" % cookies.get("login", "nobody").encode()
        own = b"Cache-Control: private"
        if self.fails and self._dice.random() < 0.7:
            return b"HTTP/1.1 503 Gone\r\nContent-Length: 0\r\n\r\n"
        match seen.target.partition(b"?")[0]:
            case b"/account":
                return ok(SLOTS + login, HTML, own)
            case b"/mixed":
                shared = b"Cache-Control: max-age=30"
                return ok(SLOTS + login, HTML, own if "login" in cookies else shared, b"Vary: Cookie")
            case b"/hole":
                return ok(SLOTS + b'<div id="cart">%b</div>' % login, HTML, b"Cache-Control: max-age=60")
            case b"/esi":
                page = SLOTS + b'<p><esi:include src="/part"/></p>'
                return ok(page, HTML, b"Cache-Control: max-age=60", b'Surrogate-Control: content="ESI/1.0"')
            case b"/part":
                return ok(login, HTML, own)
            case b"/api/x":
                return ok(b'{"hero": "ours"}', b"Content-Type: application/json", b"Cache-Control: max-age=60")
            case b"/p/1":
                return ok(b"<html><head>%b</head><body>%b" % (THING, SLOTS), HTML, b"Cache-Control: max-age=600")
        return ok(SLOTS + LIST, HTML, b"Cache-Control: max-age=60, stale-if-error=600, stale-while-revalidate=30")


class World:
    """Both servers, the browsers, and what is true of visitors: whose a secret is, and who has bought."""

    def __init__(self, origin: str, store: str, folder: Path, shop: Shop, dice: random.Random) -> None:
        self._origin, self._store, self._folder, self._shop, self._dice = origin, store, folder, shop, dice
        self.now = NOON
        self.browsers = [Browser() for _ in range(4)]
        self.owners: dict[str, str] = {}
        self.buyers: set[str] = set()
        self.kept = dict.fromkeys(("secret", "bought", "vip", "looked", "login"), 0)
        self._secrets = ["the-first-key-of-this-shop"]
        self._edition = 0
        self._servers: list[Behind] = []
        self._stack = contextlib.AsyncExitStack()

    @property
    def _rules(self) -> dict[str, str]:
        return FOLDER | {"a.rules.yaml": RULES.replace("EDITION", f"Edition {self._edition}")}

    async def start(self) -> None:
        shared = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))  # sockets have short paths
        settings = {"consent": ("own",), "consent_default": "contextual", "write_keys": (f"shop:server:{KEY}",)}
        for number in range(2):
            own = {} if self._store.startswith("sqlite") else {"shared": shared / str(number)}
            for path in own.values():
                path.mkdir()
            server = Behind(
                self._origin,
                self._rules,
                self._folder / str(number),
                clock=lambda: self.now,
                store=self._store,
                secret=",".join(self._secrets),
                recorded_a_second=100.0,
                **{"shared": shared, **own, **settings},
            )
            self._servers.append(await self._stack.enter_async_context(server))

    async def restart(self) -> None:
        """With a new key, which signs from now on."""
        await self.aclose()
        self._servers, self._stack = [], contextlib.AsyncExitStack()
        self._secrets.insert(0, f"key-number-{len(self._secrets)}-of-this-shop")
        await self.start()

    async def aclose(self) -> None:
        await self._stack.aclose()

    async def step(self, number: int) -> None:
        dice, now = self._dice, self.now
        self.now = now + (dice.choice((0.01, 0.5, 3, 30, 300, 3_600)) if dice.random() < 0.4 else 0)
        browser, server = dice.choice(self.browsers), dice.choice(self._servers)
        (what,) = dice.choices(list(DOES), list(DOES.values()))
        desk, visitor = server.tailorbird.desk, browser.visitor
        match what:
            case "open":
                await self._open(server, browser)
            case "consent":
                browser.level = dice.choice(LEVELS)
            case "signal":
                browser.is_private = not browser.is_private
            case "login":
                browser.login = dice.choice(("nobody", f"login{number}"))
            case "say" if visitor:
                self.owners[f"SECRET-{number}."] = visitor
                said = {"type": "identify", "userId": visitor, "traits": {"secret": f"SECRET-{number}."}}
                await self._tell(server, said)
            case "buy" if visitor:
                order = {"order_id": f"order-{number}", "revenue": 5}
                await self._tell(
                    server, {"type": "track", "event": "Order Completed", "userId": visitor, "properties": order}
                )
                self.buyers.add(visitor)
            case "erase" if visitor:
                await self._open_everywhere(browser)
                assert (await desk.erase(visitor)).is_whole
                for one in self._servers:  # they are told at once, but on a busy machine that may take too long
                    await one.tailorbird._invalidation._look()  # as they do every second
                self.owners = {secret: owner for secret, owner in self.owners.items() if owner != visitor}
                self.buyers.discard(visitor)
                self.now += 0.01
                await self._open_everywhere(browser)
            case "export" if visitor:
                said = json.dumps(await desk.export(visitor), default=str)
                assert all(self.owners.get(secret) == visitor for secret in re.findall(r"SECRET-\d+\.", said))
            case "sign" | "steal" if visitor:
                whose = visitor if what == "sign" else dice.choice(self.browsers).visitor or "nobody"
                pair = server.tailorbird.cookies.segments_pair(whose, ["VIP"], self.now).decode()
                browser.signed = (whose, pair, int(self.now) + 1_800)
                await self._open_everywhere(browser)
            case "purge":
                await desk.purge(purge_of((), ("/",), (), is_soft=dice.random() < 0.5))
            case "fail":
                self._shop.fails = not self._shop.fails
            case "publish":
                self._edition += 1
                for one in self._servers:
                    one.write("a.rules.yaml", self._rules["a.rules.yaml"])
            case "restart":
                await self.restart()

    async def _tell(self, server: Behind, call: dict[str, object]) -> None:
        answer = await server.client.post("/_tb/v1/batch", json={"batch": [call]}, auth=httpx.BasicAuth(KEY, ""))
        assert answer.status_code == 200

    async def _open_everywhere(self, browser: Browser) -> None:
        for server in self._servers:
            await self._open(server, browser, "/")

    async def _open(self, server: Behind, browser: Browser, path: str = "") -> None:
        cookies = [browser.cookie, f"login={browser.login}" if browser.login != "nobody" else ""]
        cookies += [f"tb_consent={browser.level}", browser.signed[1] if browser.cookie else ""]
        headers = {"user-agent": BROWSER, "accept": "text/html", "sec-fetch-dest": "document"}
        headers |= {"cookie": "; ".join(filter(None, cookies))} | ({"sec-gpc": "1"} if browser.is_private else {})
        answer = await server.client.get(path or self._dice.choice((*PATHS, API)), headers=headers)
        self._judge(browser, answer)
        for field in answer.headers.get_list("set-cookie"):
            if field.startswith("tb_v="):
                is_new = "Max-Age=0" not in field
                assert not is_new or browser.agrees_to in ("profile", "session")
                browser.cookie = field.partition(";")[0] if is_new else ""
                browser.visitor = server.tailorbird.cookies.read(browser.cookie.encode(), self.now).id

    def _judge(self, browser: Browser, answer: httpx.Response) -> None:
        text, visitor, level = answer.text, browser.visitor, browser.agrees_to
        secrets, logins = set(re.findall(r"SECRET-\d+\.", text)), set(re.findall(r"LOGIN:(\w+);", text))
        seen = {
            "secret": bool(secrets),
            "bought": "HAS-BOUGHT" in text or '<ul data-list="all"><li data-product="P2"' in text,
            "vip": "IS-VIP" in text,
            "looked": "HAS-LOOKED" in text,
            "login": bool(logins - {"nobody"}),
        }
        for what, is_seen in seen.items():
            self.kept[what] += is_seen
        assert {self.owners.get(secret) for secret in secrets} <= {visitor}
        assert logins <= {"nobody", browser.login}
        assert not seen["secret"] or level == "profile"
        assert not seen["bought"] or (visitor in self.buyers and level in ("profile", "session"))
        assert not seen["vip"] or (browser.signed[0] == visitor and self.now < browser.signed[2] and level == "profile")
        assert not seen["looked"] or level in ("profile", "session")
        assert not any(seen.values()) or "private" in answer.headers["cache-control"]


@pytest.fixture(params=["sqlite", "valkey"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:{tmp_path}/s.db"
    address: str = request.getfixturevalue("valkey_url")
    await flush(address)
    return address


@pytest.fixture
async def world(store: str, tmp_path: Path) -> AsyncIterator[World]:
    dice = random.Random("privacy")
    shop = Shop(dice)
    async with Origin(answering(shop.answer)) as origin:
        world = World(origin.url, store, tmp_path, shop, dice)
        await world.start()
        yield world
        await world.aclose()


async def test_no_answer_holds_what_is_not_its_visitors_to_see(world: World) -> None:
    for number in range(STEPS):
        await world.step(number)
    print(world.kept)
    assert all(world.kept.values()), "what is never seen is not tried"
