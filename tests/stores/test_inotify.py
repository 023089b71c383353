from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from proxy.settings import Settings
from proxy.stores.inotify import Inotify, are_reported
from proxy.stores.ruledir import RuleFolder, read_folder

LONG = 3_600.0
"""Seconds that no test takes: what returns before was told."""
LONG_AGO = 1_000_000_000


@pytest.fixture
def inotify() -> Iterator[Inotify]:
    try:
        made = Inotify()
    except OSError:
        pytest.skip("this system tells nothing")
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.rules.yaml").write_text("rules: []\n")
    (tmp_path / "banners").mkdir()
    if not are_reported([str(tmp_path)], []):
        pytest.skip("this file system tells nothing")
    return tmp_path


CHANGES: dict[str, Callable[[Path], object]] = {
    "written in place": lambda folder: (folder / "a.rules.yaml").write_text("rules: [] # other\n"),
    "new": lambda folder: (folder / "b.rules.yaml").write_text("rules: []\n"),
    "deleted": lambda folder: (folder / "a.rules.yaml").unlink(),
    "moved in": lambda folder: (folder.parent / "moved").rename(folder / "c.rules.yaml"),
    "touched": lambda folder: os.utime(folder / "a.rules.yaml"),
    "in a folder of it": lambda folder: (folder / "banners" / "a.html").write_text("<p>"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_happens_in_the_folders_is_told(change: str, inotify: Inotify, folder: Path) -> None:
    (folder.parent / "moved").write_text("rules: []\n")
    folders = [str(folder), str(folder / "banners")]
    assert not inotify.watch(folders) and inotify.watch(folders)
    CHANGES[change](folder)
    inotify.wait(LONG)
    inotify.wait(0.0)  # what was told is not told again


def test_a_waiting_watcher_wakes_up(inotify: Inotify, folder: Path) -> None:
    inotify.watch([str(folder)])
    waiting = threading.Thread(target=inotify.wait, args=(LONG,))
    waiting.start()
    inotify.wake()
    waiting.join()


def test_a_folder_that_is_not_there_cannot_be_watched(inotify: Inotify, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="cannot be watched"):
        inotify.watch([str(tmp_path / "none")])


@pytest.mark.parametrize(
    ("kind", "is_told"), [("ext4", True), ("overlay", True), ("nfs4", False), ("virtiofs", False), ("", False)]
)
def test_only_file_systems_that_tell_all_are_relied_on(kind: str, is_told: bool, tmp_path: Path) -> None:
    device = tmp_path.stat().st_dev
    other = "22 27 0:9999 / /proc rw - proc proc rw\n"
    this = f"30 27 {os.major(device)}:{os.minor(device)} / /srv rw shared:1 - {kind} /dev/sda1 rw\n" if kind else ""
    (tmp_path / "mounts").write_text(other + this)
    assert are_reported([str(tmp_path)], [], tmp_path / "mounts") == is_told


def test_what_a_link_leads_to_is_not_told(folder: Path) -> None:
    link, other = folder / "b.rules.yaml", folder.parent / "linked"
    assert are_reported([str(folder)], [str(folder / "a.rules.yaml")])
    link.symlink_to("a.rules.yaml")
    other.symlink_to(folder)
    assert not are_reported([str(folder)], [str(link)])
    assert not are_reported([str(other)], [])


@pytest.mark.parametrize("change", CHANGES)
async def test_a_rule_folder_hears_of_it_without_looking(change: str, inotify: Inotify, folder: Path) -> None:
    (folder.parent / "moved").write_text("rules: []\n")
    for path in (folder / "banners", folder):
        os.utime(path, (LONG_AGO, LONG_AGO))
    rules = RuleFolder(folder, settings=Settings(rules_poll_ms=int(LONG * 1_000)))
    rules.read()
    changes = rules.changes()
    waiting = threading.Timer(0.1, CHANGES[change], (folder,))
    waiting.start()
    if change != "touched":  # which changes nothing
        assert await anext(changes) == read_folder(folder)
    waiting.join()
    await changes.aclose()
