"""The studio's pages of files: what is written is checked, tested, mended and saved, and nobody's work is lost."""

from __future__ import annotations

import html
import re
from pathlib import Path

import httpx
import pytest

from proxy.rulebook.mending import BOM
from proxy.stores.versions import Versions
from proxy.studio.app import create_studio
from proxy.studio.rule_list import WRITABLE
from tests.studio.test_app import RULES, Shop

HOST = "127.0.0.1:8081"
TESTED = RULES + "tests:\n  - {name: All see it, visitor: {country: NL}, expect: {home.hero: Winter <sale>}}\n"
MISSPELT = TESTED.replace("slot:", "slott:")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.rules.yaml").write_text(TESTED)
    (tmp_path / "slots.yaml").write_text("slots: {home.hero: {}}")
    (tmp_path / "cache.yaml").write_text("pages: []")
    (tmp_path / "banners").mkdir()
    (tmp_path / "banners" / "x.html").write_text("<p>x</p>")
    return tmp_path


class Desk:
    """A studio over a folder, as somebody uses it in a browser."""

    def __init__(self, folder: Path, *, is_published: bool = True, may_write: bool = True) -> None:
        site = Shop(versions=Versions(folder), is_published=is_published)
        app = create_studio(site, token="", may_write=may_write)
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{HOST}", verify=False)
        self.mark = ""

    async def open(self, name: str) -> str:
        """The text of a file, or what the page says instead."""
        answer = await self._client.get("/file", params={"name": name})
        found = re.search(r'name="mark" value="(.*?)"', answer.text)
        self.mark = found[1] if found else ""
        return written_in(answer)

    async def send(self, do: str, name: str, text: str, **more: str) -> httpx.Response:
        fields = {"do": do, "name": name, "text": text.replace("\n", "\r\n"), "mark": self.mark, **more}
        return await self._client.post("/file", data=fields, headers={"origin": f"http://{HOST}"})

    async def get(self, path: str) -> httpx.Response:
        return await self._client.get(path, headers={"accept": "text/html"})


def written_in(answer: httpx.Response) -> str:
    found = re.search(r"<textarea.*?>\n(.*?)</textarea>", answer.text, re.DOTALL)
    return html.unescape(found[1]) if found else html.unescape(answer.text)


async def test_files_are_listed_with_their_rules_and_problems(folder: Path) -> None:
    (folder / "b.rules.yaml").write_text(MISSPELT.replace("Winter", "Autumn"))
    page = (await Desk(folder).get("/files")).text
    rows = [re.sub(r"<.*?>", " ", row).split() for row in re.findall(r"<tr><td.*?</tr>", page)]
    assert [row[0] for row in rows] == ["a.rules.yaml", "b.rules.yaml", "slots.yaml", "banners&#x2f;x.html"]
    assert rows[1][1] == "2", "problems"


@pytest.mark.parametrize("line", ["", "x", "1234567x", "9" * 5_000])
async def test_a_line_that_is_none_opens_the_file_at_its_beginning(folder: Path, line: str) -> None:
    opened = await Desk(folder).get(f"/file?name=a.rules.yaml&line={line}")
    assert opened.status_code == 200 and written_in(opened) == TESTED


async def test_a_text_is_checked_and_tested_and_nothing_is_written(folder: Path) -> None:
    desk = Desk(folder)
    assert await desk.open("a.rules.yaml") == TESTED
    good = await desk.send("check", "a.rules.yaml", TESTED)
    assert "1 passed, 0 failed" in good.text and "No problems" in good.text
    failing = await desk.send("check", "a.rules.yaml", TESTED.replace("show:", "when: {country: BE}\n    show:"))
    bad = await desk.send("check", "a.rules.yaml", MISSPELT)
    assert (
        ">1 to mend, below<" in bad.text
        and "slott" in bad.text
        and 'value="mend"' in bad.text
        and 'href="#line-4"' in bad.text
    )
    assert "0 passed, 1 failed" in failing.text
    assert "1 test failing</h2>" in failing.text and "No problems" not in failing.text
    assert "R101: more" in bad.text and "Wrong, in example.rules.yaml" in bad.text
    assert written_in(bad) == MISSPELT
    assert (folder / "a.rules.yaml").read_text() == TESTED


async def test_tests_that_fail_in_other_files_are_told_as_theirs_and_last(folder: Path) -> None:
    failing = TESTED.replace("All see it", "Theirs").replace("home.hero: Winter <sale>", "home.hero: nothing new")
    (folder / "0.rules.yaml").write_text("rules: []\n" + failing[failing.index("tests:") :])
    page = await Desk(folder).send("check", "a.rules.yaml", TESTED.replace("country: NL", "country: BE"))
    assert "1 test of other files failing</h2>" in page.text and "1 test failing" not in page.text
    assert page.text.index("All see it", page.text.index('<h2 id="tests">')) < page.text.index("Theirs")


async def test_a_program_mends_what_it_can_in_the_text_alone(folder: Path) -> None:
    desk = Desk(folder)
    await desk.open("a.rules.yaml")
    mended = await desk.send("mend", "a.rules.yaml", MISSPELT)
    assert written_in(mended) == TESTED
    assert "It is not saved yet" in mended.text
    assert (folder / "a.rules.yaml").read_text() == TESTED


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
async def test_a_file_keeps_its_line_ends_and_its_byte_order_mark(folder: Path, ending: bytes) -> None:
    (folder / "a.rules.yaml").write_bytes(BOM + TESTED.encode().replace(b"\n", ending))
    desk = Desk(folder)
    await desk.open("a.rules.yaml")
    answer = await desk.send("save", "a.rules.yaml", TESTED.replace("Shop", "Kaufen ü"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/file?name=a.rules.yaml&saved=")
    expected = BOM + TESTED.replace("Shop", "Kaufen ü").encode().replace(b"\n", ending)
    assert (folder / "a.rules.yaml").read_bytes() == expected


async def test_a_new_file_begins_with_a_rule_that_passes_its_test(folder: Path) -> None:
    desk = Desk(folder, is_published=False)
    text = await desk.open("spring")
    assert "slot: home.hero" in text
    assert (await desk.send("save", "spring", text)).status_code == 303
    page = html.unescape((await desk.get("/file?name=spring.rules.yaml&saved=")).text)
    assert "Saved." in page and "1 passed, 0 failed" in page
    assert (folder / "spring.rules.yaml").read_text() == text


async def test_a_new_file_is_on_the_clocks_of_the_others(folder: Path) -> None:
    assert "timezone: UTC\n" in await Desk(folder).open("new")
    (folder / "a.rules.yaml").write_text("timezone: Europe/Oslo\n" + TESTED)
    assert "timezone: Europe/Oslo\n" in await Desk(folder).open("new")


async def test_a_file_is_renamed_and_deleted(folder: Path) -> None:
    desk = Desk(folder, is_published=False)
    await desk.open("a.rules.yaml")
    assert (await desk.send("rename", "a.rules.yaml", "", to="slots.yaml")).status_code == 409
    answer = await desk.send("rename", "a.rules.yaml", "", to="b")
    assert (answer.status_code, answer.headers["location"]) == (303, "/file?name=b.rules.yaml&saved=")
    assert (folder / "b.rules.yaml").read_text() == TESTED and not (folder / "a.rules.yaml").exists()
    refused = await desk.send("delete", "slots.yaml", "")
    assert refused.status_code == 409 and (folder / "slots.yaml").exists()
    await desk.open("banners/x.html")
    assert (await desk.send("delete", "banners/x.html", "")).headers["location"] == "/files"
    assert not (folder / "banners" / "x.html").exists()


async def test_what_somebody_else_changed_is_not_deleted_nor_by_who_may_not_write(folder: Path) -> None:
    desk = Desk(folder)
    await desk.open("banners/x.html")
    (folder / "banners" / "x.html").write_text("<p>y</p>")
    answer = await desk.send("delete", "banners/x.html", "")
    assert answer.status_code == 409 and "somebody has changed" in answer.text
    desk = Desk(folder, may_write=False)
    await desk.open("banners/x.html")
    assert (await desk.send("delete", "banners/x.html", "")).status_code == 409
    assert (folder / "banners" / "x.html").exists()


async def test_a_new_banner_makes_its_folder(folder: Path) -> None:
    desk = Desk(folder)
    assert (await desk.send("save", "cards/gift.html", await desk.open("cards/gift.html"))).status_code == 303
    assert "first_name" in (folder / "cards" / "gift.html").read_text()


async def test_what_somebody_else_saved_meanwhile_is_not_overwritten(folder: Path) -> None:
    mia, sam = Desk(folder), Desk(folder)
    await mia.open("a.rules.yaml"), await sam.open("a.rules.yaml")
    assert (await sam.send("save", "a.rules.yaml", TESTED + "# Sam\n")).status_code == 303
    refused = await mia.send("save", "a.rules.yaml", TESTED + "# Mia\n")
    assert (refused.status_code, "somebody has changed" in refused.text) == (409, True)
    assert '<a href="/file?name=a.rules.yaml" target="_blank">Open it as it is now</a>' in refused.text
    assert written_in(refused) == TESTED + "# Mia\n", "what she wrote is not lost"
    again = await mia.send("save", "a.rules.yaml", TESTED + "# Mia\n")
    assert again.status_code == 409, "pressing the button twice does not help"
    assert (folder / "a.rules.yaml").read_text() == TESTED + "# Sam\n"


async def test_who_presses_save_twice_has_saved_once(folder: Path) -> None:
    desk = Desk(folder)
    await desk.open("a.rules.yaml")
    answers = [await desk.send("save", "a.rules.yaml", TESTED + "# twice\n") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (MISSPELT, 'I do not know "slott"'),
        (TESTED.replace("show:", "when: {country: BE}\n    show:"), 'the test "All see it" fails'),
    ],
)
async def test_where_saving_makes_live_no_mistake_is_saved_and_in_a_draft_it_is(
    folder: Path, text: str, told: str
) -> None:
    live, draft = Desk(folder, is_published=False), Desk(folder, is_published=True)
    await live.open("a.rules.yaml"), await draft.open("a.rules.yaml")
    refused = await live.send("save", "a.rules.yaml", text)
    assert (refused.status_code, told in html.unescape(refused.text)) == (409, True)
    assert (folder / "a.rules.yaml").read_text() == TESTED
    assert (await draft.send("save", "a.rules.yaml", text)).status_code == 303
    assert (folder / "a.rules.yaml").read_text() == text


async def test_one_of_several_mistakes_may_be_mended_where_saving_makes_live(folder: Path) -> None:
    (folder / "a.rules.yaml").write_text(MISSPELT.replace("title", "titel"))
    desk = Desk(folder, is_published=False)
    await desk.open("a.rules.yaml")
    assert (await desk.send("save", "a.rules.yaml", MISSPELT)).status_code == 303


async def test_without_leave_to_write_one_may_look_and_try(folder: Path) -> None:
    desk = Desk(folder, may_write=False)
    await desk.open("a.rules.yaml")
    tried = await desk.send("check", "a.rules.yaml", MISSPELT)
    assert "slott" in tried.text and "Save" not in tried.text
    refused = await desk.send("save", "a.rules.yaml", TESTED + "# more\n")
    assert (refused.status_code, "TAILORBIRD_STUDIO_WRITES" in refused.text) == (409, True)
    assert (folder / "a.rules.yaml").read_text() == TESTED


@pytest.mark.parametrize(
    "name",
    ["../a.rules.yaml", "/etc/passwd", "cache.yaml", ".rules.yaml", "x/y.rules.yaml", "banners/../x.html", "a\nb"],
)
async def test_a_file_that_is_no_editors_is_neither_shown_nor_written(folder: Path, name: str) -> None:
    desk = Desk(folder)
    assert WRITABLE.fullmatch(name) is None
    assert "is no name of a file" in await desk.open(name)
    assert (await desk.send("save", name, "x")).status_code == 400


async def test_a_link_out_of_the_folder_is_not_followed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    (folder / "cards").symlink_to(other)
    refused = await Desk(folder).send("save", "cards/x.html", "<p>x</p>")
    assert (refused.status_code, list(other.iterdir())) == (409, [])


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
async def test_a_file_in_another_encoding_is_opened_and_saved_as_utf8(folder: Path, encoding: str) -> None:
    text, desk = TESTED.replace("Winter", "Größer"), Desk(folder)
    (folder / "a.rules.yaml").write_bytes(text.encode(encoding))
    assert await desk.open("a.rules.yaml") == text
    assert "was not saved as UTF-8" in (await desk.get("/file?name=a.rules.yaml")).text
    assert (await desk.send("save", "a.rules.yaml", text)).status_code == 303
    assert (folder / "a.rules.yaml").read_text(encoding="utf-8") == text


async def test_each_file_tells_its_warnings_and_the_page_of_one_speaks_of_its_own_rules(folder: Path) -> None:
    (folder / "b.rules.yaml").write_text(RULES.replace("Winter <sale>", "Other").replace("Winter,", "'{shoe size|x}',"))
    desk = Desk(folder)
    row = re.search(r"b\.rules\.yaml</a>.*?</tr>", (await desk.get("/files")).text)
    assert row and 'data-of="warning">1</td>' in row[0]
    await desk.open("a.rules.yaml")
    said = (await desk.send("check", "a.rules.yaml", TESTED)).text
    assert "1 of 1 rules are tested" in said and "not tested" not in said
