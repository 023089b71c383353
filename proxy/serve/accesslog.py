"""The access log: for each request that was answered, a line of JSON in a file or on standard output.

What is answered is noted as it stands; a thread makes the lines of it, many at a time, and writes them. Its law: nobody
waits for it. What cannot be written is lost and counted. A file that was moved away, as logrotate does, is made anew.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import NamedTuple

import msgspec

from proxy.errors import OperatorError
from proxy.http.client import Networks, client_of, networks
from proxy.http.message import Own, Question, Request
from proxy.metrics import Metrics
from proxy.model import Headers
from proxy.settings import Settings
from proxy.upstream.relay import Owed

log = logging.getLogger("tailorbird.accesslog")

PAUSE_SECONDS = 0.5
"""How long a line waits for others."""
ENOUGH = 200
"""So many wait no longer."""
MOST_WAITING = 50_000
"""More than these, while the disk takes none, are lost."""
HEAD_BYTES = 4_096
"""Of an answer that is one piece; what is told of it stands in its head."""
GONE = 499
"""The status of what nobody waited for, as nginx has it."""
_OURS = b"\r\ncache-status: tailorbird; "
_LENGTH = b"\r\ncontent-length: "

Asked = Request | tuple[Question, Own, str]
"""A request; or the question of many, what this one said of its own, and who sent it."""


class Line(msgspec.Struct, omit_defaults=True):
    """What is told of one request. `bytes` are those of the body, as Content-Length says: None where it does not; `ms`
    is from the request's head to the last byte handed to the system; `cache` is our part of Cache-Status. An answer
    that broke off or was not waited for to its end is not `whole`."""

    time: str
    client: str
    method: str
    host: str
    target: str
    status: int
    ms: float
    bytes: int | None = None
    cache: str = ""
    referer: str = ""
    user_agent: str = ""
    request_id: str = ""
    traceparent: str = ""
    whole: bool = True


class Noted(NamedTuple):
    """What was answered, `at` Unix seconds. `head` are the answer's fields, their lines, or the answer itself."""

    at: float
    asked: Asked
    status: int
    head: Headers | bytes
    seconds: float = 0.0
    is_whole: bool = True


class AccessLog:
    """One worker's, in the file at `path`, or on standard output for `-`. Raises `OperatorError` when it cannot be
    opened. All but the making of lines belongs to the event loop."""

    def __init__(self, path: str, trusted: Networks, metrics: Metrics, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._trusted = trusted
        self._metrics = metrics
        self.clock = clock
        self._noted: list[Noted] = []
        self._waiting = 0  # those the thread has
        self._timer: asyncio.TimerHandle | None = None
        self._is_well = True
        self._thread = ThreadPoolExecutor(1, "access-log")
        self._file = sys.stdout.fileno() if path == "-" else _opened(path)

    @classmethod
    def of(cls, settings: Settings, metrics: Metrics, clock: Callable[[], float] = time.time) -> AccessLog | None:
        """None when none is kept."""
        path = settings.access_log
        return cls(path, networks(settings.trusted_proxies), metrics, clock) if path else None

    def note(self, noted: Noted) -> None:
        """Has a line written soon."""
        self._noted.append(noted)
        if len(self._noted) >= ENOUGH:
            self._hand_over()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PAUSE_SECONDS, self._hand_over)

    def _hand_over(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        noted, self._noted = self._noted, []
        if self._waiting + len(noted) > MOST_WAITING:
            self._lost(len(noted))
        elif noted:
            self._waiting += len(noted)
            writing = asyncio.get_running_loop().run_in_executor(self._thread, self._write, noted)
            writing.add_done_callback(lambda done: self._written(len(noted), done.exception()))

    def _written(self, many: int, error: BaseException | None) -> None:
        self._waiting -= many
        if error is not None:
            self._lost(many)
        if (error is None) != self._is_well:
            self._is_well = error is None
            log.error("the access log cannot be written: %s", error) if error else log.info("it can be written again")

    def _lost(self, many: int) -> None:
        self._metrics.count("tailorbird_access_log_lost_total", by=many)

    async def aclose(self) -> None:
        """Writes what is left."""
        self._hand_over()
        await asyncio.to_thread(self._thread.shutdown)
        if self._path != "-":
            os.close(self._file)

    # -- in the thread

    def _write(self, noted: list[Noted]) -> None:
        if self._path != "-" and not _is_at(self._file, self._path):
            old, self._file = self._file, _opened(self._path)
            os.close(old)
        # One write for all: workers that share a file leave each other's lines whole.
        left = memoryview(b"".join([self.line(one) for one in noted]))
        while left:
            left = left[os.write(self._file, left) :]

    def line(self, noted: Noted) -> bytes:
        """The line, with its end."""
        asked = noted.asked
        request = asked if isinstance(asked, Request) else asked[0].request(asked[1], asked[2])
        head = noted.head if isinstance(noted.head, bytes) else b"\r\n".join(map(b": ".join, noted.head))
        head = b"\r\n%b\r\n" % head.partition(b"\r\n\r\n")[0]
        length = _said(head, _LENGTH)
        line = Line(
            _time(noted.at),
            client_of(request.client, request.headers, self._trusted)[0],
            request.method.decode("latin-1"),
            request.host.decode("latin-1"),
            request.target.decode("latin-1"),
            noted.status,
            round(max(0.0, noted.seconds) * 1_000, 3),
            int(length) if length.isdigit() else None,
            _said(head, _OURS),
            _text(request, b"referer"),
            _text(request, b"user-agent"),
            _text(request, b"x-request-id"),
            _text(request, b"traceparent"),
            noted.is_whole,
        )
        return msgspec.json.encode(line) + b"\n"


class Turns:
    """What is noted of the answers that one connection owes."""

    def __init__(self, log: AccessLog) -> None:
        self._log = log
        self._asked: dict[Owed, tuple[float, Asked]] = {}
        self._said: dict[Owed, tuple[int, Headers | bytes]] = {}

    def asked(self, turn: Owed, asked: Asked, *, instead_of: Owed | None = None) -> None:
        """It is owed from now on, or since the one was that it stands for."""
        at, _ = self._asked.pop(instead_of, (self._log.clock(), None)) if instead_of else (self._log.clock(), None)
        self._asked[turn] = at, asked

    def said(self, turn: Owed, status: int, head: Headers | bytes) -> None:
        """So the answer begins."""
        self._said[turn] = status, head

    def over(self, turn: Owed, *, is_whole: bool) -> None:
        """Nothing more is said in this turn."""
        status, head = self._said.pop(turn, (GONE, b""))
        if turn in self._asked:
            at, asked = self._asked.pop(turn)
            self._log.note(Noted(at, asked, status, head, self._log.clock() - at, is_whole))

    def at_once(self, asked: Asked, status: int, head: Headers | bytes) -> None:
        """It was answered as it was asked."""
        self._log.note(Noted(self._log.clock(), asked, status, head))


def _said(head: bytes, what: bytes) -> str:
    """What stands behind that in its line; the last time, where there are caches before us (RFC 9211 2)."""
    _, found, rest = head.rpartition(what)
    return rest.partition(b"\r")[0].decode("latin-1") if found else ""


def _time(at: float) -> str:
    seconds = int(at)
    return f"{_second(seconds)}.{int((at - seconds) * 1_000):03d}Z"


@lru_cache(maxsize=8)
def _second(at: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))


def _text(request: Request, name: bytes) -> str:
    return (request.get(name) or b"").decode("utf-8", "replace")


def _opened(path: str) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise OperatorError(
            f"the access log `{path}` cannot be written: {error.strerror}", help="name a file in a folder that is there"
        ) from error


def _is_at(file: int, path: str) -> bool:
    try:
        there, ours = os.stat(path), os.fstat(file)
    except FileNotFoundError:
        return False
    return (there.st_ino, there.st_dev) == (ours.st_ino, ours.st_dev)
