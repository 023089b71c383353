"""Drafts are loaded aside, as their files are now, and only the last few are kept."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from proxy.errors import OperatorError
from proxy.rulebook.compile import Loaded, Publication, load
from proxy.serve.drafts import MOST, Drafts, checks_of, plan_text
from proxy.stores.history import Action
from proxy.stores.versions import Versions

RULES = b"version: 1\nrules: []\n"


class Loads:
    """Loads, and counts."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, files: dict[str, bytes]) -> Loaded:
        self.count += 1
        return load(files)


async def test_a_draft_is_loaded_once_for_each_state_of_its_files(tmp_path: Path) -> None:
    loads = Loads()
    drafts = Drafts(tmp_path, loads)
    (tmp_path / "a.rules.yaml").write_bytes(RULES)
    first = await asyncio.gather(*(drafts.get("draft") for _ in range(5)))
    assert (loads.count, len({id(loaded) for loaded in first})) == (1, 1)
    (tmp_path / "a.rules.yaml").write_bytes(RULES + b"# more\n")
    assert (await drafts.get("draft")) is not first[0]
    assert loads.count == 2


async def test_a_version_and_a_folder_are_drafts_too(tmp_path: Path) -> None:
    drafts = Drafts(tmp_path, load)
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.rules.yaml").write_bytes(b"rules: {")
    Versions(tmp_path).publish({"a.rules.yaml": RULES}, author="", message="", now=1.0, action=Action.PUBLISHED)
    assert (await drafts.get("1")).publication is not None
    assert (await drafts.get(str(other))).findings
    with pytest.raises(OperatorError, match="no version 2"):
        await drafts.get("2")


async def test_only_the_last_few_are_kept(tmp_path: Path) -> None:
    loads = Loads()
    drafts = Drafts(tmp_path, loads)
    for number in range(MOST + 1):
        folder = tmp_path / f"draft-{number}"
        folder.mkdir()
        (folder / "a.rules.yaml").write_bytes(RULES + b"#%d\n" % number)
        await drafts.get(str(folder))
    await drafts.get(str(tmp_path / f"draft-{MOST}"))
    assert loads.count == MOST + 1
    await drafts.get(str(tmp_path / "draft-0"))
    assert loads.count == MOST + 2


def test_checks_are_findings_and_what_came_of_the_tests() -> None:
    rules = b"""version: 1
rules: [{name: Sale, slot: home.hero, show: {banner: {title: Sale}}}]
tests:
  - {name: Right, expect: {home.hero: Sale}}
  - {name: Wrong, expect: {home.hero: nothing new}}
"""
    checks = checks_of(load({"a.rules.yaml": rules, "slots.yaml": b"slots: {home.hero: {}}"}), 1_000.0)
    assert (checks.findings, checks.passed, checks.failed, checks.may_publish) == ((), 1, 1, False)
    checks = checks_of(load({"a.rules.yaml": rules}), 1_000.0)
    assert (bool(checks.findings), checks.passed, checks.may_publish) == (True, 0, False)


def test_what_a_draft_would_change_is_told_or_what_is_wrong_with_it() -> None:
    slots = {"slots.yaml": b"slots: {home.hero: {}}"}
    sale = b"version: 1\nrules: [{name: Sale, slot: home.hero, show: {banner: {title: Sale}}}]\n"
    live = load({"a.rules.yaml": RULES, **slots}).publication
    assert live is not None
    told = planned(live, {"a.rules.yaml": sale, **slots})
    assert told.startswith("Version 3 → draft")
    assert "+ Sale" in told
    assert "R301" in planned(live, {"a.rules.yaml": sale})
    first = planned(None, {"a.rules.yaml": sale, **slots})
    assert first == "Nothing is published yet. The draft: 0 errors, 0 tests passed."


def planned(live: Publication | None, files: dict[str, bytes]) -> str:
    draft = load(files)
    return plan_text([], live, draft, checks_of(draft, 1_000.0), 1_000.0, ("Version 3", "draft"))
