"""A worker takes its place, says that it lives, and does not outlive its supervisor; what it is forked from has
imported all, and does nothing."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from proxy.cli.serve import Places, zygote_command
from proxy.processes.listener import bind
from proxy.processes.supervisor import READY
from proxy.processes.zygote import Zygote
from proxy.settings import Settings


@pytest.fixture
async def places() -> AsyncIterator[Places]:
    public, admin = bind("proxy", "127.0.0.1", 0), bind("studio", "127.0.0.1", 0)
    with public, admin:
        yield Places(public, admin)


@pytest.fixture
async def folder() -> AsyncIterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tb-") as name:
        yield Path(name)


@pytest.fixture
async def zygote(places: Places, folder: Path, tmp_path: Path) -> AsyncIterator[Zygote]:
    settings = Settings(
        origin=("http://127.0.0.1:9",),
        rules=str(tmp_path),
        store=f"sqlite:{tmp_path / 'store.db'}",
        secret="a-secret-for-tests-long-enough",
        admin_token="a-token-for-tests",
        ignored_cookies=(),
    )
    zygote = await Zygote.start(zygote_command(settings, places, folder))
    yield zygote
    zygote.close()
    await asyncio.wait_for(zygote.process.wait(), 30)


async def born(zygote: Zygote) -> tuple[int, int]:
    """A worker that serves: its pipe, and its number."""
    pipe = zygote.spawn()
    os.set_blocking(pipe, True)
    said = b""
    while READY not in said.partition(b"\n")[2] and (more := await asyncio.to_thread(os.read, pipe, 100)):
        said += more
    return pipe, int(said.partition(b"\n")[0])


async def test_it_serves_on_what_it_inherits_and_ends_when_its_supervisor_is_gone(
    zygote: Zygote, places: Places, folder: Path
) -> None:
    pipe, _ = await born(zygote)
    assert [name for name in os.listdir(folder) if name.endswith(".sock")]
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        answer = await client.get(f"http://127.0.0.1:{places.public.getsockname()[1]}/")
    assert answer.status_code == 502, "there is no origin, and it says so"
    zygote.close()
    os.close(pipe)
    assert await asyncio.wait_for(zygote.process.wait(), 30) == 0


async def test_nothing_goes_on_in_what_it_is_forked_from_which_has_imported_all(zygote: Zygote, places: Places) -> None:
    pipe, worker = await born(zygote)
    proc = Path(f"/proc/{zygote.process.pid}")
    assert len(list((proc / "task").iterdir())) == 1, "no threads"
    files = {os.readlink(file) for file in (proc / "fd").iterdir() if int(file.name) > 2}
    bound = {f"socket:[{os.fstat(place.fileno()).st_ino}]" for place in places if place is not None}
    assert len(bound) == 2
    assert bound < files
    assert len(files) == 3, "and its end of the line"
    assert libraries(worker) == libraries(zygote.process.pid)
    os.close(pipe)


def libraries(pid: int) -> set[str]:
    """The compiled modules that a process has imported."""
    maps = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines()
    return {line.split()[-1] for line in maps if line.endswith(".so")}
