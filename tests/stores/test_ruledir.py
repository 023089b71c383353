"""The rule folder on disk: what is read of it, and that every change is noticed."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from proxy.errors import OperatorError
from proxy.rulebook.read import MAX_FILE_BYTES
from proxy.stores.ruledir import RuleFolder, read_folder

PATIENCE = 10  # seconds after which a change counts as never noticed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    (folder / "banners").mkdir(parents=True)
    (folder / "a.rules.yaml").write_text("rules: []\n")
    (folder / "banners" / "promo.html").write_text("<p>Promotion</p>")
    return folder


def test_only_files_that_mean_something_are_read(folder: Path) -> None:
    for name in ("README.md", "a.rules.yaml~", ".a.rules.yaml.swp", "banners/notes.txt"):
        (folder / name).write_text("x")
    (folder / "slots.yaml").write_text("slots: {}")
    (folder / "b.rules.yaml").mkdir()
    assert sorted(read_folder(folder)) == ["a.rules.yaml", "banners/promo.html", "slots.yaml"]


def test_no_folder_is_no_files(tmp_path: Path) -> None:
    assert read_folder(tmp_path / "gone") == {}


def test_a_link_within_the_folder_is_followed_and_one_that_leaves_it_is_not(folder: Path) -> None:
    (folder.parent / "secret").write_text("password")
    (folder / "banners" / "secret.html").symlink_to(folder.parent / "secret")
    (folder / "banners" / "again.html").symlink_to(folder / "banners" / "promo.html")
    (folder / "circle.rules.yaml").symlink_to(folder / "circle.rules.yaml")
    assert sorted(read_folder(folder)) == ["a.rules.yaml", "banners/again.html", "banners/promo.html"]


def test_a_file_that_is_too_large_is_read_just_far_enough_to_tell(folder: Path) -> None:
    (folder / "a.rules.yaml").write_bytes(b"#" * (MAX_FILE_BYTES + 1000))
    assert len(read_folder(folder)["a.rules.yaml"]) == MAX_FILE_BYTES + 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_the_operators_to_mend(folder: Path) -> None:
    (folder / "a.rules.yaml").chmod(0)
    with pytest.raises(OperatorError, match=r"a\.rules\.yaml"):
        read_folder(folder)


async def test_each_change_is_noticed_and_an_untouched_folder_is_not(folder: Path) -> None:
    rules = RuleFolder(folder)
    assert sorted(rules.read()) == ["a.rules.yaml", "banners/promo.html"]
    changes = rules.changes()

    async def after(change: object) -> dict[str, bytes]:
        return await asyncio.wait_for(anext(changes), PATIENCE)

    edited = await after((folder / "a.rules.yaml").write_text("rules: []\n# edited\n"))
    assert edited["a.rules.yaml"].endswith(b"# edited\n")
    os.utime(folder / "a.rules.yaml", (1, 1))  # new times, same content: nothing to tell
    added = await after((folder / "banners" / "new.html").write_text("<p>New</p>"))
    assert "banners/new.html" in added
    removed = await after((folder / "banners" / "new.html").unlink())
    assert "banners/new.html" not in removed
    await changes.aclose()


async def test_a_folder_that_is_deleted_and_made_again_is_watched_on(folder: Path) -> None:
    rules = RuleFolder(folder)
    rules.read()
    changes = rules.changes()
    kept = shutil.copytree(folder, folder.parent / "kept")
    shutil.rmtree(folder)
    assert await asyncio.wait_for(anext(changes), PATIENCE) == {}
    kept.rename(folder)
    assert "a.rules.yaml" in await asyncio.wait_for(anext(changes), PATIENCE)
    await changes.aclose()
