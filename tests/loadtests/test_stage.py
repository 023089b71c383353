from __future__ import annotations

import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from loadtests.stage import held_port, running, wait_for

SERVER = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
HTTPServer(("127.0.0.1", int(sys.argv[1])), BaseHTTPRequestHandler).serve_forever()
"""


def test_a_held_port_is_got_by_the_server_that_names_it_and_by_nobody_else() -> None:
    with held_port() as port:
        with pytest.raises(OSError, match="in use"), socket.socket() as other:
            other.bind(("127.0.0.1", port))
        with running([sys.executable, "-c", SERVER, str(port)], ready=f"http://127.0.0.1:{port}/") as process:
            assert process.poll() is None
            with pytest.raises(OSError, match="in use"):
                socket.create_server(("127.0.0.1", port))


def test_another_that_answers_at_the_address_is_not_taken_for_the_server_that_ended() -> None:
    started = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)

    class Another(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            started.communicate()
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Another) as another:
        threading.Thread(target=another.handle_request).start()
        with pytest.raises(RuntimeError):
            wait_for(f"http://127.0.0.1:{another.server_port}/", started, seconds=60)


def test_what_was_started_is_asked_directly_whatever_proxy_the_environment_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setattr("urllib.request._opener", None)  # kept from before it was named
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with held_port() as port:
        command = [sys.executable, "-c", SERVER, str(port)]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            try:
                wait_for(f"http://127.0.0.1:{port}/", process, seconds=10)
            finally:
                process.kill()
