"""A worker takes its place, says that it lives, and does not outlive its supervisor."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

import httpx

from proxy.cli.serve import Places, worker_command
from proxy.serve.listener import bind
from proxy.serve.supervisor import READY
from proxy.settings import Settings


async def test_it_serves_on_what_it_inherits_and_ends_when_its_supervisor_is_gone(tmp_path: Path) -> None:
    settings = Settings(
        origin=("http://127.0.0.1:9",),
        rules=str(tmp_path),
        store=f"sqlite:{tmp_path / 'store.db'}",
        secret="a-secret-for-tests-long-enough",
        ignored_cookies=(),
    )
    places = Places(bind("proxy", "127.0.0.1", 0), None)
    ours, theirs = os.pipe()
    with tempfile.TemporaryDirectory(prefix="tb-") as folder:
        command = worker_command(settings, places, Path(folder))
        process = await asyncio.create_subprocess_exec(
            *command.arguments,
            str(theirs),
            env=dict(command.environment),
            pass_fds=(theirs, places.public.fileno()),
            stderr=asyncio.subprocess.DEVNULL,
        )
        os.close(theirs)
        assert await asyncio.to_thread(os.read, ours, 1) == READY
        assert [name for name in os.listdir(folder) if name.endswith(".sock")]
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"http://127.0.0.1:{places.public.getsockname()[1]}/")
        assert answer.status_code == 502, "there is no origin, and it says so"
        os.close(ours)
        assert await asyncio.wait_for(process.wait(), 30) == 0
    places.public.close()
