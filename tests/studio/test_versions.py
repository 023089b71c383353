"""The studio's pages about versions, and their buttons."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from proxy.diagnostics import Finding, Place
from proxy.drafts.report import Outlook
from proxy.rulebook.pauses import Pause, What, paused
from proxy.stores.history import Action
from proxy.stores.versions import Versions
from proxy.studio.versions import versions_view
from tests.studio.test_app import RULES, TOKEN, Shop, browser, published

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


@pytest.mark.parametrize(
    ("pause", "buttons", "may_pause_all"),
    [
        (Pause(What.RULE, "Winter <sale>"), ["Resume rule Winter &lt;sale&gt;", "Resume Winter &lt;sale&gt;"], True),
        (Pause(What.SLOT, "home.hero"), ["Resume slot home.hero"], True),
        (Pause(What.EVERYTHING), ["Resume everything "], False),
    ],
)
async def test_the_first_page_tells_what_is_paused_and_lets_that_go_on(
    pause: Pause, buttons: list[str], may_pause_all: bool, versions: Versions
) -> None:
    versions.pause([pause], author="Sam", now=2_000.0)
    async with browser(Shop(publication=paused(published(), [pause]), versions=versions)) as client:
        page = (await client.get("/")).text
    assert re.findall('aria-label="((?:Resume|Pause) [^"]*)"', page) == buttons
    assert ("Pause everything" in page) == may_pause_all


async def test_everything_is_paused_by_a_second_button_that_the_first_opens() -> None:
    async with browser(Shop()) as client:
        page = (await client.get("/")).text
    asked = re.search(r'<details class="alarm"><summary>Pause everything</summary>(.*?)</details>', page)
    assert asked and 'action="/pause"' in asked[1] and "<button>Yes, pause everything</button>" in asked[1]
    assert page.count('value="everything"') == 1


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


@pytest.mark.parametrize(
    ("page", "row", "back"),
    [
        ("/?find=a&page=2", "107", "/?find=a&page=2#rule-107"),
        ("/", "", "/"),
        ("/", "x", "/"),
        ("/versions", "", "/versions"),
    ],
)
async def test_a_button_leads_back_to_its_row_in_the_list_of_rules(
    page: str, row: str, back: str, versions: Versions
) -> None:
    async with browser(Shop(versions=versions), host=HOST) as client:
        sent = {**OURS, "referer": f"http://{HOST}{page}"}
        answer = await client.post("/pause", data={"what": "rule", "name": "Autumn", "row": row}, headers=sent)
    assert answer.headers["location"] == back


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("/versions/live", {"number": "7"}, 409),
        ("/versions/live", {"number": "one"}, 409),
        ("/versions/live", {"number": "9" * 3_000}, 409),
        ("/pause", {"what": "segment", "name": "VIP"}, 400),
        ("/pause", {"what": "rule"}, 400),
        ("/pause", {"what": "everything", "name": "else"}, 400),
        ("/resume", {"name": "Sale"}, 400),
        ("/plan", {"message": " "}, 400),
        ("/versions/approved", {"number": "2"}, 409),
    ],
)
async def test_what_makes_no_sense_changes_nothing_and_is_told(
    versions: Versions, path: str, fields: dict[str, str], status: int
) -> None:
    answer = await press(Shop(versions=versions), path, **fields)
    assert (answer.status_code, 'role="alert"' in answer.text) == (status, True)
    assert (versions.live(), versions.pauses(), len(versions.history())) == (2, frozenset(), 2)


@pytest.mark.parametrize("path", ["/versions/live", "/versions/approved", "/plan", "/pause", "/resume"])
async def test_a_foreign_page_cannot_press_a_button(versions: Versions, path: str) -> None:
    async with browser(Shop(versions=versions), host=HOST) as client:
        answer = await client.post(
            path,
            data={"what": "everything", "number": "1", "message": "mine"},
            headers={"origin": "http://evil.example"},
        )
        assert (await client.get("/pause")).status_code == 405
    assert (answer.status_code, versions.live(), versions.pauses()) == (403, 2, frozenset())


async def test_a_button_wants_the_token(versions: Versions) -> None:
    async with browser(Shop(versions=versions), token=TOKEN, host=HOST) as client:
        assert (await client.post("/pause", data={"what": "everything"}, headers=OURS)).status_code == 401
        await client.post("/pause", data={"what": "everything"}, headers=OURS, auth=("Kim", TOKEN))
    assert versions.history()[-1].author == "Kim"


async def test_the_plan_is_shown_as_it_is_printed() -> None:
    async with browser(Shop(planned=Outlook("~ Sale  country: <NL>"))) as client:
        assert "~ Sale  country: &lt;NL&gt;" in (await client.get("/plan")).text


async def test_the_plan_of_a_broken_draft_tells_what_is_alike_once_with_a_link_to_each_line() -> None:
    gone = [Finding("R104", "no slot <x>", Place("a.rules.yaml", line, 5, 9), "mend it") for line in range(1, 36)]
    warning = Finding("L2", "over", Place("b.rules.yaml", 3, 1, 2), "remove it", is_warning=True)
    foreign = Finding("R201", "unreadable", Place("x.txt", 1, 1, 2), "move it")
    planned = Outlook("36 problems", compared="2 abc", findings=(warning, *gone, foreign))
    async with browser(Shop(planned=planned)) as client:
        page = (await client.get("/plan")).text
    assert page.count("R104 no slot &lt;x&gt;") == 1 and "and 5 more" in page
    assert page.count('href="/file?name=a.rules.yaml&amp;line=') == 30 and "line=30" in page
    assert "<code>x.txt:1</code>" in page
    assert page.index("R104") < page.index("R201") < page.index("L2 (warning) over")
    assert "It can be published once this is mended" in page and "<button>" not in page


@pytest.mark.parametrize(
    ("planned", "button"),
    [
        (Outlook("1 error"), None),
        (Outlook("~ Sale", may_publish=True), "Publish"),
        (Outlook("~ Sale", may_publish=True, must_be_approved=True), "Ask to publish"),
    ],
    ids=["with a mistake", "good", "good, to be approved"],
)
async def test_a_draft_can_be_published_where_its_plan_is_shown(planned: Outlook, button: str | None) -> None:
    async with browser(Shop(planned=planned)) as client:
        page = (await client.get("/plan")).text
    assert re.findall(r"<button>(.*?)</button>", page) == ([button] if button else [])


async def test_publishing_says_who_and_what_for(versions: Versions) -> None:
    answer = await press(Shop(versions=versions, files=AUTUMN), "/plan", message="autumn <again>")
    assert (answer.status_code, answer.headers["location"], versions.live()) == (303, "/versions", 3)
    entry = versions.history()[-1]
    assert (entry.author, entry.message) == ("studio", "autumn <again>")


async def test_what_nobody_compared_is_not_published_from_the_page(versions: Versions) -> None:
    site = Shop(versions=versions, files=AUTUMN, planned=Outlook("~ Sale", may_publish=True, compared="2 abc"))
    async with browser(site) as client:
        assert 'name="compared" value="2 abc"' in (await client.get("/plan")).text
    answer = await press(site, "/plan", message="autumn", compared="1 abc")
    assert (answer.status_code, 'role="alert"' in answer.text, versions.live()) == (409, True, 2)
    assert 'value="2 abc"' in answer.text, "what changes now is on the page, to be read"
    assert 'name="message" value="autumn"' in answer.text, "and what was written stays there"
    assert (await press(site, "/plan", message="autumn", compared="2 abc")).status_code == 303


async def test_a_second_person_approves_and_who_asked_cannot(versions: Versions) -> None:
    site = Shop(versions=versions, files=AUTUMN, planned=Outlook("~ Sale", may_publish=True, must_be_approved=True))
    async with browser(site, token=TOKEN, host=HOST) as client:
        await client.post("/plan", data={"message": "autumn"}, headers=OURS, auth=("Kim", TOKEN))
        assert "Approve version 3" in (await client.get("/versions", auth=("Kim", TOKEN))).text
        own = await client.post("/versions/approved", data={"number": "3"}, headers=OURS, auth=("kim", TOKEN))
        assert (own.status_code, "Somebody else has to approve it" in own.text, versions.live()) == (409, True, 2)
        await client.post("/versions/approved", data={"number": "3"}, headers=OURS, auth=("Sam", TOKEN))
        assert versions.live() == 3
        assert "Approve version" not in (await client.get("/versions", auth=("Sam", TOKEN))).text


@pytest.mark.parametrize("path", ["/versions", "/api/history"])
async def test_a_history_that_cannot_be_read_is_told(versions: Versions, tmp_path: Path, path: str) -> None:
    (tmp_path / ".tailorbird" / "history.jsonl").write_text("{half a line\n")
    async with browser(Shop(versions=versions)) as client:
        answer = await client.get(path)
    assert (answer.status_code, "take it from a backup or from git" in answer.text) == (503, True)


async def test_a_folder_that_may_not_be_written_is_told_on_the_page(tmp_path: Path) -> None:
    (tmp_path / ".tailorbird" / "lock").mkdir(parents=True)
    answer = await press(Shop(versions=Versions(tmp_path)), "/pause", what="everything", name="")
    assert (answer.status_code, "cannot be written" in answer.text) == (409, True)
