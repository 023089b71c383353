"""Opens connections to an origin, at one of the addresses behind its name, and says why when there is none."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import socket
import ssl
from collections import deque
from collections.abc import Awaitable, Callable
from time import monotonic

from proxy.ending import ended
from proxy.errors import OriginError
from proxy.http.authority import Address
from proxy.settings import Settings
from proxy.upstream.connection import Connection
from proxy.upstream.timeouts import Timeouts
from proxy.upstream.tls import client_tls, no_tls

SHOWN_SECONDS = 86_400.0
"""So long an origin counts as having the certificate that it showed. (A worker that is idle connects no more, and would
tell of one that was renewed long ago.)"""


class Dialing:
    """Opens connections to the origin at `address`, by the settings' times and certificates."""

    def __init__(self, address: Address, settings: Settings, timeouts: Timeouts) -> None:
        self._address = address
        self._tls = client_tls(settings) if address.scheme == "https" else None
        self._name = (settings.origin_name or address.host) if self._tls else None
        self._seconds = settings.connect_timeout_ms / 1_000
        self._timeouts = timeouts
        self._certificate_expiry, self._certificate_shown = 0, 0.0
        self._addresses = None if _is_address(address.host) else Addresses(address.host, f"origin `{address}`")

    async def dial(self, on_lost: Callable[[Connection], None]) -> Connection:
        """A new connection; `on_lost` is called at its end. Raises `OriginError`."""
        made: list[Connection] = []

        async def connect(host: str) -> Connection:
            made.append(connection := Connection(on_lost))
            loop, tls, name = asyncio.get_running_loop(), self._tls, self._name
            await loop.create_connection(lambda: connection, host, self._address.port, ssl=tls, server_hostname=name)
            return connection

        opened: Connection | None = None
        try:
            async with self._timeouts.within(self._seconds):
                opened = await self._open(connect)
            self._certificate_expiry, self._certificate_shown = opened.certificate_expiry(), monotonic()
        except Exception as error:  # whatever it is, who waits for the answer has to be told
            raise self._why(error) from error
        finally:
            for each in made:
                if each is not opened:
                    each.abort()  # it may have connected just before the timeout or the cancellation
        return opened

    def certificate_expiry(self) -> int:
        """When the certificate ends that the origin showed last, in Unix seconds; 0 if it showed none within a day: it
        may have another one by now."""
        return self._certificate_expiry if monotonic() < self._certificate_shown + SHOWN_SECONDS else 0

    async def _open(self, connect: Callable[[str], Awaitable[Connection]]) -> Connection:
        """The first of the origin's addresses that connects. (uvloop asks one after the other, and so none but the
        first if that is silent.)"""
        if self._addresses is None:
            return await connect(self._address.host)
        left, asked = deque(await self._addresses.now()), dict[asyncio.Future[Connection], str]()
        try:
            while True:
                if left:
                    address = left.popleft()
                    asked[asyncio.ensure_future(connect(address))] = address
                patience = PATIENCE_SECONDS if left else None
                done, waiting = await asyncio.wait(asked, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                for one in done:
                    address, error = asked.pop(one), one.exception()
                    if error is None:
                        self._addresses.answers(address)
                        return one.result()
                    if not left and not asked:
                        raise error
                    self._addresses.ask_last(address, "does not connect")
                for one in waiting if left and not done else ():
                    self._addresses.ask_last(asked[one], "is silent")
        finally:
            await ended(*asked)
            for one in asked:
                one.cancelled() or one.exception()  # or asyncio complains that nobody looked

    def _why(self, error: Exception) -> OriginError:
        who = f"origin `{self._address}`"
        if isinstance(error, ssl.SSLError):
            return no_tls(error, who)
        if isinstance(error, TimeoutError):
            is_found = self._addresses is None or self._addresses.is_found
            what = "did not connect in time" if is_found else "has no address: no name server says one in time"
            return OriginError(f"{who} {what}", reason="timeout", status=504)
        if isinstance(error, socket.gaierror):
            return OriginError(f"{who} has no address: {error.strerror}", reason="refused")
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
            help = "it is this machine's limit, not the origin: raise it by `ulimit -n`, LimitNOFILE in systemd"
            return OriginError(f"{who} was not asked: {error.strerror}", reason="refused", help=help)
        return OriginError(f"{who} refused the connection: {str(error) or 'it closed it at once'}", reason="refused")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


# -- The addresses behind an origin's name. One that does not answer is asked last for a while, and while the name
# cannot be looked up the addresses that were found last serve: else one dead server of several, or a minute without a
# name server, would be an outage.

log = logging.getLogger("tailorbird.origin")

PATIENCE_SECONDS = 0.2
"""So long the name is looked up while addresses are known, and an address is asked before the next is asked, too."""
LAST_SECONDS = 10.0
"""An address that did not answer is asked last for so long."""
KEPT_SECONDS = 600.0
"""Addresses serve for so long after they were found: by then they may be somebody else's."""


class Addresses:
    """The addresses of `host`, looked up for each connection, by one look-up at a time. `who` has them, in the log."""

    def __init__(self, host: str, who: str) -> None:
        self._host = host
        self._who = who
        self._found: list[str] = []
        self._found_at = 0.0
        self._looking: asyncio.Task[None] | None = None
        self._last: dict[str, float] = {}  # those asked last, until when

    @property
    def is_found(self) -> bool:
        """Whether there are addresses to ask, of the last ten minutes."""
        return bool(self._found) and monotonic() < self._found_at + KEPT_SECONDS

    async def now(self) -> list[str]:
        """The addresses, at least one, in the order to ask them. Raises `OSError` if none can be found."""
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_up())
            self._looking.add_done_callback(self._looked)
        looking, may_do = self._looking, self.is_found
        await asyncio.wait((looking,), timeout=PATIENCE_SECONDS if may_do else None)
        if looking.done() and not may_do:
            looking.result()
        now = monotonic()
        return sorted(self._found, key=lambda address: self._last.get(address, 0.0) > now)

    def ask_last(self, address: str, why: str) -> None:
        """That address does not answer: others are asked first for a while."""
        if address not in self._last:
            log.warning("`%s`, an address of %s, %s: its others are asked first", address, self._who, why)
        self._last[address] = monotonic() + LAST_SECONDS

    def answers(self, address: str) -> None:
        """That address answers."""
        if self._last and self._last.pop(address, None) is not None:
            log.info("`%s`, an address of %s, answers again", address, self._who)

    async def _look_up(self) -> None:
        found = await asyncio.get_running_loop().getaddrinfo(self._host, None, type=socket.SOCK_STREAM)
        self._found = list(dict.fromkeys(str(each[4][0]) for each in found))
        self._found_at = monotonic()
        self._last = {address: until for address, until in self._last.items() if address in self._found}

    def _looked(self, looking: asyncio.Task[None]) -> None:
        self._looking = None
        if not looking.cancelled() and (error := looking.exception()) is not None and self._found:
            log.warning("%s cannot be looked up: %s", self._who, getattr(error, "strerror", error))
