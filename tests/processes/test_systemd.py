from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.environment import PREFIX
from proxy.errors import OperatorError
from proxy.processes import systemd
from proxy.processes.systemd import Passed, notify, passed
from tests.wire.daemon import SECRET, START_SECONDS, TOKEN
from tests.wire.origin import Origin, always, ok

START = 200
"""The first descriptor in place of 3, which is pytest's."""


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Passed as the first and the second; a datagram socket as the third."""
    monkeypatch.setattr(systemd, "FIRST_DESCRIPTOR", START)
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    with socket.create_server(("127.0.0.1", 0)) as bound, socket.socket(type=socket.SOCK_DGRAM) as other:
        for number, one in enumerate((bound, bound, other)):
            os.dup2(one.fileno(), START + number)
        yield bound
    for number in range(3):
        try:
            os.close(START + number)
        except OSError:
            continue


@pytest.mark.parametrize(
    ("names", "has_public", "has_studio"),
    [("", True, False), ("shop.socket", True, False), ("shop.socket:studio", True, True), ("studio", False, True)],
)
def test_the_socket_called_studio_is_the_studios_and_another_the_public_one(
    listening: socket.socket, names: str, has_public: bool, has_studio: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISTEN_FDS", str(has_public + has_studio))
    monkeypatch.setenv("LISTEN_FDNAMES", names)
    found = passed()
    assert (found.public is not None, found.studio is not None) == (has_public, has_studio)
    for one in found:
        if one is not None:
            assert one.getsockname() == listening.getsockname()
            assert not one.get_inheritable()
            one.close()
    assert not {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} & set(os.environ), "they are nobody else's"


@pytest.mark.parametrize(
    ("first", "count", "what"), [(START, 2, "several sockets of the public listener"), (START + 2, 1, "over TCP")]
)
def test_sockets_that_cannot_be_served_are_refused(
    listening: socket.socket, first: int, count: int, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(systemd, "FIRST_DESCRIPTOR", first)
    monkeypatch.setenv("LISTEN_FDS", str(count))
    with pytest.raises(OperatorError, match=what):
        passed()


def test_what_was_passed_to_another_process_is_not_taken(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISTEN_PID", str(os.getppid()))
    monkeypatch.setenv("LISTEN_FDS", "1")
    assert passed() == Passed()


def test_nobody_is_told_where_systemd_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify(systemd.READY)
    assert not caplog.messages
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    notify(systemd.READY)
    assert caplog.messages == ["systemd could not be told READY=1: No such file or directory"]


AS_SYSTEMD = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
os.execv(sys.argv[2], sys.argv[2:])
"""


async def heard(telling: socket.socket) -> str:
    async with asyncio.timeout(START_SECONDS):
        said = await asyncio.get_running_loop().sock_recv(telling, 4_096)
    return said.decode().partition("\n")[0]


def of_both_families() -> socket.socket:
    """As `ListenStream=80` makes one: clients have IPv4 addresses in IPv6 form."""
    if not socket.has_dualstack_ipv6():
        return socket.create_server(("127.0.0.1", 0))
    return socket.create_server(("::ffff:127.0.0.1", 0), family=socket.AF_INET6, dualstack_ipv6=True)


@pytest.mark.parametrize("workers", [1, 2])
async def test_it_serves_on_the_socket_of_systemd_and_tells_it_how_it_goes(tmp_path: Path, workers: int) -> None:
    told = f"\0tailorbird-test-{os.getpid()}-{workers}"
    with (
        of_both_families() as bound,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as telling,
    ):
        telling.bind(told)
        telling.setblocking(False)
        settings = {"rules": tmp_path, "store": f"sqlite:{tmp_path}/store.db", "secret": SECRET, "admin_token": TOKEN}
        settings |= {"admin_port": 0, "workers": workers, "lame_duck_seconds": 0}
        async with Origin(always(ok(b"hello"))) as origin:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", AS_SYSTEMD, str(bound.fileno())),
                *(sys.executable, "-m", "proxy", "serve", "--origin", origin.url),
                pass_fds=[bound.fileno()],
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                env={**os.environ, "NOTIFY_SOCKET": "@" + told[1:]}
                | {PREFIX + name.upper(): str(value) for name, value in settings.items()},
            )
            try:
                assert await heard(telling) == "READY=1"
                reader, writer = await asyncio.open_connection("127.0.0.1", bound.getsockname()[1])
                writer.write(b"POST / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
                assert (await reader.read()).endswith(b"hello")
                assert origin.requests[0].get(b"x-forwarded-for") == b"127.0.0.1"
                writer.close()
                if workers > 1:
                    process.send_signal(signal.SIGHUP)
                    assert [await heard(telling), await heard(telling)] == ["RELOADING=1", "READY=1"]
                process.send_signal(signal.SIGTERM)
                assert await heard(telling) == "STOPPING=1"
                assert await process.wait() == 0
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
