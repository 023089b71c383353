from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.wire.behind import Behind
from tests.wire.large_shop import published
from tests.wire.origin import Origin, always, ok
from tests.wire.programs import answered, bearer, post
from tests.wire.served import Served

NOBODY = "http://127.0.0.1:1"
SERVER = "a-key-of-a-server-long-enough"
KEYS = (f"crm:server:{SERVER}", "app:public:app-key")
YAML = """
rules:
  - name: Twice is enough
    slot: home.hero
    when: {segment: VIP}
    limit: twice per visitor per day
    show: {banner: {title: "Hello {first name|VIP}", link: /vip}}
experiments:
  - name: New look
    slot: home.row
    variants:
      - {name: a, show: {banner: {title: A}}}
      - {name: b, show: {banner: {title: B}}}
segments: {VIP: {}}
"""
RULES = published(YAML, [])
DECIDE = b"/_tb/decide"


async def test_a_program_is_told_what_a_slot_shows_and_why() -> None:
    async with Served(NOBODY, publication=RULES, write_keys=KEYS) as served:
        asked = {
            "slots": ["home.hero", "home.row", "no.such.slot"],
            "visitor": "anna",
            "context": {"firstName": "Anna", "segments": ["VIP"], "mood": {"is": "good"}},
        }
        got = await answered(served, DECIDE, asked, bearer(SERVER))
        hero, row = got["decisions"]["home.hero"], got["decisions"]["home.row"]
        assert (hero["value"]["title"], hero["value"]["link"]) == ("Hello Anna", "/vip")
        assert (hero["reason"], hero["rule"], hero["detail"]) == ("TARGETING_MATCH", "Twice is enough", "rule")
        assert row["reason"] == "SPLIT" and row["variant"].lower().endswith(row["value"]["title"].lower())
        assert set(got["decisions"]) == {"home.hero", "home.row"}
        assert got["ignored"] == ["mood"] and got["rules"] == RULES.plan.version


async def test_the_visitor_of_the_cookies_is_the_one_of_the_pages_and_a_new_one_gets_them() -> None:
    async with Served(NOBODY, publication=RULES, write_keys=KEYS, visitor_cookie="session") as served:
        asked = {"slots": ["home.hero", "home.row"]}
        cookie = served.site.visitor("anna", "VIP")
        got = (await answered(served, DECIDE, asked, cookie))["decisions"]
        assert got["home.hero"]["value"]["title"] == "Hello VIP"
        of_anna = await answered(served, DECIDE, {**asked, "visitor": "anna"}, bearer(SERVER))
        assert of_anna["decisions"]["home.row"] == got["home.row"]
        assert of_anna["decisions"]["home.hero"] == {
            "value": None, "reason": "STATIC", "detail": "default", "rule": "", "variant": "",
        }  # fmt: skip
        assert b"tb_v=" in (await post(served, DECIDE, asked)).headers[b"set-cookie"]
        foreign = await post(served, DECIDE, asked, (b"Origin", b"https://other.example"))
        assert b"set-cookie" not in foreign.headers


async def test_what_a_channel_tells_that_it_showed_counts_for_limits_on_all_of_them(tmp_path: Path) -> None:
    asked = {"slots": ["home.hero"], "visitor": "anna", "context": {"segments": ["VIP"]}}
    by = {"authorization": f"Bearer {SERVER}"}
    files = {"a.rules.yaml": YAML, "slots.yaml": "slots: {home.hero: {}, home.row: {}}\n"}
    async with Origin(always(ok(b""))) as origin, Behind(origin.url, files, tmp_path, write_keys=KEYS) as shop:
        found = []
        for number in range(3):
            answer = await shop.client.post("/_tb/decide", json=asked, headers=by)
            (hero,) = answer.json()["decisions"].values()
            found.append((hero["rule"], hero["detail"]))
            told = {"event": "Promotion Viewed", "properties": {"promotion_id": hero["rule"]}}
            event = {"userId": "anna", "messageId": f"m{number}", **told}
            assert (await shop.client.post("/_tb/v1/track", json=event, headers=by)).status_code == 200
        assert found == [("Twice is enough", "rule")] * 2 + [("", "capped: Twice is enough")]


async def test_an_app_says_what_its_device_knows_and_no_more() -> None:
    async with Served(NOBODY, publication=RULES, write_keys=KEYS) as served:
        asked = {"slots": ["home.hero"], "visitor": "device-1", "context": {"segments": ["VIP"], "device": "phone"}}
        got = await answered(served, DECIDE, asked, bearer("app-key"))
        assert got["decisions"]["home.hero"]["value"] is None and got["ignored"] == ["segments"]


@pytest.mark.parametrize(
    ("what", "headers", "status", "says"),
    [
        (b"{", (), 400, "slots"),
        (b'{"context":{"a":' + b"[" * 50_000, (), 400, "slots"),
        ({"slots": []}, (), 400, "slots"),
        ({"slots": ["a"], "visiter": "anna"}, (), 400, "visiter"),
        ({"slots": ["a"] * 51}, (), 400, "slots"),
        ({"slots": ["a"], "visitor": "anna"}, (), 401, "write key"),
        ({"slots": ["a"]}, (bearer("guessed"),), 401, "nobody's"),
        ({"slots": ["home.hero"], "context": {"page": "https://elsewhere.example/"}}, (), 400, "path on its host"),
        ({"slots": ["a" * 70_000]}, (), 413, "bytes"),
    ],
)
async def test_what_makes_no_sense_is_told_with_how_to_mend_it(
    what: object, headers: tuple[tuple[bytes, bytes], ...], status: int, says: str
) -> None:
    async with Served(NOBODY, publication=RULES, write_keys=KEYS) as served:
        heard = await post(served, DECIDE, what, *headers)
    assert heard.status == status and says in json.loads(heard.body)["error"] + json.loads(heard.body)["help"]


async def test_a_page_of_another_origin_may_ask_where_it_is_named() -> None:
    async with Served(NOBODY, publication=RULES, slot_origins=("https://app.example",)) as served:
        heard = await post(served, DECIDE, {"slots": ["home.hero"]}, (b"Origin", b"https://app.example"))
        assert heard.headers[b"access-control-allow-origin"] == b"https://app.example"
        assert (await served.get(b"/_tb/decide")).status == 405


OWN = published("experiments:\n  - {name: Bar, slot: home.row, variants: [{name: control, show: nothing new}]}\n", [])


async def test_an_arm_that_is_the_channels_own_is_named() -> None:
    async with Served(NOBODY, publication=OWN, write_keys=KEYS) as served:
        got = await answered(served, DECIDE, {"slots": ["home.row"], "visitor": "anna"}, bearer(SERVER))
        row = got["decisions"]["home.row"]
        assert (row["value"], row["rule"], row["variant"], row["detail"]) == (None, "Bar", "Bar / control", "arm")
