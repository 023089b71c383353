"""A preview on the real site: the whole product, a real origin, a browser's cookies."""

from __future__ import annotations

import json
import time
from html import unescape
from pathlib import Path

import httpx
import pytest

from proxy.model import Profile
from proxy.visitors.persona import Persona
from proxy.visitors.preview import Preview, Tokens
from tests.wire.behind import SECRET, Behind
from tests.wire.origin import Origin, always, ok
from tests.wire.site import answering

PAGE = b'<html><head></head><body><div data-slot="home.hero">ours</div></body></html>'
HTML = (b"content-type: text/html; charset=utf-8", b"cache-control: max-age=60", b'etag: "shop-1"')
RULES = """version: 1
segments:
  VIP: {description: named by a cookie}
rules:
  - {name: Hello, slot: home.hero, when: {first name: any}, show: {banner: {title: "Hello {first name|you}"}}}
  - {name: Early, slot: home.hero, priority: 60, from: 2030-01-01, when: {segment: VIP}, show: {banner: {title: Early}}}
tests:
  - {name: A later VIP, visitor: {segments: [VIP]}, at: 2030-06-01 12:00, expect: {home.hero: Early}}
"""
FOLDER = {
    "a.rules.yaml": RULES,
    "slots.yaml": "slots: {home.hero: {}}",
    "attributes.yaml": "attributes: {first name: text}",
}
ANNA = Profile("anna", {"first name": "Anna"})
DOCUMENT = {"accept": "text/html,*/*"}
COUNTED = [
    f"tailorbird_{what}_total"
    for what in ("requests", "cache_requests", "rule_matches", "profile_lookups", "views_recorded")
]
TOKENS = Tokens(SECRET, is_demo=True)


def link(persona: Persona = Persona(), draft: str = "", seconds: int = 600) -> str:
    return "/?__tb=" + TOKENS.token(Preview(int(time.time()) + seconds, draft, persona)).decode()


async def look(shop: Behind, url: str) -> httpx.Response:
    return await shop.client.get(url, headers=DOCUMENT, follow_redirects=True)


async def test_a_link_shows_the_page_as_somebody_at_some_time_and_says_why(tmp_path: Path) -> None:
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, tmp_path, profiles=[ANNA]) as shop:
        answer = await look(shop, link(Persona("anna")))
        assert "Hello Anna" in answer.text
        assert str(answer.url).endswith("/")
        assert answer.headers["cache-control"] == "private, no-store"
        assert answer.headers["x-robots-tag"] == "noindex, nofollow"
        assert "etag" not in answer.headers
        assert answer.headers["server-timing"].startswith("origin;dur=")
        (slot,) = json.loads(answer.headers["x-tailorbird-explain"])["slots"]
        assert (slot["shown"], slot["others"][0]["rule"]) == ("Hello", "Early")
        later = await look(shop, link(Persona("anna", ("VIP",), 1_893_500_000.0)))
        assert "Early" in later.text.partition("<aside")[0]
        tested = await look(shop, link(Persona(case="A later VIP")))
        assert "Early" in tested.text.partition("<aside")[0]


async def test_where_each_card_of_a_list_goes_is_told_below_the_page(tmp_path: Path) -> None:
    cards = "".join(f"<li data-product={id}>{id}</li>" for id in "ABC")
    page = f"<html><head></head><body><ul data-list=search>{cards}</ul></body></html>".encode()
    rules = "rules:\n  - {name: C first, listing: search, pin: {product: C}}\n"
    async with Origin(always(ok(page, *HTML))) as origin, Behind(origin.url, {"a.rules.yaml": rules}, tmp_path) as shop:
        answer = await look(shop, link())
        assert [line.partition(">")[0] for line in answer.text.split("data-product=")[1:]] == ["C", "A", "B"]
        assert "C: 3 → 1, pinned at 1" in unescape(answer.text.partition("<aside")[2])


async def test_it_sticks_to_links_until_it_is_left(tmp_path: Path) -> None:
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, tmp_path, profiles=[ANNA]) as shop:
        await look(shop, link(Persona("anna")))
        assert "Hello Anna" in (await look(shop, "/other?x=1")).text
        assert "x-tailorbird-explain" not in (await look(shop, "/other?__tb=off")).headers
        assert (await look(shop, "/other")).content == PAGE


async def test_nothing_of_a_preview_is_stored_counted_or_recorded_nor_told_to_the_shop(tmp_path: Path) -> None:
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, tmp_path, profiles=[ANNA]) as shop:
        metrics = shop.tailorbird.metrics
        before = {name: metrics.by_value(name) for name in COUNTED}
        for _ in range(3):
            await look(shop, link(Persona("anna")) + "&a=1")
        assert {name: metrics.by_value(name) for name in COUNTED} == before
        assert not metrics.live
        assert len(origin.requests) == 3, "each preview asks the shop"
        assert {request.target for request in origin.requests} == {b"/?a=1"}
        assert not [request for request in origin.requests if b"tb_p" in (request.get(b"cookie") or b"")]
        shop.client.cookies.clear()
        assert (await look(shop, "/?a=1")).content == PAGE
        assert await shop.tailorbird._views.get_views(10) == []


@pytest.mark.parametrize("token", ["VIP", "v1.aaaa.bbbb.cccc"])
async def test_a_token_that_is_not_ours_changes_nothing_and_is_not_passed_on(tmp_path: Path, token: str) -> None:
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, tmp_path, profiles=[ANNA]) as shop:
        answer = await look(shop, f"/?a=1&__tb={token}")
        assert answer.content == PAGE
        assert "x-tailorbird-explain" not in answer.headers
        assert [request.target for request in origin.requests] == [b"/?a=1"]
        assert (await look(shop, f"/?__tb={token}x&a=1")).headers["cache-status"].startswith("tailorbird; hit")


async def test_an_expired_cookie_is_an_ordinary_visitors(tmp_path: Path) -> None:
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, tmp_path) as shop:
        old = TOKENS.token(Preview(int(time.time()) - 1)).decode()
        answer = await shop.client.get("/", headers={**DOCUMENT, "cookie": f"tb_p={old}"})
        assert answer.content == PAGE
        assert "x-tailorbird-explain" not in answer.headers


async def test_a_draft_is_shown_as_its_files_are_now_and_its_mistakes_are_told(tmp_path: Path) -> None:
    draft = tmp_path / "draft"
    draft.mkdir()
    for name, text in FOLDER.items():
        (draft / name).write_text(text.replace("Hello {", "Good day {"))
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, tmp_path, profiles=[ANNA]) as shop:
        assert "Good day Anna" in (await look(shop, link(Persona("anna"), str(draft)))).text
        assert "Hello Anna" in (await look(shop, link(Persona("anna"), "draft"))).text
        (draft / "a.rules.yaml").write_text(RULES.replace("home.hero, when", "home.heroo, when"))
        answer = await look(shop, link(Persona("anna"), str(draft)))
        assert (answer.status_code, "R301" in answer.text) == (409, True)
        answer = await look(shop, link(Persona("anna"), "7"))
        assert (answer.status_code, "there is no version 7" in answer.text) == (409, True)
        answer = await look(shop, link(Persona(case="Gone")))
        assert (answer.status_code, "no test `Gone`" in answer.text) == (409, True)


async def test_what_is_no_page_and_what_changes_something_is_as_for_anybody(tmp_path: Path) -> None:
    css = ok(b"a{}", b"content-type: text/css", b"cache-control: max-age=60")
    async with Origin(always(css)) as origin, Behind(origin.url, FOLDER, tmp_path) as shop:
        await look(shop, link())
        asset = await shop.client.get("/a.css", headers={"accept": "text/css"})
        assert asset.headers["cache-control"] == "max-age=60"
        assert (await shop.client.post("/cart", content=b"x=1")).status_code == 200
        assert (await shop.client.post("/_tb/v1/track", json={})).status_code == 204
        assert (await shop.client.get("/_tb/g/collect?en=page_view")).status_code == 204
        assert "preview" in (await shop.client.get("/_tb/preview.css")).text


async def test_a_page_that_cannot_be_cut_comes_as_it_is(tmp_path: Path) -> None:
    async with Origin(always(ok(b"<p>no body here", *HTML))) as origin, Behind(origin.url, FOLDER, tmp_path) as shop:
        answer = await look(shop, link())
        assert answer.content == b"<p>no body here"
        assert answer.headers["x-tailorbird-explain"] == "{}"


async def test_slots_without_their_page_are_those_of_the_draft_and_count_nowhere(tmp_path: Path) -> None:
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, tmp_path, profiles=[ANNA]) as shop:
        await look(shop, link(Persona("anna")))
        before = {name: shop.tailorbird.metrics.by_value(name) for name in COUNTED}
        slots = await shop.client.get("/_tb/slots?names=home.hero&path=/")
        assert "Hello Anna" in slots.json()["home.hero"]["html"]
        (story,) = json.loads(slots.headers["x-tailorbird-explain"])["slots"]
        assert (story["shown"], slots.headers["cache-control"]) == ("Hello", "private, no-store")
        assert "Hello Anna" in (await shop.client.get("/_tb/slot/home.hero?path=/")).text
        assert (await shop.client.get("/_tb/slot/no.such")).status_code == 404
        assert {name: shop.tailorbird.metrics.by_value(name) for name in COUNTED} == before
        assert "set-cookie" not in slots.headers and not origin.requests[1:]


async def test_a_slot_of_which_nothing_is_decided_has_the_default_of_the_page_that_is_kept(tmp_path: Path) -> None:
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, tmp_path) as shop:
        await shop.client.get("/", headers=DOCUMENT)
        await look(shop, link())
        assert (await shop.client.get("/_tb/slot/home.hero?path=/")).text == "ours"


async def test_slots_of_a_draft_with_mistakes_tell_them(tmp_path: Path) -> None:
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, tmp_path) as shop:
        await look(shop, link(draft="7"))
        answer = await shop.client.get("/_tb/slots?names=home.hero&path=/")
        assert (answer.status_code, "there is no version 7" in answer.text) == (409, True)
        assert (await shop.client.get("/a.css", headers={"accept": "text/css"})).content == PAGE, (
            "what is no slot comes"
        )


async def test_decisions_for_other_channels_are_those_of_the_draft_for_its_persona(tmp_path: Path) -> None:
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, tmp_path, profiles=[ANNA]) as shop:
        await look(shop, link(Persona("anna")))
        decided = (await shop.client.post("/_tb/decide", json={"slots": ["home.hero"]})).json()
        assert decided["decisions"]["home.hero"]["value"]["title"] == "Hello Anna"
        flags = await shop.client.post("/_tb/ofrep/v1/evaluate/flags", json={"context": {"targetingKey": "x"}})
        assert [flag["value"]["title"] for flag in flags.json()["flags"]] == ["Hello Anna"]
        assert shop.tailorbird.metrics.by_value("tailorbird_decisions_asked_total") == {}


async def test_a_list_is_ranked_as_the_draft_ranks_it(tmp_path: Path) -> None:
    rules = "rules:\n  - {name: C first, listing: search, pin: {product: C}}\n"
    asked = {"listing": "search", "products": ["A", "B", "C"]}
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, {"a.rules.yaml": rules}, tmp_path) as shop:
        draft = tmp_path / "draft"
        draft.mkdir()
        (draft / "a.rules.yaml").write_text(rules.replace("C", "B"))
        assert (await shop.client.post("/_tb/rank", json=asked)).json()["products"] == ["C", "A", "B"]
        await look(shop, link(draft=str(draft)))
        assert (await shop.client.post("/_tb/rank", json=asked)).json()["products"] == ["B", "A", "C"]


async def test_html_that_a_script_fetches_is_filled_as_the_draft_says_and_the_rest_comes_as_it_is(
    tmp_path: Path,
) -> None:
    part, data = b'<div data-slot="home.hero">ours</div>', b'{"a": 1}'
    answers = {b"/part": ok(part, *HTML), b"/data": ok(data, b"content-type: application/json")}
    async with (
        Origin(answering(lambda asked: answers.get(asked.target, ok(PAGE, *HTML)))) as origin,
        Behind(origin.url, FOLDER, tmp_path, profiles=[ANNA]) as shop,
    ):
        await look(shop, link(Persona("anna")))
        by_a_script = {"sec-fetch-dest": "empty"}
        assert "Hello Anna" in (await shop.client.get("/part", headers=by_a_script)).text
        assert (await shop.client.get("/data", headers=by_a_script)).content == data
        assert (await shop.client.get("/part", headers={"sec-fetch-dest": "image"})).content == part


async def test_json_that_a_script_fetches_is_filled_as_the_draft_says(tmp_path: Path) -> None:
    answer = b'{"hero": "ours", "list": [{"id": "A"}, {"id": "B"}]}'
    fields = b"content-type: application/json", b"cache-control: max-age=60"
    folder = {
        "a.rules.yaml": RULES,
        "b.rules.yaml": "rules:\n  - {name: B first, listing: all, pin: {product: B}}\n",
        "slots.yaml": "slots: {home.hero: {page: /api/*, json: $.hero}}\n"
        "listings: {all: {page: /api/*, json: $.list}}\n",
        "attributes.yaml": "attributes: {first name: text}",
    }
    async with (
        Origin(always(ok(answer, *fields))) as origin,
        Behind(origin.url, folder, tmp_path, profiles=[ANNA]) as shop,
    ):
        await look(shop, link(Persona("anna")))
        found = await shop.client.get("/api/1")
        assert "Hello Anna" in found.json()["hero"]
        assert [each["id"] for each in found.json()["list"]] == ["B", "A"]
        assert (await shop.client.get("/other/1")).content == answer
        image = await shop.client.get("/api/1", headers={"sec-fetch-dest": "image"})
        assert "x-tailorbird-explain" not in image.headers, "what no script asked for"


async def test_a_shop_that_is_down_is_told_as_without_a_preview(tmp_path: Path) -> None:
    async with Behind("http://127.0.0.1:1", FOLDER, tmp_path) as shop:
        answer = await look(shop, link())
        assert (answer.status_code, "The shop did not answer" in answer.text) == (502, True)
        assert answer.headers["cache-control"] == "private, no-store"
