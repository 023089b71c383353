"""What is said to be written is there after a power cut, in an order that never tells of what is not there."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from proxy.stores.history import Action
from proxy.stores.versions import FOLDER, Versions

FILES = {"home.rules.yaml": b"rules: []\n", "banners/hello.html": b"<p>Hello"}


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The last name of each file and folder that was brought to disk, in that order."""
    names: list[str] = []
    to_disk = os.fsync

    def noted(opened: int) -> None:
        to_disk(opened)
        names.append(Path(os.readlink(f"/proc/self/fd/{opened}")).name)

    monkeypatch.setattr(os, "fsync", noted)
    return names


def test_a_version_is_on_disk_before_anything_tells_of_it_and_that_is_before_it_is_live(
    tmp_path: Path, synced: list[str]
) -> None:
    Versions(tmp_path).publish(FILES, author="anna", message="", now=1.0, action=Action.PUBLISHED)
    *version, growing, versions, live, history, folder = synced
    assert sorted(version) == ["banners", "hello.html", "home.rules.yaml"]
    assert growing.startswith(".")
    assert (versions, live, history, folder) == ("versions", ".live.new", "history.jsonl", FOLDER)


def test_where_folders_cannot_be_brought_to_disk_versions_are_published_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_folders(opened: int) -> None:
        if stat.S_ISDIR(os.fstat(opened).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "fsync", no_folders)
    versions = Versions(tmp_path)
    versions.publish(FILES, author="anna", message="", now=1.0, action=Action.PUBLISHED)
    assert (versions.live(), versions.files(1)) == (1, FILES)
