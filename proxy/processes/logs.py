"""What is logged on standard error: a line each, as text or JSON, and not the same kind again and again.

Its law: nobody waits for who reads it. A program that collects logs and hangs would else stop every worker.
"""

from __future__ import annotations

import asyncio
import faulthandler
import json
import logging
import os
import signal
import time
from select import PIPE_BUF, POLLOUT, poll

from proxy.terminal import readable

STACKS = signal.SIGUSR2
STDERR = 2
MOST_ALIKE = 100
WITHIN_SECONDS = 10.0
_MOST_KINDS = 1_000


def set_up(level: str, form: str) -> None:
    """Logs what is as important as `level`; `form` is text or json. A process that is sent `STACKS`, or that crashes,
    writes what each of its threads is doing."""
    faulthandler.enable(STDERR)
    faulthandler.register(STACKS, STDERR)
    handler = Unwaiting(STDERR)
    handler.setFormatter(AsJson() if form == "json" else AsText())
    handler.addFilter(FewAlike())
    logging.basicConfig(level=level.upper(), handlers=[handler])
    for others in ("uvicorn.error", "httpx"):  # that it started, stopped and sent something, we say ourselves
        logging.getLogger(others).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    """False where an answer broke off, or was given up at the end: why, we said ourselves."""
    is_given_up = record.exc_info is not None and isinstance(record.exc_info[1], asyncio.CancelledError)
    return not is_given_up and record.msg != "ASGI callable returned without completing response."


class AsText(logging.Formatter):
    """`2026-11-26T09:30:00.250Z WARNING 4711 tailorbird.origin ...`, with the process that tells it."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(process)d %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return readable(super().format(record))


class AsJson(AsText):
    """One object a line, for programs that collect logs: a message or traceback of several lines is one text."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": self.formatTime(record),
            "level": record.levelname.lower(),
            "process": record.process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


class Unwaiting(logging.Handler):
    """Writes to a descriptor what that takes at once. What it does not take, as a pipe whose reader hangs, is lost, and
    the next line tells how many were."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._lost = 0
        self._cut = b""
        self._ready = poll()
        self._ready.register(descriptor, POLLOUT)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if not self._ready.poll(0):
                self._lost += 1
                return
            if self._lost:
                record.msg = f"{record.msg} ({self._lost:,} lines before are lost: standard error took none)"
            self._write(self._cut + f"{self.format(record)}\n".encode(errors="replace"))
        except Exception:  # as in `StreamHandler`
            self.handleError(record)

    def _write(self, line: bytes) -> None:
        """A pipe that is ready takes so many bytes at once, and may take no more."""
        self._lost, self._cut = 0, b""
        for start in range(0, len(line), PIPE_BUF):
            if not self._ready.poll(0):
                self._cut = b"\n"
                return
            os.write(self._descriptor, line[start : start + PIPE_BUF])


class FewAlike(logging.Filter):
    """Lets through `MOST_ALIKE` messages of a kind in `WITHIN_SECONDS`; the next one after that says how many were left
    out. While an origin fails, each request might tell of it: that would fill a disk."""

    def __init__(self) -> None:
        super().__init__()
        self._kinds: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        kind = record.name, str(record.msg)
        began, count = self._kinds.get(kind, (record.created, 0))
        if not 0 <= record.created - began < WITHIN_SECONDS:
            if count > MOST_ALIKE:
                record.msg = f"{record.msg} (and {count - MOST_ALIKE:,} more like it before)"
            began, count = record.created, 0
        if len(self._kinds) >= _MOST_KINDS:
            self._kinds.clear()
        self._kinds[kind] = began, count + 1
        return count < MOST_ALIKE
