"""The studio's page *Why?*: who is asked about is who the form says, and a link to a preview holds just that."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from proxy.http.message import Request
from proxy.model import View
from proxy.page.slots import INTERNAL
from proxy.rulebook.pauses import Pause, What
from proxy.stores.history import Action
from proxy.stores.versions import Versions
from proxy.studio.app import create_studio
from proxy.studio.looking import shown_view, story_view
from proxy.studio.roles import Others
from proxy.visitors.persona import Persona
from proxy.visitors.preview import Preview, Tokens
from tests.studio.test_app import RULES, Shop

TOKENS = Tokens("a key of this test", is_demo=True)
PAGE = "https://shop.example/sale?q=a"
SEEN = """tests:
  - {name: Norwegians, visitor: {country: NO}, expect: {home.hero: Autumn}}
"""


async def ask(site: Shop, tokens: Tokens = TOKENS, /, **fields: str) -> str:
    app = create_studio(site, token="", tokens=tokens)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8081", verify=False
    ) as client:
        return html.unescape((await client.get("/why", params=fields)).text)


def preview_in(page: str, now: float) -> Preview | None:
    found = re.search(r'href="https://shop.example/sale\?q=a&__tb=(.*?)"', page)
    assert found, page
    cookie = b"tb_p=" + found[1].encode()
    return TOKENS.preview_in(Request(b"GET", b"/", b"", b"shop.example", ((b"cookie", cookie),)), now)


async def test_a_link_shows_the_page_to_whom_the_form_says() -> None:
    site = Shop(is_published=False)
    page = await ask(site, url=PAGE, visitor="v1", country="no", device="phone", at="2026-11-25T12:00", preview="")
    noon = datetime(2026, 11, 25, 12, tzinfo=UTC).timestamp()
    persona = Persona("v1", at=noon, attributes={"country": "NO", "device": "phone"})
    assert preview_in(page, site.now()) == Preview(int(site.now()) + 3_600, "", persona)


async def test_what_else_is_known_of_them_is_said_in_the_words_of_rules(tmp_path: Path) -> None:
    rule = RULES.replace(
        "show:", "when: {orders: at least 3, location: within 9 km of Utrecht, club: yes}\n    show:", 1
    )
    (tmp_path / "a.rules.yaml").write_text(rule)
    (tmp_path / "slots.yaml").write_text("slots: {home.hero: {}}")
    (tmp_path / "attributes.yaml").write_text("attributes: {club: truth}")
    site = Shop(versions=Versions(tmp_path))
    said = "orders: 4; location: Utrecht;club: yes;"
    preview = preview_in(await ask(site, url=PAGE, state="draft", facts=said, preview=""), site.now())
    assert preview and preview.persona.attributes == {"orders": 4.0, "location": "Utrecht", "club": True}
    for wrong, told in (
        ("orders", "is not `word: value`"),
        ("order: 3", 'Did you mean "orders"?'),
        ("x: 3", "No rule asks for `x`. Rules ask for: club, location"),
        ("orders: 3,00", "`3,00` is not a number, and `orders` is one. Write: 3.00"),
    ):
        assert told in await ask(site, url=PAGE, state="draft", facts=wrong)


async def test_what_they_did_is_said_as_tests_say_it() -> None:
    site = Shop()
    page = await ask(site, url=PAGE, facts="cart: HOTDOG-6, BUN-4; products viewed: TEA-1", preview="")
    preview = preview_in(page, site.now())
    assert preview and preview.persona.did == {"cart": ("HOTDOG-6", "BUN-4"), "viewed": ("TEA-1",)}
    assert 'Did you mean "cart"?' in await ask(site, url=PAGE, facts="carts: TEA-1")


async def test_a_draft_is_asked_about_and_previewed_by_the_visitor_of_one_of_its_tests(tmp_path: Path) -> None:
    (tmp_path / "a.rules.yaml").write_text(RULES.replace("Winter <sale>", "Autumn") + SEEN)
    (tmp_path / "slots.yaml").write_text("slots: {home.hero: {}}")
    site = Shop(versions=Versions(tmp_path))
    page = await ask(site, **{"url": PAGE, "as": "Norwegians", "state": "draft", "preview": ""})
    preview = preview_in(page, site.now())
    assert preview is not None
    assert (preview.draft, preview.persona) == ("draft", Persona(case="Norwegians"))
    assert "<option selected>Norwegians</option>" in page
    (tmp_path / "a.rules.yaml").write_text("rules: [")
    assert "The draft has mistakes" in await ask(site, url="/", state="draft")


async def test_where_the_shops_address_is_known_a_path_is_enough() -> None:
    tokens = Tokens("a key of this test", is_demo=True, shop_url="https://shop.example")
    page = await ask(Shop(), tokens, url="/sale?q=a", preview="")
    assert preview_in(page, Shop().now())
    assert "write the whole address" in await ask(Shop()) and "write the whole address" not in await ask(Shop(), tokens)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"url": "/", "preview": ""}, "is not the whole address of a page"),
        ({"url": "javascript://x/%0aalert(1)", "preview": ""}, "is not the whole address of a page"),
        ({"url": "http://[::1", "preview": ""}, "is not the whole address of a page"),
        ({"url": "/", "segment": "VIPs"}, "There is no segment `VIPs`"),
        ({"url": "/", "country": "England"}, "`England` is not the two letters of a country. Write: GB."),
        ({"url": "/", "at": "tomorrow"}, "`tomorrow` is not a time"),
        ({"url": "/", "at": "0001-01-01T00:00"}, "is not a time"),
        ({"url": "sale"}, "is not a page"),
    ],
)
async def test_what_would_make_no_difference_or_no_sense_is_told(fields: dict[str, str], told: str) -> None:
    page = await ask(Shop(), **fields)
    assert told in page
    assert "__tb=" not in page


class Later(Shop):
    """A site a quarter of an hour after midnight in winter."""

    BEGAN = datetime(2026, 11, 25, tzinfo=UTC).timestamp()

    def now(self) -> float:
        return self.BEGAN + 900


async def test_a_past_moment_is_explained_by_the_rules_and_pauses_of_then(tmp_path: Path) -> None:
    site, began = Later(versions=Versions(tmp_path)), Later.BEGAN
    for name, at in (("Winter", began + 100), ("Spring", began + 500)):
        files = {"a.rules.yaml": RULES.replace("Winter <sale>", name).encode(), "slots.yaml": b"slots: {home.hero: {}}"}
        site.versions.publish(files, author="Mia", message=f"{name} it is", now=at, action=Action.PUBLISHED)
    site.versions.pause([Pause(What.RULE, "Spring")], author="Mia", now=began + 600)
    told = {at: await ask(site, url=PAGE, at=f"2026-11-25T00:0{at}", preview="") for at in (5, 9)}
    assert "By the rules of version 1, which was live then." in told[5] and "version 1: 25 Nov 00:01 UTC Win" in told[5]
    preview = preview_in(told[5], site.now())
    assert preview and preview.draft == "1"
    assert "By the rules of version 2" in told[9], "nothing was paused then"
    same, now = await ask(site, url="/", at="2026-11-25T00:11"), await ask(site, url="/")
    as_now = "What is known of a visitor is as it is now, not as it was at that time."
    assert "By the rules" not in same and [as_now in page for page in (told[5], same, now)] == [True, True, False]
    assert "By the rules of version 1." in await ask(site, url="/", state="1")
    assert "There is no version 7" in await ask(site, url="/", state="7")
    other = preview_in(await ask(site, url=PAGE, state="/etc", preview=""), site.now())
    assert other and other.draft == ""


async def test_what_was_recorded_of_a_visitor_leads_to_why_and_only_the_owner_reads_it() -> None:
    at = datetime(2026, 11, 24, 9, 30, 5, tzinfo=UTC).timestamp()
    shown = {"home.hero": "Winter", "cart.extras": "", f"{INTERNAL}bar": "x"}
    site = Shop(views=[View(at, "1", shown, {"page": "/sale", "country": "NO"}, visitor="v1")])
    page = await ask(site, url="/", visitor="v1")
    assert "24 Nov 09:30:05" in page and INTERNAL not in page
    assert "home.hero: <bdi>Winter</bdi> · cart.extras: <bdi>the page's own</bdi>" in page
    assert "/why?url=%2Fsale&visitor=v1&at=2026-11-24T09%3A30%3A05&country=NO" in page
    assert "No view is recorded of this id lately. Views of bots" in await ask(site, url="/", visitor="v2")
    app = create_studio(site, token="an-owners-long-token", others=Others("a-readers-long-token"))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="https://admin.example", verify=False
    ) as client:
        for token, reads in (("an-owners-long-token", True), ("a-readers-long-token", False)):
            page = (await client.get("/why?visitor=v1", auth=("Kim", token))).text
            assert ("24 Nov 09:30:05" in page) is reads


async def test_who_may_not_export_a_visitor_asks_about_them_by_live_rules_only() -> None:
    app = create_studio(
        Shop(), token="an-owners-long-token", others=Others("a-readers-long-token", "a-writers-long-token")
    )
    refused = "no draft or version is asked about a visitor&#x27;s own data"
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="https://admin.example", verify=False
    ) as client:
        for token, is_refused in (
            ("an-owners-long-token", False),
            ("a-readers-long-token", True),
            ("a-writers-long-token", True),
        ):
            for state in ("draft", "7"):
                asked = {"url": "/", "visitor": "v1", "state": state, "preview": ""}
                page = (await client.get("/why", params=asked, auth=("Kim", token))).text
                assert (refused in page, "__tb=" in page and is_refused) == (is_refused, False)
            for allowed in ({"visitor": "v1"}, {"state": "draft"}):
                assert refused not in (await client.get("/why", params=allowed, auth=("Kim", token))).text


STORY = """home.hero on / for Anna
✘ not            A <b>   priority high  my home.rules.yaml:12
     ✘ segment: VIP
          ✘ VIP
  · SKU-1: 2 → 1

all.topbar on / for Anna
✔ SHOWN          the page's own default"""


def test_a_story_is_lines_that_know_how_deep_they_stand_and_each_slot_has_a_heading() -> None:
    lines = [(line.text[:9], line.depth, line.is_heading) for line in story_view(STORY)]
    assert lines == [
        ("home.hero", 0, True),
        ("✘ not    ", 0, False),
        ("✘ segment", 1, False),
        ("✘ VIP", 2, False),
        ("· SKU-1: ", 1, False),
        ("all.topba", 0, True),
        ("✔ SHOWN  ", 0, False),
    ]
    rule = story_view(STORY)[1]
    assert (rule.text[-13:], rule.file, rule.line) == ("priority high", "my home.rules.yaml", 12)
    assert story_view("") == []


def test_what_each_slot_shows_stands_above_the_story() -> None:
    story = (
        STORY + "\n\nhome.row on / for Anna\n✘ not   A  priority high\n✔ SHOWN          Gifts  for all   priority low"
    )
    shown = [(one.slot, one.rule, one.place) for one in shown_view(story_view(story))]
    assert shown == [("all.topbar", "the page's own default", 2), ("home.row", "Gifts  for all", 3)]
