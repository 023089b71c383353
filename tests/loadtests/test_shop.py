"""Locust's shoppers in shops with a fault each: a run that finds one fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
SECRET = "a signing key of many characters"
ENOUGH, STALL_SECONDS = 80, 1.5
PAGE = '<html><body><div data-slot="hero">Hello %s</div><a href="/p/1">P</a></body></html>'


class Shop(NamedTuple):
    """A shop: its address, the cookies that it was sent, and whether it was asked often enough."""

    url: str
    cookies: set[str]
    is_enough: threading.Event


@contextmanager
def shop(fault: str) -> Iterator[Shop]:
    numbers, cookies, is_enough, is_over = count(), set[str](), threading.Event(), threading.Event()

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            cookies.add(self.headers.get("cookie") or "")
            number = next(numbers)
            if fault == "stalls" and number > ENOUGH // 2:
                is_over.wait(STALL_SECONDS)
                is_enough.set()
                is_over.wait()
            if number > ENOUGH:
                is_enough.set()
            whose = "everybody" if fault == "one for all" else f"visitor{number}"
            page = PAGE % ("nobody" if fault == "not theirs" else "Anna")
            status = 503 if fault == "down" and self.path != "/" else 200
            own = (
                [] if "tb_v" in (self.headers.get("cookie") or "") else [("set-cookie", f"__Host-tb_v={whose}; Secure")]
            )
            self.say(status, "text/html", page[:-7] if fault == "cut" else page, own)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            decided = {"decisions": {"hero": {"value": {"html": "Hello Anna"}}}}
            self.say(200, "application/json", json.dumps(decided if self.path == "/_tb/decide" else {}), [])

        def say(self, status: int, kind: str, text: str, fields: list[tuple[str, str]]) -> None:
            self.send_response(status)
            for name, value in [("content-type", kind), ("content-length", str(len(text))), *fields]:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Shop(f"http://127.0.0.1:{server.server_port}", cookies, is_enough)
    finally:
        is_over.set()
        server.shutdown()
        server.server_close()


def walked(at: Shop, *options: str, secret: str = SECRET) -> tuple[int, str]:
    """Lets shoppers walk until the shop was asked often enough; the exit code, and all that was printed."""
    command = [
        sys.executable, "-m", "locust", "-f", "loadtests/shop.py", "--host", at.url, "--headless", "--users", "4",
        "--spawn-rate", "100", "--run-time", "100s", "--rate", "20", "--pages", "3", *options,
    ]  # fmt: skip
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TAILORBIRD", "LOAD_"))}
    environment |= {"TAILORBIRD_SECRET": secret} if secret else {}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        threading.Thread(target=lambda: at.is_enough.wait(90) and run.send_signal(signal.SIGTERM), daemon=True).start()
        said, _ = run.communicate(timeout=120)
    return run.returncode, said


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("", ""),
        ("down", "status 503"),
        ("cut", "not a whole page"),
        ("one for all", "the visitor's cookie of another browser"),
        ("not theirs", "the page does not show what is decided for its visitor"),
        ("stalls", "not answered when the run ended"),
    ],
)
def test_a_run_fails_where_a_shop_has_a_fault(fault: str, told: str) -> None:
    with shop(fault) as at:
        code, said = walked(at, "--check-share", "0.5", "--event-share", "0.2")
    assert code == (1 if fault else 0), said
    assert "/p/*" in said and told in said and ("of requests failed" in said) is bool(fault)
    assert not fault or said.rindex("NOT kept: ") > said.rindex("/p/*"), "what failed the run is said below the tables"


def test_what_is_asked_for_and_not_answered_when_the_run_ends_is_told_of_users_who_wait_for_answers_too() -> None:
    with shop("stalls") as at:
        code, said = walked(at, "--rate", "0", "--think", "0-0.1")
    assert code == 1 and "(unanswered)" in said and "not answered when the run ended" in said, said


def test_a_shop_that_is_not_there_is_told_in_one_line() -> None:
    code, said = walked(Shop("http://127.0.0.1:9", set(), threading.Event()))
    assert code != 0 and "http://127.0.0.1:9/ cannot be read: " in said and "Traceback" not in said, said


def test_known_visitors_come_with_cookies_signed_for_them_and_a_second_shop_is_measured_beside(tmp_path: Path) -> None:
    (tmp_path / "ids").write_text("anna\n")
    (tmp_path / "log").write_text("/only/here\n/logout?now\n")
    files = ("--skip", "^/log", "--addresses", str(tmp_path / "log"), "--visitors", str(tmp_path / "ids"))
    with shop("") as at, shop("down") as other:
        more = ("--known", "1", "--segments", "VIP", "--against", other.url, "--cookie", "consent=all")
        code, said = walked(at, *files, *more)
    assert code == 0 and f"Beside {other.url}: p50 " in said and "other: /only/*" in said, said
    assert "/logout" not in said
    assert at.cookies and all(
        one.startswith("consent=all; __Host-tb_v=") and "__Host-tb_s=" in one for one in at.cookies
    )


@pytest.mark.parametrize(
    ("options", "secret", "told"),
    [(("--known", "1"), "", "TAILORBIRD_SECRET"), (("--addresses", os.devnull), SECRET, "no page is named by")],
)
def test_what_is_missing_is_told_before_anything_is_asked(options: tuple[str, ...], secret: str, told: str) -> None:
    with shop("") as at:
        code, said = walked(at, *options, secret=secret)
    assert code != 0 and told in said and "Traceback" not in said, said
    assert at.cookies <= {""}
