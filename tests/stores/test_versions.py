"""Versions are plain files that never change; the history is only ever added to; switching is one step."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from proxy.errors import OperatorError
from proxy.rulebook.compile import version_of
from proxy.rulebook.pauses import Pause, What
from proxy.stores.history import Action, Entry
from proxy.stores.versions import Versions, mark_of

FILES = {"a.rules.yaml": b"version: 1\n", "banners/x.html": b"<p>x</p>"}
OTHER = FILES | {"a.rules.yaml": b"version: 1 # again\n"}
SALE = Pause(What.RULE, "Sale")


def publish(versions: Versions, files: dict[str, bytes] = FILES, action: Action = Action.PUBLISHED) -> Entry:
    return versions.publish(files, author="Mia", message="why", now=1.0, action=action)


def test_reading_makes_nothing(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    assert (versions.live(), versions.history(), versions.pauses()) == (0, [], frozenset())
    assert not list(tmp_path.iterdir())


def test_a_version_is_its_files_and_the_history_tells_of_it(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    entry = publish(versions)
    assert versions.history() == [entry] == [Entry(1.0, Action.PUBLISHED, 1, version_of(FILES), "Mia", "why")]
    assert (versions.live(), versions.files(1)) == (1, FILES)
    assert (tmp_path / ".tailorbird/versions/1/banners/x.html").read_bytes() == b"<p>x</p>"
    assert publish(versions, OTHER).version == versions.live() == 2
    assert versions.files(1) == FILES


def test_data_is_no_part_of_a_version_but_read_beside_it(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    publish(versions, FILES | {"products.jsonl": b"old", "orders.csv": b"old"})
    for name in ("products.jsonl", "orders.csv"):
        (tmp_path / name).write_bytes(b"new")
    assert versions.files(1) == FILES
    assert versions.files_now(1) == FILES | {"products.jsonl": b"new", "orders.csv": b"new"}


def test_a_link_that_somebody_put_into_a_version_is_not_followed(tmp_path: Path) -> None:
    """Who writes into the folder by git alone must not read what the server's user can: `/proc/self/environ`."""
    versions = Versions(tmp_path / "rules")
    (tmp_path / "secret").write_bytes(b"key")
    folder = tmp_path / "rules/.tailorbird/versions/1"
    (folder / "banners").mkdir(parents=True)
    (folder / "a.rules.yaml").write_bytes(b"version: 1\n")
    (folder / "banners/x.html").symlink_to(tmp_path / "secret")
    (tmp_path / "rules/.tailorbird/live").write_text("1")
    assert versions.files_now(1) == {"a.rules.yaml": b"version: 1\n"}


def test_a_version_that_somebody_changed_is_not_taken(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    publish(versions)
    path = tmp_path / ".tailorbird/versions/1/a.rules.yaml"
    path.chmod(0o644)
    path.write_bytes(b"version: 1 # by hand\n")
    with pytest.raises(OperatorError, match="not what was published"):
        versions.files(1)
    with pytest.raises(OperatorError, match="there is no version 7"):
        versions.files(7)


def test_what_is_asked_for_is_not_live_until_it_is_made_so(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    publish(versions)
    publish(versions, OTHER, Action.REQUESTED)
    assert versions.live() == 1
    versions.approve(2, author="Sam", now=2.0)
    assert versions.live() == 2
    with pytest.raises(OperatorError):
        versions.roll_back(3, author="Sam", message="", now=2.0)
    assert [entry.action for entry in versions.history()] == ["published", "requested", "approved"]


def test_a_saved_folder_is_a_version_once(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    assert [entry and entry.version for entry in (versions.load(FILES, 1.0), versions.load(FILES, 2.0))] == [1, None]
    again = versions.load(OTHER, 3.0), versions.load(FILES, 4.0)
    assert [entry and entry.version for entry in again] == [2, 1]
    assert versions.live() == 1


def test_a_version_that_was_cleared_away_leaves_its_number(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    for files in (FILES, OTHER):
        publish(versions, files)
    shutil.rmtree(tmp_path / ".tailorbird/versions/2")
    assert publish(versions, FILES | {"more": b""}).version == 3
    again = versions.load(OTHER, 2.0)
    assert again is not None
    assert (again.version, versions.files(4)) == (4, OTHER)


def test_rolling_back_a_saved_folder_changes_its_rule_files_only(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    publish(versions)
    saved = dict.fromkeys(("b.rules.yaml", "a.rules.yaml", "products.jsonl"), b"now")
    for name in (*saved, "README.md"):
        (tmp_path / name).write_bytes(b"now")
    with pytest.raises(OperatorError, match="would lose them"):
        versions.roll_back(1, author="Mia", message="", now=2.0, saved=lambda: saved)
    versions.load(saved, 2.0)
    versions.roll_back(1, author="Mia", message="", now=3.0, saved=lambda: saved)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".tailorbird", "README.md", "a.rules.yaml", "banners", "products.jsonl",
    ]  # fmt: skip
    assert (tmp_path / "a.rules.yaml").read_bytes() == FILES["a.rules.yaml"]
    assert versions.live() == 1


def test_of_what_two_persons_approve_at_once_the_second_is_refused(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    for files in (FILES, OTHER):
        publish(versions, files, Action.REQUESTED)
    barrier = threading.Barrier(2)

    def refusal(number: int) -> str:
        barrier.wait(20)
        try:
            versions.approve(number, author="Sam", now=2.0)
        except OperatorError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(2) as persons:
        accepted, refused = sorted(persons.map(refusal, (1, 2)))
    assert accepted == ""
    assert "went live since" in refused
    assert [entry.action for entry in versions.history()] == ["requested", "requested", "approved"]


def test_who_saves_a_file_while_somebody_rolls_back_is_refused_and_loses_nothing(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    publish(versions)
    (tmp_path / "a.rules.yaml").write_bytes(b"now")
    versions.load({"a.rules.yaml": b"now"}, 2.0)
    with ThreadPoolExecutor(1) as editor:
        saving: list[Future[None]] = []

        def saved() -> dict[str, bytes]:
            files = {"a.rules.yaml": (tmp_path / "a.rules.yaml").read_bytes()}
            saving.append(editor.submit(versions.write, "a.rules.yaml", b"an edit", mark_of(b"now")))
            wait(saving, timeout=0.2)
            return files

        versions.roll_back(1, author="Mia", message="", now=3.0, saved=saved)
        with pytest.raises(OperatorError, match="somebody has changed"):
            saving[0].result(20)
    assert (tmp_path / "a.rules.yaml").read_bytes() == FILES["a.rules.yaml"]


def test_pausing_and_resuming_are_told_once_each(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    hero = Pause(What.SLOT, "home.hero")
    assert len(versions.pause([SALE, hero], author="Mia", now=1.0)) == 2
    assert versions.pause([SALE], author="Mia", now=2.0) == []
    assert versions.pauses() == {SALE, hero}
    (entry,) = versions.resume([SALE], author="Sam", now=3.0)
    assert (entry.action, entry.what, entry.author) == (Action.RESUMED, "rule Sale", "Sam")
    assert versions.pauses() == {hero}


def test_many_at_once_get_a_number_each(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        entries = list(threads.map(lambda n: publish(Versions(tmp_path), FILES | {"n": b"%d" % n}), range(24)))
    assert sorted(entry.version for entry in entries) == list(range(1, 25))
    assert len(Versions(tmp_path).history()) == 24
    assert not [path for path in (tmp_path / ".tailorbird/versions").iterdir() if path.name.startswith(".")]


def test_a_history_that_was_damaged_is_told_with_its_line(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    publish(versions)
    with (tmp_path / ".tailorbird/history.jsonl").open("a") as history:
        history.write("{not json\n")
    with pytest.raises(OperatorError, match="line 2 of"):
        versions.history()


def test_a_file_that_is_written_stays_open_to_the_same_people(tmp_path: Path) -> None:
    path = tmp_path / "a.rules.yaml"
    for mode in (0o664, 0o600):
        path.write_bytes(b"old")
        path.chmod(mode)
        Versions(tmp_path).write("a.rules.yaml", b"new", mark_of(b"old"))
        assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", mode)


def test_a_message_may_hold_whatever_ends_a_line_elsewhere(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    message = "one\u2028two\u2029three\x85four\nfive"
    versions.publish(FILES, author="Mia", message=message, now=1.0, action=Action.PUBLISHED)
    assert [entry.message for entry in versions.history()] == [message]


def test_a_last_entry_without_the_end_of_its_line_counts(tmp_path: Path) -> None:
    versions, path = Versions(tmp_path), tmp_path / ".tailorbird/history.jsonl"
    first = publish(versions)
    path.write_bytes(path.read_bytes().rstrip())
    assert versions.history() == [first]
    second = publish(versions, OTHER)
    assert versions.history() == [first, second]


def test_an_entry_that_was_cut_short_never_counted_and_is_not_in_the_way(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    first = publish(versions)
    with (tmp_path / ".tailorbird/history.jsonl").open("a") as history:
        history.write('{"at":1.0,"action":"publ')  # then the disk was full
    assert versions.history() == [first]
    assert [publish(versions, OTHER), *versions.pause([SALE], author="Mia", now=2.0)] == versions.history()[1:]


def test_where_nobody_may_write_it_says_so(tmp_path: Path) -> None:
    (tmp_path / ".tailorbird" / "lock").mkdir(parents=True)  # refuses everybody, root too
    with pytest.raises(OperatorError, match=r"lock` cannot be written: .*let Tailorbird's user write"):
        publish(Versions(tmp_path))
    with pytest.raises(OperatorError, match="cannot be written"):
        Versions(tmp_path).pause([SALE], author="Mia", now=1.0)


def test_a_full_disk_is_told_as_that_and_what_was_live_stays(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    entry = publish(versions)
    (tmp_path / ".tailorbird/.live.new").symlink_to("/dev/full")
    with pytest.raises(OperatorError, match=r"No space left on device \(help: make room on its disk"):
        publish(versions, OTHER)
    assert (versions.live(), versions.history()) == (1, [entry])


def test_a_pause_that_cannot_be_told_does_not_happen(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    publish(versions)
    history = tmp_path / ".tailorbird/history.jsonl"
    history.unlink()
    history.mkdir()
    with pytest.raises(OperatorError, match="cannot be written"):
        versions.pause([SALE], author="Mia", now=2.0)
    assert not versions.pauses()
