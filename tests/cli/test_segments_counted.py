"""All visitors of a store, by one process or several."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.cli import segments
from proxy.cli.segments import Folder, counted
from proxy.errors import OperatorError
from proxy.model import Profile
from proxy.stores import open_store

NOON = 1_795_435_200.0
RULES = """
segments:
  Buyers: {when: {orders: at least 1}}
  Good buyers: {when: {segment: Buyers, orders: at least 4}}
rules: []
"""


@pytest.fixture
async def folder(tmp_path: Path) -> Folder:
    (tmp_path / "a.rules.yaml").write_text(RULES, "utf-8")
    url = f"sqlite:{tmp_path}/s.db"
    store = open_store(url)
    await store.put_profiles(Profile(f"v{number}", {"orders": float(number % 5)}) for number in range(1_000))
    await store.aclose()
    return Folder(tmp_path, None, url)


WHO = {frozenset[str](): 200, frozenset({"Buyers"}): 600, frozenset({"Buyers", "Good buyers"}): 200}


def test_everybody_is_counted_once_by_the_segments_they_are_in(folder: Folder) -> None:
    assert counted(folder, 1_000, NOON) == WHO


def test_several_processes_count_the_same(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "WORTH_A_PROCESS", 500)
    monkeypatch.setattr(segments.os, "cpu_count", lambda: 3)
    assert counted(folder, 1_500, NOON) == WHO


def test_a_folder_that_got_problems_meanwhile_is_said_so(folder: Folder) -> None:
    (folder.path / "a.rules.yaml").write_text("rulez: []", "utf-8")
    with pytest.raises(OperatorError, match="has problems now"):
        counted(folder, 1_000, NOON)
