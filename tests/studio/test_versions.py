"""The studio's pages about versions, and their buttons."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from proxy.rulebook.pauses import Pause, What
from proxy.stores.history import Action
from proxy.stores.versions import Versions
from proxy.studio.versions import versions_view
from tests.studio.test_app import RULES, TOKEN, Shop, browser

HOST = "127.0.0.1:8081"
OURS = {"origin": f"http://{HOST}"}
FILES = {"a.rules.yaml": RULES.encode(), "slots.yaml": b"slots: {home.hero: {}}"}
AUTUMN = FILES | {"a.rules.yaml": RULES.replace("Winter <sale>", "Autumn").encode()}


@pytest.fixture
def versions(tmp_path: Path) -> Versions:
    versions = Versions(tmp_path)
    for files, message in ((AUTUMN, "autumn"), (FILES, "NO <added>")):
        versions.publish(files, author="Mia", message=message, now=1_000.0, action=Action.PUBLISHED)
    return versions


async def press(site: Shop, path: str, **fields: str) -> httpx.Response:
    async with browser(site, host=HOST) as client:
        return await client.post(path, data=fields, headers=OURS)


async def test_the_page_tells_what_is_live_what_is_paused_and_how_it_came_to_be(versions: Versions) -> None:
    versions.pause([Pause(What.SLOT, "home.hero")], author="Sam", now=2_000.0)
    async with browser(Shop(versions=versions)) as client:
        page = (await client.get("/versions")).text
        assert "Version 2" in page
        assert "NO &lt;added&gt;" in page
        assert "Resume slot home.hero" in page
        assert page.count("Roll back to this") == 1
        history = (await client.get("/api/history")).json()
    assert [(entry["action"], entry["author"]) for entry in history] == [
        ("published", "Mia"),
        ("published", "Mia"),
        ("paused", "Sam"),
    ]


def test_the_view_marks_the_one_entry_that_made_live_what_is_live(versions: Versions) -> None:
    versions.roll_back(1, author="Sam", message="", now=3_000.0)
    view = versions_view(versions, is_published=True)
    assert [(entry.version, entry.is_live, entry.goes_back) for entry in view.entries] == [
        (1, True, False),
        (2, False, True),
        (1, False, False),
    ]


async def test_a_button_goes_back_and_another_pauses_and_lets_go_on(versions: Versions) -> None:
    site = Shop(versions=versions)
    answer = await press(site, "/versions/live", number="1")
    assert (answer.status_code, answer.headers["location"], versions.live()) == (303, "/versions", 1)
    await press(site, "/pause", what="rule", name="Autumn")
    assert versions.pauses() == {Pause(What.RULE, "Autumn")}
    await press(site, "/resume", what="rule", name="Autumn")
    assert versions.pauses() == frozenset()
    await press(site, "/pause", what="everything")
    assert versions.pauses() == {Pause(What.EVERYTHING)}


async def test_in_folder_mode_work_that_is_in_no_version_is_not_lost(versions: Versions) -> None:
    (versions.rules / "a.rules.yaml").write_text("# half done")
    answer = await press(Shop(versions=versions, is_published=False), "/versions/live", number="1")
    assert (answer.status_code, "would lose them" in answer.text, versions.live()) == (409, True, 2)
    answer = await press(Shop(versions=versions), "/versions/live", number="1")
    assert answer.status_code == 303


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("/versions/live", {"number": "7"}, 409),
        ("/versions/live", {"number": "one"}, 409),
        ("/pause", {"what": "segment", "name": "VIP"}, 400),
        ("/pause", {"what": "rule"}, 400),
        ("/pause", {"what": "everything", "name": "else"}, 400),
        ("/resume", {"name": "Sale"}, 400),
    ],
)
async def test_what_makes_no_sense_changes_nothing_and_is_told(
    versions: Versions, path: str, fields: dict[str, str], status: int
) -> None:
    answer = await press(Shop(versions=versions), path, **fields)
    assert (answer.status_code, 'role="alert"' in answer.text) == (status, True)
    assert (versions.live(), versions.pauses(), len(versions.history())) == (2, frozenset(), 2)


@pytest.mark.parametrize("path", ["/versions/live", "/pause", "/resume"])
async def test_a_foreign_page_cannot_press_a_button(versions: Versions, path: str) -> None:
    async with browser(Shop(versions=versions), host=HOST) as client:
        answer = await client.post(
            path, data={"what": "everything", "number": "1"}, headers={"origin": "http://evil.example"}
        )
        assert (await client.get("/pause")).status_code == 405
    assert (answer.status_code, versions.live(), versions.pauses()) == (403, 2, frozenset())


async def test_a_button_wants_the_token(versions: Versions) -> None:
    async with browser(Shop(versions=versions), token=TOKEN, host=HOST) as client:
        assert (await client.post("/pause", data={"what": "everything"}, headers=OURS)).status_code == 401
        await client.post("/pause", data={"what": "everything"}, headers=OURS, auth=("Kim", TOKEN))
    assert versions.history()[-1].author == "Kim"


async def test_the_plan_is_shown_as_it_is_printed() -> None:
    async with browser(Shop(planned="~ Sale  country: <NL>")) as client:
        assert "~ Sale  country: &lt;NL&gt;" in (await client.get("/plan")).text
