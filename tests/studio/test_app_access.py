"""Who may see and change what at the admin listener."""

from __future__ import annotations

import asyncio
import base64
import re
from pathlib import Path

import httpx
import pytest

from proxy.drafts.report import Outlook
from proxy.processes.listener import Listener
from proxy.rulebook.pauses import Pause, What
from proxy.stores.history import Action
from proxy.stores.versions import Versions
from proxy.studio.app import create_studio
from proxy.studio.roles import Others, Role
from tests.studio.test_app import RULES, TOKEN, Shop, browser


async def test_a_purge_wants_the_token() -> None:
    site = Shop()
    async with browser(site, token=TOKEN, host="studio.example") as client:
        assert (await client.post("/api/purge", json={"prefixes": ["/"]})).status_code == 401
        allowed = await client.post(
            "/api/purge", json={"prefixes": ["/"]}, headers={"authorization": f"Bearer {TOKEN}"}
        )
    assert (allowed.status_code, len(site.purged)) == (200, 1)


BASIC = base64.b64encode(f"mia:{TOKEN}".encode()).decode()


@pytest.mark.parametrize("path", ["/", "/why", "/api/status", "/api/live", "/metrics", "/static/studio.css", "/none"])
@pytest.mark.parametrize(
    ("authorization", "is_let_in"),
    [
        (None, False),
        ("Bearer wrong", False),
        ("Basic !!", False),
        ("Token " + TOKEN, False),
        ("Bearer " + TOKEN, True),
        ("Basic " + BASIC, True),
    ],
)
async def test_with_a_token_every_page_asks_for_it(path: str, authorization: str | None, is_let_in: bool) -> None:
    headers = {"authorization": authorization} if authorization else {}
    async with browser(Shop(), token=TOKEN, host="studio.example") as client:
        assert ((await client.get(path, headers=headers)).status_code != 401) == is_let_in


async def test_who_tries_tokens_is_told_of_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with browser(Shop(), token=TOKEN, host="studio.example") as client:
        await client.get("/")  # as a browser does before it asks for the token
        assert not caplog.messages
        await client.get("/", headers={"authorization": "Bearer guessed"})
    assert caplog.messages == ["127.0.0.1 has no right token for the admin listener"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/metrics", 200),
        ("HEAD", "/versions", 200),
        ("POST", "/api/segments/size", 200),
        ("POST", "/pause", 403),
        ("POST", "/file", 403),
        ("POST", "/api/export", 403),
        ("POST", "/api/erase", 403),
        ("POST", "/api/purge", 403),
    ],
)
async def test_with_the_readers_token_one_may_look_and_change_nothing(method: str, path: str, status: int) -> None:
    site = Shop()
    app = create_studio(site, token=TOKEN, others=Others("another-long-token"))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="https://admin.example", verify=False
    ) as client:
        answer = await client.request(method, path, auth=("Kim", "another-long-token"), content=b"orders: at least 1")
        assert answer.status_code == status
        assert (await client.request(method, path, auth=("Kim", "a wrong one"))).status_code == 401
        assert (await client.request("GET", "/", auth=("Kim", TOKEN))).status_code == 200
        assert (await client.request("GET", "/", auth=("Kim", ""))).status_code == 401


PAGES = ("/", "/versions", "/plan", "/files", "/file?name=a.rules.yaml", "/results", "/segments", "/why")
BUTTON = re.compile(r'<form [^>]*method="post" action="(.*?)"(?:(?!</form>).)*<button')


@pytest.mark.parametrize(("asks", "role"), [(False, "reader"), (False, "writer"), (True, "writer"), (False, "owner")])
async def test_no_page_has_a_button_that_its_reader_may_not_press(tmp_path: Path, asks: bool, role: str) -> None:
    (tmp_path / "a.rules.yaml").write_text(RULES)
    site = Shop(versions=Versions(tmp_path), planned=Outlook("~ Sale", True, asks, "1"))
    for at in (1.0, 2.0):
        content = {"a.rules.yaml": f"rules: [] # {at}".encode()}
        site.versions.publish(content, author="Mia", message="x", now=at, action=Action.PUBLISHED)
    site.versions.publish({}, author="Mia", message="x", now=3.0, action=Action.REQUESTED)
    site.versions.pause([Pause(What.SLOT, "home.hero")], author="Mia", now=4.0)
    tokens = {"reader": "readers-long-token", "writer": "writers-long-token", "owner": TOKEN}
    others = Others(tokens["reader"], tokens["writer"], writers_ask=asks)
    app = create_studio(site, token=TOKEN, others=others, may_write=True)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="https://admin.example", verify=False
    ) as client:
        pages = {path: (await client.get(path, auth=("Kim", tokens[role]))).text for path in PAGES}
    buttons = {action for page in pages.values() for action in BUTTON.findall(page.replace("\n", " "))}
    everything = {"/file", "/plan", "/pause", "/resume", "/versions/live", "/versions/approved"}
    assert (
        buttons == everything if role == "owner" else all(others.may(Role(role), "POST", action) for action in buttons)
    )
    assert (
        ("You are here to look" in pages["/"])
        == ('<textarea name="text" readonly' in pages[PAGES[4]])
        == (role == "reader")
    )


async def test_a_writers_pages_say_so_and_offer_nothing_that_is_refused() -> None:
    for asks in (False, True):
        others = Others(writer_token="writers-long-token", writers_ask=asks)
        app = create_studio(
            Shop(planned=Outlook("~ Sale", True, asks, "1")), token=TOKEN, others=others, may_write=True
        )
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="https://admin.example", verify=False
        ) as client:
            plan = (await client.get("/plan", auth=("Kim", "writers-long-token"))).text
            assert "You write drafts" in plan
            assert ("Ask to publish</button>" in plan) == asks and ">Publish</button>" not in plan
            file = (await client.get("/file?name=new", auth=("Kim", "writers-long-token"))).text
            assert "Save the draft" in file and "readonly" not in file
            assert "You write drafts" not in (await client.get("/plan", auth=("Mia", TOKEN))).text


async def test_health_is_open_with_a_token() -> None:
    async with browser(Shop(), token=TOKEN, host="studio.example") as client:
        assert (await client.get("/livez")).text == "ok\n"
        assert (await client.get("/readyz")).status_code == 200


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1:8081", 200), ("localhost:8081", 200), ("evil.example", 401)])
async def test_without_a_token_only_a_local_host_is_let_in(host: str, status: int) -> None:
    async with browser(Shop(), host=host) as client:
        assert (await client.get("/")).status_code == status


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
async def test_a_health_check_of_http_1_0_needs_neither_host_nor_token(path: str) -> None:
    listener = Listener("studio", create_studio(Shop(), token=TOKEN), "127.0.0.1", 0, drain_seconds=1)
    listening = asyncio.create_task(listener.listen())
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
    assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
    writer.close()
    listener.stop(gently=False)
    await listening
