"""The rule folder on disk: what is read of it, and that every change is noticed."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from proxy.errors import OperatorError
from proxy.rulebook.compile import load
from proxy.rulebook.pauses import Pause, What
from proxy.rulebook.read import MAX_FILE_BYTES
from proxy.stores.history import Action
from proxy.stores.ruledir import RuleFolder, read_folder
from proxy.stores.versions import Versions

PATIENCE = 10  # seconds after which a change counts as never noticed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    (folder / "banners").mkdir(parents=True)
    (folder / "a.rules.yaml").write_text("rules: []\n")
    (folder / "banners" / "promo.html").write_text("<p>Promotion</p>")
    return folder


def test_only_files_that_mean_something_are_read(folder: Path) -> None:
    unread = ("README.md", "a.rules.yaml~", ".a.rules.yaml.swp", ".#a.rules.yaml", "~$a.rules.yaml", "._a.rules.yaml")
    for name in (*unread, "banners/notes.txt", "banners/._promo.html"):
        (folder / name).write_text("x")
    (folder / "slots.yaml").write_text("slots: {}")
    (folder / "b.rules.yaml").mkdir()
    assert sorted(read_folder(folder)) == ["a.rules.yaml", "banners/promo.html", "slots.yaml"]


def test_a_name_that_is_not_utf_8_is_told_as_that_and_keeps_nobody_from_reading(folder: Path) -> None:
    (folder / os.fsdecode("grüße.rules.yaml".encode("latin-1"))).write_bytes(b"rules: []\n# another")
    files = read_folder(folder)
    assert sorted(files) == ["a.rules.yaml", "banners/promo.html", "gr\\xfc\\xdfe.rules.yaml"]
    loaded = load(files)
    assert [(one.code, one.what) for one in loaded.findings] == [("Y004", "the name of this file is not in UTF-8")]
    assert loaded.publication is None


def test_no_folder_is_no_files(tmp_path: Path) -> None:
    assert read_folder(tmp_path / "gone") == {}


def test_a_link_within_the_folder_is_followed_and_one_that_leaves_it_is_not(folder: Path) -> None:
    (folder.parent / "secret").write_text("password")
    (folder / "banners" / "secret.html").symlink_to(folder.parent / "secret")
    (folder / "banners" / "again.html").symlink_to(folder / "banners" / "promo.html")
    (folder / "circle.rules.yaml").symlink_to(folder / "circle.rules.yaml")
    (folder / "cards").symlink_to("cards")
    assert sorted(read_folder(folder)) == ["a.rules.yaml", "banners/again.html", "banners/promo.html"]


def test_a_file_that_is_too_large_is_read_just_far_enough_to_tell(folder: Path) -> None:
    (folder / "a.rules.yaml").write_bytes(b"#" * (MAX_FILE_BYTES + 1000))
    assert len(read_folder(folder)["a.rules.yaml"]) == MAX_FILE_BYTES + 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_the_operators_to_mend(folder: Path) -> None:
    (folder / "a.rules.yaml").chmod(0)
    with pytest.raises(OperatorError, match=r"a\.rules\.yaml"):
        read_folder(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "a.rules.yaml").write_text("rules: [] # more"),
        lambda folder: (folder / "banners" / "promo.html").unlink(),
        lambda folder: (folder / "banners" / "new.html").write_text("<p>New</p>"),
        lambda folder: (folder / "cards").mkdir() or (folder / "cards" / "small.html").write_text("<p>"),
        lambda folder: shutil.rmtree(folder / "banners"),
        lambda folder: os.replace(folder / "banners" / "promo.html", folder / "banners" / "other.html"),
        lambda folder: Versions(folder).pause([Pause(What.SLOT, "home.hero")], author="Mia", now=1.0),
    ],
)
def test_a_quick_check_of_a_folder_sees_what_a_full_listing_sees(
    folder: Path, change: Callable[[Path], object]
) -> None:
    for place in (folder, folder / "banners"):
        os.utime(place, (1e9, 1e9))
    rules = RuleFolder(folder)
    before = rules.glance()
    assert rules.glance() is before  # not listed again
    change(folder)
    seen = rules.glance()
    assert seen != before and seen == RuleFolder(folder).glance()


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


# -- what is published


@pytest.mark.parametrize("name", ["live", "paused"])
@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"9" * 5_000, b"of late"])
async def test_a_damaged_file_of_ours_ends_nothing_and_the_last_files_stand(
    name: str, content: bytes, tmp_path: Path
) -> None:
    rules = RuleFolder(tmp_path, is_published=True)
    files = {"a.rules.yaml": b"version: 1\nrules: []\n"}
    rules.versions.publish(files, author="", message="", now=1.0, action=Action.PUBLISHED)
    assert rules.read() == files
    kept = (tmp_path / ".tailorbird" / name).read_bytes() if name == "live" else b""
    async with aclosing(rules.changes()) as changes, asyncio.timeout(PATIENCE):
        coming = asyncio.ensure_future(anext(changes))
        (tmp_path / ".tailorbird" / name).write_bytes(content)
        while rules.glance() != rules._stamps:
            await asyncio.sleep(0.01)
        (tmp_path / ".tailorbird" / name).write_bytes(kept)
        rules.versions.publish(files | {"b.rules.yaml": b""}, author="", message="", now=2.0, action=Action.PUBLISHED)
        while sorted(await coming) != ["a.rules.yaml", "b.rules.yaml"]:
            coming = asyncio.ensure_future(anext(changes))


async def test_in_published_mode_files_are_drafts_until_they_are_published(tmp_path: Path) -> None:
    folder, versions = RuleFolder(tmp_path, is_published=True), Versions(tmp_path)
    (tmp_path / "a.rules.yaml").write_text("one")
    (tmp_path / "products.jsonl").write_text("{}")
    assert folder.read() == {}
    async with asyncio.timeout(30), aclosing(folder.changes()) as changes:
        versions.publish({"a.rules.yaml": b"one"}, author="Mia", message="", now=1.0, action=Action.PUBLISHED)
        assert await anext(changes) == {"a.rules.yaml": b"one", "products.jsonl": b"{}"}
        (tmp_path / "a.rules.yaml").write_text("two")
        (tmp_path / "products.jsonl").write_text("{}{}")
        assert await anext(changes) == {"a.rules.yaml": b"one", "products.jsonl": b"{}{}"}
        versions.publish({"a.rules.yaml": b"two"}, author="Mia", message="", now=2.0, action=Action.PUBLISHED)
        assert (await anext(changes))["a.rules.yaml"] == b"two"
        versions.roll_back(1, author="Mia", message="", now=3.0)
        assert (await anext(changes))["a.rules.yaml"] == b"one"


@pytest.mark.parametrize("is_published", [False, True])
async def test_what_is_paused_is_heard_of_at_once(tmp_path: Path, is_published: bool) -> None:
    folder, versions = RuleFolder(tmp_path, is_published=is_published), Versions(tmp_path)
    pause = Pause(What.SLOT, "home.hero")
    folder.read()
    async with asyncio.timeout(30), aclosing(folder.changes()) as changes:
        versions.pause([pause], author="Mia", now=1.0)
        assert await anext(changes) == {}
        assert folder.pauses == {pause}
        versions.resume([pause], author="Mia", now=1.0)
        assert await anext(changes) == {}
        assert folder.pauses == frozenset()


def test_what_is_saved_is_remembered_as_a_version_but_a_draft_is_not(tmp_path: Path) -> None:
    RuleFolder(tmp_path, is_published=True).remember({"a.rules.yaml": b""}, 1.0)
    assert Versions(tmp_path).history() == []
    RuleFolder(tmp_path).remember({"a.rules.yaml": b""}, 1.0)
    assert [entry.action for entry in Versions(tmp_path).history()] == [Action.LOADED]
