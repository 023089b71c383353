"""Several servers share a process, bind at once, and stop together."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from proxy.errors import OperatorError
from proxy.processes import logs
from proxy.processes.listener import LATE, MOST_UNSENT_BYTES, Certificate, Listener, bind, run
from proxy.serve.app import App
from proxy.serve.protocol import protocols
from tests.wire.origin import Origin, by_path, ok
from tests.wire.site import Site


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


async def test_all_listeners_answer_and_one_signal_stops_them() -> None:
    listeners = [Listener("one", hello, "127.0.0.1", 0), Listener("two", hello, "127.0.0.1", 0)]
    running = asyncio.create_task(run(listeners))
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        answers = [(await client.get(listener.url)).text for listener in listeners]
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(running, 9)
    assert answers == ["hello", "hello"]


async def test_a_taken_port_is_told_before_anything_starts() -> None:
    first = Listener("one", hello, "127.0.0.1", 0)
    with pytest.raises(OperatorError, match=f"cannot open `127.0.0.1:{first.port}` for the two"):
        Listener("two", hello, "127.0.0.1", first.port)
    first.socket.close()


async def test_an_answer_in_two_writes_does_not_wait_for_an_acknowledgement() -> None:
    listener = Listener("one", hello, "127.0.0.1", 0)
    assert listener.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    listener.socket.close()


def test_the_system_keeps_little_for_a_client_that_takes_nothing() -> None:
    bound = bind("one", "127.0.0.1", 0)
    with bound, socket.create_connection(bound.getsockname()), bound.accept()[0] as connection:
        connection.setblocking(False)
        sent, piece = 0, bytes(16 * 1024)
        with pytest.raises(BlockingIOError):
            while sent < 16 * 1024 * 1024:
                sent += connection.send(piece)
        in_flight = 256 * 1024  # what the client's system takes for it
        assert sent < MOST_UNSENT_BYTES + in_flight


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no sockets of both families")
def test_all_addresses_with_ipv6_are_those_of_ipv4_too() -> None:
    with bind("one", "::", 0) as bound:
        socket.create_connection(("127.0.0.1", bound.getsockname()[1]), timeout=5).close()


# -- a gentle end


class Slow:
    """An application whose answer waits for `may_answer`."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.asked = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.set()
        await self.may_answer.wait()
        await hello(scope, receive, send)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
async def test_what_is_under_way_is_answered_and_the_connection_told_to_close(number: signal.Signals) -> None:
    noticed: list[bool] = []
    slow = Slow()
    listener = Listener("one", slow, "127.0.0.1", 0)
    running = asyncio.create_task(run([listener], on_notice=lambda: noticed.append(True)))
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        asking = asyncio.create_task(client.get(listener.url))
        await slow.asked.wait()
        os.kill(os.getpid(), number)
        with pytest.raises(OSError):
            async with asyncio.timeout(9):
                while True:  # until it listens no more
                    (await asyncio.open_connection("127.0.0.1", listener.port))[1].close()
        slow.may_answer.set()
        answer = await asking
    assert (answer.text, answer.headers["connection"]) == ("hello", "close")
    await asyncio.wait_for(running, 9)
    assert noticed == ([] if number is signal.SIGUSR1 else [True])


async def test_a_lame_duck_still_answers_and_says_that_it_is_one() -> None:
    noticed = asyncio.Event()
    listener = Listener("one", hello, "127.0.0.1", 0)
    running = asyncio.create_task(run([listener], lame_duck_seconds=60, on_notice=noticed.set))
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        assert (await client.get(listener.url)).text == "hello"
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(noticed.wait(), 9)
        assert (await client.get(listener.url)).text == "hello"
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.wait_for(running, 9)


async def test_what_takes_too_long_is_given_up_and_told_so(caplog: pytest.LogCaptureFixture) -> None:
    slow = Slow()
    listener = Listener("one", slow, "127.0.0.1", 0, drain_seconds=0.1)
    running = asyncio.create_task(run([listener]))
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        asking = asyncio.create_task(client.get(listener.url))
        await slow.asked.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(running, 9)
        assert (await asking).status_code == 500
    told = [record.getMessage() for record in caplog.records if logs._is_news(record)]
    assert told == [f"connections of the one that end before their answers do: 1 (help: {LATE})"]


# -- TLS


async def test_it_speaks_tls_with_the_certificate_it_is_given(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(tmp_path / "chain.pem"))
    certificate = Certificate(str(tmp_path / "chain.pem"), str(tmp_path / "key.pem"))
    large = ok(b"x" * 300_000, b"Cache-Control: max-age=60")
    async with Origin(by_path({b"/": large})) as origin, Site(origin.url) as site:
        app = App(site.gateway, {}, site.metrics, site.settings, lambda: site.now)
        protocol = protocols(app.at_once, app.begins, site.settings, site.metrics)
        listener = Listener(
            *("proxy", app, "127.0.0.1", 0), protocol=protocol, certificate=certificate, drain_seconds=1
        )
        running = asyncio.create_task(run([listener]))
        context = ssl.create_default_context()
        authority.configure_trust(context)
        async with httpx.AsyncClient(trust_env=False, verify=context) as client:
            assert listener.url.startswith("https://")
            answers = [await client.get(listener.url) for _ in range(2)]
        assert [len(answer.content) for answer in answers] == [300_000] * 2
        assert "; hit" in answers[1].headers["cache-status"]
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port, ssl=context)
        writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(300_000)
        writer.transport.pause_reading()  # so it never agrees to the end
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.wait_for(running, 9)
        writer.transport.abort()
    assert not [record for record in caplog.records if record.name == "tailorbird.listener"]


@pytest.mark.parametrize("content", [None, b"no certificate"], ids=["missing", "something else"])
def test_a_certificate_that_cannot_be_used_is_told_at_once(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "chain.pem"
    if content is not None:
        path.write_bytes(content)
    why = "No such file" if content is None else "it is no certificate in PEM, or its key is missing or another's"
    with pytest.raises(OperatorError, match=rf"{why}.*TAILORBIRD_TLS_CERTIFICATE"):
        Listener("proxy", hello, "127.0.0.1", 0, certificate=Certificate(str(path)))
