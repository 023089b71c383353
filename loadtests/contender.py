"""One server at one work: its answers compared, alone and under load, and its runs measured."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import socket
import statistics
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from loadtests.loader import Load, Requests, load
from loadtests.storefront import Shopper

CHECKED = 500

Expected = Callable[[Shopper], bytes]


@dataclass(frozen=True)
class Round:
    """A server's three runs of one round: at its limit, at a fixed rate, and with one connection."""

    full: Load
    paced: Load
    alone: Load


@dataclass
class Contender:
    """A server at one work. `checked` of its visitors are compared; `rate` is what it is paced to."""

    work: str
    name: str
    url: str
    pid: int
    requests: Requests
    expected: Expected
    checked: int = CHECKED
    rate: float = 0
    begun: int = 0
    body_bytes: float = 0
    wrong: int = 0
    rounds: list[Round] = field(default_factory=list)
    strained: list[Load] = field(default_factory=list)
    compared: int = 0
    refused: int = 0
    unanswered: int = 0

    def check(self) -> None:
        """Compares answers with what the visitors must get, and notes their mean size on the wire. The first request
        is nobody's: it brings the page into memory."""
        sizes = []
        with self._connected() as connection:
            asked(connection, self.requests.of_nobody())
            for number, shopper in enumerate(self.requests.visitors[: self.checked]):
                answer, body = asked(connection, self.requests.of(number))
                self.wrong += not self._is_right(answer, body, shopper)
                sizes.append(len(body))
        self.body_bytes = statistics.mean(sizes)

    def _is_right(self, answer: http.client.HTTPResponse, body: bytes, shopper: Shopper) -> bool:
        is_packed = answer.headers.get("content-encoding") == "gzip"
        plain = gzip.decompress(body) if is_packed else body
        return answer.status == 200 and is_packed == (self.work == "gzip") and plain == self.expected(shopper)

    def strain(self, seconds: int) -> None:
        """Compares answers while 32 connections ask as fast as they can. Refused, unanswered and wrong are three
        things: the first two may be the price of too much at once, the last never is."""
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(self.run, seconds)
            while not running.done():
                with contextlib.suppress(OSError), self._connected() as connection:
                    while not running.done() and self._compares(connection):
                        pass
            self.strained.append(running.result())

    def _connected(self) -> socket.socket:
        place = urlsplit(self.url)
        return socket.create_connection((place.hostname, place.port), timeout=10)

    def _compares(self, connection: socket.socket) -> bool:
        """One answer more; True while the connection may be used again."""
        number = self.compared % min(self.checked, len(self.requests.visitors))
        self.compared += 1
        try:
            answer, body = asked(connection, self.requests.of(number))
        except (OSError, http.client.HTTPException):
            self.unanswered += 1
            return False
        if answer.status == 200:
            self.wrong += not self._is_right(answer, body, self.requests.visitors[number])
        else:
            self.refused += 1
        return not answer.will_close

    def run(self, seconds: int, *, connections: int = 32, rate: float = 0) -> Load:
        """One run, going on with the visitors where the last one ended."""
        done = load(
            self.url, self.pid, self.requests,
            seconds=seconds, connections=connections, rate=rate, first=self.begun,
        )  # fmt: skip
        self.begun += done.requests + 1
        return done

    def round(self, seconds: int) -> None:
        """Measures one round."""
        runs = self.run(seconds), self.run(seconds, rate=self.rate), self.run(seconds, connections=1)
        self.rounds.append(Round(*runs))

    @property
    def lost(self) -> tuple[int, int]:
        """Requests under load that were refused (any status but 200), and such as got no answer at all."""
        runs = [*self.strained, *(run for one in self.rounds for run in (one.full, one.paced, one.alone))]
        refused, unanswered = sum(run.refused for run in runs), sum(run.unanswered for run in runs)
        return self.refused + refused, self.unanswered + unanswered

    def median(self, number: Callable[[Round], float]) -> float:
        """The median over the rounds."""
        return statistics.median(map(number, self.rounds))


def asked(connection: socket.socket, request: bytes) -> tuple[http.client.HTTPResponse, bytes]:
    """The answer to one request on a connection that stays open, and its body as it came."""
    connection.sendall(request)
    answer = http.client.HTTPResponse(connection, method="GET")
    answer.begin()
    return answer, answer.read()
