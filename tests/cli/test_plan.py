"""`tailorbird plan`: what a draft means, and who would see something different."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from proxy.cli import tailorbird
from proxy.model import View
from proxy.stores.ruledir import read_folder
from proxy.stores.versions import Versions
from tests.cli.desk import NORWAY, RULES, Desk, done

VIEWS = [
    View(1_795_435_200.0 + n, "v1", {"home.hero": "", "home.row": "Row"}, {"country": "NO" if n % 4 else "NL"})
    for n in range(40)
]


def store_of(tmp_path: Path) -> str:
    url = f"sqlite:{tmp_path}/views.db"
    done(url, lambda at: at.views.put_views(VIEWS, most=100))
    return url


def test_it_tells_who_would_see_something_different(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.publish(RULES)
    desk.save(NORWAY)
    code, output = desk.say("plan", "--store", store_of(tmp_path))
    assert code == 0
    assert output.splitlines() == [
        "Version 1 → draft                                 replayed 40 page views of 1 min",
        "  ~ Sale                                  country: NL, BE  →  NL, BE, NO",
        "Who sees something different",
        "  home.hero  75.0 %  ▇▇▇▇▇▇ 30 views    page default → Sale 30",
        "Checks: 0 errors, 1 warning (L8 a.rules.yaml:4), 1 test passed",
        'Publish with: tailorbird publish -m "…"',
    ]


def test_what_is_not_there_for_the_draft_nor_for_what_is_live_is_said_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.publish(RULES)
    desk.save(NORWAY)
    (tmp_path / "products.jsonl").write_text("no JSON\n", encoding="utf-8")
    url = f"sqlite:{tmp_path}/none.db"
    _, output = desk.say("plan", "--store", url, "--catalogue", str(tmp_path / "products.jsonl"))
    assert output.count(f"nothing has been imported into `{url}` yet") == 1
    assert output.count("products.jsonl:") == 1


def test_the_live_version_changes_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.publish(RULES)
    told = json.loads(desk.say("plan", "--store", store_of(tmp_path), "--format", "json")[1])
    assert (told["changes"], told["replay"]["views"], told["replay"]["different"]) == ([], 40, 0)


def test_where_a_saved_folder_is_live_it_tells_what_the_last_change_changed(tmp_path: Path) -> None:
    desk, versions = Desk(tmp_path), Versions(tmp_path / "rules")
    for number, rules in enumerate((RULES, NORWAY)):
        desk.save(rules)
        versions.load(read_folder(desk.rules), float(number))
    lines = desk.say("plan", "--store", store_of(tmp_path))[1].splitlines()
    assert lines[0].startswith("Version 1 → Version 2, which is live")
    assert lines[3] == "  home.hero  75.0 %  ▇▇▇▇▇▇ 30 views    page default → Sale 30"
    assert not lines[-1].startswith("Publish with")
    assert "the rules mean the same" in desk.say("plan", "--against", "live", "--store", store_of(tmp_path))[1]
    desk.save(RULES)
    assert "Version 2 → draft" in desk.say("plan", "--store", store_of(tmp_path))[1], "saved, and not taken over yet"


def test_another_folder_may_be_the_draft_or_what_it_is_against(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    for name, text in (("a.rules.yaml", NORWAY), ("slots.yaml", "slots: {home.hero: {}, home.row: {}}")):
        (other / name).write_text(text)
    url = store_of(tmp_path)
    desk.publish(RULES)
    assert "page default → Sale 30" in desk.say("plan", str(other), "--store", url)[1]
    assert "Sale → page default 30" in desk.say("plan", "--against", str(other), "--store", url)[1]


def test_a_folder_with_versions_of_its_own_is_compared_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`publish DIR` makes live what is in it, so `plan DIR` tells what that would change."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    desk, elsewhere = Desk(here), Desk(there)
    desk.publish(RULES)
    elsewhere.publish(NORWAY.replace("Sale", "Other"))
    desk.save(NORWAY)
    monkeypatch.chdir(there)  # where `rules`, which is served unless said, is another
    told = CliRunner().invoke(tailorbird, ["plan", str(desk.rules), "--views", "0"]).output
    assert "  ~ Sale                                  country: NL, BE  →  NL, BE, NO" in told
    against = ["plan", str(desk.rules), "--rules", str(elsewhere.rules), "--views", "0"]
    assert "  - Other" in CliRunner().invoke(tailorbird, against).output


def test_a_draft_that_fails_its_tests_or_has_mistakes_is_exit_code_1(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.publish(RULES)
    desk.save(RULES.replace("{country: NL}, expect", "{country: DE}, expect"))
    code, output = desk.say("plan", "--store", store_of(tmp_path))
    assert (code, "0 tests passed, 1 failed" in output) == (1, True)
    desk.save(RULES.replace("NL, BE", "NL, UK"))
    assert desk.say("plan", "--store", store_of(tmp_path))[0] == 1


def test_without_recorded_views_it_still_tells_the_meaning(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.publish(RULES)
    desk.save(NORWAY)
    code, output = desk.say("plan", "--store", f"sqlite:{tmp_path}/none.db")
    assert code == 0
    assert "no page views: there is no store" in output
    assert "country: NL, BE  →  NL, BE, NO" in output


def test_before_anything_was_live_it_says_how_the_draft_is_and_what_to_do(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    code, output = desk.say("plan")
    assert code == 0 and output.splitlines() == [
        "Nothing is published yet. The draft: 0 errors, 1 warning (L8 a.rules.yaml:4), 1 test passed.",
        'Make it live with: tailorbird publish -m "…"; or serve it, where a saved folder is live',
    ]
    desk.save(RULES.replace("expect: {home.hero: Sale}", "expect: {home.hero: nothing new}"))
    code, output = desk.say("plan")
    assert (code, "FAIL  Dutch" in output, "Make it live" in output) == (1, True, False)
    desk.save(RULES.replace("slot: home.hero", "slot: home.heroo"))
    code, output = desk.say("plan")
    assert (code, 'no page has a slot "home.heroo"' in output) == (1, True)
    assert "is live yet" in desk.say("plan", "--format", "json")[1]
    assert "is live yet" in desk.say("plan", "--against", "live")[1]
