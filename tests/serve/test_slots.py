from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from proxy.errors import OperatorError
from proxy.http.message import Request, Response
from proxy.model import Fact, OneOf
from proxy.page.slots import DeclaredSlot
from proxy.serve.slots import as_opened
from proxy.visitors.view_content import is_opened
from tests.wire.behind import Behind
from tests.wire.origin import Origin, always, ok
from tests.wire.site import PAGE, SHARED, Site, in_segment, published, shown

SALE = Fact("page", OneOf(frozenset({"/sale"})))
CAMPAIGN = Fact("campaign.source", OneOf(frozenset({"mail"})))
NOBODY = "http://127.0.0.1:1"
RULES = published(
    shown("Hello {first name|you}", when=in_segment("vip")),
    shown("On sale", "all.topbar", when=SALE, order=1),
    shown("From the letter", "page.aside", when=CAMPAIGN, order=2),
    declared=[DeclaredSlot("shop.foot")],
)


async def ask(site: Site, target: bytes, *headers: tuple[bytes, bytes], method: bytes = b"GET") -> Response:
    request = site.request(target, *headers, method=method)
    path = request.path.decode()
    return await site.gateway.routes["/_tb/slot/" if path.startswith("/_tb/slot/") else path](request)


def body(response: Response) -> bytes:
    return b"".join(response.chunks)


async def several(site: Site, query: bytes, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    answer = await ask(site, b"/_tb/slots?" + query, *headers)
    assert answer.status == 200
    return dict(json.loads(body(answer)))


async def test_a_slot_shows_its_visitor_what_they_would_see_on_the_page() -> None:
    async with Site(NOBODY, publication=RULES) as site:
        await site.remember("anna", **{"first name": "<Anna>"})
        answer = await ask(site, b"/_tb/slot/home.hero?path=/", site.visitor("anna", "vip"))
        assert b"Hello &lt;Anna&gt;" in body(answer)
        assert answer.get(b"content-type") == b"text/html; charset=utf-8"
        assert answer.get(b"cache-control") == b"private, no-cache"
        assert b"On sale" in body(await ask(site, b"/_tb/slot/all.topbar?path=/sale%3Fa=1"))
        assert body(await ask(site, b"/_tb/slot/all.topbar?path=/other")) == b""
        assert body(await ask(site, b"/_tb/slot/shop.foot")) == b""


async def test_where_nothing_is_decided_the_default_of_a_page_that_is_kept_stands_there() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=RULES) as site:
        assert body(await ask(site, b"/_tb/slot/home.hero?path=/")) == b""
        await site.get(b"/")
        assert body(await ask(site, b"/_tb/slot/home.hero?path=/")) == b"the default"


async def test_several_slots_come_as_json_with_rule_and_variant() -> None:
    async with Site(NOBODY, publication=RULES) as site:
        found = await several(site, b"names=home.hero,all.topbar,no.such&path=/sale", site.visitor("anna", "vip"))
        assert set(found) == {"home.hero", "all.topbar"}
        assert "Hello you" in found["home.hero"]["html"] and "On sale" not in found["home.hero"]["html"]
        assert "On sale" in found["all.topbar"]["html"]
        assert (found["all.topbar"]["rule"], found["all.topbar"]["variant"]) == ("rule 1", "variant 1")
        assert await several(site, b"names=home.hero&path=/") == {
            "home.hero": {"html": None, "rule": "", "variant": ""}
        }


async def test_the_pages_own_parameters_count() -> None:
    async with Site(NOBODY, publication=RULES) as site:
        found = await several(site, b"names=page.aside&path=%2Fc%3Futm_source%3Dmail")
        assert "From the letter" in found["page.aside"]["html"]


async def test_what_is_shown_counts_like_a_page_view() -> None:
    async with Site(NOBODY, publication=RULES, visitor_cookie="session") as site:
        answer = await ask(site, b"/_tb/slots?names=all.topbar&path=/sale")
        assert site.metrics.get("tailorbird_rule_matches_total", "rule 1") == 1
        assert (answer.get(b"set-cookie") or b"").startswith(b"tb_v=")


async def test_a_page_none_of_whose_slots_is_known_counts_as_opened_too(tmp_path: Path) -> None:
    async with Behind(NOBODY, {"a.rules.yaml": "rules: []", "slots.yaml": "slots: {home.hero: {}}"}, tmp_path) as shop:
        browser = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/130.0.0.0", **shop.cookies_of("anna")}
        assert (await shop.client.get("/_tb/slots?names=old.name&path=/next", headers=browser)).json() == {}
        async with asyncio.timeout(10):
            while not (log := (await shop.tailorbird.store.log("", 10))[0]):
                await asyncio.sleep(0.05)
        assert [(one.event.kind, one.event.subject) for one in log] == [("page viewed", "/next")]


@pytest.mark.parametrize(
    ("target", "method", "status"),
    [
        (b"/_tb/slot/no.such", b"GET", 404),
        (b"/_tb/slot/", b"GET", 404),
        (b"/_tb/slots", b"GET", 400),
        (b"/_tb/slots?names=" + b",".join(b"a%d" % n for n in range(51)), b"GET", 400),
        (b"/_tb/slots?names=home.hero&path=sale", b"GET", 400),
        (b"/_tb/slots?names=home.hero&path=http://evil/", b"GET", 400),
        (b"/_tb/slots?names=home.hero", b"POST", 405),
    ],
)
async def test_what_makes_no_sense_is_refused_on_an_open_connection(target: bytes, method: bytes, status: int) -> None:
    async with Site(NOBODY, publication=RULES) as site:
        answer = await ask(site, target, method=method)
    assert answer.status == status
    assert answer.get(b"connection") is None and body(answer)


async def test_other_origins_may_read_slots_only_where_an_operator_named_them() -> None:
    origin = (b"origin", b"https://m.shop.example")
    async with Site(NOBODY, publication=RULES) as site:
        assert (await ask(site, b"/_tb/slots?names=home.hero", origin)).get(b"access-control-allow-origin") is None
    async with Site(NOBODY, publication=RULES, slot_origins=("https://m.shop.example",)) as site:
        answer = await ask(site, b"/_tb/slots?names=home.hero", origin)
        assert answer.get(b"access-control-allow-origin") == origin[1]
        stranger = await ask(site, b"/_tb/slots?names=home.hero", (b"origin", b"https://evil.example"))
        assert stranger.get(b"access-control-allow-origin") is None


async def test_a_page_whose_rules_fail_leaves_every_slot_its_own() -> None:
    async with Site(NOBODY, publication=RULES) as site:
        site.gateway._showing.publication.fragments["variant 1"] = object()  # type: ignore[index, assignment]
        found = await several(site, b"names=all.topbar&path=/sale")
    assert found == {"all.topbar": {"html": None, "rule": "", "variant": ""}}


def test_a_page_that_a_router_swaps_in_counts_as_opened_unless_it_is_only_fetched_ahead() -> None:
    call = ((b"accept", b"*/*"), (b"sec-fetch-dest", b"empty"))
    request = Request(b"GET", b"/sale", b"", b"shop.example", call)
    assert not is_opened(request) and is_opened(as_opened(request))
    ahead = Request(b"GET", b"/sale", b"", b"shop.example", (*call, (b"sec-purpose", b"prefetch")))
    assert not is_opened(as_opened(ahead))


async def test_an_origin_that_no_browser_could_name_is_refused() -> None:
    with pytest.raises(OperatorError, match=r"`m.shop.example` is not a web address"):
        async with Site(NOBODY, publication=RULES, slot_origins=("m.shop.example",)):
            pass
