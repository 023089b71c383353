"""From a draft to what is live: on a running proxy, as the studio's buttons do it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxy.errors import OperatorError
from proxy.stores.versions import Versions
from tests.wire.behind import Behind
from tests.wire.origin import Origin, always, ok
from tests.wiring.test_tailorbird import ANNA, FOLDER, HTML, PAGE, RULES, until

GOOD_DAY = RULES.replace("Hello", "Good day")
OVER = """version: 1
rules:
  - {name: A sale that was, slot: home.hero, until: 2020-01-01, show: nothing new}
"""


@asynccontextmanager
async def shop(folder: Path, **settings: str) -> AsyncIterator[Behind]:
    """A proxy whose files are drafts."""
    async with (
        Origin(always(ok(PAGE, *HTML))) as origin,
        Behind(origin.url, FOLDER, folder, profiles=[ANNA], **{"rules_mode": "published", **settings}) as behind,
    ):
        yield behind


async def as_anna(behind: Behind) -> str:
    browser = {"user-agent": "Firefox/140.0"}
    return (await behind.client.get("/", headers={**behind.cookies_of("anna"), **browser})).text


async def test_until_something_is_published_that_is_what_is_amiss(tmp_path: Path) -> None:
    async with shop(tmp_path) as behind:
        site = behind.tailorbird.desk
        assert (await site.readiness()).reasons == ["nothing is published yet; no rules are being served"]
        assert "by `tailorbird publish" in site.findings[0].help
        await site.publish("Mia", "first")
        await until(lambda: site.publication)
        assert ((await site.readiness()).reasons, site.findings) == ([], [])


@pytest.mark.parametrize("is_first", [True, False])
async def test_a_plan_names_the_tests_that_fail_and_how(is_first: bool, tmp_path: Path) -> None:
    tests = "".join(f"  - {{name: Stranger {number}, expect: {{home.hero: Known by name}}}}\n" for number in range(7))
    async with shop(tmp_path) as behind:
        site = behind.tailorbird.desk
        if not is_first:
            await site.publish("Mia", "first")
            await until(lambda: site.publication)
        behind.write("b.rules.yaml", f"rules: []\ntests:\n{tests}")
        told = await site.plan()
    assert not told.may_publish
    assert "  FAIL  Stranger 0 (b.rules.yaml:3)\n        home.hero should show" in told.text
    assert "  FAIL  Stranger 4 " in told.text and "and 2 more, which `tailorbird test` tells" in told.text


async def test_a_plan_counts_the_warnings_that_check_tells(tmp_path: Path) -> None:
    async with shop(tmp_path) as behind:
        behind.write("b.rules.yaml", OVER)
        assert "0 errors, 1 warning (L2 b.rules.yaml:3)" in (await behind.tailorbird.desk.plan()).text


async def test_a_draft_is_planned_by_what_was_recorded_published_and_gone_back_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.visitors.recording.FLUSH_SECONDS", 0.01)
    async with shop(tmp_path) as behind:
        site = behind.tailorbird.desk
        first = await site.plan()
        assert (first.may_publish, "Nothing is published yet" in first.text) == (True, True)
        await site.publish("Mia", "first")
        await until(lambda: site.publication)
        assert "Hello Anna" in await as_anna(behind)
        await until(lambda: site.metrics.get("tailorbird_views_recorded_total", "kept"))
        live = await site.plan()
        assert (live.text, live.may_publish) == ("The files are those of version 1, which is live.", False)

        behind.write("a.rules.yaml", GOOD_DAY)
        told = await site.plan()
        assert "Checks: 0 errors" in told.text
        assert "  ~ Known by name                         shows something else" in told.text
        assert "home.hero   100 %  ▇▇▇▇▇▇▇▇ 1 view    Known by name → Known by name, with new content 1" in told.text
        version = site.publication.version
        await site.publish("Mia", "friendlier")
        await until(lambda: site.publication.version != version)
        assert "Good day Anna" in await as_anna(behind)
        await site.roll_back(1, "Sam")
        await until(lambda: site.publication.version == version)


async def test_what_has_mistakes_or_is_live_already_is_not_published(tmp_path: Path) -> None:
    async with shop(tmp_path) as behind:
        site = behind.tailorbird.desk
        await site.publish("Mia", "first")
        with pytest.raises(OperatorError, match="version 1 is live and has these files"):
            await site.publish("Mia", "again")
        behind.write("a.rules.yaml", RULES.replace("home.hero", "home.heroo"))
        planned = await site.plan()
        assert (planned.may_publish, planned.findings[0].code, bool(planned.compared)) == (False, "R301", True)
        assert planned.text.endswith(" found in 1 file.")
        with pytest.raises(OperatorError, match="not published: 1 error") as refusal:
            await site.publish("Mia", "typo")
        assert "`tailorbird check` says why" in str(refusal.value)
        behind.write("a.rules.yaml", RULES + "tests: [{name: No, expect: {home.hero: Known by name}}]")
        with pytest.raises(OperatorError, match="1 failed") as refusal:
            await site.publish("Mia", "wrong")
        assert "`tailorbird test` says why" in str(refusal.value)
        assert Versions(behind.rules).live() == 1


async def test_a_draft_that_somebody_else_changed_since_it_was_compared_is_not_published(tmp_path: Path) -> None:
    async with shop(tmp_path) as behind:
        site, versions = behind.tailorbird.desk, Versions(behind.rules)
        mine = (await site.plan()).compared
        behind.write("a.rules.yaml", GOOD_DAY)
        with pytest.raises(OperatorError, match="somebody changed a file"):
            await site.publish("Mia", "mine", mine)
        assert versions.live() == 0
        await site.publish("Sam", "both", (await site.plan()).compared)
        behind.write("a.rules.yaml", RULES)
        mine = (await site.plan()).compared
        await site.publish("Sam", "back")
        behind.write("a.rules.yaml", RULES + "# more")
        with pytest.raises(OperatorError, match="or published"):
            await site.publish("Mia", "more", mine)
        assert versions.live() == 2


@pytest.mark.parametrize("settings", [{}, {"approval": "required"}])
async def test_who_presses_publish_twice_has_published_once(settings: dict[str, str], tmp_path: Path) -> None:
    async with shop(tmp_path, **settings) as behind:
        site = behind.tailorbird.desk
        compared = (await site.plan()).compared
        await asyncio.gather(*(site.publish("Mia", "good day", compared) for _ in range(2)))
        await site.publish("Mia", "good day", compared)
        assert [entry.message for entry in Versions(behind.rules).history()] == ["good day"]
        behind.write("a.rules.yaml", GOOD_DAY)
        with pytest.raises(OperatorError, match="somebody changed a file, or published"):
            await site.publish("Mia", "good day", compared)


async def test_where_a_second_person_must_approve_publishing_asks(tmp_path: Path) -> None:
    async with shop(tmp_path, approval="required") as behind:
        site, versions = behind.tailorbird.desk, Versions(behind.rules)
        assert (await site.plan()).must_be_approved
        await site.publish("Mia", "first")
        with pytest.raises(OperatorError, match="somebody else"):
            await site.approve(1, "Mia")
        assert versions.live() == 0
        await site.approve(1, "Sam")
        assert versions.live() == 1
        await until(lambda: site.publication)


async def test_a_folder_that_is_live_as_saved_has_no_draft(tmp_path: Path) -> None:
    async with shop(tmp_path, rules_mode="folder") as behind:
        planned = await behind.tailorbird.desk.plan()
        assert (planned.may_publish, "live at once" in planned.text) == (False, True)
        behind.write("a.rules.yaml", GOOD_DAY)
        await until(lambda: Versions(behind.rules).live() == 2)
        planned = await behind.tailorbird.desk.plan()
        assert planned.text.startswith("Version 1 → Version 2, which is live")
        assert "  ~ Known by name                         shows something else" in planned.text
        assert (planned.may_publish, "Publish with" in planned.text) == (False, False)
        with pytest.raises(OperatorError, match="nothing to publish"):
            await behind.tailorbird.desk.publish("Mia", "why not")


async def test_going_back_in_a_folder_that_is_live_as_saved_loses_no_work(tmp_path: Path) -> None:
    async with shop(tmp_path, rules_mode="folder") as behind:
        site, versions = behind.tailorbird.desk, Versions(behind.rules)
        behind.write("a.rules.yaml", GOOD_DAY)
        await until(lambda: versions.live() == 2)
        behind.write("a.rules.yaml", "# half done")
        with pytest.raises(OperatorError, match="would lose them"):
            await site.roll_back(1, "Sam")
        behind.write("a.rules.yaml", GOOD_DAY)
        await site.roll_back(1, "Sam")
        assert (behind.rules / "a.rules.yaml").read_text() == RULES


async def test_the_plan_of_a_folder_with_mistakes_that_is_live_as_it_is_saved_says_what_goes_on(tmp_path: Path) -> None:
    async with shop(tmp_path, rules_mode="folder") as behind:
        site = behind.tailorbird.desk
        await until(lambda: site.publication)
        behind.write("a.rules.yaml", RULES.replace("home.hero", "home.heroo"))
        assert (await site.plan()).text.startswith("The folder has mistakes, so version 1 goes on.")
