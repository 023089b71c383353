"""Erasing somebody where the disk has no room."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from proxy.cli import tailorbird
from proxy.errors import StoreError
from proxy.model import Arrival, Event
from proxy.stores import keep_reserve, open_store, sqlite_erasing
from proxy.stores.sqlite_erasing import RESERVE_BYTES

NOON = 1_795_435_200.0


def viewed(visitor_id: str, number: int) -> Arrival:
    return Arrival(visitor_id, Event(NOON + number, f"web:{number}", "page viewed", f"/p/{visitor_id}/{number}"))


async def filled(folder: Path) -> str:
    """A store that knows anna and ben, and has room kept."""
    url = f"sqlite:{folder}/s.db"
    store = open_store(url)
    await store.apply([viewed(visitor_id, number) for number in range(300) for visitor_id in ("anna-qz7", "ben")])
    await store.aclose()
    keep_reserve(url)
    return url


@pytest.fixture
def no_room(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Patches that have the system say that the disk is full, while they are in use."""
    with monkeypatch.context() as patches:
        yield patches


async def run_erase(url: str) -> Result:
    arguments = ["erase", "anna-qz7", "--yes", "--store", url]
    return await asyncio.to_thread(CliRunner().invoke, tailorbird, arguments)


def full(patches: pytest.MonkeyPatch, free_bytes: int = 0) -> None:
    patches.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=free_bytes, f_frsize=1))


async def test_the_room_kept_is_given_back_when_somebody_is_erased_and_there_is_no_other(
    tmp_path: Path, no_room: pytest.MonkeyPatch
) -> None:
    url, kept = await filled(tmp_path), tmp_path / "s.db-reserve"
    stat = kept.stat()
    assert (stat.st_size, stat.st_blocks * 512 >= RESERVE_BYTES, stat.st_mode & 0o777) == (RESERVE_BYTES, True, 0o600)
    store = open_store(url)
    await store.mark_erased(["ben"], NOON - 1)
    assert kept.exists(), "there is other room"
    full(no_room)
    await store.mark_erased(["anna-qz7"], NOON + 999)
    assert not kept.exists()
    keep_reserve(url)
    assert not kept.exists(), "what room is left, others need"
    await store.aclose()


async def test_what_a_row_had_last_is_overwritten_even_where_the_file_cannot_be_written_again(
    tmp_path: Path, no_room: pytest.MonkeyPatch
) -> None:
    store = open_store(await filled(tmp_path))
    full(no_room)
    assert (await store.erase(["anna-qz7"], NOON + 999))["events"] == 300
    with pytest.raises(StoreError, match=r"no room to write the file anew.*\(help: make [\d,]+ bytes of room, then"):
        await store.scrub()
    assert (tmp_path / "s.db-wal").stat().st_size == 0
    assert b"/p/anna-qz7/7" not in (tmp_path / "s.db").read_bytes()
    assert len(await store.log_of("ben")) == 300
    await store.aclose()


async def test_the_receipt_says_so_and_the_next_erasure_makes_up_for_it(
    tmp_path: Path, no_room: pytest.MonkeyPatch
) -> None:
    url = await filled(tmp_path)
    full(no_room)
    receipts = []
    for code in (1, 0):
        told = await run_erase(url)
        assert told.exit_code == code
        receipts.append(json.loads(told.stdout))
        no_room.undo()
    assert receipts[0]["erased"]["events"] == 300 and set(receipts[0]["left"].values()) == {0}
    assert "no room" in receipts[0]["not_overwritten"] and receipts[1]["not_overwritten"] == ""


async def test_a_large_file_is_written_again_once_for_all_when_what_is_old_expires(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, written = await filled(tmp_path), list[int]()
    vacuumed = sqlite_erasing._vacuumed
    monkeypatch.setattr(sqlite_erasing, "_vacuumed", lambda connection: written.append(1) or vacuumed(connection))
    monkeypatch.setattr(sqlite_erasing, "AT_ONCE_BYTES", 1)
    told = await run_erase(url)
    receipt = json.loads(told.stdout)
    assert (told.exit_code, receipt["not_overwritten"], written) == (0, "", [])
    assert receipt["overwriting"].startswith("`tailorbird expire` writes the file anew")
    for _ in range(2):
        arguments = ["expire", "--days", "400", "--store", url]
        assert (await asyncio.to_thread(CliRunner().invoke, tailorbird, arguments)).exit_code == 0
    assert written == [1]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", str(folder)], capture_output=True).returncode:
        pytest.skip("only who may mount can try it")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_on_a_disk_without_a_byte_somebody_is_erased(disk: Path) -> None:
    url = await filled(disk)
    with pytest.raises(OSError, match="No space"):
        (disk / "other").write_bytes(bytes(80_000_000))
    assert json.loads((await run_erase(url)).stdout)["erased"]["events"] == 300
